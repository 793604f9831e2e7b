/* Objects: what goes in comes out. */
#include "contract.h"

#include <stdio.h>

static void
check_head(struct contract *c, const char *key, size_t bytes, uint64_t crc,
           const struct weir_stored *put)
{
    struct weir_head head;
    contract_ok(c, c->ops->head(c->t, key, &head, &c->err), key);
    ck_assert_uint_eq(head.stored.bytes, bytes);
    ck_assert_uint_eq(head.meta_count, 0);
    if (put->etag[0] != '\0')
        ck_assert_str_eq(head.stored.etag, put->etag);
    if ((c->caps & WEIR_CAP_STORED_CHECKSUM) != 0) {
        ck_assert(head.stored.has_crc64nvme);
        ck_assert_uint_eq(head.stored.crc64nvme, crc);
    }
}

static void
round_trip(struct contract *c)
{
    size_t sizes[24] = {0, 1, 2, 7, 8, 255, 4095, 4096, 4097, 65535, 65536, 65537, 1048583};
    for (size_t i = 13; i < 24; i++)
        sizes[i] = weir_rng_below(&c->rng, 300000);
    for (size_t i = 0; i < 24; i++) {
        char name[32];
        struct weir_stored stored;
        unsigned char *data = contract_bytes(c, sizes[i]);
        uint64_t crc = weir_crc64nvme(0, data, sizes[i]);
        (void)snprintf(name, sizeof(name), "%zu-%zu", i, sizes[i]);
        const char *key = contract_key(c, name);
        contract_put(c, key, data, sizes[i], &stored);
        ck_assert_uint_eq(stored.bytes, sizes[i]);
        if (stored.has_crc64nvme)
            ck_assert_uint_eq(stored.crc64nvme, crc);
        check_head(c, key, sizes[i], crc, &stored);
        contract_expect(c, key, data, sizes[i]);
        free(data);
    }
    contract_can(c, WEIR_CAP_STORED_CHECKSUM, "HEAD gives the CRC64NVME of a PUT object");
}

static void
ranges(struct contract *c)
{
    enum { SIZE = 300001 };
    static const struct {
        uint64_t offset, bytes;
    } good[] = {
        {0, 1},        {0, SIZE},  {0, UINT64_MAX}, {SIZE - 1, 1},  {SIZE - 1, UINT64_MAX},
        {1, SIZE - 1}, {777, 333}, {65535, 2},      {1, UINT64_MAX}};
    static const struct {
        uint64_t offset, bytes;
    } bad[] = {{SIZE, 1}, {SIZE + 10, UINT64_MAX}, {SIZE - 1, 2}, {0, SIZE + 1}};
    unsigned char *data = contract_bytes(c, SIZE);
    const char *key = contract_key(c, "object");
    contract_put(c, key, data, SIZE, NULL);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct contract_buffer got = {0};
        uint64_t want = good[i].bytes == UINT64_MAX ? SIZE - good[i].offset : good[i].bytes;
        contract_ok(
            c,
            c->ops->get(c->t, key, good[i].offset, good[i].bytes, contract_sink, &got, &c->err),
            "range");
        ck_assert_uint_eq(got.bytes, want);
        ck_assert_mem_eq(got.data, data + good[i].offset, want);
        free(got.data);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct contract_buffer got = {0};
        int rc =
            c->ops->get(c->t, key, bad[i].offset, bad[i].bytes, contract_sink, &got, &c->err);
        ck_assert_msg(rc == -1 && c->err.code != WEIR_OK, "range %zu beyond the end: accepted",
                      i);
        ck_assert(!c->err.retryable);
        weir_err_clear(&c->err);
        free(got.data);
    }
    free(data);
}

static int
stop_at_once(void *ctx, const void *data, size_t bytes)
{
    (void)data;
    *(size_t *)ctx += bytes;
    return 1;
}

static void
receiver_stops(struct contract *c)
{
    enum { SIZE = 2000000 };
    size_t seen = 0;
    unsigned char *data = contract_bytes(c, SIZE);
    const char *key = contract_key(c, "object");
    contract_put(c, key, data, SIZE, NULL);
    contract_refused(c, c->ops->get(c->t, key, 0, UINT64_MAX, stop_at_once, &seen, &c->err),
                     WEIR_E_CANCELLED, "a sink that stops");
    ck_assert_uint_gt(seen, 0);
    contract_expect(c, key, data, SIZE); /* the handle is usable afterwards */
    free(data);
}

