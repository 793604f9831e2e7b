#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

struct removal {
    int dir_fd;   /* of the key */
    int above_fd; /* the directory that the removed one was in, or -1 */
    bool changed; /* there is something to sync */
};

/* ---- under the lock ---- */

/* Takes the record off, and the directory away when nothing is in it. */
static int
remove_dir(struct file_store *h, const struct file_key *k, bool exclusive, struct removal *r,
           struct weir_err *err)
{
    char path[FILE_KEY_BYTES_MAX + 1];
    struct file_key self;
    r->changed = true;
    if (fremovexattr(r->dir_fd, "user.weir.meta") != 0 && errno != ENODATA && errno != ENOTSUP)
        return weir_file_fail(err, errno, "take the record off %s in %s", k->key,
                              h->shared->describe);
    if (!exclusive) /* somebody may be about to publish in it */
        return 0;
    memcpy(path, k->key, k->dir_len);
    path[k->dir_len] = '\0';
    if (weir_file_key_parse(path, &self, err) != 0 || weir_file_generation_next(h, err) != 0)
        return -1;
    r->above_fd = weir_file_dir_open(h, &self);
    if (r->above_fd >= 0) /* not empty: it stays a directory */
        (void)unlinkat(r->above_fd, self.leaf, AT_REMOVEDIR);
    return 0;
}

static int
remove_file(struct file_store *h, const struct file_key *k, struct removal *r,
            struct weir_err *err)
{
    struct stat st;
    if (fstatat(r->dir_fd, k->leaf, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return 0;
        return weir_file_fail(err, errno, "look for %s in %s", k->key, h->shared->describe);
    }
    if (S_ISDIR(st.st_mode))
        return 0; /* the key "a" names no object when a is a directory */
    r->changed = true;
    if (unlinkat(r->dir_fd, k->leaf, 0) != 0 && errno != ENOENT)
        return weir_file_fail(err, errno, "remove %s in %s", k->key, h->shared->describe);
    return 0;
}

static int
sync_dirs(const struct file_store *h, const struct file_key *k, struct removal *r,
          struct weir_err *err)
{
    if (r->changed && ((r->above_fd >= 0 && fsync(r->above_fd) != 0) || fsync(r->dir_fd) != 0))
        return weir_file_fail(err, errno, "fsync the directory of %s in %s", k->key,
                              h->shared->describe);
    r->changed = false;
    return 0;
}

static int
remove_locked(struct file_store *h, const struct file_key *k, bool exclusive, struct removal *r,
              struct weir_err *err)
{
    r->dir_fd = weir_file_dir_open(h, k);
    if (r->dir_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (r->dir_fd < 0)
        return weir_file_fail(err, errno, "open the directory of %s in %s", k->key,
                              h->shared->describe);
    int rc = k->is_dir ? remove_dir(h, k, exclusive, r, err) : remove_file(h, k, r, err);
    if (rc != 0 || h->keep != FILE_KEEP_SIDECAR)
        return rc;
    if (sync_dirs(h, k, r, err) != 0) /* before the record goes */
        return -1;
    weir_file_meta_forget(h, k);
    return 0;
}

int
weir_file_remove(struct weir_transport *t, const char *key, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_key k;
    struct removal r = {.dir_fd = -1, .above_fd = -1};
    if (weir_file_key_parse(key, &k, err) != 0 || weir_file_ready(h, err) != 0)
        return -1;
    weir_file_count(h, 0);
    /* files: shared with other writers, but not between the check and the rename of a
     * condition; directories: not with anybody who may be about to publish in them */
    bool sidecar = h->keep == FILE_KEEP_SIDECAR;
    bool exclusive =
        (sidecar || k.is_dir) && weir_file_lock(h, true, sidecar ? err : NULL) == 0;
    if (!exclusive && (sidecar || weir_file_lock(h, false, err) != 0))
        return -1;
    int rc = remove_locked(h, &k, exclusive, &r, err);
    weir_file_unlock(h);
    if (rc == 0)
        rc = sync_dirs(h, &k, &r, err);
    if (r.above_fd >= 0)
        (void)close(r.above_fd);
    if (r.dir_fd >= 0)
        (void)close(r.dir_fd);
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
