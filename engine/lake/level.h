/* level -- the frontier of a walk: for each directory on the way, its sub-directories still to
 * be done.  Internal to lake.
 *
 * Levels form a tree (a child holds a reference to its parent) and a stack (depth first).  What
 * is kept is therefore bounded by the widest directories along the paths being walked.  A level
 * is filled by one worker and published by weir_level_push_locked(); after that everything but
 * refs, next and below is read-only.  Functions that end in _locked need the walk's lock. */
#ifndef WEIR_LAKE_LEVEL_H
#define WEIR_LAKE_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lake/files_from.h"

struct weir_level {
    struct weir_level *parent; /* holds a reference; NULL for the root */
    struct weir_level *below;  /* next on the stack */
    unsigned refs;
    uint64_t dev, ino;
    const char *name; /* lives in the parent's list */
    size_t name_len, path_len;
    char *list; /* owned: packed records of sub-directories */
    size_t list_len, list_cap, next;
};

struct weir_level_dir { /* one sub-directory to be done */
    const char *name;   /* borrowed from the level that lists it */
    size_t name_len;
    uint64_t dev, ino;         /* as seen by the listing of the parent; 0, 0 when not seen */
    struct weir_files_run run; /* its part of files_from */
};

/* A level for a directory about to be listed, with one reference.  Takes over the reference to
 * parent on success.  NULL when memory is short. */
struct weir_level *weir_level_create(struct weir_level *parent,
                                     const struct weir_level_dir *dir);

/* Adds a sub-directory; only before the push.  -1 when memory is short. */
int weir_level_add(struct weir_level *l, const struct weir_level_dir *dir);

/* Writes path_len bytes and a NUL. */
void weir_level_path(const struct weir_level *l, char *out);

/* Is this directory l itself or one above it? */
bool weir_level_has_ancestor(const struct weir_level *l, uint64_t dev, uint64_t ino);

/* Puts a level that has sub-directories on the stack, together with the caller's reference. */
void weir_level_push_locked(struct weir_level **stack, struct weir_level *l);

/* Takes the next sub-directory of the top level, and a reference to that level.  The stack must
 * not be empty. */
struct weir_level *weir_level_take_locked(struct weir_level **stack,
                                          struct weir_level_dir *out);

void weir_level_release_locked(struct weir_level *l); /* NULL is fine */

#endif
