/* Copies: the same bytes under another name, or the same one, without sending them. */
#include "contract.h"

#include <stdio.h>

static const struct weir_kv meta_a[] = {{"file-mtime", "1"}, {"only-a", "x"}};
static const struct weir_kv meta_b[] = {{"file-mtime", "2"}};

static int
copy(struct contract *c, const char *from, const char *etag, const struct weir_object *to,
     struct weir_stored *out)
{
    return c->ops->copy(c->t, from, etag, to, out, &c->err);
}

/* Puts an object with metadata A. */
static void
put_source(struct contract *c, const char *key, const void *data, size_t bytes,
           struct weir_stored *out)
{
    const struct weir_object object = {.key = key, .meta = meta_a, .meta_count = 2};
    contract_ok(
        c,
        c->ops->put(c->t, &object, data, bytes, weir_crc64nvme(0, data, bytes), out, &c->err),
        key);
}

/* The object has these bytes and, in this order or another, this metadata. */
static void
expect(struct contract *c, const char *key, const void *data, size_t bytes,
       const struct weir_kv *meta, size_t meta_count, const struct weir_stored *told)
{
    struct weir_head head;
    uint64_t crc = weir_crc64nvme(0, data, bytes);
    contract_expect(c, key, data, bytes);
    contract_ok(c, c->ops->head(c->t, key, &head, &c->err), key);
    ck_assert_uint_eq(head.stored.bytes, bytes);
    ck_assert_uint_eq(head.meta_count, meta_count);
    for (size_t i = 0; i < meta_count; i++) {
        size_t at = 0;
        while (at < meta_count && strcmp(head.meta[at].name, meta[i].name) != 0)
            at++;
        ck_assert_msg(at < meta_count, "%s: metadata %s is gone", key, meta[i].name);
        ck_assert_str_eq(head.meta[at].value, meta[i].value);
    }
    if ((c->caps & WEIR_CAP_STORED_CHECKSUM) != 0)
        ck_assert(head.stored.has_crc64nvme);
    if (head.stored.has_crc64nvme)
        ck_assert_uint_eq(head.stored.crc64nvme, crc);
    if (told->has_crc64nvme)
        ck_assert_uint_eq(told->crc64nvme, crc);
    if (told->etag[0] != '\0')
        ck_assert_str_eq(told->etag, head.stored.etag);
    ck_assert(told->bytes == 0 || told->bytes == bytes);
}

static void
copying(struct contract *c)
{
    static const size_t sizes[] = {0, 1, 4095, 300001};
    if (!contract_can(c, WEIR_CAP_COPY, "copy"))
        return;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char name[32];
        struct weir_stored source, copied;
        unsigned char *data = contract_bytes(c, sizes[i]);
        (void)snprintf(name, sizeof(name), "from-%zu", i);
        const char *from = contract_key(c, name);
        (void)snprintf(name, sizeof(name), "to/%zu", i);
        struct weir_object to = {.key = contract_key(c, name),
                                 .meta = meta_b,
                                 .meta_count = 1,
                                 .content_type = "a/b"};
        put_source(c, from, data, sizes[i], &source);
        contract_ok(c, copy(c, from, source.etag, &to, &copied), "copy");
        expect(c, to.key, data, sizes[i], meta_b, 1, &copied);
        expect(c, from, data, sizes[i], meta_a, 2, &source);
        (void)snprintf(name, sizeof(name), "kept/%zu", i);
        to = (struct weir_object){.key = contract_key(c, name)}; /* metadata of the source */
        contract_ok(c, copy(c, from, source.etag, &to, &copied), "copy with its metadata");
        expect(c, to.key, data, sizes[i], meta_a, 2, &copied);
        free(data);
    }
}

static void
overwriting(struct contract *c)
{
    struct weir_stored stored;
    const char *from = contract_key(c, "from");
    struct weir_object to = {.key = contract_key(c, "to"), .meta = meta_b, .meta_count = 1};
    if (!contract_can(c, WEIR_CAP_COPY, "copy"))
        return;
    put_source(c, from, "source", 6, &stored);
    put_source(c, to.key, "what was there", 14, &stored);
    contract_ok(c, copy(c, from, "", &to, &stored), "copy over an object");
    expect(c, to.key, "source", 6, meta_b, 1, &stored);
    to.meta = NULL;
    contract_ok(c, copy(c, from, "", &to, &stored), "copy with its metadata");
    expect(c, to.key, "source", 6, meta_a, 2, &stored);
    to.meta = meta_b;
    to.meta_count = 0;
    contract_ok(c, copy(c, from, "", &to, &stored), "copy without any metadata");
    expect(c, to.key, "source", 6, NULL, 0, &stored);
}

