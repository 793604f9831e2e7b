/* element -- the values of single XML elements, checked.  Pure.
 *
 * Each returns 0, or -1 with WEIR_E_PROTOCOL and *out unchanged; what: the element's name. */
#ifndef WEIR_S3_ELEMENT_H
#define WEIR_S3_ELEMENT_H

#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>
#include <weir/transport.h>

/* The path below the root element ("" for the root itself), or NULL with *err when the root is
 * another one. */
const char *weir_s3_element_below(const char *root, const char *path, struct weir_err *err);

int weir_s3_element_text(const char *what, const char *text, char *out, size_t room,
                         struct weir_err *err);
int weir_s3_element_u64(const char *what, const char *text, uint64_t max, uint64_t *out,
                        struct weir_err *err);
int weir_s3_element_time(const char *what, const char *text, int64_t *out,
                         struct weir_err *err);
int weir_s3_element_etag(const char *text, char out[WEIR_ETAG_BYTES], struct weir_err *err);

/* Copies an ETag without its quotes, as they come in headers and XML: "x", &quot;x&quot;, x.
 * Returns 0, or -1 when it is too long or holds anything but printable ASCII. */
int weir_s3_element_strip(const char *text, char out[WEIR_ETAG_BYTES]);

#endif
