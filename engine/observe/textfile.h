/* textfile -- the metrics of a pass for Prometheus' node exporter (textfile collector). */
#ifndef WEIR_OBSERVE_TEXTFILE_H
#define WEIR_OBSERVE_TEXTFILE_H

#include <weir/weir.h>

struct weir_textfile {
    const char *job;      /* label job="..." of every sample */
    int exit_status;      /* of the pass that ended now */
    int64_t now_ns;       /* wall clock */
    int64_t last_good_ns; /* start of the last pass that ended with status 0; 0 = none */
    const struct weir_ledger *ledger;
};

/**
 * weir_textfile_write() -- write the file whole or not at all: a temporary file beside it,
 * fsync, rename; mode 0644.  HELP and TYPE for every metric; all are gauges.  The lag is now -
 * last_good_ns (a change is in the store at the latest by the last good pass after it), +Inf
 * without one.
 * Only a file that this function wrote, or an empty one, is replaced: anything else is CONFIG.
 * -1 leaves what was there as it was; IO, ACCESS, NOT_FOUND (no such directory) or NOMEM.
 * Two calls at a time for one path need different jobs: the temporary file is named after it.
 */
int weir_textfile_write(const char *path, const struct weir_textfile *t, struct weir_err *err);

#endif
