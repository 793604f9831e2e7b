/* weir -- the commands of weir as calls: check, seed, sync, status, catalog.
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
                  WEIR_STATE_KEPT,      /* vanished from the lake, still in the store */
                  WEIR_STATE_DELETED,   /* vanished, and its object was removed in this pass */
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
    uint64_t parts_sent, parts_reused, parts_copied;
    uint64_t copied_objects; /* made by the store itself: renames, metadata, hard links */
    uint64_t copied_bytes;   /* of copied objects and parts: not sent */
    uint64_t reread;         /* of unchanged: digested again because their times had changed */
    uint64_t quarantined;    /* of deleted: a copy is below .weir/quarantine/ */
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

struct weir_planned {   /* what a dry run would do with an entry */
    const char *action; /* "send", "replace", "check", "delete", "quarantine", "keep" */
    const char *path;
    size_t path_len;
    const char *type; /* "file", ... or NULL */
    uint64_t bytes;
};

struct weir_observer { /* called by the thread that made the call; any function may be NULL */
    void *ctx;
    void (*log)(void *ctx, enum weir_log_level level, const char *text);
    void (*progress)(void *ctx, const struct weir_progress *p);
    void (*planned)(void *ctx, const struct weir_planned *p); /* dry runs only */
};

struct weir_options { /* all borrowed for the call */
    const struct weir_manifest *manifest;
    const char *state_dir;
    const char *report_file; /* NULL: report-<pass>.ndjson in report.directory or state_dir */
    bool report_all;         /* a record for unchanged entries too */
    bool accept_root;        /* take the source root that is there now as the right one */
    bool dry_run;            /* sync: tell observer.planned what would be done, do nothing */
    bool full;               /* sync: digest every file again, whatever its times say */
    uint64_t allow_deletes;  /* sync: this pass may delete so many; 0 = as the manifest says */
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
 * weir_sync() -- one incremental pass: as weir_seed(), then what vanished from the lake is
 * treated by track.delete.  A job that was never seeded is seeded by it.
 * A tripped guard lets everything else of the pass finish, deletes nothing, and is SAFETY at
 * the end.  With dry_run nothing is written anywhere, and the ledger counts what would be sent
 * as pending.
 */
int weir_sync(const struct weir_options *o, struct weir_ledger *out, struct weir_err *err);

/* Receives lines of NDJSON without the newline; non-zero stops with WEIR_E_IO. */
typedef int weir_line_fn(void *ctx, const char *line, size_t bytes);

/* The whole catalog as NDJSON, a header line first and a summary last; beside a running
 * process. manifests/FORMAT.md describes the lines. */
int weir_catalog_export_job(const struct weir_options *o, weir_line_fn *fn, void *ctx,
                            struct weir_err *err);

/* Makes the catalog of a job from such lines; the state directory must have none (SAFETY).
 * next() gives one line at a time: 1 with *out_line borrowed until the next call, 0 at the end,
 * -1 with err. */
typedef int weir_next_line_fn(void *ctx, const char **out_line, size_t *out_bytes,
                              struct weir_err *err);
int weir_catalog_import_job(const struct weir_options *o, weir_next_line_fn *next, void *ctx,
                            struct weir_err *err);

/**
 * weir_catalog_rebuild() -- makes the catalog of a job from its lake and its store alone.
 * Reads every file, asks for every object, sends and changes nothing; entries without their
 * object are failed by name, and the next sync sends them.  Objects of the job without a file
 * are vanished entries.  The state directory must have no catalog.
 */
int weir_catalog_rebuild(const struct weir_options *o, struct weir_ledger *out,
                         struct weir_err *err);

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
