#include "lake/walk.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lake/visit.h"

#define THREADS_MAX 64

struct item { /* a batch waiting to be taken */
    struct item *next;
    struct weir_lake_batch *batch;
};

struct worker {
    struct weir_walk *walk;
    struct weir_visitor visitor; /* its thread only */
    pthread_t thread;
    bool started;
};

struct weir_walk {
    /* fixed after open */
    struct weir_inspector inspector;
    struct weir_rules *rules;      /* owned */
    struct weir_files_from *files; /* owned, or NULL */
    struct weir_stat *skip_dirs;   /* owned copy */
    const struct weir_cancel *cancel;
    uint64_t memory_bytes;
    struct worker *workers; /* owned */
    unsigned worker_count;

    atomic_bool stop; /* set once, under lock; read anywhere */

    pthread_mutex_t lock;
    pthread_cond_t work;  /* the stack has something, or all is done */
    pthread_cond_t ready; /* the queue has something, or all is done */
    pthread_cond_t room;  /* the queue has shrunk */

    /* under lock */
    struct weir_level *stack;
    unsigned active; /* workers between taking a directory and handing over its batch */
    bool root_given; /* the root has been taken by a worker */
    struct item *head, *tail;
    uint64_t queued_bytes;
    struct weir_err err; /* why the walk ended early */
};

static bool
finished_locked(const struct weir_walk *w)
{
    return w->root_given && w->stack == NULL && w->active == 0;
}

static void
stop_locked(struct weir_walk *w)
{
    atomic_store(&w->stop, true);
    (void)pthread_cond_broadcast(&w->work);
    (void)pthread_cond_broadcast(&w->ready);
    (void)pthread_cond_broadcast(&w->room);
}

static void
fail_locked(struct weir_walk *w, const struct weir_err *err)
{
    if (w->err.code == WEIR_OK && !atomic_load(&w->stop)) {
        w->err = *err;
        w->err.scope = WEIR_SCOPE_RUN;
    }
    stop_locked(w);
}

static int
should_stop(void *ctx)
{
    struct weir_walk *w = ctx;
    return atomic_load_explicit(&w->stop, memory_order_relaxed) ||
           weir_cancel_get(w->cancel) != WEIR_CANCEL_NONE;
}

/* Waits for a directory to do.  Returns false at the end; *out_parent comes with a reference.
 */
static bool
take(struct weir_walk *w, struct weir_level **out_parent, struct weir_level_dir *out)
{
    bool got = false;
    (void)pthread_mutex_lock(&w->lock);
    while (!atomic_load(&w->stop) && w->root_given && w->stack == NULL && w->active > 0)
        (void)pthread_cond_wait(&w->work, &w->lock);
    if (!atomic_load(&w->stop) && !finished_locked(w)) {
        if (w->root_given) {
            *out_parent = weir_level_take_locked(&w->stack, out);
        } else {
            const struct weir_stat *st = weir_lake_root_stat(w->inspector.root);
            *out_parent = NULL;
            *out = (struct weir_level_dir){.name = "", .dev = st->dev, .ino = st->ino};
            if (w->files != NULL)
                out->run = weir_files_from_all(w->files);
            w->root_given = true;
        }
        w->active++;
        got = true;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return got;
}

/* Puts the batch into the queue, when there is room.  Takes it over. */
static void
put_locked(struct weir_walk *w, struct item *it)
{
    uint64_t bytes = it->batch->heap_bytes;
    while (!atomic_load(&w->stop) && w->head != NULL &&
           w->queued_bytes + bytes > w->memory_bytes)
        (void)pthread_cond_wait(&w->room, &w->lock);
    if (w->tail != NULL)
        w->tail->next = it;
    else
        w->head = it;
    w->tail = it;
    w->queued_bytes += bytes;
    (void)pthread_cond_signal(&w->ready);
}

/* Does one directory.  The batch is handed over before its sub-directories can be taken:
 * parents come first. */
static void
do_one(struct weir_walk *w, struct weir_visitor *v, struct weir_level *parent,
       const struct weir_level_dir *dir)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct item *it = calloc(1, sizeof(*it));
    struct weir_level *level = weir_level_create(parent, dir);
    if (it == NULL || level == NULL) {
        weir_err_set(&err, WEIR_E_NOMEM, "walk state");
    } else {
        (void)weir_visit(v, level, dir, &it->batch, &err);
    }
    (void)pthread_mutex_lock(&w->lock);
    if (it != NULL && it->batch != NULL) {
        put_locked(w, it);
        it = NULL;
    } else {
        fail_locked(w, &err);
    }
    if (level != NULL && level->list_len > 0)
        weir_level_push_locked(&w->stack, level);
    else
        weir_level_release_locked(level != NULL ? level : parent);
    w->active--;
    if (w->stack != NULL || w->active == 0)
        (void)pthread_cond_broadcast(&w->work);
    if (finished_locked(w))
        (void)pthread_cond_signal(&w->ready);
    (void)pthread_mutex_unlock(&w->lock);
    free(it);
}

static void *
run(void *arg)
{
    struct worker *me = arg;
    struct weir_level *parent = NULL;
    struct weir_level_dir dir;
    while (take(me->walk, &parent, &dir))
        do_one(me->walk, &me->visitor, parent, &dir);
    return NULL;
}

