#include "catalog/pack.h"

static uint8_t *
put(uint8_t *p, uint64_t value)
{
    for (; value > 127; value >>= 7)
        *p++ = (uint8_t)(value | 128);
    *p++ = (uint8_t)value;
    return p;
}

static uint64_t
zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static uint8_t *
put_time(uint8_t *p, const struct weir_time *t)
{
    return put(put(p, zigzag(t->s)), t->ns);
}

size_t
weir_pack_stat(const struct weir_stat *st, uint8_t out[WEIR_PACK_BYTES_MAX])
{
    uint8_t *p = put(put(put(out, st->dev), st->ino), st->blocks);
    p = put_time(put_time(put_time(p, &st->mtime), &st->ctime), &st->atime);
    p = put(put(put(put(p, st->mode), st->uid), st->gid), st->nlink);
    return (size_t)(p - out);
}

struct cursor {
    const uint8_t *p, *end;
    bool bad;
};

static uint64_t
get(struct cursor *c, uint64_t max)
{
    uint64_t value = 0;
    for (unsigned shift = 0; c->p < c->end && shift < 64; shift += 7) {
        uint8_t byte = *c->p++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) {
            c->bad |= value > max;
            return value;
        }
    }
    c->bad = true;
    return 0;
}

static struct weir_time
get_time(struct cursor *c)
{
    uint64_t s = get(c, UINT64_MAX);
    uint32_t ns = (uint32_t)get(c, 999999999);
    return (struct weir_time){.s = (int64_t)(s >> 1 ^ (s & 1 ? UINT64_MAX : 0)), .ns = ns};
}

int
weir_pack_read_stat(const uint8_t *data, size_t bytes, struct weir_stat *out)
{
    struct cursor c = {.p = data, .end = data + bytes};
    out->dev = get(&c, UINT64_MAX);
    out->ino = get(&c, UINT64_MAX);
    out->blocks = get(&c, UINT64_MAX);
    out->mtime = get_time(&c);
    out->ctime = get_time(&c);
    out->atime = get_time(&c);
    out->mode = (uint32_t)get(&c, UINT32_MAX);
    out->uid = (uint32_t)get(&c, UINT32_MAX);
    out->gid = (uint32_t)get(&c, UINT32_MAX);
    out->nlink = (uint32_t)get(&c, UINT32_MAX);
    return c.bad || c.p != c.end ? -1 : 0;
}
