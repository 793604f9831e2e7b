/* gone: random histories of rows that vanish, come back, move and go, against a model of a few
 * arrays.  The seed is printed; WEIR_TEST_SEED plays it again. */
#include "catalog/schema.h"
#include "support.h"

enum { DIRS = 6, NAMES = 8, STEPS = 600, LATEST = 20 };

static const char *const paths[DIRS] = {"", "a", "a/b", "\xff", "z z", "\n"};
/* In byte order; "" is the directory's own object. */
static const char *const names[NAMES] = {"", "\x01", "A", "a", "a b", "b", "\xc3\xa9", "\xff"};

struct model_row {
    bool present, chunked;
    struct weir_catalog_entry row;
};

struct model_dir {
    bool present;
    int64_t id;
    bool sealed, opened, mounted;
    struct model_row rows[NAMES];
};

struct model {
    struct model_dir dirs[DIRS];
};

static struct place place;
static struct weir_catalog *catalog;
static struct model now, committed;
static uint64_t seed;

static uint64_t
below(uint64_t n)
{
    return next_random(&seed) % n;
}

/* ---- what happens ---- */

static void
open_dir(struct model_dir *d)
{
    const char *path = paths[d - now.dirs];
    int64_t id = 0;
    ck_ok(weir_catalog_dir_open(catalog, path, strlen(path), &id, err));
    ck_assert(!d->present || id == d->id);
    d->present = d->opened = true;
    d->sealed = false;
    d->id = id;
}

static void
close_dir(struct model_dir *d)
{
    struct weir_catalog_dir dir = {.id = d->id, .sealed = below(2), .mounted = below(4) == 0};
    ck_ok(weir_catalog_dir_close(catalog, &dir, err));
    d->sealed = dir.sealed;
    d->mounted = dir.mounted;
    d->opened = false;
}

/* Few values, so that rows meet. */
static void
put(struct model_dir *d, size_t n)
{
    static const uint64_t sizes[] = {0, 1, 2, UINT64_MAX - 1};
    static const struct weir_xxh128 chunks[2];
    struct model_row *m = &d->rows[n];
    m->row = (struct weir_catalog_entry){
        .name = names[n],
        .name_len = strlen(names[n]),
        .type = (uint8_t)(n == 0          ? WEIR_ENTRY_DIR
                          : below(4) == 0 ? below(8)
                                          : WEIR_ENTRY_FILE),
        .proof = (uint8_t)(1 + below(3)),
        .st = {.ino = below(5) == 0 ? UINT64_MAX : below(3),
               .size = sizes[below(COUNT(sizes))],
               .mtime = {.s = (int64_t)below(2), .ns = (uint32_t)below(2)},
               .ctime = {.s = (int64_t)below(2)}},
        .etag = "e",
        .version = "",
        .gone_ns = below(4) == 0 ? 1 + (int64_t)below(LATEST) : 0,
        .doubt = below(8) == 0,
        .moved = below(8) == 0,
    };
    m->row.xxh128.b[5] = (uint8_t)below(2);
    m->present = true;
    m->chunked = below(2);
    ck_ok(weir_catalog_entry_put(catalog, d->id, &m->row, m->chunked ? chunks : NULL,
                                 m->chunked ? 2 : 0, err));
}

static void
mark_gone(struct model_dir *d, size_t n)
{
    struct model_row *m = &d->rows[n];
    int64_t when = below(3) == 0 ? 0 : 1 + (int64_t)below(LATEST);
    if (!m->present) {
        ck_fails(weir_catalog_entry_gone(catalog, d->id, names[n], strlen(names[n]), when, err),
                 WEIR_E_BUG, "no entry");
        return;
    }
    ck_ok(weir_catalog_entry_gone(catalog, d->id, names[n], strlen(names[n]), when, err));
    m->row.gone_ns = when;
    m->row.moved = m->row.moved && when != 0; /* back where it was: not moved */
    d->sealed = false;
}

