/* catalog: opening what is there, or saying clearly why not. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>

#include "catalog/schema.h"

static struct place place;

static void
setup(void)
{
    place_make(&place);
}

static void
teardown(void)
{
    place_remove(&place);
}

static void
check_private(const char *name)
{
    char path[256];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", place.state, name);
    ck_assert_msg(lstat(path, &st) == 0, "%s is missing", name);
    ck_assert_msg((st.st_mode & 07777) == 0600, "%s has mode %o", name, st.st_mode);
}

START_TEST(every_file_is_private)
{
    mode_t old = umask(0);
    struct weir_catalog *c = open_writer(&place);
    ck_ok(weir_catalog_begin(c, err));
    ck_ok(weir_catalog_fact_set(c, "a", "b", err));
    ck_ok(weir_catalog_commit(c, err));
    check_private("catalog.db");
    check_private("catalog.db-wal");
    check_private("catalog.db-shm");
    check_private("lock");
    weir_catalog_close(c);
    ck_assert_int_eq(chmod(place.db, 0644), 0); /* a careless copy */
    c = open_writer(&place);
    check_private("catalog.db");
    weir_catalog_close(c);
    (void)umask(old);
}
END_TEST

START_TEST(remembers_whose_it_is)
{
    char first[33], text[64];
    bool found = false;
    struct weir_catalog *c = open_writer(&place);
    (void)snprintf(first, sizeof(first), "%s", weir_catalog_job_id(c));
    ck_assert_uint_eq(strspn(first, "0123456789abcdef"), 32);
    ck_assert_str_eq(weir_catalog_path(c), place.db);
    struct stat st;
    ck_assert_int_eq(stat(place.state, &st), 0);
    ck_assert_uint_eq(weir_catalog_dir_stat(c)->ino, st.st_ino);
    weir_catalog_close(c);
    ck_ok(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 99, &c, err));
    ck_assert_str_eq(weir_catalog_job_id(c), first); /* the seed is for new ones only */
    ck_ok(weir_catalog_fact_get(c, "root_ino", text, sizeof(text), &found, err));
    ck_assert(found);
    ck_assert_str_eq(text, "2");
    weir_catalog_close(c);
    struct place other;
    place_make(&other);
    ck_ok(weir_catalog_open(other.state, WEIR_CATALOG_WRITE, &test_identity, 99, &c, err));
    ck_assert_str_ne(weir_catalog_job_id(c), first);
    weir_catalog_close(c);
    place_remove(&other);
}
END_TEST

static const struct {
    struct weir_catalog_identity id;
    const char *theirs, *ours;
} strangers[] = {
    {{"lake-b", "s3://bucket/prefix", "/lake/a", NULL, 7, 2}, "\"lake-a\"", "\"lake-b\""},
    {{"lake-a", "s3://bucket/other", "/lake/a", NULL, 7, 2},
     "\"s3://bucket/prefix\"",
     "bucket/other"},
    {{"lake-a", "s3://bucket/prefix", "/lake/b", NULL, 7, 2}, "\"/lake/a\"", "\"/lake/b\""},
    {{"lake-a", "s3://bucket/prefix", "", NULL, 7, 2}, "\"/lake/a\"", "\"\""},
};

START_TEST(refuses_another_job)
{
    struct weir_catalog *c = NULL;
    weir_catalog_close(open_writer(&place));
    for (int mode = WEIR_CATALOG_WRITE; mode <= WEIR_CATALOG_READ; mode++) {
        ck_fails(weir_catalog_open(place.state, (enum weir_catalog_mode)mode, &strangers[_i].id,
                                   1, &c, err),
                 WEIR_E_SAFETY, strangers[_i].theirs);
        ck_fails(weir_catalog_open(place.state, (enum weir_catalog_mode)mode, &strangers[_i].id,
                                   1, &c, err),
                 WEIR_E_SAFETY, strangers[_i].ours);
        ck_fails(weir_catalog_open(place.state, (enum weir_catalog_mode)mode, &strangers[_i].id,
                                   1, &c, err),
                 WEIR_E_SAFETY, "--state");
    }
    ck_assert_ptr_null(c);
    struct weir_catalog_identity moved = test_identity; /* for the caller's policy */
    moved.root_ino = 3;
    ck_ok(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &moved, 1, &c, err));
    weir_catalog_close(c);
    ck_ok(weir_catalog_open(place.state, WEIR_CATALOG_READ, NULL, 1, &c, err));
    ck_assert_uint_eq(strlen(weir_catalog_job_id(c)), 32);
    weir_catalog_close(c);
}
END_TEST

