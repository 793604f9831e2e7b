#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "play.h"
#include "reply.h"
#include "xml.h"

#define ENDLESS_BYTES (UINT64_C(1) << 32) /* a client that takes 4 GiB has no cap */

static bool
stopping(const struct fake_call *c)
{
    struct fake_server *s = c->server;
    pthread_mutex_lock(&s->conn_lock);
    bool now = s->stopping;
    pthread_mutex_unlock(&s->conn_lock);
    return now;
}

void
fake_play_sleep(const struct fake_call *c, uint32_t ms)
{
    for (; ms > 100 && !stopping(c); ms -= 100)
        usleep(100 * 1000);
    usleep((ms < 100 ? ms : 100) * 1000);
}

static void
replace_body(struct fake_call *c, int status, const char *type, const char *body, size_t n)
{
    struct fake_reply *r = &c->reply;
    fake_object_unref(r->object);
    r->object = NULL;
    r->has_object = false;
    fake_buf_clear(&r->headers);
    fake_buf_clear(&r->body);
    r->status = status;
    fake_reply_header(c, "Content-Type", "%s", type);
    fake_buf_add(&r->body, body, n);
}

static void
replace_text(struct fake_call *c, const char *type, const char *body)
{
    replace_body(c, c->fault.status ? c->fault.status : 200, type, body, strlen(body));
}

static void
play_error(struct fake_call *c)
{
    fake_buf_clear(&c->reply.detail);
    if (strcmp(c->fault.code, "RequestTimeTooSkewed") == 0)
        fake_xml_element(&c->reply.detail, "MaxAllowedSkewMilliseconds", "900000");
    fake_reply_error(c, c->fault.code, NULL);
    c->reply.status = c->fault.status;
}

static void
play_redirect(struct fake_call *c)
{
    fake_buf_clear(&c->reply.detail);
    if (*c->fault.location)
        fake_xml_element(&c->reply.detail, "Endpoint", c->fault.location);
    fake_reply_error(c, c->fault.status == 307 ? "TemporaryRedirect" : "PermanentRedirect",
                     NULL);
    c->reply.status = c->fault.status;
    if (*c->fault.location)
        fake_reply_header(c, "Location", "%s", c->fault.location);
}

static void
play_doctype(struct fake_call *c)
{
    struct fake_buf b = {0};
    fake_buf_puts(&b, FAKE_XML_HEAD "<!DOCTYPE r [<!ENTITY a0 \"lolololololololololol\">");
    for (int i = 1; i < 12; i++) {
        fake_buf_printf(&b, "<!ENTITY a%d \"", i);
        for (int k = 0; k < 10; k++)
            fake_buf_printf(&b, "&a%d;", i - 1);
        fake_buf_puts(&b, "\">");
    }
    fake_buf_puts(&b, "]><r>&a11;</r>");
    replace_text(c, "application/xml", b.data);
    fake_buf_free(&b);
}

static void
play_deep_xml(struct fake_call *c)
{
    struct fake_buf b = {0};
    for (int i = 0; i < 100000; i++)
        fake_buf_puts(&b, "<a>");
    replace_text(c, "application/xml", b.data);
    fake_buf_free(&b);
}

/* 1 GiB of zeros as gzip: fixed Huffman codes, one literal, then matches of 258 at distance 1,
 * whose 13 bits are the same for ever.  CRC and length are left out: nobody should get there.
 */
static void
play_gzip_bomb(struct fake_call *c)
{
    static const unsigned char start[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    struct fake_buf b = {0};
    uint32_t bits = 0;
    unsigned count = 0;
    fake_buf_add(&b, start, sizeof(start));
    /* final block, type 1; literal 0 is 00110000 */
    bits = 1 | 1 << 1 | 0x0c << 3;
    count = 11;
    for (int i = 0; i < 1 << 22; i++) {
        bits |= 0xa3u << count; /* 285 is 11000101, from the top; five zeros for distance 1 */
        count += 13;
        for (; count >= 8; count -= 8, bits >>= 8) {
            char byte = (char)bits;
            fake_buf_add(&b, &byte, 1);
        }
    }
    replace_body(c, 200, "application/xml", b.data, b.len);
    fake_reply_header(c, "Content-Encoding", "gzip");
    fake_buf_free(&b);
}

void
fake_play_replace(struct fake_call *c)
{
    switch (c->fault.play) {
    case FAKE_PLAY_ERROR:
        play_error(c);
        break;
    case FAKE_PLAY_OK_ERROR:
        play_error(c);
        c->reply.status = 200;
        break;
    case FAKE_PLAY_HTML:
        replace_text(c, "text/html",
                     "<html><head><title>Sign in</title></head><body><h1>Welcome to the "
                     "airport network</h1><br>Please accept our terms.</body></html>\n");
        break;
    case FAKE_PLAY_EMPTY:
        replace_text(c, "application/xml", "");
        break;
    case FAKE_PLAY_BAD_XML:
        replace_text(c, "application/xml", FAKE_XML_HEAD "<Result><Key>a</Kez></Result>");
        break;
    case FAKE_PLAY_DOCTYPE:
        play_doctype(c);
        break;
    case FAKE_PLAY_DEEP_XML:
        play_deep_xml(c);
        break;
    case FAKE_PLAY_CUT_XML:
        c->reply.body.len /= 2;
        break;
    case FAKE_PLAY_REDIRECT:
        play_redirect(c);
        break;
    case FAKE_PLAY_GZIP_BOMB:
        play_gzip_bomb(c);
        break;
    default:
        break;
    }
}

static void
repeat(struct fake_call *c, const char *first, const char *more)
{
    char block[8192];
    size_t n = strlen(more), filled = 0;
    while (filled + n <= sizeof(block)) {
        memcpy(block + filled, more, n);
        filled += n;
    }
    fake_conn_write(c->conn, first, strlen(first));
    for (uint64_t sent = 0; sent < ENDLESS_BYTES && !c->conn->dead; sent += filled)
        fake_conn_write(c->conn, block, filled);
}

static void
stall(struct fake_call *c)
{
    struct pollfd p = {.fd = c->conn->fd, .events = POLLRDHUP};
    while (!stopping(c) && poll(&p, 1, 100) == 0)
        continue;
}

bool
fake_play_stream(struct fake_call *c)
{
    switch (c->fault.play) {
    case FAKE_PLAY_STALL:
        stall(c);
        break;
    case FAKE_PLAY_GARBAGE:
        fake_conn_write(c->conn, "\x15\x03\x01\x00\x02\x02\x28 not HTTP\r\n\r\n", 20);
        break;
    case FAKE_PLAY_INFINITE_HEADERS:
        repeat(c, "HTTP/1.1 200 OK\r\n", "x-amz-meta-more: and more\r\n");
        break;
    case FAKE_PLAY_INFINITE_1XX:
        repeat(c, "", "HTTP/1.1 100 Continue\r\n\r\n");
        break;
    case FAKE_PLAY_INFINITE_BODY:
        repeat(c,
               "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n"
               "<?xml version=\"1.0\"?><ListBucketResult>",
               "<Contents><Key>k</Key></Contents>");
        break;
    default:
        return false;
    }
    c->close = true;
    return true;
}
