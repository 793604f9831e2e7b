#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define GET_BLOCK_BYTES ((size_t)256 << 10)

static int
not_found(struct weir_err *err, const struct file_store *h, const char *key)
{
    return weir_err_set(err, WEIR_E_NOT_FOUND, "%s: no such object in %s", key,
                        h->shared->describe);
}

/* Opens an object for reading with its stat data. */
static int
object_open(struct file_store *h, const struct file_key *k, struct stat *out_st,
            struct weir_err *err)
{
    int dir_fd = weir_file_dir_open(h, k);
    int fd = dir_fd;
    if (dir_fd >= 0 && !k->is_dir) {
        fd = weir_file_openat(dir_fd, k->leaf, O_RDONLY | O_NONBLOCK, 0);
        int e = errno;
        (void)close(dir_fd);
        errno = e;
    }
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return not_found(err, h, k->key);
    if (fd < 0)
        return weir_file_fail(err, errno, "open %s in %s", k->key, h->shared->describe);
    if (fstat(fd, out_st) != 0) {
        weir_file_fail(err, errno, "stat %s in %s", k->key, h->shared->describe);
        goto close_fd;
    }
    if (k->is_dir || S_ISREG(out_st->st_mode))
        return fd;
    not_found(err, h, k->key); /* a directory, FIFO or device is no object */
close_fd:
    (void)close(fd);
    return -1;
}

int
weir_file_object_open(struct file_store *h, const struct file_key *k, struct file_found *out,
                      struct weir_err *err)
{
    out->record = (struct file_record){0};
    out->has_record = false;
    int fd = object_open(h, k, &out->st, err);
    out->fd = fd;
    if (fd < 0)
        return -1;
    int rc =
        weir_file_meta_read(h, k, fd, &out->st, out->text, &out->record, &out->has_record, err);
    if (rc == 0 && k->is_dir && !out->has_record)
        rc = not_found(err, h, k->key);
    if (rc == 0)
        return fd;
    (void)close(fd);
    return -1;
}

int
weir_file_head(struct weir_transport *t, const char *key, struct weir_head *out,
               struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_key k;
    struct file_found f;
    if (weir_file_key_parse(key, &k, err) != 0)
        return -1;
    weir_file_count(h, 0);
    int fd = weir_file_object_open(h, &k, &f, err);
    if (fd < 0)
        return -1;
    (void)close(fd);
    out->meta_count = 0;
    out->storage_class[0] = '\0';
    out->crc32[0] = out->crc32c[0] = out->sha1[0] = out->sha256[0] = '\0';
    out->modified_s = f.st.st_mtim.tv_sec;
    weir_file_meta_stored(&f.st, &f.record, f.has_record, &out->stored);
    if (f.has_record)
        weir_file_record_pairs(f.text, &f.record, out);
    return 0;
}

/* Hands bytes at..end of fd to the sink. */
static int
pump(struct file_store *h, const char *key, int fd, uint64_t at, uint64_t end,
     weir_sink_fn *sink, void *ctx, struct weir_err *err)
{
    char *block = malloc(GET_BLOCK_BYTES);
    if (block == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "buffer to read %s", key);
    int rc = -1;
    while (at < end) {
        size_t want = end - at < GET_BLOCK_BYTES ? (size_t)(end - at) : GET_BLOCK_BYTES;
        if (weir_file_check_cancel(h, err) != 0)
            goto free_block;
        ssize_t n = pread(fd, block, want, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            weir_file_fail(err, errno, "read %s at %" PRIu64 " in %s", key, at,
                           h->shared->describe);
            goto free_block;
        }
        if (n == 0) {
            weir_err_set(err, WEIR_E_PROTOCOL, "%s became shorter while it was read in %s", key,
                         h->shared->describe);
            goto free_block;
        }
        if (sink(ctx, block, (size_t)n) != 0) {
            weir_err_set(err, WEIR_E_CANCELLED, "reading %s was stopped by the receiver", key);
            goto free_block;
        }
        at += (uint64_t)n;
    }
    rc = 0;
free_block:
    free(block);
    return rc;
}

int
weir_file_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
              weir_sink_fn *sink, void *ctx, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct weir_head head; /* a directory object is one only when head says so */
    struct file_key k;
    struct stat st;
    if (weir_file_key_parse(key, &k, err) != 0 ||
        (k.is_dir && weir_file_head(t, key, &head, err) != 0))
        return -1;
    weir_file_count(h, 0);
    int fd = object_open(h, &k, &st, err);
    if (fd < 0)
        return -1;
    uint64_t size = k.is_dir ? 0 : (uint64_t)st.st_size;
    bool to_end = bytes == UINT64_MAX;
    int rc = -1;
    if (offset > size || (!to_end && bytes > size - offset) || (offset == size && offset > 0))
        weir_err_set(err, WEIR_E_PROTOCOL,
                     "%s has %" PRIu64 " bytes in %s: the range from %" PRIu64
                     " asked for is not in it",
                     key, size, h->shared->describe, offset);
    else
        rc = pump(h, key, fd, offset, to_end ? size : offset + bytes, sink, ctx, err);
    (void)close(fd);
    return rc;
}
