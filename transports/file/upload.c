#include "file/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SWEEP_AGE_S INT64_C(86400)

/* Ids are ours: anything else is no upload, and above all no path. */
static bool
is_id(const char *s)
{
    return strlen(s) == 16 && strspn(s, "0123456789abcdef") == 16;
}

static int
no_upload(struct weir_err *err, const struct file_store *h, const char *key, const char *id)
{
    return weir_err_set(err, WEIR_E_NO_UPLOAD, "%s: no upload %.64s in %s", key, id,
                        h->shared->describe);
}

/* ---- what was given at create ---- */

static int
object_write(struct file_store *h, int upload_fd, const struct weir_object *object,
             struct weir_err *err)
{
    const struct weir_clock *clock = h->shared->options->clock;
    char text[FILE_UPLOAD_TEXT_BYTES], record[FILE_RECORD_BYTES];
    struct timespec now = {.tv_sec = clock->wall_ns(clock) / WEIR_NS_PER_S};
    size_t len = weir_file_record_format(object, 0, 0, now, record);
    size_t n = (size_t)snprintf(text, sizeof(text), "key %s\n", object->key);
    memcpy(text + n, record, len);
    int fd = weir_file_openat(upload_fd, "object", O_WRONLY | O_CREAT | O_EXCL, 0644);
    int e = fd < 0 ? errno : weir_file_write_all(fd, text, n + len, 0);
    if (e == 0 && (fsync(fd) != 0 || fsync(upload_fd) != 0))
        e = errno;
    if (fd >= 0)
        (void)close(fd);
    return e == 0 ? 0
                  : weir_file_fail(err, e, "note the upload of %s in %s", object->key,
                                   h->shared->describe);
}

/* 0, or an errno value; EBADMSG when the text is not what weir writes. */
static int
object_read(int upload_fd, struct file_upload *out)
{
    int fd = weir_file_openat(upload_fd, "object", O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    ssize_t n = pread(fd, out->text, sizeof(out->text), 0);
    int e = n < 0 ? errno : 0;
    (void)close(fd);
    if (e != 0)
        return e;
    char *newline = memchr(out->text, '\n', (size_t)n);
    if (newline == NULL || strncmp(out->text, "key ", 4) != 0)
        return EBADMSG;
    *newline = '\0';
    out->key = out->text + 4;
    struct stat any = {.st_mode = S_IFDIR};
    struct file_record r;
    if (!weir_file_record_find(newline + 1, (size_t)(out->text + n - newline - 1), &any, &r))
        return EBADMSG;
    out->initiated_s = r.mtime.tv_sec;
    weir_file_record_pairs(newline + 1, &r, &out->head);
    return 0;
}

/* ---- directories ---- */

/* Empties and removes the directory name below .weir/tmp; what cannot go now is swept later. */
static void
tree_remove(struct file_store *h, const char *name)
{
    int fd = weir_file_openat(h->tmp_fd, name, O_RDONLY | O_DIRECTORY, 0);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            (void)unlinkat(fd, e->d_name, 0);
    (void)closedir(d);
    (void)unlinkat(h->tmp_fd, name, AT_REMOVEDIR);
}

void
weir_file_upload_sweep(struct file_store *h)
{
    const struct weir_clock *clock = h->shared->options->clock;
    int64_t old = clock->wall_ns(clock) / WEIR_NS_PER_S - SWEEP_AGE_S;
    int fd = weir_file_openat(h->tmp_fd, "", O_RDONLY | O_DIRECTORY, 0);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        struct stat st;
        if (e->d_name[0] == '.' || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            st.st_ctim.tv_sec > old)
            continue;
        if (S_ISDIR(st.st_mode))
            tree_remove(h, e->d_name);
        else
            (void)unlinkat(fd, e->d_name, 0);
    }
    (void)closedir(d);
}

