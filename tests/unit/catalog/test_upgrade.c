/* catalog: a file of schema 1 becomes one of today, with all that is in it. */
#include "support.h"

#include "catalog/schema.h"

/* As it was released: not to be changed. */
static const char version_1[] =
    "PRAGMA page_size = 8192;"
    "PRAGMA journal_mode = WAL;"
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE dir (id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE,"
    "sealed INTEGER NOT NULL, opened INTEGER NOT NULL, stat_digest BLOB NOT NULL,"
    "entries INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE entry (dir INTEGER NOT NULL, name BLOB NOT NULL, type INTEGER NOT NULL,"
    "proof INTEGER NOT NULL,"
    "size INTEGER NOT NULL, stat BLOB NOT NULL,"
    "xxh128 BLOB NOT NULL, crc64nvme INTEGER NOT NULL, part_bytes INTEGER NOT NULL,"
    "chunk_bytes INTEGER NOT NULL, etag TEXT NOT NULL, version TEXT NOT NULL,"
    "PRIMARY KEY (dir, name)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE chunks (id INTEGER PRIMARY KEY, dir INTEGER NOT NULL, name BLOB NOT NULL,"
    "digests BLOB NOT NULL, UNIQUE (dir, name)) STRICT;"
    "CREATE TABLE upload (id INTEGER PRIMARY KEY, path BLOB NOT NULL, key TEXT NOT NULL,"
    "upload_id TEXT NOT NULL,"
    "size INTEGER NOT NULL, stat BLOB NOT NULL,"
    "part_bytes INTEGER NOT NULL, chunk_bytes INTEGER NOT NULL,"
    "completing INTEGER NOT NULL) STRICT;"
    "CREATE INDEX upload_path ON upload (path);"
    "CREATE TABLE part (upload INTEGER NOT NULL, number INTEGER NOT NULL,"
    "bytes INTEGER NOT NULL, etag TEXT NOT NULL, has_crc64nvme INTEGER NOT NULL,"
    "crc64nvme INTEGER NOT NULL, chunks BLOB NOT NULL,"
    "PRIMARY KEY (upload, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE pass (pass INTEGER PRIMARY KEY AUTOINCREMENT, command TEXT NOT NULL,"
    "started_ns INTEGER NOT NULL, updated_ns INTEGER NOT NULL, finished INTEGER NOT NULL,"
    "exit_status INTEGER NOT NULL, ledger TEXT) STRICT;"
    "PRAGMA application_id = 2003134834; PRAGMA user_version = 1;"
    "INSERT INTO fact VALUES ('job', 'lake-a'), ('destination', 's3://bucket/prefix'),"
    "('root', '/lake/a'), ('root_dev', '7'), ('root_ino', '2'),"
    "('job_id', '0123456789abcdef0123456789abcdef'), ('caps', '63');"
    "INSERT INTO dir VALUES (3, x'', 1, 0, x'0102030405060708090a0b0c0d0e0f10', 40, 4096),"
    "(9, x'ff', 0, 1, zeroblob(16), 0, 0);"
    "INSERT INTO pass VALUES (17, 'seed', 100, 200, 1, 0, '{\"a\":1}'),"
    "(18, 'seed', 300, 400, 1, 3, NULL);";

enum { ROWS = 40 };

static struct place place;
static struct weir_catalog *catalog;
static struct weir_stat stats[ROWS]; /* of the rows of directory 3 */
static const struct weir_xxh128 digests[2] = {{{1}}, {{2}}};

static void
setup(void)
{
    place_make(&place);
    catalog = NULL;
}

static void
teardown(void)
{
    weir_catalog_close(catalog);
    place_remove(&place);
}

static uint8_t
type_of(unsigned i)
{
    return i % 4 == 3 ? WEIR_ENTRY_SYMLINK : WEIR_ENTRY_FILE;
}

static void
bind_stat(sqlite3_stmt *s, int column, const struct weir_stat *st)
{
    uint8_t packed[WEIR_PACK_BYTES_MAX];
    size_t bytes = weir_pack_stat(st, packed);
    sqlite3_bind_int64(s, column, (sqlite3_int64)st->size);
    sqlite3_bind_blob(s, column + 1, packed, (int)bytes, SQLITE_TRANSIENT);
}

static void
add(sqlite3 *db, const char *sql, const char *path, const struct weir_stat *st, int type)
{
    sqlite3_stmt *s = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_blob(s, 1, path, (int)strlen(path), SQLITE_STATIC);
    bind_stat(s, 2, st);
    if (type != WEIR_ENTRY_UNKNOWN)
        sqlite3_bind_int(s, 4, type);
    ck_assert_msg(sqlite3_step(s) == SQLITE_DONE, "%s", sqlite3_errmsg(db));
    (void)sqlite3_finalize(s);
}

static void
add_rows(sqlite3 *db)
{
    uint64_t seed = 5;
    for (unsigned i = 0; i < ROWS; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "f%02u", i);
        stats[i] = random_stat(&seed);
        if (i % 4 == 0)
            stats[i].size = 0;
        if (i % 4 == 1)
            stats[i].size |= 1; /* surely not empty */
        if (i == 1)
            stats[i].ino = UINT64_MAX - 1;
        add(db,
            "INSERT INTO entry VALUES (3, ?1, ?4, 2, ?2, ?3, zeroblob(16), -1, 8388608,"
            " 1048576, 'etag', 'v')",
            name, &stats[i], type_of(i));
    }
}

