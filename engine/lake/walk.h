/* walk -- the lake, directory by directory, in parallel, with bounded memory.
 *
 * Every directory is opened below the held root descriptor with openat2(RESOLVE_BENEATH), so
 * nothing outside the root is ever reached, whatever is swapped while the walk runs.
 * Directories come in no particular order (depth first, by several threads); the entries of one
 * directory come complete and in byte order.  A parent is always handed over before its
 * children.
 *
 * A lake changes while it is walked.  An entry that is gone before it could be looked at was
 * never seen.  A directory that is gone, or is another one, when its turn comes arrives as an
 * incomplete batch (NOT_FOUND, CHANGED): its parent has been handed over with it.
 *
 * symlinks: follow.  A link that leads out of the root, or is absolute, fails with EXDEV; one
 * to a directory that it is in, with ELOOP; a dangling one with ENOENT.
 *
 * files_from filters: everything else in the directories on the way is excluded, directories in
 * the list are entered but what is in them must be listed too.  A listed path that is not there
 * is a failed entry of its directory; when that is not there either, it arrives as an
 * incomplete batch.  An excluded directory takes what is listed below it with it.
 *
 * Costs at most three descriptors and 400 KiB a thread, and for each directory on the way the
 * names of its sub-directories. */
#ifndef WEIR_LAKE_WALK_H
#define WEIR_LAKE_WALK_H

#include <weir/cancel.h>
#include <weir/manifest.h>

#include "lake/batch.h"
#include "lake/root.h"

struct weir_walk;

struct weir_walk_options {
    const struct weir_source *source;  /* rules and policies; borrowed while the walk lives */
    unsigned threads;                  /* 1..64 */
    uint64_t memory_bytes;             /* batches waiting to be taken never exceed this by more
                                          than one batch per thread */
    const struct weir_cancel *cancel;  /* may be NULL */
    const struct weir_stat *skip_dirs; /* directories (by dev and ino) that are never entered:
                                          the state directory inside the lake */
    size_t skip_dir_count;
};

/**
 * weir_walk_open() -- start walking.
 * @root: opened by weir_lake_root_open(); borrowed while the walk lives.
 * Returns 0, or -1: CONFIG (a bad pattern; unreadable files_from), NOMEM, IO.
 */
int weir_walk_open(const struct weir_lake_root *root, const struct weir_walk_options *options,
                   struct weir_walk **out, struct weir_err *err);

/**
 * weir_walk_next() -- take the next directory; blocks.  One consumer thread.
 * *out is the caller's to free, or NULL at the end.  A directory that cannot be opened or
 * listed arrives as a batch with complete == false.  Returns -1 only when the walk itself
 * cannot go on (NOMEM, CANCELLED, root vanished).
 */
int weir_walk_next(struct weir_walk *w, struct weir_lake_batch **out, struct weir_err *err);

/* Stops the threads and frees everything; batches already taken stay valid except `rule`. */
void weir_walk_close(struct weir_walk *w);

#endif
