/* errors -- the one table from (HTTP status, S3 code) to what weir makes of it.  Pure. */
#ifndef WEIR_S3_ERRORS_H
#define WEIR_S3_ERRORS_H

#include <stdbool.h>

#include <weir/err.h>

struct weir_s3_verdict {
    const char *s3_code; /* NULL: any code with this status */
    int status;          /* 0: any status with this code */
    enum weir_code code;
    enum weir_scope scope;
    bool retryable;
    const char *advice; /* what to do, or NULL */
};

/* The verdict on a failed reply; never NULL.  The S3 code counts before the status.
 * @s3_code: "" when the reply had none. */
const struct weir_s3_verdict *weir_s3_errors_find(int status, const char *s3_code);

#endif
