#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

int
weir_file_openat(int dir_fd, const char *path, int flags, mode_t mode)
{
    struct open_how how = {
        .flags = (uint64_t)(unsigned)flags | O_CLOEXEC,
        .mode = (flags & O_CREAT) != 0 ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    for (unsigned tries = 0;; tries++) {
        long fd = syscall(SYS_openat2, dir_fd, path[0] != '\0' ? path : ".", &how, sizeof(how));
        /* EAGAIN: a rename somewhere raced with the look-up below dir_fd */
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries == 100)
            return (int)fd;
    }
}

int
weir_file_dir_open(const struct file_store *h, const struct file_key *k)
{
    char dir[FILE_KEY_BYTES_MAX + 1];
    memcpy(dir, k->key, k->dir_len);
    dir[k->dir_len] = '\0';
    return weir_file_openat(h->shared->root_fd, dir, O_RDONLY | O_DIRECTORY, 0);
}

/* ---- directories that are known to be on the disk ----
 *
 * A directory that exists need not be durable: another thread may have made it a moment ago and
 * not synced its parent yet, or an earlier run was killed in between.  So a path counts only
 * after this process has synced its parent.  The table forgets when slots are shared, which
 * costs a repeated fsync and nothing else.
 *
 * A path that was removed and made anew is another directory.  So the table belongs to one
 * generation (lock.c), and only a handle of that generation reads and writes it. */

static size_t
slot_of(const struct weir_xxh128 *x)
{
    return (((size_t)x->b[0] << 8) | x->b[1]) % FILE_DURABLE_SLOTS;
}

static bool
is_durable(const struct file_store *h, const char *path, size_t len)
{
    struct file_shared *s = h->shared;
    struct weir_xxh128 x;
    weir_xxh128(path, len, &x);
    (void)pthread_mutex_lock(&s->dirs.lock);
    bool known = s->dirs.generation == h->generation &&
                 memcmp(&s->dirs.durable[slot_of(&x)], &x, sizeof(x)) == 0;
    (void)pthread_mutex_unlock(&s->dirs.lock);
    return known;
}

static void
note_durable(const struct file_store *h, const char *path, size_t len)
{
    struct file_shared *s = h->shared;
    struct weir_xxh128 x;
    weir_xxh128(path, len, &x);
    (void)pthread_mutex_lock(&s->dirs.lock);
    if (s->dirs.generation == h->generation)
        s->dirs.durable[slot_of(&x)] = x;
    (void)pthread_mutex_unlock(&s->dirs.lock);
}

void
weir_file_durable_begin(struct file_shared *s, uint64_t generation)
{
    (void)pthread_mutex_lock(&s->dirs.lock);
    if (s->dirs.generation != generation)
        memset(s->dirs.durable, 0, sizeof(s->dirs.durable));
    s->dirs.generation = generation;
    (void)pthread_mutex_unlock(&s->dirs.lock);
}

/* Steps from *fd into name, making it where needed; path[0..len) is where that leads. */
static int
step_into(struct file_store *h, int *fd, const char *name, const char *path, size_t len,
          struct weir_err *err)
{
    bool made = false;
    int next = -1;
    for (unsigned tries = 0; next < 0 && tries < 100; tries++) {
        made = mkdirat(*fd, name, 0755) == 0;
        if (!made && errno != EEXIST)
            return weir_file_fail(err, errno, "make the directory %.*s in %s", (int)len, path,
                                  h->shared->describe);
        next = weir_file_openat(*fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (next < 0 && errno != ENOENT) /* ENOENT: what had the name went in between */
            break;
    }
    if (next < 0 && errno == ENOTDIR)
        return weir_err_set(err, WEIR_E_UNSUPPORTED,
                            "%.*s is a file in %s: a directory store cannot hold keys below it "
                            "as well",
                            (int)len, path, h->shared->describe);
    if (next < 0)
        return weir_file_fail(err, errno, "open the directory %.*s in %s", (int)len, path,
                              h->shared->describe);
    if (made || !is_durable(h, path, len)) {
        if (fsync(*fd) != 0) {
            weir_file_fail(err, errno, "fsync the directory above %.*s in %s", (int)len, path,
                           h->shared->describe);
            (void)close(next);
            return -1;
        }
        note_durable(h, path, len);
    }
    (void)close(*fd);
    *fd = next;
    return 0;
}

static int
make_dirs(struct file_store *h, const char *path, size_t path_len, struct weir_err *err)
{
    int fd = weir_file_openat(h->shared->root_fd, "", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return weir_file_fail(err, errno, "open the store %s", h->shared->describe);
    for (size_t at = 0; at < path_len;) {
        const char *slash = memchr(path + at, '/', path_len - at);
        size_t end = slash != NULL ? (size_t)(slash - path) : path_len;
        char name[FILE_KEY_BYTES_MAX + 1];
        memcpy(name, path + at, end - at);
        name[end - at] = '\0';
        if (step_into(h, &fd, name, path, end, err) != 0) {
            (void)close(fd);
            return -1;
        }
        at = end + 1;
    }
    return fd;
}

int
weir_file_dir_make(struct file_store *h, const struct file_key *k, struct weir_err *err)
{
    if (k->dir_len == 0 || is_durable(h, k->key, k->dir_len)) {
        int fd = weir_file_dir_open(h, k);
        if (fd >= 0)
            return fd;
    }
    return make_dirs(h, k->key, k->dir_len, err);
}

int
weir_file_write_all(int fd, const void *data, size_t bytes, uint64_t offset)
{
    const char *at = data;
    while (bytes > 0) {
        ssize_t n = pwrite(fd, at, bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : EIO;
        at += n;
        bytes -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* Can this file system keep user xattrs?  Tried on a file of our own. */
static int
decide_keep(struct file_store *h, struct weir_err *err)
{
    h->keep = h->shared->keep;
    if (h->keep != FILE_KEEP_UNDECIDED)
        return 0;
    struct file_temp t;
    if (weir_file_temp_create(h, &t, err) != 0)
        return -1;
    h->keep =
        fsetxattr(t.fd, "user.weir.meta", "", 0, 0) == 0 ? FILE_KEEP_XATTR : FILE_KEEP_SIDECAR;
    weir_file_temp_drop(&t);
    return 0;
}

static int
own_dir(struct file_store *h, const char *path, struct weir_err *err)
{
    return make_dirs(h, path, strlen(path), err);
}

int
weir_file_ready(struct file_store *h, struct weir_err *err)
{
    if (h->keep != FILE_KEEP_UNDECIDED)
        return 0;
    if (h->tmp_fd < 0 && (h->tmp_fd = own_dir(h, ".weir/tmp", err)) < 0)
        return -1;
    if (h->uploads_fd < 0 && (h->uploads_fd = own_dir(h, ".weir/uploads", err)) < 0)
        return -1;
    if (h->lock_fd < 0)
        h->lock_fd = weir_file_openat(h->shared->root_fd, ".weir/lock", O_RDWR | O_CREAT, 0644);
    if (h->lock_fd < 0)
        return weir_file_fail(err, errno, "open .weir/lock in %s", h->shared->describe);
    if (weir_file_lock(h, false, err) != 0) /* to learn the generation */
        return -1;
    weir_file_unlock(h);
    return decide_keep(h, err);
}
