/* What the tests of export and import share: texts of lines, random catalogs. */
#ifndef WEIR_TESTS_CATALOG_EXCHANGE_SUPPORT_H
#define WEIR_TESTS_CATALOG_EXCHANGE_SUPPORT_H

#include "base/buf.h"
#include "catalog/exchange.h"
#include "support.h"

/* ---- lines, held as one text with a newline behind each ---- */

static inline int
keep_line(void *buf, const char *line, size_t bytes)
{
    ck_assert_ptr_null(memchr(line, '\n', bytes));
    weir_buf_bytes(buf, line, bytes);
    weir_buf_text(buf, "\n");
    return 0;
}

struct reading {
    const char *text;
    size_t len, at;
    size_t fail_after; /* lines; 0: never */
    size_t given;
};

static inline int
next_line(void *ctx, const char **out_line, size_t *out_bytes, struct weir_err *err)
{
    struct reading *r = ctx;
    if (r->fail_after > 0 && r->given == r->fail_after)
        return weir_err_set(err, WEIR_E_IO, "the disk is gone");
    if (r->at >= r->len)
        return 0;
    const char *end = memchr(r->text + r->at, '\n', r->len - r->at);
    *out_line = r->text + r->at;
    *out_bytes = end != NULL ? (size_t)(end - *out_line) : r->len - r->at;
    r->at += *out_bytes + 1;
    r->given++;
    return 1;
}

static inline struct weir_buf
export_of(struct weir_catalog *c)
{
    struct weir_buf text = {0};
    ck_ok(weir_catalog_export(c, keep_line, &text, err));
    ck_assert(!text.failed && text.len > 0);
    return text;
}

static inline int
import_text(struct weir_catalog *c, const char *text, size_t len, struct weir_err *err)
{
    struct reading r = {.text = text, .len = len};
    return weir_catalog_import(c, next_line, &r, err);
}

/* The summary of what stands in text, right whatever it is. */
static inline void
add_summary(struct weir_buf *text, unsigned facts, unsigned dirs, unsigned entries,
            unsigned digests)
{
    char crc[13];
    weir_crc64nvme_base64(weir_crc64nvme(0, text->data, text->len), crc);
    weir_buf_printf(text,
                    "{\"summary\":{\"facts\":%u,\"directories\":%u,\"entries\":%u,"
                    "\"digests\":%u,\"crc64nvme\":\"%s\"}}\n",
                    facts, dirs, entries, digests, crc);
}

/* A second state directory of the same job. */
static inline struct weir_catalog *
open_other(const struct place *p)
{
    struct weir_catalog *c = NULL;
    ck_ok(weir_catalog_open(p->state, WEIR_CATALOG_WRITE, &test_identity, 99, &c, err));
    return c;
}

/* ---- random catalogs ---- */

static const char *const odd_names[] = {
    "\x01",
    " ",
    "-",
    "...",
    ".a",
    "A",
    "B\\\"",
    "\n",
    "a b",
    "caf\xc3\xa9",
    "k\x7f",
    "lat\xe9n",
    "null",
    "o\tp",
    "\xe2\x90\x9b",
    "[1]",
    "\xff",
    "\xed\xa0\x80",
    "\xf0\x9f\x90\x9f",
    "~",
};

/* A file with chunk digests; now and then more than a line takes. */
static inline size_t
random_chunks(uint64_t *seed, struct weir_catalog_entry *row, struct weir_xxh128 **out)
{
    size_t count = 2 + (size_t)(next_random(seed) % 5);
    if (next_random(seed) % 256 == 0)
        count = WEIR_EXCHANGE_LINE_DIGESTS * 2 - 1 + (size_t)(next_random(seed) % 3);
    row->type = WEIR_ENTRY_FILE;
    row->chunk_bytes = UINT64_C(1) << (next_random(seed) % 40);
    row->st.size = row->chunk_bytes * count - next_random(seed) % row->chunk_bytes;
    *out = malloc(count * sizeof(**out));
    ck_assert_ptr_nonnull(*out);
    for (size_t i = 0; i < count * sizeof(**out); i++)
        ((uint8_t *)*out)[i] = (uint8_t)next_random(seed);
    return count;
}

