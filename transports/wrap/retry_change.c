/* retry_change -- the operations that change the store.  All are repeated but for those whose
 * outcome is unknown and that the caller settles (create_upload, complete_upload). */
#include "wrap/retry.h"

int
weir_retry_put(struct weir_transport *t, const struct weir_object *object, const void *data,
               size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->put(in, object, data, bytes, crc64nvme, out, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

/* Not repeated when the outcome is unknown: the caller first aborts what list_uploads finds. */
int
weir_retry_create_upload(struct weir_transport *t, const struct weir_object *object,
                         char *out_id, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->create_upload(in, object, out_id, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_KNOWN));
    return weir_tries_end(&tries, rc, err);
}

int
weir_retry_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                    uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                    struct weir_part *out, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->put_part(in, key, upload_id, number, data, bytes, crc64nvme, out,
                               &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

int
weir_retry_complete_upload(struct weir_transport *t, const struct weir_object *object,
                           const char *upload_id, const struct weir_part *parts, size_t count,
                           uint64_t object_bytes, uint64_t crc64nvme, struct weir_stored *out,
                           struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->complete_upload(in, object, upload_id, parts, count, object_bytes,
                                      crc64nvme, out, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_KNOWN));
    return weir_tries_end(&tries, rc, err);
}

int
weir_retry_abort_upload(struct weir_transport *t, const char *key, const char *upload_id,
                        struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->abort_upload(in, key, upload_id, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

int
weir_retry_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->remove(in, key, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

/* As put: after a lost reply a copy with ABSENT may meet itself, which weir_tries_end() says.
 */
int
weir_retry_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
                const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->copy(in, source_key, source_etag, object, out, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}

int
weir_retry_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                     uint32_t number, const char *source_key, const char *source_etag,
                     uint64_t offset, uint64_t bytes, struct weir_part *out,
                     struct weir_err *err)
{
    struct weir_transport *in = weir_retry_of(t)->wrap.inner;
    struct weir_tries tries;
    int rc = 0;
    weir_retry_begin(t, &tries);
    do
        rc = in->ops->copy_part(in, key, upload_id, number, source_key, source_etag, offset,
                                bytes, out, &tries.last);
    while (weir_tries_again(&tries, rc, WEIR_REPEAT_YES));
    return weir_tries_end(&tries, rc, err);
}
