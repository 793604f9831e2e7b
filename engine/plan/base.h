/* base -- an object of ours that the store holds and that a new one replaces, or is copied
 * from: what its row in the catalog remembers. */
#ifndef WEIR_PLAN_BASE_H
#define WEIR_PLAN_BASE_H

#include "catalog/catalog.h"

struct weir_base {
    bool self;      /* at the entry's own key; else at `key`, and the entry is new */
    char *key;      /* NULL when self; owned */
    int64_t dir_id; /* where its row is, unless self */
    char *name;     /* owned */
    size_t name_len;
    char *etag, *version; /* "" when unknown; owned */
    uint8_t type, proof;
    bool doubt;          /* an earlier pass may have replaced the object */
    struct weir_stat st; /* of the file that was sent */
    struct weir_xxh128 xxh128;
    uint64_t crc64nvme;
    uint64_t part_bytes, chunk_bytes;
    struct weir_xxh128 *chunks; /* NULL until loaded, or when the file has one; owned */
    size_t chunk_count;
};

/* Copies what the row says.  NULL when memory is short. */
struct weir_base *weir_base_create(const struct weir_catalog_entry *row, bool self);
void weir_base_free(struct weir_base *b); /* NULL is fine */

#endif
