/* Keys: any valid UTF-8 without control characters, byte for byte. */
#include "contract.h"

#include <stdio.h>

static const char *const odd[] = {
    "b c",
    "a  b",
    " leading",
    "trailing ",
    "a+b",
    "100%",
    "%41",
    "%2F%00",
    "~",
    "~user",
    "a b/c=d&e",
    "q?x=1&y#f",
    "'single'\"double\"",
    "semi;colon,comma:at@",
    "(1)[2]{3}!$*^`|<>",
    "..x",
    "x..",
    "...",
    ".hidden",
    "-rf",
    "a=b",
    "\xc3\xbc/\xc3\xb1/\xe6\x97\xa5\xe6\x9c\xac",
    "\xe2\x90\x9b"
    "0A", /* U+241B: weir's own escape */
    "\xe2\x90\x9b"
    "FFname",
    "nfc-\xc3\xa9",  /* the same letter composed ... */
    "nfd-e\xcc\x81", /* ... and decomposed */
    "\xe3\x80\x80wide space",
    "mark\xe2\x80\x8e",
    "\xf0\x9f\x98\x80",
    "&amp;&lt;",
    "<xml>]]>",
    "CON",
    "name.with.dots.",
};
#define ODD_COUNT (sizeof(odd) / sizeof(odd[0]))

struct seen {
    const struct contract *c;
    unsigned count[ODD_COUNT];
    unsigned strange;
};

static int
on_listed(void *ctx, const struct weir_listed *o)
{
    struct seen *s = ctx;
    for (size_t i = 0; i < ODD_COUNT; i++)
        if (strcmp(o->key + strlen(s->c->prefix), odd[i]) == 0) {
            s->count[i]++;
            return 0;
        }
    s->strange++;
    return 0;
}

static void
odd_keys(struct contract *c)
{
    struct seen seen = {.c = c};
    for (size_t i = 0; i < ODD_COUNT; i++)
        contract_put(c, contract_key(c, odd[i]), odd[i], strlen(odd[i]), NULL);
    for (size_t i = 0; i < ODD_COUNT; i++) {
        struct weir_head head;
        const char *key = contract_key(c, odd[i]);
        contract_ok(c, c->ops->head(c->t, key, &head, &c->err), key);
        contract_expect(c, key, odd[i], strlen(odd[i]));
    }
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, on_listed, &seen, &c->err), "list");
    for (size_t i = 0; i < ODD_COUNT; i++)
        ck_assert_msg(seen.count[i] == 1, "'%s' was listed %u times", odd[i], seen.count[i]);
    ck_assert_uint_eq(seen.strange, 0);
    for (size_t i = 0; i < ODD_COUNT; i++)
        contract_ok(c, c->ops->remove(c->t, contract_key(c, odd[i]), &c->err), odd[i]);
    struct seen none = {.c = c};
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, on_listed, &none, &c->err), "list");
    for (size_t i = 0; i < ODD_COUNT; i++)
        ck_assert_uint_eq(none.count[i], 0);
}

static void
backslash(struct contract *c)
{
    struct weir_head head;
    const char *key = contract_key(c, "back\\slash");
    contract_put(c, key, "x", 1, NULL);
    contract_expect(c, key, "x", 1);
    contract_refused(c, c->ops->head(c->t, contract_key(c, "back/slash"), &head, &c->err),
                     WEIR_E_NOT_FOUND, "head with a slash");
}

/* Odd keys go through the multipart calls as well: they are in queries and XML there. */
static void
odd_uploads(struct contract *c)
{
    for (size_t i = 0; i < ODD_COUNT; i += 5) {
        char id[WEIR_UPLOAD_ID_BYTES];
        struct weir_part part;
        struct weir_stored stored;
        const struct weir_object object = {.key = contract_key(c, odd[i])};
        uint64_t crc = weir_crc64nvme(0, odd[i], strlen(odd[i]));
        contract_ok(c, c->ops->create_upload(c->t, &object, id, &c->err), odd[i]);
        contract_ok(c,
                    c->ops->put_part(c->t, object.key, id, 1, odd[i], strlen(odd[i]), crc,
                                     &part, &c->err),
                    odd[i]);
        contract_ok(c,
                    c->ops->complete_upload(c->t, &object, id, &part, 1, strlen(odd[i]), crc,
                                            &stored, &c->err),
                    odd[i]);
        contract_expect(c, object.key, odd[i], strlen(odd[i]));
    }
}

