#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "play.h"
#include "reply.h"
#include "text.h"
#include "xml.h"

void
fake_reply_header(struct fake_call *c, const char *name, const char *fmt, ...)
{
    char value[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(value, sizeof(value), fmt, args);
    va_end(args);
    fake_buf_printf(&c->reply.headers, "%s: %s\r\n", name, value);
}

int
fake_reply_error(struct fake_call *c, const char *code, const char *message)
{
    const struct fake_error *e = fake_errors_find(code);
    struct fake_reply *r = &c->reply;
    fake_object_unref(r->object);
    r->object = NULL;
    r->has_object = false;
    fake_buf_clear(&r->headers);
    fake_buf_clear(&r->body);
    r->status = e ? e->status : 500;
    if (r->status == 304)
        return -1;
    fake_reply_header(c, "Content-Type", "application/xml");
    fake_buf_puts(&r->body, FAKE_XML_HEAD "<Error>");
    fake_xml_element(&r->body, "Code", code);
    fake_xml_element(&r->body, "Message", message ? message : e ? e->message : code);
    if (*c->bucket)
        fake_xml_element(&r->body, "BucketName", c->bucket);
    if (*c->key && fake_text_utf8_ok(c->key))
        fake_xml_element(&r->body, "Key", c->key);
    fake_buf_puts(&r->body, fake_buf_text(&r->detail));
    fake_buf_printf(
        &r->body, "<RequestId>%016" PRIX64 "</RequestId><HostId>fake</HostId></Error>", c->id);
    return -1;
}

struct fake_buf *
fake_reply_xml(struct fake_call *c)
{
    c->reply.status = 200;
    fake_reply_header(c, "Content-Type", "application/xml");
    fake_buf_puts(&c->reply.body, FAKE_XML_HEAD);
    return &c->reply.body;
}

void
fake_reply_free(struct fake_reply *r)
{
    fake_object_unref(r->object);
    fake_buf_free(&r->headers);
    fake_buf_free(&r->body);
    fake_buf_free(&r->detail);
    *r = (struct fake_reply){0};
}

/* Another digit in a value that the client is going to compare. */
static void
falsify(struct fake_buf *head, const char *name)
{
    char *at = head->data ? strcasestr(head->data, name) : NULL;
    char *colon = at ? strstr(at, ": ") : NULL;
    if (!colon)
        return;
    char *p = colon + 2 + (colon[2] == '"');
    *p = *p == '0' ? '1' : '0';
}

static void
falsify_element(struct fake_buf *body, const char *open)
{
    char *at = body->data ? strstr(body->data, open) : NULL;
    char *p = at ? strchr(at, '>') + 1 : NULL;
    if (p && strncmp(p, "&quot;", 6) == 0)
        p += 6;
    if (p && *p != '<')
        *p = *p == '0' ? '1' : '0';
}

static void
apply_lies(struct fake_call *c)
{
    if (c->fault.wrong_checksum) {
        falsify(&c->reply.headers, "x-amz-checksum-c");
        falsify(&c->reply.headers, "x-amz-checksum-s");
        falsify_element(&c->reply.body, "<ChecksumC");
        falsify_element(&c->reply.body, "<ChecksumS");
    }
    if (c->fault.wrong_etag) {
        falsify(&c->reply.headers, "ETag");
        falsify_element(&c->reply.body, "<ETag>");
    }
}

static uint64_t
body_bytes(const struct fake_call *c)
{
    return c->reply.has_object ? c->reply.bytes : c->reply.body.len;
}

static bool
has_body(const struct fake_call *c)
{
    return strcmp(c->req.method, "HEAD") != 0 && c->reply.status != 204 &&
           c->reply.status != 304;
}

static bool
sends_chunks(const struct fake_call *c)
{
    return c->fault.chunked && has_body(c) && !c->reply.has_object;
}

static void
make_head(struct fake_call *c, struct fake_buf *head)
{
    char date[40];
    const struct fake_reply *r = &c->reply;
    fake_text_http_date(fake_server_now_ms(c->server), date);
    fake_buf_printf(head,
                    "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: weir-fake\r\nx-amz-request-id: "
                    "%016" PRIX64 "\r\nx-amz-id-2: fake\r\n%s%s",
                    r->status, fake_errors_reason(r->status), date, c->id,
                    fake_buf_text(&r->headers), c->fault.headers);
    /* the reply to a failed HEAD has no length that would mean anything */
    if (sends_chunks(c))
        fake_buf_puts(head, "Transfer-Encoding: chunked\r\n");
    else if (has_body(c) || (r->status < 300 && r->status != 204))
        fake_buf_printf(head, "Content-Length: %" PRIu64 "\r\n", body_bytes(c));
    if (c->close && c->fault.close != FAKE_CLOSE_SILENT)
        fake_buf_puts(head, "Connection: close\r\n");
    fake_buf_puts(head, "\r\n");
}

/* How much goes out before the fault cuts the reply. */
static uint64_t
cut_at(const struct fake_call *c)
{
    uint64_t cut = c->fault.truncate_bytes;
    return c->fault.reset_reply_bytes < cut ? c->fault.reset_reply_bytes : cut;
}

static void
pace(const struct fake_call *c, uint64_t done, uint64_t total, size_t n)
{
    if (c->fault.delay_body_ms && done <= total / 2 && done + n > total / 2)
        fake_play_sleep(c, c->fault.delay_body_ms);
    if (c->fault.bytes_per_s)
        fake_play_sleep(c, (uint32_t)(n * 1000 / c->fault.bytes_per_s));
}

static size_t
step_bytes(const struct fake_call *c)
{
    uint64_t rate = c->fault.bytes_per_s;
    if (rate)
        return rate < 20 ? 1 : rate / 20 < 65536 ? (size_t)(rate / 20) : 65536;
    return c->fault.delay_body_ms ? 1024 : 1 << 18;
}

static void
send_body(struct fake_call *c, uint64_t total)
{
    uint64_t end = cut_at(c) < total ? cut_at(c) : total;
    size_t room = step_bytes(c);
    char *bytes = c->reply.has_object ? fake_alloc(room < end ? room : (size_t)end) : NULL;
    for (uint64_t at = 0; at < end && !c->conn->dead;) {
        size_t n = end - at < room ? (size_t)(end - at) : room;
        const char *p = fake_buf_text(&c->reply.body) + at;
        if (c->reply.has_object) {
            if (fake_data_read(&c->reply.object->data, c->reply.offset + at, bytes, n) != 0)
                fake_conn_reset(c->conn);
            p = bytes;
        }
        pace(c, at, total, n);
        fake_conn_write(c->conn, p, n);
        at += n;
    }
    free(bytes);
}

static void
send_chunk(struct fake_call *c, const char *bytes, size_t n)
{
    char size[32];
    snprintf(size, sizeof(size), "%zx\r\n", n);
    fake_conn_write(c->conn, size, strlen(size));
    fake_conn_write(c->conn, bytes, n);
    fake_conn_write(c->conn, "\r\n", 2);
}

/* A slow Complete or Copy of S3: the declaration at once, blanks while it works, the result. */
static void
send_chunks(struct fake_call *c)
{
    const char *body = fake_buf_text(&c->reply.body);
    const char *end = strstr(body, "?>");
    size_t first = end ? (size_t)(end - body) + 2 : 0;
    if (first)
        send_chunk(c, body, first);
    for (uint32_t ms = 0; first && ms < c->fault.spaces_ms && !c->conn->dead; ms += 50) {
        fake_play_sleep(c, 50);
        send_chunk(c, " ", 1);
    }
    if (c->reply.body.len > first)
        send_chunk(c, body + first, c->reply.body.len - first);
    fake_conn_write(c->conn, "0\r\n\r\n", 5);
}

static void
send_message(struct fake_call *c, struct fake_buf *head, uint64_t total)
{
    bool whole = !c->reply.has_object && total <= 65536 && cut_at(c) == FAKE_NO_LIMIT &&
                 !c->fault.delay_body_ms && !c->fault.bytes_per_s && !sends_chunks(c);
    if (whole) /* one packet for head and body */
        fake_buf_add(head, c->reply.body.data, (size_t)total);
    fake_conn_write(c->conn, head->data, head->len);
    if (sends_chunks(c))
        send_chunks(c);
    else if (!whole)
        send_body(c, total);
    if (c->fault.reset_reply_bytes != FAKE_NO_LIMIT)
        fake_conn_reset(c->conn);
    else if (cut_at(c) < total)
        c->close = true;
}

void
fake_reply_send(struct fake_call *c)
{
    struct fake_reply *r = &c->reply;
    struct fake_buf head = {0};
    fake_play_replace(c);
    apply_lies(c);
    c->close = c->close || c->fault.close != FAKE_CLOSE_NO;
    uint64_t total = has_body(c) ? body_bytes(c) : 0;
    make_head(c, &head);
    fake_accesslog_add(&c->server->log, c, c->fault.reset == FAKE_RESET_AFTER ? 0 : r->status,
                       total);
    if (c->fault.delay_reply_ms)
        fake_play_sleep(c, c->fault.delay_reply_ms);
    if (c->fault.reset == FAKE_RESET_AFTER)
        fake_conn_reset(c->conn);
    else if (!fake_play_stream(c))
        send_message(c, &head, total);
    fake_buf_free(&head);
}
