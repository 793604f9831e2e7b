/* probe_copy -- finds out whether a store copies as S3 does, by copying objects of its own and
 * reading them back.  A key that may write but not read has no use for copies: no error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/handle.h"
#include "s3/operation.h"
#include "s3/probe.h"

#define RANGE_BYTES 1000

struct copies {
    struct weir_transport *t;
    const struct weir_s3_probe_source *source;
    unsigned caps;
    char key[64], big_key[64];
    char upload_id[WEIR_UPLOAD_ID_BYTES]; /* "" when none is open */
};

static bool
is_fatal(const struct weir_err *err)
{
    return err->code != WEIR_E_ACCESS && weir_s3_probe_is_fatal(err);
}

/* What a trial is worth whose call failed: 0, no capability, or -1 with *err. */
static int
give_up(const struct weir_err *own, struct weir_err *err)
{
    return is_fatal(own) ? weir_s3_operation_pass(own, err) : 0;
}

struct compare { /* a sink */
    const unsigned char *want;
    size_t bytes, seen;
    bool differs;
};

static int
on_bytes(void *ctx, const void *data, size_t bytes)
{
    struct compare *c = ctx;
    c->differs = bytes > c->bytes - c->seen || memcmp(c->want + c->seen, data, bytes) != 0;
    c->seen += bytes;
    return c->differs;
}

/* Has the object these bytes, and this text as its only metadata?  meta NULL: any. */
static int
look(struct copies *c, const unsigned char *want, size_t bytes, const char *meta,
     bool *out_right, struct weir_err *err)
{
    struct weir_head head;
    struct weir_err own = WEIR_ERR_INIT;
    struct compare compare = {.want = want, .bytes = bytes};
    *out_right = false;
    if (weir_s3_head(c->t, c->key, &head, &own) != 0)
        return give_up(&own, err);
    if (head.stored.bytes != bytes ||
        (head.stored.has_crc64nvme && head.stored.crc64nvme != weir_crc64nvme(0, want, bytes)))
        return 0;
    if (meta != NULL &&
        (head.meta_count != 1 || strcmp(head.meta[0].name, WEIR_S3_PROBE_META) != 0 ||
         strcmp(head.meta[0].value, meta) != 0))
        return 0;
    int rc = weir_s3_get(c->t, c->key, 0, UINT64_MAX, on_bytes, &compare, &own);
    if (rc != 0 && !compare.differs)
        return give_up(&own, err);
    *out_right = rc == 0 && compare.seen == bytes;
    return 0;
}

/* Copies with metadata of its own, and looks. */
static int
copy_and_look(struct copies *c, const char *from, char etag[WEIR_ETAG_BYTES], const char *meta,
              bool *out_right, struct weir_err *err)
{
    const struct weir_kv kv = {WEIR_S3_PROBE_META, meta};
    const struct weir_object object = {.key = c->key, .meta = &kv, .meta_count = 1};
    struct weir_stored stored;
    struct weir_err own = WEIR_ERR_INIT;
    *out_right = false;
    if (weir_s3_copy(c->t, from, etag, &object, &stored, &own) != 0)
        return give_up(&own, err);
    memcpy(etag, stored.etag, WEIR_ETAG_BYTES);
    return look(c, c->source->data, c->source->bytes, meta, out_right, err);
}

static int
try_copy(struct copies *c, struct weir_err *err)
{
    char etag[WEIR_ETAG_BYTES];
    bool right = false;
    memcpy(etag, c->source->etag, sizeof(etag));
    if (copy_and_look(c, c->source->key, etag, "1", &right, err) != 0)
        return -1;
    if (right && copy_and_look(c, c->key, etag, "2", &right, err) != 0)
        return -1;
    if (!right)
        return 0;
    c->caps |= WEIR_CAP_COPY;
    const struct weir_object object = {.key = c->key, .condition = WEIR_COND_ABSENT};
    struct weir_stored stored;
    struct weir_err own = WEIR_ERR_INIT;
    if (weir_s3_copy(c->t, c->source->key, "", &object, &stored, &own) == 0)
        return 0;
    if (own.code == WEIR_E_EXISTS)
        c->caps |= WEIR_CAP_COPY_IF_NONE_MATCH;
    return give_up(&own, err);
}

/* No stretch of it is like another: a wrong range is noticed. */
static void
fill(unsigned char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        data[i] = (unsigned char)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

/* A part from the middle of the large object, which becomes an object. */
static int
copy_range(struct copies *c, const unsigned char *big, uint64_t offset, struct weir_err *err)
{
    const struct weir_object object = {.key = c->key};
    uint64_t crc = weir_crc64nvme(0, big + offset, RANGE_BYTES);
    struct weir_part part;
    struct weir_stored stored;
    struct weir_err own = WEIR_ERR_INIT;
    bool right = false;
    if (weir_s3_create_upload(c->t, &object, c->upload_id, &own) != 0) {
        c->upload_id[0] = '\0';
        return give_up(&own, err);
    }
    if (weir_s3_copy_part(c->t, c->key, c->upload_id, 1, c->big_key, "", offset, RANGE_BYTES,
                          &part, &own) != 0)
        return give_up(&own, err);
    if (part.has_crc64nvme && part.crc64nvme != crc)
        return 0;
    if (weir_s3_complete_upload(c->t, &object, c->upload_id, &part, 1, RANGE_BYTES, crc,
                                &stored, &own) != 0)
        return give_up(&own, err);
    c->upload_id[0] = '\0';
    if (look(c, big + offset, RANGE_BYTES, NULL, &right, err) != 0)
        return -1;
    c->caps |= right ? WEIR_CAP_COPY_PART : 0;
    return 0;
}

/* Ranges of short objects are refused by S3: the trial needs one that is long enough. */
static int
try_copy_part(struct copies *c, struct weir_err *err)
{
    size_t bytes = (size_t)c->t->ops->limits(c->t)->copy_source_bytes_min + 1;
    const struct weir_object object = {.key = c->big_key};
    struct weir_stored stored;
    struct weir_err own = WEIR_ERR_INIT;
    unsigned char *big = malloc(bytes);
    if (big == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "object of %zu bytes to try copies", bytes);
    fill(big, bytes);
    int rc = 0;
    if (weir_s3_put(c->t, &object, big, bytes, weir_crc64nvme(0, big, bytes), &stored, &own) ==
        0)
        rc = copy_range(c, big, bytes / 2 + 1, err);
    else
        rc = give_up(&own, err);
    free(big);
    return rc;
}

int
weir_s3_probe_copies(struct weir_transport *t, const struct weir_s3_probe_source *source,
                     unsigned *caps, struct weir_err *err)
{
    struct copies c = {.t = t, .source = source};
    struct weir_err cleanup = WEIR_ERR_INIT;
    (void)snprintf(c.key, sizeof(c.key), "%s-copy", source->key);
    (void)snprintf(c.big_key, sizeof(c.big_key), "%s-big", source->key);
    int rc = try_copy(&c, err);
    if (rc == 0)
        rc = try_copy_part(&c, err);
    if (c.upload_id[0] != '\0')
        (void)weir_s3_abort_upload(t, c.key, c.upload_id, &cleanup);
    (void)weir_s3_remove(t, c.key, &cleanup);
    (void)weir_s3_remove(t, c.big_key, &cleanup);
    *caps |= c.caps;
    return rc;
}
