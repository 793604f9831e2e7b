/* lock -- who may publish, and the generation of the directories.
 *
 * Names are published under the shared lock, into directories that were looked up, made and
 * synced without it: that takes long, and would keep those who need it exclusively waiting.
 * Directories are removed under the exclusive lock only, and each time the lock file grows by a
 * byte before: its size is the generation.  Whoever finds another generation under the lock
 * than he had before looks his directory up again, under the lock this time, and forgets what
 * he believed to be durable.  So nothing is published in a directory that is gone, by any
 * handle of any process.  The bytes of the file are never written; a machine that crashes takes
 * with it all who remember a generation. */
#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

/* Takes notice of the present generation. */
static int
generation_learn(struct file_store *h, struct weir_err *err)
{
    struct stat st;
    if (fstat(h->lock_fd, &st) != 0)
        return weir_file_fail(err, errno, "stat .weir/lock in %s", h->shared->describe);
    h->generation = (uint64_t)st.st_size;
    weir_file_durable_begin(h->shared, h->generation);
    return 0;
}

int
weir_file_lock(struct file_store *h, bool exclusive, struct weir_err *err)
{
    while (flock(h->lock_fd, exclusive ? LOCK_EX : LOCK_SH) != 0) {
        if (errno == EINTR)
            continue;
        if (!exclusive)
            break; /* no locks on this file system: then nobody holds it exclusively */
        return weir_err_sys(err, WEIR_E_UNSUPPORTED, errno,
                            "lock .weir/lock in %s: conditions, and files in place of "
                            "directories, need a file system with flock",
                            h->shared->describe);
    }
    if (generation_learn(h, err) == 0)
        return 0;
    weir_file_unlock(h);
    return -1;
}

void
weir_file_unlock(struct file_store *h)
{
    (void)flock(h->lock_fd, LOCK_UN);
}

int
weir_file_generation_next(struct file_store *h, struct weir_err *err)
{
    if (ftruncate(h->lock_fd, (off_t)h->generation + 1) != 0)
        return weir_file_fail(err, errno, "extend .weir/lock in %s", h->shared->describe);
    return generation_learn(h, err);
}

/* Has a directory the name of the object? */
static bool
is_blocked(const struct file_key *k, int dir_fd)
{
    struct stat st;
    return !k->is_dir && fstatat(dir_fd, k->leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(st.st_mode);
}

/* Takes the lock; *fd becomes the directory of k as it is now, or -1 without the lock. */
static int
lock_dir(struct file_store *h, const struct file_key *k, bool exclusive, int *fd,
         struct weir_err *err)
{
    uint64_t seen = h->generation;
    int rc = weir_file_lock(h, exclusive, err);
    if (rc == 0 && *fd >= 0 && h->generation == seen)
        return 0;
    if (*fd >= 0)
        (void)close(*fd); /* a directory was removed meanwhile, perhaps this one */
    *fd = -1;
    if (rc != 0)
        return -1;
    *fd = weir_file_dir_make(h, k, err);
    if (*fd < 0)
        weir_file_unlock(h);
    return *fd < 0 ? -1 : 0;
}

int
weir_file_enter(struct file_store *h, const struct file_key *k, bool exclusive,
                struct weir_err *err)
{
    int fd = weir_file_dir_make(h, k, NULL); /* what fails is tried again under the lock */
    exclusive = exclusive || (fd >= 0 && is_blocked(k, fd));
    if (lock_dir(h, k, exclusive, &fd, err) != 0)
        return -1;
    if (!is_blocked(k, fd))
        return fd;
    if (!exclusive) { /* the directory appeared just now */
        weir_file_unlock(h);
        if (lock_dir(h, k, true, &fd, err) != 0)
            return -1;
        if (!is_blocked(k, fd))
            return fd;
    }
    if (weir_file_prune(h, k, fd, err) == 0)
        return fd;
    weir_file_unlock(h);
    (void)close(fd);
    return -1;
}