static void
overwrite(struct contract *c)
{
    const char *key = contract_key(c, "object");
    contract_put(c, key, "longer than the other", 21, NULL);
    contract_put(c, key, "short", 5, NULL);
    contract_expect(c, key, "short", 5);
    contract_put(c, key, "", 0, NULL);
    contract_expect(c, key, "", 0);
}

static void
expect_meta(struct contract *c, const struct weir_head *head, const char *name,
            const char *value)
{
    for (size_t i = 0; i < head->meta_count; i++)
        if (strcmp(head->meta[i].name, name) == 0) {
            ck_assert_str_eq(head->meta[i].value, value);
            return;
        }
    ck_abort_msg("%s: metadata %s is gone", c->name, name);
}

static void
metadata(struct contract *c)
{
    static const struct weir_kv meta[] = {
        {"file-mtime", "1700000000123456789ns"},
        {"file-permissions", "0100644"},
        {"file-owner", "1000"},
        {"file-group", "100"},
        {"mtime", "1700000000.123456789"},
        {"weir-digest", "a=b; c=d, \"e\" %41 +"},
        {"x", "1"},
    };
    enum { N = sizeof(meta) / sizeof(meta[0]) };
    struct weir_head head;
    struct weir_stored stored;
    const struct weir_object object = {.key = contract_key(c, "object"),
                                       .meta = meta,
                                       .meta_count = N,
                                       .content_type = "application/octet-stream"};
    contract_ok(
        c,
        c->ops->put(c->t, &object, "body", 4, weir_crc64nvme(0, "body", 4), &stored, &c->err),
        "put with metadata");
    contract_ok(c, c->ops->head(c->t, object.key, &head, &c->err), "head");
    ck_assert_uint_eq(head.meta_count, N);
    for (size_t i = 0; i < N; i++)
        expect_meta(c, &head, meta[i].name, meta[i].value);
}

/* Metadata belongs to the bytes it came with. */
static void
metadata_replaced(struct contract *c)
{
    struct weir_head head;
    struct weir_stored stored;
    const struct weir_kv meta = {"file-mtime", "1700000000"};
    const struct weir_object object = {
        .key = contract_key(c, "object"), .meta = &meta, .meta_count = 1};
    contract_ok(
        c,
        c->ops->put(c->t, &object, "body", 4, weir_crc64nvme(0, "body", 4), &stored, &c->err),
        "put with metadata");
    contract_put(c, object.key, "body", 4, NULL);
    contract_ok(c, c->ops->head(c->t, object.key, &head, &c->err), "head");
    ck_assert_uint_eq(head.meta_count, 0);
}

static void
much_metadata(struct contract *c)
{
    /* 2 KiB in all, as much as S3 takes */
    char value[1700];
    struct weir_head head;
    struct weir_stored stored;
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    const struct weir_kv meta[] = {{"long", value}, {"file-mtime", "1"}};
    const struct weir_object object = {
        .key = contract_key(c, "object"), .meta = meta, .meta_count = 2};
    contract_ok(c, c->ops->put(c->t, &object, "", 0, 0, &stored, &c->err), "put");
    contract_ok(c, c->ops->head(c->t, object.key, &head, &c->err), "head");
    expect_meta(c, &head, "long", value);
    expect_meta(c, &head, "file-mtime", "1");
}

static void
missing(struct contract *c)
{
    struct weir_head head;
    struct contract_buffer got = {0};
    const char *key = contract_key(c, "no/such/object");
    contract_refused(c, c->ops->head(c->t, key, &head, &c->err), WEIR_E_NOT_FOUND, "head");
    contract_refused(c, c->ops->get(c->t, key, 0, UINT64_MAX, contract_sink, &got, &c->err),
                     WEIR_E_NOT_FOUND, "get");
    ck_assert_uint_eq(got.bytes, 0); /* an error's body is no object */
    contract_put(c, contract_key(c, "deep/er/object"), "x", 1, NULL);
    contract_refused(c, c->ops->head(c->t, contract_key(c, "deep"), &head, &c->err),
                     WEIR_E_NOT_FOUND, "head of a prefix");
}

