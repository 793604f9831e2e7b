#include "s3/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "s3/errors.h"
#include "s3/handle.h"
#include "s3/learn.h"

int
weir_s3_judge_frame(struct weir_s3 *s, struct weir_err *err)
{
    const struct weir_s3_request *r = &s->request;
    return weir_err_add(err, "%s s3://%s/%s%.200s at %s", r->operation, s->shared->bucket,
                        s->shared->prefix, r->key == NULL ? "" : r->key, s->endpoint.origin);
}

static unsigned
retry_after_ms(const struct weir_s3_response *a)
{
    static const unsigned long hour_s = 3600;
    unsigned long ms = strtoul(a->retry_after_ms, NULL, 10);
    unsigned long s = strtoul(a->retry_after, NULL, 10);
    if (ms == 0)
        ms = (s < hour_s ? s : hour_s) * 1000;
    return (unsigned)(ms < hour_s * 1000 ? ms : hour_s * 1000);
}

static void
describe_skew(const struct weir_s3 *s, struct weir_err *err)
{
    int64_t offset_s = 0;
    (void)weir_s3_learn_offset(s, &offset_s);
    if (offset_s > WEIR_S3_SKEW_MAX_S || offset_s < -WEIR_S3_SKEW_MAX_S)
        weir_err_add(err, "this machine's clock is %lld s %s the server's",
                     (long long)(offset_s < 0 ? -offset_s : offset_s),
                     offset_s < 0 ? "ahead of" : "behind");
}

int
weir_s3_judge_reply(struct weir_s3 *s, int status, const struct weir_s3_error_reply *e,
                    struct weir_err *err)
{
    const struct weir_s3_request *r = &s->request;
    const struct weir_s3_response *a = &s->session.response;
    const struct weir_s3_verdict *v = weir_s3_errors_find(status, e->code);
    const char *id = a->request_id[0] != '\0' ? a->request_id : e->request_id;
    struct weir_transport_counters *counters = s->shared->options.counters;
    if (v->code == WEIR_E_THROTTLED && counters != NULL)
        atomic_fetch_add_explicit(&counters->throttled, 1, memory_order_relaxed);
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_set(err, v->code, "HTTP %d%s%s%s%.160s%s%s%s%s%s", a->status,
                 e->code[0] != '\0' ? " " : "", e->code, e->message[0] != '\0' ? ": " : "",
                 e->message, id[0] != '\0' ? " (request " : "", id, id[0] != '\0' ? ")" : "",
                 v->advice != NULL ? "; " : "", v->advice != NULL ? v->advice : "");
    err->scope = v->scope;
    err->retryable = v->retryable;
    err->http_status = a->status;
    err->retry_after_ms = retry_after_ms(a);
    (void)snprintf(err->s3_code, sizeof(err->s3_code), "%s", e->code);
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s", id);
    /* a gateway may answer 5xx for a store that went on; the store's own throttling does not */
    err->outcome_unknown =
        r->mutating && status >= 500 && !(v->code == WEIR_E_THROTTLED && e->code[0] != '\0');
    if (status == 403)
        describe_skew(s, err);
    return weir_s3_judge_frame(s, err);
}

int
weir_s3_judge_body(struct weir_s3 *s, struct weir_err *err)
{
    const struct weir_s3_text *body = &s->session.response.body;
    struct weir_s3_error_reply e;
    if (weir_s3_reply_error(weir_s3_text_get(body), body->used, &e, NULL) != 0)
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL,
                                  "the reply is neither a result nor an error", err);
    return weir_s3_judge_reply(s, 500, &e, err);
}

int
weir_s3_judge_fail(struct weir_s3 *s, enum weir_code code, const char *why,
                   struct weir_err *err)
{
    const struct weir_s3_response *a = &s->session.response;
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_set(err, code, "HTTP %d, but %s%s%s%s", a->status, why,
                 a->request_id[0] != '\0' ? " (request " : "", a->request_id,
                 a->request_id[0] != '\0' ? ")" : "");
    err->http_status = a->status;
    err->outcome_unknown = s->request.mutating;
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s", a->request_id);
    return weir_s3_judge_frame(s, err);
}
