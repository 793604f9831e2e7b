#include "file/store.h"
#include "file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
weir_file_fail(struct weir_err *err, int errno_value, const char *fmt, ...)
{
    char text[WEIR_ERR_TEXT];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_sys(err, WEIR_E_IO, errno_value, "%s", text);
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EIO: /* a disk that fails once is not to be trusted with the next object */
        err->scope = WEIR_SCOPE_RUN;
        break;
    case ENOSYS:
        err->code = WEIR_E_UNSUPPORTED;
        err->scope = WEIR_SCOPE_RUN;
        weir_err_add(err, "a file:// store needs Linux 5.6 or newer (openat2)");
        break;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EINTR:
    case EAGAIN:
    case ESTALE:
    case ETIMEDOUT:
        err->retryable = true;
        break;
    case ECANCELED: /* by weir_file_range_*() */
        err->code = WEIR_E_CANCELLED;
        break;
    case ELOOP:
    case EXDEV:
        err->code = WEIR_E_UNSUPPORTED;
        weir_err_add(err, "a symbolic link or mount lies on this path; a store holds none");
        break;
    default:
        break;
    }
    return -1;
}

void
weir_file_count(struct file_store *h, uint64_t bytes_sent)
{
    struct weir_transport_counters *c = h->shared->options->counters;
    if (c == NULL)
        return;
    atomic_fetch_add_explicit(&c->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->bytes_sent, bytes_sent, memory_order_relaxed);
}

int
weir_file_check_cancel(const struct file_store *h, struct weir_err *err)
{
    if (weir_cancel_get(h->shared->options->cancel) < WEIR_CANCEL_NOW)
        return 0;
    return weir_err_set(err, WEIR_E_CANCELLED, "stopped by a signal");
}

static const struct weir_limits *
store_limits(const struct weir_transport *t)
{
    return &((const struct file_store *)t)->shared->limits;
}

static const char *
store_describe(const struct weir_transport *t)
{
    return ((const struct file_store *)t)->shared->describe;
}

static void
shared_unref(struct file_shared *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    if (s->root_fd >= 0)
        (void)close(s->root_fd);
    (void)pthread_mutex_destroy(&s->dirs.lock);
    free(s->root);
    free(s->describe);
    free(s);
}

static void
store_close(struct weir_transport *t)
{
    struct file_store *h = weir_file_store(t);
    if (h == NULL)
        return;
    if (h->tmp_fd >= 0)
        (void)close(h->tmp_fd);
    if (h->uploads_fd >= 0)
        (void)close(h->uploads_fd);
    if (h->lock_fd >= 0)
        (void)close(h->lock_fd);
    shared_unref(h->shared);
    free(h);
}

static int store_clone(struct weir_transport *t, struct weir_transport **out,
                       struct weir_err *err);

static const struct weir_transport_ops store_ops = {
    .scheme = "file",
    .limits = store_limits,
    .describe = store_describe,
    .clone = store_clone,
    .probe = weir_file_probe,
    .put = weir_file_put,
    .create_upload = weir_file_create_upload,
    .put_part = weir_file_put_part,
    .complete_upload = weir_file_complete_upload,
    .abort_upload = weir_file_abort_upload,
    .list_parts = weir_file_list_parts,
    .list_uploads = weir_file_list_uploads,
    .head = weir_file_head,
    .get = weir_file_get,
    .list = weir_file_list,
    .remove = weir_file_remove,
    .remove_many = weir_file_remove_many,
    .copy = weir_file_copy,
    .copy_part = weir_file_copy_part,
    .part_size = weir_file_part_size,
    .close = store_close,
};

/* A handle that holds its own reference to s. */
static int
handle_create(struct file_shared *s, struct weir_transport **out, struct weir_err *err)
{
    struct file_store *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "handle of %s", s->describe);
    atomic_fetch_add(&s->refs, 1);
    h->base.ops = &store_ops;
    h->shared = s;
    h->rng.state =
        s->options->seed + atomic_fetch_add(&s->handles, 1) * UINT64_C(0x632be59bd9b4e019);
    h->tmp_fd = h->uploads_fd = h->lock_fd = -1;
    *out = &h->base;
    return 0;
}

static int
store_clone(struct weir_transport *t, struct weir_transport **out, struct weir_err *err)
{
    return handle_create(weir_file_store(t)->shared, out, err);
}

static int
open_root(struct file_shared *s, struct weir_err *err)
{
    s->root_fd = open(s->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root_fd < 0) {
        weir_file_fail(err, errno, "open the store %s%s", s->root,
                       errno == ENOENT ? " (is its disk mounted? weir does not make it)" : "");
        if (err != NULL)
            err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    int fd = weir_file_openat(s->root_fd, "", O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return weir_file_fail(err, errno, "open the store %s", s->root);
    (void)close(fd);
    return 0;
}

int
weir_file_open(const struct weir_transport_options *options, struct weir_transport **out,
               struct weir_err *err)
{
    return weir_file_open_keep(options, FILE_KEEP_UNDECIDED, out, err);
}

int
weir_file_open_keep(const struct weir_transport_options *options, enum file_keep keep,
                    struct weir_transport **out, struct weir_err *err)
{
    const char *url = options->destination->url;
    static const char scheme[] = "file://";
    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0 || url[sizeof(scheme) - 1] != '/') {
        weir_err_set(err, WEIR_E_CONFIG, "%s: expected file:///absolute/directory", url);
        if (err != NULL)
            err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    struct file_shared *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "store %s", url);
    s->options = options;
    s->keep = keep;
    s->root_fd = -1;
    (void)pthread_mutex_init(&s->dirs.lock, NULL);
    atomic_store(&s->refs, 1);
    s->limits = (struct weir_limits){
        .part_bytes_min = 1,
        .part_bytes_max = UINT64_C(5) << 30,
        .part_count_max = 10000,
        .put_bytes_max = UINT64_C(5) << 30,
        .copy_bytes_max = UINT64_C(10000) * (UINT64_C(5) << 30),
        .remove_count_max = 1000,
        .object_bytes_max = UINT64_C(10000) * (UINT64_C(5) << 30),
        .key_bytes_max = FILE_KEY_BYTES_MAX,
        .metadata_bytes_max = FILE_META_BYTES_MAX,
    };
    int rc = -1;
    s->root = strdup(url + sizeof(scheme) - 1);
    s->describe = strdup(url);
    if (s->root == NULL || s->describe == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "store %s", url);
        goto unref;
    }
    if (open_root(s, err) != 0)
        goto unref;
    rc = handle_create(s, out, err);
unref:
    shared_unref(s); /* the handle has its own reference */
    return rc;
}