static void
mark_doubt(struct model_dir *d, size_t n)
{
    struct model_row *m = &d->rows[n];
    if (m->present)
        ck_ok(weir_catalog_entry_doubt(catalog, d->id, names[n], strlen(names[n]), err));
    else
        ck_fails(weir_catalog_entry_doubt(catalog, d->id, names[n], strlen(names[n]), err),
                 WEIR_E_BUG, "no entry");
    m->row.doubt = m->present;
}

static void
mark_moved(struct model_dir *d, size_t n)
{
    struct model_row *m = &d->rows[n];
    ck_ok(weir_catalog_entry_moved(catalog, d->id, names[n], strlen(names[n]), err));
    m->row.moved = m->present;
}

static void
settle_moved(void)
{
    ck_ok(weir_catalog_moved_settle(catalog, err));
    for (size_t i = 0; i < (size_t)DIRS * NAMES; i++) {
        struct weir_catalog_entry *row = &now.dirs[i / NAMES].rows[i % NAMES].row;
        if (row->gone_ns == 0)
            row->moved = false;
    }
}

static void
dir_gone(struct model_dir *d)
{
    int64_t when = 1 + (int64_t)below(LATEST);
    ck_ok(weir_catalog_dir_gone(catalog, d->id, when, err));
    for (size_t n = 0; n < NAMES; n++)
        if (d->rows[n].row.gone_ns == 0)
            d->rows[n].row.gone_ns = when;
    d->sealed = d->mounted = false;
}

static void
remove_row(struct model_dir *d, size_t n)
{
    ck_ok(weir_catalog_entry_remove(catalog, d->id, names[n], strlen(names[n]), err));
    d->rows[n] = (struct model_row){0};
}

static void
drop_empty(struct model_dir *d)
{
    bool empty = !d->opened && !d->sealed;
    ck_ok(weir_catalog_dir_drop_empty(catalog, d->id, err));
    for (size_t n = 0; n < NAMES; n++)
        empty = empty && !d->rows[n].present;
    if (empty)
        *d = (struct model_dir){0};
}

static void
end_transaction(void)
{
    if (below(2) == 0) {
        ck_ok(weir_catalog_commit(catalog, err));
        committed = now;
    } else {
        now = committed;
        weir_catalog_close(catalog);
        catalog = open_writer(&place);
    }
    ck_ok(weir_catalog_begin(catalog, err));
}

static void
step(void)
{
    struct model_dir *d = &now.dirs[below(DIRS)];
    size_t n = below(NAMES);
    uint64_t what = below(32);
    if (!d->present || what == 0)
        open_dir(d);
    else if (what <= 2)
        close_dir(d);
    else if (what <= 7)
        mark_gone(d, n);
    else if (what <= 9)
        mark_doubt(d, n);
    else if (what <= 12)
        mark_moved(d, n);
    else if (what == 13)
        settle_moved();
    else if (what == 14)
        dir_gone(d);
    else if (what <= 20)
        remove_row(d, n);
    else if (what <= 23)
        drop_empty(d);
    else if (what == 24)
        end_transaction();
    else
        put(d, n);
}

/* ---- what the catalog says ---- */

static void
check_same(const struct model_row *want, const struct weir_catalog_entry *got)
{
    ck_same_row(got, &want->row);
    ck_assert_int_eq(got->gone_ns, want->row.gone_ns);
    ck_assert_int_eq(got->doubt, want->row.doubt);
    ck_assert_int_eq(got->moved, want->row.moved);
}

static void
check_place(const struct model_dir *d, size_t n, struct weir_catalog_place *p)
{
    char path[64];
    const char *dir = paths[d - now.dirs];
    bool slash = dir[0] != '\0' && names[n][0] != '\0';
    (void)snprintf(path, sizeof(path), "%s%s%s", dir, slash ? "/" : "", names[n]);
    ck_assert_int_eq(p->dir_id, d->id);
    ck_assert_str_eq(p->path, path);
    ck_assert_uint_eq(p->path_len, strlen(path));
    ck_assert_uint_eq(p->name_len, strlen(names[n]));
    free(p->path);
}

/* The directory with the least id above `after`; NULL when there is none. */
static struct model_dir *
next_dir(int64_t after)
{
    struct model_dir *next = NULL;
    for (size_t i = 0; i < DIRS; i++) {
        struct model_dir *d = &now.dirs[i];
        if (d->present && d->id > after && (next == NULL || d->id < next->id))
            next = d;
    }
    return next;
}

