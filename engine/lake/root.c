#include "lake/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lake/statx.h"

/* A rename beside a ".." that the kernel is resolving gives EAGAIN: try again, within reason.
 */
#define AGAIN_MAX 64

struct weir_lake_root {
    char *path; /* owned; for messages only */
    int fd;     /* owned; -1 while opening */
    struct weir_stat st;
};

static int
open_beneath(int dir_fd, const char *path, enum weir_follow follow, int flags)
{
    if ((flags & O_PATH) == 0)
        flags |= O_RDONLY | O_NONBLOCK | O_NOCTTY;
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS |
                   (follow == WEIR_FOLLOW_NO ? RESOLVE_NO_SYMLINKS : 0u),
    };
    for (unsigned try = 0;; try++) {
        long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EINTR && (errno != EAGAIN || try >= AGAIN_MAX)))
            return (int)fd;
    }
}

static int
run_failed(struct weir_err *err)
{
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

/* Finds out once, by opening the root again, whether the kernel has openat2. */
static int
check_openat2(const struct weir_lake_root *r, struct weir_err *err)
{
    int fd = open_beneath(r->fd, ".", WEIR_FOLLOW_NO, O_PATH | O_DIRECTORY);
    if (fd >= 0) {
        (void)close(fd);
        return 0;
    }
    int e = errno;
    if (e == ENOSYS || e == EPERM) /* old container sandboxes answer EPERM */
        return weir_err_sys(err, WEIR_E_UNSUPPORTED, e,
                            "openat2 is needed to walk safely (Linux 5.6 or newer)");
    return weir_err_sys(err, WEIR_E_IO, e, "open %s", r->path);
}

static int
check_file_system(const struct weir_lake_root *r, struct weir_err *err)
{
    int pseudo = weir_statx_is_pseudo(r->fd);
    if (pseudo < 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "statfs %s", r->path);
    if (pseudo > 0)
        return weir_err_set(err, WEIR_E_CONFIG,
                            "%s is a pseudo file system (proc, sysfs or the like), not a lake",
                            r->path);
    return 0;
}

int
weir_lake_root_open(const char *path, struct weir_lake_root **out, struct weir_err *err)
{
    struct weir_err none = WEIR_ERR_INIT;
    if (err == NULL)
        err = &none;
    struct weir_lake_root *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "root of the lake");
        return run_failed(err);
    }
    r->fd = -1;
    if ((r->path = strdup(path)) == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "path of the root");
        goto fail;
    }
    r->fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
    if (r->fd < 0) {
        weir_err_sys(err, WEIR_E_IO, errno, "open the root %s", path);
        goto fail;
    }
    int e = weir_lake_stat(r->fd, NULL, 0, &r->st);
    if (e != 0) {
        weir_err_sys(err, WEIR_E_IO, e, "stat the root %s", path);
        goto fail;
    }
    if (check_file_system(r, err) != 0 || check_openat2(r, err) != 0)
        goto fail;
    *out = r;
    return 0;
fail:
    weir_lake_root_close(r);
    return run_failed(err);
}

void
weir_lake_root_close(struct weir_lake_root *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    free(r->path);
    free(r);
}

const struct weir_stat *
weir_lake_root_stat(const struct weir_lake_root *r)
{
    return &r->st;
}

bool
weir_lake_root_born(const struct weir_lake_root *r, struct weir_time *out)
{
    struct statx x;
    if (statx(r->fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) != 0 ||
        (x.stx_mask & STATX_BTIME) == 0)
        return false;
    *out = (struct weir_time){.s = x.stx_btime.tv_sec, .ns = x.stx_btime.tv_nsec};
    return true;
}

const char *
weir_lake_root_path(const struct weir_lake_root *r)
{
    return r->path;
}

/* The kernel takes PATH_MAX bytes with the NUL in one call: longer paths go in hops, each below
 * the descriptor of the one before.  Returns a descriptor or -1 with errno. */
static int
open_in_hops(int root_fd, const char *path, enum weir_follow follow, int flags)
{
    int at = root_fd, fd = -1;
    char hop[PATH_MAX];
    for (;;) {
        size_t len = strlen(path);
        if (len < PATH_MAX)
            break;
        const char *slash = memrchr(path, '/', PATH_MAX - 1);
        if (slash == NULL) {
            errno = ENAMETOOLONG;
            goto out;
        }
        memcpy(hop, path, (size_t)(slash - path));
        hop[slash - path] = '\0';
        int next = open_beneath(at, hop, follow, O_PATH | O_DIRECTORY);
        if (next < 0)
            goto out;
        if (at != root_fd)
            (void)close(at);
        at = next;
        path = slash + 1;
    }
    fd = open_beneath(at, path[0] == '\0' ? "." : path, follow, flags);
out:
    if (at != root_fd) {
        int saved = errno;
        (void)close(at);
        errno = saved;
    }
    return fd;
}

int
weir_lake_open(const struct weir_lake_root *r, const char *path, enum weir_follow follow,
               int flags, struct weir_err *err)
{
    int fd = open_in_hops(r->fd, path, follow, flags);
    if (fd >= 0)
        return fd;
    int e = errno;
    switch (e) {
    case ELOOP:
        return weir_err_sys(err, WEIR_E_CHANGED, e, "open %.200s: a part is a symlink", path);
    case EXDEV:
        return weir_err_sys(err, WEIR_E_CHANGED, e, "open %.200s: leads out of the root", path);
    case ENOTDIR:
        return weir_err_sys(err, WEIR_E_CHANGED, e, "open %.200s", path);
    case ENOSYS: {
        weir_err_sys(err, WEIR_E_UNSUPPORTED, e, "openat2 is needed (Linux 5.6 or newer)");
        return err == NULL ? -1 : run_failed(err);
    }
    default:
        return weir_err_sys(err, WEIR_E_IO, e, "open %.200s", path);
    }
}

int
weir_lake_root_glance(const struct weir_lake_root *r, const char *path, enum weir_follow follow,
                      struct weir_stat *out)
{
    return weir_lake_stat(r->fd, path, follow == WEIR_FOLLOW_NO ? AT_SYMLINK_NOFOLLOW : 0, out);
}
