#include "plan/base.h"

#include <stdlib.h>
#include <string.h>

struct weir_base *
weir_base_create(const struct weir_catalog_entry *row, bool self)
{
    struct weir_base *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return NULL;
    *b = (struct weir_base){.self = self,
                            .etag = strdup(row->etag),
                            .version = strdup(row->version),
                            .type = row->type,
                            .proof = row->proof,
                            .doubt = row->doubt,
                            .st = row->st,
                            .xxh128 = row->xxh128,
                            .crc64nvme = row->crc64nvme,
                            .part_bytes = row->part_bytes,
                            .chunk_bytes = row->chunk_bytes};
    if (b->etag == NULL || b->version == NULL) {
        weir_base_free(b);
        return NULL;
    }
    return b;
}

void
weir_base_free(struct weir_base *b)
{
    if (b == NULL)
        return;
    free(b->key);
    free(b->name);
    free(b->etag);
    free(b->version);
    free(b->chunks);
    free(b);
}
