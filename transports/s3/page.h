/* page -- one page of a listing, from XML to callbacks.  Pure; nothing in it is trusted.
 *
 * Every parser returns 0, or -1 with WEIR_E_PROTOCOL: malformed, another root element, or
 * something required is missing.  Entries before the flaw have been handed out by then. */
#ifndef WEIR_S3_PAGE_H
#define WEIR_S3_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/err.h>
#include <weir/transport.h>

/* Where a listing goes on. */
#define WEIR_S3_TOKEN_BYTES 4096
struct weir_s3_page {
    bool truncated;
    bool has_truncated; /* IsTruncated was there: a listing without it is refused */
    bool stopped;       /* the callback had enough */
    char token[WEIR_S3_TOKEN_BYTES];         /* continuation token, part or key marker */
    char upload_marker[WEIR_S3_TOKEN_BYTES]; /* of ListMultipartUploads */
};

int weir_s3_page_parts(const char *data, size_t bytes, weir_part_fn *fn, void *ctx,
                       struct weir_s3_page *out, struct weir_err *err);

struct weir_s3_scope {  /* which keys a listing may hold */
    const char *prefix; /* they begin with this */
    size_t strip_bytes; /* and reach the callback without so many of their first bytes */
};
/* Keys are decoded where the reply says EncodingType url.  A key of strip_bytes bytes is passed
 * over: relative keys are not empty. */
int weir_s3_page_uploads(const char *data, size_t bytes, const struct weir_s3_scope *scope,
                         weir_upload_fn *fn, void *ctx, struct weir_s3_page *out,
                         struct weir_err *err);
int weir_s3_page_objects(const char *data, size_t bytes, const struct weir_s3_scope *scope,
                         weir_list_fn *fn, void *ctx, struct weir_s3_page *out,
                         struct weir_err *err);

#endif
