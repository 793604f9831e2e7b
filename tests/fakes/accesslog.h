/* accesslog -- one line a request, and the counters behind /_fake/log. */
#ifndef FAKE_ACCESSLOG_H
#define FAKE_ACCESSLOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "buf.h"

#define FAKE_OPS_MAX 32

struct fake_accesslog {
    int fd; /* -1: counters only */
    pthread_mutex_t lock;
    uint64_t by_status[FAKE_OPS_MAX][600];
    uint64_t total, faults, bytes_in, bytes_out;
};
struct fake_call;

int fake_accesslog_open(struct fake_accesslog *log, const char *path);
void fake_accesslog_close(struct fake_accesslog *log);
/* Before the reply is sent, so that a client that has its reply finds the line. */
void fake_accesslog_add(struct fake_accesslog *log, struct fake_call *c, int status,
                        uint64_t reply_bytes);
void fake_accesslog_reset(struct fake_accesslog *log);
/* Members of a JSON object, without the braces. */
void fake_accesslog_report(struct fake_accesslog *log, struct fake_buf *out);

#endif