START_TEST(continues_after_a_kill_while_it_was_made)
{
    struct weir_catalog *c = NULL;
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    write_file(place.db, "", 0); /* the file, and nothing in it */
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_READ, NULL, 1, &c, err),
             WEIR_E_NOT_FOUND, "no pass has begun");
    weir_catalog_close(open_writer(&place));
    tamper(place.db, "DELETE FROM fact"); /* the tables, but no name yet */
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_READ, NULL, 1, &c, err),
             WEIR_E_NOT_FOUND, "no pass has begun");
    weir_catalog_close(open_writer(&place));
    weir_catalog_close(open_reader(&place));
    ck_assert_int_eq(unlink(place.db), 0);
    tamper(place.db, "PRAGMA journal_mode = WAL"); /* a header, but no tables */
    weir_catalog_close(open_writer(&place));
}
END_TEST

static const struct {
    const char *sql, *message;
} foreign[] = {
    {"CREATE TABLE theirs (a)", "another program"},
    {"PRAGMA user_version = 3", "another program"},
    {"PRAGMA application_id = 99; CREATE TABLE theirs (a)", "another program"},
    {"PRAGMA application_id = 2003134834; PRAGMA user_version = 999; CREATE TABLE t (a)",
     "newer weir"},
    {"PRAGMA application_id = 2003134834; CREATE TABLE t (a)", "no schema version"},
};

START_TEST(refuses_a_database_that_is_not_ours)
{
    struct weir_catalog *c = NULL;
    struct stat before, after;
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    tamper(place.db, foreign[_i].sql);
    ck_assert_int_eq(chmod(place.db, 0600), 0);
    ck_assert_int_eq(stat(place.db, &before), 0);
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, err),
             WEIR_E_CATALOG, foreign[_i].message);
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_READ, &test_identity, 1, &c, err),
             WEIR_E_CATALOG, place.db);
    ck_assert_int_eq(stat(place.db, &after), 0);
    ck_assert_int_eq(after.st_mtim.tv_sec, before.st_mtim.tv_sec); /* and leaves it alone */
    ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}
END_TEST

START_TEST(refuses_garbage)
{
    struct weir_catalog *c = NULL;
    uint64_t seed = 8;
    uint8_t data[20000];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)next_random(&seed);
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    for (size_t bytes = 1; bytes <= sizeof(data); bytes = bytes * 3 + 1) {
        write_file(place.db, data, bytes);
        ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, err),
                 WEIR_E_CATALOG, "existing: adopt");
        ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_READ, &test_identity, 1, &c, err),
                 WEIR_E_CATALOG, place.db);
    }
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
    struct weir_catalog *c = NULL;
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    ck_assert_int_eq(mkdir(place.db, 0700), 0);
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, err),
             WEIR_E_CATALOG, "not a regular file");
    ck_assert_int_eq(rmdir(place.db), 0);
    char target[200];
    (void)snprintf(target, sizeof(target), "%s/victim", place.dir);
    ck_assert_int_eq(symlink(target, place.db), 0);
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, err),
             WEIR_E_CATALOG, "not a regular file");
    ck_assert_int_ne(access(target, F_OK), 0);
}
END_TEST

START_TEST(reader_needs_a_catalog)
{
    struct weir_catalog *c = NULL;
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_READ, &test_identity, 1, &c, err),
             WEIR_E_NOT_FOUND, place.state);
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_READ, &test_identity, 1, &c, err),
             WEIR_E_NOT_FOUND, place.db);
    ck_assert_int_ne(access(place.db, F_OK), 0);
}
END_TEST

