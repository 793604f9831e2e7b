/* What the tests of the catalog share: a directory of their own, randomness with a seed, rows.
 */
#ifndef WEIR_TESTS_CATALOG_SUPPORT_H
#define WEIR_TESTS_CATALOG_SUPPORT_H

#include <check.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../main_check.h"
#include "catalog/catalog_impl.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct place { /* a fresh directory for one test */
    char dir[128];
    char state[160]; /* <dir>/state, not made */
    char db[192];    /* <dir>/state/catalog.db */
};

static inline void
place_make(struct place *p)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(p->dir, sizeof(p->dir), "%s/weir-catalog-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(p->dir));
    (void)snprintf(p->state, sizeof(p->state), "%s/state", p->dir);
    (void)snprintf(p->db, sizeof(p->db), "%s/catalog.db", p->state);
}

static inline int
place_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline void
place_remove(struct place *p)
{
    ck_assert_int_eq(nftw(p->dir, place_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline uint64_t
next_random(uint64_t *s) /* splitmix64 */
{
    uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static const struct weir_catalog_identity test_identity = {
    .job = "lake-a",
    .destination = "s3://bucket/prefix",
    .root = "/lake/a",
    .root_dev = 7,
    .root_ino = 2,
};

#define ck_ok(call)                                                                            \
    do {                                                                                       \
        struct weir_err err_ = WEIR_ERR_INIT;                                                  \
        struct weir_err *err = &err_;                                                          \
        char text_[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];                                           \
        ck_assert_msg((call) == 0, "%s: %s", #call, weir_err_text(err, text_, sizeof(text_))); \
    } while (0)

/* The call fails with this code, and its message contains part. */
#define ck_fails(call, want, part)                                                             \
    do {                                                                                       \
        struct weir_err err_ = WEIR_ERR_INIT;                                                  \
        struct weir_err *err = &err_;                                                          \
        char text_[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];                                           \
        ck_assert_int_eq((call), -1);                                                          \
        (void)weir_err_text(err, text_, sizeof(text_));                                        \
        ck_assert_msg(err->code == (want) && strstr(text_, part) != NULL, "%s: %s",            \
                      weir_err_name(err->code), text_);                                        \
    } while (0)

static inline struct weir_catalog *
open_writer(const struct place *p)
{
    struct weir_catalog *c = NULL;
    ck_ok(weir_catalog_open(p->state, WEIR_CATALOG_WRITE, &test_identity, 1, &c, err));
    return c;
}

static inline struct weir_catalog *
open_reader(const struct place *p)
{
    struct weir_catalog *c = NULL;
    ck_ok(weir_catalog_open(p->state, WEIR_CATALOG_READ, &test_identity, 0, &c, err));
    return c;
}

/* SQL behind the catalog's back; nobody may have it open. */
static inline void
tamper(const char *db, const char *sql)
{
    sqlite3 *h = NULL;
    ck_assert_int_eq(sqlite3_open(db, &h), SQLITE_OK);
    int rc = sqlite3_exec(h, sql, NULL, NULL, NULL);
    ck_assert_msg(rc == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(h));
    (void)sqlite3_close(h);
}

static inline struct weir_stat
random_stat(uint64_t *s)
{
    unsigned shift = (unsigned)(next_random(s) % 64); /* all magnitudes */
    struct weir_stat st = {
        .dev = next_random(s) >> shift,
        .ino = next_random(s) >> shift,
        .size = next_random(s) >> shift,
        .blocks = next_random(s) >> shift,
        .mode = (uint32_t)next_random(s),
        .uid = (uint32_t)next_random(s),
        .gid = (uint32_t)next_random(s),
        .nlink = (uint32_t)next_random(s),
    };
    struct weir_time *times[] = {&st.mtime, &st.ctime, &st.atime};
    for (size_t i = 0; i < COUNT(times); i++) {
        times[i]->s = (int64_t)(next_random(s) >> shift) * (shift % 2 ? 1 : -1);
        times[i]->ns = (uint32_t)(next_random(s) % 1000000000);
    }
    return st;
}

static inline void
ck_same_stat(const struct weir_stat *a, const struct weir_stat *b)
{
    ck_assert_uint_eq(a->dev, b->dev);
    ck_assert_uint_eq(a->ino, b->ino);
    ck_assert_uint_eq(a->size, b->size);
    ck_assert_uint_eq(a->blocks, b->blocks);
    ck_assert_int_eq(a->mtime.s, b->mtime.s);
    ck_assert_uint_eq(a->mtime.ns, b->mtime.ns);
    ck_assert_int_eq(a->ctime.s, b->ctime.s);
    ck_assert_uint_eq(a->ctime.ns, b->ctime.ns);
    ck_assert_int_eq(a->atime.s, b->atime.s);
    ck_assert_uint_eq(a->atime.ns, b->atime.ns);
    ck_assert_uint_eq(a->mode, b->mode);
    ck_assert_uint_eq(a->uid, b->uid);
    ck_assert_uint_eq(a->gid, b->gid);
    ck_assert_uint_eq(a->nlink, b->nlink);
}

static inline void
ck_same_row(const struct weir_catalog_entry *a, const struct weir_catalog_entry *b)
{
    ck_assert_uint_eq(a->name_len, b->name_len);
    ck_assert_mem_eq(a->name, b->name, a->name_len);
    ck_assert_uint_eq(a->type, b->type);
    ck_assert_uint_eq(a->proof, b->proof);
    ck_same_stat(&a->st, &b->st);
    ck_assert_mem_eq(&a->xxh128, &b->xxh128, sizeof(a->xxh128));
    ck_assert_uint_eq(a->crc64nvme, b->crc64nvme);
    ck_assert_uint_eq(a->part_bytes, b->part_bytes);
    ck_assert_uint_eq(a->chunk_bytes, b->chunk_bytes);
    ck_assert_str_eq(a->etag, b->etag);
    ck_assert_str_eq(a->version, b->version);
}

/* A catalog with some directories and rows, closed again. */
static inline void
fill_catalog(const struct place *p, unsigned dirs, unsigned rows)
{
    struct weir_catalog *c = open_writer(p);
    uint64_t seed = 3;
    ck_ok(weir_catalog_begin(c, err));
    for (unsigned d = 0; d < dirs; d++) {
        char path[32];
        int64_t id = 0;
        int length = snprintf(path, sizeof(path), "dir-%03u", d);
        ck_ok(weir_catalog_dir_open(c, path, (size_t)length, &id, err));
        for (unsigned r = 0; r < rows; r++) {
            char name[32];
            struct weir_catalog_entry row = {.name = name,
                                             .name_len = (size_t)snprintf(name, 32, "%05u", r),
                                             .type = WEIR_ENTRY_FILE,
                                             .proof = WEIR_PROOF_VERIFIED,
                                             .st = random_stat(&seed),
                                             .etag = "etag",
                                             .version = ""};
            ck_ok(weir_catalog_entry_put(c, id, &row, NULL, 0, err));
        }
    }
    ck_ok(weir_catalog_commit(c, err));
    weir_catalog_close(c);
}

static inline void
write_file(const char *path, const void *data, size_t bytes)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, bytes, f), bytes);
    ck_assert_int_eq(fclose(f), 0);
}

#endif
