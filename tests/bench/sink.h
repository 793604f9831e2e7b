/* sink -- an S3 endpoint that throws bodies away, so that a benchmark measures the client.
 *
 * It keeps counters and nothing else, with one exception: what is below "/bench/keep/" or in a
 * ".weir/" is kept as a strict server keeps it, checksums, conditions, copies and all
 * (vault.h). weir asks the endpoint at start what it can be trusted with, and copies need
 * something to be copied. */
#ifndef SINK_H
#define SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sink_kind {
    SINK_PUT = 0,
    SINK_CREATE,
    SINK_PART,
    SINK_COPY,
    SINK_COPY_PART,
    SINK_COMPLETE,
    SINK_ABORT,
    SINK_DELETE,
    SINK_HEAD,
    SINK_HEAD_BUCKET,
    SINK_GET,
    SINK_LIST,
    SINK_LIST_PARTS,
    SINK_LIST_UPLOADS,
    SINK_OWN, /* any of these on a key below a ".weir/": weir's own objects, counted apart */
    SINK_STATS,
    SINK_BAD, /* not a request that this sink knows: answered 400 */
    SINK_KINDS
};

struct sink_counts {
    atomic_uint_fast64_t requests[SINK_KINDS];
    atomic_uint_fast64_t bytes[SINK_KINDS]; /* of request bodies */
    atomic_uint_fast64_t connections;
};

struct vault;
struct vault_data;

struct sink { /* shared by all threads; fixed after start but for the atomics */
    struct sink_counts counts;
    struct vault *vault;
};

#define SINK_META_MAX 24

struct sink_request { /* strings point into the connection's buffer */
    enum sink_kind kind;
    const char *method, *path, *query; /* query is "" when there is none */
    const char *crc64nvme;             /* x-amz-checksum-crc64nvme, or NULL */
    const char *if_match;              /* or NULL */
    const char *if_none_match;         /* or NULL */
    const char *copy_source;           /* "/bucket/key", encoded as the path is, or NULL */
    const char *copy_range;            /* or NULL */
    const char *copy_if_match;         /* or NULL */
    const char *directive;             /* x-amz-metadata-directive, or NULL */
    const char *expect, *connection;   /* or NULL */
    struct {
        const char *name, *value;
    } meta[SINK_META_MAX]; /* x-amz-meta-* */
    size_t meta_count;
    bool own;  /* below a ".weir/" */
    bool kept; /* by the vault */
    uint64_t body_bytes;
};

/* Splits a request head (NUL-terminated, ends with the empty line) in place.  Returns 0, or -1
 * when it is not HTTP that this sink understands. */
int sink_request_parse(char *head, struct sink_request *out);

/* Value of a query parameter, copied; false when it is absent or too long. */
bool sink_query_get(const char *query, const char *name, char *out, size_t out_bytes);

#define SINK_REPLY_MAX 4096
struct sink_reply {
    size_t bytes;
    char text[SINK_REPLY_MAX];
};

/* Writes the whole reply.  body is what the vault is to take over, else empty. */
void sink_answer(struct sink *s, const struct sink_request *r, struct vault_data *body,
                 struct sink_reply *out);

/* One HTTP reply.  extra: more header lines, each with CRLF, or "".  HEAD sends no body. */
void sink_reply_set(struct sink_reply *out, const struct sink_request *r, int status,
                    const char *extra, const char *body);
void sink_reply_error(struct sink_reply *out, const struct sink_request *r, int status,
                      const char *code);
/* A 200 with any bytes, up to SINK_REPLY_MAX - 1024 of them. */
void sink_reply_bytes(struct sink_reply *out, const void *bytes, size_t n);

/* Counters as one line of JSON. */
void sink_counts_json(const struct sink_counts *c, char *out, size_t out_bytes);

/* Answers a request about something kept as a strict server would.  Any thread. */
void sink_kept_answer(struct vault *v, const struct sink_request *r, struct vault_data *body,
                      struct sink_reply *out);

struct sink_conn;
struct sink_conn *sink_conn_create(int fd);
void sink_conn_free(struct sink_conn *c); /* closes the socket; NULL is fine */
/* Takes what has arrived and answers complete requests.  Returns -1 when the connection is to
 * be freed. */
int sink_conn_ready(struct sink *s, struct sink_conn *c);

#endif
