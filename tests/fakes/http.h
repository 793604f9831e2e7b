/* http -- the head of one HTTP/1.1 request, parsed with caps. */
#ifndef FAKE_HTTP_H
#define FAKE_HTTP_H

#include "conn.h"

#define FAKE_HTTP_HEADERS 128
#define FAKE_HTTP_PARAMS 32
#define FAKE_HTTP_HEAD_BYTES 32768

struct fake_header {
    char *name, *value; /* name in lower case, value trimmed */
};
struct fake_param {
    char *name, *value; /* decoded; value "" when there is none */
};
struct fake_request {
    char *head;                           /* owned; most pointers point into it */
    char *method, *target, *path, *query; /* path and query as sent */
    struct fake_header header[FAKE_HTTP_HEADERS];
    size_t header_count;
    struct fake_param param[FAKE_HTTP_PARAMS]; /* owned */
    size_t param_count;
    bool keep_alive, chunked, has_length;
    uint64_t length;
};
enum fake_http_result { FAKE_HTTP_OK, FAKE_HTTP_END, FAKE_HTTP_BAD, FAKE_HTTP_TOO_LARGE };

/* END: the client closed between requests.  After BAD and TOO_LARGE the connection is useless.
 * The request is to be released with fake_http_free() in every case. */
enum fake_http_result fake_http_read(struct fake_conn *c, struct fake_request *r);
/* The same from text that ends with an empty line; for tests. */
enum fake_http_result fake_http_parse(const char *head, size_t n, struct fake_request *r);
void fake_http_free(struct fake_request *r);
const char *fake_http_header(const struct fake_request *r, const char *name);
/* NULL when the query does not have it. */
const char *fake_http_param(const struct fake_request *r, const char *name);

#endif
