#include "s3/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPLOAD_BUFFER_BYTES (256L * 1024) /* measured: 64 costs more, 1024 gains nothing */
#define RECEIVE_BUFFER_BYTES (64L * 1024)
#define NO_STALL_TIMEOUT_MS (30L * 60 * 1000)

/* ---- what libcurl calls ---- */

static size_t
on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct weir_s3_session *s = ctx;
    return weir_s3_response_header(&s->response, line, size * count) ? size * count : 0;
}

static size_t
on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct weir_s3_session *s = ctx;
    return weir_s3_response_body(&s->response, s->call, data, size * count);
}

static int
on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
            curl_off_t up)
{
    struct weir_s3_session *s = ctx;
    (void)down_total, (void)down, (void)up_total, (void)up;
    return weir_cancel_get(s->cancel) >= WEIR_CANCEL_NOW;
}

/* Called before each sending on a connection.  libcurl by itself sends a request again when a
 * kept connection turns out dead; what must not be sent twice stops here. */
static int
on_send(void *ctx, char *server_ip, char *own_ip, int server_port, int own_port)
{
    struct weir_s3_session *s = ctx;
    (void)server_ip, (void)own_ip, (void)server_port, (void)own_port;
    return ++s->sends > 1 && s->call->once ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- the handle ---- */

/* Sets what stays for the life of the handle; returns false when libcurl refuses. */
static bool
set_transfer_options(struct weir_s3_session *s, const struct weir_s3_session_options *o)
{
    CURL *c = s->curl;
    bool ok = true;
#define SET(option, value) (ok &= curl_easy_setopt(c, option, value) == CURLE_OK)
    SET(CURLOPT_ERRORBUFFER, s->error);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (o->ca_file != NULL)
        SET(CURLOPT_CAINFO, o->ca_file);
    SET(CURLOPT_CONNECTTIMEOUT_MS, o->connect_timeout_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_MAXCONNECTS, 2L);
    SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER_BYTES);
    SET(CURLOPT_BUFFERSIZE, RECEIVE_BUFFER_BYTES);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFODATA, s);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_PREREQDATA, s);
    SET(CURLOPT_PREREQFUNCTION, on_send);
    SET(CURLOPT_HEADERDATA, s);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_WRITEDATA, s);
    SET(CURLOPT_WRITEFUNCTION, on_body);
#undef SET
    return ok;
}

int
weir_s3_session_init(struct weir_s3_session *s, const struct weir_s3_session_options *o,
                     struct weir_err *err)
{
    memset(s, 0, sizeof(*s));
    s->cancel = o->cancel;
    s->counters = o->counters;
    s->stall_timeout_s = o->stall_timeout_s;
    s->curl = curl_easy_init();
    if (s->curl == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "HTTP session");
    if (!set_transfer_options(s, o)) {
        weir_s3_session_fini(s);
        return weir_err_set(err, WEIR_E_BUG, "libcurl refuses an option of the HTTP session");
    }
    return 0;
}

void
weir_s3_session_fini(struct weir_s3_session *s)
{
    curl_easy_cleanup(s->curl);
    s->curl = NULL;
    weir_s3_text_free(&s->response.body);
}

/* Sets the handle to a method.  A PUT is a POST with another verb: libcurl then sends header
 * and a small body with one system call, and needs no read callback. */
static CURLcode
set_method(struct weir_s3_session *s, enum weir_s3_method m)
{
    CURLcode rc = CURLE_OK;
    if (s->method_known && s->method == m)
        return CURLE_OK;
    s->method_known = false;
    if (m == WEIR_S3_HEAD)
        rc = curl_easy_setopt(s->curl, CURLOPT_NOBODY, 1L);
    else if (m == WEIR_S3_PUT || m == WEIR_S3_POST)
        rc = curl_easy_setopt(s->curl, CURLOPT_POST, 1L);
    else
        rc = curl_easy_setopt(s->curl, CURLOPT_HTTPGET, 1L);
    const char *verb = m == WEIR_S3_PUT ? "PUT" : m == WEIR_S3_DELETE ? "DELETE" : NULL;
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, verb);
    s->method = m;
    s->method_known = rc == CURLE_OK;
    return rc;
}

static CURLcode
set_stall(struct weir_s3_session *s, bool no_stall)
{
    if (s->stall_known && s->no_stall == no_stall)
        return CURLE_OK;
    s->no_stall = no_stall;
    s->stall_known = true;
    CURLcode rc =
        curl_easy_setopt(s->curl, CURLOPT_LOW_SPEED_TIME, no_stall ? 0L : s->stall_timeout_s);
    return rc != CURLE_OK ? rc
                          : curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS,
                                             no_stall ? NO_STALL_TIMEOUT_MS : 0L);
}

