/* A part goes straight to its place in "data" once the size of part 1 is known, else (larger,
 * or ahead of part 1) to a file of its own.  Either way "pNNNNN" says so: [bytes] record, where
 * the record is 40 bytes, big-endian: "weirpart", bytes, crc64nvme, stride, CRC of these 32. */
#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char magic[8] = "weirpart";

static void
put_u64(unsigned char *to, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        to[i] = (unsigned char)v;
}

static uint64_t
get_u64(const unsigned char *from)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | from[i];
    return v;
}

static void
record_pack(const struct file_part *p, unsigned char out[FILE_PART_RECORD_BYTES])
{
    memcpy(out, magic, sizeof(magic));
    put_u64(out + 8, p->bytes);
    put_u64(out + 16, p->crc64nvme);
    put_u64(out + 24, p->stride);
    put_u64(out + 32, weir_crc64nvme(0, out, 32));
}

void
weir_file_part_name(uint32_t number, char out[FILE_NAME_BYTES])
{
    (void)snprintf(out, FILE_NAME_BYTES, "p%05" PRIu32, number);
}

int
weir_file_part_read(int upload_fd, uint32_t number, struct file_part *out)
{
    char name[FILE_NAME_BYTES];
    unsigned char raw[FILE_PART_RECORD_BYTES];
    struct stat st;
    weir_file_part_name(number, name);
    int fd = weir_file_openat(upload_fd, name, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int e = 0;
    ssize_t n = -1;
    if (fstat(fd, &st) != 0)
        e = errno;
    else if (st.st_size >= FILE_PART_RECORD_BYTES &&
             (n = pread(fd, raw, sizeof(raw), st.st_size - FILE_PART_RECORD_BYTES)) < 0)
        e = errno;
    (void)close(fd);
    if (e != 0)
        return e;
    if (n != FILE_PART_RECORD_BYTES || memcmp(raw, magic, sizeof(magic)) != 0 ||
        get_u64(raw + 32) != weir_crc64nvme(0, raw, 32))
        return ENOENT; /* damaged: as if it had not come */
    out->bytes = get_u64(raw + 8);
    out->crc64nvme = get_u64(raw + 16);
    out->stride = get_u64(raw + 24);
    uint64_t payload = (uint64_t)st.st_size - FILE_PART_RECORD_BYTES;
    return payload == (out->stride != 0 ? 0 : out->bytes) ? 0 : ENOENT;
}

/* ---- stride ---- */

/* *out = 0 while it is not known; an errno value. */
static int
stride_read(int upload_fd, uint64_t *out)
{
    unsigned char raw[8];
    *out = 0;
    int fd = weir_file_openat(upload_fd, "stride", O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    ssize_t n = pread(fd, raw, sizeof(raw), 0);
    int e = n < 0 ? errno : 0;
    (void)close(fd);
    if (n == (ssize_t)sizeof(raw))
        *out = get_u64(raw);
    return e;
}

/* Fixes the stride, unless it is fixed already; an errno value. */
static int
stride_fix(struct file_store *h, int upload_fd, uint64_t bytes, struct weir_err *err)
{
    struct file_temp t;
    unsigned char raw[8];
    if (weir_file_temp_create(h, &t, err) != 0)
        return EIO;
    put_u64(raw, bytes);
    int e = weir_file_write_all(t.fd, raw, sizeof(raw), 0);
    if (e == 0 && fsync(t.fd) != 0)
        e = errno;
    if (e == 0 && linkat(t.dir_fd, t.name, upload_fd, "stride", 0) != 0 && errno != EEXIST)
        e = errno;
    weir_file_temp_drop(&t);
    return e;
}

/* ---- bytes ---- */

/* Writes the bytes of the part; those of a file are read back for their CRC. */
static int
write_bytes(struct file_store *h, const struct file_part_source *from, int fd, uint64_t at,
            struct file_part *p)
{
    if (from->fd < 0)
        return weir_file_write_all(fd, from->data, (size_t)p->bytes, at);
    int e = weir_file_range_copy(h, from->fd, from->offset, fd, at, p->bytes);
    return e != 0 ? e : weir_file_range_crc(h, fd, at, p->bytes, &p->crc64nvme);
}

/* Writes the bytes to their place in "data".  An older record of the part goes first: it must
 * not vouch for bytes that are being overwritten. */
static int
write_in_data(struct file_store *h, int upload_fd, const char *name,
              const struct file_part_source *from, uint64_t offset, struct file_part *p)
{
    if (unlinkat(upload_fd, name, 0) == 0) {
        if (fsync(upload_fd) != 0)
            return errno;
    } else if (errno != ENOENT) {
        return errno;
    }
    int fd = weir_file_openat(upload_fd, "data", O_RDWR | O_CREAT, 0644);
    if (fd < 0)
        return errno;
    int e = write_bytes(h, from, fd, offset, p);
    if (e == 0 && fdatasync(fd) != 0)
        e = errno;
    (void)close(fd);
    return e;
}

static int
store_bytes(struct file_store *h, int upload_fd, uint32_t number,
            const struct file_part_source *from, struct file_part *p, struct weir_err *err)
{
    char name[FILE_NAME_BYTES];
    unsigned char raw[FILE_PART_RECORD_BYTES];
    uint64_t own_bytes = p->stride == 0 ? p->bytes : 0;
    weir_file_part_name(number, name);
    int e = p->stride != 0
                ? write_in_data(h, upload_fd, name, from, (number - 1) * p->stride, p)
                : 0;
    if (e != 0)
        return e;
    struct file_temp t;
    if (weir_file_temp_create(h, &t, err) != 0)
        return EIO;
    if (p->stride == 0)
        e = write_bytes(h, from, t.fd, 0, p);
    record_pack(p, raw);
    if (e == 0)
        e = weir_file_write_all(t.fd, raw, sizeof(raw), own_bytes);
    if (e == 0 && (fsync(t.fd) != 0 || renameat(t.dir_fd, t.name, upload_fd, name) != 0))
        e = errno;
    if (e == 0)
        t.name[0] = '\0';
    weir_file_temp_drop(&t);
    return e == 0 && fsync(upload_fd) != 0 ? errno : e;
}

void
weir_file_part_fill(uint32_t number, const struct file_part *p, struct weir_part *out)
{
    *out = (struct weir_part){
        .number = number, .bytes = p->bytes, .has_crc64nvme = true, .crc64nvme = p->crc64nvme};
    weir_file_etag(p->crc64nvme, p->bytes, out->etag);
}

int
weir_file_part_check(const struct file_store *h, const char *key, uint32_t number,
                     uint64_t bytes, struct weir_err *err)
{
    const struct weir_limits *lim = &h->shared->limits;
    if (number >= 1 && number <= lim->part_count_max && bytes <= lim->part_bytes_max)
        return 0;
    return weir_err_set(err, WEIR_E_LIMIT,
                        "%s: part %" PRIu32 " of %" PRIu64 " bytes is over the limits of %s",
                        key, number, bytes, h->shared->describe);
}

int
weir_file_part_store(struct file_store *h, const char *key, const char *upload_id,
                     uint32_t number, const struct file_part_source *from, struct file_part *p,
                     struct weir_part *out, struct weir_err *err)
{
    struct file_upload u;
    int upload_fd = weir_file_upload_open(h, key, upload_id, &u, err);
    if (upload_fd < 0)
        return -1;
    int rc = -1;
    if (weir_file_ready(h, err) != 0)
        goto close_upload;
    int e = number == 1 && p->bytes > 0 ? stride_fix(h, upload_fd, p->bytes, err) : 0;
    uint64_t stride = 0;
    if (e == 0)
        e = stride_read(upload_fd, &stride);
    p->stride = p->bytes <= stride ? stride : 0;
    if (e == 0)
        e = store_bytes(h, upload_fd, number, from, p, err);
    if (e != 0) {
        weir_file_fail(err, e, "store part %" PRIu32 " of %s in %s", number, key,
                       h->shared->describe);
        goto close_upload;
    }
    weir_file_part_fill(number, p, out);
    rc = 0;
close_upload:
    (void)close(upload_fd);
    return rc;
}

int
weir_file_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                   uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                   struct weir_part *out, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    if (weir_file_part_check(h, key, number, bytes, err) != 0)
        return -1;
    uint64_t seen = weir_crc64nvme(0, data, bytes);
    if (seen != crc64nvme)
        return weir_err_set(err, WEIR_E_DIGEST,
                            "store part %" PRIu32 " of %s: CRC64NVME %016" PRIx64
                            " was announced, the bytes have %016" PRIx64,
                            number, key, crc64nvme, seen);
    struct file_part p = {.bytes = bytes, .crc64nvme = crc64nvme};
    const struct file_part_source from = {.data = data, .fd = -1};
    weir_file_count(h, bytes);
    return weir_file_part_store(h, key, upload_id, number, &from, &p, out, err);
}
