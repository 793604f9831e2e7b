/* items -- one entry on its way: started, put off, settled in catalog, ledger and report. */
#include <stdlib.h>
#include <string.h>

#include "job/run.h"
#include "plan/key.h"
#include "plan/parts.h"

#define TRIES_MAX 5 /* then an entry that keeps changing is unstable */
#define QUIET_NS (WEIR_READER_QUIET_NS + 100 * WEIR_NS_PER_MS)
#define FAILURES_IN_A_ROW_MAX 20 /* of the endpoint, with no success in between */

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
    t->st = item->st;
    item->tasks_out++;
    r->tasks_out++;
    weir_list_append(&r->out, &t->node);
    return t;
}

static const struct weir_stat *
entry_stat(const struct weir_run_dir *d, size_t index)
{
    return index == 0 ? &d->batch->st : &d->batch->entries[index - 1].st;
}

static uint8_t
entry_type(const struct weir_run_dir *d, size_t index)
{
    return index == 0 ? WEIR_ENTRY_DIR : d->batch->entries[index - 1].type;
}

static char **
entry_etag(struct weir_run_dir *d, size_t index)
{
    if (index == 0)
        return &d->compared.self_etag;
    return d->compared.etag == NULL ? NULL : &d->compared.etag[index - 1];
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
    item->st = *entry_stat(d, index);
    item->index = index;
    item->owner = d;
    item->maybe_sent = d->maybe_sent;
    char **etag = entry_etag(d, index);
    if (etag != NULL) {
        item->replace_etag = *etag;
        *etag = NULL;
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

/* The last of an item: out of the counts, its directory is told. */
static int
item_end(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    struct weir_run_dir *d = item->owner;
    if (item->live_prev != NULL)
        item->live_prev->live_next = item->live_next;
    else
        r->live = item->live_next;
    if (item->live_next != NULL)
        item->live_next->live_prev = item->live_prev;
    if (item->upload != NULL && item->upload->row != 0)
        weir_run_orphans_keep(r, item->upload->row);
    weir_run_upload_drop(r, item);
    weir_item_free(item);
    return weir_run_dir_release(r, d, err);
}

static void
record(struct weir_run *r, const struct weir_item *item, enum weir_state state,
       const struct weir_task *t, size_t chunks, const struct weir_err *why)
{
    r->ledger.count[state]++;
    r->ledger.bytes[state] += t != NULL                      ? t->bytes
                              : item->type == WEIR_ENTRY_DIR ? 0
                                                             : item->st.size;
    struct weir_record rec = {.path = item->path,
                              .path_len = item->path_len,
                              .key = item->key,
                              .type = weir_run_type_name(item->type),
                              .state = weir_state_name(state),
                              .has_bytes = true,
                              .bytes = item->st.size,
                              .err = why};
    if (t != NULL) {
        rec.bytes = t->bytes;
        rec.xxh128 = &t->xxh128;
        rec.chunks = chunks;
        rec.crc64nvme = &t->crc64nvme;
        rec.etag = t->stored.etag;
        rec.version = t->stored.version;
        rec.found = t->outcome == WEIR_OUTCOME_FOUND;
    }
    weir_report_entry(r->report, &rec);
}

static int
save_row(struct weir_run *r, const struct weir_item *item, const struct weir_task *t,
         const struct weir_xxh128 *chunks, size_t chunk_count, uint64_t part_bytes,
         uint64_t chunk_bytes, struct weir_err *err)
{
    const struct weir_run_dir *d = item->owner;
    struct weir_catalog_entry row = {.type = item->type,
                                     .proof =
                                         t->proven ? WEIR_PROOF_VERIFIED : WEIR_PROOF_UPLOADED,
                                     .st = t->st,
                                     .xxh128 = t->xxh128,
                                     .crc64nvme = t->crc64nvme,
                                     .part_bytes = part_bytes,
                                     .chunk_bytes = chunk_bytes,
                                     .etag = t->stored.etag,
                                     .version = t->stored.version,
                                     .name = ""};
    if (item->index > 0) {
        row.name = d->batch->entries[item->index - 1].name;
        row.name_len = d->batch->entries[item->index - 1].name_len;
    }
    bool keep_chunks = chunk_count > 1;
    if (weir_run_begin(r, err) != 0)
        return -1;
    return weir_catalog_entry_put(r->setup.catalog, d->id, &row, keep_chunks ? chunks : NULL,
                                  keep_chunks ? chunk_count : 0, err);
}

int
weir_run_item_done(struct weir_run *r, struct weir_item *item, const struct weir_task *t,
                   const struct weir_xxh128 *chunks, size_t chunk_count, uint64_t part_bytes,
                   struct weir_err *err)
{
    uint64_t chunk_bytes = item->upload != NULL ? item->upload->chunk_bytes : (uint64_t)1 << 20;
    if (save_row(r, item, t, chunks, chunk_count, part_bytes, chunk_bytes, err) != 0)
        return weir_err_add(err, "%s", item->path);
    r->failures_in_a_row = 0;
    if (t->outcome == WEIR_OUTCOME_FOUND) {
        r->ledger.found++;
    } else {
        r->ledger.sent_objects++;
        if (item->upload == NULL)
            r->ledger.sent_bytes += t->bytes;
    }
    if (item->upload == NULL)
        r->done_bytes += t->bytes;
    record(r, item, t->proven ? WEIR_STATE_VERIFIED : WEIR_STATE_UPLOADED, t, chunk_count,
           NULL);
    struct weir_run_dir *d = item->owner;
    if (!weir_stat_same(&t->st, entry_stat(d, item->index)))
        d->dirty = true; /* the seal is over what the walk saw */
    return item_end(r, item, err);
}

/* Its directory must be looked at again; and where an interrupted pass may have sent the entry,
 * the next one must ask as this one should have. */
static void
not_done(const struct weir_item *item)
{
    struct weir_run_dir *d = item->owner;
    d->dirty = true;
    if (item->maybe_sent)
        d->unknown = true;
}

static bool
is_endpoint_trouble(const struct weir_err *why)
{
    return why->code == WEIR_E_NETWORK || why->code == WEIR_E_THROTTLED ||
           why->code == WEIR_E_SERVER;
}

/* One object failed; does the run? */
static void
judge_run(struct weir_run *r, const struct weir_err *why)
{
    if (!is_endpoint_trouble(why))
        return;
    if (++r->failures_in_a_row < FAILURES_IN_A_ROW_MAX)
        return;
    struct weir_err all = *why;
    weir_err_add(&all, "%u objects in a row failed; stopped. Run again to continue",
                 r->failures_in_a_row);
    weir_run_fatal(r, &all);
}

int
weir_run_item_failed(struct weir_run *r, struct weir_item *item, const struct weir_err *why,
                     struct weir_err *err)
{
    struct weir_run_dir *d = item->owner;
    not_done(item);
    if (why->outcome_unknown)
        d->unknown = true;
    if (why->code == WEIR_E_CANCELLED || (r->stopping && why->scope == WEIR_SCOPE_RUN))
        return weir_run_item_abandon(r, item, err); /* not the fault of this entry */
    weir_run_warn(r, item->path, why);
    record(r, item, WEIR_STATE_FAILED, NULL, 0, why);
    judge_run(r, why);
    return item_end(r, item, err);
}

int
weir_run_item_put_off(struct weir_run *r, struct weir_item *item, const struct weir_err *why,
                      struct weir_err *err)
{
    if (++item->tries >= TRIES_MAX) {
        struct weir_err all = *why;
        not_done(item);
        weir_err_add(&all, "unstable, changed during each of %u tries", item->tries);
        weir_run_warn(r, item->path, &all);
        record(r, item, WEIR_STATE_UNSTABLE, NULL, 0, &all);
        return item_end(r, item, err);
    }
    item->restat = true;
    item->recent = WEIR_RECENT_TRUST; /* if it is still the same after the pause */
    item->due_ns = weir_run_now(r) + QUIET_NS * (int64_t)item->tries;
    weir_item_list_append(&r->later, item);
    return 0;
}

int
weir_run_item_abandon(struct weir_run *r, struct weir_item *item, struct weir_err *err)
{
    not_done(item);
    return item_end(r, item, err);
}

int
weir_run_task_done(struct weir_run *r, struct weir_task *t, struct weir_err *err)
{
    static const struct weir_err no_memory = {
        .code = WEIR_E_NOMEM, .nframes = 1, .frame = {"out of memory"}};
    struct weir_item *item = t->item;
    const struct weir_err *why = t->err != NULL ? t->err : &no_memory;
    r->tasks_out--;
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
        rc = weir_run_item_done(r, item, t, t->chunks, t->chunk_count, 0, err);
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
