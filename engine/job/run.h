/* run -- the state of one pass.  Everything here belongs to the coordinator: one thread that
 * owns scheduler, item states, catalog, ledger and report.  Other threads reach it through
 * inbox only. */
#ifndef WEIR_JOB_RUN_H
#define WEIR_JOB_RUN_H

#include "job/setup.h"
#include "lake/absent.h"
#include "lake/walk.h"
#include "observe/report.h"
#include "plan/compare.h"
#include "thread/budget.h"
#include "thread/queue.h"
#include "transfer/connections.h"
#include "transfer/pool.h"

enum weir_message { /* weir_node.tag in the inbox */
                    WEIR_MESSAGE_TASK = 0,
                    WEIR_MESSAGE_BATCH,
                    WEIR_MESSAGE_WALK_END,
};

struct weir_batch_message {
    struct weir_node node;
    struct weir_lake_batch *batch; /* NULL at the end */
    struct weir_err *err;          /* WALK_END only: why the walk stopped, or OK; owned */
};

struct weir_run_dir {                             /* a directory with entries to send */
    struct weir_run_dir *next;                    /* in run.dirs */
    struct weir_run_dir *alive_prev, *alive_next; /* in run.alive */
    struct weir_lake_batch *batch;
    struct weir_compared compared;
    int64_t id;              /* in the catalog */
    size_t cursor;           /* next entry to start; 0 is the directory itself, i + 1 entry i */
    size_t items;            /* entries under way */
    bool self;               /* the directory is an object too */
    bool open;               /* marked in the catalog: its entries may be sent */
    bool maybe_sent;         /* an interrupted pass was here */
    bool dirty;              /* something failed: must be looked at again */
    bool unknown;            /* something may be in the store without a row */
    bool listed;             /* in run.dirs (cursor not at the end) */
    uint64_t entries, bytes; /* taken, for the seal */
};

struct weir_item_list {
    struct weir_item *first, *last;
    size_t count;
};

struct weir_run {
    struct weir_setup setup;
    const struct weir_options *o;
    const struct weir_limits *limits;
    struct weir_sender sender;
    struct weir_pool *pool;              /* started with the first thing to send */
    struct weir_connections connections; /* how many workers the pool should have */
    struct weir_report *report;
    struct weir_ledger ledger;
    int64_t pass;
    int64_t start_mono_ns;

    struct weir_queue *inbox;
    struct weir_budget *batches; /* bytes of directories in the inbox and open */
    struct weir_walk *walk;
    struct weir_feeder *feeder;
    bool walk_done;

    struct weir_run_dir *dirs, *dirs_last; /* with entries still to start, in order */
    struct weir_run_dir *alive;            /* all directories that are not closed */
    size_t dirs_alive;                     /* directories not closed yet */
    struct weir_item_list uploads;         /* open uploads with parts to send */
    size_t uploads_open;                   /* each holds a descriptor ... */
    uint64_t uploads_bytes;                /* ... and its lists of parts and chunks */
    struct weir_item_list later;           /* put off; due times differ */
    struct weir_item_list heavy;           /* whole files that wait for a large buffer */
    struct weir_item *live;                /* all items, whatever they wait for */

    struct weir_list out; /* tasks made in this round, to be submitted after the commit */
    size_t tasks_out, tasks_max;
    uint64_t heavy_out, heavy_max; /* bytes of large part buffers under way, and their limit */

    uint8_t *seen_dirs;   /* a bit for each id that was there when the pass began; owned */
    int64_t last_dir;     /* the highest of them */
    bool had_rows;        /* the catalog knew entries when the pass began */
    const char *job_id;   /* rebuild: of the job whose objects are in the store; borrowed */
    bool rebuild;         /* make a catalog: ask for everything, send nothing */
    int64_t last_good_ns; /* start of the last clean pass, with this one; 0 = none */
    bool delete_pass;     /* a sync: what vanished is treated by the policy */
    struct weir_deletes *deletes; /* deletes.c; owned */
    uint64_t due;                 /* dry run: objects that a real one would delete ... */
    char first_due[256];          /* ... and one of them */
    struct weir_err guard;        /* why nothing was deleted although the policy says so */

    int64_t *kept; /* rows of uploads that the next pass goes on with; owned */
    size_t kept_count, kept_max;
    bool kept_unknown; /* no memory for one: abort nothing */
    bool unseen;       /* the walk could not look at everything */

    bool in_transaction, must_commit;
    int64_t transaction_ns;
    int64_t next_save_ns, next_progress_ns;

    uint64_t total_bytes, done_bytes;
    unsigned failures_in_a_row; /* of the endpoint */
    unsigned warned;            /* entries named on the log: the first few only */
    bool stopping;              /* start nothing new */
    atomic_bool stop;           /* the same for the workers */
    struct weir_err fatal;      /* why the pass cannot go on */
};

