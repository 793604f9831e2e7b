/* setup -- opens what a command needs, in the order in which mistakes are cheapest to find. */
#ifndef WEIR_JOB_SETUP_H
#define WEIR_JOB_SETUP_H

#include <weir/transport.h>
#include <weir/weir.h>

#include "catalog/catalog.h"
#include "job/trouble.h"
#include "lake/root.h"

struct weir_setup {
    const struct weir_options *options;
    struct weir_transport_counters counters;
    struct weir_trouble trouble;
    struct weir_transport_options transport_options;
    const char *new_job_id; /* for a catalog that is made now; NULL: a random one; borrowed */
    struct weir_lake_root *root;
    struct weir_catalog *catalog;
    struct weir_transport *transport; /* wrapped */
};

/* Opens the lake's root, the catalog for writing (with its lock) and the store.  Compares the
 * root with the one of the earlier passes: another directory is WEIR_E_SAFETY, unless
 * options->accept_root.  s is large, must not move while open, and is closed in any case. */
int weir_setup_open(struct weir_setup *s, const struct weir_options *o, const char *new_job_id,
                    struct weir_err *err);
void weir_setup_close(struct weir_setup *s);

/* One by one, for commands that need less.  Each may be called once. */
void weir_setup_init(struct weir_setup *s, const struct weir_options *o);
int weir_setup_root(struct weir_setup *s, struct weir_err *err);
int weir_setup_catalog(struct weir_setup *s, enum weir_catalog_mode mode, struct weir_err *err);
/* Is the root the directory of the earlier passes?  An empty mount point has another inode than
 * the file system that should be mounted there: WEIR_E_SAFETY, unless options->accept_root. */
int weir_setup_same_root(struct weir_setup *s, struct weir_err *err);
int weir_setup_store(struct weir_setup *s, struct weir_err *err);

void weir_setup_log(const struct weir_setup *s, enum weir_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