static bool
has_fact(struct weir_catalog *c, const char *name)
{
    char text[64];
    bool found = false;
    ck_ok(weir_catalog_fact_get(c, name, text, sizeof(text), &found, err));
    return found;
}

START_TEST(reader_beside_a_writer)
{
    struct weir_catalog *w = open_writer(&place), *r = open_reader(&place);
    ck_assert_str_eq(weir_catalog_job_id(w), weir_catalog_job_id(r));
    ck_ok(weir_catalog_begin(w, err));
    ck_ok(weir_catalog_fact_set(w, "phase", "seeding", err));
    ck_assert(!has_fact(r, "phase")); /* not yet committed */
    ck_ok(weir_catalog_commit(w, err));
    ck_assert(has_fact(r, "phase"));
    ck_fails(weir_catalog_begin(r, err), WEIR_E_BUG, place.db); /* looking only */
    weir_catalog_close(r);
    r = open_reader(&place);
    weir_catalog_close(w);
    ck_assert(has_fact(r, "phase")); /* the writer has gone */
    weir_catalog_close(r);
    r = open_reader(&place); /* nobody runs */
    ck_assert(has_fact(r, "phase"));
    w = open_writer(&place); /* and a reader stops no writer */
    ck_ok(weir_catalog_begin(w, err));
    ck_ok(weir_catalog_fact_set(w, "later", "1", err));
    ck_ok(weir_catalog_commit(w, err));
    ck_assert(has_fact(r, "later"));
    weir_catalog_close(w);
    weir_catalog_close(r);
}
END_TEST

START_TEST(reader_in_another_process_after_a_kill)
{
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct weir_catalog *c = open_writer(&place);
        ck_ok(weir_catalog_begin(c, err));
        ck_ok(weir_catalog_fact_set(c, "phase", "seeding", err));
        ck_ok(weir_catalog_commit(c, err));
        ck_ok(weir_catalog_begin(c, err));
        ck_ok(weir_catalog_fact_set(c, "lost", "1", err));
        (void)!write(ready[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    struct weir_catalog *r = open_reader(&place), *w = NULL;
    ck_assert(has_fact(r, "phase"));
    ck_assert(!has_fact(r, "lost"));
    weir_catalog_close(r);
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &w, err),
             WEIR_E_LOCKED, "process");
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    r = open_reader(&place); /* the -wal of the dead is read */
    ck_assert(has_fact(r, "phase"));
    ck_assert(!has_fact(r, "lost"));
    weir_catalog_close(r);
    w = open_writer(&place);
    ck_assert(has_fact(w, "phase"));
    ck_assert(!has_fact(w, "lost"));
    weir_catalog_close(w);
    (void)close(ready[0]);
    (void)close(ready[1]);
}
END_TEST

START_TEST(schema_steps_are_all_or_nothing)
{
    static const char *const wrong[] = {"SELECT 1", "SELECT 1",
                                        "CREATE TABLE second (a INTEGER) STRICT",
                                        "INSERT INTO nowhere VALUES (1)"};
    struct weir_catalog *c = open_writer(&place);
    ck_fails(weir_schema_run_steps(c, wrong, 4, err), WEIR_E_CATALOG, "nowhere");
    enum weir_schema_kind kind;
    ck_ok(weir_schema_look(c, &kind, err));
    ck_assert_int_eq(kind, WEIR_SCHEMA_CURRENT); /* nothing of it stayed */
    ck_assert_int_ne(sqlite3_exec(c->db, "SELECT * FROM second", NULL, NULL, NULL), SQLITE_OK);
    static const char *const upgrade[] = {"SELECT 1", "SELECT 1",
                                          "CREATE TABLE second (a INTEGER) STRICT",
                                          "INSERT INTO fact VALUES ('third', 'x')"};
    ck_ok(weir_schema_run_steps(c, upgrade, 4, err)); /* 2 -> 3 -> 4: not step 0 again */
    ck_assert(has_fact(c, "third"));
    ck_assert_int_eq(sqlite3_exec(c->db, "SELECT * FROM second", NULL, NULL, NULL), SQLITE_OK);
    ck_fails(weir_schema_look(c, &kind, err), WEIR_E_CATALOG, "schema 4, this one knows 2");
    weir_catalog_close(c);
}
END_TEST

