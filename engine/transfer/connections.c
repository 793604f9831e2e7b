#include "transfer/connections.h"

#define MEASURE_NS INT64_C(400000000)
#define AGAIN_NS INT64_C(15000000000) /* when settled: conditions change */
#define PAYS 1.10                     /* growing by half must bring a tenth */

void
weir_connections_init(struct weir_connections *c, unsigned wanted, int64_t now_ns)
{
    *c = (struct weir_connections){
        .now = wanted > 0 ? wanted : WEIR_CONNECTIONS_START,
        .max = wanted > 0 ? wanted : WEIR_CONNECTIONS_MAX,
        .since_ns = now_ns,
    };
}

static void
measure_anew(struct weir_connections *c, int64_t now_ns, uint64_t done)
{
    c->since_ns = now_ns;
    c->done_since = done;
}

void
weir_connections_look(struct weir_connections *c, int64_t now_ns, uint64_t done, bool waiting)
{
    int64_t span = now_ns - c->since_ns;
    if (c->now >= c->max)
        return;
    if (!waiting) {
        measure_anew(c, now_ns, done);
        return;
    }
    if (span < (c->settled ? AGAIN_NS : MEASURE_NS))
        return;
    double rate = (double)(done - c->done_since) / (double)span;
    bool paid = c->settled || c->last_rate <= 0 || rate >= c->last_rate * PAYS;
    measure_anew(c, now_ns, done);
    c->last_rate = rate;
    c->settled = !paid;
    if (paid) {
        c->now += c->now / 2;
        if (c->now > c->max)
            c->now = c->max;
    }
}
