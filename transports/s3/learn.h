/* learn -- what replies teach about the store, for all handles: its clock and its region. */
#ifndef WEIR_S3_LEARN_H
#define WEIR_S3_LEARN_H

#include <stdbool.h>
#include <stdint.h>

#include "s3/reply.h"

struct weir_s3;

#define WEIR_S3_SKEW_MAX_S 300 /* a 403 with clocks further apart is blamed on them */

/* This machine's time, seconds since 1970. */
int64_t weir_s3_learn_wall_s(const struct weir_s3 *s);

/* Takes region and endpoint over when another handle has learned a new one. */
void weir_s3_learn_refresh(struct weir_s3 *s);

/* After a failed reply: true when it said that region or clock are wrong and which are right;
 * the request is then worth signing anew. */
bool weir_s3_learn_region(struct weir_s3 *s, const struct weir_s3_error_reply *e);
bool weir_s3_learn_skew(struct weir_s3 *s, const struct weir_s3_error_reply *e);

/* Seconds by which the server's clock is ahead of what the request was signed with, and in
 * *out_offset_s ahead of this machine's; 0 and unchanged when the reply has no date. */
int64_t weir_s3_learn_offset(const struct weir_s3 *s, int64_t *out_offset_s);

#endif
