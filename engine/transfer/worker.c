#include "transfer/worker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL_BYTES ((size_t)64 << 10) /* small files alone need no huge page each */
#define HUGE_BYTES ((size_t)2 << 20)

int
weir_worker_create(const struct weir_sender *sender, struct weir_transport *transport,
                   struct weir_worker **out, struct weir_err *err)
{
    struct weir_worker *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "worker");
    w->sender = sender;
    w->digester = weir_digester_create();
    if (w->digester == NULL) {
        weir_worker_free(w);
        return weir_err_set(err, WEIR_E_NOMEM, "digest state of a worker");
    }
    w->transport = transport;
    *out = w;
    return 0;
}

static void
release(struct weir_worker *w)
{
    if (w->buffer != NULL)
        (void)munmap(w->buffer, w->buffer_bytes);
    w->buffer = NULL;
    w->buffer_bytes = 0;
}

void
weir_worker_free(struct weir_worker *w)
{
    if (w == NULL)
        return;
    release(w);
    weir_digester_free(w->digester);
    if (w->transport != NULL)
        w->transport->ops->close(w->transport);
    free(w);
}

int
weir_worker_reserve(struct weir_worker *w, size_t bytes, struct weir_err *err)
{
    if (bytes <= w->buffer_bytes)
        return 0;
    size_t size = SMALL_BYTES;
    while (size < bytes && size < HUGE_BYTES)
        size *= 2;
    if (size < bytes)
        size = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    release(w); /* first: the old and the new one at once would be over the budget */
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return weir_err_set(err, WEIR_E_NOMEM, "buffer of %zu bytes for one part", size);
    if (size >= HUGE_BYTES) /* where there are any: one fault instead of 512 */
        (void)madvise(p, size, MADV_HUGEPAGE);
    w->buffer = p;
    w->buffer_bytes = size;
    return 0;
}

static enum weir_follow
follow_policy(const struct weir_worker *w)
{
    return w->sender->source->symlinks == WEIR_SYMLINKS_FOLLOW ? WEIR_FOLLOW_BENEATH
                                                               : WEIR_FOLLOW_NO;
}

int
weir_worker_look(const struct weir_worker *w, const struct weir_item *item,
                 struct weir_stat *out, struct weir_err *err)
{
    bool link = item->type == WEIR_ENTRY_SYMLINK;
    enum weir_follow follow = link ? WEIR_FOLLOW_NO : follow_policy(w);
    int flags = O_PATH | (follow == WEIR_FOLLOW_NO ? O_NOFOLLOW : 0);
    int fd = weir_lake_open(w->sender->root, item->path, follow, flags, err);
    if (fd < 0)
        return -1;
    int rc = weir_lake_stat(fd, NULL, 0, out);
    (void)close(fd);
    if (rc != 0)
        return weir_err_sys(err, WEIR_E_IO, rc, "stat %s", item->path);
    if (link ? !S_ISLNK(out->mode) : !S_ISREG(out->mode))
        return weir_err_set(err, WEIR_E_IO, "%s is no longer a %s", item->path,
                            link ? "link" : "regular file");
    return 0;
}

int
weir_worker_open(struct weir_worker *w, const struct weir_item *item, struct weir_stat *out_st,
                 struct weir_reader *out, struct weir_err *err)
{
    struct weir_stat st = item->st;
    enum weir_recent recent = item->recent;
    if (item->restat) {
        if (weir_worker_look(w, item, &st, err) != 0)
            return -1;
        if (!weir_stat_same(&st, &item->st))
            recent = WEIR_RECENT_REFUSE;
    }
    bool too_recent = false;
    *out_st = st;
    return weir_reader_open(w->sender->root, item->path, follow_policy(w), &st,
                            w->sender->clock->wall_ns(w->sender->clock), recent, out,
                            &too_recent, err);
}

/* Turns the code of an error into what the coordinator does next. */
static enum weir_outcome
outcome_of(const struct weir_err *err)
{
    switch (err->code) {
    case WEIR_E_CHANGED:
        return WEIR_OUTCOME_CHANGED;
    case WEIR_E_NO_UPLOAD:
        return WEIR_OUTCOME_RESTART;
    default:
        return WEIR_OUTCOME_FAILED;
    }
}

/* After a signal, or an error of the run, what waits in the queue is not begun; an upload is
 * still ended. */
static bool
begins_nothing(const struct weir_worker *w, const struct weir_task *task)
{
    return (atomic_load(w->sender->stop) ||
            weir_cancel_get(w->sender->cancel) != WEIR_CANCEL_NONE) &&
           task->kind != WEIR_TASK_COMPLETE && task->kind != WEIR_TASK_ABORT;
}

static int
run(struct weir_worker *w, struct weir_task *task, struct weir_err *err)
{
    if (begins_nothing(w, task))
        return weir_err_set(err, WEIR_E_CANCELLED, "stopped before %s",
                            task->item != NULL ? task->item->path : "the removals");
    switch (task->kind) {
    case WEIR_TASK_SEND:
        return weir_send_run(w, task, err);
    case WEIR_TASK_REMOVE:
        return weir_remove_run(w, task, err);
    default:
        return weir_multipart_run(w, task, err);
    }
}

void
weir_worker_run(struct weir_worker *w, struct weir_task *task)
{
    struct weir_err err = WEIR_ERR_INIT;
    task->outcome = WEIR_OUTCOME_DONE;
    int rc = run(w, task, &err);
    if (w->buffer_bytes > WEIR_WORKER_KEEP_BYTES)
        release(w);
    if (rc == 0)
        return;
    if (err.scope == WEIR_SCOPE_RUN)
        atomic_store(w->sender->stop, true);
    task->outcome = task->base_lost ? WEIR_OUTCOME_RESTART : outcome_of(&err);
    task->err = malloc(sizeof(*task->err)); /* NULL reads as "out of memory" */
    if (task->err != NULL)
        *task->err = err;
}
