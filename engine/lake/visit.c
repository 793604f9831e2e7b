#include "lake/visit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lake/batch_build.h"
#include "lake/statx.h"

#define STOP_EVERY 256 /* entries between two looks at the stop flag */

int
weir_visitor_init(struct weir_visitor *v, struct weir_err *err)
{
    v->buffer = malloc(WEIR_VISIT_BUFFER_BYTES);
    if (v->buffer == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "buffers of a walker");
    return 0;
}

void
weir_visitor_fini(struct weir_visitor *v)
{
    free(v->buffer);
    free(v->path);
    weir_names_fini(&v->names);
}

/* Makes v->path "dir/" (or "" for the root) with room for one more name. */
static int
set_path(struct weir_visitor *v, const struct weir_level *level, size_t *out_name_at)
{
    size_t need = level->path_len + 1 + WEIR_NAME_BYTES_MAX + 1;
    if (v->path_cap < need) {
        char *path = realloc(v->path, need);
        if (path == NULL)
            return -1;
        v->path = path;
        v->path_cap = need;
    }
    weir_level_path(level, v->path);
    *out_name_at = level->path_len;
    return 0;
}

/* Opens the directory and makes sure that it is the one that the parent listed: whatever was
 * put in its place has not passed the rules.  Returns the descriptor or -1. */
static int
open_same(const struct weir_visitor *v, const struct weir_level_dir *dir,
          struct weir_stat *out_st, bool *out_mount_root, struct weir_err *err)
{
    const struct weir_inspector *in = v->inspector;
    enum weir_follow follow =
        in->source->symlinks == WEIR_SYMLINKS_FOLLOW ? WEIR_FOLLOW_BENEATH : WEIR_FOLLOW_NO;
    int fd = weir_lake_open(in->root, v->path, follow, O_DIRECTORY, err);
    if (fd < 0)
        return -1;
    int e = weir_statx_read(fd, NULL, 0, out_st, out_mount_root);
    if (e != 0) {
        weir_err_sys(err, WEIR_E_IO, e, "stat directory %.200s", v->path);
    } else if (out_st->dev != dir->dev || out_st->ino != dir->ino) {
        weir_err_sys(err, WEIR_E_CHANGED, ESTALE,
                     "directory %.200s was replaced while the lake was walked", v->path);
    } else {
        return fd;
    }
    (void)close(fd);
    return -1;
}

/* Fills v->names, sorted.  Returns -1 with an error of this directory, names seen before are
 * there. */
static int
list_names(struct weir_visitor *v, int fd, struct weir_err *err)
{
    int e = weir_names_list(&v->names, fd, v->buffer, WEIR_VISIT_BUFFER_BYTES, v->stop, v->ctx);
    weir_names_sort(&v->names);
    if (e == ECANCELED)
        return weir_err_set(err, WEIR_E_CANCELLED, "walk stopped");
    if (e != 0)
        return weir_err_sys(err, WEIR_E_IO, e, "list directory %.200s", v->path);
    return 0;
}

/* Adds the sub-directory of an entry that will be walked.  With files_from also what should be
 * one and is not: there the paths listed below it are reported as failed. */
static int
add_below(struct weir_level *level, const struct weir_lake_entry *e, struct weir_files_run run)
{
    bool enter = e->verdict == WEIR_VERDICT_TAKE && e->type == WEIR_ENTRY_DIR;
    bool listed_below = run.first < run.end && (e->verdict != WEIR_VERDICT_EXCLUDED ||
                                                e->rule == weir_inspect_not_listed);
    if (!enter && !listed_below)
        return 0;
    struct weir_level_dir dir = {.name = e->name,
                                 .name_len = e->name_len,
                                 .dev = e->st.dev,
                                 .ino = e->st.ino,
                                 .run = run};
    return weir_level_add(level, &dir);
}

/* The paths that files_from lists below this name; names come in the order of the list. */
static struct weir_files_run
listed_below(const struct weir_visitor *v, size_t dir_len, const struct weir_name *n,
             struct weir_files_run *cursor)
{
    struct weir_files_name want = {.len = 0};
    if (v->files == NULL || (n->flags & WEIR_NAME_UNLISTED) != 0 ||
        !weir_files_from_next(v->files, dir_len, cursor, &want))
        return (struct weir_files_run){0, 0};
    return want.below;
}

