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
    free(u->plan);
    free(u->chunk_crc);
    free(u->recorded);
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

uint64_t
weir_upload_offset(const struct weir_upload *u, uint32_t n)
{
    return u->plan != NULL ? u->plan[n - 1].offset : (uint64_t)(n - 1) * u->part_bytes;
}

uint64_t
weir_upload_length(const struct weir_upload *u, uint32_t n)
{
    return u->plan != NULL ? u->plan[n - 1].bytes
                           : weir_parts_length(u->object_bytes, u->part_bytes, n);
}

bool
weir_upload_is_copy(const struct weir_upload *u, uint32_t n)
{
    return u->plan != NULL && u->plan[n - 1].copy;
}

/* Replaces the lists of parts by empty ones of another length. */
static int
resize(struct weir_upload *u, uint32_t count, struct weir_err *err)
{
    struct weir_part *parts = calloc(count, sizeof(*parts));
    uint8_t *state = calloc(count, sizeof(*state));
    if (parts == NULL || state == NULL) {
        free(parts);
        free(state);
        return weir_err_set(err, WEIR_E_NOMEM, "list of parts");
    }
    free(u->parts);
    free(u->part_state);
    u->parts = parts;
    u->part_state = state;
    u->part_count = count;
    u->next_part = 1;
    u->done = 0;
    return 0;
}

int
weir_upload_use_plan(struct weir_upload *u, struct weir_delta_plan *plan, struct weir_err *err)
{
    if (resize(u, plan->count, err) != 0)
        return -1;
    free(u->plan);
    u->plan = plan->parts;
    *plan = (struct weir_delta_plan){0};
    return 0;
}

int
weir_upload_drop_plan(struct weir_upload *u, struct weir_err *err)
{
    free(u->plan);
    u->plan = NULL;
    return resize(u, weir_parts_count(u->object_bytes, u->part_bytes), err);
}

void
weir_upload_take_recorded(struct weir_upload *u)
{
    for (uint32_t i = 0; i < u->recorded_count; i++) {
        const struct weir_part *p = &u->recorded[i];
        if (p->number < 1 || p->number > u->part_count ||
            p->bytes != weir_upload_length(u, p->number) ||
            (p->has_crc64nvme && u->chunk_crc != NULL &&
             p->crc64nvme != weir_upload_part_crc(u, p->number)))
            continue;
        u->parts[p->number - 1] = *p;
        u->part_state[p->number - 1] = WEIR_PART_DONE;
    }
}

struct weir_xxh128 *
weir_upload_chunks(const struct weir_upload *u, uint32_t part, size_t *out_count)
{
    size_t start = (size_t)(weir_upload_offset(u, part) / u->chunk_bytes);
    *out_count = (size_t)((weir_upload_length(u, part) + u->chunk_bytes - 1) / u->chunk_bytes);
    return u->chunks + start;
}

/* Of chunks first..first+count-1. */
static uint64_t
crc_of_chunks(const struct weir_upload *u, size_t first, size_t count)
{
    uint64_t crc = 0;
    for (size_t i = first; i < first + count; i++) {
        uint64_t rest = u->object_bytes - (uint64_t)i * u->chunk_bytes;
        crc = i == first
                  ? u->chunk_crc[i]
                  : weir_crc64nvme_combine(crc, u->chunk_crc[i],
                                           rest < u->chunk_bytes ? rest : u->chunk_bytes);
    }
    return crc;
}

uint64_t
weir_upload_part_crc(const struct weir_upload *u, uint32_t n)
{
    size_t count;
    size_t first = (size_t)(weir_upload_chunks(u, n, &count) - u->chunks);
    return crc_of_chunks(u, first, count);
}

uint64_t
weir_upload_crc(const struct weir_upload *u)
{
    uint64_t crc = 0;
    if (u->has_crc)
        return u->crc64nvme;
    for (uint32_t i = 0; i < u->part_count; i++)
        crc = i == 0 ? u->parts[i].crc64nvme
                     : weir_crc64nvme_combine(crc, u->parts[i].crc64nvme, u->parts[i].bytes);
    return crc;
}
