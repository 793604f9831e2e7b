#include "lake/stat_digest.h"

#include <endian.h>
#include <string.h>

#define LINK_BYTES sizeof(struct weir_xxh128)
#define FIXED_BYTES (2 + 1 + 8 + 12 + 12 + 8) /* of an entry, beside its name */

void
weir_stat_digest_begin(struct weir_stat_digest *d)
{
    memset(d->block, 0, LINK_BYTES);
    d->used = LINK_BYTES;
}

static void
close_block(struct weir_stat_digest *d)
{
    struct weir_xxh128 x;
    weir_xxh128(d->block, d->used, &x);
    memcpy(d->block, x.b, LINK_BYTES);
    d->used = LINK_BYTES;
}

static unsigned char *
put_u64(unsigned char *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof(v));
    return p + sizeof(v);
}

static unsigned char *
put_time(unsigned char *p, const struct weir_time *t)
{
    uint32_t ns = htole32(t->ns);
    p = put_u64(p, (uint64_t)t->s);
    memcpy(p, &ns, sizeof(ns));
    return p + sizeof(ns);
}

void
weir_stat_digest_add(struct weir_stat_digest *d, const struct weir_lake_entry *e)
{
    if (d->used + FIXED_BYTES + e->name_len > sizeof(d->block))
        close_block(d);
    unsigned char *p = d->block + d->used;
    *p++ = (unsigned char)(e->name_len & 0xff);
    *p++ = (unsigned char)(e->name_len >> 8);
    memcpy(p, e->name, e->name_len);
    p += e->name_len;
    *p++ = e->type;
    if (e->type != WEIR_ENTRY_DIR) {
        p = put_u64(p, e->st.size);
        p = put_time(p, &e->st.mtime);
        p = put_time(p, &e->st.ctime);
        p = put_u64(p, e->st.ino);
    }
    d->used = (size_t)(p - d->block);
}

void
weir_stat_digest_end(struct weir_stat_digest *d, struct weir_xxh128 *out)
{
    close_block(d);
    memcpy(out->b, d->block, LINK_BYTES);
}
