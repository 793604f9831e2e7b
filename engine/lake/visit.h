/* visit -- one directory: open, list, sort, inspect, digest; the work of a walker thread.
 * Internal to lake. */
#ifndef WEIR_LAKE_VISIT_H
#define WEIR_LAKE_VISIT_H

#include "lake/batch.h"
#include "lake/files_from.h"
#include "lake/inspect.h"
#include "lake/level.h"
#include "lake/stat_digest.h"

/* Measured: a little better than 32 KiB. */
#define WEIR_VISIT_BUFFER_BYTES ((size_t)256 * 1024)

struct weir_visitor { /* one for each thread */
    const struct weir_inspector *inspector;
    const struct weir_files_from *files; /* or NULL */
    int (*stop)(void *ctx);              /* polled; non-zero ends the visit */
    void *ctx;
    void *buffer; /* owned: for getdents64 */
    char *path;   /* owned */
    size_t path_cap;
    struct weir_names names;        /* owned */
    struct weir_stat_digest digest; /* scratch */
};

int weir_visitor_init(struct weir_visitor *v, struct weir_err *err);
void weir_visitor_fini(struct weir_visitor *v); /* a zeroed one is fine */

/**
 * weir_visit() -- do one directory.
 * @level: of this directory; its sub-directories are added to it.
 * @dir:   as the listing of the parent saw it; the directory opened must be the same one.
 * *out is the batch, complete or not.  Returns -1 when the walk cannot go on: NOMEM, CANCELLED,
 * NOT_FOUND when the root is gone.
 */
int weir_visit(struct weir_visitor *v, struct weir_level *level,
               const struct weir_level_dir *dir, struct weir_lake_batch **out,
               struct weir_err *err);

#endif
