/* catalog: no room, and writes that fail, are clear errors, and what was committed stays. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

static struct place place;

static int
put_some(struct weir_catalog *c, unsigned round, struct weir_err *err)
{
    static char etag[2000];
    char name[24];
    int64_t id = 0;
    memset(etag, 'e', sizeof(etag) - 1);
    if (weir_catalog_begin(c, err) != 0 || weir_catalog_dir_open(c, "d", 1, &id, err) != 0)
        return -1;
    for (unsigned i = 0; i < 20; i++) {
        struct weir_catalog_entry row = {
            .name = name, .type = 1, .proof = 2, .etag = etag, .version = ""};
        row.name_len = (size_t)snprintf(name, sizeof(name), "%06u-%02u", round, i);
        if (weir_catalog_entry_put(c, id, &row, NULL, 0, err) != 0)
            return -1;
    }
    return weir_catalog_commit(c, err);
}

/* Writes until it fails; checks error and what is left. */
static void
check_failure(enum weir_code code, int errno_value, const char *advice)
{
    struct weir_err first = WEIR_ERR_INIT;
    char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    struct weir_catalog *c = open_writer(&place);
    unsigned done = 0;
    while (done < 5000 && put_some(c, done, &first) == 0)
        done++;
    weir_err_text(&first, text, sizeof(text));
    ck_assert_msg(first.code == code, "%s", text);
    ck_assert_int_eq(first.scope, WEIR_SCOPE_RUN);
    if (errno_value != 0)
        ck_assert_int_eq(first.sys_errno, errno_value);
    ck_assert_msg(strstr(text, advice) != NULL && strstr(text, place.db) != NULL, "%s", text);
    ck_assert_uint_gt(done, 2);
    ck_fails(weir_catalog_commit(c, err), WEIR_E_IO, "earlier error"); /* not half of it */
    ck_fails(weir_catalog_fact_set(c, "a", "b", err), WEIR_E_IO, "run again");
    weir_catalog_close(c);

    struct weir_catalog *r = NULL; /* committed rows are there, the failed ones are not */
    uint64_t entries = 0, bytes = 0;
    ck_ok(weir_catalog_open(place.state, WEIR_CATALOG_READ, &test_identity, 1, &r, err));
    ck_ok(weir_catalog_totals(r, &entries, &bytes, err));
    ck_assert_uint_eq(entries, done * 20);
    weir_catalog_close(r);
}

/* In a mount namespace of its own a small tmpfs is the disk. */
START_TEST(disk_full)
{
    place_make(&place);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", place.dir, "tmpfs", 0, "size=1m") != 0) {
        fprintf(stderr, "full: no right to mount here (%s), left out\n", strerror(errno));
        place_remove(&place);
        return;
    }
    check_failure(WEIR_E_IO, ENOSPC, "make room");
    char filler[200];
    (void)snprintf(filler, sizeof(filler), "%s/filler", place.dir);
    struct weir_catalog *c = open_writer(&place); /* works on with the room there is */
    weir_catalog_close(c);
    int fd = open(filler, O_CREAT | O_WRONLY, 0600);
    static char block[4096];
    while (write(fd, block, sizeof(block)) > 0)
        ;
    (void)close(fd);
    struct place fresh = place; /* and with none at all a new one cannot be made */
    (void)snprintf(fresh.state, sizeof(fresh.state), "%s/other", place.dir);
    struct weir_err err = WEIR_ERR_INIT;
    ck_assert_int_eq(
        weir_catalog_open(fresh.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, &err), -1);
    ck_assert_int_eq(err.sys_errno, ENOSPC);
    ck_assert_int_eq(unlink(filler), 0);
    ck_assert_int_eq(nftw(place.state, place_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    c = open_writer(&fresh); /* as soon as there is room it is */
    weir_catalog_close(c);
    ck_assert_int_eq(umount(place.dir), 0);
    place_remove(&place);
}
END_TEST

START_TEST(write_fails)
{
    place_make(&place);
    struct rlimit limit, old;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    limit = old;
    limit.rlim_cur = 1500 << 10;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    check_failure(WEIR_E_IO, EFBIG, "kernel log");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    struct weir_catalog *c = open_writer(&place);
    ck_ok(put_some(c, 99999, err)); /* mended, it goes on */
    weir_catalog_close(c);
    place_remove(&place);
}
END_TEST

START_TEST(no_more_pages)
{
    place_make(&place);
    struct weir_catalog *c = open_writer(&place);
    struct weir_err full = WEIR_ERR_INIT;
    ck_assert_int_eq(sqlite3_exec(c->db, "PRAGMA max_page_count = 40", NULL, NULL, NULL),
                     SQLITE_OK);
    unsigned done = 0;
    while (done < 100 && put_some(c, done, &full) == 0)
        done++;
    ck_assert_int_eq(full.code, WEIR_E_IO);
    ck_assert_int_eq(full.sys_errno, ENOSPC);
    uint64_t entries = 0, bytes = 0;
    weir_catalog_close(c);
    c = open_writer(&place);
    ck_ok(weir_catalog_totals(c, &entries, &bytes, err));
    ck_assert_uint_eq(entries, done * 20);
    weir_catalog_close(c);
    place_remove(&place);
}
END_TEST

START_TEST(another_program_holds_it)
{
    place_make(&place);
    struct weir_catalog *c = open_writer(&place);
    sqlite3 *h = NULL;
    (void)sqlite3_busy_timeout(c->db, 10);
    ck_assert_int_eq(sqlite3_open(place.db, &h), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ck_fails(weir_catalog_begin(c, err), WEIR_E_LOCKED, "another program");
    ck_assert_int_eq(sqlite3_exec(h, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(h);
    ck_ok(weir_catalog_begin(c, err));
    weir_catalog_close(c);
    place_remove(&place);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_full");
    TCase *tc = tcase_create("full");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, disk_full);
    tcase_add_test(tc, write_fails);
    tcase_add_test(tc, no_more_pages);
    tcase_add_test(tc, another_program_holds_it);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