static void
long_keys(struct contract *c)
{
    struct weir_head head;
    struct weir_stored stored;
    char key[4200];
    size_t max = c->lim->key_bytes_max;
    ck_assert_uint_lt(max, sizeof(key) - 2);
    size_t n = (size_t)snprintf(key, sizeof(key), "%s", c->prefix);
    for (size_t in_segment = 0; n < max; n++) {
        bool slash = in_segment == 180 && n + 1 < max;
        key[n] = slash ? '/' : 'k';
        in_segment = slash ? 0 : in_segment + 1;
    }
    key[max] = '\0';
    contract_put(c, key, "long", 4, NULL);
    contract_ok(c, c->ops->head(c->t, key, &head, &c->err), "head of the longest key");
    contract_expect(c, key, "long", 4);
    key[max] = 'k';
    key[max + 1] = '\0';
    const struct weir_object over = {.key = key};
    contract_refused(
        c, c->ops->put(c->t, &over, "long", 4, weir_crc64nvme(0, "long", 4), &stored, &c->err),
        WEIR_E_LIMIT, "a key that is one byte too long");
    key[max] = '\0';
    contract_ok(c, c->ops->remove(c->t, key, &c->err), "remove the longest key");
}

static int
collect(void *ctx, const struct weir_listed *o)
{
    char *text = ctx;
    size_t n = strlen(text);
    (void)snprintf(text + n, 512 - n, "%s|", o->key);
    return 0;
}

static void
directory_objects(struct contract *c)
{
    struct weir_head head;
    char listed[512] = "", expected[512];
    const char *dir = contract_key(c, "dir/");
    contract_put(c, dir, "", 0, NULL);
    contract_ok(c, c->ops->head(c->t, dir, &head, &c->err), "head dir/");
    ck_assert_uint_eq(head.stored.bytes, 0);
    contract_refused(c, c->ops->head(c->t, contract_key(c, "dir"), &head, &c->err),
                     WEIR_E_NOT_FOUND, "head dir");
    contract_expect(c, dir, "", 0);
    contract_put(c, contract_key(c, "dir/x"), "x", 1, NULL);
    contract_put(c, contract_key(c, "dir-"), "-", 1, NULL);
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, collect, listed, &c->err), "list");
    (void)snprintf(expected, sizeof(expected), "%sdir-|%sdir/|%sdir/x|", c->prefix, c->prefix,
                   c->prefix);
    ck_assert_str_eq(listed, expected);
}

static void
directory_metadata(struct contract *c)
{
    struct weir_head head;
    struct weir_stored stored;
    const struct weir_kv meta = {"file-permissions", "040755"};
    const struct weir_object dir = {
        .key = contract_key(c, "dir/"), .meta = &meta, .meta_count = 1};
    contract_ok(c, c->ops->put(c->t, &dir, "", 0, 0, &stored, &c->err), "put dir/");
    contract_ok(c, c->ops->head(c->t, dir.key, &head, &c->err), "head dir/");
    ck_assert_uint_eq(head.meta_count, 1);
    ck_assert_str_eq(head.meta[0].value, "040755");
}

static void
directory_removed(struct contract *c)
{
    struct weir_head head;
    const char *dir = contract_key(c, "dir/");
    contract_put(c, dir, "", 0, NULL);
    contract_put(c, contract_key(c, "dir/x"), "x", 1, NULL);
    contract_ok(c, c->ops->remove(c->t, dir, &c->err), "remove dir/");
    contract_refused(c, c->ops->head(c->t, dir, &head, &c->err), WEIR_E_NOT_FOUND,
                     "head of the removed dir/");
    contract_expect(c, contract_key(c, "dir/x"), "x", 1);
    contract_ok(c, c->ops->remove(c->t, dir, &c->err), "remove dir/ again");
}

const struct contract_case contract_keys[] = {
    {"odd-keys", odd_keys},
    {"backslash", backslash},
    {"odd-uploads", odd_uploads},
    {"long-keys", long_keys},
    {"directory-objects", directory_objects},
    {"directory-metadata", directory_metadata},
    {"directory-removed", directory_removed},
    {NULL, NULL},
};
