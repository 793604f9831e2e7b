/* pass -- one pass that brings the store level with the lake: walk, compare, send, settle; in a
 * sync also what vanished.  A pass that stops (signal, fatal error) leaves the catalog so that
 * the next pass goes on. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"

/* On a local disk no dearer than two; over NFS each stat waits for the server. */
#define WALK_THREADS 8

static const char *
command_name(const struct weir_run *r)
{
    return r->rebuild ? "rebuild" : r->delete_pass ? "sync" : "seed";
}

static int
open_pass(struct weir_run *r, struct weir_err *err)
{
    if (weir_run_begin(r, err) != 0 ||
        weir_catalog_pass_begin(r->setup.catalog, command_name(r), r->ledger.started_ns,
                                &r->pass, err) != 0 ||
        weir_run_commit(r, err) != 0)
        return -1;
    return weir_run_report_open(r, err);
}

static int
start(struct weir_run *r, struct weir_err *err)
{
    const struct weir_manifest *m = r->o->manifest;
    bool known = r->setup.catalog != NULL; /* a dry run may come before the first pass */
    r->ledger.started_ns = r->o->clock->wall_ns(r->o->clock);
    weir_run_size_windows(r);
    r->limits = r->setup.transport->ops->limits(r->setup.transport);
    r->sender =
        (struct weir_sender){.root = r->setup.root,
                             .source = &m->source,
                             .clock = r->o->clock,
                             .cancel = r->o->cancel,
                             .stop = &r->stop,
                             .job_id = known ? weir_catalog_job_id(r->setup.catalog) : "",
                             .existing = m->destination.existing,
                             .metadata_changes = m->track.metadata_changes,
                             .ask_only = r->rebuild};
    struct weir_walk_options walk = {
        .source = &m->source,
        .threads = WALK_THREADS,
        .memory_bytes = m->transfer.memory_bytes / 8,
        .cancel = r->o->cancel,
        .skip_dirs = known ? weir_catalog_dir_stat(r->setup.catalog) : NULL,
        .skip_dir_count = known ? 1 : 0,
    };
    if (known && weir_catalog_dir_last(r->setup.catalog, &r->last_dir, err) != 0)
        return -1;
    r->had_rows = r->last_dir > 0;
    if ((!r->o->dry_run && open_pass(r, err) != 0) || weir_queue_create(&r->inbox, err) != 0 ||
        weir_budget_create(m->transfer.memory_bytes / 8, &r->batches, err) != 0 ||
        weir_walk_open(r->setup.root, &walk, &r->walk, err) != 0)
        return -1;
    return weir_feeder_start(r, err);
}

/* ---- end ---- */

/* Stops the walk and its feeder, throws away what they still send. */
static void
stop_walk(struct weir_run *r)
{
    if (r->batches != NULL)
        weir_budget_close(r->batches);
    weir_feeder_stop(r->feeder);
    r->feeder = NULL;
    if (r->walk != NULL)
        weir_walk_close(r->walk);
    r->walk = NULL;
}

static void
drop(struct weir_node *n)
{
    if (n->tag == WEIR_MESSAGE_TASK) {
        struct weir_task *t = (struct weir_task *)n;
        if (t->item != NULL && t->item->tasks_out > 0)
            t->item->tasks_out--;
        weir_task_free(t);
        return;
    }
    struct weir_batch_message *m = (struct weir_batch_message *)n;
    weir_lake_batch_free(m->batch);
    free(m->err);
    free(m);
}

/* After the last task of a stopped pass: what is left is counted as pending. */
static int
abandon(struct weir_run *r, struct weir_err *err)
{
    while (r->live != NULL)
        if (weir_run_item_abandon(r, r->live, err) != 0)
            return -1;
    r->later = (struct weir_item_list){0};
    r->heavy = (struct weir_item_list){0};
    r->uploads = (struct weir_item_list){0};
    return weir_run_dirs_abandon(r, err);
}

static void
tear_down(struct weir_run *r)
{
    struct weir_list rest = {0};
    struct weir_node *n;
    atomic_store(&r->stop, true); /* after an error: send nothing that is not recorded */
    stop_walk(r);
    weir_pool_stop(r->pool);
    if (r->inbox != NULL)
        (void)weir_queue_pop(r->inbox, &rest, &(struct weir_queue_want){.max = SIZE_MAX});
    while ((n = weir_list_take(&rest)) != NULL || (n = weir_list_take(&r->out)) != NULL)
        drop(n);
    while (r->live != NULL) {
        struct weir_item *item = r->live;
        r->live = item->live_next;
        weir_item_free(item);
    }
    weir_run_dirs_free(r);
    weir_queue_free(r->inbox);
    weir_budget_free(r->batches);
    free(r->kept);
    free(r->seen_dirs);
    weir_run_deletes_free(r);
    weir_report_discard(r->report);
    weir_setup_close(&r->setup);
}

