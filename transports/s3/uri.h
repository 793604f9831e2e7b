/* uri -- percent coding as S3 and SigV4 want it.  Pure. */
#ifndef WEIR_S3_URI_H
#define WEIR_S3_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "s3/text.h"

/* Appends string with every byte but A-Z a-z 0-9 - . _ ~ as %XX (upper-case); keep_slash leaves
 * '/' as it is (paths), else it is coded too (query). */
void weir_s3_uri_encode(struct weir_s3_text *t, const char *string, bool keep_slash);

/**
 * weir_s3_uri_decode() -- decode a value of a listing with encoding-type=url.
 * '+' is a space, %XX a byte.  Returns the length written without the NUL, or -1 when an
 * escape is malformed, decodes to NUL, or the result does not fit into room bytes with NUL.
 */
ssize_t weir_s3_uri_decode(const char *in, char *out, size_t room);

#endif
