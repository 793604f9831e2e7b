/* entry -- what weir remembers of one directory entry: plain data shared by walk, catalog,
 * plan. */
#ifndef WEIR_ENTRY_H
#define WEIR_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

enum weir_entry_type { /* stored in the catalog: never renumber */
                       WEIR_ENTRY_UNKNOWN = 0,
                       WEIR_ENTRY_FILE = 1,
                       WEIR_ENTRY_DIR = 2,
                       WEIR_ENTRY_SYMLINK = 3,
                       WEIR_ENTRY_FIFO = 4,
                       WEIR_ENTRY_SOCKET = 5,
                       WEIR_ENTRY_CHAR = 6,
                       WEIR_ENTRY_BLOCK = 7,
};

/* Seconds are signed 64 bit (files from 1913 and 2076 exist), nanoseconds 0..999999999. */
struct weir_time {
    int64_t s;
    uint32_t ns;
};

struct weir_stat {
    uint64_t dev;
    uint64_t ino;
    uint64_t size;   /* bytes; for a symlink the length of its target */
    uint64_t blocks; /* 512-byte blocks allocated: less than size means holes */
    struct weir_time mtime, ctime, atime;
    uint32_t mode; /* type and permission bits as in st_mode */
    uint32_t uid, gid;
    uint32_t nlink;
};

/* The identity test of engine/DESIGN.md: size, mtime, ctime and inode all equal.  Mode and
 * owner changes move ctime, so they are found too.  The device number is not compared: it
 * changes when a file system is mounted again. */
static inline bool
weir_stat_same(const struct weir_stat *a, const struct weir_stat *b)
{
    return a->size == b->size && a->ino == b->ino && a->mtime.s == b->mtime.s &&
           a->mtime.ns == b->mtime.ns && a->ctime.s == b->ctime.s && a->ctime.ns == b->ctime.ns;
}

#endif
