/* request -- build a request, sign it at the moment it is sent, judge the reply.
 *
 * A handle has one request, built anew for each call in memory that stays.  Values of query and
 * headers are borrowed until the request was sent. */
#ifndef WEIR_S3_REQUEST_H
#define WEIR_S3_REQUEST_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>
#include <weir/transport.h>

#include "s3/session.h"
#include "s3/sigv4.h"
#include "s3/text.h"

struct weir_s3;

#define WEIR_S3_HEADERS_MAX 64
#define WEIR_S3_QUERY_MAX 8

struct weir_s3_request {
    const char *operation; /* "PutObject", for messages */
    const char *key;       /* relative, or NULL: the request is about the bucket */
    struct weir_s3_call call;
    bool mutating;    /* changes the store: a lost reply leaves the outcome unknown */
    bool sign_body;   /* small XML: sign its SHA-256; else UNSIGNED-PAYLOAD */
    int64_t skew_s;   /* clock skew that it was signed with */
    const char *flaw; /* why it cannot be sent, or NULL */
    enum weir_code flaw_code;
    struct weir_s3_header query[WEIR_S3_QUERY_MAX];
    size_t query_count;
    struct weir_s3_header headers[WEIR_S3_HEADERS_MAX];
    size_t header_count;
    /* scratch of building and sending */
    char names[4096]; /* "x-amz-meta-..." */
    size_t names_used;
    char amz_date[24], payload[65];
    struct weir_s3_text path, query_text, target, authorization, lines;
    const struct weir_s3_header *sorted[WEIR_S3_HEADERS_MAX];
    size_t line_at[WEIR_S3_HEADERS_MAX + 1];
    struct curl_slist nodes[WEIR_S3_HEADERS_MAX + 4];
};

/* Begins a request; what was set before is gone. */
void weir_s3_request_begin(struct weir_s3 *s, enum weir_s3_method method, const char *operation,
                           const char *key);
void weir_s3_request_free(struct weir_s3_request *r);

/* name: literal in lower case.  A value with control bytes or beyond ASCII makes send fail. */
void weir_s3_request_query(struct weir_s3 *s, const char *name, const char *value);
void weir_s3_request_header(struct weir_s3 *s, const char *name, const char *value);
/* x-amz-meta-<name>; name: a-z 0-9 - _ . */
void weir_s3_request_meta(struct weir_s3 *s, const char *name, const char *value);

/**
 * weir_s3_request_send() -- sign, send, and take the reply into s->session.response.
 * Sends again, once each, after learning the clock skew or the region.  Returns 0 on a 2xx
 * status, else -1 with *err complete: code, scope, retryable, outcome_unknown, two frames.
 */
int weir_s3_request_send(struct weir_s3 *s, struct weir_err *err);

#endif
