/* A part goes straight to its place in "data" once the size of part 1 is known, else (larger,
 * or ahead of part 1) to a file of its own.  Either way "pNNNNN" says so: [bytes] record, where
 * the record is 40 bytes, big-endian: "weirpart", bytes, crc64nvme, stride, CRC of these 32. */
#include "file/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- put_part ---- */

/* Writes the bytes to their place in "data".  An older record of the part goes first: it must
 * not vouch for bytes that are being overwritten. */
static int
write_in_data(int upload_fd, const char *name, const void *data, size_t bytes, uint64_t offset)
{
    if (unlinkat(upload_fd, name, 0) == 0) {
        if (fsync(upload_fd) != 0)
            return errno;
    } else if (errno != ENOENT) {
        return errno;
    }
    int fd = weir_file_openat(upload_fd, "data", O_WRONLY | O_CREAT, 0644);
    if (fd < 0)
        return errno;
    int e = weir_file_write_all(fd, data, bytes, offset);
    if (e == 0 && fdatasync(fd) != 0)
        e = errno;
    (void)close(fd);
    return e;
}

static int
store_part(struct file_store *h, int upload_fd, uint32_t number, const void *data,
           const struct file_part *p, struct weir_err *err)
{
    char name[FILE_NAME_BYTES];
    unsigned char raw[FILE_PART_RECORD_BYTES];
    size_t own_bytes = p->stride == 0 ? (size_t)p->bytes : 0;
    weir_file_part_name(number, name);
    record_pack(p, raw);
    int e = p->stride != 0 ? write_in_data(upload_fd, name, data, (size_t)p->bytes,
                                           (number - 1) * p->stride)
                           : 0;
    if (e != 0)
        return e;
    struct file_temp t;
    if (weir_file_temp_create(h, &t, err) != 0)
        return EIO;
    e = weir_file_write_all(t.fd, data, own_bytes, 0);
    if (e == 0)
        e = weir_file_write_all(t.fd, raw, sizeof(raw), own_bytes);
    if (e == 0 && (fsync(t.fd) != 0 || renameat(t.dir_fd, t.name, upload_fd, name) != 0))
        e = errno;
    if (e == 0)
        t.name[0] = '\0';
    weir_file_temp_drop(&t);
    return e == 0 && fsync(upload_fd) != 0 ? errno : e;
}

static void
fill(uint32_t number, const struct file_part *p, struct weir_part *out)
{
    *out = (struct weir_part){
        .number = number, .bytes = p->bytes, .has_crc64nvme = true, .crc64nvme = p->crc64nvme};
    weir_file_etag(p->crc64nvme, p->bytes, out->etag);
}

int
weir_file_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                   uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                   struct weir_part *out, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_upload u;
    const struct weir_limits *lim = &h->shared->limits;
    if (number < 1 || number > lim->part_count_max || bytes > lim->part_bytes_max)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "%s: part %" PRIu32 " of %zu bytes is over the limits of %s", key,
                            number, bytes, h->shared->describe);
    uint64_t seen = weir_crc64nvme(0, data, bytes);
    if (seen != crc64nvme)
        return weir_err_set(err, WEIR_E_DIGEST,
                            "store part %" PRIu32 " of %s: CRC64NVME %016" PRIx64
                            " was announced, the bytes have %016" PRIx64,
                            number, key, crc64nvme, seen);
    int upload_fd = weir_file_upload_open(h, key, upload_id, &u, err);
    if (upload_fd < 0)
        return -1;
    int rc = -1;
    struct file_part p = {.bytes = bytes, .crc64nvme = crc64nvme};
    if (weir_file_ready(h, err) != 0)
        goto close_upload;
    weir_file_count(h, bytes);
    int e = number == 1 && bytes > 0 ? stride_fix(h, upload_fd, bytes, err) : 0;
    uint64_t stride = 0;
    if (e == 0)
        e = stride_read(upload_fd, &stride);
    if (bytes <= stride)
        p.stride = stride;
    if (e == 0)
        e = store_part(h, upload_fd, number, data, &p, err);
    if (e != 0) {
        weir_file_fail(err, e, "store part %" PRIu32 " of %s in %s", number, key,
                       h->shared->describe);
        goto close_upload;
    }
    fill(number, &p, out);
    rc = 0;
close_upload:
    (void)close(upload_fd);
    return rc;
}

/* ---- list_parts ---- */

/* Marks the numbers that have a file. */
static int
collect(int upload_fd, uint32_t max, bool *have)
{
    int fd = weir_file_openat(upload_fd, "", O_RDONLY | O_DIRECTORY, 0);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        int e = errno;
        if (fd >= 0)
            (void)close(fd);
        return e;
    }
    errno = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] == 'p' && strspn(e->d_name + 1, "0123456789") == 5 &&
            e->d_name[6] == '\0') {
            unsigned long number = strtoul(e->d_name + 1, NULL, 10);
            if (number >= 1 && number <= max)
                have[number] = true;
        }
        errno = 0;
    }
    int e = errno;
    (void)closedir(d);
    return e;
}

int
weir_file_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                     weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_upload u;
    uint32_t max = h->shared->limits.part_count_max;
    weir_file_count(h, 0);
    int upload_fd = weir_file_upload_open(h, key, upload_id, &u, err);
    if (upload_fd < 0)
        return -1;
    int rc = -1;
    bool *have = calloc((size_t)max + 1, sizeof(*have));
    if (have == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "parts of %s", key);
        goto close_upload;
    }
    int e = collect(upload_fd, max, have);
    bool stop = false;
    for (uint32_t n = 1; n <= max && e == 0 && !stop; n++) {
        struct file_part p;
        struct weir_part shown;
        if (!have[n])
            continue;
        e = weir_file_part_read(upload_fd, n, &p);
        if (e == ENOENT) { /* damaged, or being overwritten: it must be sent again */
            e = 0;
            continue;
        }
        fill(n, &p, &shown);
        stop = e == 0 && fn(ctx, &shown) != 0;
    }
    if (e != 0)
        weir_file_fail(err, e, "list the parts of %s in %s", key, h->shared->describe);
    else
        rc = 0;
    free(have);
close_upload:
    (void)close(upload_fd);
    return rc;
}
