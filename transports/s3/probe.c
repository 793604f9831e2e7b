/* probe -- finds out what a store honours, by trying it out with small objects of its own.
 *
 * Each trial asks for something that a careful store refuses.  That a store does not refuse is
 * no error: the capability is missing, and weir says `uploaded` instead of `verified`.  That
 * the store cannot be reached or written is one, and ends the run. */
#include <stdio.h>
#include <string.h>

#include <weir/digest.h>

#include "s3/handle.h"
#include "s3/operation.h"
#include "s3/probe.h"

#define FLIP UINT64_C(1) /* crc ^ FLIP is a wrong value */

struct trial {
    struct weir_transport *t;
    unsigned caps;
    bool echoes; /* shows any value that it is sent: no proof */
    char put_key[64], mpu_key[64];
    char upload_id[WEIR_UPLOAD_ID_BYTES]; /* "" when none is open */
};

static const char small[] = "weir probe: this object may be deleted\n";
#define SMALL_BYTES (sizeof(small) - 1)

bool
weir_s3_probe_is_fatal(const struct weir_err *err)
{
    switch (err->code) {
    case WEIR_E_ACCESS:
    case WEIR_E_CREDENTIALS:
    case WEIR_E_TLS:
    case WEIR_E_NETWORK:
    case WEIR_E_THROTTLED:
    case WEIR_E_SERVER:
    case WEIR_E_CANCELLED:
    case WEIR_E_NOMEM:
    case WEIR_E_BUG:
    case WEIR_E_CONFIG:
        return true;
    default:
        return err->scope == WEIR_SCOPE_RUN;
    }
}

/* A store that took the bytes and only told another value has not refused. */
static bool
refused_digest(const struct weir_err *err)
{
    return err->http_status == 400 || (err->code == WEIR_E_DIGEST && err->http_status > 400);
}

/* Notes the outcome of a trial: rc of the call, *own of the refusal.  Returns 0, or -1 with
 * *err when the store is unusable. */
static int
note(struct trial *p, int rc, bool refused, unsigned cap, const struct weir_err *own,
     struct weir_err *err)
{
    if (rc != 0 && refused)
        p->caps |= cap;
    else if (rc != 0 && weir_s3_probe_is_fatal(own))
        return weir_s3_operation_pass(own, err);
    return 0;
}

/* The wrong value was taken: does HEAD show what the store computed, or what it was told? */
static int
try_echo(struct trial *p, struct weir_err *err)
{
    struct weir_object object = {.key = p->put_key};
    struct weir_stored stored;
    struct weir_head head;
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    if (weir_s3_head(p->t, p->put_key, &head, err) != 0)
        return -1;
    p->echoes = head.stored.has_crc64nvme && head.stored.crc64nvme == (crc ^ FLIP);
    return weir_s3_put(p->t, &object, small, SMALL_BYTES, crc, &stored, err);
}

/* The first PUT also tells whether the store can be written at all. */
static int
try_put(struct trial *p, struct weir_err *err)
{
    struct weir_object object = {.key = p->put_key};
    struct weir_stored stored;
    struct weir_err own = WEIR_ERR_INIT;
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    if (weir_s3_put(p->t, &object, small, SMALL_BYTES, crc, &stored, err) != 0)
        return -1;
    int rc = weir_s3_put(p->t, &object, small, SMALL_BYTES, crc ^ FLIP, &stored, &own);
    if (note(p, rc, refused_digest(&own), WEIR_CAP_PUT_CHECKSUM, &own, err) != 0)
        return -1;
    return rc == 0 ? try_echo(p, err) : 0;
}

/* If-Match must let the right ETag pass too: a store that refuses both cannot replace objects.
 */
