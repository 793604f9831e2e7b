/* Ranges of an object as parts of an upload, and what a store tells of the parts of one. */
#include "contract.h"

#include <stdio.h>

#define PARTS 5

struct patch { /* an upload made of copied ranges and of parts that were sent */
    const char *source;
    struct weir_stored stored; /* of the source */
    unsigned char *from;       /* its bytes */
    size_t from_bytes;
    struct weir_object object;
    char id[WEIR_UPLOAD_ID_BYTES];
    unsigned char *want; /* the bytes of the new object so far */
    size_t bytes;
    struct weir_part parts[PARTS];
    size_t count;
};

static void
begin(struct contract *c, struct patch *p)
{
    memset(p, 0, sizeof(*p));
    p->source = contract_key(c, "source");
    p->from_bytes = (size_t)c->lim->copy_source_bytes_min + 2 * c->part_bytes + 12345;
    p->from = contract_bytes(c, p->from_bytes);
    p->want = malloc(2 * p->from_bytes);
    ck_assert_ptr_nonnull(p->want);
    contract_put(c, p->source, p->from, p->from_bytes, &p->stored);
    p->object.key = contract_key(c, "object");
    contract_ok(c, c->ops->create_upload(c->t, &p->object, p->id, &c->err), "create");
}

static void
end(struct patch *p)
{
    free(p->from);
    free(p->want);
}

static int
copy_range(struct contract *c, const struct patch *p, uint32_t number, uint64_t offset,
           uint64_t bytes, struct weir_part *out)
{
    return c->ops->copy_part(c->t, p->object.key, p->id, number, p->source, p->stored.etag,
                             offset, bytes, out, &c->err);
}

/* Appends a copied range. */
static void
add_range(struct contract *c, struct patch *p, size_t offset, size_t bytes)
{
    struct weir_part *part = &p->parts[p->count++];
    contract_ok(c, copy_range(c, p, (uint32_t)p->count, offset, bytes, part), "copy_part");
    ck_assert_uint_eq(part->number, p->count);
    ck_assert_uint_eq(part->bytes, bytes);
    ck_assert_uint_gt(strlen(part->etag), 0);
    if (part->has_crc64nvme)
        ck_assert_uint_eq(part->crc64nvme, weir_crc64nvme(0, p->from + offset, bytes));
    memcpy(p->want + p->bytes, p->from + offset, bytes);
    p->bytes += bytes;
}

/* Appends a part that is sent. */
static void
add_bytes(struct contract *c, struct patch *p, size_t bytes)
{
    unsigned char *data = contract_bytes(c, bytes);
    struct weir_part *part = &p->parts[p->count++];
    contract_ok(c,
                c->ops->put_part(c->t, p->object.key, p->id, (uint32_t)p->count, data, bytes,
                                 weir_crc64nvme(0, data, bytes), part, &c->err),
                "put_part");
    memcpy(p->want + p->bytes, data, bytes);
    p->bytes += bytes;
    free(data);
}

static void
complete(struct contract *c, struct patch *p)
{
    struct weir_stored stored;
    struct weir_head head;
    uint64_t crc = weir_crc64nvme(0, p->want, p->bytes);
    contract_ok(c,
                c->ops->complete_upload(c->t, &p->object, p->id, p->parts, p->count, p->bytes,
                                        crc, &stored, &c->err),
                "complete");
    contract_expect(c, p->object.key, p->want, p->bytes);
    contract_ok(c, c->ops->head(c->t, p->object.key, &head, &c->err), "head");
    if ((c->caps & WEIR_CAP_STORED_CHECKSUM_MPU) != 0) {
        ck_assert(head.stored.has_crc64nvme);
        ck_assert_uint_eq(head.stored.crc64nvme, crc);
    }
    contract_expect(c, p->source, p->from, p->from_bytes);
}

/* The middle of an object is replaced: copied, sent, copied from an odd place, sent. */
static void
patching(struct contract *c)
{
    struct patch p;
    if (!contract_can(c, WEIR_CAP_COPY_PART, "copies of ranges"))
        return;
    begin(c, &p);
    add_range(c, &p, 0, c->part_bytes);
    add_bytes(c, &p, c->part_bytes);
    add_range(c, &p, c->part_bytes + 4097, c->part_bytes);
    add_range(c, &p, 1, c->part_bytes);
    add_bytes(c, &p, 77);
    complete(c, &p);
    end(&p);
}

