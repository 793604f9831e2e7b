/* settle -- what is already at a key, and whether it may be replaced. */
#ifndef WEIR_TRANSFER_SETTLE_H
#define WEIR_TRANSFER_SETTLE_H

#include "transfer/worker.h"

enum weir_settle {
    WEIR_SETTLE_ABSENT = 0, /* nothing is there */
    WEIR_SETTLE_SAME,       /* the same bytes, ours or adopted: nothing to send */
    WEIR_SETTLE_REPLACE,    /* may be overwritten: ours, or the policy says so */
    WEIR_SETTLE_FOREIGN,    /* somebody else's: leave it alone */
};

struct weir_content { /* what we would send */
    uint64_t bytes;
    uint64_t crc64nvme;
    const void *data;             /* the bytes, or NULL: to compare other checksums with */
    const struct weir_meta *meta; /* with weir-xxh128 when the content is known */
    const char *known_etag;       /* of the object that our row remembers, or NULL */
    bool marker; /* an empty "dir/" object: replacing another empty one loses nothing, and some
                    stores keep no metadata on them */
};

/* Did this job write it, or take it over?  known_etag: of the object that our row remembers;
 * the name of the job alone, which a copy by another tool keeps, counts only without one: NULL
 * or "", where nothing is known or a pass may have replaced it since. */
bool weir_settle_is_ours(const struct weir_sender *s, const struct weir_head *head,
                         const char *known_etag);

/* Our own metadata is there unchanged; the access time may have moved. */
bool weir_settle_same_meta(const struct weir_head *head, const struct weir_meta *meta);

/* Pure.  head == NULL: nothing is there.  *out_proven: the store's digest was compared. */
enum weir_settle weir_settle_judge(const struct weir_sender *s, const struct weir_head *head,
                                   const struct weir_content *mine, bool *out_proven);

/* HEAD, then judge.  FOREIGN becomes WEIR_E_EXISTS with what to do about it.  On success
 * w->head is filled unless ABSENT. */
int weir_settle_ask(struct weir_worker *w, const char *key, const struct weir_content *mine,
                    enum weir_settle *out, bool *out_proven, struct weir_err *err);

struct weir_foreign_source;
/* Is the object of another tool that w->head describes to be adopted?  *out: SAME or FOREIGN,
 * by the checksums that the store has; reads the bytes. */
int weir_settle_adopt(struct weir_worker *w, const char *key,
                      const struct weir_foreign_source *bytes, enum weir_settle *out,
                      struct weir_err *err);

/* HEAD a key: *out_found false when there is nothing; w->head filled otherwise. */
int weir_settle_head(struct weir_worker *w, const char *key, bool *out_found,
                     struct weir_err *err);

/* The error for an entry whose object is not there, where nothing may be sent. */
int weir_settle_not_there(const char *key, struct weir_err *err);

/* The error for an object that somebody else wrote. */
int weir_settle_foreign(const struct weir_worker *w, const char *key, struct weir_err *err);

#endif
