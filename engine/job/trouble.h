/* trouble -- tells that requests fail and are tried again, while it lasts: a storm must not
 * pass in silence until the last try has failed. */
#ifndef WEIR_JOB_TROUBLE_H
#define WEIR_JOB_TROUBLE_H

#include <pthread.h>

#include <weir/weir.h>

struct weir_trouble {
    const struct weir_options *options;
    bool threads;    /* set before other threads send: from then on the caller must tell */
    int64_t told_ns; /* caller's thread only */
    struct {
        pthread_mutex_t lock;
        unsigned failures; /* since it was told */
        char last[1024];
    } shared;
};

void weir_trouble_init(struct weir_trouble *t, const struct weir_options *o);
void weir_trouble_fini(struct weir_trouble *t);

/* weir_transport_options.on_retry, with a struct weir_trouble; any thread. */
void weir_trouble_note(void *trouble, const struct weir_err *err, unsigned attempt,
                       int64_t wait_ns);

/* Logs what was noted, every ten seconds at most; the thread that made the call. */
void weir_trouble_tell(struct weir_trouble *t);

#endif