/* Signals are for the main thread.  Fewer threads than asked for are enough: one is. */
static int
start_threads(struct weir_walk *w, struct weir_err *err)
{
    sigset_t all, before;
    unsigned running = 0;
    int e = 0;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 0; i < w->worker_count && e == 0; i++) {
        e = pthread_create(&w->workers[i].thread, NULL, run, &w->workers[i]);
        w->workers[i].started = e == 0;
        running += e == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (running == 0)
        return weir_err_sys(err, WEIR_E_IO, e, "start a walker thread");
    return 0;
}

static int
init_inspector(struct weir_walk *w, const struct weir_lake_root *root,
               const struct weir_walk_options *o, struct weir_err *err)
{
    const struct weir_source *s = o->source;
    if (weir_rules_create(&s->include, &s->exclude, &w->rules, err) != 0)
        return -1;
    if (s->files_from != NULL && weir_files_from_load(s->files_from, &w->files, err) != 0)
        return -1;
    if (o->skip_dir_count > 0) {
        w->skip_dirs = calloc(o->skip_dir_count, sizeof(*w->skip_dirs));
        if (w->skip_dirs == NULL)
            return weir_err_set(err, WEIR_E_NOMEM, "walk state");
        memcpy(w->skip_dirs, o->skip_dirs, o->skip_dir_count * sizeof(*w->skip_dirs));
    }
    w->inspector = (struct weir_inspector){
        .root = root,
        .source = s,
        .rules = w->rules,
        .skip_dirs = w->skip_dirs,
        .skip_dir_count = o->skip_dir_count,
    };
    return 0;
}

static int
init_workers(struct weir_walk *w, unsigned threads, struct weir_err *err)
{
    threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    w->workers = calloc(threads, sizeof(*w->workers));
    if (w->workers == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "walker threads");
    for (; w->worker_count < threads; w->worker_count++) {
        struct worker *k = &w->workers[w->worker_count];
        k->walk = w;
        k->visitor.inspector = &w->inspector;
        k->visitor.files = w->files;
        k->visitor.stop = should_stop;
        k->visitor.ctx = w;
        if (weir_visitor_init(&k->visitor, err) != 0)
            return -1;
    }
    return 0;
}

int
weir_walk_open(const struct weir_lake_root *root, const struct weir_walk_options *options,
               struct weir_walk **out, struct weir_err *err)
{
    struct weir_walk *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "walk");
    (void)pthread_mutex_init(&w->lock, NULL); /* without attributes these cannot fail */
    (void)pthread_cond_init(&w->work, NULL);
    (void)pthread_cond_init(&w->ready, NULL);
    (void)pthread_cond_init(&w->room, NULL);
    w->cancel = options->cancel;
    w->memory_bytes = options->memory_bytes;
    if (init_inspector(w, root, options, err) != 0 ||
        init_workers(w, options->threads, err) != 0 || start_threads(w, err) != 0) {
        weir_walk_close(w);
        return -1;
    }
    *out = w;
    return 0;
}

static struct weir_lake_batch *
pop_locked(struct weir_walk *w)
{
    struct item *it = w->head;
    struct weir_lake_batch *b = it->batch;
    w->head = it->next;
    if (w->head == NULL)
        w->tail = NULL;
    w->queued_bytes -= b->heap_bytes;
    free(it);
    (void)pthread_cond_broadcast(&w->room);
    return b;
}

int
weir_walk_next(struct weir_walk *w, struct weir_lake_batch **out, struct weir_err *err)
{
    struct weir_lake_batch *b = NULL;
    int rc = 0;
    (void)pthread_mutex_lock(&w->lock);
    while (w->head == NULL && w->err.code == WEIR_OK && !finished_locked(w))
        (void)pthread_cond_wait(&w->ready, &w->lock);
    if (w->err.code == WEIR_OK && weir_cancel_get(w->cancel) != WEIR_CANCEL_NONE) {
        struct weir_err cancelled = WEIR_ERR_INIT;
        weir_err_set(&cancelled, WEIR_E_CANCELLED, "walk stopped");
        fail_locked(w, &cancelled);
    }
    if (w->err.code != WEIR_OK) {
        rc = -1;
        if (err != NULL && err->code == WEIR_OK)
            *err = w->err;
    } else if (w->head != NULL) {
        b = pop_locked(w);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (rc == 0)
        *out = b;
    return rc;
}

void
weir_walk_close(struct weir_walk *w)
{
    if (w == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    stop_locked(w);
    (void)pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->worker_count; i++)
        if (w->workers[i].started)
            (void)pthread_join(w->workers[i].thread, NULL);
    (void)pthread_mutex_lock(&w->lock); /* nobody else is left; for the lock checkers */
    while (w->head != NULL)
        weir_lake_batch_free(pop_locked(w));
    while (w->stack != NULL) {
        struct weir_level *l = w->stack;
        w->stack = l->below;
        weir_level_release_locked(l);
    }
    (void)pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->worker_count; i++)
        weir_visitor_fini(&w->workers[i].visitor);
    free(w->workers);
    weir_files_from_free(w->files);
    weir_rules_free(w->rules);
    free(w->skip_dirs);
    (void)pthread_cond_destroy(&w->room);
    (void)pthread_cond_destroy(&w->ready);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}
