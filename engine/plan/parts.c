#include "plan/parts.h"

#include <inttypes.h>

#define MIB (UINT64_C(1) << 20)
#define AUTO_PART_BYTES (8 * MIB)
#define CHUNK_LIST_OBJECT_MAX (UINT64_C(1) << 40)

static uint64_t
round_up(uint64_t value, uint64_t step)
{
    uint64_t rest = value % step;
    return rest == 0 ? value : value + (step - rest);
}

int
weir_parts_size(const struct weir_limits *lim, uint64_t object_bytes, uint64_t wanted_bytes,
                uint64_t *out_bytes, struct weir_err *err)
{
    if (object_bytes > lim->object_bytes_max)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "%" PRIu64 " bytes are more than the store's limit of %" PRIu64
                            " bytes for one object",
                            object_bytes, lim->object_bytes_max);
    uint64_t least =
        object_bytes / lim->part_count_max + (object_bytes % lim->part_count_max != 0 ? 1 : 0);
    uint64_t size = wanted_bytes == 0 ? AUTO_PART_BYTES : wanted_bytes;
    if (size < least)
        size = least;
    size = round_up(size, MIB);
    if (size < lim->part_bytes_min)
        size = round_up(lim->part_bytes_min, MIB);
    if (size > lim->part_bytes_max)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "%u parts of at most %" PRIu64 " bytes cannot hold %" PRIu64
                            " bytes",
                            lim->part_count_max, lim->part_bytes_max, object_bytes);
    *out_bytes = size;
    return 0;
}

uint32_t
weir_parts_count(uint64_t object_bytes, uint64_t part_bytes)
{
    if (object_bytes == 0)
        return 1;
    return (uint32_t)((object_bytes - 1) / part_bytes + 1);
}

uint64_t
weir_parts_length(uint64_t object_bytes, uint64_t part_bytes, uint32_t number)
{
    uint64_t start = (uint64_t)(number - 1) * part_bytes;
    uint64_t rest = object_bytes - start;
    return rest < part_bytes ? rest : part_bytes;
}

uint64_t
weir_parts_chunk(uint64_t object_bytes, uint64_t part_bytes)
{
    return object_bytes > CHUNK_LIST_OBJECT_MAX ? part_bytes : MIB;
}
