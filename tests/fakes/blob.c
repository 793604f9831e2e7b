#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "buf.h"

struct fake_blob {
    atomic_uint refs;
    struct fake_spool *spool;
    char *memory; /* or NULL: @offset in the spool */
    uint64_t offset, bytes;
};

int
fake_spool_open(struct fake_spool *s, const char *dir)
{
    atomic_init(&s->next, 0);
    s->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return s->fd < 0 ? -1 : 0;
    char name[4096]; /* a file system without O_TMPFILE */
    if (snprintf(name, sizeof(name), "%s/weir-fake-XXXXXX", dir) >= (int)sizeof(name))
        return -1;
    s->fd = mkostemp(name, O_CLOEXEC);
    return s->fd < 0 ? -1 : unlink(name);
}

struct fake_blob *
fake_blob_create(struct fake_spool *s, uint64_t bytes)
{
    struct fake_blob *b = fake_alloc(sizeof(*b));
    atomic_init(&b->refs, 1);
    b->spool = s;
    b->bytes = bytes;
    if (bytes <= FAKE_BLOB_MEMORY_BYTES)
        b->memory = fake_alloc(bytes);
    else /* whole pages, so that freeing one blob can punch its space out */
        b->offset = atomic_fetch_add(&s->next, (bytes + 4095) & ~UINT64_C(4095));
    return b;
}

int
fake_blob_write(struct fake_blob *b, uint64_t offset, const void *bytes, size_t n)
{
    if (offset > b->bytes || n > b->bytes - offset)
        return -1;
    if (b->memory) {
        memcpy(b->memory + offset, bytes, n);
        return 0;
    }
    for (size_t done = 0; done < n;) {
        ssize_t w = pwrite(b->spool->fd, (const char *)bytes + done, n - done,
                           (off_t)(b->offset + offset + done));
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return -1;
        done += (size_t)w;
    }
    return 0;
}

int
fake_blob_read(const struct fake_blob *b, uint64_t offset, void *out, size_t n)
{
    if (offset > b->bytes || n > b->bytes - offset)
        return -1;
    if (b->memory) {
        memcpy(out, b->memory + offset, n);
        return 0;
    }
    for (size_t done = 0; done < n;) {
        ssize_t r = pread(b->spool->fd, (char *)out + done, n - done,
                          (off_t)(b->offset + offset + done));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0) { /* past the end of the spool: never written */
            memset((char *)out + done, 0, n - done);
            return 0;
        }
        done += (size_t)r;
    }
    return 0;
}

void
fake_blob_unref(struct fake_blob *b)
{
    if (!b || atomic_fetch_sub(&b->refs, 1) > 1)
        return;
    if (!b->memory) /* a file system that cannot punch keeps the space until the end */
        (void)!fallocate(b->spool->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         (off_t)b->offset, (off_t)((b->bytes + 4095) & ~UINT64_C(4095)));
    free(b->memory);
    free(b);
}

static void
add_segment(struct fake_data *d, struct fake_blob *b, uint64_t offset, uint64_t bytes)
{
    d->seg = fake_grow(d->seg, (d->count + 1) * sizeof(*d->seg));
    d->seg[d->count++] = (struct fake_seg){b, offset, bytes};
    d->bytes += bytes;
}

void
fake_data_add(struct fake_data *d, struct fake_blob *b, uint64_t bytes)
{
    add_segment(d, b, 0, bytes);
}

void
fake_data_share(struct fake_data *d, const struct fake_data *from, uint64_t offset,
                uint64_t bytes)
{
    uint64_t end = offset + bytes, at = 0;
    for (size_t i = 0; i < from->count && at < end; at += from->seg[i++].bytes) {
        const struct fake_seg *s = &from->seg[i];
        uint64_t first = at > offset ? at : offset;
        uint64_t last = at + s->bytes < end ? at + s->bytes : end;
        if (first >= last)
            continue;
        atomic_fetch_add(&s->blob->refs, 1);
        add_segment(d, s->blob, s->offset + (first - at), last - first);
    }
}

typedef int access_fn(struct fake_blob *b, uint64_t offset, void *bytes, size_t n);

static int
read_blob(struct fake_blob *b, uint64_t offset, void *bytes, size_t n)
{
    return fake_blob_read(b, offset, bytes, n);
}

static int
write_blob(struct fake_blob *b, uint64_t offset, void *bytes, size_t n)
{
    return fake_blob_write(b, offset, bytes, n);
}

static int
each_range(const struct fake_data *d, uint64_t offset, char *bytes, size_t n, access_fn *fn)
{
    uint64_t at = 0;
    for (size_t i = 0; i < d->count && n; at += d->seg[i++].bytes) {
        const struct fake_seg *s = &d->seg[i];
        if (offset >= at + s->bytes)
            continue;
        uint64_t room = at + s->bytes - offset;
        size_t take = n < room ? n : (size_t)room;
        if (fn(s->blob, s->offset + (offset - at), bytes, take) != 0)
            return -1;
        bytes += take;
        offset += take;
        n -= take;
    }
    return n ? -1 : 0;
}

int
fake_data_read(const struct fake_data *d, uint64_t offset, void *out, size_t n)
{
    return each_range(d, offset, out, n, read_blob);
}

int
fake_data_write(struct fake_data *d, uint64_t offset, const void *bytes, size_t n)
{
    char *copy = fake_alloc(n);
    memcpy(copy, bytes, n);
    int rc = each_range(d, offset, copy, n, write_blob);
    free(copy);
    return rc;
}

int
fake_data_sum(const struct fake_data *d, enum fake_alg alg, uint8_t out[FAKE_SUM_MAX])
{
    struct fake_sum *sum = fake_checksum_create(alg);
    size_t room = d->bytes < 1 << 18 ? (size_t)d->bytes : 1 << 18;
    char *bytes = fake_alloc(room);
    int rc = 0;
    for (uint64_t at = 0; at < d->bytes && rc == 0;) {
        size_t n = d->bytes - at < room ? (size_t)(d->bytes - at) : room;
        rc = fake_data_read(d, at, bytes, n);
        fake_checksum_update(sum, bytes, n);
        at += n;
    }
    fake_checksum_finish(sum, out);
    free(bytes);
    return rc;
}

void
fake_data_free(struct fake_data *d)
{
    for (size_t i = 0; i < d->count; i++)
        fake_blob_unref(d->seg[i].blob);
    free(d->seg);
    *d = (struct fake_data){0};
}
