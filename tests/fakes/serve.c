#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "admin.h"
#include "body.h"
#include "framing.h"
#include "play.h"
#include "reply.h"
#include "route.h"
#include "serve.h"

static void
pick_fault(struct fake_call *c)
{
    struct fake_server *s = c->server;
    struct fake_what what = {.op = fake_route_name(c->op),
                             .bucket = c->bucket,
                             .key = c->key,
                             .query = c->req.query,
                             .part = c->part_number};
    pthread_mutex_lock(&s->script_lock);
    if (s->script)
        fake_script_pick(s->script, &what, &c->fault);
    pthread_mutex_unlock(&s->script_lock);
    c->lenient |= c->fault.lenient;
}

/* With a copy of the credentials, which a test may change meanwhile. */
static int
verify(struct fake_call *c)
{
    struct fake_server *s = c->server;
    pthread_mutex_lock(&s->script_lock);
    char *access = fake_strdup(s->creds.access_key), *secret = fake_strdup(s->creds.secret_key);
    char *token = s->creds.session_token ? fake_strdup(s->creds.session_token) : NULL;
    pthread_mutex_unlock(&s->script_lock);
    struct fake_creds creds = {access, secret, token, s->creds.region};
    int rc = fake_sigv4_verify(&c->req, &creds, c->now_ms / 1000, &c->auth);
    free(access);
    free(secret);
    free(token);
    return rc;
}

static int
authenticate(struct fake_call *c)
{
    const struct fake_options *opt = &c->server->opt;
    if (c->lenient & FAKE_LENIENT_SIGNATURE) {
        const char *hash = fake_http_header(&c->req, "x-amz-content-sha256");
        c->auth.payload = hash && strcmp(hash, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") == 0
                              ? FAKE_PAYLOAD_TRAILER
                              : FAKE_PAYLOAD_UNSIGNED;
        return 0;
    }
    if (verify(c) == 0)
        return 0;
    fake_buf_puts(&c->reply.detail, fake_buf_text(&c->auth.detail));
    bool region = strstr(fake_buf_text(&c->auth.detail), "<Region>") != NULL;
    if (region && opt->region_redirect)
        fake_reply_error(c, "PermanentRedirect", NULL);
    else
        fake_reply_error(c, c->auth.code, c->auth.message);
    if (region)
        fake_reply_header(c, "x-amz-bucket-region", "%s", opt->creds.region);
    return -1;
}

/* Up to the reply.  The checks come before the fault, so that a fault never hides that a
 * request was wrong. */
static void
handle(struct fake_call *c)
{
    int rc = fake_route_find(c);
    if (rc == 0)
        rc = authenticate(c);
    if (rc != 0)
        return;
    pick_fault(c);
    if (c->fault.reset == FAKE_RESET_BEFORE) {
        fake_accesslog_add(&c->server->log, c, 0, 0);
        fake_conn_reset(c->conn);
        return;
    }
    if (c->fault.delay_ms)
        fake_play_sleep(c, c->fault.delay_ms);
    bool work = c->fault.play == FAKE_PLAY_TRUE || c->fault.play == FAKE_PLAY_CUT_XML ||
                c->fault.commit;
    if (fake_body_begin(c) == 0 && work)
        fake_route_do(c);
}

static void
call_free(struct fake_call *c)
{
    fake_reply_free(&c->reply);
    fake_buf_free(&c->auth.detail);
    fake_http_free(&c->req);
    free(c->bucket);
    free(c->key);
}

static void
answer_bad_head(struct fake_call *c, enum fake_http_result result)
{
    static char method[] = "GET"; /* for the reply: it has a body */
    c->req.method = method;
    c->close = true;
    if (result == FAKE_HTTP_TOO_LARGE)
        fake_reply_error(c, "RequestHeaderSectionTooLarge", NULL);
    else
        fake_reply_error(c, "InvalidRequest", "This is not an HTTP/1.1 request");
    fake_reply_send(c);
}

/* Whether the connection can go on. */
static bool
one_request(struct fake_server *s, struct fake_conn *conn)
{
    struct fake_call *c = fake_alloc(sizeof(*c));
    c->server = s;
    c->conn = conn;
    c->lenient = s->opt.lenient;
    c->bucket = fake_strdup("");
    c->key = fake_strdup("");
    fake_action_init(&c->fault);
    enum fake_http_result result = fake_http_read(conn, &c->req);
    c->now_ms = fake_server_now_ms(s);
    c->id = atomic_fetch_add(&s->next_id, 1);
    bool more = false;
    if (result == FAKE_HTTP_OK)
        fake_framing_start(c);
    if (result == FAKE_HTTP_OK && fake_admin_wants(&c->req)) {
        fake_admin_do(c);
    } else if (result == FAKE_HTTP_OK) {
        handle(c);
        if (!conn->dead) {
            /* whether the rest of the body can be skipped decides about Connection: close */
            fake_framing_finish(c);
            fake_reply_send(c);
        }
    } else if (result != FAKE_HTTP_END) {
        answer_bad_head(c, result);
    }
    more = result == FAKE_HTTP_OK && c->req.keep_alive && !c->close && !conn->dead;
    call_free(c);
    free(c);
    return more;
}

void
fake_serve_connection(struct fake_server *s, struct fake_conn *conn)
{
    while (one_request(s, conn))
        continue;
    fake_conn_linger(conn);
}
