/* sigv4 -- AWS Signature Version 4 with the rules of S3, in an Authorization header.
 *
 * S3 rules: the path is percent-encoded once and never normalised; the caller gives it, and the
 * canonical query, exactly as they are signed.  Time, region and credentials are arguments.
 * Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header". */
#ifndef WEIR_S3_SIGV4_H
#define WEIR_S3_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>

#include "s3/text.h"

#define WEIR_S3_UNSIGNED "UNSIGNED-PAYLOAD"
#define WEIR_S3_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct weir_s3_header { /* name in lower case */
    const char *name, *value;
};

struct weir_s3_sigv4_request { /* all borrowed for the call */
    const char *method;        /* "GET" */
    const char *path;          /* encoded, begins with '/' */
    const char *query;         /* encoded, sorted, every name with '='; "" for none */
    const struct weir_s3_header *const *headers; /* all that are signed, sorted by name */
    size_t header_count;
    const char *payload; /* value of x-amz-content-sha256 */
    const char *amz_date;
    const char *region, *access_key, *secret_key;
};

struct weir_s3_sigv4; /* opaque: digest contexts and the signing key of a day and region */

/* One owner at a time; fetches its algorithms once, since that is slow. */
int weir_s3_sigv4_create(struct weir_s3_sigv4 **out, struct weir_err *err);
void weir_s3_sigv4_free(struct weir_s3_sigv4 *s); /* NULL is fine; wipes the key */

/* Appends the value of the Authorization header to *out.  The key is derived anew only when
 * day, region or credentials differ from those of the call before.  Returns 0, or -1 with BUG
 * (the crypto library failed) or NOMEM. */
int weir_s3_sigv4_sign(struct weir_s3_sigv4 *s, const struct weir_s3_sigv4_request *r,
                       struct weir_s3_text *out, struct weir_err *err);

/* Lower-case hex SHA-256 of a body. */
int weir_s3_sigv4_sha256(struct weir_s3_sigv4 *s, const void *data, size_t bytes, char out[65],
                         struct weir_err *err);

#endif
