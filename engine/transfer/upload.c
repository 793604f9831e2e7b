#include "transfer/upload.h"

#include <stdlib.h>
#include <string.h>

#include "plan/parts.h"

/* Every legal move; an absent cell is WEIR_UPLOAD_BAD (0), so a new state starts out closed. */
static const uint8_t next[WEIR_UPLOAD_STATES][WEIR_UPLOAD_EVENTS] = {
    [WEIR_UPLOAD_IDLE] = {[WEIR_UPLOAD_EV_START] = WEIR_UPLOAD_OPENING,
                          [WEIR_UPLOAD_EV_KEEP] = WEIR_UPLOAD_CLOSED},
    [WEIR_UPLOAD_OPENING] = {[WEIR_UPLOAD_EV_OPENED] = WEIR_UPLOAD_SENDING,
                             [WEIR_UPLOAD_EV_FOUND] = WEIR_UPLOAD_DONE,
                             [WEIR_UPLOAD_EV_STOP] = WEIR_UPLOAD_STOPPING},
    [WEIR_UPLOAD_SENDING] = {[WEIR_UPLOAD_EV_ALL_SENT] = WEIR_UPLOAD_COMPLETING,
                             [WEIR_UPLOAD_EV_STOP] = WEIR_UPLOAD_STOPPING},
    [WEIR_UPLOAD_COMPLETING] = {[WEIR_UPLOAD_EV_COMPLETED] = WEIR_UPLOAD_DONE,
                                [WEIR_UPLOAD_EV_STOP] = WEIR_UPLOAD_STOPPING},
    [WEIR_UPLOAD_STOPPING] = {[WEIR_UPLOAD_EV_STOP] = WEIR_UPLOAD_STOPPING,
                              [WEIR_UPLOAD_EV_DISCARD] = WEIR_UPLOAD_ABORTING,
                              [WEIR_UPLOAD_EV_KEEP] = WEIR_UPLOAD_CLOSED},
    [WEIR_UPLOAD_ABORTING] = {[WEIR_UPLOAD_EV_ABORTED] = WEIR_UPLOAD_IDLE,
                              [WEIR_UPLOAD_EV_KEEP] = WEIR_UPLOAD_CLOSED},
};

enum weir_upload_state
weir_upload_next(enum weir_upload_state state, enum weir_upload_event event)
{
    return (enum weir_upload_state)next[state][event];
}

int
weir_upload_step(struct weir_upload *u, enum weir_upload_event event, struct weir_err *err)
{
    enum weir_upload_state to = weir_upload_next(u->state, event);
    if (to == WEIR_UPLOAD_BAD)
        return weir_err_set(err, WEIR_E_BUG, "upload: event %d in state %d", (int)event,
                            (int)u->state);
    u->state = to; /* the only assignment to a state of an upload */
    return 0;
}

int
weir_upload_create(uint64_t object_bytes, uint64_t part_bytes, uint64_t chunk_bytes,
                   struct weir_upload **out, struct weir_err *err)
{
    struct weir_upload *u = calloc(1, sizeof(*u));
    if (u == NULL)
        goto nomem;
    *u = (struct weir_upload){.state = WEIR_UPLOAD_IDLE,
                              .object_bytes = object_bytes,
                              .part_bytes = part_bytes,
                              .chunk_bytes = chunk_bytes,
                              .part_count = weir_parts_count(object_bytes, part_bytes),
                              .next_part = 1};
    u->reader.fd = -1;
    u->chunk_count = (size_t)((object_bytes + chunk_bytes - 1) / chunk_bytes);
    u->parts = calloc(u->part_count, sizeof(*u->parts));
    u->part_state = calloc(u->part_count, sizeof(*u->part_state));
    u->chunks = calloc(u->chunk_count, sizeof(*u->chunks));
    if (u->parts == NULL || u->part_state == NULL || u->chunks == NULL)
        goto nomem;
    *out = u;
    return 0;
nomem:
    weir_upload_free(u);
    return weir_err_set(err, WEIR_E_NOMEM, "list of parts");
}

void
weir_upload_free(struct weir_upload *u)
{
    if (u == NULL)
        return;
    if (u->reader_open)
        weir_reader_close(&u->reader);
    free(u->parts);
    free(u->part_state);
    free(u->chunks);
    free(u);
}

void
weir_upload_reset(struct weir_upload *u)
{
    u->id[0] = '\0';
    u->completing = false;
    u->done = 0;
    u->next_part = 1;
    memset(u->parts, 0, u->part_count * sizeof(*u->parts)); /* of another upload: not in this */
    for (uint32_t i = 0; i < u->part_count; i++)
        u->part_state[i] = WEIR_PART_TODO;
}

struct weir_xxh128 *
weir_upload_chunks(const struct weir_upload *u, uint32_t part, size_t *out_count)
{
    size_t per_part = (size_t)(u->part_bytes / u->chunk_bytes);
    size_t start = (size_t)(part - 1) * per_part;
    size_t rest = u->chunk_count - start;
    *out_count = rest < per_part ? rest : per_part;
    return u->chunks + start;
}

uint64_t
weir_upload_crc(const struct weir_upload *u)
{
    uint64_t crc = 0;
    for (uint32_t i = 0; i < u->part_count; i++)
        crc = i == 0 ? u->parts[i].crc64nvme
                     : weir_crc64nvme_combine(crc, u->parts[i].crc64nvme, u->parts[i].bytes);
    return crc;
}
