/* floor -- the least that moving bytes to S3 can cost: read, both digests, raw HTTP, no HTTP
 * library, no catalog, no retry.  weir's figures are quoted as multiples of it. */
#ifndef FLOOR_H
#define FLOOR_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define FLOOR_BLOCK ((size_t)256 << 10)

enum floor_order {
    FLOOR_STREAM = 0,   /* digest each block on its way out; the checksum goes nowhere */
    FLOOR_DIGEST_FIRST, /* the whole part is read and digested before its header is sent, as a
                           checksum in the header requires */
};

struct floor_options {
    unsigned port, sockets;
    uint64_t part_bytes;
    enum floor_order order;
    char *const *files; /* large files */
    size_t file_count;
    const char *small; /* directory of small files, or NULL */
};

struct floor_totals {
    atomic_uint_fast64_t requests, bytes;
};

/* Both run options->sockets threads with a socket each.  Return 0, or -1 after a message on
 * stderr. */
int floor_large_run(const struct floor_options *o, struct floor_totals *t);
int floor_small_run(const struct floor_options *o, struct floor_totals *t);

/* A connection to the sink; -1 after a message. */
int floor_http_connect(unsigned port);
/* Sends all bytes. */
int floor_http_send(int fd, const void *data, size_t bytes, int flags);
/* Sends head and body with as few calls as possible. */
int floor_http_send_two(int fd, const void *head, size_t head_bytes, const void *body,
                        size_t body_bytes);
/* Reads one reply; 0 when it is a 200 with an empty body. */
int floor_http_reply(int fd);

/* n threads running run(arg); -1 when one of them returned non-NULL. */
int floor_threads(unsigned n, void *(*run)(void *), void *arg);

/* A buffer of huge pages where there are some, already touched. */
void *floor_buffer(size_t bytes);

#endif