/* ---- pass.c ---- */
/* One pass from setup to report; r has o and what the caller wants, else zero. */
int weir_run_pass(struct weir_run *r, struct weir_ledger *out, struct weir_err *err);

/* ---- loop.c ---- */
/* Until nothing is left to do, or the pass stops and nothing is out. */
int weir_run_loop(struct weir_run *r, struct weir_err *err);
/* After a signal: stops the pass.  Returns whether it is stopping. */
bool weir_run_poll_cancel(struct weir_run *r);
/* How many tasks, workers and bytes at once. */
void weir_run_size_windows(struct weir_run *r);
void weir_run_refresh_ledger(struct weir_run *r);
void weir_run_tell_progress(struct weir_run *r);
/* Writes the ledger to the pass's row, and commits. */
int weir_run_save_pass(struct weir_run *r, bool finished, int status, struct weir_err *err);
int64_t weir_run_now(const struct weir_run *r); /* monotonic */
/* Remembers the first error that ends the pass, and stops. */
void weir_run_fatal(struct weir_run *r, const struct weir_err *err);

/* A safety stop (err is SAFETY) ends the pass in order, with its report: 0.  Else -1. */
int weir_run_safety(struct weir_run *r, struct weir_err *err);

/* Is there room for one more entry: tasks, descriptors, lists of parts? */
bool weir_run_has_room(const struct weir_run *r);

/* ---- feeder.c: the thread that takes batches from the walk ---- */
int weir_feeder_start(struct weir_run *r, struct weir_err *err);
void weir_feeder_stop(struct weir_feeder *f); /* joins; NULL is fine */

/* ---- save.c: the transaction ---- */
int weir_run_begin(struct weir_run *r, struct weir_err *err);  /* when none is open */
int weir_run_commit(struct weir_run *r, struct weir_err *err); /* when one is open */

/* ---- reporting.c ---- */
/* One line on the log for an entry that failed: the text and why (path NULL: why says it all).
 * After fifty only the report names them. */
void weir_run_warn(struct weir_run *r, const char *path, const struct weir_err *why);
int weir_run_report_open(struct weir_run *r, struct weir_err *err);
/* Writes the summary, says where the report is when it names failures.  -1: it is incomplete.
 */
int weir_run_report_close(struct weir_run *r, struct weir_err *err);

/* ---- dirs.c ---- */
/* Takes ownership of the batch. */
int weir_run_batch(struct weir_run *r, struct weir_lake_batch *batch, struct weir_err *err);
/* Makes tasks from the open directories while there is room. */
int weir_run_start_entries(struct weir_run *r, struct weir_err *err);
/* An entry of d is settled; closes d when it was the last. */
int weir_run_dir_release(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err);
/* Closes or, when the catalog cannot be written any more, only frees what a stopped pass
 * leaves. */
int weir_run_dirs_abandon(struct weir_run *r, struct weir_err *err);
void weir_run_dirs_free(struct weir_run *r);

/* ---- walked.c ---- */
const char *weir_run_type_name(uint8_t type); /* "file", ...; NULL when unknown */
/* "dir/name", or the name alone at the root; malloc'ed. */
char *weir_run_join_path(const struct weir_lake_batch *b, const char *name, size_t name_len,
                         size_t *out_len);
/* Path of entry index of d (0 = the directory itself); malloc'ed. */
char *weir_run_entry_path(const struct weir_run_dir *d, size_t index, size_t *out_len);
void weir_run_count(struct weir_run *r, enum weir_state state, uint64_t entries,
                    uint64_t bytes);
/* Entries that the walk excluded or could not look at; directories that it could not list. */
int weir_run_settle_by_walk(struct weir_run *r, const struct weir_lake_batch *b,
                            const struct weir_lake_entry *e, struct weir_err *err);
void weir_run_record_unlisted(struct weir_run *r, const struct weir_lake_batch *b);
/* c == NULL: the seal says that everything taken is unchanged. */
void weir_run_record_unchanged(struct weir_run *r, const struct weir_run_dir *d,
                               const struct weir_compared *c);

/* ---- vanished.c: what the lake does not have any more ---- */
/* The directory of this id was seen by the walk.  NOMEM. */
int weir_run_saw(struct weir_run *r, int64_t dir_id, struct weir_err *err);
bool weir_run_has_seen(const struct weir_run *r, int64_t dir_id);
/* Is the directory on another file system than the root? */
bool weir_run_is_mounted(const struct weir_run *r, const struct weir_lake_batch *b);
/* SAFETY when a file system was mounted here in the last pass and is not now, and when the root
 * is empty although the catalog knows entries. */
int weir_run_check_mount(struct weir_run *r, const struct weir_catalog_dir *row,
                         const struct weir_lake_batch *b, struct weir_err *err);
/* Marks the rows of d that came back, or vanished by a fresh look. */
int weir_run_mark_rows(struct weir_run *r, struct weir_run_dir *d, struct weir_err *err);
/* After the walk: directories that it did not meet and that are not there either. */
int weir_run_unseen_dirs(struct weir_run *r, struct weir_err *err);
/* The next directory after *dir that has live entries and that the walk did not meet; *out_path
 * is malloc'ed. */
