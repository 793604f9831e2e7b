/* Every capability is tried, on this store, before it is claimed. */
#include "file/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct probe {
    struct weir_transport *t;
    char key[64], copy_key[64];
    struct weir_err *err;
    unsigned caps;
};

static const char body[] = "weir probe\n";
#define BODY_BYTES (sizeof(body) - 1)

/* Passes on an error that is no answer. */
static int
fail(struct probe *p, const struct weir_err *why)
{
    if (p->err != NULL && p->err->code == WEIR_OK)
        *p->err = *why;
    return -1;
}

/* Sets cap when the call was refused with want; an accepted call is an answer too. */
static int
expect(struct probe *p, int rc, const struct weir_err *why, enum weir_code want, unsigned cap)
{
    if (rc != 0 && why->code == want)
        p->caps |= cap;
    else if (rc != 0 && why->code != WEIR_E_UNSUPPORTED)
        return fail(p, why);
    return 0;
}

static int
probe_put(struct probe *p, enum weir_condition condition, const char *etag, uint64_t crc,
          enum weir_code want, unsigned cap)
{
    struct weir_err why = WEIR_ERR_INIT;
    struct weir_stored stored;
    const struct weir_object o = {.key = p->key, .condition = condition, .etag = etag};
    int rc = p->t->ops->put(p->t, &o, body, BODY_BYTES, crc, &stored, &why);
    if (want == WEIR_OK)
        return rc == 0 ? 0 : fail(p, &why);
    return expect(p, rc, &why, want, cap);
}

/* The stored value is looked at, and the ETag is kept where etag is not NULL. */
static int
probe_head(struct probe *p, uint64_t crc, unsigned cap, char *etag)
{
    struct weir_err why = WEIR_ERR_INIT;
    struct weir_head head;
    if (p->t->ops->head(p->t, p->key, &head, &why) != 0)
        return fail(p, &why);
    if (head.stored.has_crc64nvme && head.stored.crc64nvme == crc &&
        head.stored.bytes == BODY_BYTES)
        p->caps |= cap;
    if (etag != NULL)
        (void)snprintf(etag, WEIR_ETAG_BYTES, "%s", head.stored.etag);
    return 0;
}

/* Honoured means: the right ETag is let through, another is not. */
static int
probe_match(struct probe *p, const char *etag, uint64_t crc)
{
    struct weir_err why = WEIR_ERR_INIT;
    struct weir_stored stored;
    const struct weir_object o = {.key = p->key, .condition = WEIR_COND_MATCH, .etag = etag};
    if (p->t->ops->put(p->t, &o, body, BODY_BYTES, crc, &stored, &why) != 0)
        return why.code == WEIR_E_UNSUPPORTED ? 0 : fail(p, &why);
    return probe_put(p, WEIR_COND_MATCH, "other", crc, WEIR_E_EXISTS, WEIR_CAP_IF_MATCH);
}

static int
probe_puts(struct probe *p, uint64_t crc)
{
    char etag[WEIR_ETAG_BYTES];
    if (probe_put(p, WEIR_COND_NONE, NULL, ~crc, WEIR_E_DIGEST, WEIR_CAP_PUT_CHECKSUM) != 0 ||
        probe_put(p, WEIR_COND_NONE, NULL, crc, WEIR_OK, 0) != 0 ||
        probe_head(p, crc, WEIR_CAP_STORED_CHECKSUM, etag) != 0 ||
        probe_put(p, WEIR_COND_ABSENT, NULL, crc, WEIR_E_EXISTS, WEIR_CAP_IF_NONE_MATCH) != 0 ||
        probe_match(p, etag, crc) != 0)
        return -1;
    return 0;
}

static int
probe_complete(struct probe *p, const char *id, const struct weir_part *part,
               enum weir_condition condition, uint64_t crc, enum weir_code want, unsigned cap)
{
    struct weir_err why = WEIR_ERR_INIT;
    struct weir_stored stored;
    const struct weir_object o = {.key = p->key, .condition = condition};
    int rc = p->t->ops->complete_upload(p->t, &o, id, part, 1, BODY_BYTES, crc, &stored, &why);
    if (want == WEIR_OK)
        return rc == 0 ? 0 : fail(p, &why);
    return expect(p, rc, &why, want, cap);
}

static int
probe_upload(struct probe *p, uint64_t crc)
{
    struct weir_err why = WEIR_ERR_INIT;
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part part;
    const struct weir_object o = {.key = p->key};
    const struct weir_transport_ops *ops = p->t->ops;
    if (ops->create_upload(p->t, &o, id, &why) != 0)
        return fail(p, &why);
    int rc = ops->put_part(p->t, p->key, id, 1, body, BODY_BYTES, ~crc, &part, &why);
    if (expect(p, rc, &why, WEIR_E_DIGEST, WEIR_CAP_PART_CHECKSUM) != 0)
        goto abort;
    weir_err_clear(&why);
    rc = ops->put_part(p->t, p->key, id, 1, body, BODY_BYTES, crc, &part, &why);
    if (rc != 0) {
        fail(p, &why);
        goto abort;
    }
    if (probe_complete(p, id, &part, WEIR_COND_NONE, ~crc, WEIR_E_DIGEST,
                       WEIR_CAP_COMPLETE_CHECKSUM) != 0 ||
        probe_complete(p, id, &part, WEIR_COND_ABSENT, crc, WEIR_E_EXISTS,
                       WEIR_CAP_IF_NONE_MATCH_COMPLETE) != 0 ||
        probe_complete(p, id, &part, WEIR_COND_NONE, crc, WEIR_OK, 0) != 0)
        goto abort;
    return probe_head(p, crc, WEIR_CAP_STORED_CHECKSUM_MPU, NULL);
abort:
    (void)ops->abort_upload(p->t, p->key, id, NULL);
    return -1;
}

