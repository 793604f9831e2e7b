/* items -- one entry on its way: what it is, when its tasks go out and come back. */
#include <stdlib.h>
#include <string.h>

#include "job/run.h"
#include "plan/key.h"
#include "plan/parts.h"

void
weir_item_list_append(struct weir_item_list *l, struct weir_item *item)
{
    item->next = NULL;
    if (l->last == NULL)
        l->first = item;
    else
        l->last->next = item;
    l->last = item;
    l->count++;
}

struct weir_item *
weir_item_list_take(struct weir_item_list *l)
{
    struct weir_item *item = l->first;
    if (item == NULL)
        return NULL;
    l->first = item->next;
    if (l->first == NULL)
        l->last = NULL;
    l->count--;
    item->next = NULL;
    return item;
}

void
weir_item_list_remove(struct weir_item_list *l, struct weir_item *item)
{
    struct weir_item_list rest = {0};
    for (struct weir_item *i; (i = weir_item_list_take(l)) != NULL;)
        if (i != item)
            weir_item_list_append(&rest, i);
    *l = rest;
}

struct weir_task *
weir_run_task(struct weir_run *r, struct weir_item *item, enum weir_task_kind kind,
              struct weir_err *err)
{
    struct weir_task *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "task");
        return NULL;
    }
    t->node.tag = WEIR_MESSAGE_TASK;
    t->kind = kind;
    t->item = item;
    if (item != NULL) {
        t->st = item->st;
        item->tasks_out++;
    }
    r->tasks_out++;
    weir_list_append(&r->out, &t->node);
    return t;
}

const struct weir_stat *
weir_run_entry_stat(const struct weir_run_dir *d, size_t index)
{
    return index == 0 ? &d->batch->st : &d->batch->entries[index - 1].st;
}

static uint8_t
entry_type(const struct weir_run_dir *d, size_t index)
{
    return index == 0 ? WEIR_ENTRY_DIR : d->batch->entries[index - 1].type;
}

static struct weir_base **
entry_base(struct weir_run_dir *d, size_t index)
{
    if (index == 0)
        return &d->compared.self_base;
    return d->compared.base == NULL ? NULL : &d->compared.base[index - 1];
}

static struct weir_item *
item_create(struct weir_run_dir *d, size_t index)
{
    struct weir_item *item = calloc(1, sizeof(*item));
    if (item == NULL)
        return NULL;
    item->path = weir_run_entry_path(d, index, &item->path_len);
    if (item->path == NULL) {
        weir_item_free(item);
        return NULL;
    }
    item->type = entry_type(d, index);
    item->st = *weir_run_entry_stat(d, index);
    item->index = index;
    item->owner = d;
    item->maybe_sent = d->maybe_sent;
    if (index == 0 ? d->compared.self == WEIR_ACTION_SETTLE
                   : d->compared.action[index - 1] == WEIR_ACTION_SETTLE)
        item->maybe_sent = true;
    item->check = index > 0 && d->compared.action[index - 1] == WEIR_ACTION_CHECK;
    struct weir_base **base = entry_base(d, index);
    if (base != NULL) {
        item->base = *base;
        *base = NULL;
    }
    return item;
}

static int
item_key(struct weir_run *r, struct weir_item *item, struct weir_err *why)
{
    char key[WEIR_KEY_BYTES];
    enum weir_key_kind kind = item->type == WEIR_ENTRY_DIR ? WEIR_KEY_DIR : WEIR_KEY_FILE;
    if (weir_key_from_path(item->path, item->path_len, kind, r->limits->key_bytes_max, key,
                           why) != 0)
        return -1;
    item->key = strdup(key);
    return item->key == NULL ? weir_err_set(why, WEIR_E_NOMEM, "key") : 0;
}

