/* absent -- is something really not in the lake any more?  The evidence before a delete: a
 * fresh look that says "not there", and never one that could not look. */
#ifndef WEIR_LAKE_ABSENT_H
#define WEIR_LAKE_ABSENT_H

#include <weir/manifest.h>

#include "lake/root.h"

enum weir_absent {
    WEIR_ABSENT_UNKNOWN = 0, /* could not look; err says why */
    WEIR_ABSENT_YES,         /* not there, or something else is in its place */
    WEIR_ABSENT_NO,
};

/**
 * weir_lake_absent() -- look at a path below the root now.
 * @source: links are followed as it says; with one_file_system what is below another mount than
 *          the root's is UNKNOWN: it may be hidden.
 * @type:   what was there, enum weir_entry_type: a directory where a file was counts as absent,
 *          and the reverse; a file and a link are told apart too, unless links are followed.
 * Any thread.
 */
enum weir_absent weir_lake_absent(const struct weir_lake_root *r,
                                  const struct weir_source *source, const char *path,
                                  uint8_t type, struct weir_err *err);

#endif
