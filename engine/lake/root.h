/* root -- the one door into the lake: a descriptor of its root, and every file opened below it.
 */
#ifndef WEIR_LAKE_ROOT_H
#define WEIR_LAKE_ROOT_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/entry.h>
#include <weir/err.h>

struct weir_lake_root;

/**
 * weir_lake_root_open() -- open the root directory of a lake, read-only.
 * Refuses (CONFIG) pseudo file systems (proc, sysfs, ...) by f_type.  NOT_FOUND, ACCESS, IO as
 * the kernel says, scope RUN.  The object is read-only after open: any thread may use it.
 */
int weir_lake_root_open(const char *path, struct weir_lake_root **out, struct weir_err *err);
void weir_lake_root_close(struct weir_lake_root *r); /* NULL is fine */
const struct weir_stat *weir_lake_root_stat(const struct weir_lake_root *r);
/* When the root directory was made; false where the file system does not keep that.  Another
 * file system at the same place has another, though often the same inode number. */
bool weir_lake_root_born(const struct weir_lake_root *r, struct weir_time *out);
const char *weir_lake_root_path(const struct weir_lake_root *r); /* for messages only */

enum weir_follow {
    WEIR_FOLLOW_NO = 0,
    WEIR_FOLLOW_BENEATH /* links that stay below the root */
};

/**
 * weir_lake_open() -- open something below the root: O_RDONLY | O_NONBLOCK | O_CLOEXEC and
 * openat2 RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS (| RESOLVE_NO_SYMLINKS unless following).
 * @path:  relative, of any length (longer than PATH_MAX goes in hops); "" is the root itself.
 * @flags: extra open flags (O_DIRECTORY, O_PATH, O_NOFOLLOW).
 * Returns the descriptor, or -1 (err NOT_FOUND, ACCESS, IO; CHANGED when a component is a
 * symlink that may not be followed or leads out, ELOOP or EXDEV, or no directory, ENOTDIR).  On
 * kernels without openat2 (before 5.6): UNSUPPORTED, scope RUN.
 */
int weir_lake_open(const struct weir_lake_root *r, const char *path, enum weir_follow follow,
                   int flags, struct weir_err *err);

/* fstat/statx of an open descriptor, or of name below it (flags as statx:
 * AT_SYMLINK_NOFOLLOW...). Returns 0 or an errno value. */
int weir_lake_stat(int fd, const char *name, int flags, struct weir_stat *out);

/* One statx of a path below the root, by name: cheap, but it may see a place outside when a
 * component is a link.  For a look before the real open only.  Returns 0 or an errno value. */
int weir_lake_root_glance(const struct weir_lake_root *r, const char *path,
                          enum weir_follow follow, struct weir_stat *out);

#endif