static void
check_dirs(void)
{
    int64_t highest = 0, got = -1;
    for (size_t i = 0; i < DIRS; i++) {
        const struct model_dir *d = &now.dirs[i];
        struct weir_catalog_dir dir;
        bool found = false;
        ck_ok(weir_catalog_dir_get(catalog, paths[i], strlen(paths[i]), &dir, &found, err));
        ck_assert_int_eq(found, d->present);
        if (!found)
            continue;
        ck_assert(dir.id == d->id && dir.sealed == d->sealed && dir.opened == d->opened &&
                  dir.mounted == d->mounted);
        highest = d->id > highest ? d->id : highest;
    }
    ck_ok(weir_catalog_dir_last(catalog, &got, err));
    ck_assert_int_eq(got, highest);
}

static bool
is_live(const struct model_dir *d)
{
    bool live = d->mounted;
    for (size_t n = 0; n < NAMES; n++)
        live = live || (d->rows[n].present && d->rows[n].row.gone_ns == 0);
    return live;
}

static void
check_dir_next(void)
{
    int64_t at = (int64_t)below(DIRS), last = (int64_t)below(DIRS + 3);
    for (;;) {
        struct weir_catalog_dir got;
        struct model_dir *want = next_dir(at);
        char *path = NULL;
        size_t len = 0;
        bool found = true;
        while (want != NULL && !is_live(want))
            want = next_dir(want->id);
        ck_ok(weir_catalog_dir_next(catalog, at, last, &got, &path, &len, &found, err));
        ck_assert_int_eq(found, want != NULL && want->id <= last);
        if (!found)
            return;
        ck_assert(got.id == want->id && got.sealed == want->sealed &&
                  got.opened == want->opened && got.mounted == want->mounted);
        ck_assert_str_eq(path, paths[want - now.dirs]);
        ck_assert_uint_eq(len, strlen(path));
        free(path);
        at = got.id;
    }
}

static void
check_find(void)
{
    struct model_dir *d = &now.dirs[below(DIRS)];
    size_t n = below(NAMES), count = 9;
    struct weir_catalog_entry got;
    struct weir_xxh128 *chunks = NULL;
    bool found = false;
    if (!d->present)
        return;
    ck_ok(
        weir_catalog_entry_find(catalog, d->id, names[n], strlen(names[n]), &got, &found, err));
    ck_assert_int_eq(found, d->rows[n].present);
    if (found)
        check_same(&d->rows[n], &got);
    ck_ok(weir_catalog_chunks_get(catalog, d->id, names[n], strlen(names[n]), &chunks, &count,
                                  err));
    ck_assert_uint_eq(count, found && d->rows[n].chunked ? 2 : 0);
    free(chunks);
}

static bool
same_time(const struct weir_time *a, const struct weir_time *b)
{
    return a->s == b->s && a->ns == b->ns;
}

static void
check_find_inode(void)
{
    static const uint64_t sizes[] = {0, 1, 2, UINT64_MAX - 1};
    struct weir_stat st = {.ino = below(5) == 0 ? UINT64_MAX : below(3),
                           .size = sizes[below(COUNT(sizes))],
                           .mtime = {.s = (int64_t)below(2), .ns = (uint32_t)below(2)},
                           .ctime = {.s = (int64_t)below(3)}};
    struct model_dir *want_dir = NULL;
    size_t want = 0;
    bool exact = false, found = true;
    for (struct model_dir *d = next_dir(0); d != NULL; d = next_dir(d->id))
        for (size_t n = 0; n < NAMES; n++) {
            const struct weir_stat *s = &d->rows[n].row.st;
            if (!d->rows[n].present || d->rows[n].row.type != WEIR_ENTRY_FILE || s->size == 0 ||
                s->ino != st.ino || s->size != st.size || !same_time(&s->mtime, &st.mtime))
                continue;
            bool this_exact = same_time(&s->ctime, &st.ctime);
            if (want_dir != NULL && (exact || !this_exact))
                continue;
            want_dir = d;
            want = n;
            exact = this_exact;
        }
    struct weir_catalog_place p;
    struct weir_catalog_entry got;
    ck_ok(weir_catalog_find_inode(catalog, &st, &p, &got, &found, err));
    ck_assert_int_eq(found, want_dir != NULL);
    if (!found)
        return;
    check_same(&want_dir->rows[want], &got);
    check_place(want_dir, want, &p);
}

