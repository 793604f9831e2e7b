/* connections -- how many workers are worth having: starts small, grows while that pays.
 *
 * On a fast network a few busy connections carry everything and more only cost CPU and cache;
 * over a long way each one waits most of the time and dozens pay.  So: grow by half, look
 * whether more got done, stop when it did not, try again later.  Pure arithmetic: time and
 * counts are arguments. */
#ifndef WEIR_TRANSFER_CONNECTIONS_H
#define WEIR_TRANSFER_CONNECTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct weir_connections {
    unsigned now, max;
    int64_t since_ns;    /* start of the present measurement */
    uint64_t done_since; /* work done at that time */
    double last_rate;    /* with the number before the last growth; 0: none measured */
    bool settled;        /* the last growth did not pay */
};

#define WEIR_CONNECTIONS_START                                                                 \
    2 /* measured on loopback: 15 % less CPU for large files than 4 */
#define WEIR_CONNECTIONS_MAX 64

/* wanted > 0: exactly so many, for ever. */
void weir_connections_init(struct weir_connections *c, unsigned wanted, int64_t now_ns);

/**
 * weir_connections_look() -- called now and then; *c->now may have grown afterwards.
 * @done:    work done since the start, in any unit that grows with it.
 * @waiting: is there work that no worker has taken?  Without, nothing is measured.
 */
void weir_connections_look(struct weir_connections *c, int64_t now_ns, uint64_t done,
                           bool waiting);

#endif
