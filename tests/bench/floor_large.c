/* Large files: fixed parts, taken in turn by the threads. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/digest.h>

#include "floor.h"

struct file {
    int fd;
    uint64_t bytes;
    uint64_t first_part; /* number of its first part among all parts of the run */
};

struct large {
    const struct floor_options *o;
    struct floor_totals *t;
    struct file *file;
    uint64_t part_count;
    atomic_uint_fast64_t next_part;
};

struct part {
    const struct file *file;
    uint64_t offset, number;
    size_t bytes;
};

static struct part
part_at(const struct large *l, uint64_t index)
{
    size_t f = l->o->file_count - 1;
    while (l->file[f].first_part > index)
        f--;
    uint64_t number = index - l->file[f].first_part;
    uint64_t offset = number * l->o->part_bytes;
    uint64_t left = l->file[f].bytes - offset;
    return (struct part){&l->file[f], offset, number + 1,
                         (size_t)(left < l->o->part_bytes ? left : l->o->part_bytes)};
}

static int
send_head(int fd, const struct part *p, const char *checksum)
{
    char head[512];
    int n = snprintf(head, sizeof(head),
                     "PUT /bench/p/file-%d?partNumber=%" PRIu64 "&uploadId=floor HTTP/1.1\r\n"
                     "Host: 127.0.0.1\r\n%s%s%sContent-Length: %zu\r\n\r\n",
                     p->file->fd, p->number, checksum[0] ? "x-amz-checksum-crc64nvme: " : "",
                     checksum, checksum[0] ? "\r\n" : "", p->bytes);
    return floor_http_send(fd, head, (size_t)n, MSG_MORE);
}

/* One read of one block, digested while it is hot. */
static int
read_block(const struct part *p, size_t at, char *buf, size_t bytes, struct weir_digester *d)
{
    ssize_t n = pread(p->file->fd, buf, bytes, (off_t)(p->offset + at));
    if (n != (ssize_t)bytes) {
        fprintf(stderr, "bench_floor: pread: %s\n", n < 0 ? strerror(errno) : "short");
        return -1;
    }
    weir_digester_update(d, buf, bytes);
    return 0;
}

static int
send_part(const struct large *l, int fd, const struct part *p, char *buf,
          struct weir_digester *d)
{
    struct weir_xxh128 xxh;
    uint64_t crc;
    char checksum[13] = "";
    bool stream = l->o->order == FLOOR_STREAM;
    weir_digester_begin(d, l->o->part_bytes, &xxh, 1);
    if (stream && send_head(fd, p, checksum) != 0)
        return -1;
    for (size_t at = 0; at < p->bytes; at += FLOOR_BLOCK) {
        size_t n = p->bytes - at < FLOOR_BLOCK ? p->bytes - at : FLOOR_BLOCK;
        char *block = stream ? buf : buf + at;
        if (read_block(p, at, block, n, d) != 0)
            return -1;
        if (stream && floor_http_send(fd, block, n, 0) != 0)
            return -1;
    }
    (void)weir_digester_end(d, &crc);
    if (!stream) {
        weir_crc64nvme_base64(crc, checksum);
        if (send_head(fd, p, checksum) != 0 || floor_http_send(fd, buf, p->bytes, 0) != 0)
            return -1;
    }
    return floor_http_reply(fd);
}

static void *
send_parts(void *arg)
{
    struct large *l = arg;
    void *failed = l;
    size_t buf_bytes = l->o->order == FLOOR_STREAM ? FLOOR_BLOCK : (size_t)l->o->part_bytes;
    char *buf = floor_buffer(buf_bytes);
    struct weir_digester *d = weir_digester_create();
    int fd = floor_http_connect(l->o->port);
    if (buf == NULL || d == NULL || fd < 0)
        goto done;
    for (;;) {
        uint64_t i = atomic_fetch_add(&l->next_part, 1);
        if (i >= l->part_count)
            break;
        struct part p = part_at(l, i);
        if (send_part(l, fd, &p, buf, d) != 0)
            goto done;
        atomic_fetch_add(&l->t->requests, 1);
        atomic_fetch_add(&l->t->bytes, p.bytes);
    }
    failed = NULL;
done:
    if (fd >= 0)
        (void)close(fd);
    weir_digester_free(d);
    free(buf);
    return failed;
}

int
floor_large_run(const struct floor_options *o, struct floor_totals *t)
{
    struct large l = {.o = o, .t = t};
    int rc = -1;
    size_t opened = 0;
    l.file = calloc(o->file_count, sizeof(*l.file));
    if (l.file == NULL)
        return -1;
    for (; opened < o->file_count; opened++) {
        struct file *f = &l.file[opened];
        struct stat st;
        f->fd = open(o->files[opened], O_RDONLY | O_CLOEXEC);
        if (f->fd < 0 || fstat(f->fd, &st) != 0) {
            fprintf(stderr, "bench_floor: %s: %s\n", o->files[opened], strerror(errno));
            goto close_files;
        }
        f->bytes = (uint64_t)st.st_size;
        f->first_part = l.part_count;
        l.part_count += (f->bytes + o->part_bytes - 1) / o->part_bytes;
    }
    rc = floor_threads(o->sockets, send_parts, &l);
close_files:
    while (opened-- > 0)
        (void)close(l.file[opened].fd);
    free(l.file);
    return rc;
}