static int
try_match(struct trial *p, const char *etag, struct weir_err *err)
{
    struct weir_object object = {.key = p->put_key, .condition = WEIR_COND_MATCH, .etag = etag};
    struct weir_stored stored;
    struct weir_err own = WEIR_ERR_INIT;
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    if (etag[0] == '\0')
        return 0;
    if (weir_s3_put(p->t, &object, small, SMALL_BYTES, crc, &stored, &own) != 0)
        return weir_s3_probe_is_fatal(&own) ? weir_s3_operation_pass(&own, err) : 0;
    object.etag = "00000000000000000000000000000000";
    int rc = weir_s3_put(p->t, &object, small, SMALL_BYTES, crc, &stored, &own);
    return note(p, rc, own.code == WEIR_E_EXISTS, WEIR_CAP_IF_MATCH, &own, err);
}

static int
try_conditions(struct trial *p, struct weir_err *err)
{
    struct weir_object object = {.key = p->put_key};
    struct weir_stored stored;
    struct weir_err own = WEIR_ERR_INIT;
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    if (weir_s3_put(p->t, &object, small, SMALL_BYTES, crc, &stored, err) != 0 ||
        try_match(p, stored.etag, err) != 0)
        return -1;
    object.condition = WEIR_COND_ABSENT;
    int rc = weir_s3_put(p->t, &object, small, SMALL_BYTES, crc, &stored, &own);
    return note(p, rc, own.code == WEIR_E_EXISTS, WEIR_CAP_IF_NONE_MATCH, &own, err);
}

static int
try_head(struct trial *p, const char *key, unsigned cap, struct weir_err *err)
{
    struct weir_head head;
    struct weir_err own = WEIR_ERR_INIT;
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    int rc = weir_s3_head(p->t, key, &head, &own);
    if (rc == 0 && head.stored.has_crc64nvme && head.stored.crc64nvme == crc && !p->echoes)
        p->caps |= cap;
    if (rc == 0 && head.stored.bytes != SMALL_BYTES)
        return weir_err_set(err, WEIR_E_PROTOCOL,
                            "the probe's object has %llu bytes in the store instead of %zu",
                            (unsigned long long)head.stored.bytes, SMALL_BYTES);
    return rc == 0 ? 0 : weir_s3_operation_pass(&own, err);
}

/* Opens an upload and sends its one part; the upload stays open. */
static int
open_upload(struct trial *p, struct weir_part *out_part, struct weir_err *err)
{
    struct weir_object object = {.key = p->mpu_key};
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    if (weir_s3_create_upload(p->t, &object, p->upload_id, err) != 0) {
        p->upload_id[0] = '\0';
        return -1;
    }
    return weir_s3_put_part(p->t, p->mpu_key, p->upload_id, 1, small, SMALL_BYTES, crc,
                            out_part, err);
}

static int
try_part(struct trial *p, struct weir_err *err)
{
    struct weir_part part;
    struct weir_err own = WEIR_ERR_INIT;
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    int rc = weir_s3_put_part(p->t, p->mpu_key, p->upload_id, 1, small, SMALL_BYTES, crc ^ FLIP,
                              &part, &own);
    if (note(p, rc, refused_digest(&own), WEIR_CAP_PART_CHECKSUM, &own, err) != 0)
        return -1;
    return 0;
}

/* Completes the open upload; rc and *own tell how it went. */
static int
complete(struct trial *p, const struct weir_part *part, enum weir_condition condition,
         uint64_t crc, struct weir_err *own)
{
    struct weir_object object = {.key = p->mpu_key, .condition = condition};
    struct weir_stored stored;
    int rc = weir_s3_complete_upload(p->t, &object, p->upload_id, part, 1, SMALL_BYTES, crc,
                                     &stored, own);
    if (rc == 0)
        p->upload_id[0] = '\0';
    return rc;
}

/* Gives up the upload that is open, if one is. */
static int
abort_open(struct trial *p, struct weir_err *err)
{
    if (p->upload_id[0] == '\0')
        return 0;
    int rc = weir_s3_abort_upload(p->t, p->mpu_key, p->upload_id, err);
    p->upload_id[0] = '\0';
    return rc;
}