/* Sends it: whole, or in parts when it is longer than one part. */
static int
dispatch(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    uint64_t part_bytes = 0;
    struct weir_err why = WEIR_ERR_INIT;
    if (item->type == WEIR_ENTRY_FILE) {
        if (weir_parts_size(r->limits, item->st.size, r->o->manifest->transfer.part_bytes,
                            &part_bytes, &why) != 0)
            return weir_run_item_failed(r, item, &why, err);
        if (item->st.size > part_bytes)
            return weir_run_upload_start(r, item, err);
        bool heavy = item->st.size > WEIR_WORKER_KEEP_BYTES;
        item->whole_max = heavy                                 ? item->st.size
                          : part_bytes < WEIR_WORKER_KEEP_BYTES ? part_bytes
                                                                : WEIR_WORKER_KEEP_BYTES;
        if (heavy && weir_run_check_memory(r, item->st.size, &why) != 0)
            return weir_run_item_failed(r, item, &why, err);
        if (heavy) {
            weir_item_list_append(&r->heavy, item);
            return 0;
        }
    }
    return weir_run_task(r, item, WEIR_TASK_SEND, err) == NULL ? -1 : 0;
}

int
weir_run_item_start(struct weir_run *r, struct weir_run_dir *d, size_t index,
                    struct weir_err *err)
{
    struct weir_item *item = item_create(d, index);
    if (item == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "entry");
    item->live_next = r->live;
    if (r->live != NULL)
        r->live->live_prev = item;
    r->live = item;
    struct weir_err why = WEIR_ERR_INIT;
    if (item_key(r, item, &why) != 0)
        return weir_run_item_failed(r, item, &why, err);
    if (weir_run_find_base(r, d, item, err) != 0)
        return weir_err_add(err, "%s", item->path);
    return dispatch(r, item, err);
}

bool
weir_run_heavy_fits(const struct weir_run *r, uint64_t bytes)
{
    return r->heavy_out == 0 || r->heavy_out + bytes <= r->heavy_max;
}

int
weir_run_item_heavy(struct weir_run *r, struct weir_err *err)
{
    while (r->heavy.first != NULL && r->tasks_out < r->tasks_max &&
           weir_run_heavy_fits(r, r->heavy.first->st.size)) {
        struct weir_item *item = weir_item_list_take(&r->heavy);
        if (weir_run_task(r, item, WEIR_TASK_SEND, err) == NULL)
            return -1;
        item->heavy_bytes = item->st.size;
        r->heavy_out += item->heavy_bytes;
    }
    return 0;
}

int
weir_run_item_later(struct weir_run *r, struct weir_err *err)
{
    int64_t now = weir_run_now(r);
    size_t n = r->later.count;
    for (size_t i = 0; i < n && weir_run_has_room(r); i++) {
        struct weir_item *item = weir_item_list_take(&r->later);
        if (item->due_ns > now)
            weir_item_list_append(&r->later, item);
        else if (dispatch(r, item, err) != 0)
            return -1;
    }
    return 0;
}

int
weir_run_task_done(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    static const struct weir_err no_memory = {
        .code = WEIR_E_NOMEM, .nframes = 1, .frame = {"out of memory"}};
    struct weir_item *item = t->item;
    const struct weir_err *why = t->err != NULL ? t->err : &no_memory;
    r->tasks_out--;
    if (t->kind == WEIR_TASK_REMOVE) {
        if (t->err != NULL && t->err->scope == WEIR_SCOPE_RUN)
            weir_run_fatal(r, t->err);
        return weir_run_removed(r, t, err);
    }
    item->tasks_out--;
    r->heavy_out -= item->heavy_bytes;
    item->heavy_bytes = 0;
    if (why->scope == WEIR_SCOPE_RUN)
        weir_run_fatal(r, why);
    if (t->kind != WEIR_TASK_SEND)
        return weir_run_upload_task_done(r, t, err);
    int rc;
    switch (t->outcome) {
    case WEIR_OUTCOME_DONE:
    case WEIR_OUTCOME_FOUND:
    case WEIR_OUTCOME_COPIED:
        rc = weir_run_item_done(r, item, t, t->chunks, t->chunk_count, 0, err);
        break;
    case WEIR_OUTCOME_SAME:
        rc = weir_run_item_same(r, item, t, err);
        break;
    case WEIR_OUTCOME_CHANGED:
        item->st = t->st;
        rc = weir_run_item_put_off(r, item, why, err);
        break;
    default:
        rc = weir_run_item_failed(r, item, why, err);
    }
    weir_task_free(t);
    return rc;
}
