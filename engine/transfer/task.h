/* task -- one unit of work, handed to a worker through a queue and handed back with its result.
 *
 * An item is one entry of the lake on its way to the store.  A small item is one task; a large
 * one is a multipart upload: open, many parts, complete.  While a task is out, the worker owns
 * the task and only reads the item; the coordinator owns everything else. */
#ifndef WEIR_TRANSFER_TASK_H
#define WEIR_TRANSFER_TASK_H

#include <weir/digest.h>
#include <weir/entry.h>
#include <weir/transport.h>

#include "lake/reader.h"
#include "plan/base.h"
#include "thread/queue.h"

enum weir_task_kind {
    WEIR_TASK_SEND = 0, /* a whole object in one PUT: small file, symlink, directory */
    WEIR_TASK_OPEN,     /* create a multipart upload, or take up one that was left */
    WEIR_TASK_PART,     /* read, digest and send one part (or only digest, when it is there) */
    WEIR_TASK_COMPLETE, /* prove that the file did not change, publish */
    WEIR_TASK_ABORT,    /* give up the upload */
    WEIR_TASK_REMOVE,   /* objects whose files vanished: see remove.h */
};

enum weir_outcome {
    WEIR_OUTCOME_DONE = 0, /* what the task should do is done */
    WEIR_OUTCOME_FOUND,    /* the object was there with the same digest; nothing was sent */
    WEIR_OUTCOME_COPIED,   /* the store made the object from the base; nothing was sent */
    WEIR_OUTCOME_SAME,     /* the file holds what our row says: nothing to do in the store */
    WEIR_OUTCOME_CHANGED,  /* the file changed, or changed too recently: try again later */
    WEIR_OUTCOME_RESTART,  /* the upload is gone: begin a new one */
    WEIR_OUTCOME_FAILED,   /* err says why */
};

enum weir_fate {
    WEIR_FATE_NONE = 0,
    WEIR_FATE_PUT_OFF, /* the file changed: try again after a quiet time */
    WEIR_FATE_RESTART, /* the upload is gone: make a new one */
    WEIR_FATE_FAIL,    /* give up, keep the upload for the next run */
    WEIR_FATE_DISCARD, /* give up, the upload is of no use */
};

struct weir_item {
    char *path; /* relative to the root; owned */
    size_t path_len;
    char *key; /* owned */
    uint8_t type;
    struct weir_stat st;        /* what the walk (or the last try) saw */
    bool restat;                /* a later try: look at the file again first */
    enum weir_recent recent;    /* has been seen unchanged for long enough */
    bool maybe_sent;            /* an interrupted pass may have sent it: ask before sending */
    uint64_t whole_max;         /* SEND: a file that has grown beyond goes in parts */
    struct weir_base *base;     /* our older object, or one with the same content; owned */
    bool check;                 /* by its times unchanged: is its content too? */
    bool send_whole;            /* the base turned out to be of no use */
    unsigned tries;             /* times it was put off because it changed */
    int64_t due_ns;             /* monotonic: not before */
    struct weir_upload *upload; /* multipart only; owned */

    /* coordinator only */
    struct weir_item *next;                  /* in the list it waits in */
    struct weir_item *live_prev, *live_next; /* all items of the run */
    void *owner;                             /* the directory it belongs to */
    size_t index;                            /* of the entry in its directory */
    size_t tasks_out;
    uint64_t heavy_bytes;      /* SEND: taken from the budget of large buffers */
    unsigned restarts;         /* times its upload was gone */
    enum weir_fate fate;       /* what happens once no task is out any more */
    struct weir_err *fate_err; /* owned */
};

struct weir_task {
    struct weir_node node;
    enum weir_task_kind kind;
    struct weir_item *item;
    uint32_t part; /* PART: number from 1 */

    /* result, written by the worker */
    enum weir_outcome outcome;
    struct weir_stat st;        /* SEND, OPEN: the file as it was opened */
    bool sent;                  /* PART: false when the store had it already, or copied it */
    bool copied;                /* PART: the store made it from the base */
    bool base_lost;             /* the base is not what our row says: send the whole file */
    struct weir_stored stored;  /* SEND, COMPLETE */
    struct weir_part part_done; /* PART */
    uint64_t bytes;             /* object or part bytes that were read */
    uint64_t crc64nvme;
    struct weir_xxh128 xxh128;  /* of the whole: SEND */
    struct weir_xxh128 *chunks; /* SEND with more than one chunk: malloc'ed, handed over; PART:
                                   points into the upload's list */
    size_t chunk_count;
    struct weir_removal_batch *removals; /* REMOVE; owned */
    bool adopted;                        /* FOUND: another tool's object was taken over */
    bool proven;                         /* the store compared the digest, or gave it back */
    struct weir_err *err; /* malloc'ed when outcome is FAILED or CHANGED; NULL otherwise */
};

/* The ETag of our own older object at the item's key, or NULL when the key is new to us. */
const char *weir_item_etag(const struct weir_item *item);
/* The same where it says whose the object is now: NULL when an interrupted pass may have
 * replaced it. */
const char *weir_item_known_etag(const struct weir_item *item);

/* Frees an item with its upload (closes the file); NULL is fine. */
void weir_item_free(struct weir_item *item);
/* Frees a task with its error and chunks (not those of a PART); not the item. */
void weir_task_free(struct weir_task *task);

#endif