static inline void
put_random_row(struct weir_catalog *c, uint64_t *seed, int64_t dir, const char *name)
{
    static const char *const etags[] = {"", "9e107d9d372bb6826bd81d3542a419d6-12", "\"",
                                        "\x80"};
    struct weir_xxh128 *chunks = NULL;
    size_t count = 0;
    struct weir_catalog_entry row = {
        .name = name,
        .name_len = strlen(name),
        .type = (uint8_t)(name[0] != '\0' ? next_random(seed) % 8 : WEIR_ENTRY_DIR),
        .proof = (uint8_t)(1 + next_random(seed) % 3),
        .st = random_stat(seed),
        .crc64nvme = next_random(seed),
        .part_bytes = next_random(seed) % 2 == 0 ? 0 : next_random(seed),
        .chunk_bytes = next_random(seed) % 2 == 0 ? 0 : next_random(seed),
        .etag = etags[next_random(seed) % COUNT(etags)],
        .version = next_random(seed) % 4 == 0 ? "v\x01" : "",
        .gone_ns = next_random(seed) % 3 == 0 ? (int64_t)(next_random(seed) >> 1) : 0,
        .doubt = next_random(seed) % 4 == 0,
        .moved = next_random(seed) % 4 == 0,
    };
    row.xxh128.b[next_random(seed) % 16] = (uint8_t)next_random(seed);
    if (name[0] != '\0' && next_random(seed) % 3 == 0)
        count = random_chunks(seed, &row, &chunks);
    ck_ok(weir_catalog_entry_put(c, dir, &row, chunks, count, err));
    free(chunks);
}

static inline void
put_random_dir(struct weir_catalog *c, uint64_t *seed, const char *path)
{
    int64_t id = 0;
    ck_ok(weir_catalog_dir_open(c, path, strlen(path), &id, err));
    struct weir_catalog_dir dir = {.id = id,
                                   .sealed = next_random(seed) % 2,
                                   .mounted = next_random(seed) % 2,
                                   .entries = next_random(seed) >> next_random(seed) % 64,
                                   .bytes = next_random(seed) >> next_random(seed) % 64};
    dir.stat_digest.b[next_random(seed) % 16] = (uint8_t)next_random(seed);
    if (next_random(seed) % 4 != 0)
        ck_ok(weir_catalog_dir_close(c, &dir, err));
    if (next_random(seed) % 4 == 0) /* again: what it was closed with stays */
        ck_ok(weir_catalog_dir_open(c, path, strlen(path), &id, err));
    if (next_random(seed) % 2 == 0)
        put_random_row(c, seed, id, "");
    for (size_t n = 0; n < COUNT(odd_names); n++)
        if (next_random(seed) % 3 == 0)
            put_random_row(c, seed, id, odd_names[n]);
}

/* One of `rarity` names becomes a directory with another one in it. */
static inline void
fill_random(struct weir_catalog *c, uint64_t *seed, unsigned rarity)
{
    char path[64];
    ck_ok(weir_catalog_begin(c, err));
    ck_ok(weir_catalog_fact_set(c, "store.capabilities.2", "17", err));
    ck_ok(weir_catalog_fact_set(c, "a \"fact\"", "line\nand \xff", err));
    ck_ok(weir_catalog_fact_set(c, "root_born", "1.000000005", err));
    for (uint64_t passes = next_random(seed) % 4; passes > 0; passes--) {
        int64_t pass = 0;
        ck_ok(weir_catalog_pass_begin(c, "seed", 1, &pass, err));
    }
    if (next_random(seed) % 2 == 0)
        put_random_dir(c, seed, "");
    for (size_t n = 0; n < COUNT(odd_names); n++) { /* not in order of their paths */
        const char *name = odd_names[COUNT(odd_names) - 1 - n];
        if (next_random(seed) % rarity != 0)
            continue;
        put_random_dir(c, seed, name);
        (void)snprintf(path, sizeof(path), "%s/%s", name, odd_names[next_random(seed) % 8]);
        put_random_dir(c, seed, path);
    }
    ck_ok(weir_catalog_commit(c, err));
}

/* Prints where a loop of random tests begins; WEIR_TEST_SEED plays one again. */
static inline uint64_t
begin_random(const char *test, int i)
{
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)i + 1;
    fprintf(stderr, "%s: seed %llu\n", test, (unsigned long long)seed);
    return seed;
}

#endif
