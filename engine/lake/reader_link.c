#include "lake/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lake/statx.h"

#define TARGET_BYTES_MAX ((size_t)1024 * 1024) /* Linux stops at 4095 */

/* Opens the directory that holds path; *out_name points at the last name in path. */
static int
open_parent(const struct weir_lake_root *root, const char *path, const char **out_name,
            struct weir_err *err)
{
    const char *slash = strrchr(path, '/');
    *out_name = slash == NULL ? path : slash + 1;
    char *dir = strndup(path, slash == NULL ? 0 : (size_t)(slash - path));
    if (dir == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "path of a directory");
    int fd = weir_lake_open(root, dir, WEIR_FOLLOW_NO, O_PATH | O_DIRECTORY, err);
    free(dir);
    return fd;
}

static int
check_link(int dir_fd, const char *name, const char *path, const struct weir_stat *expect,
           struct weir_err *err)
{
    struct weir_stat st;
    int e = weir_lake_stat(dir_fd, name, AT_SYMLINK_NOFOLLOW, &st);
    if (e != 0)
        return weir_err_sys(err, WEIR_E_IO, e, "stat link %.200s", path);
    if (weir_statx_type(st.mode) != WEIR_ENTRY_SYMLINK || !weir_stat_same(&st, expect))
        return weir_err_set(err, WEIR_E_CHANGED,
                            "link %.200s has changed since the lake was walked", path);
    return 0;
}

/* Reads a target of any length: the size that stat gives is only a hint. */
static int
read_target(int dir_fd, const char *name, const char *path, size_t hint, char **out,
            size_t *out_bytes, struct weir_err *err)
{
    size_t cap = hint < 255 ? 256 : hint < TARGET_BYTES_MAX ? hint + 1 : TARGET_BYTES_MAX;
    for (;; cap *= 2) {
        char *target = malloc(cap);
        if (target == NULL)
            return weir_err_set(err, WEIR_E_NOMEM, "target of link %.200s", path);
        ssize_t got = readlinkat(dir_fd, name, target, cap);
        if (got >= 0 && (size_t)got < cap) {
            target[got] = '\0';
            *out = target;
            *out_bytes = (size_t)got;
            return 0;
        }
        int e = errno;
        free(target);
        if (got < 0)
            return weir_err_sys(err, WEIR_E_IO, e, "read link %.200s", path);
        if (cap >= TARGET_BYTES_MAX)
            return weir_err_set(err, WEIR_E_LIMIT, "target of link %.200s is over 1 MiB", path);
    }
}

int
weir_reader_link(const struct weir_lake_root *root, const char *path,
                 const struct weir_stat *expect, char **out, size_t *out_bytes,
                 struct weir_err *err)
{
    const char *name;
    char *target = NULL;
    size_t bytes = 0;
    int rc = -1;
    int dir_fd = open_parent(root, path, &name, err);
    if (dir_fd < 0)
        return -1;
    if (check_link(dir_fd, name, path, expect, err) != 0 ||
        read_target(dir_fd, name, path, (size_t)expect->size, &target, &bytes, err) != 0 ||
        check_link(dir_fd, name, path, expect, err) != 0) {
        free(target);
        goto close_dir;
    }
    *out = target;
    *out_bytes = bytes;
    rc = 0;
close_dir:
    (void)close(dir_fd);
    return rc;
}
