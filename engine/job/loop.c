/* loop -- the coordinator's loop: take directories in, make tasks, commit what they announce,
 * hand them out, take results back.  A pass that stops (signal, fatal error) hands out nothing
 * new and waits for what is out. */
#include <stdlib.h>

#include "job/contact.h"
#include "job/run.h"

#define ENTRY_WORTH ((uint64_t)256 << 10) /* bytes that take as long as one small request */
#define TASKS_PER_WORKER 32
#define UPLOADS_PER_WORKER 2
#define MESSAGES_AT_ONCE 64 /* so that workers do not wait while many directories come in */
#define SAVE_EVERY_NS WEIR_NS_PER_S
#define PROGRESS_EVERY_MS 250
#define LINGER_MS 5

int64_t
weir_run_now(const struct weir_run *r)
{
    return r->o->clock->mono_ns(r->o->clock);
}

void
weir_run_fatal(struct weir_run *r, const struct weir_err *err)
{
    if (r->fatal.code == WEIR_OK)
        r->fatal = *err;
    r->stopping = true;
    atomic_store(&r->stop, true);
}

int
weir_run_safety(struct weir_run *r, struct weir_err *err)
{
    if (err->code != WEIR_E_SAFETY)
        return -1;
    weir_run_fatal(r, err);
    weir_err_clear(err);
    return 0;
}

bool
weir_run_has_room(const struct weir_run *r)
{
    return r->tasks_out < r->tasks_max && r->heavy.count == 0 &&
           r->uploads_open < (size_t)r->connections.now * UPLOADS_PER_WORKER &&
           r->uploads_bytes < r->o->manifest->transfer.memory_bytes / 8;
}

/* ---- progress and what is kept of the ledger ---- */

void
weir_run_refresh_ledger(struct weir_run *r)
{
    struct weir_transport_counters *c = &r->setup.counters;
    r->ledger.requests = atomic_load(&c->requests);
    r->ledger.retries = atomic_load(&c->retries);
    r->ledger.throttled = atomic_load(&c->throttled);
    r->ledger.wire_bytes = atomic_load(&c->bytes_sent);
    r->ledger.connections = atomic_load(&c->connections);
    r->ledger.elapsed_ns = weir_run_now(r) - r->start_mono_ns;
}

void
weir_run_tell_progress(struct weir_run *r)
{
    const struct weir_observer *ob = &r->o->observer;
    weir_run_refresh_ledger(r);
    if (ob->progress == NULL)
        return;
    struct weir_progress p = {.ledger = &r->ledger,
                              .walk_done = r->walk_done,
                              .total_bytes = r->total_bytes,
                              .done_bytes = r->done_bytes,
                              .in_flight = r->tasks_out};
    ob->progress(ob->ctx, &p);
}

int
weir_run_save_pass(struct weir_run *r, bool finished, int status, struct weir_err *err)
{
    weir_run_refresh_ledger(r);
    char *json = weir_ledger_json(&r->ledger);
    if (json == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "ledger");
    int rc = weir_run_begin(r, err);
    if (rc == 0)
        rc = weir_catalog_pass_update(r->setup.catalog, r->pass,
                                      r->o->clock->wall_ns(r->o->clock), finished, status, json,
                                      err);
    free(json);
    return rc == 0 ? weir_run_commit(r, err) : -1;
}

/* ---- workers ---- */

void
weir_run_size_windows(struct weir_run *r)
{
    const struct weir_transfer *t = &r->o->manifest->transfer;
    weir_connections_init(&r->connections, t->connections, weir_run_now(r));
    uint64_t fit = t->memory_bytes / 2 / WEIR_WORKER_KEEP_BYTES;
    if (t->connections == 0 && fit < r->connections.max)
        r->connections.max =
            fit > WEIR_CONNECTIONS_START ? (unsigned)fit : WEIR_CONNECTIONS_START;
    r->tasks_max = (size_t)r->connections.now * TASKS_PER_WORKER;
    r->heavy_max = t->memory_bytes / 2;
}

static void
on_tasks_done(void *ctx, struct weir_list *l)
{
    struct weir_run *r = ctx;
    weir_queue_push(r->inbox, l);
}

static int
start_pool(struct weir_run *r, struct weir_err *err)
{
    if (r->pool != NULL)
        return 0;
    unsigned caps = 0;
    if (weir_run_commit(r, err) != 0 || weir_contact(&r->setup, &caps, err) != 0)
        return -1;
    r->sender.caps = caps;
    r->setup.trouble.threads = true;
    if (weir_pool_create(&r->sender, r->setup.transport, r->connections.max, on_tasks_done, r,
                         &r->pool, err) != 0)
        return -1;
    return weir_pool_grow(r->pool, r->connections.now, err);
}

/* ---- the loop ---- */

static void
walk_ended(struct weir_run *r, struct weir_batch_message *m)
{
    r->walk_done = true;
    if (m->err->code != WEIR_OK && m->err->code != WEIR_E_CANCELLED)
        weir_run_fatal(r, m->err); /* poll_cancel() tells of a signal */
    free(m->err);
    free(m);
}

