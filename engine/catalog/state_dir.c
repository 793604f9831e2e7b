#include "catalog/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static int
refuse(struct weir_err *err, const char *path, const char *why)
{
    weir_err_set(err, WEIR_E_CONFIG, "state directory %s %s", path, why);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

static int
fail_sys(struct weir_err *err, int errno_value, const char *doing, const char *path)
{
    if (errno_value == ENOTDIR)
        return refuse(err, path,
                      "is, or is below, something that is no directory: give another "
                      "--state");
    weir_err_sys(err, WEIR_E_IO, errno_value, "%s state directory %s", doing, path);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

/* Makes a new name in path's parent survive a power cut. */
static int
sync_parent(const char *path)
{
    char *parent = strdup(path);
    if (parent == NULL)
        return -1;
    char *slash = strrchr(parent, '/');
    if (slash == parent)
        slash[1] = '\0';
    else if (slash != NULL)
        *slash = '\0';
    int fd = open(slash == NULL ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    if (fd < 0)
        return -1;
    int rc = fsync(fd);
    (void)close(fd);
    return rc;
}

/* Makes a directory unless it is there; returns 0 or an errno value. */
static int
make_one(const char *path)
{
    struct stat st;
    if (mkdir(path, 0700) == 0)
        return sync_parent(path) == 0 ? 0 : errno;
    int why = errno; /* of a directory that is there it need not be EEXIST */
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : why == EEXIST ? ENOTDIR : why;
}

/* mkdir -p: path is changed while it runs, and restored. */
static int
make_with_parents(char *path)
{
    for (char *p = path + 1;; p++) {
        char here = *p;
        if (here != '/' && here != '\0')
            continue;
        *p = '\0';
        int why = make_one(path);
        *p = here;
        if (why != 0) {
            errno = why;
            return -1;
        }
        if (here == '\0')
            return 0;
    }
}

/* A copy without slashes at the end: with one, O_NOFOLLOW would follow a symlink. */
static char *
without_slash(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return strndup(path, length);
}

static int
open_dir(const char *path, struct weir_state_dir *out, struct weir_err *err)
{
    out->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (out->fd < 0) {
        int saved = errno;
        struct stat st;
        if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
            return refuse(err, path, "is a symlink: give the directory itself");
        return fail_sys(err, saved, "open", path);
    }
    struct stat st;
    if (fstat(out->fd, &st) != 0)
        return fail_sys(err, errno, "stat", path);
    out->st = (struct weir_stat){
        .dev = st.st_dev,
        .ino = st.st_ino,
        .size = (uint64_t)st.st_size,
        .blocks = (uint64_t)st.st_blocks,
        .mtime = {st.st_mtim.tv_sec, (uint32_t)st.st_mtim.tv_nsec},
        .ctime = {st.st_ctim.tv_sec, (uint32_t)st.st_ctim.tv_nsec},
        .atime = {st.st_atim.tv_sec, (uint32_t)st.st_atim.tv_nsec},
        .mode = st.st_mode,
        .uid = st.st_uid,
        .gid = st.st_gid,
        .nlink = (uint32_t)st.st_nlink,
    };
    return 0;
}

const char *
weir_state_dir_network_fs(uint64_t f_type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } network[] = {
        {0x6969, "NFS"},
        {0x0bd00bd0, "Lustre"},
        {0xff534d42, "SMB"},
        {0xfe534d42, "SMB"},
    };
    for (size_t i = 0; i < sizeof(network) / sizeof(network[0]); i++)
        if ((uint32_t)f_type == network[i].type)
            return network[i].name;
    return NULL;
}

static int
check_private_and_local(const char *path, const struct weir_state_dir *d, struct weir_err *err)
{
    if (d->st.uid != geteuid())
        return refuse(err, path,
                      "belongs to another user: run weir as that user or give another --state");
    if ((d->st.mode & 022) != 0)
        return refuse(err, path,
                      "can be written by others: chmod 700 it, and see what is in it");
    struct statfs fs;
    if (fstatfs(d->fd, &fs) != 0)
        return fail_sys(err, errno, "statfs", path);
    const char *name = weir_state_dir_network_fs((uint64_t)fs.f_type);
    if (name == NULL)
        return 0;
    char why[128];
    (void)snprintf(why, sizeof(why),
                   "is on %s, where a catalog is not safe: give a --state on a local disk",
                   name);
    return refuse(err, path, why);
}

static int
fail_locked(int lock_fd, const char *path, struct weir_err *err)
{
    char text[16];
    ssize_t got = pread(lock_fd, text, sizeof(text) - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    long pid = strtol(text, NULL, 10);
    if (pid > 0)
        weir_err_set(err, WEIR_E_LOCKED,
                     "state directory %s is in use by another weir, process %ld: wait for it "
                     "or stop it",
                     path, pid);
    else
        weir_err_set(err, WEIR_E_LOCKED,
                     "state directory %s is in use by another weir: wait for it or stop it",
                     path);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

/* The lock is the kernel's (of the open file description, so that a look at it by anybody
 * cannot drop it) and ends with the process; the number in the file is for messages. */
static int
take_lock(const char *path, struct weir_state_dir *d, struct weir_err *err)
{
    int fd = openat(d->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_sys(err, errno, "make the lock file in", path);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            fail_locked(fd, path, err);
        else
            fail_sys(err, errno, "lock", path);
        (void)close(fd);
        return -1;
    }
    d->lock_fd = fd;
    char text[16];
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
        return fail_sys(err, errno == 0 ? ENOSPC : errno, "write the lock file in", path);
    return 0;
}

int
weir_state_dir_own(const char *path, struct weir_state_dir *out, struct weir_err *err)
{
    struct weir_state_dir d = WEIR_STATE_DIR_INIT;
    char *clean = without_slash(path);
    if (clean == NULL)
        return fail_sys(err, ENOMEM, "name", path);
    if (clean[0] == '\0') {
        refuse(err, "\"\"", "has no name: give --state");
        goto fail;
    }
    if (make_with_parents(clean) != 0) {
        fail_sys(err, errno, "make", clean);
        goto fail;
    }
    if (open_dir(clean, &d, err) != 0 || check_private_and_local(clean, &d, err) != 0 ||
        take_lock(clean, &d, err) != 0)
        goto fail;
    free(clean);
    *out = d;
    return 0;
fail:
    weir_state_dir_close(&d);
    free(clean);
    return -1;
}

int
weir_state_dir_peek(const char *path, struct weir_state_dir *out, struct weir_err *err)
{
    struct weir_state_dir d = WEIR_STATE_DIR_INIT;
    char *clean = without_slash(path);
    if (clean == NULL)
        return fail_sys(err, ENOMEM, "name", path);
    int rc = open_dir(clean, &d, err);
    free(clean);
    if (rc != 0)
        weir_state_dir_close(&d);
    else
        *out = d;
    return rc;
}

bool
weir_state_dir_is_locked(const struct weir_state_dir *d)
{
    int fd = openat(d->fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    bool locked = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    (void)close(fd);
    return locked;
}

void
weir_state_dir_close(struct weir_state_dir *d)
{
    if (d->lock_fd >= 0)
        (void)close(d->lock_fd);
    if (d->fd >= 0)
        (void)close(d->fd);
    d->lock_fd = d->fd = -1;
}