static void
onto_itself(struct contract *c)
{
    struct weir_stored stored;
    const char *key = contract_key(c, "object");
    const struct weir_object to = {.key = key, .meta = meta_b, .meta_count = 1};
    if (!contract_can(c, WEIR_CAP_COPY, "copy"))
        return;
    put_source(c, key, "the bytes", 9, &stored);
    contract_ok(c, copy(c, key, stored.etag, &to, &stored), "copy onto itself");
    expect(c, key, "the bytes", 9, meta_b, 1, &stored);
    contract_ok(c, copy(c, key, stored.etag, &to, &stored), "the same again");
    expect(c, key, "the bytes", 9, meta_b, 1, &stored);
}

static void
directories(struct contract *c)
{
    struct weir_stored stored;
    const char *key = contract_key(c, "from/");
    struct weir_object to = {.key = contract_key(c, "to/"), .meta = meta_b, .meta_count = 1};
    if (!contract_can(c, WEIR_CAP_COPY, "copy"))
        return;
    put_source(c, key, "", 0, &stored);
    contract_put(c, contract_key(c, "from/x"), "x", 1, NULL);
    contract_ok(c, copy(c, key, stored.etag, &to, &stored), "copy the object of a directory");
    expect(c, to.key, "", 0, meta_b, 1, &stored);
    expect(c, key, "", 0, meta_a, 2, &stored);
    to.key = key;
    contract_ok(c, copy(c, key, "", &to, &stored), "copy it onto itself");
    expect(c, key, "", 0, meta_b, 1, &stored);
}

static void
conditions(struct contract *c)
{
    struct weir_stored source, stored;
    const char *from = contract_key(c, "from");
    struct weir_object to = {.key = contract_key(c, "to"), .meta = meta_b, .meta_count = 1};
    if (!contract_can(c, WEIR_CAP_COPY, "copy"))
        return;
    contract_refused(c, copy(c, contract_key(c, "no/such"), "", &to, &stored), WEIR_E_NOT_FOUND,
                     "copy of nothing");
    put_source(c, from, "source", 6, &source);
    if (contract_can(c, WEIR_CAP_COPY_IF_NONE_MATCH, "copy with If-None-Match: *")) {
        to.condition = WEIR_COND_ABSENT;
        contract_ok(c, copy(c, from, source.etag, &to, &stored), "copy where nothing is");
        contract_refused(c, copy(c, from, source.etag, &to, &stored), WEIR_E_EXISTS,
                         "copy over an object");
        expect(c, to.key, "source", 6, meta_b, 1, &stored);
    }
    to.condition = WEIR_COND_NONE;
    to.key = contract_key(c, "other");
    put_source(c, from, "changed", 7, &stored);
    if (copy(c, from, source.etag, &to, &stored) == 0 && !c->strict) {
        printf("left out: %s: the store ignores the ETag of the source\n", c->name);
        (void)fflush(stdout);
        return;
    }
    struct weir_head head;
    contract_refused(c, -1, WEIR_E_EXISTS, "copy of an object that changed");
    contract_refused(c, c->ops->head(c->t, to.key, &head, &c->err), WEIR_E_NOT_FOUND,
                     "the copy that was refused");
}

static void
odd_names(struct contract *c)
{
    static const char *const odd[] = {
        "a b+c", "%41%2F", "q?x=1&y#f", "'\"", "x/;,:@=~", "\xc3\xbc/\xe6\x97\xa5", "<&>]]>"};
    struct weir_stored stored;
    if (!contract_can(c, WEIR_CAP_COPY, "copy"))
        return;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        char name[64];
        const char *from = contract_key(c, odd[i]);
        (void)snprintf(name, sizeof(name), "copies/%s", odd[i]);
        const struct weir_object to = {.key = contract_key(c, name)};
        put_source(c, from, odd[i], strlen(odd[i]), &stored);
        contract_ok(c, copy(c, from, stored.etag, &to, &stored), odd[i]);
        expect(c, to.key, odd[i], strlen(odd[i]), meta_a, 2, &stored);
    }
}

const struct contract_case contract_copies[] = {
    {"copying", copying},
    {"copy-overwrites", overwriting},
    {"copy-onto-itself", onto_itself},
    {"copy-directories", directories},
    {"copy-conditions", conditions},
    {"copy-odd-names", odd_names},
    {NULL, NULL},
};
