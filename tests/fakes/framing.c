#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "framing.h"

#define DRAIN_MAX_BYTES (UINT64_C(1) << 20)
#define TRAILER_LINES_MAX 8

void
fake_framing_start(struct fake_call *c)
{
    const char *expect = fake_http_header(&c->req, "expect");
    struct fake_body *b = &c->body;
    b->left = b->outer_left = c->req.length;
    b->outer_chunked = c->req.chunked;
    b->expect_100 = expect && strcasecmp(expect, "100-continue") == 0;
}

void
fake_framing_unwrap(struct fake_call *c, uint64_t bytes)
{
    c->body.chunked = true;
    c->body.left = bytes;
}

static void
skip_body(struct fake_call *c)
{
    char sink[16384];
    struct fake_body *b = &c->body;
    while (b->outer_left > 0) {
        size_t n = b->outer_left < sizeof(sink) ? (size_t)b->outer_left : sizeof(sink);
        int got = fake_conn_read(c->conn, sink, n);
        if (got <= 0) {
            c->close = true;
            return;
        }
        b->outer_left -= (uint64_t)got;
    }
}

void
fake_framing_finish(struct fake_call *c)
{
    struct fake_body *b = &c->body;
    bool whole = b->outer_chunked ? b->outer_ended : b->outer_left == 0;
    if (c->conn->dead || c->close || whole)
        return;
    if (b->expect_100 || b->outer_chunked || b->outer_left > DRAIN_MAX_BYTES)
        c->close = true;
    else
        skip_body(c);
}

/* "1f;extension" to 31. */
static int
chunk_size(const char *line, uint64_t *out)
{
    char *end;
    *out = strtoull(line, &end, 16);
    return end == line || (*end && *end != ';') ? -1 : 0;
}

static int
next_outer_chunk(struct fake_call *c)
{
    char line[256];
    struct fake_body *b = &c->body;
    if (b->outer_begun && (fake_conn_line(c->conn, line, sizeof(line)) != 0 || *line))
        return -1; /* the CR LF that ends every chunk */
    b->outer_begun = true;
    if (fake_conn_line(c->conn, line, sizeof(line)) != 0 ||
        chunk_size(line, &b->outer_left) != 0)
        return -1;
    for (int i = 0; b->outer_left == 0 && !b->outer_ended; i++) {
        if (i == TRAILER_LINES_MAX || fake_conn_line(c->conn, line, sizeof(line)) != 0)
            return -1;
        b->outer_ended = *line == 0;
    }
    return 0;
}

static int
outer_read(struct fake_call *c, char *out, size_t n)
{
    struct fake_body *b = &c->body;
    if (b->outer_chunked && b->outer_left == 0 && !b->outer_ended && next_outer_chunk(c) != 0)
        return -1;
    if (b->outer_left == 0)
        return 0;
    int got = fake_conn_read(c->conn, out, b->outer_left < n ? (size_t)b->outer_left : n);
    if (got <= 0)
        return -1;
    b->outer_left -= (uint64_t)got;
    return got;
}

static int
outer_line(struct fake_call *c, char *out, size_t room)
{
    for (size_t n = 0; n < room; n++) {
        if (outer_read(c, out + n, 1) != 1)
            return -1;
        if (out[n] == '\n') {
            out[n && out[n - 1] == '\r' ? n - 1 : n] = 0;
            return 0;
        }
    }
    return -1;
}

static int
read_trailer(struct fake_call *c)
{
    char line[256];
    for (int i = 0; i < TRAILER_LINES_MAX; i++) {
        if (outer_line(c, line, sizeof(line)) != 0)
            return -1;
        if (!*line) {
            c->body.ended = true;
            /* the end of the HTTP chunks, so that the connection can go on */
            return !c->body.outer_chunked || outer_read(c, line, 1) == 0 ? 0 : -1;
        }
        snprintf(c->body.trailer, sizeof(c->body.trailer), "%s", line);
    }
    return -1;
}

/* Goes in front of payload bytes.  0 when there are more, 1 at the end. */
static int
next_chunk(struct fake_call *c)
{
    char line[128];
    struct fake_body *b = &c->body;
    if (b->read_bytes > 0 && (outer_line(c, line, sizeof(line)) != 0 || *line))
        return -1;
    if (outer_line(c, line, sizeof(line)) != 0 || chunk_size(line, &b->chunk_left) != 0 ||
        b->chunk_left > b->left || (b->chunk_left == 0) != (b->left == 0))
        return -1;
    if (b->chunk_left > 0)
        return 0;
    return read_trailer(c) == 0 ? 1 : -1;
}

int
fake_framing_read(struct fake_call *c, char *out, size_t n)
{
    struct fake_body *b = &c->body;
    if (b->chunked && b->chunk_left == 0 && !b->ended) {
        int rc = next_chunk(c);
        if (rc != 0)
            return rc < 0 ? -1 : 0;
    }
    uint64_t left = b->chunked ? b->chunk_left : b->left;
    if (left == 0)
        return 0;
    int got = outer_read(c, out, left < n ? (size_t)left : n);
    if (got <= 0)
        return -1;
    b->left -= (uint64_t)got;
    b->read_bytes += (uint64_t)got;
    if (b->chunked)
        b->chunk_left -= (uint64_t)got;
    return got;
}
