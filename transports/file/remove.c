#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Takes the record off, and the directory away when nothing is in it. */
static int
remove_dir(struct file_store *h, const struct file_key *k, int dir_fd, struct weir_err *err)
{
    if (fremovexattr(dir_fd, "user.weir.meta") != 0 && errno != ENODATA && errno != ENOTSUP)
        return weir_file_fail(err, errno, "take the record off %s in %s", k->key,
                              h->shared->describe);
    char path[FILE_KEY_BYTES_MAX + 1];
    memcpy(path, k->key, k->dir_len);
    path[k->dir_len] = '\0';
    struct file_key self;
    if (weir_file_key_parse(path, &self, err) != 0)
        return -1;
    int parent_fd = weir_file_dir_open(h, &self);
    if (parent_fd < 0)
        return 0;
    (void)unlinkat(parent_fd, self.leaf, AT_REMOVEDIR); /* not empty: it stays a directory */
    int rc = fsync(parent_fd) == 0 && fsync(dir_fd) == 0
                 ? 0
                 : weir_file_fail(err, errno, "fsync the directory of %s", k->key);
    (void)close(parent_fd);
    return rc;
}

static int
remove_file(struct file_store *h, const struct file_key *k, int dir_fd, struct weir_err *err)
{
    struct stat st;
    if (fstatat(dir_fd, k->leaf, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return 0;
        return weir_file_fail(err, errno, "look for %s in %s", k->key, h->shared->describe);
    }
    if (S_ISDIR(st.st_mode))
        return 0; /* the key "a" names no object when a is a directory */
    if ((unlinkat(dir_fd, k->leaf, 0) != 0 && errno != ENOENT) || fsync(dir_fd) != 0)
        return weir_file_fail(err, errno, "remove %s in %s", k->key, h->shared->describe);
    return 0;
}

int
weir_file_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_key k;
    if (weir_file_key_parse(key, &k, err) != 0 || weir_file_ready(h, err) != 0)
        return -1;
    weir_file_count(h, 0);
    int dir_fd = weir_file_dir_open(h, &k);
    if (dir_fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        return weir_file_fail(err, errno, "open the directory of %s in %s", key,
                              h->shared->describe);
    }
    /* shared with other writers, but not between the check and the rename of a condition */
    int rc = weir_file_lock(h, h->keep == FILE_KEEP_SIDECAR, err);
    if (rc == 0) {
        rc = k.is_dir ? remove_dir(h, &k, dir_fd, err) : remove_file(h, &k, dir_fd, err);
        if (rc == 0 && h->keep == FILE_KEEP_SIDECAR)
            weir_file_meta_forget(h, &k);
        weir_file_unlock(h);
    }
    (void)close(dir_fd);
    return rc;
}

int
weir_file_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                      weir_removed_fn *fn, void *ctx, struct weir_err *err)
{
    const struct file_store *h = weir_file_store(t);
    if (count > h->shared->limits.remove_count_max)
        return weir_err_set(err, WEIR_E_LIMIT, "%zu keys to remove at once; %zu are possible",
                            count, h->shared->limits.remove_count_max);
    for (size_t i = 0; i < count; i++) {
        struct weir_err why = WEIR_ERR_INIT;
        if (weir_file_check_cancel(h, err) != 0)
            return -1;
        int rc = weir_file_remove(t, keys[i], &why);
        if (rc != 0 && why.scope == WEIR_SCOPE_RUN) { /* a disk that fails: not one key's */
            if (err != NULL && err->code == WEIR_OK)
                *err = why;
            return -1;
        }
        fn(ctx, i, "", rc == 0 ? NULL : &why);
    }
    return 0;
}
