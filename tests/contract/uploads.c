/* Multipart uploads: parts in any order, again and again; nothing is seen before complete. */
#include "contract.h"

#include <stdio.h>

#define PARTS_MAX 8

struct upload { /* one in the making */
    struct weir_object object;
    char id[WEIR_UPLOAD_ID_BYTES];
    unsigned char *data;
    size_t bytes, count;
    size_t at[PARTS_MAX + 1]; /* where part i + 1 begins */
    struct weir_part parts[PARTS_MAX];
};

static void
begin(struct contract *c, struct upload *u, const char *name, const size_t *sizes, size_t count)
{
    memset(u, 0, sizeof(*u));
    u->object.key = contract_key(c, name);
    u->count = count;
    for (size_t i = 0; i < count; i++) {
        u->bytes += sizes[i];
        u->at[i + 1] = u->bytes;
    }
    u->data = contract_bytes(c, u->bytes);
    contract_ok(c, c->ops->create_upload(c->t, &u->object, u->id, &c->err), "create");
    ck_assert_uint_gt(strlen(u->id), 0);
}

static void
send(struct contract *c, struct upload *u, size_t i)
{
    const unsigned char *from = u->data + u->at[i];
    size_t bytes = u->at[i + 1] - u->at[i];
    contract_ok(c,
                c->ops->put_part(c->t, u->object.key, u->id, (uint32_t)i + 1, from, bytes,
                                 weir_crc64nvme(0, from, bytes), &u->parts[i], &c->err),
                "put_part");
    ck_assert_uint_eq(u->parts[i].number, i + 1);
    ck_assert_uint_eq(u->parts[i].bytes, bytes);
}

static int
complete(struct contract *c, struct upload *u, uint64_t crc)
{
    struct weir_stored stored;
    int rc = c->ops->complete_upload(c->t, &u->object, u->id, u->parts, u->count, u->bytes, crc,
                                     &stored, &c->err);
    if (rc == 0 && stored.has_crc64nvme)
        ck_assert_uint_eq(stored.crc64nvme, crc);
    return rc;
}

static uint64_t
crc_of(const struct upload *u)
{
    return weir_crc64nvme(0, u->data, u->bytes);
}

static void
expect_whole(struct contract *c, struct upload *u)
{
    struct weir_head head;
    contract_ok(c, c->ops->head(c->t, u->object.key, &head, &c->err), "head");
    ck_assert_uint_eq(head.stored.bytes, u->bytes);
    if ((c->caps & WEIR_CAP_STORED_CHECKSUM_MPU) != 0) {
        ck_assert(head.stored.has_crc64nvme);
        ck_assert_uint_eq(head.stored.crc64nvme, crc_of(u));
    }
    contract_expect(c, u->object.key, u->data, u->bytes);
}

