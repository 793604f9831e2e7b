/* names -- the names of one directory as the kernel lists them, then sorted.  Internal.
 *
 * 16 bytes and the name itself for each entry: a directory of a million entries costs about
 * 30 MiB here before its entries are made. */
#ifndef WEIR_LAKE_NAMES_H
#define WEIR_LAKE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>

enum weir_name_flag {
    WEIR_NAME_UNLISTED = 1, /* in the directory, not in files_from */
    WEIR_NAME_MISSING = 2,  /* in files_from, not in the directory */
    WEIR_NAME_ON_WAY = 4,   /* only paths below it are in files_from */
};

struct weir_name {
    uint64_t head; /* for the sort: eight bytes behind what all names have in common */
    uint32_t at;   /* offset in text */
    uint16_t len;
    uint8_t d_type;
    uint8_t flags; /* enum weir_name_flag */
};

struct weir_names {
    char *text; /* owned; every name is NUL-terminated */
    size_t text_len, text_cap;
    struct weir_name *item; /* owned */
    size_t count, cap;
};

void weir_names_clear(struct weir_names *n); /* keeps small buffers for the next directory */
void weir_names_fini(struct weir_names *n);

#define WEIR_NAME_BYTES_MAX 4095 /* Linux file systems have 255 */

/* Returns 0, or an errno value: ENOMEM, ENAMETOOLONG, EOVERFLOW (more than 4 GiB of names). */
int weir_names_add(struct weir_names *n, const char *name, size_t len, uint8_t d_type,
                   enum weir_name_flag flags);

/* In byte order; a name that is the beginning of another comes first.  A name that was listed
 * twice (removed and made again meanwhile) is kept once. */
void weir_names_sort(struct weir_names *n);

/* Byte order of two names. */
int weir_names_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/**
 * weir_names_list() -- add all names of an open directory but "." and "..".
 * @buffer: scratch for getdents64; @stop is asked after each buffer and may be NULL.
 * Returns 0, an errno value (names seen before are there), or ECANCELED when stop said so.
 */
int weir_names_list(struct weir_names *n, int dir_fd, void *buffer, size_t buffer_bytes,
                    int (*stop)(void *ctx), void *ctx);

#endif
