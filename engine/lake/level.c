#include "lake/level.h"

#include <stdlib.h>
#include <string.h>

struct record { /* followed by the name */
    uint64_t dev, ino;
    struct weir_files_run run;
    uint32_t name_len;
};

#define RECORD_BYTES (8 + 8 + 8 + 4)
_Static_assert(offsetof(struct record, name_len) + 4 == RECORD_BYTES, "packed in lists");

struct weir_level *
weir_level_create(struct weir_level *parent, const struct weir_level_dir *dir)
{
    struct weir_level *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->refs = 1;
    l->parent = parent;
    l->dev = dir->dev;
    l->ino = dir->ino;
    l->name = dir->name;
    l->name_len = dir->name_len;
    l->path_len = dir->name_len;
    if (parent != NULL && parent->path_len > 0)
        l->path_len += parent->path_len + 1;
    return l;
}

int
weir_level_add(struct weir_level *l, const struct weir_level_dir *dir)
{
    struct record r = {dir->dev, dir->ino, dir->run, (uint32_t)dir->name_len};
    size_t need = RECORD_BYTES + dir->name_len;
    if (l->list_cap - l->list_len < need) {
        size_t cap = l->list_cap == 0 ? 256 : l->list_cap;
        while (cap - l->list_len < need)
            cap *= 2;
        char *list = realloc(l->list, cap);
        if (list == NULL)
            return -1;
        l->list = list;
        l->list_cap = cap;
    }
    memcpy(l->list + l->list_len, &r, RECORD_BYTES);
    memcpy(l->list + l->list_len + RECORD_BYTES, dir->name, dir->name_len);
    l->list_len += need;
    return 0;
}

void
weir_level_path(const struct weir_level *l, char *out)
{
    out[l->path_len] = '\0';
    for (; l->parent != NULL; l = l->parent) {
        memcpy(out + l->path_len - l->name_len, l->name, l->name_len);
        if (l->parent->path_len > 0)
            out[l->parent->path_len] = '/';
    }
}

bool
weir_level_has_ancestor(const struct weir_level *l, uint64_t dev, uint64_t ino)
{
    for (; l != NULL; l = l->parent)
        if (l->dev == dev && l->ino == ino)
            return true;
    return false;
}

void
weir_level_push_locked(struct weir_level **stack, struct weir_level *l)
{
    l->below = *stack;
    *stack = l;
}

struct weir_level *
weir_level_take_locked(struct weir_level **stack, struct weir_level_dir *out)
{
    struct weir_level *l = *stack;
    struct record r;
    memcpy(&r, l->list + l->next, RECORD_BYTES);
    *out = (struct weir_level_dir){
        .name = l->list + l->next + RECORD_BYTES,
        .name_len = r.name_len,
        .dev = r.dev,
        .ino = r.ino,
        .run = r.run,
    };
    l->next += RECORD_BYTES + r.name_len;
    if (l->next == l->list_len)
        *stack = l->below; /* the stack's reference becomes the caller's */
    else
        l->refs++;
    return l;
}

void
weir_level_release_locked(struct weir_level *l)
{
    while (l != NULL && --l->refs == 0) { /* a loop: trees can be very deep */
        struct weir_level *parent = l->parent;
        free(l->list);
        free(l);
        l = parent;
    }
}