/* Sends the parts in a random order, one of them first with other bytes. */
static void
send_shuffled(struct contract *c, struct upload *u)
{
    size_t order[PARTS_MAX];
    for (size_t i = 0; i < u->count; i++) {
        size_t j = weir_rng_below(&c->rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    size_t twice = weir_rng_below(&c->rng, u->count);
    size_t bytes = u->at[twice + 1] - u->at[twice];
    unsigned char *other = contract_bytes(c, bytes);
    struct weir_part ignored;
    for (size_t i = 0; i < u->count; i++) {
        if (i == u->count / 2)
            contract_ok(c,
                        c->ops->put_part(c->t, u->object.key, u->id, (uint32_t)twice + 1, other,
                                         bytes, weir_crc64nvme(0, other, bytes), &ignored,
                                         &c->err),
                        "part to be overwritten");
        send(c, u, order[i]);
    }
    send(c, u, twice);
    free(other);
}

static void
any_order(struct contract *c)
{
    size_t p = c->part_bytes;
    const size_t shapes[][PARTS_MAX] = {
        {p, p, p, p / 3 + 1}, {p, p, p}, {p, 1}, {5}, {p + 7, p, p + 1, 3}, {p, 2 * p, p},
    };
    const size_t counts[] = {4, 3, 2, 1, 4, 3};
    unsigned rounds = p < (1u << 20) ? 20 : 1;
    for (unsigned round = 0; round < rounds; round++)
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            struct upload u;
            char name[32];
            (void)snprintf(name, sizeof(name), "object-%u-%zu", round, i);
            begin(c, &u, name, shapes[i], counts[i]);
            send_shuffled(c, &u);
            contract_ok(c, complete(c, &u, crc_of(&u)), "complete");
            expect_whole(c, &u);
            free(u.data);
        }
    contract_can(c, WEIR_CAP_STORED_CHECKSUM_MPU,
                 "HEAD gives the CRC64NVME of a multipart "
                 "object");
}

static void
replaces_object(struct contract *c)
{
    struct upload u;
    const size_t sizes[] = {c->part_bytes, 10};
    contract_put(c, contract_key(c, "object"), "before", 6, NULL);
    begin(c, &u, "object", sizes, 2);
    send_shuffled(c, &u);
    contract_expect(c, u.object.key, "before", 6);
    contract_ok(c, complete(c, &u, crc_of(&u)), "complete");
    expect_whole(c, &u);
    free(u.data);
}

static void
metadata(struct contract *c)
{
    struct weir_head head;
    struct upload u;
    const struct weir_kv meta = {"file-mtime", "1700000000"};
    memset(&u, 0, sizeof(u));
    u.object =
        (struct weir_object){.key = contract_key(c, "object"), .meta = &meta, .meta_count = 1};
    u.count = 1;
    u.bytes = u.at[1] = 9;
    u.data = contract_bytes(c, u.bytes);
    contract_ok(c, c->ops->create_upload(c->t, &u.object, u.id, &c->err), "create");
    send(c, &u, 0);
    u.object.meta_count = 0; /* complete takes what create was given */
    contract_ok(c, complete(c, &u, crc_of(&u)), "complete");
    contract_ok(c, c->ops->head(c->t, u.object.key, &head, &c->err), "head");
    ck_assert_uint_eq(head.meta_count, 1);
    ck_assert_str_eq(head.meta[0].name, "file-mtime");
    ck_assert_str_eq(head.meta[0].value, "1700000000");
    free(u.data);
}

static void
wrong_part_crc(struct contract *c)
{
    struct upload u;
    const size_t sizes[] = {1000};
    if (!contract_can(c, WEIR_CAP_PART_CHECKSUM, "a part with a wrong CRC64NVME is refused"))
        return;
    begin(c, &u, "object", sizes, 1);
    contract_refused(c,
                     c->ops->put_part(c->t, u.object.key, u.id, 1, u.data, 1000, ~crc_of(&u),
                                      &u.parts[0], &c->err),
                     WEIR_E_DIGEST, "part with a wrong CRC");
    send(c, &u, 0);
    contract_ok(c, complete(c, &u, crc_of(&u)), "complete");
    expect_whole(c, &u);
    free(u.data);
}

static void
wrong_object_crc(struct contract *c)
{
    struct weir_head head;
    struct upload u;
    const size_t sizes[] = {c->part_bytes, 1000};
    if (!contract_can(c, WEIR_CAP_COMPLETE_CHECKSUM,
                      "Complete with a wrong CRC64NVME is refused"))
        return;
    begin(c, &u, "object", sizes, 2);
    send_shuffled(c, &u);
    contract_refused(c, complete(c, &u, crc_of(&u) ^ 1), WEIR_E_DIGEST,
                     "complete with a wrong CRC");
    contract_refused(c, c->ops->head(c->t, u.object.key, &head, &c->err), WEIR_E_NOT_FOUND,
                     "head after a refused complete");
    contract_ok(c, c->ops->abort_upload(c->t, u.object.key, u.id, &c->err), "abort");
    free(u.data);
}

static void
missing_part(struct contract *c)
{
    struct weir_head head;
    struct upload u;
    const size_t sizes[] = {c->part_bytes, c->part_bytes, 1000};
    begin(c, &u, "object", sizes, 3);
    send(c, &u, 0);
    send(c, &u, 2);
    u.parts[1] = u.parts[0]; /* says part 2 was stored, which is not so */
    u.parts[1].number = 2;
    ck_assert_int_eq(complete(c, &u, crc_of(&u)), -1);
    ck_assert_int_ne(c->err.code, WEIR_OK);
    weir_err_clear(&c->err);
    contract_refused(c, c->ops->head(c->t, u.object.key, &head, &c->err), WEIR_E_NOT_FOUND,
                     "head after a refused complete");
    contract_ok(c, c->ops->abort_upload(c->t, u.object.key, u.id, &c->err), "abort");
    free(u.data);
}

/* ---- lists ---- */

struct part_list {
    struct weir_part part[PARTS_MAX];
    size_t count, stop_after;
};

static int
on_part(void *ctx, const struct weir_part *part)
{
    struct part_list *l = ctx;
    ck_assert_uint_lt(l->count, PARTS_MAX);
    l->part[l->count++] = *part;
    return l->count == l->stop_after;
}

static void
listing_parts(struct contract *c)
{
    struct upload u;
    struct part_list l = {0}, first = {.stop_after = 1};
    const size_t sizes[] = {c->part_bytes, c->part_bytes, c->part_bytes, 77};
    begin(c, &u, "object", sizes, 4);
    contract_ok(c, c->ops->list_parts(c->t, u.object.key, u.id, on_part, &l, &c->err),
                "list of no part");
    ck_assert_uint_eq(l.count, 0);
    send(c, &u, 3);
    send(c, &u, 0);
    send(c, &u, 1);
    contract_ok(c, c->ops->list_parts(c->t, u.object.key, u.id, on_part, &l, &c->err), "list");
    ck_assert_uint_eq(l.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct weir_part *want = &u.parts[i < 2 ? i : 3];
        ck_assert_uint_eq(l.part[i].number, want->number);
        ck_assert_uint_eq(l.part[i].bytes, want->bytes);
        ck_assert_str_eq(l.part[i].etag, want->etag);
        if (l.part[i].has_crc64nvme)
            ck_assert_uint_eq(l.part[i].crc64nvme, want->crc64nvme);
    }
    contract_ok(c, c->ops->list_parts(c->t, u.object.key, u.id, on_part, &first, &c->err),
                "stopped list");
    ck_assert_uint_eq(first.count, 1);
    send(c, &u, 2);
    contract_ok(c, complete(c, &u, crc_of(&u)), "complete");
    expect_whole(c, &u);
    free(u.data);
}

struct upload_list {
    const char *key, *id;
    size_t hits, others;
};

static int
on_upload(void *ctx, const char *key, const char *upload_id, int64_t initiated_s)
{
    struct upload_list *l = ctx;
    (void)initiated_s;
    if (strcmp(key, l->key) == 0 && strcmp(upload_id, l->id) == 0)
        l->hits++;
    else
        l->others++;
    return 0;
}

static size_t
find_upload(struct contract *c, const struct upload *u, const char *key_prefix)
{
    struct upload_list l = {.key = u->object.key, .id = u->id};
    contract_ok(c, c->ops->list_uploads(c->t, key_prefix, on_upload, &l, &c->err),
                "list_uploads");
    ck_assert_msg(l.others == 0 || key_prefix[0] == '\0', "an upload outside the prefix");
    ck_assert_uint_le(l.hits, 1);
    return l.hits;
}

static int
on_listed(void *ctx, const struct weir_listed *o)
{
    (void)o;
    ++*(size_t *)ctx;
    return 0;
}

static void
listing_uploads(struct contract *c)
{
    struct upload u;
    struct weir_part part;
    struct part_list l = {0};
    size_t objects = 0;
    struct weir_head head;
    const size_t sizes[] = {100};
    begin(c, &u, "x y/object", sizes, 1);
    ck_assert_uint_eq(find_upload(c, &u, ""), 1);
    ck_assert_uint_eq(find_upload(c, &u, c->prefix), 1);
    ck_assert_uint_eq(find_upload(c, &u, u.object.key), 1);
    ck_assert_uint_eq(find_upload(c, &u, contract_key(c, "y")), 0);
    send(c, &u, 0);
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, on_listed, &objects, &c->err), "list");
    ck_assert_uint_eq(objects, 0); /* an upload is no object */
    contract_refused(c, c->ops->head(c->t, u.object.key, &head, &c->err), WEIR_E_NOT_FOUND,
                     "head before complete");
    contract_ok(c, c->ops->abort_upload(c->t, u.object.key, u.id, &c->err), "abort");
    ck_assert_uint_eq(find_upload(c, &u, c->prefix), 0);
    contract_ok(c, c->ops->abort_upload(c->t, u.object.key, u.id, &c->err), "abort again");
    contract_refused(
        c,
        c->ops->put_part(c->t, u.object.key, u.id, 1, u.data, 100, crc_of(&u), &part, &c->err),
        WEIR_E_NO_UPLOAD, "part of an upload that is gone");
    contract_refused(c, c->ops->list_parts(c->t, u.object.key, u.id, on_part, &l, &c->err),
                     WEIR_E_NO_UPLOAD, "parts of an upload that is gone");
    free(u.data);
}

static void
two_uploads(struct contract *c)
{
    struct upload a, b;
    const size_t sizes[] = {50};
    begin(c, &a, "object", sizes, 1);
    begin(c, &b, "object", sizes, 1);
    ck_assert_str_ne(a.id, b.id);
    send(c, &a, 0);
    send(c, &b, 0);
    contract_ok(c, complete(c, &b, crc_of(&b)), "complete the second");
    expect_whole(c, &b);
    contract_ok(c, complete(c, &a, crc_of(&a)), "complete the first");
    expect_whole(c, &a);
    ck_assert_uint_eq(find_upload(c, &a, c->prefix), 0);
    free(a.data);
    free(b.data);
}

const struct contract_case contract_uploads[] = {
    {"any-order", any_order},
    {"replaces-object", replaces_object},
    {"upload-metadata", metadata},
    {"wrong-part-crc", wrong_part_crc},
    {"wrong-object-crc", wrong_object_crc},
    {"missing-part", missing_part},
    {"listing-parts", listing_parts},
    {"listing-uploads", listing_uploads},
    {"two-uploads", two_uploads},
    {NULL, NULL},
};