/* What only the end of a whole walk can tell. */
static int
look_for_vanished(struct weir_run *r, struct weir_err *err)
{
    if (r->rebuild && weir_run_leftovers(r, err) != 0)
        return -1;
    if (weir_run_poll_cancel(r))
        return 0;
    if (weir_run_unseen_dirs(r, err) != 0 || weir_run_begin(r, err) != 0 ||
        weir_catalog_moved_settle(r->setup.catalog, err) != 0)
        return -1;
    return 0;
}

static int
after_walk(struct weir_run *r, struct weir_err *err)
{
    if (r->stopping)
        return 0;
    if (r->o->dry_run)
        return weir_run_tell_vanished(r, err);
    if (look_for_vanished(r, err) != 0)
        return -1;
    if (r->stopping)
        return 0;
    if (weir_run_deletes(r, err) != 0 || weir_run_loop(r, err) != 0)
        return -1;
    return r->stopping ? 0 : weir_run_count_kept(r, err);
}

static int
check_sum(const struct weir_run *r, struct weir_err *err)
{
    if (r->stopping || r->o->dry_run || weir_ledger_pending(&r->ledger) == 0)
        return 0;
    return weir_err_set(err, WEIR_E_BUG,
                        "the ledger does not add up: %" PRIu64 " of %" PRIu64
                        " entries have no state",
                        weir_ledger_pending(&r->ledger), r->ledger.seen);
}

/* Why the pass did not do all that it should: a fatal error, or the guard. */
static const struct weir_err *
why_not(const struct weir_run *r)
{
    if (r->stopping)
        return &r->fatal;
    return r->guard.code != WEIR_OK ? &r->guard : NULL;
}

static int
finish(struct weir_run *r, struct weir_err *err)
{
    if (r->o->dry_run && !r->stopping)
        return 0;
    if (r->o->dry_run) {
        *err = r->fatal;
        return -1;
    }
    if (r->stopping ? abandon(r, err) != 0 : weir_run_orphans_abort(r, err) != 0)
        return -1;
    if (check_sum(r, err) != 0)
        return -1;
    int status = weir_exit_status(why_not(r), &r->ledger);
    if (weir_run_save_pass(r, !r->stopping, status, err) != 0)
        return -1;
    weir_run_tell_progress(r);
    struct weir_err report_err = WEIR_ERR_INIT;
    bool report_failed = weir_run_report_close(r, &report_err) != 0;
    if (why_not(r) != NULL) {
        *err = *why_not(r);
        return -1;
    }
    if (report_failed) {
        *err = report_err;
        return -1;
    }
    return 0;
}

/* How a pass that did not come to its end failed, for status.  Where a transaction is open it
 * is half done: nothing more is written, and the pass looks like one that was killed. */
static void
record_end(struct weir_run *r, const struct weir_err *why)
{
    struct weir_err ignored = WEIR_ERR_INIT;
    if (r->pass != 0 && !r->in_transaction)
        (void)weir_run_save_pass(r, false, weir_exit_status(why, NULL), &ignored);
}

static int
run(struct weir_run *r, struct weir_err *err)
{
    if (weir_setup_open(&r->setup, r->o, r->job_id, err) != 0 || start(r, err) != 0 ||
        weir_run_loop(r, err) != 0 || after_walk(r, err) != 0)
        return -1;
    stop_walk(r);
    return finish(r, err);
}

/* For the metrics: read while the catalog is still open. */
static void
note_last_good(struct weir_run *r)
{
    struct weir_err ignored = WEIR_ERR_INIT;
    if (r->setup.catalog == NULL && r->delete_pass) /* it failed before */
        (void)weir_setup_catalog(&r->setup, WEIR_CATALOG_READ, &ignored);
    weir_err_clear(&ignored);
    if (r->setup.catalog != NULL && !r->in_transaction)
        (void)weir_catalog_pass_last_good(r->setup.catalog, &r->last_good_ns, &ignored);
}

int
weir_run_pass(struct weir_run *r, struct weir_ledger *out, struct weir_err *err)
{
    r->start_mono_ns = weir_run_now(r);
    int rc = run(r, err);
    if (rc != 0) {
        weir_run_refresh_ledger(r);
        record_end(r, err);
    }
    *out = r->ledger;
    note_last_good(r);
    tear_down(r);
    return rc;
}

int
weir_seed(const struct weir_options *o, struct weir_ledger *out, struct weir_err *err)
{
    struct weir_run *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "pass");
    r->o = o;
    int rc = weir_run_pass(r, out, err);
    free(r);
    return rc;
}