/* Counts, and the walk over what is due. */
static void
check_gone(void)
{
    int64_t before = (int64_t)below(LATEST + 2), after = 0;
    const char *name = "";
    uint64_t due = 0, moved = 0, bytes = 0, got[3];
    bool found = true;
    struct weir_catalog_place p;
    struct weir_catalog_entry row;
    for (struct model_dir *d = next_dir(0); d != NULL; d = next_dir(d->id))
        for (size_t n = 0; n < NAMES; n++) {
            const struct weir_catalog_entry *r = &d->rows[n].row;
            if (!d->rows[n].present || r->gone_ns == 0 || r->gone_ns > before)
                continue;
            uint64_t size = r->type == WEIR_ENTRY_DIR ? 0 : r->st.size;
            due++;
            moved += r->moved;
            bytes = size > UINT64_MAX - bytes ? UINT64_MAX : bytes + size;
            ck_ok(weir_catalog_gone_next(catalog, before, after, name, strlen(name), &p, &row,
                                         &found, err));
            ck_assert(found);
            check_same(&d->rows[n], &row);
            check_place(d, n, &p);
            after = d->id;
            name = names[n];
        }
    ck_ok(weir_catalog_gone_next(catalog, before, after, name, strlen(name), &p, &row, &found,
                                 err));
    ck_assert(!found);
    ck_ok(weir_catalog_gone_count(catalog, before, &got[0], &got[1], err));
    ck_ok(weir_catalog_gone_moved(catalog, before, &got[2], err));
    ck_assert_uint_eq(got[0], due);
    ck_assert_uint_eq(got[1], bytes);
    ck_assert_uint_eq(got[2], moved);
}

static void
check_counts(void)
{
    uint64_t all = 0, live = 0, got = 0, got_live = 0, bytes = 0;
    for (size_t i = 0; i < (size_t)DIRS * NAMES; i++) {
        const struct model_row *m = &now.dirs[i / NAMES].rows[i % NAMES];
        all += m->present;
        live += m->present && m->row.gone_ns == 0;
    }
    ck_ok(weir_catalog_entry_count(catalog, &got, err));
    ck_ok(weir_catalog_totals(catalog, &got_live, &bytes, err));
    ck_assert_uint_eq(got, all);
    ck_assert_uint_eq(got_live, live);
}

/* Rows are looked up by inode from the first pass on that follows a finished one. */
static void
begin_second_pass(void)
{
    int64_t pass = 0;
    ck_ok(weir_catalog_begin(catalog, err));
    ck_ok(weir_catalog_pass_begin(catalog, "seed", 1, &pass, err));
    ck_ok(weir_catalog_pass_update(catalog, pass, 2, true, 0, "{}", err));
    ck_ok(weir_catalog_commit(catalog, err));
    ck_ok(weir_catalog_begin(catalog, err));
    ck_ok(weir_catalog_pass_begin(catalog, "sync", 3, &pass, err));
    ck_ok(weir_catalog_commit(catalog, err));
}

START_TEST(rows_vanish_as_in_the_model)
{
    const char *given = getenv("WEIR_TEST_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)_i + 1;
    fprintf(stderr, "gone: seed %llu\n", (unsigned long long)seed);
    memset(&now, 0, sizeof(now));
    memset(&committed, 0, sizeof(committed));
    place_make(&place);
    catalog = open_writer(&place);
    begin_second_pass();
    ck_ok(weir_catalog_begin(catalog, err));
    for (int i = 0; i < STEPS; i++) {
        step();
        check_dirs();
        check_dir_next();
        check_find();
        check_find_inode();
        check_gone();
        check_counts();
    }
    weir_catalog_close(catalog);
    place_remove(&place);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_gone");
    TCase *tc = tcase_create("gone");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, rows_vanish_as_in_the_model, 0, 6);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