static void
missing_directory(struct contract *c)
{
    struct weir_head head;
    contract_put(c, contract_key(c, "deep/er/object"), "x", 1, NULL);
    contract_refused(c, c->ops->head(c->t, contract_key(c, "deep/"), &head, &c->err),
                     WEIR_E_NOT_FOUND, "head of a prefix with a slash");
}

static void
removing(struct contract *c)
{
    struct weir_head head;
    const char *key = contract_key(c, "a/b/object");
    contract_put(c, key, "x", 1, NULL);
    contract_put(c, contract_key(c, "a/b/other"), "y", 1, NULL);
    contract_ok(c, c->ops->remove(c->t, key, &c->err), "remove");
    contract_refused(c, c->ops->head(c->t, key, &head, &c->err), WEIR_E_NOT_FOUND, "head");
    contract_ok(c, c->ops->remove(c->t, key, &c->err), "remove again");
    contract_ok(c, c->ops->remove(c->t, contract_key(c, "never/was"), &c->err), "remove never");
    contract_expect(c, contract_key(c, "a/b/other"), "y", 1);
    contract_put(c, key, "again", 5, NULL);
    contract_expect(c, key, "again", 5);
}

static void
wrong_crc(struct contract *c)
{
    struct weir_head head;
    struct weir_stored stored;
    const struct weir_object object = {.key = contract_key(c, "object")};
    if (!contract_can(c, WEIR_CAP_PUT_CHECKSUM, "PUT with a wrong CRC64NVME is refused"))
        return;
    contract_refused(
        c,
        c->ops->put(c->t, &object, "body", 4, weir_crc64nvme(0, "b0dy", 4), &stored, &c->err),
        WEIR_E_DIGEST, "put with the CRC of other bytes");
    contract_refused(c, c->ops->head(c->t, object.key, &head, &c->err), WEIR_E_NOT_FOUND,
                     "head after a refused put");
    contract_put(c, object.key, "first", 5, NULL);
    contract_refused(c, c->ops->put(c->t, &object, "body", 4, 1, &stored, &c->err),
                     WEIR_E_DIGEST, "overwrite with a wrong CRC");
    contract_expect(c, object.key, "first", 5);
}

static int
count_listed(void *ctx, const struct weir_listed *o)
{
    (void)o;
    ++*(size_t *)ctx;
    return 0;
}

static int
count_upload(void *ctx, const char *key, const char *upload_id, int64_t initiated_s)
{
    (void)key, (void)upload_id, (void)initiated_s;
    ++*(size_t *)ctx;
    return 0;
}

static void
probing(struct contract *c)
{
    unsigned caps = 0;
    size_t left = 0;
    contract_ok(c, c->ops->probe(c->t, weir_rng_next(&c->rng), &caps, &c->err), "probe");
    ck_assert_uint_eq(caps, c->caps);
    contract_ok(c, c->ops->list(c->t, ".weir/probe-", NULL, count_listed, &left, &c->err),
                "list");
    contract_ok(c, c->ops->list_uploads(c->t, ".weir/probe-", count_upload, &left, &c->err),
                "list_uploads");
    ck_assert_uint_eq(left, 0);
    ck_assert_uint_gt(strlen(c->ops->describe(c->t)), 0);
    ck_assert_uint_ge(c->lim->part_bytes_max, c->lim->part_bytes_min);
    ck_assert_uint_gt(c->lim->part_count_max, 0);
    ck_assert_uint_gt(c->lim->put_bytes_max, 0);
    ck_assert_uint_gt(c->lim->key_bytes_max, 100);
    ck_assert_uint_ge(c->lim->metadata_bytes_max, 1024);
}

const struct contract_case contract_objects[] = {
    {"round-trip", round_trip},
    {"ranges", ranges},
    {"receiver-stops", receiver_stops},
    {"overwrite", overwrite},
    {"metadata", metadata},
    {"metadata-replaced", metadata_replaced},
    {"much-metadata", much_metadata},
    {"missing", missing},
    {"missing-directory", missing_directory},
    {"removing", removing},
    {"wrong-crc", wrong_crc},
    {"probing", probing},
    {NULL, NULL},
};
