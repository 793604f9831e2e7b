#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
weir_file_temp_create(struct file_store *h, struct file_temp *out, struct weir_err *err)
{
    out->dir_fd = h->tmp_fd;
    for (unsigned tries = 0; tries < 100; tries++) {
        (void)snprintf(out->name, sizeof(out->name), "%016" PRIx64, weir_rng_next(&h->rng));
        out->fd = weir_file_openat(h->tmp_fd, out->name, O_RDWR | O_CREAT | O_EXCL, 0644);
        if (out->fd >= 0)
            return 0;
        if (errno != EEXIST) /* left behind by a killed run with the same seed */
            break;
    }
    out->name[0] = '\0';
    return weir_file_fail(err, errno, "create a file in .weir/tmp of %s", h->shared->describe);
}

void
weir_file_temp_drop(struct file_temp *t)
{
    if (t->name[0] != '\0')
        (void)unlinkat(t->dir_fd, t->name, 0);
    t->name[0] = '\0';
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
}

static int
refuse_name(const struct file_store *h, const struct file_key *k, const struct stat *st,
            struct weir_err *err)
{
    return weir_err_set(
        err, WEIR_E_UNSUPPORTED, "%s is a %s in %s: no object can have that name", k->key,
        S_ISDIR(st->st_mode) ? "directory" : "link or special file", h->shared->describe);
}

