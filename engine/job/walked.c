/* walked -- entries that need nothing: what the walk itself settled, and what did not change.
 */
#include <stdlib.h>
#include <string.h>

#include "job/run.h"

static const char *const type_names[] = {
    [WEIR_ENTRY_UNKNOWN] = NULL,       [WEIR_ENTRY_FILE] = "file",
    [WEIR_ENTRY_DIR] = "directory",    [WEIR_ENTRY_SYMLINK] = "symlink",
    [WEIR_ENTRY_FIFO] = "fifo",        [WEIR_ENTRY_SOCKET] = "socket",
    [WEIR_ENTRY_CHAR] = "char-device", [WEIR_ENTRY_BLOCK] = "block-device",
};

const char *
weir_run_type_name(uint8_t type)
{
    return type < sizeof(type_names) / sizeof(type_names[0]) ? type_names[type] : NULL;
}

char *
weir_run_join_path(const struct weir_lake_batch *b, const char *name, size_t name_len,
                   size_t *out_len)
{
    size_t slash = b->path_len > 0 && name_len > 0 ? 1 : 0;
    char *path = malloc(b->path_len + slash + name_len + 1);
    if (path == NULL)
        return NULL;
    memcpy(path, b->path, b->path_len);
    if (slash)
        path[b->path_len] = '/';
    memcpy(path + b->path_len + slash, name, name_len);
    *out_len = b->path_len + slash + name_len;
    path[*out_len] = '\0';
    return path;
}

char *
weir_run_entry_path(const struct weir_run_dir *d, size_t index, size_t *out_len)
{
    if (index == 0)
        return weir_run_join_path(d->batch, "", 0, out_len);
    const struct weir_lake_entry *e = &d->batch->entries[index - 1];
    return weir_run_join_path(d->batch, e->name, e->name_len, out_len);
}

void
weir_run_count(struct weir_run *r, enum weir_state state, uint64_t entries, uint64_t bytes)
{
    r->ledger.seen += entries;
    r->ledger.count[state] += entries;
    r->ledger.bytes[state] += bytes;
}

/* Entries that the walk itself settled: excluded and failed ones. */
int
weir_run_settle_by_walk(struct weir_run *r, const struct weir_lake_batch *b,
                        const struct weir_lake_entry *e, struct weir_err *err)
{
    struct weir_err why = WEIR_ERR_INIT;
    bool failed = e->verdict == WEIR_VERDICT_FAILED;
    size_t len = 0;
    char *path = weir_run_join_path(b, e->name, e->name_len, &len);
    if (path == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "path of an entry");
    if (failed) {
        weir_err_sys(&why, WEIR_E_IO, e->sys_errno, "stat %s", path);
        r->unseen = true;
        weir_run_warn(r, NULL, &why);
    }
    weir_run_count(r, failed ? WEIR_STATE_FAILED : WEIR_STATE_EXCLUDED, 1,
                   e->type == WEIR_ENTRY_DIR ? 0 : e->st.size);
    struct weir_record rec = {
        .path = path,
        .path_len = len,
        .type = weir_run_type_name(e->type),
        .state = weir_state_name(failed ? WEIR_STATE_FAILED : WEIR_STATE_EXCLUDED),
        .rule = failed ? NULL : e->rule,
        .err = failed ? &why : NULL};
    weir_report_entry(r->report, &rec);
    free(path);
    return 0;
}

void
weir_run_record_unlisted(struct weir_run *r, const struct weir_lake_batch *b)
{
    static const struct weir_err unknown = {.code = WEIR_E_NOMEM};
    const char *path = b->path_len > 0 ? b->path : ".";
    const struct weir_err *why = b->err != NULL ? b->err : &unknown;
    weir_run_count(r, WEIR_STATE_FAILED, 1, 0);
    r->unseen = true;
    weir_run_warn(r, NULL, why);
    struct weir_record rec = {.path = path,
                              .path_len = strlen(path),
                              .type = "directory",
                              .state = weir_state_name(WEIR_STATE_FAILED),
                              .err = why};
    weir_report_entry(r->report, &rec);
}

static void
record_one_unchanged(struct weir_run *r, const struct weir_lake_batch *b,
                     const struct weir_lake_entry *e)
{
    size_t len = 0;
    char *path = e != NULL ? weir_run_join_path(b, e->name, e->name_len, &len)
                           : weir_run_join_path(b, "", 0, &len);
    struct weir_record rec = {.path = path,
                              .path_len = len,
                              .type = weir_run_type_name(e != NULL ? e->type : WEIR_ENTRY_DIR),
                              .state = weir_state_name(WEIR_STATE_UNCHANGED),
                              .has_bytes = true,
                              .bytes = e != NULL ? e->st.size : 0};
    if (path != NULL)
        weir_report_entry(r->report, &rec);
    free(path);
}

static bool
is_unchanged(uint8_t action)
{
    return action == WEIR_ACTION_UNCHANGED || action == WEIR_ACTION_BACK;
}

void
weir_run_record_unchanged(struct weir_run *r, const struct weir_run_dir *d,
                          const struct weir_compared *c)
{
    const struct weir_lake_batch *b = d->batch;
    if (d->self && (c == NULL || is_unchanged(c->self)))
        record_one_unchanged(r, b, NULL);
    for (size_t i = 0; i < b->count; i++) {
        const struct weir_lake_entry *e = &b->entries[i];
        if (c != NULL ? is_unchanged(c->action[i])
                      : e->verdict == WEIR_VERDICT_TAKE && e->type != WEIR_ENTRY_DIR)
            record_one_unchanged(r, b, e);
    }
}
