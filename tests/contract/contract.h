/* contract -- what every transport must do, as functions over a freshly opened store.
 *
 * Each behaviour has the keys below its own prefix and may find nothing there.  Capabilities
 * decide what is asserted; what is left out for lack of one is printed. */
#ifndef WEIR_CONTRACT_H
#define WEIR_CONTRACT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>
#include <weir/rng.h>
#include <weir/transport.h>

struct contract {
    struct weir_transport *t;
    const struct weir_transport_ops *ops; /* of t */
    const struct weir_limits *lim;        /* of t */
    unsigned caps;
    bool strict;       /* the store keeps to the letter even of what no capability covers */
    size_t part_bytes; /* a small legal part */
    struct weir_rng rng;
    const char *name; /* of the behaviour */
    char prefix[96];  /* "contract-<nonce>/<behaviour>/" */
    struct weir_err err;
};

struct contract_case {
    const char *name;
    void (*run)(struct contract *c);
};

extern const struct contract_case contract_objects[], contract_keys[], contract_conditions[],
    contract_uploads[], contract_listing[], contract_threads[], contract_copies[],
    contract_ranges[], contract_removal[]; /* each ends with a NULL name */

/* Is the capability there?  Says on stdout what is left out when not. */
bool contract_can(const struct contract *c, unsigned cap, const char *what);

/* The full key of name: below the prefix of the behaviour.  Rotates over 8 buffers. */
const char *contract_key(const struct contract *c, const char *name);

/* Random bytes, malloc'ed (at least one byte long). */
unsigned char *contract_bytes(struct contract *c, size_t bytes);

struct contract_buffer { /* a sink that keeps all it gets */
    unsigned char *data;
    size_t bytes, room;
};
int contract_sink(void *ctx, const void *data, size_t bytes); /* weir_sink_fn */

/* Calls that must succeed; a failure fails the test with the error's text. */
void contract_ok(struct contract *c, int rc, const char *what);
void contract_put(struct contract *c, const char *key, const void *data, size_t bytes,
                  struct weir_stored *out);
void contract_expect(struct contract *c, const char *key, const void *data, size_t bytes);

/* A call that must fail with this code; the error is cleared. */
void contract_refused(struct contract *c, int rc, enum weir_code code, const char *what);

#endif
