#include "digest/xxh128_impl.h"

void
weir_xxh128(const void *data, size_t bytes, struct weir_xxh128 *out)
{
    weir_xxh128_canonical(WEIR_XXH128_ONE_SHOT(data, bytes), out);
}

void
weir_xxh128_of_chunks(const struct weir_xxh128 *chunks, size_t count, struct weir_xxh128 *out)
{
    _Static_assert(sizeof(*chunks) == 16, "an array of digests is their concatenation");
    if (count == 1)
        *out = chunks[0];
    else
        weir_xxh128(chunks, count * sizeof(*chunks), out);
}
