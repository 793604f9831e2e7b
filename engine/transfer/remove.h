/* remove -- objects whose files vanished from the lake: looked at once more, moved to the
 * quarantine where the policy says so, removed in one request. */
#ifndef WEIR_TRANSFER_REMOVE_H
#define WEIR_TRANSFER_REMOVE_H

#include <weir/transport.h>

#include "plan/base.h"

#define WEIR_REMOVAL_BATCH 100
#define WEIR_QUARANTINE_PREFIX ".weir/quarantine/"

enum weir_removal_state {
    WEIR_REMOVAL_WAITS = 0, /* not looked at: stopped before */
    WEIR_REMOVAL_READY,     /* ours, as we left it; copied where it must be */
    WEIR_REMOVAL_REMOVED,
    WEIR_REMOVAL_WAS_GONE, /* no such object (any more) */
    WEIR_REMOVAL_BACK,     /* the file is there again: nothing was done */
    WEIR_REMOVAL_FOREIGN,  /* another program wrote the object since: nothing was done */
    WEIR_REMOVAL_FAILED,   /* err says why; the object may or may not be there */
};

struct weir_removal {
    /* set by the coordinator; all texts owned */
    int64_t dir_id;
    char *path;
    size_t path_len, name_len; /* of the entry; name_len 0: a directory's own object */
    char *key;
    bool decided; /* the walk of this pass saw the directory, which is no object now */
    struct weir_base *base; /* its row */
    /* result */
    enum weir_removal_state state;
    char version[WEIR_VERSION_BYTES]; /* of the delete marker, or "" */
    struct weir_err *err;             /* FAILED and BACK; owned */
};

struct weir_removal_batch {
    size_t count;
    const char *quarantine; /* prefix ".weir/quarantine/<pass>/", or NULL; borrowed */
    struct weir_removal items[WEIR_REMOVAL_BATCH];
};

void weir_removal_batch_free(struct weir_removal_batch *b); /* NULL is fine */

#endif
