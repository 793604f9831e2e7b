/* weir -- the commands of weir as calls: check, seed, status.
 *
 * A call does its whole job and returns; it prints nothing, exits nowhere and reads no
 * environment but through options->env.  One call at a time for a state directory (a kernel
 * lock sees to it). */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/cancel.h>
#include <weir/clock.h>
#include <weir/err.h>
#include <weir/manifest.h>

enum weir_state {                          /* every entry of a pass ends in exactly one */
                  WEIR_STATE_VERIFIED = 0, /* sent or found, digest compared with the store's */
                  WEIR_STATE_UPLOADED, /* sent or found, but the store does not check digests */
                  WEIR_STATE_UNCHANGED, /* as the catalog knows it: nothing was asked or sent */
                  WEIR_STATE_EXCLUDED,  /* left out by a named rule */
                  WEIR_STATE_UNSTABLE,  /* kept changing while it was read */
                  WEIR_STATE_FAILED,    /* with its errno or S3 code in the report */
                  WEIR_STATES
};

/* The ledger of a pass.  seen == sum of count[] + pending; pending is 0 unless the pass was
 * interrupted.  Directories count as entries only where they become objects, are excluded, or
 * cannot be read. */
struct weir_ledger {
    uint64_t seen;
    uint64_t count[WEIR_STATES];
    uint64_t bytes[WEIR_STATES];       /* sizes of the entries in that state */
    uint64_t directories;              /* directories walked */
    uint64_t found;                    /* of verified and uploaded: were in the store already */
    uint64_t sent_objects, sent_bytes; /* by this pass, without what was sent again */
    uint64_t parts_sent, parts_reused;
    uint64_t requests, retries, throttled, wire_bytes, connections;
    int64_t started_ns; /* wall clock */
    int64_t elapsed_ns; /* monotonic */
};

uint64_t weir_ledger_pending(const struct weir_ledger *l);
const char *weir_state_name(enum weir_state s); /* "verified", ... */

enum weir_log_level { WEIR_LOG_ERROR = 0, WEIR_LOG_WARN, WEIR_LOG_INFO, WEIR_LOG_DEBUG };

struct weir_progress {                /* now and then during a pass, from its own thread */
    const struct weir_ledger *ledger; /* so far */
    bool walk_done;                   /* seen and total_bytes are final */
    uint64_t total_bytes;             /* sizes of all entries seen so far that are in the job */
    uint64_t done_bytes;              /* of them: finished, and parts of those under way */
    uint64_t in_flight;               /* tasks with the workers */
};

struct weir_observer { /* called by the thread that made the call; any function may be NULL */
    void *ctx;
    void (*log)(void *ctx, enum weir_log_level level, const char *text);
    void (*progress)(void *ctx, const struct weir_progress *p);
};

struct weir_options { /* all borrowed for the call */
    const struct weir_manifest *manifest;
    const char *state_dir;
    const char *report_file; /* NULL: report-<pass>.ndjson in report.directory or state_dir */
    bool report_all;         /* a record for unchanged entries too */
    bool accept_root;        /* take the source root that is there now as the right one */
    const struct weir_clock *clock;
    const struct weir_cancel *cancel; /* may be NULL */
    uint64_t seed;                    /* randomness: from the caller */
    const char *(*env)(void *ctx, const char *name);
    void *env_ctx;
    struct weir_observer observer;
};

/**
 * weir_seed() -- bring the store level with the lake; continues what an earlier call left.
 * @out: the ledger, written also on failure (zero when nothing began).
 * Returns 0 when the pass came to its end (entries may have failed: see count[]), or -1:
 * CANCELLED after a drain, CONFIG, SAFETY, LOCKED, CREDENTIALS, TLS, CATALOG and others.
 */
int weir_seed(const struct weir_options *o, struct weir_ledger *out, struct weir_err *err);

/**
 * weir_check() -- look at everything a job needs, change nothing that stays.
 * *out_json: a JSON object (source, state, destination with capabilities and what they mean);
 * malloc'ed, also set on failure as far as it came.
 */
int weir_check(const struct weir_options *o, char **out_json, struct weir_err *err);

/* The state of a job as JSON, from its catalog alone; works beside a running process.
 * NOT_FOUND when the job never ran. */
int weir_status(const struct weir_options *o, char **out_json, struct weir_err *err);

/* A ledger as a JSON object text; malloc'ed, NULL when memory is short. */
char *weir_ledger_json(const struct weir_ledger *l);

/* The exit status for the outcome of a call; engine/DESIGN.md has the table. */
int weir_exit_status(const struct weir_err *err, const struct weir_ledger *ledger);

#endif