int weir_run_next_unseen(struct weir_run *r, struct weir_catalog_dir *dir, char **out_path,
                         bool *out_found, struct weir_err *err);
/* Is something of this type really not at path now?  UNKNOWN sets run.unseen and warns. */
enum weir_absent weir_run_look(struct weir_run *r, const char *path, uint8_t type);

/* ---- deletes.c: the end of a sync ---- */
/* Counts what vanished, asks the guard, and removes what is due, batch by batch.  A guard that
 * says no is kept in run.guard. */
int weir_run_deletes(struct weir_run *r, struct weir_err *err);
/* A dry run: warns when the guard would not let so many go. */
int weir_run_deletes_foretell(struct weir_run *r, uint64_t due, const char *first,
                              struct weir_err *err);
bool weir_run_deleting(const struct weir_run *r); /* more batches to come, or out */
int weir_run_delete_tasks(struct weir_run *r, struct weir_err *err);
int weir_run_removed(struct weir_run *r, struct weir_task *t, struct weir_err *err);
void weir_run_deletes_free(struct weir_run *r);
/* The ledger's count of what vanished and is still in the store. */
int weir_run_count_kept(struct weir_run *r, struct weir_err *err);

/* ---- leftovers.c: the end of a rebuild ---- */
/* Objects of this job that the lake has no file for become gone rows; one HEAD for each. */
int weir_run_leftovers(struct weir_run *r, struct weir_err *err);

/* ---- dry.c: what a pass would do ---- */
void weir_run_tell_dir(struct weir_run *r, const struct weir_run_dir *d);
int weir_run_tell_vanished(struct weir_run *r, struct weir_err *err); /* after the walk */

/* ---- bases.c ---- */
/* What the store has of an entry already: item->base with its chunk digests. */
int weir_run_find_base(struct weir_run *r, const struct weir_run_dir *d, struct weir_item *item,
                       struct weir_err *err);

/* ---- items.c ---- */
const struct weir_stat *weir_run_entry_stat(const struct weir_run_dir *d, size_t index);
int weir_run_item_start(struct weir_run *r, struct weir_run_dir *d, size_t index,
                        struct weir_err *err);
int weir_run_item_heavy(struct weir_run *r, struct weir_err *err); /* those that fit */
int weir_run_item_later(struct weir_run *r, struct weir_err *err); /* those that are due */
int weir_run_task_done(struct weir_run *r, struct weir_task *t, struct weir_err *err);

/* ---- settled.c ---- ends of an item: each frees it. */
/* Nothing to do in the store: the row gets the entry's new stat data. */
int weir_run_item_same(struct weir_run *r, struct weir_item *item, const struct weir_task *t,
                       struct weir_err *err);
int weir_run_item_done(struct weir_run *r, struct weir_item *item, const struct weir_task *t,
                       const struct weir_xxh128 *chunks, size_t chunk_count,
                       uint64_t part_bytes, struct weir_err *err);
int weir_run_item_failed(struct weir_run *r, struct weir_item *item, const struct weir_err *why,
                         struct weir_err *err);
int weir_run_item_put_off(struct weir_run *r, struct weir_item *item,
                          const struct weir_err *why, struct weir_err *err);
/* An item that a stopped pass leaves behind: counted as pending. */
int weir_run_item_abandon(struct weir_run *r, struct weir_item *item, struct weir_err *err);
/* item may be NULL: a task that belongs to none. */
struct weir_task *weir_run_task(struct weir_run *r, struct weir_item *item,
                                enum weir_task_kind kind, struct weir_err *err);
void weir_item_list_append(struct weir_item_list *l, struct weir_item *item);
struct weir_item *weir_item_list_take(struct weir_item_list *l);
void weir_item_list_remove(struct weir_item_list *l, struct weir_item *item); /* if inside */

/* ---- uploads.c ---- */
int weir_run_upload_start(struct weir_run *r, struct weir_item *item, struct weir_err *err);
int weir_run_upload_parts(struct weir_run *r, struct weir_err *err);
int weir_run_upload_task_done(struct weir_run *r, struct weir_task *t, struct weir_err *err);
void weir_run_upload_drop(struct weir_run *r, struct weir_item *item); /* if it has one */

bool weir_run_heavy_fits(const struct weir_run *r, uint64_t bytes); /* one always does */
/* LIMIT when a buffer of so many bytes can never be had. */
int weir_run_check_memory(const struct weir_run *r, uint64_t part_bytes, struct weir_err *why);

/* ---- orphans.c ---- */
/* The row of an upload that the next pass shall go on with. */
void weir_run_orphans_keep(struct weir_run *r, int64_t row);
/* Aborts and forgets all others; only after a pass that saw everything to its end. */
int weir_run_orphans_abort(struct weir_run *r, struct weir_err *err);

#endif
