/* feeder -- the thread between walk and coordinator: one batch after the other into the inbox,
 * never more than the budget allows. */
#include <pthread.h>
#include <stdlib.h>

#include "job/run.h"

struct weir_feeder {
    pthread_t id;
    struct weir_run *run;           /* inbox, batches and walk only */
    struct weir_batch_message *end; /* made beforehand, with err: it can always be told */
};

static void
push(struct weir_run *r, struct weir_batch_message *m, enum weir_message tag)
{
    struct weir_list l = {0};
    m->node.tag = (int)tag;
    weir_list_append(&l, &m->node);
    weir_queue_push(r->inbox, &l);
}

static void *
feed(void *arg)
{
    struct weir_feeder *f = arg;
    struct weir_run *r = f->run;
    struct weir_err err = WEIR_ERR_INIT;
    for (;;) {
        struct weir_lake_batch *batch = NULL;
        if (weir_walk_next(r->walk, &batch, &err) != 0 || batch == NULL)
            break;
        struct weir_batch_message *m = calloc(1, sizeof(*m));
        if (m == NULL)
            weir_err_set(&err, WEIR_E_NOMEM, "message of the walk");
        if (m == NULL || !weir_budget_take(r->batches, batch->heap_bytes)) {
            weir_lake_batch_free(batch);
            free(m);
            break;
        }
        m->batch = batch;
        push(r, m, WEIR_MESSAGE_BATCH);
    }
    *f->end->err = err;
    push(r, f->end, WEIR_MESSAGE_WALK_END);
    return NULL;
}

int
weir_feeder_start(struct weir_run *r, struct weir_err *err)
{
    struct weir_feeder *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "feeder");
    f->run = r;
    f->end = calloc(1, sizeof(*f->end));
    if (f->end != NULL)
        f->end->err = calloc(1, sizeof(*f->end->err));
    bool made = f->end != NULL && f->end->err != NULL;
    int rc = made ? pthread_create(&f->id, NULL, feed, f) : -1;
    if (rc != 0) {
        if (f->end != NULL)
            free(f->end->err);
        free(f->end);
        free(f);
        return rc < 0 ? weir_err_set(err, WEIR_E_NOMEM, "feeder")
                      : weir_err_sys(err, WEIR_E_IO, rc, "start of the feeder thread");
    }
    r->feeder = f;
    return 0;
}

void
weir_feeder_stop(struct weir_feeder *f)
{
    if (f == NULL)
        return;
    (void)pthread_join(f->id, NULL);
    free(f); /* f->end is in the inbox */
}
