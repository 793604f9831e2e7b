/* inspect -- what becomes of one directory entry: taken, excluded by which rule, failed why.
 * Internal to lake. */
#ifndef WEIR_LAKE_INSPECT_H
#define WEIR_LAKE_INSPECT_H

#include <weir/manifest.h>

#include "lake/batch.h"
#include "lake/level.h"
#include "lake/names.h"
#include "lake/root.h"
#include "manifest/rules.h"

struct weir_inspector { /* fixed for a walk; all borrowed */
    const struct weir_lake_root *root;
    const struct weir_source *source;
    const struct weir_rules *rules;
    const struct weir_stat *skip_dirs;
    size_t skip_dir_count;
};

struct weir_place { /* the directory that is being inspected */
    int fd;         /* -1 when it could not be opened */
    uint64_t dev;   /* its device */
    const struct weir_level *level;
    bool covered;      /* weir_rules_covers() of it */
    int missing_errno; /* for names that are listed but were not found */
    char *path;        /* of the directory, a slash (not for the root), and room for
                          one name behind it */
    size_t name_at;    /* where the name goes */
};

/* The rule of entries that files_from does not list; to be compared by address. */
extern const char weir_inspect_not_listed[];

/**
 * weir_inspect_entry() -- judge one entry.
 * @name: the same as @n's text; @e: name and name_len are set by the caller, the rest here.
 * Returns false when the entry has vanished since it was listed: as if never seen.
 */
bool weir_inspect_entry(const struct weir_inspector *in, struct weir_place *at,
                        const struct weir_name *n, struct weir_lake_entry *e);

#endif
