/* upload -- one multipart upload: its parts, its digests, and the table of its states. */
#ifndef WEIR_TRANSFER_UPLOAD_H
#define WEIR_TRANSFER_UPLOAD_H

#include <weir/digest.h>
#include <weir/transport.h>

#include "lake/reader.h"
#include "plan/delta.h"

enum weir_upload_state {
    WEIR_UPLOAD_BAD = 0,
    WEIR_UPLOAD_IDLE,       /* a row may be in the catalog */
    WEIR_UPLOAD_OPENING,    /* an OPEN task is out */
    WEIR_UPLOAD_SENDING,    /* parts are out */
    WEIR_UPLOAD_STOPPING,   /* something failed; waiting for the parts that are out */
    WEIR_UPLOAD_COMPLETING, /* a COMPLETE task is out */
    WEIR_UPLOAD_ABORTING,   /* an ABORT task is out */
    WEIR_UPLOAD_DONE,       /* published */
    WEIR_UPLOAD_CLOSED,     /* not published: failed, put off or left for the next run */
    WEIR_UPLOAD_STATES
};

enum weir_upload_event {
    WEIR_UPLOAD_EV_START = 0,
    WEIR_UPLOAD_EV_OPENED,
    WEIR_UPLOAD_EV_FOUND, /* an earlier run had completed it */
    WEIR_UPLOAD_EV_ALL_SENT,
    WEIR_UPLOAD_EV_COMPLETED,
    WEIR_UPLOAD_EV_STOP,    /* a task failed, the file changed, or the upload is gone */
    WEIR_UPLOAD_EV_DISCARD, /* nothing is out any more; the upload is of no use */
    WEIR_UPLOAD_EV_KEEP,    /* nothing is out any more; the next run goes on with it */
    WEIR_UPLOAD_EV_ABORTED,
    WEIR_UPLOAD_EVENTS
};

enum weir_part_state {
    WEIR_PART_TODO = 0, /* the store does not have it */
    WEIR_PART_REMOTE,   /* the store has bytes of which we only know the CRC: digest and compare
                         */
    WEIR_PART_OUT,      /* a task is out */
    WEIR_PART_DONE,
};

struct weir_upload {
    enum weir_upload_state state;
    int64_t row;                   /* id in the catalog */
    char id[WEIR_UPLOAD_ID_BYTES]; /* "" until created */
    bool completing;               /* taken up: an earlier run had sent Complete */
    uint64_t object_bytes, part_bytes, chunk_bytes;
    uint32_t part_count;
    uint32_t next_part; /* no part below this number is TODO or REMOTE */
    uint32_t done;
    struct weir_part *parts;      /* [part_count]; part n at n - 1 */
    uint8_t *part_state;          /* enum weir_part_state */
    struct weir_delta_part *plan; /* [part_count] where parts differ in length; NULL: equal */
    struct weir_xxh128 *chunks;   /* of the whole file, in order */
    size_t chunk_count;
    uint64_t
        *chunk_crc; /* [chunk_count]: the file was digested before parts are made; or NULL */
    bool has_crc;   /* crc64nvme is that of the whole file */
    uint64_t crc64nvme;
    struct weir_part *recorded; /* parts of an earlier pass, until the plan is known; owned */
    uint32_t recorded_count;
    bool recorded_delta;       /* they follow a plan */
    uint64_t accounted;        /* bytes of lists, for the memory budget */
    struct weir_reader reader; /* open while state is between OPENING and the end */
    bool reader_open;
};

/* A new upload in state IDLE.  NOMEM. */
int weir_upload_create(uint64_t object_bytes, uint64_t part_bytes, uint64_t chunk_bytes,
                       struct weir_upload **out, struct weir_err *err);
void weir_upload_free(struct weir_upload *u); /* closes the reader; NULL is fine */

/* Cuts the upload by a plan, whose parts it takes over.  NOMEM. */
int weir_upload_use_plan(struct weir_upload *u, struct weir_delta_plan *plan,
                         struct weir_err *err);
/* Back to equal parts.  NOMEM. */
int weir_upload_drop_plan(struct weir_upload *u, struct weir_err *err);
/* Puts the recorded parts of an earlier pass into their places, where they fit. */
void weir_upload_take_recorded(struct weir_upload *u);

/* Place and length of part n, from 1. */
uint64_t weir_upload_offset(const struct weir_upload *u, uint32_t n);
uint64_t weir_upload_length(const struct weir_upload *u, uint32_t n);
bool weir_upload_is_copy(const struct weir_upload *u, uint32_t n);
/* CRC64NVME of part n from those of its chunks; only where chunk_crc is there. */
uint64_t weir_upload_part_crc(const struct weir_upload *u, uint32_t n);

/* Forgets id and parts: the next OPEN makes a new upload. */
void weir_upload_reset(struct weir_upload *u);

/* Moves along the table; WEIR_E_BUG when there is no such move. */
int weir_upload_step(struct weir_upload *u, enum weir_upload_event event, struct weir_err *err);

/* The table itself, for tests: WEIR_UPLOAD_BAD where there is no move. */
enum weir_upload_state weir_upload_next(enum weir_upload_state state,
                                        enum weir_upload_event event);

/* The chunk digests of one part. */
struct weir_xxh128 *weir_upload_chunks(const struct weir_upload *u, uint32_t part,
                                       size_t *out_count);

/* CRC64NVME of the whole object: as digested before, or from its parts (all must be DONE). */
uint64_t weir_upload_crc(const struct weir_upload *u);

#endif
