/* compare -- one directory of the lake against what the catalog remembers of it, and what
 * follows. Decisions are pure functions; the only I/O is one range query of the catalog. */
#ifndef WEIR_PLAN_COMPARE_H
#define WEIR_PLAN_COMPARE_H

#include <weir/manifest.h>

#include "lake/batch.h"
#include "plan/base.h"

enum weir_action {
    WEIR_ACTION_NONE = 0, /* excluded, failed, or a sub-directory: its own batch decides */
    WEIR_ACTION_UNCHANGED,
    WEIR_ACTION_BACK,    /* had vanished, and is as it was */
    WEIR_ACTION_SEND,    /* new */
    WEIR_ACTION_REPLACE, /* changed since our row */
    WEIR_ACTION_SETTLE,  /* a pass began to replace or delete its object: ask what is there */
    WEIR_ACTION_CHECK,   /* by its times unchanged: to be digested again */
};

/* Does it make a task of an entry? */
bool weir_compare_is_work(enum weir_action action);

enum weir_compare_depth {
    WEIR_COMPARE_STAT = 0,
    WEIR_COMPARE_CONTENT, /* CHECK instead of UNCHANGED for files and links */
};

/* Pure.  row == NULL: the catalog does not know the entry. */
enum weir_action weir_compare_entry(const struct weir_lake_entry *e,
                                    const struct weir_catalog_entry *row,
                                    enum weir_compare_depth depth);

struct weir_missing { /* a live row whose entry is not there, or not as a file or link */
    struct weir_missing *next;
    size_t name_len; /* 0: the directory is no object any more */
    uint64_t bytes;
    uint8_t type;
    char name[];
};

struct weir_compared {       /* the outcome for a directory */
    uint8_t *action;         /* [batch->count], enum weir_action */
    struct weir_base **base; /* [batch->count] or NULL; set for REPLACE, SETTLE and CHECK */
    uint8_t self;            /* enum weir_action of the directory's own object, row name "" */
    struct weir_base *self_base;
    struct weir_missing *missing; /* in any order; only for complete batches */
    bool hidden;   /* a live row's entry is left out by a rule: no seal would see it vanish */
    uint64_t back; /* entries with BACK, of unchanged */
    uint64_t unchanged, unchanged_bytes; /* entries, with the directory itself */
    uint64_t to_send;                    /* all that have a base, and SEND */
};

/**
 * weir_compare_dir() -- join the batch with its rows.
 * @dir_id: of the catalog, or 0 when it does not know the directory (no query is made).
 * @self:   does the directory itself become an object? see weir_compare_wants_self().
 */
int weir_compare_dir(struct weir_catalog *c, int64_t dir_id,
                     const struct weir_lake_batch *batch, bool self,
                     enum weir_compare_depth depth, struct weir_compared *out,
                     struct weir_err *err);
void weir_compared_fini(struct weir_compared *p, size_t count);

/* Does the policy make an object of this directory? */
bool weir_compare_wants_self(enum weir_directories policy, const struct weir_lake_batch *batch);

/* What is sealed: the batch's stat digest, with the directory's own stat where it is an object.
 */
void weir_compare_seal(const struct weir_lake_batch *batch, bool self, struct weir_xxh128 *out);

#endif