static int
inspect_all(struct weir_visitor *v, struct weir_place *at, struct weir_level *level,
            struct weir_files_run run, struct weir_lake_batch *b, struct weir_err *err)
{
    weir_stat_digest_begin(&v->digest);
    for (size_t i = 0; i < v->names.count; i++) {
        const struct weir_name *n = &v->names.item[i];
        struct weir_lake_entry *e = &b->entries[b->count];
        struct weir_files_run below = listed_below(v, level->path_len, n, &run);
        e->name = weir_batch_name(b, n);
        e->name_len = n->len;
        if (i % STOP_EVERY == 0 && v->stop(v->ctx))
            return weir_err_set(err, WEIR_E_CANCELLED, "walk stopped");
        if (!weir_inspect_entry(v->inspector, at, n, e))
            continue;
        if (add_below(level, e, below) != 0)
            return weir_err_set(err, WEIR_E_NOMEM, "list of sub-directories");
        b->count++;
        if (e->verdict != WEIR_VERDICT_TAKE)
            continue;
        b->taken++;
        weir_stat_digest_add(&v->digest, e);
    }
    return 0;
}

/* Ends the walk rather than this directory? */
static bool
is_fatal(const struct weir_level *level, const struct weir_err *cause)
{
    return cause->code == WEIR_E_NOMEM || cause->code == WEIR_E_CANCELLED ||
           cause->code == WEIR_E_UNSUPPORTED ||
           (cause->code == WEIR_E_NOT_FOUND && level->parent == NULL);
}

/* Makes the batch from what was listed; cause says what went wrong before, if anything. */
static int
make_batch(struct weir_visitor *v, struct weir_place *at, struct weir_level *level,
           struct weir_files_run run, const struct weir_err *cause,
           struct weir_lake_batch **out, struct weir_err *err)
{
    struct weir_lake_batch *b = NULL;
    if (v->files != NULL &&
        weir_files_from_merge(v->files, level->path_len, run, &v->names) != 0)
        return weir_err_set(err, WEIR_E_NOMEM, "names from files_from");
    b = weir_batch_create(&v->names, v->path, level->path_len);
    if (b == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "directory of %zu entries", v->names.count);
    if (level->path_len > 0)
        v->path[at->name_at++] = '/';
    if (inspect_all(v, at, level, run, b, err) != 0)
        goto fail;
    if (cause->code == WEIR_OK) {
        weir_stat_digest_end(&v->digest, &b->stat_digest);
    } else if (weir_batch_fail(b, cause) != 0) {
        weir_err_set(err, WEIR_E_NOMEM, "error of a directory");
        goto fail;
    }
    *out = b;
    return 0;
fail:
    weir_lake_batch_free(b);
    return -1;
}

int
weir_visit(struct weir_visitor *v, struct weir_level *level, const struct weir_level_dir *dir,
           struct weir_lake_batch **out, struct weir_err *err)
{
    struct weir_err cause = WEIR_ERR_INIT;
    struct weir_stat st = {.dev = dir->dev, .ino = dir->ino};
    struct weir_place at = {.level = level, .dev = dir->dev, .missing_errno = ENOENT};
    bool mount_root = false;
    weir_names_clear(&v->names);
    if (set_path(v, level, &at.name_at) != 0)
        return weir_err_set(err, WEIR_E_NOMEM, "path of %zu bytes", level->path_len);
    at.fd = open_same(v, dir, &st, &mount_root, &cause);
    if (at.fd >= 0)
        (void)list_names(v, at.fd, &cause);
    int rc = -1;
    if (cause.code != WEIR_OK && is_fatal(level, &cause)) {
        weir_err_clear(err);
        *err = cause;
        goto close_fd;
    }
    if (cause.code != WEIR_OK && cause.sys_errno != 0)
        at.missing_errno = cause.sys_errno;
    at.path = v->path;
    at.covered = weir_rules_covers(v->inspector->rules, v->path, level->path_len);
    rc = make_batch(v, &at, level, dir->run, &cause, out, err);
    if (rc == 0) {
        (*out)->st = st;
        (*out)->mount_root = mount_root;
    }
close_fd:
    if (at.fd >= 0)
        (void)close(at.fd);
    return rc;
}
