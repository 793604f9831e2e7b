/* s3_store -- an s3 store before a canned server, for tests that look at the wire. */
#ifndef S3_STORE_H
#define S3_STORE_H

#include "canned.h"

#include <stdbool.h>

#include <weir/digest.h>

#include "s3/s3.h"

static struct canned server;
static struct weir_destination destination;
static struct weir_transport_options options;
static struct weir_transport_counters counters;
static struct weir_cancel cancel;
static struct weir_transport *t;
static struct weir_err err;
static char endpoint[64];
static int64_t now_s;

static inline const char *
env(void *ctx, const char *name)
{
    (void)ctx;
    if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
        return "AKIAIOSFODNN7EXAMPLE";
    if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
        return "sEcReT";
    return NULL;
}

static inline int64_t
wall_ns(const struct weir_clock *c)
{
    (void)c;
    return now_s * WEIR_NS_PER_S;
}

static const struct weir_clock clock_of_test = {.wall_ns = wall_ns};

static inline void
setup(void)
{
    memset(&server, 0, sizeof(server));
    memset(&destination, 0, sizeof(destination));
    memset(&counters, 0, sizeof(counters));
    memset(&err, 0, sizeof(err));
    atomic_store(&cancel.level, WEIR_CANCEL_NONE);
    now_s = 1369353600; /* 24 May 2013 00:00:00 */
    t = NULL;
    destination.url = (char *)"s3://bucket/pre";
    destination.region = (char *)"r-1";
    options = (struct weir_transport_options){.destination = &destination,
                                              .clock = &clock_of_test,
                                              .cancel = &cancel,
                                              .counters = &counters,
                                              .env = env};
}

/* Starts the server with its replies and opens the store. */
static inline void
begin(void)
{
    canned_start(&server);
    (void)snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", server.port);
    destination.endpoint = endpoint;
    ck_assert_int_eq(weir_s3_open(&options, &t, &err), 0);
}

static inline void
end(void)
{
    t->ops->close(t);
    canned_stop(&server);
}

static inline void
teardown(void)
{
    canned_free(&server);
}

/* The value of a header of a request, in a static buffer; "" when it is not there. */
static inline const char *
header(int request, const char *name)
{
    static char value[2048];
    char line[128];
    (void)snprintf(line, sizeof(line), "\r\n%s: ", name);
    const char *at = strstr(server.request[request], line);
    value[0] = '\0';
    if (at != NULL) {
        at += strlen(line);
        (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
    }
    return value;
}

static inline bool
begins(int request, const char *with)
{
    return strncmp(server.request[request], with, strlen(with)) == 0;
}

static inline bool
says(const char *part)
{
    static char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    return strstr(weir_err_text(&err, text, sizeof(text)), part) != NULL;
}

static const char hello[] = "hello";

static inline int
put_hello(enum weir_condition condition, struct weir_stored *out)
{
    struct weir_object o = {.key = "a b/ü", .condition = condition, .etag = "e1"};
    return t->ops->put(t, &o, hello, 5, weir_crc64nvme(0, hello, 5), out, &err);
}

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"e\"\r\n\r\n"

/* One reply and what must become of it. */
struct answer {
    const char *what, *reply;
    enum weir_code code;
    bool retryable, unknown;
    const char *says;
};

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static inline int
run(const char *name, TCase *tc)
{
    Suite *s = suite_create(name);
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
