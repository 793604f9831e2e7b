/* session -- one libcurl handle: sends one prepared request at a time and takes the reply.
 *
 * No redirects, no proxy, no protocol but http and https, HTTP/1.1, certificates verified. */
#ifndef WEIR_S3_SESSION_H
#define WEIR_S3_SESSION_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/cancel.h>
#include <weir/err.h>
#include <weir/transport.h>

#include "s3/response.h"

struct weir_s3_session {
    CURL *curl;
    const struct weir_cancel *cancel;
    struct weir_transport_counters *counters;
    const struct weir_s3_call *call; /* the one under way */
    unsigned sends;                  /* times the present call went out */
    enum weir_s3_method method;      /* what the handle is set to */
    bool method_known, stall_known, no_stall;
    long stall_timeout_s;
    char origin[320];
    char error[CURL_ERROR_SIZE];
    struct weir_s3_response response;
};

struct weir_s3_session_options {
    const char *ca_file; /* PEM file or NULL */
    const struct weir_cancel *cancel;
    struct weir_transport_counters *counters;
    long connect_timeout_ms;
    long stall_timeout_s;
};

int weir_s3_session_init(struct weir_s3_session *s, const struct weir_s3_session_options *o,
                         struct weir_err *err);
void weir_s3_session_fini(struct weir_s3_session *s); /* zeroed is fine */

/**
 * weir_s3_session_perform() -- send a request and take the whole reply into s->response.
 * Returns CURLE_OK when a reply came in full, whatever its status.  Otherwise s->error says
 * what happened, and s->response.why is set when it was weir that gave up (CURLE_WRITE_ERROR).
 */
CURLcode weir_s3_session_perform(struct weir_s3_session *s, const struct weir_s3_call *call);

/* Fills *err for a call that did not end in a reply.  mutating: the request changes the store,
 * so its outcome is unknown once it may have been sent. */
int weir_s3_session_fail(const struct weir_s3_session *s, CURLcode code, bool mutating,
                         struct weir_err *err);

#endif
