/* parts -- divide one object into upload parts and chunks.  Pure arithmetic. */
#ifndef WEIR_PLAN_PARTS_H
#define WEIR_PLAN_PARTS_H

#include <weir/transport.h>

/**
 * weir_parts_size() -- choose the part size for one object.
 * @lim:          limits of the destination; every field > 0.
 * @object_bytes: length of the object.
 * @wanted_bytes: size from the manifest, 0 = auto (8 MiB); a hint, raised to fit @lim.
 * @out_bytes:    set only on success; a multiple of 1 MiB within [part_bytes_min,
 * part_bytes_max]. Returns 0, or -1 with WEIR_E_LIMIT when no size fits (a retry never helps).
 * Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
 */
int weir_parts_size(const struct weir_limits *lim, uint64_t object_bytes, uint64_t wanted_bytes,
                    uint64_t *out_bytes, struct weir_err *err);

/* Number of parts: 1 for an empty object. */
uint32_t weir_parts_count(uint64_t object_bytes, uint64_t part_bytes);

/* Length of part number (from 1). */
uint64_t weir_parts_length(uint64_t object_bytes, uint64_t part_bytes, uint32_t number);

/* The grain of the XXH3-128 digests: 1 MiB, or the whole part where the list of them would be
 * longer than 16 MiB (objects over 1 TiB).  Always divides part_bytes. */
uint64_t weir_parts_chunk(uint64_t object_bytes, uint64_t part_bytes);

#endif
