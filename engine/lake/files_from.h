/* files_from -- a NUL-separated list of paths below the root, sorted so that each directory's
 * part of it is one run.  Internal to lake.  Read-only after load: any thread. */
#ifndef WEIR_LAKE_FILES_FROM_H
#define WEIR_LAKE_FILES_FROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>

#include "lake/names.h"

struct weir_files_from;

/* A run of the list: the paths below one directory.  {0, 0} is empty. */
struct weir_files_run {
    uint32_t first, end;
};

/**
 * weir_files_from_load() -- read a list.  "./" and doubled slashes are taken out.
 * CONFIG: unreadable, over 2 GiB, an entry that is absolute, empty or has "..", or lines where
 * NULs were meant; the message has the number of the entry.
 */
int weir_files_from_load(const char *path, struct weir_files_from **out, struct weir_err *err);
void weir_files_from_free(struct weir_files_from *f); /* NULL is fine */

/* The whole list: the run of the root. */
struct weir_files_run weir_files_from_all(const struct weir_files_from *f);

/* What the list says of one name in a directory. */
struct weir_files_name {
    const char *name; /* not NUL-terminated; lives in the list */
    size_t len;
    bool listed;                 /* the path of this very entry is in the list */
    struct weir_files_run below; /* paths below it: empty when there are none */
};

/**
 * weir_files_from_next() -- the next different name in a directory, in byte order.
 * @dir_len: length of the directory's path; @run: its run, cut from the front by each call.
 * Returns false at the end.
 */
bool weir_files_from_next(const struct weir_files_from *f, size_t dir_len,
                          struct weir_files_run *run, struct weir_files_name *out);

/* Marks names that are not in the run UNLISTED, those that only lead to listed paths ON_WAY,
 * adds those not seen as MISSING and sorts again.  names must be sorted.  Returns 0 or an errno
 * value. */
int weir_files_from_merge(const struct weir_files_from *f, size_t dir_len,
                          struct weir_files_run run, struct weir_names *names);

#endif