/* ---- copies ---- */

struct compare { /* a sink */
    const char *want;
    size_t bytes, seen;
};

static int
on_bytes(void *ctx, const void *data, size_t bytes)
{
    struct compare *c = ctx;
    if (bytes > c->bytes - c->seen || memcmp(c->want + c->seen, data, bytes) != 0)
        return 1;
    c->seen += bytes;
    return 0;
}

/* Sets cap when the copy has these bytes and, where meta is not NULL, only that metadata. */
static int
probe_look(struct probe *p, const char *want, size_t bytes, const char *meta, unsigned cap)
{
    struct weir_err why = WEIR_ERR_INIT;
    struct weir_head head;
    struct compare c = {.want = want, .bytes = bytes};
    if (p->t->ops->head(p->t, p->copy_key, &head, &why) != 0 ||
        (p->t->ops->get(p->t, p->copy_key, 0, UINT64_MAX, on_bytes, &c, &why) != 0 &&
         why.code != WEIR_E_CANCELLED))
        return fail(p, &why);
    if (c.seen == bytes && head.stored.bytes == bytes && head.stored.has_crc64nvme &&
        head.stored.crc64nvme == weir_crc64nvme(0, want, bytes) &&
        (meta == NULL || (head.meta_count == 1 && strcmp(head.meta[0].value, meta) == 0)))
        p->caps |= cap;
    else
        p->caps &= ~cap;
    return 0;
}

/* To another key, onto itself, and where something is already. */
static int
probe_copy(struct probe *p)
{
    struct weir_kv kv = {"weir-probe", "1"};
    struct weir_object o = {.key = p->copy_key, .meta = &kv, .meta_count = 1};
    struct weir_stored stored;
    struct weir_err why = WEIR_ERR_INIT;
    if (p->t->ops->copy(p->t, p->key, "", &o, &stored, &why) != 0)
        return why.code == WEIR_E_UNSUPPORTED ? 0 : fail(p, &why);
    if (probe_look(p, body, BODY_BYTES, "1", WEIR_CAP_COPY) != 0)
        return -1;
    kv.value = "2";
    if (p->t->ops->copy(p->t, p->copy_key, stored.etag, &o, &stored, &why) != 0) {
        p->caps &= ~(unsigned)WEIR_CAP_COPY;
        return why.code == WEIR_E_UNSUPPORTED ? 0 : fail(p, &why);
    }
    if (probe_look(p, body, BODY_BYTES, "2", WEIR_CAP_COPY) != 0)
        return -1;
    o.condition = WEIR_COND_ABSENT;
    int rc = p->t->ops->copy(p->t, p->key, "", &o, &stored, &why);
    return expect(p, rc, &why, WEIR_E_EXISTS, WEIR_CAP_COPY_IF_NONE_MATCH);
}

static int
probe_range(struct probe *p)
{
    enum { AT = 5, BYTES = 4 };
    struct weir_err why = WEIR_ERR_INIT;
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part part;
    struct weir_stored stored;
    const struct weir_object o = {.key = p->copy_key};
    const struct weir_transport_ops *ops = p->t->ops;
    if (ops->create_upload(p->t, &o, id, &why) != 0)
        return fail(p, &why);
    if (ops->copy_part(p->t, p->copy_key, id, 1, p->key, "", AT, BYTES, &part, &why) == 0 &&
        ops->complete_upload(p->t, &o, id, &part, 1, BYTES, weir_crc64nvme(0, body + AT, BYTES),
                             &stored, &why) == 0)
        return probe_look(p, body + AT, BYTES, NULL, WEIR_CAP_COPY_PART);
    (void)ops->abort_upload(p->t, p->copy_key, id, NULL);
    return why.code == WEIR_E_UNSUPPORTED ? 0 : fail(p, &why);
}

int
weir_file_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps,
                struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct probe p = {.t = t, .err = err};
    uint64_t crc = weir_crc64nvme(0, body, BODY_BYTES);
    (void)snprintf(p.key, sizeof(p.key), ".weir/probe-%016" PRIx64, nonce);
    (void)snprintf(p.copy_key, sizeof(p.copy_key), ".weir/probe-%016" PRIx64 "-copy", nonce);
    int rc = weir_file_ready(h, err);
    if (rc == 0) {
        weir_file_upload_sweep(h);
        rc = probe_puts(&p, crc);
    }
    if (rc == 0)
        rc = probe_upload(&p, crc);
    if (rc == 0 && (probe_copy(&p) != 0 || probe_range(&p) != 0))
        rc = -1;
    for (int i = 0; i < 2 && h->keep != FILE_KEEP_UNDECIDED; i++)
        if (t->ops->remove(t, i == 0 ? p.key : p.copy_key, rc == 0 ? err : NULL) != 0)
            rc = -1;
    if (rc != 0) {
        if (err != NULL)
            err->scope = WEIR_SCOPE_RUN;
        return weir_err_add(err, "probe of %s", h->shared->describe);
    }
    *out_caps = p.caps;
    return 0;
}