static CURLcode
set_call(struct weir_s3_session *s, const struct weir_s3_call *call)
{
    CURLcode rc = set_method(s, call->method);
    if (rc == CURLE_OK)
        rc = set_stall(s, call->no_stall);
    if (rc == CURLE_OK && strcmp(s->origin, call->origin) != 0) {
        rc = curl_easy_setopt(s->curl, CURLOPT_URL, call->origin);
        (void)snprintf(s->origin, sizeof(s->origin), "%s", call->origin);
    }
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(s->curl, CURLOPT_REQUEST_TARGET, call->target);
    if (rc == CURLE_OK)
        rc = curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, call->headers);
    if (rc != CURLE_OK || (call->method != WEIR_S3_PUT && call->method != WEIR_S3_POST))
        return rc;
    rc = curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_bytes);
    return rc != CURLE_OK ? rc
                          : curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS,
                                             call->body_bytes == 0 ? "" : call->body);
}

static void
count(struct weir_s3_session *s, const struct weir_s3_call *call)
{
    struct weir_transport_counters *c = s->counters;
    long connects = 0;
    curl_off_t sent = 0;
    if (c == NULL)
        return;
    atomic_fetch_add_explicit(&c->requests, 1, memory_order_relaxed);
    if (curl_easy_getinfo(s->curl, CURLINFO_NUM_CONNECTS, &connects) == CURLE_OK &&
        connects > 0)
        atomic_fetch_add_explicit(&c->connections, (unsigned long)connects,
                                  memory_order_relaxed);
    if (call->method == WEIR_S3_PUT &&
        curl_easy_getinfo(s->curl, CURLINFO_SIZE_UPLOAD_T, &sent) == CURLE_OK && sent > 0)
        atomic_fetch_add_explicit(&c->bytes_sent, (unsigned long)sent, memory_order_relaxed);
}

CURLcode
weir_s3_session_perform(struct weir_s3_session *s, const struct weir_s3_call *call)
{
    weir_s3_response_reset(&s->response);
    s->error[0] = '\0';
    s->sends = 0;
    s->call = call;
    if (weir_cancel_get(s->cancel) >= WEIR_CANCEL_NOW)
        return CURLE_ABORTED_BY_CALLBACK;
    CURLcode rc = set_call(s, call);
    if (rc == CURLE_OK) {
        rc = curl_easy_perform(s->curl);
        count(s, call);
        if (rc == CURLE_OK && !s->response.header_ended) {
            (void)snprintf(s->error, sizeof(s->error), "the reply ends within its header");
            rc = CURLE_PARTIAL_FILE;
        }
    }
    s->call = NULL;
    return rc;
}

/* ---- when no reply came ---- */

static enum weir_code
code_of(CURLcode code)
{
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return WEIR_E_NOMEM;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return WEIR_E_TLS;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_INTERFACE_FAILED:
    case CURLE_AGAIN:
        return WEIR_E_NETWORK;
    case CURLE_ABORTED_BY_CALLBACK:
        return WEIR_E_CANCELLED;
    case CURLE_WRITE_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9: anything that is not HTTP */
    case CURLE_HTTP2:
        return WEIR_E_PROTOCOL;
    default:
        return WEIR_E_BUG;
    }
}

/* A handshake fails because the peer refuses, which stays so, or because the connection breaks.
 * libcurl has one code for both and tells them apart in its text only. */
static bool
broke_in_handshake(const struct weir_s3_session *s, CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR && (strstr(s->error, "SSL_connect:") != NULL ||
                                               strstr(s->error, "unexpected eof") != NULL);
}

static const char *
advice_on(enum weir_code weir, CURLcode code)
{
    if (weir == WEIR_E_NETWORK && code == CURLE_SSL_CONNECT_ERROR)
        return "";
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "; check destination.endpoint, the region and the name service";
    case CURLE_COULDNT_CONNECT:
        return "; is the endpoint up, and the port right?";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "; for an authority of your own set destination.ca_file";
    case CURLE_SSL_CACERT_BADFILE:
        return "; destination.ca_file or AWS_CA_BUNDLE must be a PEM file";
    case CURLE_SSL_CONNECT_ERROR:
        return "; does the endpoint speak HTTPS on this port?";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return "; is this an S3 endpoint, and http:// or https:// right?";
    default:
        return "";
    }
}

int
weir_s3_session_fail(const struct weir_s3_session *s, CURLcode code, bool mutating,
                     struct weir_err *err)
{
    const struct weir_s3_response *r = &s->response;
    bool cancelled = weir_cancel_get(s->cancel) >= WEIR_CANCEL_NOW;
    enum weir_code weir = code_of(code);
    const char *text = s->error[0] != '\0' ? s->error : curl_easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK && s->sends > 1 && !cancelled) {
        weir = WEIR_E_NETWORK; /* on_send refused a second sending */
        text = "the server closed the connection before it replied";
    } else if (weir == WEIR_E_CANCELLED) {
        text = "stopped";
    } else if (broke_in_handshake(s, code)) {
        weir = WEIR_E_NETWORK;
    } else if (r->why != NULL) {
        text = r->why;
        if (r->by_reader)
            weir = WEIR_E_CANCELLED;
    }
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_set(err, weir, "%s%s", text, advice_on(weir, code));
    err->http_status = r->status;
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s", r->request_id);
    err->outcome_unknown = mutating && s->sends > 0;
    err->retryable = weir == WEIR_E_NETWORK;
    if (weir == WEIR_E_TLS)
        err->scope = WEIR_SCOPE_RUN;
    return -1;
}
