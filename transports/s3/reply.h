/* reply -- the XML bodies that S3 sends, each into a struct of its own.  Pure: bytes in, values
 * out; nothing in them is trusted. */
#ifndef WEIR_S3_REPLY_H
#define WEIR_S3_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>
#include <weir/transport.h>

/* Every parser returns 0, or -1 with WEIR_E_PROTOCOL: malformed, another root element, or a
 * required element is missing.  *out is meaningful only on success. */

struct weir_s3_error_reply {
    char code[48];
    char message[256];
    char region[64]; /* of AuthorizationHeaderMalformed and PermanentRedirect, or "" */
    char request_id[64];
};
/* For messages: a text that is too long is cut. */
int weir_s3_reply_error(const char *data, size_t bytes, struct weir_s3_error_reply *out,
                        struct weir_err *err);

int weir_s3_reply_initiate(const char *data, size_t bytes, char out_id[WEIR_UPLOAD_ID_BYTES],
                           struct weir_err *err);

struct weir_s3_complete_reply {
    char etag[WEIR_ETAG_BYTES]; /* without quotes; may be "" */
    char crc64nvme[32];         /* base64, or "" */
    char checksum_type[16];     /* "FULL_OBJECT", "COMPOSITE" or "" */
};
int weir_s3_reply_complete(const char *data, size_t bytes, struct weir_s3_complete_reply *out,
                           struct weir_err *err);
/* root: "CopyObjectResult" or "CopyPartResult". */
int weir_s3_reply_copy(const char *root, const char *data, size_t bytes,
                       struct weir_s3_complete_reply *out, struct weir_err *err);

/* One key of DeleteObjects; texts are borrowed until the callback returns. */
struct weir_s3_deleted {
    const char *key;                       /* as it was sent, with the prefix */
    const char *version;                   /* of the delete marker, or "" */
    const struct weir_s3_error_reply *why; /* NULL: it is deleted */
};
/* Returns 0 to go on, or -1 with *err. */
typedef int weir_s3_deleted_fn(void *ctx, const struct weir_s3_deleted *d,
                               struct weir_err *err);
/* Keys before the flaw have been handed out when it fails. */
int weir_s3_reply_deleted(const char *data, size_t bytes, weir_s3_deleted_fn *fn, void *ctx,
                          struct weir_err *err);

#endif
