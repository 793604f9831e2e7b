/* delta -- which parts of a changed file the store can copy from the object it has, and which
 * must be sent.  Pure arithmetic. */
#ifndef WEIR_PLAN_DELTA_H
#define WEIR_PLAN_DELTA_H

#include <weir/transport.h>

/* Longer copies are cut where parts are left, so that several workers ask for them at a time
 * and no single request takes minutes. */
#define WEIR_DELTA_COPY_BYTES ((uint64_t)256 << 20)

struct weir_delta_part {
    uint64_t offset, bytes; /* in the new file; a copy takes the same range of the base */
    bool copy;
};

struct weir_delta_plan {
    struct weir_delta_part *parts; /* [count], without gaps from 0 to object_bytes; owned */
    uint32_t count;                /* 0: sending the whole file is as cheap */
    uint64_t copied_bytes, sent_bytes;
};

struct weir_delta_input {
    const struct weir_limits *limits;
    uint64_t object_bytes; /* of the new file, > 0 */
    uint64_t base_bytes;   /* of the object that it replaces */
    uint64_t part_bytes;   /* what one sent part should have at most: buffer of a worker */
    uint64_t chunk_bytes;  /* grain of the digests; divides part_bytes */
    const uint8_t *same;   /* [chunks of the new file]: 1 where the base has the same chunk at
                              the same offset; a chunk that is cut short by the end of either
                              file counts only when both end there */
};

/**
 * weir_delta_plan() -- cut the file into copied and sent parts.
 * Sends the fewest bytes that the limits allow, in the fewest parts (nearly so where
 * part_count_max is what limits); all borders are borders of chunks.  Every part but the last
 * has at least part_bytes_min; copies at most copy_bytes_max (and part_bytes_max), sent parts
 * at most part_bytes; never more than part_count_max parts. Runs that are too short to copy are
 * sent; changed runs are widened into unchanged ones where a part would be too short.  The same
 * input gives the same plan, so that an upload can be continued after a crash.  Returns 0, or
 * -1 with NOMEM.  A plan that copies less than one part_bytes has count 0.
 */
int weir_delta_plan(const struct weir_delta_input *in, struct weir_delta_plan *out,
                    struct weir_err *err);
void weir_delta_plan_fini(struct weir_delta_plan *p);

#endif
