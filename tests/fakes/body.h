/* body -- reading the body of a request and checking everything that was said about it. */
#ifndef FAKE_BODY_H
#define FAKE_BODY_H

#include "server.h"

enum fake_checksum_use {
    FAKE_CHECKSUM_OF_BODY, /* x-amz-checksum-* speaks about this body */
    FAKE_CHECKSUM_NONE     /* it means something else (Complete) or is not looked at */
};

/* What the client says about the checksum of a body, from its headers. */
struct fake_said {
    enum fake_alg alg; /* NONE: nothing */
    bool in_trailer;
    uint8_t sum[FAKE_SUM_MAX];
};
/* Returns 0, or -1 with an error as the reply. */
int fake_body_said(struct fake_call *c, struct fake_said *out);

struct fake_intake {
    /* in */
    enum fake_checksum_use use;
    enum fake_alg alg;     /* to compute when the client says nothing */
    struct fake_said said; /* OF_BODY only: from fake_body_said() */
    struct fake_buf *text; /* read into this, at most text_max bytes; or NULL: into data */
    size_t text_max;
    /* out */
    struct fake_data data; /* owned by the caller, also after a failure */
    uint8_t md5[16];
    uint8_t sum[FAKE_SUM_MAX]; /* of alg */
};
/* Reads all of the body.  Returns 0, or -1 with an error as the reply (or a dead connection).
 */
int fake_body_read(struct fake_call *c, struct fake_intake *in);

/* Whether a body like this may be read.  Returns 0, or -1 with an error as the reply. */
int fake_body_begin(struct fake_call *c);

#endif