START_TEST(writes_need_a_transaction)
{
    struct weir_catalog *c = open_writer(&place);
    int64_t id = 0;
    ck_fails(weir_catalog_commit(c, err), WEIR_E_BUG, "transaction");
    ck_fails(weir_catalog_dir_open(c, "a", 1, &id, err), WEIR_E_BUG, "transaction");
    ck_fails(weir_catalog_fact_set(c, "a", "b", err), WEIR_E_BUG, "transaction");
    ck_ok(weir_catalog_begin(c, err));
    ck_fails(weir_catalog_begin(c, err), WEIR_E_BUG, "transaction");
    ck_ok(weir_catalog_fact_set(c, "a", "b", err));
    weir_catalog_close(c); /* rolls back */
    c = open_writer(&place);
    ck_assert(!has_fact(c, "a"));
    weir_catalog_close(c);
    weir_catalog_close(NULL);
}
END_TEST

START_TEST(facts)
{
    char text[8] = "before";
    bool found = true;
    struct weir_catalog *c = open_writer(&place);
    ck_ok(weir_catalog_fact_get(c, "a", text, sizeof(text), &found, err));
    ck_assert(!found);
    ck_assert_str_eq(text, "before");
    ck_ok(weir_catalog_begin(c, err));
    ck_ok(weir_catalog_fact_set(c, "a", "", err));
    ck_ok(weir_catalog_fact_get(c, "a", text, sizeof(text), &found, err));
    ck_assert(found);
    ck_assert_str_eq(text, "");
    ck_ok(weir_catalog_fact_set(c, "a", "1234567", err)); /* fits exactly */
    ck_ok(weir_catalog_fact_get(c, "a", text, sizeof(text), &found, err));
    ck_assert_str_eq(text, "1234567");
    ck_ok(weir_catalog_fact_set(c, "a", "12345678", err));
    ck_fails(weir_catalog_fact_get(c, "a", text, sizeof(text), &found, err), WEIR_E_LIMIT,
             "fact a");
    ck_assert_str_eq(text, "1234567"); /* never cut short */
    ck_ok(weir_catalog_commit(c, err));
    weir_catalog_close(c);
}
END_TEST

START_TEST(write_ahead_log_stays_small)
{
    char wal[256];
    struct stat st;
    (void)snprintf(wal, sizeof(wal), "%s-wal", place.db);
    struct weir_catalog *c = open_writer(&place);
    char *text = malloc(1 << 20);
    memset(text, 'x', 1 << 20);
    text[(1 << 20) - 1] = '\0';
    for (int i = 0; i < 100; i++) {
        ck_ok(weir_catalog_begin(c, err));
        ck_ok(weir_catalog_fact_set(c, "large", text, err));
        ck_ok(weir_catalog_commit(c, err));
    }
    ck_assert_int_eq(stat(wal, &st), 0);
    ck_assert_int_lt(st.st_size, 32 << 20);
    free(text);
    weir_catalog_close(c);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_open");
    TCase *tc = tcase_create("open");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_file_is_private);
    tcase_add_test(tc, remembers_whose_it_is);
    tcase_add_loop_test(tc, refuses_another_job, 0, COUNT(strangers));
    tcase_add_test(tc, continues_after_a_kill_while_it_was_made);
    tcase_add_loop_test(tc, refuses_a_database_that_is_not_ours, 0, COUNT(foreign));
    tcase_add_test(tc, refuses_garbage);
    tcase_add_test(tc, refuses_what_is_no_file);
    tcase_add_test(tc, reader_needs_a_catalog);
    tcase_add_test(tc, reader_beside_a_writer);
    tcase_add_test(tc, reader_in_another_process_after_a_kill);
    tcase_add_test(tc, schema_steps_are_all_or_nothing);
    tcase_add_test(tc, writes_need_a_transaction);
    tcase_add_test(tc, facts);
    tcase_add_test(tc, write_ahead_log_stays_small);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