static int
handle(struct weir_run *r, struct weir_node *n, struct weir_err *err)
{
    if (n->tag == WEIR_MESSAGE_TASK)
        return weir_run_task_done(r, (struct weir_task *)n, err);
    struct weir_batch_message *m = (struct weir_batch_message *)n;
    if (n->tag == WEIR_MESSAGE_WALK_END) {
        walk_ended(r, m);
        return 0;
    }
    struct weir_lake_batch *batch = m->batch;
    free(m);
    if (!r->stopping)
        return weir_run_batch(r, batch, err);
    weir_budget_give(r->batches, batch->heap_bytes);
    weir_lake_batch_free(batch);
    return 0;
}

static int
make_tasks(struct weir_run *r, struct weir_err *err)
{
    if (r->stopping)
        return 0;
    if (weir_run_upload_parts(r, err) != 0 || weir_run_item_heavy(r, err) != 0 ||
        weir_run_item_later(r, err) != 0 || weir_run_delete_tasks(r, err) != 0)
        return -1;
    return weir_run_start_entries(r, err);
}

static int
submit(struct weir_run *r, struct weir_err *err)
{
    bool due = r->in_transaction && weir_run_now(r) - r->transaction_ns >= SAVE_EVERY_NS;
    if (r->out.first == NULL)
        return due ? weir_run_commit(r, err) : 0;
    if (start_pool(r, err) != 0)
        return -1;
    if ((r->must_commit || due) && weir_run_commit(r, err) != 0)
        return -1;
    weir_pool_submit(r->pool, &r->out);
    return 0;
}

/* Takes back what is there; waits a little when there is nothing. */
static int
collect(struct weir_run *r, struct weir_err *err)
{
    struct weir_list in = {0};
    /* With many tasks out there is no hurry: a few results at once cost one wake-up. */
    size_t enough = r->tasks_out / 8;
    struct weir_queue_want want = {.max = MESSAGES_AT_ONCE,
                                   .enough = enough,
                                   .timeout_ms = enough > 1 ? LINGER_MS : PROGRESS_EVERY_MS};
    (void)weir_queue_pop(r->inbox, &in, &want);
    struct weir_node *n;
    int rc = 0;
    while ((n = weir_list_take(&in)) != NULL) {
        if (rc == 0)
            rc = handle(r, n, err);
        else /* keep it for the clean-up */
            weir_list_append(&r->out, n);
    }
    return rc;
}

bool
weir_run_poll_cancel(struct weir_run *r)
{
    if (!r->stopping && weir_cancel_get(r->o->cancel) != WEIR_CANCEL_NONE) {
        struct weir_err err = WEIR_ERR_INIT;
        weir_err_set(&err, WEIR_E_CANCELLED,
                     "stopped by a signal; everything sent so far is recorded, run again to "
                     "continue");
        weir_run_fatal(r, &err);
    }
    return r->stopping;
}

static bool
has_work(const struct weir_run *r)
{
    if (r->stopping)
        return r->tasks_out > 0;
    return !r->walk_done || r->dirs_alive > 0 || r->tasks_out > 0 || r->later.count > 0 ||
           weir_run_deleting(r);
}

/* More workers while more gets done with them. */
static void
adapt_connections(struct weir_run *r, int64_t now)
{
    if (r->pool == NULL || r->stopping)
        return;
    uint64_t settled = r->ledger.seen - weir_ledger_pending(&r->ledger);
    weir_connections_look(&r->connections, now, r->done_bytes + settled * ENTRY_WORTH,
                          r->tasks_out >= (size_t)r->connections.now * 2);
    if (r->connections.now == weir_pool_size(r->pool))
        return;
    struct weir_err err = WEIR_ERR_INIT;
    if (weir_pool_grow(r->pool, r->connections.now, &err) != 0) {
        char text[512]; /* no more threads or descriptors: those that run are enough */
        weir_setup_log(&r->setup, WEIR_LOG_DEBUG, "%s",
                       weir_err_text(&err, text, sizeof(text)));
        r->connections.now = r->connections.max = weir_pool_size(r->pool);
    }
    r->tasks_max = (size_t)r->connections.now * TASKS_PER_WORKER;
}

static int
housekeeping(struct weir_run *r, struct weir_err *err)
{
    int64_t now = weir_run_now(r);
    (void)weir_run_poll_cancel(r);
    adapt_connections(r, now);
    if (now >= r->next_progress_ns) {
        r->next_progress_ns = now + PROGRESS_EVERY_MS * WEIR_NS_PER_MS;
        weir_run_tell_progress(r);
        weir_trouble_tell(&r->setup.trouble);
    }
    if (now < r->next_save_ns)
        return 0;
    r->next_save_ns = now + SAVE_EVERY_NS;
    if (r->o->dry_run)
        return 0;
    return weir_run_save_pass(r, false, 0, err);
}

int
weir_run_loop(struct weir_run *r, struct weir_err *err)
{
    r->next_save_ns = weir_run_now(r) + SAVE_EVERY_NS;
    while (has_work(r)) {
        if (make_tasks(r, err) != 0 || submit(r, err) != 0 || collect(r, err) != 0 ||
            housekeeping(r, err) != 0)
            return -1;
    }
    return 0;
}
