#include "transfer/meta.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A time as sign, whole seconds and nanoseconds after the point: -1.5 s is stored floored, as s
 * = -2 and ns = 500000000. */
struct split {
    const char *sign;
    uint64_t s;
    uint32_t ns;
};

static struct split
split_time(const struct weir_time *t)
{
    if (t->s >= 0)
        return (struct split){.sign = "", .s = (uint64_t)t->s, .ns = t->ns};
    uint64_t s = -(uint64_t)t->s;
    if (t->ns == 0)
        return (struct split){.sign = "-", .s = s, .ns = 0};
    return (struct split){.sign = "-", .s = s - 1, .ns = 1000000000u - t->ns};
}

void
weir_meta_time(const struct weir_time *t, char out[40])
{
    struct split v = split_time(t);
    if (v.s > 0)
        (void)snprintf(out, 40, "%s%" PRIu64 "%09" PRIu32 "ns", v.sign, v.s, v.ns);
    else
        (void)snprintf(out, 40, "%s%" PRIu32 "ns", v.sign, v.ns);
}

static void
add(struct weir_meta *m, const char *name)
{
    m->kv[m->count] = (struct weir_kv){.name = name, .value = m->text[m->count]};
    m->count++;
}

void
weir_meta_fill(struct weir_meta *m, enum weir_metadata policy, const struct weir_stat *st,
               const char *job_id, const struct weir_xxh128 *xxh128)
{
    m->count = 0;
    if (policy == WEIR_METADATA_POSIX) {
        weir_meta_time(&st->atime, m->text[m->count]);
        add(m, WEIR_META_ATIME);
        (void)snprintf(m->text[m->count], sizeof(m->text[0]), "%" PRIu32, st->gid);
        add(m, "file-group");
        weir_meta_time(&st->mtime, m->text[m->count]);
        add(m, WEIR_META_MTIME);
        (void)snprintf(m->text[m->count], sizeof(m->text[0]), "%" PRIu32, st->uid);
        add(m, "file-owner");
        (void)snprintf(m->text[m->count], sizeof(m->text[0]), "0%" PRIo32, st->mode);
        add(m, "file-permissions");
        struct split v = split_time(&st->mtime);
        (void)snprintf(m->text[m->count], sizeof(m->text[0]), "%s%" PRIu64 ".%09" PRIu32,
                       v.sign, v.s, v.ns);
        add(m, "mtime");
    }
    (void)snprintf(m->text[m->count], sizeof(m->text[0]), "%.32s", job_id);
    add(m, WEIR_META_ID);
    if (xxh128 != NULL) {
        static const char digit[] = "0123456789abcdef";
        char *out = m->text[m->count];
        for (size_t i = 0; i < sizeof(xxh128->b); i++) {
            *out++ = digit[xxh128->b[i] >> 4];
            *out++ = digit[xxh128->b[i] & 15];
        }
        *out = '\0';
        add(m, WEIR_META_XXH128);
    }
}

bool
weir_meta_same(const struct weir_meta *a, const struct weir_meta *b)
{
    size_t count = a->count < b->count ? a->count : b->count;
    for (size_t i = 0; i < count; i++)
        if (strcmp(a->kv[i].name, b->kv[i].name) != 0 ||
            (strcmp(a->kv[i].name, WEIR_META_ATIME) != 0 &&
             strcmp(a->kv[i].value, b->kv[i].value) != 0))
            return false;
    return true;
}

const char *
weir_meta_find(const struct weir_head *head, const char *name)
{
    for (size_t i = 0; i < head->meta_count; i++)
        if (strcmp(head->meta[i].name, name) == 0)
            return head->meta[i].value;
    return NULL;
}

bool
weir_meta_is_ours(const struct weir_head *head, const char *job_id)
{
    const char *id = weir_meta_find(head, WEIR_META_ID);
    return id != NULL && strcmp(id, job_id) == 0;
}
