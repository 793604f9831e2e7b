#include "digest/xxh128_impl.h"

#include <assert.h>
#include <stdlib.h>

struct weir_digester {
    XXH3_state_t *state; /* owned; libxxhash aligns it */
    uint64_t chunk_bytes;
    uint64_t filled; /* bytes of the present chunk that are in state */
    uint64_t crc64nvme;
    struct weir_xxh128 *chunks; /* borrowed until end */
    size_t chunks_max, count;
};

struct weir_digester *
weir_digester_create(void)
{
    struct weir_digester *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return NULL;
    d->state = XXH3_createState();
    if (d->state == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

void
weir_digester_free(struct weir_digester *d)
{
    if (d == NULL)
        return;
    XXH3_freeState(d->state);
    free(d);
}

void
weir_digester_begin(struct weir_digester *d, uint64_t chunk_bytes, struct weir_xxh128 *chunks,
                    size_t chunks_max)
{
    assert(chunk_bytes > 0 && chunks_max > 0);
    d->chunk_bytes = chunk_bytes;
    d->filled = 0;
    d->crc64nvme = 0;
    d->chunks = chunks;
    d->chunks_max = chunks_max;
    d->count = 0;
}

static struct weir_xxh128 *
next_slot(struct weir_digester *d)
{
    assert(d->count < d->chunks_max);
    return &d->chunks[d->count++];
}

static void
finish_chunk(struct weir_digester *d)
{
    weir_xxh128_canonical(XXH3_128bits_digest(d->state), next_slot(d));
    d->filled = 0;
}

void
weir_digester_update(struct weir_digester *d, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    d->crc64nvme = weir_crc64nvme(d->crc64nvme, data, bytes);
    while (bytes > 0) {
        uint64_t room = d->chunk_bytes - d->filled;
        size_t take = bytes < room ? bytes : (size_t)room;
        if (take == d->chunk_bytes) { /* a whole chunk at once needs no state */
            weir_xxh128(p, take, next_slot(d));
        } else {
            if (d->filled == 0)
                (void)XXH3_128bits_reset(d->state);
            (void)WEIR_XXH128_UPDATE(d->state, p, take);
            d->filled += take;
            if (d->filled == d->chunk_bytes)
                finish_chunk(d);
        }
        p += take;
        bytes -= take;
    }
}

size_t
weir_digester_end(struct weir_digester *d, uint64_t *out_crc64nvme)
{
    if (d->filled > 0)
        finish_chunk(d);
    else if (d->count == 0)
        weir_xxh128(NULL, 0, next_slot(d));
    d->chunks = NULL;
    *out_crc64nvme = d->crc64nvme;
    return d->count;
}
