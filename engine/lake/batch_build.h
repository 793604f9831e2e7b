/* batch_build -- how a walker makes a batch.  Internal to lake. */
#ifndef WEIR_LAKE_BATCH_BUILD_H
#define WEIR_LAKE_BATCH_BUILD_H

#include "lake/batch.h"
#include "lake/names.h"

/* A batch with room for names->count entries and none yet.  The text of the names moves into
 * it; the items stay.  NULL when memory is short (names unchanged). */
struct weir_lake_batch *weir_batch_create(struct weir_names *names, const char *path,
                                          size_t path_len);

const char *weir_batch_name(const struct weir_lake_batch *b, const struct weir_name *name);

/* Marks the batch incomplete, with a copy of the error.  -1 when memory is short. */
int weir_batch_fail(struct weir_lake_batch *b, const struct weir_err *cause);

#endif
