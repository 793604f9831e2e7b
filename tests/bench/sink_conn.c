/* One keep-alive connection: head, body, reply, head, ... */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sink.h"
#include "vault.h"

#define HEAD_MAX ((size_t)16 << 10)
#define BLOCK_BYTES ((size_t)256 << 10)
#define DROP_MAX ((size_t)16 << 20)

struct sink_conn {
    int fd;
    bool in_body;       /* req is valid and body_left bytes are still to come */
    uint64_t body_left; /* may be 0 */
    struct sink_request req;
    struct vault_data body; /* what has come of a body that is kept */
    uint8_t *block;         /* BLOCK_BYTES, from the first such body on */
    size_t have;            /* bytes in buf, in front of them the head of req while in_body */
    size_t head;            /* length of that head */
    char buf[HEAD_MAX + 1];
    struct sink_reply reply;
};

struct sink_conn *
sink_conn_create(int fd)
{
    struct sink_conn *c = calloc(1, sizeof(*c));
    if (c != NULL)
        c->fd = fd;
    return c;
}

void
sink_conn_free(struct sink_conn *c)
{
    if (c == NULL)
        return;
    (void)close(c->fd);
    vault_data_fini(&c->body);
    free(c->block);
    free(c);
}

/* Replies are short and the client reads them before it asks again: a socket that cannot take
 * one at once belongs to a client that is not worth keeping. */
static int
send_all(int fd, const char *text, size_t bytes)
{
    return send(fd, text, bytes, MSG_NOSIGNAL) == (ssize_t)bytes ? 0 : -1;
}

static int
finish_request(struct sink *s, struct sink_conn *c)
{
    enum sink_kind kind = c->req.own ? SINK_OWN : c->req.kind;
    atomic_fetch_add_explicit(&s->counts.requests[kind], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->counts.bytes[kind], c->req.body_bytes, memory_order_relaxed);
    sink_answer(s, &c->req, &c->body, &c->reply);
    bool done = c->req.connection != NULL && strcasecmp(c->req.connection, "close") == 0;
    vault_data_fini(&c->body);
    c->in_body = false;
    memmove(c->buf, c->buf + c->head, c->have - c->head);
    c->have -= c->head;
    if (send_all(c->fd, c->reply.text, c->reply.bytes) != 0)
        return -1;
    return done ? -1 : 0;
}

static bool
keeps_body(const struct sink_request *r)
{
    return r->kept && (r->kind == SINK_PUT || r->kind == SINK_PART);
}

/* The bytes themselves are needed of small objects of weir's only. */
static int
keep(struct sink_conn *c, const void *bytes, size_t n)
{
    return vault_data_add(&c->body, bytes, n, c->req.own);
}

/* Begins a request when its head is complete: 1, not yet: 0, broken: -1. */
static int
begin_request(struct sink *s, struct sink_conn *c)
{
    c->buf[c->have] = '\0';
    char *end = strstr(c->buf, "\r\n\r\n");
    if (end == NULL)
        return c->have == HEAD_MAX ? -1 : 0;
    end[3] = '\0'; /* the last newline, so that what follows stays what it is */
    c->head = (size_t)(end - c->buf) + 4;
    if (sink_request_parse(c->buf, &c->req) != 0) {
        atomic_fetch_add(&s->counts.requests[SINK_BAD], 1);
        return -1;
    }
    c->in_body = true;
    c->body_left = c->req.body_bytes;
    if (keeps_body(&c->req) && c->block == NULL && (c->block = malloc(BLOCK_BYTES)) == NULL)
        return -1;
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool asks = c->req.expect != NULL && strcasecmp(c->req.expect, "100-continue") == 0;
    if (asks && c->have == c->head && c->body_left > 0)
        return send_all(c->fd, go_on, sizeof(go_on) - 1) == 0 ? 1 : -1;
    return 1;
}

/* Body bytes that came in the same read as the head. */
static int
take_early_body(struct sink_conn *c)
{
    size_t early = c->have - c->head;
    if (early > c->body_left)
        early = (size_t)c->body_left;
    if (keeps_body(&c->req) && keep(c, c->buf + c->head, early) != 0)
        return -1;
    c->body_left -= early;
    memmove(c->buf + c->head, c->buf + c->head + early, c->have - c->head - early);
    c->have -= early;
    return 0;
}

/* Receives once; returns the number of bytes, 0 when there are none now, -1 at the end. */
static ssize_t
receive(struct sink_conn *c)
{
    ssize_t n;
    bool kept = c->in_body && keeps_body(&c->req);
    if (kept) {
        size_t want = c->body_left < BLOCK_BYTES ? (size_t)c->body_left : BLOCK_BYTES;
        n = recv(c->fd, c->block, want, 0);
    } else if (c->in_body) {
        /* MSG_TRUNC on TCP discards in the kernel: no copy, no buffer. */
        size_t want = c->body_left < DROP_MAX ? (size_t)c->body_left : DROP_MAX;
        n = recv(c->fd, NULL, want, MSG_TRUNC);
    } else {
        n = recv(c->fd, c->buf + c->have, HEAD_MAX - c->have, 0);
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return -1;
    if (kept && keep(c, c->block, (size_t)n) != 0)
        return -1;
    if (c->in_body) {
        c->body_left -= (uint64_t)n;
    } else {
        c->have += (size_t)n;
    }
    return n;
}

int
sink_conn_ready(struct sink *s, struct sink_conn *c)
{
    if (receive(c) < 0)
        return -1;
    for (;;) {
        if (!c->in_body) {
            int began = begin_request(s, c);
            if (began <= 0)
                return began;
            if (take_early_body(c) != 0)
                return -1;
        }
        if (c->body_left > 0)
            return 0;
        if (finish_request(s, c) != 0)
            return -1;
    }
}
