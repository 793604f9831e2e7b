#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char attr[] = "user.weir.meta";

/* A sidecar is named by a digest of the key: keys nest ("a" and "a/b" may both exist as object
 * and directory object) and names have limits, digests do neither.  The key is inside. */
struct sidecar {
    char dir[16];               /* "meta/xx" */
    char name[FILE_NAME_BYTES]; /* 30 hex digits */
};

static void
sidecar_of(const struct file_key *k, struct sidecar *out)
{
    struct weir_xxh128 x;
    weir_xxh128(k->key, k->len, &x);
    (void)snprintf(out->dir, sizeof(out->dir), ".weir/meta/%02x", x.b[0]);
    for (size_t i = 1; i < sizeof(x.b); i++)
        (void)snprintf(out->name + 2 * (i - 1), 3, "%02x", x.b[i]);
}

/* Reads the sidecar's text after its key line; *out_len = 0 when there is none. */
static int
sidecar_read(const struct file_store *h, const struct file_key *k,
             char text[FILE_META_TEXT_BYTES], size_t *out_len)
{
    struct sidecar s;
    char path[sizeof(s.dir) + sizeof(s.name)];
    sidecar_of(k, &s);
    (void)snprintf(path, sizeof(path), "%s/%s", s.dir, s.name);
    *out_len = 0;
    int fd = weir_file_openat(h->shared->root_fd, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    ssize_t n = pread(fd, text, FILE_META_TEXT_BYTES, 0);
    int e = n < 0 ? errno : 0;
    (void)close(fd);
    size_t head = 4 + k->len + 1;
    if (n < 0 || (size_t)n < head || memcmp(text, "key ", 4) != 0 ||
        memcmp(text + 4, k->key, k->len) != 0 || text[head - 1] != '\n')
        return e;
    memmove(text, text + head, (size_t)n - head);
    *out_len = (size_t)n - head;
    return 0;
}

int
weir_file_meta_read(const struct file_store *h, const struct file_key *k, int fd,
                    const struct stat *st, char text[FILE_META_TEXT_BYTES],
                    struct file_record *out, bool *out_found, struct weir_err *err)
{
    size_t len = 0;
    ssize_t n = fgetxattr(fd, attr, text, FILE_META_TEXT_BYTES);
    if (n >= 0) {
        len = (size_t)n;
    } else if (errno == ENODATA || errno == ENOTSUP) {
        int e = sidecar_read(h, k, text, &len);
        if (e != 0)
            return weir_file_fail(err, e, "read the metadata of %s in %s", k->key,
                                  h->shared->describe);
    } else if (errno != ERANGE) { /* ERANGE: not written by weir */
        return weir_file_fail(err, errno, "read the metadata of %s in %s", k->key,
                              h->shared->describe);
    }
    *out_found = weir_file_record_find(text, len, st, out);
    return 0;
}

void
weir_file_meta_stored(const struct stat *st, const struct file_record *r, bool found,
                      struct weir_stored *out)
{
    out->bytes = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size;
    out->version[0] = '\0';
    out->has_crc64nvme = found;
    out->crc64nvme = found ? r->crc64nvme : 0;
    if (found)
        weir_file_etag(r->crc64nvme, r->bytes, out->etag);
    else /* not written by weir, or changed since: the identity is all there is to say */
        (void)snprintf(out->etag, sizeof(out->etag), "s%" PRIx64 ".%lx-%" PRIx64,
                       (int64_t)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
                       out->bytes);
}

int
weir_file_meta_attach(int fd, const struct file_key *k, const char *record, size_t len,
                      bool fresh, struct weir_err *err)
{
    if (fsetxattr(fd, attr, record, len, fresh ? XATTR_CREATE : 0) == 0)
        return 0;
    if (errno == EEXIST)
        return weir_file_refuse(err, k->key, "it is there already");
    if (errno == E2BIG || errno == ERANGE)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "key %s: %zu bytes of metadata are more than this file system "
                            "keeps in an extended attribute",
                            k->key, len);
    return weir_file_fail(err, errno, "set the extended attribute %s of %s", attr, k->key);
}

/* The new record, then the one that fits the present object: whichever of the two files has the
 * name after a crash, its record is there. */
static size_t
sidecar_text(const struct file_store *h, const struct file_key *k, const char *record,
             size_t len, int old_fd, char out[FILE_META_TEXT_BYTES])
{
    size_t n = (size_t)snprintf(out, FILE_META_TEXT_BYTES, "key %s\n", k->key);
    memcpy(out + n, record, len);
    n += len;
    char text[FILE_META_TEXT_BYTES];
    struct stat st;
    struct file_record old;
    bool found = false;
    if (old_fd < 0 || fstat(old_fd, &st) != 0 ||
        weir_file_meta_read(h, k, old_fd, &st, text, &old, &found, NULL) != 0 || !found)
        return n;
    struct weir_object none = {.key = k->key};
    char head[FILE_RECORD_BYTES];
    size_t head_len = weir_file_record_format(&none, old.crc64nvme, old.bytes, old.mtime, head);
    if (n + head_len + old.pairs_len > FILE_META_TEXT_BYTES)
        return n;
    memcpy(out + n, head, head_len);
    memcpy(out + n + head_len, text + old.pairs_at, old.pairs_len);
    return n + head_len + old.pairs_len;
}

int
weir_file_meta_sidecar(struct file_store *h, const struct file_key *k, const char *record,
                       size_t len, int old_fd, struct weir_err *err)
{
    char text[FILE_META_TEXT_BYTES];
    size_t text_len = sidecar_text(h, k, record, len, old_fd, text);
    struct sidecar s;
    sidecar_of(k, &s);
    struct file_key dir = {.key = s.dir, .len = strlen(s.dir), .dir_len = strlen(s.dir)};
    int dir_fd = weir_file_dir_make(h, &dir, err);
    if (dir_fd < 0)
        return -1;
    int rc = -1;
    struct file_temp t;
    if (weir_file_temp_create(h, &t, err) != 0)
        goto close_dir;
    int e = weir_file_write_all(t.fd, text, text_len, 0);
    if (e == 0 && (fsync(t.fd) != 0 || renameat(t.dir_fd, t.name, dir_fd, s.name) != 0 ||
                   fsync(dir_fd) != 0))
        e = errno;
    if (e != 0) {
        weir_file_fail(err, e, "write the metadata of %s in %s", k->key, h->shared->describe);
        goto drop;
    }
    t.name[0] = '\0';
    rc = 0;
drop:
    weir_file_temp_drop(&t);
close_dir:
    (void)close(dir_fd);
    return rc;
}

void
weir_file_meta_forget(struct file_store *h, const struct file_key *k)
{
    struct sidecar s;
    sidecar_of(k, &s);
    int dir_fd = weir_file_openat(h->shared->root_fd, s.dir, O_PATH | O_DIRECTORY, 0);
    if (dir_fd < 0)
        return;
    (void)unlinkat(dir_fd, s.name, 0);
    (void)close(dir_fd);
}
