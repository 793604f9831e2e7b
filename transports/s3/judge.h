/* judge -- from a reply that is no success to a complete error: code, scope, retryable,
 * outcome_unknown, and frames that name operation, key, endpoint, status, S3 code, request id
 * and what to do.  All return -1. */
#ifndef WEIR_S3_JUDGE_H
#define WEIR_S3_JUDGE_H

#include <weir/err.h>

#include "s3/reply.h"

struct weir_s3;

/* status: that of the reply, or the one it stands for.  e: its <Error>, or empty. */
int weir_s3_judge_reply(struct weir_s3 *s, int status, const struct weir_s3_error_reply *e,
                        struct weir_err *err);

/* An <Error> document that came with a 200 counts as if it had come with status 500. */
int weir_s3_judge_body(struct weir_s3 *s, struct weir_err *err);

/* A reply whose status was 2xx but which is not what it must be. */
int weir_s3_judge_fail(struct weir_s3 *s, enum weir_code code, const char *why,
                       struct weir_err *err);

/* Adds the frame with operation, key and endpoint to an error that is set. */
int weir_s3_judge_frame(struct weir_s3 *s, struct weir_err *err);

#endif
