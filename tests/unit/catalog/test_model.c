/* catalog: random operations against a model of a few arrays; after each reopening both must
 * hold the same.  The seed is printed when it fails; WEIR_TEST_SEED plays it again. */
#include "support.h"

enum { DIRS = 8, NAMES = 24, CHUNKS = 6 };

struct model_row {
    bool present;
    struct weir_catalog_entry row; /* name, etag, version point below */
    char name[8], etag[40], version[24];
    size_t chunk_count;
    struct weir_xxh128 chunks[CHUNKS];
};

struct model_dir {
    bool present;
    struct weir_catalog_dir dir;
    struct model_row rows[NAMES]; /* in byte order of name */
};

struct model {
    struct model_dir dirs[DIRS];
};

static struct place place;
static struct weir_catalog *catalog;
static struct model now, committed; /* as seen inside the transaction; as a crash would leave */
static uint64_t seed;

static const char *const dir_paths[DIRS] = {"", "a", "a/b", "a/b/c", "\xff", "z z", "\n", "~"};

static void
open_dir(size_t d)
{
    struct model_dir *m = &now.dirs[d];
    int64_t id = 0;
    ck_ok(weir_catalog_dir_open(catalog, dir_paths[d], strlen(dir_paths[d]), &id, err));
    if (m->present)
        ck_assert_int_eq(id, m->dir.id);
    m->present = true;
    m->dir.id = id;
    m->dir.opened = true;
    m->dir.sealed = false;
}

static void
close_dir(size_t d)
{
    struct model_dir *m = &now.dirs[d];
    m->dir.opened = false;
    m->dir.sealed = next_random(&seed) % 2;
    m->dir.entries = next_random(&seed);
    m->dir.bytes = next_random(&seed);
    m->dir.stat_digest.b[3] = (uint8_t)next_random(&seed);
    m->dir.mounted = next_random(&seed) % 2;
    ck_ok(weir_catalog_dir_close(catalog, &m->dir, err));
}

static void
put_entry(size_t d, size_t n)
{
    struct model_row *m = &now.dirs[d].rows[n];
    m->present = true;
    (void)snprintf(m->name, sizeof(m->name), "%c%c", (int)(0x61 + n / 5), (int)(0xd0 + n % 5));
    (void)snprintf(m->etag, sizeof(m->etag), "%llx", (unsigned long long)next_random(&seed));
    (void)snprintf(m->version, sizeof(m->version), "%.*s", (int)(n % 4), "v12");
    m->row.name_len = strlen(m->name);
    m->row.type = (uint8_t)(next_random(&seed) % 8);
    m->row.proof = (uint8_t)(1 + next_random(&seed) % 2);
    m->row.st = random_stat(&seed);
    m->row.crc64nvme = next_random(&seed);
    m->row.xxh128.b[0] = (uint8_t)next_random(&seed);
    m->row.part_bytes = next_random(&seed);
    m->row.chunk_bytes = next_random(&seed);
    m->chunk_count = next_random(&seed) % (CHUNKS + 1);
    for (size_t i = 0; i < m->chunk_count; i++)
        m->chunks[i].b[i] = (uint8_t)next_random(&seed);
    struct weir_catalog_entry row = m->row;
    row.name = m->name;
    row.etag = m->etag;
    row.version = m->version;
    ck_ok(weir_catalog_entry_put(catalog, now.dirs[d].dir.id, &row, m->chunks, m->chunk_count,
                                 err));
    if (m->chunk_count < 2)
        m->chunk_count = 0; /* one digest is the row's own */
}

static void
check_row(int64_t dir, struct model_row *want, const struct weir_catalog_entry *got)
{
    struct weir_catalog_entry row = want->row;
    struct weir_xxh128 *chunks = NULL;
    size_t count = 0;
    row.name = want->name;
    row.etag = want->etag;
    row.version = want->version;
    ck_same_row(got, &row);
    ck_ok(weir_catalog_chunks_get(catalog, dir, row.name, row.name_len, &chunks, &count, err));
    ck_assert_uint_eq(count, want->chunk_count);
    if (count > 0)
        ck_assert_mem_eq(chunks, want->chunks, count * sizeof(*chunks));
    free(chunks);
}

static void
check_dir(const char *path, struct model_dir *want, uint64_t *entries)
{
    struct weir_catalog_dir got;
    bool found = false;
    const struct weir_catalog_entry *row = NULL;
    ck_ok(weir_catalog_dir_get(catalog, path, strlen(path), &got, &found, err));
    ck_assert_int_eq(found, want->present);
    if (!found)
        return;
    ck_assert_int_eq(got.id, want->dir.id);
    ck_assert_int_eq(got.opened, want->dir.opened);
    ck_assert_int_eq(got.sealed, want->dir.sealed);
    ck_assert_mem_eq(&got.stat_digest, &want->dir.stat_digest, sizeof(got.stat_digest));
    ck_assert_uint_eq(got.entries, want->dir.entries);
    ck_assert_uint_eq(got.bytes, want->dir.bytes);
    ck_ok(weir_catalog_rows_begin(catalog, got.id, err));
    for (size_t n = 0; n < NAMES; n++) {
        if (!want->rows[n].present)
            continue;
        ck_ok(weir_catalog_rows_next(catalog, &row, err));
        ck_assert_ptr_nonnull(row);
        check_row(got.id, &want->rows[n], row);
        (*entries)++;
    }
    ck_ok(weir_catalog_rows_next(catalog, &row, err));
    ck_assert_ptr_null(row);
}

static void
check_all(void)
{
    uint64_t want = 0, entries = 0, bytes = 0;
    for (size_t d = 0; d < DIRS; d++)
        check_dir(dir_paths[d], &now.dirs[d], &want);
    ck_ok(weir_catalog_totals(catalog, &entries, &bytes, err));
    ck_assert_uint_eq(entries, want);
}

static void
reopen(bool commit)
{
    if (commit) {
        ck_ok(weir_catalog_commit(catalog, err));
        committed = now;
    } else {
        now = committed; /* close rolls back */
    }
    weir_catalog_close(catalog);
    catalog = open_writer(&place);
    check_all();
    ck_ok(weir_catalog_begin(catalog, err));
}

static void
step(void)
{
    size_t d = next_random(&seed) % DIRS, n = next_random(&seed) % NAMES;
    switch (next_random(&seed) % 16) {
    case 0:
    case 1:
        open_dir(d);
        break;
    case 2:
        if (now.dirs[d].present)
            close_dir(d);
        break;
    case 3:
        ck_ok(weir_catalog_commit(catalog, err));
        committed = now;
        ck_ok(weir_catalog_begin(catalog, err));
        break;
    case 4:
        if (next_random(&seed) % 16 == 0)
            reopen(next_random(&seed) % 2 == 0);
        break;
    case 5:
        check_all();
        break;
    default:
        if (now.dirs[d].present)
            put_entry(d, n);
    }
}

START_TEST(the_catalog_behaves_like_the_model)
{
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t start = (uint64_t)_i + 1;
    if (given != NULL)
        start = strtoull(given, NULL, 10);
    seed = start;
    fprintf(stderr, "model: seed %llu\n", (unsigned long long)start);
    memset(&now, 0, sizeof(now));
    memset(&committed, 0, sizeof(committed));
    place_make(&place);
    catalog = open_writer(&place);
    ck_ok(weir_catalog_begin(catalog, err));
    for (int i = 0; i < 1000; i++)
        step();
    reopen(true);
    weir_catalog_close(catalog);
    place_remove(&place);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_model");
    TCase *tc = tcase_create("model");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, the_catalog_behaves_like_the_model, 0, 3);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