int
weir_file_upload_open(struct file_store *h, const char *key, const char *upload_id,
                      struct file_upload *out, struct weir_err *err)
{
    char path[FILE_NAME_BYTES];
    if (!is_id(upload_id))
        return no_upload(err, h, key, upload_id);
    (void)snprintf(path, sizeof(path), ".weir/uploads/%s", upload_id);
    int fd = weir_file_openat(h->shared->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && errno == ENOENT)
        return no_upload(err, h, key, upload_id);
    int e = fd < 0 ? errno : object_read(fd, out);
    if (e == 0 && strcmp(out->key, key) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    if (e == 0 || e == ENOENT)
        return no_upload(err, h, key, upload_id);
    return weir_file_fail(err, e, "read the upload %s of %s in %s", upload_id, key,
                          h->shared->describe);
}

/* One rename makes an upload appear, one makes it vanish: nobody ever sees half of one. */
int
weir_file_upload_remove(struct file_store *h, const char *upload_id, struct weir_err *err)
{
    char name[FILE_NAME_BYTES];
    if (!is_id(upload_id))
        return 0;
    (void)snprintf(name, sizeof(name), "%016" PRIx64, weir_rng_next(&h->rng));
    if (renameat(h->uploads_fd, upload_id, h->tmp_fd, name) != 0) {
        if (errno == ENOENT)
            return 0;
        return weir_file_fail(err, errno, "remove the upload %s in %s", upload_id,
                              h->shared->describe);
    }
    tree_remove(h, name);
    if (fsync(h->uploads_fd) != 0)
        return weir_file_fail(err, errno, "fsync .weir/uploads in %s", h->shared->describe);
    return 0;
}

/* ---- operations ---- */

int
weir_file_create_upload(struct weir_transport *t, const struct weir_object *object,
                        char *out_id, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_key k;
    char id[FILE_NAME_BYTES];
    if (weir_file_key_parse(object->key, &k, err) != 0 ||
        weir_file_record_check(object, err) != 0 || weir_file_ready(h, err) != 0)
        return -1;
    if (k.is_dir)
        return weir_err_set(err, WEIR_E_UNSUPPORTED,
                            "key %s: the object of a directory has no parts here", k.key);
    weir_file_count(h, 0);
    for (unsigned tries = 0;; tries++) {
        (void)snprintf(id, sizeof(id), "%016" PRIx64, weir_rng_next(&h->rng));
        if (mkdirat(h->tmp_fd, id, 0755) == 0)
            break;
        if (errno != EEXIST || tries == 100)
            return weir_file_fail(err, errno, "make an upload of %s in %s", k.key,
                                  h->shared->describe);
    }
    int rc = -1;
    int fd = weir_file_openat(h->tmp_fd, id, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0) {
        weir_file_fail(err, errno, "open the upload %s in %s", id, h->shared->describe);
        goto remove_tree;
    }
    if (object_write(h, fd, object, err) != 0)
        goto close_fd;
    /* a directory that is not empty is never replaced by rename */
    if (renameat(h->tmp_fd, id, h->uploads_fd, id) != 0 || fsync(h->uploads_fd) != 0) {
        weir_file_fail(err, errno, "begin the upload %s of %s in %s", id, k.key,
                       h->shared->describe);
        goto close_fd;
    }
    (void)snprintf(out_id, WEIR_UPLOAD_ID_BYTES, "%s", id);
    rc = 0;
close_fd:
    (void)close(fd);
remove_tree:
    if (rc != 0)
        tree_remove(h, id);
    return rc;
}

int
weir_file_abort_upload(struct weir_transport *t, const char *key, const char *upload_id,
                       struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_upload u;
    struct weir_err why = WEIR_ERR_INIT;
    weir_file_count(h, 0);
    int fd = weir_file_upload_open(h, key, upload_id, &u, &why);
    if (fd < 0) {
        if (why.code == WEIR_E_NO_UPLOAD)
            return 0;
        if (err != NULL && err->code == WEIR_OK)
            *err = why;
        return -1;
    }
    (void)close(fd);
    if (weir_file_ready(h, err) != 0)
        return -1;
    return weir_file_upload_remove(h, upload_id, err);
}

/* Shows one upload to the caller when it is one and has the prefix. */
static int
show(struct file_store *h, int uploads_fd, const char *id, const char *key_prefix,
     weir_upload_fn *fn, void *ctx, bool *out_stop, struct weir_err *err)
{
    struct file_upload u;
    int fd = is_id(id) ? weir_file_openat(uploads_fd, id, O_RDONLY | O_DIRECTORY, 0) : -1;
    if (fd < 0)
        return 0; /* not one of ours, or aborted just now */
    int e = object_read(fd, &u);
    (void)close(fd);
    if (e == ENOENT)
        return 0;
    if (e != 0)
        return weir_file_fail(err, e, "read the upload %s in %s", id, h->shared->describe);
    if (strncmp(u.key, key_prefix, strlen(key_prefix)) == 0)
        *out_stop = fn(ctx, u.key, id, u.initiated_s) != 0;
    return 0;
}

int
weir_file_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                       void *ctx, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    weir_file_count(h, 0);
    int fd = weir_file_openat(h->shared->root_fd, ".weir/uploads", O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && errno == ENOENT)
        return 0; /* nothing was ever stored here */
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        weir_file_fail(err, errno, "list .weir/uploads in %s", h->shared->describe);
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    int rc = 0;
    bool stop = false;
    while (rc == 0 && !stop) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (e == NULL) {
            if (errno != 0)
                rc =
                    weir_file_fail(err, errno, "list .weir/uploads in %s", h->shared->describe);
            break;
        }
        rc = show(h, fd, e->d_name, key_prefix, fn, ctx, &stop, err);
    }
    (void)closedir(d);
    return rc;
}
