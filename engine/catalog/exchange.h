/* exchange -- the whole catalog as lines of NDJSON, and back. */
#ifndef WEIR_CATALOG_EXCHANGE_H
#define WEIR_CATALOG_EXCHANGE_H

#include "catalog/catalog.h"

#define WEIR_EXCHANGE_VERSION 1

/* Header, facts, directories each followed by their entries (chunk digests in base64), summary
 * with counts.  Uploads and passes are left out. */
typedef int weir_exchange_out_fn(void *ctx, const char *line, size_t bytes);
int weir_catalog_export(struct weir_catalog *c, weir_exchange_out_fn *fn, void *ctx,
                        struct weir_err *err);

/* Into an empty catalog (SAFETY otherwise), in one transaction of its own.  Every line is
 * checked: CONFIG names its number.  After an error, also an input without its summary or with
 * other counts, nothing of it stays: close the catalog.  The job's id becomes that of the
 * export; job, destination and root must be the same (SAFETY); facts about the root directory
 * itself are those of the lake that is there now. */
typedef int weir_exchange_in_fn(void *ctx, const char **out_line, size_t *out_bytes,
                                struct weir_err *err);
int weir_catalog_import(struct weir_catalog *c, weir_exchange_in_fn *next, void *ctx,
                        struct weir_err *err);

#endif
