/* catalog: killed at any moment, it holds what was acknowledged: every committed transaction
 * whole, no other in part.  The seed is printed; WEIR_TEST_SEED plays it again. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

enum { KILLS = 30, PER_TRANSACTION = 50, CHUNKS = 300 };

static struct place place;

/* Transaction t is directory "t", with PER_TRANSACTION rows of size t, and the fact last = t.
 */
static int
write_transaction(struct weir_catalog *c, uint64_t t, struct weir_err *err)
{
    static struct weir_xxh128 chunks[CHUNKS];
    char path[24], name[24];
    int64_t id = 0;
    int length = snprintf(path, sizeof(path), "%llu", (unsigned long long)t);
    if (weir_catalog_begin(c, err) != 0 ||
        weir_catalog_dir_open(c, path, (size_t)length, &id, err) != 0 ||
        weir_catalog_fact_set(c, "last", path, err) != 0)
        return -1;
    for (unsigned i = 0; i < PER_TRANSACTION; i++) {
        struct weir_catalog_entry row = {.name = name,
                                         .type = WEIR_ENTRY_FILE,
                                         .proof = WEIR_PROOF_VERIFIED,
                                         .st = {.size = t},
                                         .etag = "0123456789abcdef0123456789abcdef",
                                         .version = ""};
        row.name_len = (size_t)snprintf(name, sizeof(name), "%04u", i);
        if (weir_catalog_entry_put(c, id, &row, chunks, i % 10 == 0 ? CHUNKS : 0, err) != 0)
            return -1;
    }
    return weir_catalog_commit(c, err);
}

/* The child: writes transactions for ever, acknowledging each in shared memory. */
static void
write_until_killed(volatile uint64_t *acknowledged)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_catalog *c = NULL;
    if (weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, &err) != 0)
        _exit(3);
    for (;;) {
        uint64_t t = *acknowledged + 1;
        if (write_transaction(c, t, &err) != 0)
            _exit(4);
        *acknowledged = t;
    }
}

static void
check_transaction(struct weir_catalog *c, uint64_t t, bool want)
{
    char path[24];
    bool found = false;
    struct weir_catalog_dir dir;
    const struct weir_catalog_entry *row = NULL;
    int length = snprintf(path, sizeof(path), "%llu", (unsigned long long)t);
    ck_ok(weir_catalog_dir_get(c, path, (size_t)length, &dir, &found, err));
    ck_assert_msg(found == want, "transaction %s: %s", path, want ? "lost" : "in part");
    if (!found)
        return;
    ck_ok(weir_catalog_rows_begin(c, dir.id, err));
    for (unsigned i = 0; i < PER_TRANSACTION; i++) {
        ck_ok(weir_catalog_rows_next(c, &row, err));
        ck_assert_msg(row != NULL, "transaction %s: row %u is lost", path, i);
        ck_assert_uint_eq(row->st.size, t);
    }
    ck_ok(weir_catalog_rows_next(c, &row, err));
    ck_assert_ptr_null(row);
}

/* Opens after a kill: the last acknowledged or the one after it, whose acknowledgement was cut
 * off, is the last that is there.  Returns it. */
static uint64_t
check_after_kill(uint64_t acknowledged, uint64_t checked_before)
{
    char text[24] = "0";
    bool found = false;
    struct weir_catalog *c = open_writer(&place);
    ck_ok(weir_catalog_fact_get(c, "last", text, sizeof(text), &found, err));
    uint64_t last = strtoull(text, NULL, 10), entries = 0, bytes = 0;
    ck_assert_msg(last == acknowledged || last == acknowledged + 1,
                  "acknowledged %llu, found %llu", (unsigned long long)acknowledged,
                  (unsigned long long)last);
    for (uint64_t t = checked_before + 1; t <= last; t++)
        check_transaction(c, t, true);
    check_transaction(c, last + 1, false);
    ck_ok(weir_catalog_totals(c, &entries, &bytes, err));
    ck_assert_uint_eq(entries, last * PER_TRANSACTION);
    weir_catalog_close(c);
    return last;
}

START_TEST(nothing_acknowledged_is_lost)
{
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t seed = (uint64_t)getpid();
    if (given != NULL)
        seed = strtoull(given, NULL, 10);
    fprintf(stderr, "kill: seed %llu\n", (unsigned long long)seed);
    place_make(&place);
    volatile uint64_t *acknowledged =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(acknowledged != MAP_FAILED);
    uint64_t checked = 0;
    weir_catalog_close(open_writer(&place));
    for (int kill_no = 0; kill_no < KILLS; kill_no++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            write_until_killed(acknowledged);
        /* Up to 60 ms, opening counts too; longer until a slow machine got one done. */
        long ns = (long)(next_random(&seed) % (checked == 0 ? 600000000 : 60000000));
        (void)nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        int status = 0;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSIGNALED(status), "the writer failed: %d", WEXITSTATUS(status));
        checked = check_after_kill(*acknowledged, checked);
        *acknowledged = checked;
    }
    fprintf(stderr, "kill: %d kills, %llu transactions\n", KILLS, (unsigned long long)checked);
    ck_assert_uint_gt(checked, 0);
    (void)munmap((void *)(uintptr_t)acknowledged, 4096);
    place_remove(&place);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_kill");
    TCase *tc = tcase_create("kill");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, nothing_acknowledged_is_lost);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
