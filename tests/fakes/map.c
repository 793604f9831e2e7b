#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "map.h"

static int
compare(const struct fake_node *n, const char *key, size_t len)
{
    size_t least = n->key_len < len ? n->key_len : len;
    int d = least ? memcmp(n->key, key, least) : 0;
    return d ? d : n->key_len < len ? -1 : n->key_len > len;
}

static bool
before(const struct fake_node *n, const char *key, size_t len, enum fake_seek how)
{
    if (how == FAKE_SEEK_PAST_PREFIX && n->key_len >= len && memcmp(n->key, key, len) == 0)
        return true;
    int d = compare(n, key, len);
    return how == FAKE_SEEK_AFTER ? d <= 0 : d < 0;
}

/* The links that precede the place of @key, one for each level, in @path. */
static struct fake_node *
find(const struct fake_map *m, const char *key, size_t len, enum fake_seek how,
     struct fake_node **path[FAKE_MAP_LEVELS])
{
    struct fake_node *const *links = m->head;
    for (int level = FAKE_MAP_LEVELS - 1; level >= 0; level--) {
        while (links[level] && before(links[level], key, len, how))
            links = links[level]->next;
        if (path)
            path[level] = (struct fake_node **)&links[level];
    }
    return links[0];
}

void *
fake_map_get(const struct fake_map *m, const char *key, size_t len)
{
    struct fake_node *n = find(m, key, len, FAKE_SEEK_FROM, NULL);
    return n && compare(n, key, len) == 0 ? n->value : NULL;
}

struct fake_node *
fake_map_seek(const struct fake_map *m, const char *key, size_t len, enum fake_seek how)
{
    return find(m, key, len, how, NULL);
}

static int
random_levels(struct fake_map *m)
{
    uint64_t x = m->random ? m->random : UINT64_C(0x9e3779b97f4a7c15);
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    m->random = x;
    int levels = 1;
    for (; levels < FAKE_MAP_LEVELS && (x & 3) == 0; x >>= 2)
        levels++;
    return levels;
}

void *
fake_map_put(struct fake_map *m, const char *key, size_t len, void *value)
{
    struct fake_node **path[FAKE_MAP_LEVELS];
    struct fake_node *n = find(m, key, len, FAKE_SEEK_FROM, path);
    if (n && compare(n, key, len) == 0) {
        void *old = n->value;
        n->value = value;
        return old;
    }
    int levels = random_levels(m);
    n = fake_alloc(sizeof(*n));
    n->next = fake_alloc((size_t)levels * sizeof(struct fake_node *));
    n->key = fake_alloc(len + 1);
    memcpy(n->key, key, len);
    n->key_len = len;
    n->value = value;
    for (int i = 0; i < levels; i++) {
        n->next[i] = *path[i];
        *path[i] = n;
    }
    m->count++;
    return NULL;
}

void *
fake_map_remove(struct fake_map *m, const char *key, size_t len)
{
    struct fake_node **path[FAKE_MAP_LEVELS];
    struct fake_node *n = find(m, key, len, FAKE_SEEK_FROM, path);
    if (!n || compare(n, key, len) != 0)
        return NULL;
    for (int i = 0; i < FAKE_MAP_LEVELS && *path[i] == n; i++)
        *path[i] = n->next[i];
    void *value = n->value;
    free(n->key);
    free(n->next);
    free(n);
    m->count--;
    return value;
}