/* Opens what has the name of the object now; *out_fd -1 when nothing has. */
static int
present_open(const struct file_store *h, const struct file_key *k, int dir_fd, int *out_fd,
             struct stat *out_st, struct weir_err *err)
{
    *out_fd = -1;
    if (fstatat(dir_fd, k->leaf, out_st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return 0;
        return weir_file_fail(err, errno, "look for %s in %s", k->key, h->shared->describe);
    }
    if (!S_ISREG(out_st->st_mode))
        return refuse_name(h, k, out_st, err);
    *out_fd = weir_file_openat(dir_fd, k->leaf, O_RDONLY | O_NONBLOCK, 0);
    if (*out_fd < 0)
        return weir_file_fail(err, errno, "open the present %s in %s", k->key,
                              h->shared->describe);
    return 0;
}

int
weir_file_refuse(struct weir_err *err, const char *key, const char *why)
{
    return weir_err_set(err, WEIR_E_EXISTS, "store %s: condition not met: %s", key, why);
}

int
weir_file_condition(const struct file_store *h, const struct weir_object *object,
                    const struct file_key *k, int dir_fd, int *out_fd, struct weir_err *err)
{
    struct stat st;
    int fd = -1;
    bool found = false;
    struct file_record r;
    char text[FILE_META_TEXT_BYTES];
    if (k->is_dir) { /* it exists as an object only once it has a record */
        if (fstat(dir_fd, &st) != 0)
            return weir_file_fail(err, errno, "stat %s", k->key);
    } else if (present_open(h, k, dir_fd, &fd, &st, err) != 0) {
        return -1;
    }
    int look = k->is_dir ? dir_fd : fd;
    bool there = look >= 0;
    if (there && (k->is_dir || object->condition == WEIR_COND_MATCH)) {
        if (weir_file_meta_read(h, k, look, &st, text, &r, &found, err) != 0)
            goto fail;
        there = found || !k->is_dir;
    }
    if (object->condition == WEIR_COND_ABSENT && there) {
        weir_file_refuse(err, k->key, "it is there already");
        goto fail;
    }
    if (object->condition == WEIR_COND_MATCH) {
        struct weir_stored stored;
        if (there)
            weir_file_meta_stored(&st, &r, found, &stored);
        if (!there || strcmp(stored.etag, object->etag) != 0) {
            weir_file_refuse(err, k->key, there ? "its ETag is another" : "it is gone");
            goto fail;
        }
    }
    *out_fd = fd;
    return 0;
fail:
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

int
weir_file_condition_early(struct file_store *h, const struct weir_object *object,
                          const struct file_key *k, struct weir_err *err)
{
    int old_fd = -1;
    int dir_fd = weir_file_enter(h, k, false, err);
    if (dir_fd < 0)
        return -1;
    weir_file_unlock(h);
    int rc = weir_file_condition(h, object, k, dir_fd, &old_fd, err);
    if (old_fd >= 0)
        (void)close(old_fd);
    (void)close(dir_fd);
    return rc;
}

/* The rename that publishes; an errno value.  EEXIST: another one has the name now. */
static int
rename_into(struct file_temp *t, int dir_fd, const char *leaf, bool absent)
{
    if (!absent)
        return renameat(t->dir_fd, t->name, dir_fd, leaf) == 0 ? 0 : errno;
    if (renameat2(t->dir_fd, t->name, dir_fd, leaf, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* a file system without RENAME_NOREPLACE (NFS): a link does not replace either */
    if (linkat(t->dir_fd, t->name, dir_fd, leaf, 0) != 0)
        return errno;
    (void)unlinkat(t->dir_fd, t->name, 0);
    return 0;
}

/* Condition, sidecar and rename as one step for everybody who takes the lock. */
static int
publish_locked(struct file_store *h, struct file_temp *t, const struct weir_object *object,
               const struct file_key *k, int dir_fd, const char *record, size_t len,
               struct weir_err *err)
{
    int old_fd = -1;
    if (weir_file_condition(h, object, k, dir_fd, &old_fd, err) != 0)
        return -1;
    int rc = -1;
    if (h->keep == FILE_KEEP_SIDECAR &&
        weir_file_meta_sidecar(h, k, record, len, old_fd, err) != 0)
        goto close_old;
    int e = rename_into(t, dir_fd, k->leaf, object->condition == WEIR_COND_ABSENT);
    struct stat st;
    if ((e == EEXIST || e == EISDIR) &&
        fstatat(dir_fd, k->leaf, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode)) {
        refuse_name(h, k, &st, err); /* made for another object just now */
        goto close_old;
    }
    if (e == EEXIST) {
        weir_file_refuse(err, k->key, "it is there already");
        goto close_old;
    }
    if (e != 0) {
        weir_file_fail(err, e, "rename %s into place in %s", k->key, h->shared->describe);
        if (e == ENOENT && err != NULL) /* a stranger removed its directory */
            err->retryable = true;
        goto close_old;
    }
    t->name[0] = '\0'; /* published: nothing to drop */
    rc = 0;
close_old:
    if (old_fd >= 0)
        (void)close(old_fd);
    return rc;
}

/* The time is set by hand, so that the record can name it before the data are on the disk. */
static int
seal(struct file_store *h, int fd, const struct file_key *k, const struct weir_object *object,
     uint64_t crc64nvme, uint64_t bytes, char record[FILE_RECORD_BYTES], size_t *out_len,
     struct weir_err *err)
{
    const struct weir_clock *clock = h->shared->options->clock;
    int64_t now = clock->wall_ns(clock);
    struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT},
                             {.tv_sec = now / WEIR_NS_PER_S, .tv_nsec = now % WEIR_NS_PER_S}};
    struct stat st; /* read back: some file systems keep coarser times */
    if (futimens(fd, ts) != 0 || fstat(fd, &st) != 0)
        return weir_file_fail(err, errno, "set the time of %s", k->key);
    *out_len = weir_file_record_format(object, crc64nvme, bytes, st.st_mtim, record);
    if (h->keep == FILE_KEEP_XATTR &&
        weir_file_meta_attach(fd, k, record, *out_len, false, err) != 0)
        return -1;
    if (fsync(fd) != 0)
        return weir_file_fail(err, errno, "fsync %s in %s", k->key, h->shared->describe);
    return 0;
}

int
weir_file_publish(struct file_store *h, struct file_temp *t, const struct weir_object *object,
                  const struct file_key *k, uint64_t crc64nvme, uint64_t bytes,
                  struct weir_stored *out, struct weir_err *err)
{
    char record[FILE_RECORD_BYTES];
    size_t len = 0;
    if (seal(h, t->fd, k, object, crc64nvme, bytes, record, &len, err) != 0)
        return -1;
    bool exclusive = object->condition == WEIR_COND_MATCH || h->keep == FILE_KEEP_SIDECAR;
    int dir_fd = weir_file_enter(h, k, exclusive, err);
    if (dir_fd < 0)
        return -1;
    int rc = publish_locked(h, t, object, k, dir_fd, record, len, err);
    weir_file_unlock(h);
    if (rc != 0)
        goto close_dir;
    if (fsync(dir_fd) != 0) {
        rc = weir_file_fail(err, errno, "fsync the directory of %s in %s", k->key,
                            h->shared->describe);
        if (err != NULL)
            err->outcome_unknown = true;
        goto close_dir;
    }
    *out = (struct weir_stored){.bytes = bytes, .has_crc64nvme = true, .crc64nvme = crc64nvme};
    weir_file_etag(crc64nvme, bytes, out->etag);
close_dir:
    (void)close(dir_fd);
    return rc;
}
