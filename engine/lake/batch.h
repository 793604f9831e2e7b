/* batch -- one directory of the lake as the walk hands it over: complete, sorted, with stat
 * data. */
#ifndef WEIR_LAKE_BATCH_H
#define WEIR_LAKE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/digest.h>
#include <weir/entry.h>
#include <weir/err.h>

enum weir_verdict {
    WEIR_VERDICT_TAKE = 0, /* part of the job */
    WEIR_VERDICT_EXCLUDED, /* left out by a rule; `rule` names it; a directory is not entered */
    WEIR_VERDICT_FAILED,   /* could not be statted; `sys_errno` says why */
};

struct weir_lake_entry {
    const char *name; /* bytes, no '/' and no NUL inside, NUL-terminated; lives in the batch */
    uint16_t name_len;
    uint8_t type;    /* enum weir_entry_type; of the target when links are followed */
    uint8_t verdict; /* enum weir_verdict */
    int sys_errno;
    const char *rule;    /* static or owned by the walk: "exclude *.tmp", "symlinks: skip",
                            "special file: fifo", "other file system", "pseudo file system",
                            "state directory of weir",
                            "not in files_from"; NULL when taken.  Valid as long as the walk */
    struct weir_stat st; /* all zero when excluded by name alone or failed */
};

struct weir_lake_batch {
    char *path; /* of the directory, relative to the root, no slash at either end; "" = root */
    size_t path_len;
    struct weir_stat st; /* of the directory itself */
    bool mount_root;     /* a file system, or a part of one, is mounted right here */
    size_t count;
    struct weir_lake_entry *entries; /* in byte order of name; directories are among them */
    size_t taken;                    /* entries with WEIR_VERDICT_TAKE */
    bool complete; /* false: listing failed (err says why); entries seen before are there */
    struct weir_err *err;           /* NULL when complete */
    struct weir_xxh128 stat_digest; /* over name, type, size, mtime, ctime, ino of all taken
                                       entries that are not directories, and names and types of
                                       taken sub-directories: equal digest = nothing changed */
    size_t heap_bytes;              /* what this batch costs, for the memory budget */
};

void weir_lake_batch_free(struct weir_lake_batch *b); /* NULL is fine */

#endif
