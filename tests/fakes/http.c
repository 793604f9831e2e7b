#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "http.h"
#include "text.h"

const char *
fake_http_header(const struct fake_request *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strcmp(r->header[i].name, name) == 0)
            return r->header[i].value;
    return NULL;
}

const char *
fake_http_param(const struct fake_request *r, const char *name)
{
    for (size_t i = 0; i < r->param_count; i++)
        if (strcmp(r->param[i].name, name) == 0)
            return r->param[i].value;
    return NULL;
}

void
fake_http_free(struct fake_request *r)
{
    for (size_t i = 0; i < r->param_count; i++) {
        free(r->param[i].name);
        free(r->param[i].value);
    }
    free(r->path);
    free(r->head);
    *r = (struct fake_request){0};
}

static char *
decoded(const char *s, size_t n)
{
    struct fake_buf out = {0};
    if (fake_text_unpercent(&out, s, n, FAKE_PLUS_SPACE) == 0)
        return fake_buf_take(&out);
    fake_buf_free(&out);
    return NULL;
}

static int
parse_query(struct fake_request *r)
{
    for (const char *p = r->query; *p;) {
        size_t n = strcspn(p, "&");
        size_t name_len = strcspn(p, "=&");
        if (n > 0) {
            if (r->param_count == FAKE_HTTP_PARAMS)
                return -1;
            struct fake_param *q = &r->param[r->param_count];
            q->name = decoded(p, name_len);
            q->value =
                name_len < n ? decoded(p + name_len + 1, n - name_len - 1) : fake_strdup("");
            r->param_count++;
            if (!q->name || !q->value)
                return -1;
        }
        p += n + (p[n] == '&');
    }
    return 0;
}

static int
parse_request_line(struct fake_request *r, char *line)
{
    char *space = strchr(line, ' ');
    char *last = strrchr(line, ' ');
    if (!space || space == last || strcmp(last, " HTTP/1.1") != 0)
        return -1;
    *space = *last = 0;
    r->method = line;
    r->target = space + 1;
    if (r->target[0] != '/' || strpbrk(r->target, " #"))
        return -1;
    for (const char *p = r->target; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return -1; /* an unescaped byte cannot be part of a URI */
    r->path = fake_strdup(r->target);
    char *mark = strchr(r->path, '?');
    if (mark)
        *mark = 0;
    r->query = mark ? r->target + (mark - r->path) + 1 : (char *)"";
    return 0;
}

static int
parse_header(struct fake_request *r, char *line)
{
    char *colon = strchr(line, ':');
    if (r->header_count == FAKE_HTTP_HEADERS || !colon || colon == line)
        return -1;
    *colon = 0;
    for (char *p = line; *p; p++) {
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
            return -1;
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p + 32);
    }
    char *value = colon + 1 + strspn(colon + 1, " \t");
    size_t n = strlen(value);
    while (n && (value[n - 1] == ' ' || value[n - 1] == '\t'))
        value[--n] = 0;
    r->header[r->header_count++] = (struct fake_header){line, value};
    return 0;
}

/* A second Content-Length or Host, or length together with chunked, is how requests are
 * smuggled: refused. */
static int
check_framing(struct fake_request *r)
{
    size_t lengths = 0, hosts = 0;
    for (size_t i = 0; i < r->header_count; i++) {
        lengths += strcmp(r->header[i].name, "content-length") == 0;
        hosts += strcmp(r->header[i].name, "host") == 0;
    }
    const char *length = fake_http_header(r, "content-length");
    r->chunked = fake_http_header(r, "transfer-encoding") != NULL;
    if (hosts != 1 || lengths > 1 || (lengths && r->chunked))
        return -1;
    if (length && fake_text_uint(length, UINT64_MAX / 2, &r->length) != 0)
        return -1;
    r->has_length = length != NULL;
    const char *connection = fake_http_header(r, "connection");
    r->keep_alive = !connection || strcasecmp(connection, "close") != 0;
    return 0;
}

enum fake_http_result
fake_http_parse(const char *head, size_t n, struct fake_request *r)
{
    if (memchr(head, 0, n))
        return FAKE_HTTP_BAD;
    struct fake_buf copy = {0};
    fake_buf_add(&copy, head, n);
    r->head = fake_buf_take(&copy);
    char *line = r->head;
    for (int i = 0;; i++) {
        char *end = strstr(line, "\r\n");
        if (!end || memchr(line, '\n', (size_t)(end - line)))
            return FAKE_HTTP_BAD;
        *end = 0;
        if (end == line)
            break;
        if ((i == 0 ? parse_request_line(r, line) : parse_header(r, line)) != 0)
            return FAKE_HTTP_BAD;
        line = end + 2;
    }
    if (!r->method || parse_query(r) != 0 || check_framing(r) != 0)
        return FAKE_HTTP_BAD;
    return FAKE_HTTP_OK;
}

enum fake_http_result
fake_http_read(struct fake_conn *c, struct fake_request *r)
{
    *r = (struct fake_request){0};
    for (;;) {
        const char *start = c->in + c->in_pos;
        size_t have = c->in_len - c->in_pos;
        const char *end = memmem(start, have, "\r\n\r\n", 4);
        if (end) {
            size_t n = (size_t)(end - start) + 4;
            c->in_pos += n;
            return n > FAKE_HTTP_HEAD_BYTES ? FAKE_HTTP_TOO_LARGE
                                            : fake_http_parse(start, n, r);
        }
        if (have > FAKE_HTTP_HEAD_BYTES)
            return FAKE_HTTP_TOO_LARGE;
        if (fake_conn_fill(c) <= 0)
            return have ? FAKE_HTTP_BAD : FAKE_HTTP_END;
    }
}
