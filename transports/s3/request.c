#include "s3/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/handle.h"
#include "s3/judge.h"
#include "s3/learn.h"
#include "s3/reply.h"
#include "s3/time.h"
#include "s3/uri.h"

/* ---- build ---- */

void
weir_s3_request_begin(struct weir_s3 *s, enum weir_s3_method method, const char *operation,
                      const char *key)
{
    struct weir_s3_request *r = &s->request;
    r->operation = operation;
    r->key = key;
    r->call = (struct weir_s3_call){.method = method};
    r->mutating = method != WEIR_S3_GET && method != WEIR_S3_HEAD;
    r->sign_body = false;
    r->flaw = NULL;
    r->query_count = r->header_count = r->names_used = 0;
}

void
weir_s3_request_free(struct weir_s3_request *r)
{
    weir_s3_text_free(&r->path);
    weir_s3_text_free(&r->query_text);
    weir_s3_text_free(&r->target);
    weir_s3_text_free(&r->authorization);
    weir_s3_text_free(&r->lines);
}

static void
flaw(struct weir_s3_request *r, enum weir_code code, const char *why)
{
    if (r->flaw == NULL) {
        r->flaw = why;
        r->flaw_code = code;
    }
}

void
weir_s3_request_query(struct weir_s3 *s, const char *name, const char *value)
{
    struct weir_s3_request *r = &s->request;
    if (r->query_count == WEIR_S3_QUERY_MAX) {
        flaw(r, WEIR_E_BUG, "too many query parameters");
        return;
    }
    size_t i = r->query_count++; /* sorted by name, as the signature wants it */
    for (; i > 0 && strcmp(r->query[i - 1].name, name) > 0; i--)
        r->query[i] = r->query[i - 1];
    r->query[i] = (struct weir_s3_header){name, value};
}

void
weir_s3_request_header(struct weir_s3 *s, const char *name, const char *value)
{
    struct weir_s3_request *r = &s->request;
    if (r->header_count == WEIR_S3_HEADERS_MAX - 8) { /* room for those that send adds */
        flaw(r, WEIR_E_LIMIT, "too many headers; give the object less metadata");
        return;
    }
    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            flaw(r, WEIR_E_CONFIG, "a header value holds a control byte or is not ASCII");
    r->headers[r->header_count++] = (struct weir_s3_header){name, value};
}

void
weir_s3_request_meta(struct weir_s3 *s, const char *name, const char *value)
{
    static const char prefix[] = "x-amz-meta-";
    struct weir_s3_request *r = &s->request;
    size_t bytes = strlen(name);
    if (bytes == 0 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != bytes) {
        flaw(r, WEIR_E_CONFIG, "a metadata name holds other bytes than a-z 0-9 - _ .");
        return;
    }
    if (sizeof(prefix) + bytes > sizeof(r->names) - r->names_used) {
        flaw(r, WEIR_E_LIMIT, "the names of the metadata are too long");
        return;
    }
    char *full = r->names + r->names_used;
    memcpy(full, prefix, sizeof(prefix) - 1);
    memcpy(full + sizeof(prefix) - 1, name, bytes + 1);
    r->names_used += sizeof(prefix) + bytes;
    weir_s3_request_header(s, full, value);
}

static void
build_query(struct weir_s3_text *t, const struct weir_s3_request *r, bool canonical)
{
    for (size_t i = 0; i < r->query_count; i++) {
        const char *value = r->query[i].value;
        if (i > 0)
            weir_s3_text_char(t, '&');
        weir_s3_text_add(t, r->query[i].name);
        if (canonical || value[0] != '\0') /* sent as "?uploads", signed as "uploads=" */
            weir_s3_text_char(t, '=');
        weir_s3_uri_encode(t, value, false);
    }
}

static void
build_target(struct weir_s3 *s)
{
    struct weir_s3_request *r = &s->request;
    weir_s3_text_reset(&r->path);
    weir_s3_text_add(&r->path, s->endpoint.path);
    if (r->key != NULL || s->endpoint.path[0] == '\0')
        weir_s3_text_char(&r->path, '/');
    if (r->key != NULL) {
        weir_s3_uri_encode(&r->path, s->shared->prefix, true);
        weir_s3_uri_encode(&r->path, r->key, true);
    }
    weir_s3_text_reset(&r->query_text);
    build_query(&r->query_text, r, true);
    weir_s3_text_reset(&r->target);
    weir_s3_text_append(&r->target, r->path.data, r->path.used);
    if (r->query_count > 0) {
        weir_s3_text_char(&r->target, '?');
        build_query(&r->target, r, false);
    }
}

/* ---- sign ---- */

static int
hash_body(struct weir_s3 *s, struct weir_err *err)
{
    struct weir_s3_request *r = &s->request;
    if (r->call.body_bytes == 0)
        memcpy(r->payload, WEIR_S3_EMPTY_SHA256, sizeof(r->payload));
    else if (!r->sign_body)
        memcpy(r->payload, WEIR_S3_UNSIGNED, sizeof(WEIR_S3_UNSIGNED));
    else
        return weir_s3_sigv4_sha256(s->signer, r->call.body, r->call.body_bytes, r->payload,
                                    err);
    return 0;
}

static void
sort_headers(struct weir_s3_request *r, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        size_t i = n;
        for (; i > 0 && strcmp(r->sorted[i - 1]->name, r->headers[n].name) > 0; i--)
            r->sorted[i] = r->sorted[i - 1];
        r->sorted[i] = &r->headers[n];
    }
}