/* The file as the first weir would have left it. */
static void
make_version_1(void)
{
    sqlite3 *db = NULL;
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    tamper(place.db, version_1);
    ck_assert_int_eq(chmod(place.db, 0600), 0);
    ck_assert_int_eq(sqlite3_open(place.db, &db), SQLITE_OK);
    add_rows(db);
    add(db,
        "INSERT INTO upload VALUES (4, ?1, 'prefix/f02', 'id', ?2, ?3, 8388608, 1048576, 1)",
        "f02", &stats[2], WEIR_ENTRY_UNKNOWN);
    (void)sqlite3_close(db);
    tamper(place.db, "INSERT INTO part VALUES (4, 1, 8388608, 'p1', 1, -7, zeroblob(16));"
                     "INSERT INTO chunks VALUES (1, 3, x'663031',"
                     " x'0100000000000000000000000000000002000000000000000000000000000000')");
}

static void
check_dirs(void)
{
    struct weir_catalog_dir dir;
    bool found = false;
    ck_ok(weir_catalog_dir_get(catalog, "", 0, &dir, &found, err));
    ck_assert(found && dir.id == 3 && dir.sealed && !dir.opened && !dir.mounted);
    ck_assert_uint_eq(dir.entries, 40);
    ck_assert_uint_eq(dir.bytes, 4096);
    ck_assert_uint_eq(dir.stat_digest.b[15], 16);
    ck_ok(weir_catalog_dir_get(catalog, "\xff", 1, &dir, &found, err));
    ck_assert(found && dir.id == 9 && !dir.sealed && dir.opened && !dir.mounted);
}

static void
check_row(const struct weir_catalog_entry *row, unsigned i)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "f%02u", i);
    ck_assert_uint_eq(row->name_len, 3);
    ck_assert_mem_eq(row->name, name, 3);
    ck_assert_uint_eq(row->type, type_of(i));
    ck_assert_uint_eq(row->proof, WEIR_PROOF_VERIFIED);
    ck_same_stat(&row->st, &stats[i]);
    ck_assert_uint_eq(row->crc64nvme, UINT64_MAX);
    ck_assert_uint_eq(row->part_bytes, 8388608);
    ck_assert_uint_eq(row->chunk_bytes, 1048576);
    ck_assert_str_eq(row->etag, "etag");
    ck_assert_str_eq(row->version, "v");
    ck_assert_int_eq(row->gone_ns, 0);
}

static void
check_rows(void)
{
    const struct weir_catalog_entry *row = NULL;
    struct weir_xxh128 *chunks = NULL;
    size_t count = 0;
    ck_ok(weir_catalog_rows_begin(catalog, 3, err));
    for (unsigned i = 0; i < ROWS; i++) {
        ck_ok(weir_catalog_rows_next(catalog, &row, err));
        ck_assert_ptr_nonnull(row);
        check_row(row, i);
    }
    ck_ok(weir_catalog_rows_next(catalog, &row, err));
    ck_assert_ptr_null(row);
    ck_ok(weir_catalog_chunks_get(catalog, 3, "f01", 3, &chunks, &count, err));
    ck_assert_uint_eq(count, 2);
    ck_assert_mem_eq(chunks, digests, sizeof(digests));
    free(chunks);
}

/* The column was filled from the packed data. */
static void
check_inodes(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        struct weir_catalog_place at = {0};
        struct weir_catalog_entry row;
        bool found = false;
        ck_ok(weir_catalog_find_inode(catalog, &stats[i], &at, &row, &found, err));
        ck_assert_int_eq(found, type_of(i) == WEIR_ENTRY_FILE && stats[i].size > 0);
        if (found)
            check_row(&row, i);
        free(at.path);
    }
}

static int
see_part(void *ctx, const struct weir_part *part, const struct weir_xxh128 *chunks,
         size_t count)
{
    (void)chunks;
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(part->crc64nvme, UINT64_MAX - 6);
    ck_assert_str_eq(part->etag, "p1");
    ++*(int *)ctx;
    return 0;
}