/* Wrong and right whole-object value on Complete, then If-None-Match on another Complete. */
static int
try_multipart(struct trial *p, struct weir_err *err)
{
    struct weir_part part;
    struct weir_err own = WEIR_ERR_INIT;
    uint64_t crc = weir_crc64nvme(0, small, SMALL_BYTES);
    if (open_upload(p, &part, err) != 0 || try_part(p, err) != 0)
        return -1;
    /* the refused part may have replaced the good one */
    if (weir_s3_put_part(p->t, p->mpu_key, p->upload_id, 1, small, SMALL_BYTES, crc, &part,
                         err) != 0)
        return -1;
    int rc = complete(p, &part, WEIR_COND_NONE, crc ^ FLIP, &own);
    if (note(p, rc, refused_digest(&own), WEIR_CAP_COMPLETE_CHECKSUM, &own, err) != 0)
        return -1;
    if (rc != 0) { /* some stores drop the upload with the refusal: begin anew */
        if (abort_open(p, err) != 0 || open_upload(p, &part, err) != 0)
            return -1;
        if (complete(p, &part, WEIR_COND_NONE, crc, err) != 0)
            return -1;
    }
    if (try_head(p, p->mpu_key, WEIR_CAP_STORED_CHECKSUM_MPU, err) != 0)
        return -1;
    if (open_upload(p, &part, err) != 0)
        return -1;
    weir_err_clear(&own);
    rc = complete(p, &part, WEIR_COND_ABSENT, crc, &own);
    return note(p, rc, own.code == WEIR_E_EXISTS, WEIR_CAP_IF_NONE_MATCH_COMPLETE, &own, err);
}

static int
try_copies(struct trial *p, struct weir_err *err)
{
    struct weir_head head;
    if (weir_s3_head(p->t, p->put_key, &head, err) != 0)
        return -1;
    const struct weir_s3_probe_source source = {.key = p->put_key,
                                                .etag = head.stored.etag,
                                                .data = (const unsigned char *)small,
                                                .bytes = SMALL_BYTES};
    return weir_s3_probe_copies(p->t, &source, &p->caps, err);
}

/* Tells a missing bucket from a missing right before the first object is written: a HEAD
 * cannot, and a PUT may be refused for other reasons. */
static int
one_key(void *ctx, const struct weir_listed *object)
{
    (void)ctx, (void)object;
    return 1;
}

static int
run_trials(struct trial *p, struct weir_err *err)
{
    if (weir_s3_list(p->t, "", NULL, one_key, NULL, err) != 0)
        return weir_err_add(err, "the store cannot be listed");
    if (try_put(p, err) != 0)
        return weir_err_add(err, "the store cannot be written");
    if (try_head(p, p->put_key, WEIR_CAP_STORED_CHECKSUM, err) != 0 ||
        try_conditions(p, err) != 0 || try_copies(p, err) != 0)
        return -1;
    return try_multipart(p, err);
}

int
weir_s3_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps,
              struct weir_err *err)
{
    struct trial p = {.t = t};
    struct weir_err cleanup = WEIR_ERR_INIT;
    (void)snprintf(p.put_key, sizeof(p.put_key), ".weir/probe-%016llx",
                   (unsigned long long)nonce);
    (void)snprintf(p.mpu_key, sizeof(p.mpu_key), ".weir/probe-%016llx-mpu",
                   (unsigned long long)nonce);
    int rc = run_trials(&p, err);
    /* whatever happened, leave nothing behind; what cannot be removed is no reason to stop */
    (void)abort_open(&p, &cleanup);
    (void)weir_s3_remove(t, p.put_key, &cleanup);
    (void)weir_s3_remove(t, p.mpu_key, &cleanup);
    if (rc != 0) {
        if (err != NULL)
            err->scope = WEIR_SCOPE_RUN;
        return weir_err_add(err, "probe");
    }
    *out_caps = p.caps;
    return 0;
}