/* Adds the headers that every request has, behind those of the operation; returns how many
 * there are together. */
static size_t
common_headers(struct weir_s3 *s, int64_t now_s)
{
    struct weir_s3_request *r = &s->request;
    const struct weir_s3_shared *shared = s->shared;
    const char *owner = shared->options.destination->expected_owner;
    size_t n = r->header_count;
    weir_s3_time_amz(now_s, r->amz_date);
    r->headers[n++] = (struct weir_s3_header){"host", s->endpoint.host};
    r->headers[n++] = (struct weir_s3_header){"x-amz-content-sha256", r->payload};
    r->headers[n++] = (struct weir_s3_header){"x-amz-date", r->amz_date};
    if (shared->credentials.session_token[0] != '\0')
        r->headers[n++] =
            (struct weir_s3_header){"x-amz-security-token", shared->credentials.session_token};
    if (owner != NULL)
        r->headers[n++] = (struct weir_s3_header){"x-amz-expected-bucket-owner", owner};
    return n;
}

/* Writes the header lines and chains them up for libcurl, which borrows them. */
static void
chain_lines(struct weir_s3_request *r, size_t count)
{
    /* "Expect:" and "Content-Type:" without value: libcurl's own are not sent */
    static char no_expect[] = "Expect:", no_type[] = "Content-Type:";
    bool typed = false;
    weir_s3_text_reset(&r->lines);
    for (size_t i = 0; i < count; i++) {
        const struct weir_s3_header *h = &r->headers[i];
        typed = typed || strcmp(h->name, "content-type") == 0;
        r->line_at[i] = r->lines.used;
        weir_s3_text_add(&r->lines, h->name);
        weir_s3_text_add(&r->lines, h->value[0] == '\0' ? ";" : ": "); /* libcurl's notation */
        weir_s3_text_add(&r->lines, h->value);
        weir_s3_text_char(&r->lines, '\0');
    }
    r->line_at[count] = r->lines.used;
    weir_s3_text_add(&r->lines, "authorization: ");
    weir_s3_text_append(&r->lines, r->authorization.data, r->authorization.used);
    if (r->lines.failed)
        return;
    size_t n = 0;
    for (; n <= count; n++)
        r->nodes[n].data = r->lines.data + r->line_at[n];
    r->nodes[n++].data = no_expect;
    if (!typed)
        r->nodes[n++].data = no_type;
    for (size_t i = 0; i + 1 < n; i++)
        r->nodes[i].next = &r->nodes[i + 1];
    r->nodes[n - 1].next = NULL;
    r->call.headers = r->nodes;
}

static int
sign(struct weir_s3 *s, struct weir_err *err)
{
    struct weir_s3_request *r = &s->request;
    const struct weir_s3_credentials *c = &s->shared->credentials;
    r->skew_s = atomic_load(&s->shared->skew_s);
    size_t count = common_headers(s, weir_s3_learn_wall_s(s) + r->skew_s);
    sort_headers(r, count);
    if (r->path.failed || r->query_text.failed || r->target.failed)
        return weir_err_set(err, WEIR_E_NOMEM, "request");
    struct weir_s3_sigv4_request q = {
        .method = weir_s3_response_method(r->call.method),
        .path = weir_s3_text_get(&r->path),
        .query = weir_s3_text_get(&r->query_text),
        .headers = r->sorted,
        .header_count = count,
        .payload = r->payload,
        .amz_date = r->amz_date,
        .region = s->region,
        .access_key = c->access_key,
        .secret_key = c->secret_key,
    };
    weir_s3_text_reset(&r->authorization);
    if (weir_s3_sigv4_sign(s->signer, &q, &r->authorization, err) != 0)
        return -1;
    chain_lines(r, count);
    return r->lines.failed ? weir_err_set(err, WEIR_E_NOMEM, "request headers") : 0;
}

/* ---- send ---- */

static int
attempt(struct weir_s3 *s, struct weir_err *err)
{
    struct weir_s3_request *r = &s->request;
    weir_s3_learn_refresh(s);
    build_target(s);
    if (sign(s, err) != 0)
        return -1;
    r->call.origin = s->endpoint.origin;
    r->call.target = weir_s3_text_get(&r->target);
    CURLcode rc = weir_s3_session_perform(&s->session, &r->call);
    if (rc == CURLE_OK)
        return 0;
    weir_s3_session_fail(&s->session, rc, r->mutating, err);
    return weir_s3_judge_frame(s, err);
}

int
weir_s3_request_send(struct weir_s3 *s, struct weir_err *err)
{
    struct weir_s3_request *r = &s->request;
    const struct weir_s3_response *a = &s->session.response;
    bool skew_learned = false, region_learned = false;
    if (r->flaw != NULL) {
        weir_err_set(err, r->flaw_code, "%s", r->flaw);
        return weir_s3_judge_frame(s, err);
    }
    if (hash_body(s, err) != 0)
        return -1;
    for (;;) {
        struct weir_s3_error_reply e = {0};
        if (attempt(s, err) != 0)
            return -1;
        if (a->status >= 200 && a->status < 300)
            return 0;
        if (a->body.used > 0)
            (void)weir_s3_reply_error(weir_s3_text_get(&a->body), a->body.used, &e, NULL);
        if (!region_learned && weir_s3_learn_region(s, &e))
            region_learned = true;
        else if (!skew_learned && weir_s3_learn_skew(s, &e))
            skew_learned = true;
        else
            return weir_s3_judge_reply(s, a->status, &e, err);
    }
}