static void
check_uploads_and_passes(void)
{
    struct weir_catalog_upload u;
    struct weir_catalog_pass pass;
    bool found = false;
    int parts = 0;
    int64_t good = 0;
    ck_ok(weir_catalog_upload_find(catalog, "f02", 3, &u, &found, err));
    ck_assert(found && u.id == 4 && u.completing && !u.delta);
    ck_assert_str_eq(u.key, "prefix/f02");
    ck_same_stat(&u.st, &stats[2]);
    ck_ok(weir_catalog_part_each(catalog, u.id, see_part, &parts, err));
    ck_assert_int_eq(parts, 1);
    ck_ok(weir_catalog_pass_last(catalog, &pass, &found, err));
    ck_assert(found && pass.pass == 18 && pass.exit_status == 3);
    ck_ok(weir_catalog_pass_last_good(catalog, &good, err));
    ck_assert_int_eq(good, 100);
}

static void
begin_pass(void)
{
    int64_t pass = 0;
    ck_ok(weir_catalog_begin(catalog, err));
    ck_ok(weir_catalog_pass_begin(catalog, "sync", 500, &pass, err));
    ck_ok(weir_catalog_commit(catalog, err));
    ck_assert_int_eq(pass, 19);
}

/* And again when the next pass has begun. */
static void
check_all(void)
{
    ck_assert_str_eq(weir_catalog_job_id(catalog), "0123456789abcdef0123456789abcdef");
    check_dirs();
    check_rows();
    check_uploads_and_passes();
    begin_pass();
    check_rows();
    check_inodes();
}

START_TEST(nothing_is_lost)
{
    make_version_1();
    ck_fails(
        weir_catalog_open(place.state, WEIR_CATALOG_READ, &test_identity, 1, &catalog, err),
        WEIR_E_CATALOG, "older weir");
    catalog = open_writer(&place);
    check_all();
    weir_catalog_close(catalog);
    catalog = open_reader(&place);
    check_dirs();
    check_rows();
    check_inodes();
}
END_TEST

/* Tables, columns and indexes, in one text. */
static char *
schema_of(struct weir_catalog *c)
{
    sqlite3_stmt *s = NULL;
    ck_assert_int_eq(
        sqlite3_prepare_v2(c->db,
                           "SELECT group_concat(sql, char(10)) FROM"
                           " (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1)",
                           -1, &s, NULL),
        SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    char *text = strdup((const char *)sqlite3_column_text(s, 0));
    (void)sqlite3_finalize(s);
    ck_assert_ptr_nonnull(text);
    return text;
}

START_TEST(same_schema_as_a_new_one)
{
    struct place other;
    make_version_1();
    catalog = open_writer(&place);
    place_make(&other);
    struct weir_catalog *fresh = open_writer(&other);
    char *want = schema_of(fresh), *got = schema_of(catalog);
    ck_assert_str_eq(got, want);
    free(want);
    free(got);
    weir_catalog_close(fresh);
    place_remove(&other);
}
END_TEST

/* A row that cannot be read does not stop the upgrade, nor does the upgrade hide it. */
START_TEST(damage_is_still_seen)
{
    const struct weir_catalog_entry *row = NULL;
    make_version_1();
    tamper(place.db, "UPDATE entry SET stat = x'ffff' WHERE name = x'663030'");
    catalog = open_writer(&place);
    ck_ok(weir_catalog_rows_begin(catalog, 3, err));
    ck_fails(weir_catalog_rows_next(catalog, &row, err), WEIR_E_CATALOG, "damaged");
}
END_TEST

/* Cut off in the middle, the file stays one of version 1, and the next try makes it. */
START_TEST(all_or_nothing)
{
    struct weir_catalog *c = NULL;
    make_version_1();
    tamper(place.db, "CREATE TABLE entry_gone (a)"); /* in the way of an index */
    ck_fails(weir_catalog_open(place.state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, err),
             WEIR_E_CATALOG, "entry_gone");
    tamper(place.db, "DROP TABLE entry_gone; SELECT type FROM entry");
    sqlite3 *db = NULL;
    ck_assert_int_eq(sqlite3_open(place.db, &db), SQLITE_OK);
    ck_assert_int_ne(sqlite3_exec(db, "SELECT gone_ns FROM entry", NULL, NULL, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);
    catalog = open_writer(&place);
    check_all();
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_upgrade");
    TCase *tc = tcase_create("upgrade");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_is_lost);
    tcase_add_test(tc, same_schema_as_a_new_one);
    tcase_add_test(tc, damage_is_still_seen);
    tcase_add_test(tc, all_or_nothing);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
