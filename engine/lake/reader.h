/* reader -- bytes of one file with the proof that they were not torn.
 *
 * Open compares the file with what the walk saw; finish compares again.  Equal means: no
 * write(2) happened in between -- provided the last change was not so recent that a second one
 * could carry the same time stamp, which weir_reader_open() reports (CHANGED with too_recent).
 */
#ifndef WEIR_LAKE_READER_H
#define WEIR_LAKE_READER_H

#include <weir/digest.h>

#include "lake/root.h"

struct weir_reader {
    int fd;
    struct weir_stat seen; /* at open; equals what was expected */
};

/* A ctime younger than this at open cannot be trusted (racily clean; coarse clocks, NFS). */
#define WEIR_READER_QUIET_NS INT64_C(2000000000)

enum weir_recent {
    WEIR_RECENT_REFUSE = 0,
    WEIR_RECENT_TRUST /* seen unchanged for long enough */
};

/**
 * weir_reader_open() -- open a regular file for reading.
 * @expect: stat data from the walk; any difference in identity is WEIR_E_CHANGED.
 * @now_wall_ns: wall clock now; with WEIR_RECENT_REFUSE a ctime in the last
 * WEIR_READER_QUIET_NS (or in the future) is WEIR_E_CHANGED with *out_too_recent = true: try
 * again later. Never blocks on a FIFO or device: type is checked before and after.  NOT_FOUND:
 * vanished.
 */
int weir_reader_open(const struct weir_lake_root *root, const char *path,
                     enum weir_follow follow, const struct weir_stat *expect,
                     int64_t now_wall_ns, enum weir_recent recent, struct weir_reader *out,
                     bool *out_too_recent, struct weir_err *err);

/**
 * weir_reader_read() -- read exactly bytes at offset into buf, digesting while it is hot.
 * Reads in blocks of 256 KiB, each fed to d (may be NULL) right after it was read.  A short
 * read is WEIR_E_CHANGED (the file shrank), EIO and friends are WEIR_E_IO with the offset.
 * Thread-safe for one reader when each thread has its own digester (pread).
 */
int weir_reader_read(const struct weir_reader *r, const char *path, uint64_t offset, void *buf,
                     size_t bytes, struct weir_digester *d, struct weir_err *err);

/* WEIR_E_CHANGED when the file is no longer what was opened (identity, or it grew). */
int weir_reader_finish(const struct weir_reader *r, const char *path, struct weir_err *err);
void weir_reader_close(struct weir_reader *r); /* idempotent */

/* Target of a symlink below the root: readlinkat on its parent, then identity checked.  *out is
 * malloc'ed, NUL-terminated, *out_bytes long. */
int weir_reader_link(const struct weir_lake_root *root, const char *path,
                     const struct weir_stat *expect, char **out, size_t *out_bytes,
                     struct weir_err *err);

#endif