/* Onto the key that is copied from, as the delta of a changed file is. */
static void
over_the_source(struct contract *c)
{
    struct patch p;
    struct weir_stored stored;
    if (!contract_can(c, WEIR_CAP_COPY_PART, "copies of ranges"))
        return;
    begin(c, &p);
    contract_ok(c, c->ops->abort_upload(c->t, p.object.key, p.id, &c->err), "abort");
    p.object.key = p.source;
    contract_ok(c, c->ops->create_upload(c->t, &p.object, p.id, &c->err), "create");
    add_bytes(c, &p, c->part_bytes);
    add_range(c, &p, c->part_bytes, p.from_bytes - c->part_bytes); /* to the end */
    contract_ok(c,
                c->ops->complete_upload(c->t, &p.object, p.id, p.parts, p.count, p.bytes,
                                        weir_crc64nvme(0, p.want, p.bytes), &stored, &c->err),
                "complete");
    contract_expect(c, p.source, p.want, p.bytes);
    end(&p);
}

/* The same number again overwrites, a copy a part that was sent and the reverse. */
static void
overwriting(struct contract *c)
{
    struct patch p;
    if (!contract_can(c, WEIR_CAP_COPY_PART, "copies of ranges"))
        return;
    begin(c, &p);
    add_bytes(c, &p, c->part_bytes);
    p.bytes = p.count = 0;
    add_range(c, &p, 3, c->part_bytes);
    add_range(c, &p, 5, 1000);
    p.bytes -= 1000;
    p.count--;
    add_bytes(c, &p, 99);
    complete(c, &p);
    end(&p);
}

static void
refusals(struct contract *c)
{
    struct patch p;
    struct weir_part part;
    if (!contract_can(c, WEIR_CAP_COPY_PART, "copies of ranges"))
        return;
    begin(c, &p);
    if (copy_range(c, &p, 1, p.from_bytes - 10, 11, &part) == 0 && !c->strict)
        printf("left out: %s: the store copies beyond the end\n", c->name);
    else {
        ck_assert_int_ne(c->err.code, WEIR_OK);
        ck_assert(!c->err.retryable);
        weir_err_clear(&c->err);
    }
    contract_refused(c,
                     c->ops->copy_part(c->t, p.object.key, p.id, 1, contract_key(c, "no/such"),
                                       "", 0, 10, &part, &c->err),
                     WEIR_E_NOT_FOUND, "range of nothing");
    const char *etag = "00000000000000000000000000000000";
    if (c->ops->copy_part(c->t, p.object.key, p.id, 1, p.source, etag, 0, 10, &part, &c->err) ==
            0 &&
        !c->strict)
        printf("left out: %s: the store ignores the ETag of the source\n", c->name);
    else
        contract_refused(c, -1, WEIR_E_EXISTS, "range of an object that changed");
    (void)fflush(stdout);
    contract_ok(c, c->ops->abort_upload(c->t, p.object.key, p.id, &c->err), "abort");
    contract_refused(c, copy_range(c, &p, 1, 0, c->part_bytes, &part), WEIR_E_NO_UPLOAD,
                     "part of an upload that is gone");
    end(&p);
}

static void
part_sizes(struct contract *c)
{
    struct weir_object object = {.key = contract_key(c, "object")};
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part parts[3];
    struct weir_stored stored;
    uint64_t bytes = 2 * c->part_bytes + 10, part_bytes = 0;
    uint32_t count = 0;
    unsigned char *data = contract_bytes(c, bytes);
    contract_ok(c, c->ops->create_upload(c->t, &object, id, &c->err), "create");
    for (uint32_t i = 0; i < 3; i++) {
        size_t n = i < 2 ? c->part_bytes : 10;
        const unsigned char *from = data + i * c->part_bytes;
        contract_ok(c,
                    c->ops->put_part(c->t, object.key, id, i + 1, from, n,
                                     weir_crc64nvme(0, from, n), &parts[i], &c->err),
                    "part");
    }
    contract_ok(c,
                c->ops->complete_upload(c->t, &object, id, parts, 3, bytes,
                                        weir_crc64nvme(0, data, bytes), &stored, &c->err),
                "complete");
    if (c->ops->part_size(c->t, object.key, &part_bytes, &count, &c->err) == 0) {
        ck_assert_uint_eq(part_bytes, c->part_bytes);
        ck_assert_uint_eq(count, 3);
        contract_refused(
            c,
            c->ops->part_size(c->t, contract_key(c, "no/such"), &part_bytes, &count, &c->err),
            WEIR_E_NOT_FOUND, "part size of nothing");
    } else {
        contract_refused(c, -1, WEIR_E_UNSUPPORTED, "part size");
        printf("left out: %s: the store does not tell the size of parts\n", c->name);
        (void)fflush(stdout);
    }
    free(data);
}

const struct contract_case contract_ranges[] = {
    {"patching", patching},
    {"patching-over-the-source", over_the_source},
    {"range-overwrites-part", overwriting},
    {"range-refusals", refusals},
    {"part-sizes", part_sizes},
    {NULL, NULL},
};
