/* state_dir -- the directory that holds a job's catalog: private, on a local disk, one writer.
 */
#ifndef WEIR_CATALOG_STATE_DIR_H
#define WEIR_CATALOG_STATE_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/entry.h>
#include <weir/err.h>

struct weir_state_dir {
    int fd;      /* of the directory; owned */
    int lock_fd; /* holds the kernel lock while open; -1 for a reader */
    struct weir_stat st;
};

#define WEIR_STATE_DIR_INIT                                                                    \
    {                                                                                          \
        .fd = -1, .lock_fd = -1                                                                \
    }

/**
 * weir_state_dir_own() -- make (0700, with parents), check and lock a state directory.
 * Errors, scope RUN: CONFIG (a symlink, someone else's, writable by others, a network file
 * system), LOCKED with the process id of the holder, ACCESS, IO.
 */
int weir_state_dir_own(const char *path, struct weir_state_dir *out, struct weir_err *err);

/* Opens an existing one for reading, without a lock.  NOT_FOUND when there is none. */
int weir_state_dir_peek(const char *path, struct weir_state_dir *out, struct weir_err *err);

/* Does a process hold the lock now?  Takes nothing: no writer is ever turned away by a look. */
bool weir_state_dir_is_locked(const struct weir_state_dir *d);

void weir_state_dir_close(struct weir_state_dir *d); /* idempotent */

/* The name of a file system that a catalog must not live on, by statfs f_type; NULL if fine.
 * Locks and shared memory of SQLite do not reach across hosts.  FUSE is let through: it may be
 * a local disk. */
const char *weir_state_dir_network_fs(uint64_t f_type);

#endif
