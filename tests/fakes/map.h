/* map -- an ordered map from byte strings to pointers: a skip list, so that listings walk it in
 * byte order from any place.  The caller locks. */
#ifndef FAKE_MAP_H
#define FAKE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_MAP_LEVELS 20

struct fake_node {
    char *key; /* key_len bytes and a NUL */
    size_t key_len;
    void *value;
    struct fake_node **next;
};
struct fake_map { /* all zero is empty */
    struct fake_node *head[FAKE_MAP_LEVELS];
    uint64_t random;
    size_t count;
};
enum fake_seek {
    FAKE_SEEK_FROM,       /* first key >= the argument */
    FAKE_SEEK_AFTER,      /* first key > the argument */
    FAKE_SEEK_PAST_PREFIX /* first key > the argument that does not begin with it */
};

void *fake_map_get(const struct fake_map *m, const char *key, size_t len);
/* Returns the value it replaces, or NULL. */
void *fake_map_put(struct fake_map *m, const char *key, size_t len, void *value);
void *fake_map_remove(struct fake_map *m, const char *key, size_t len);
struct fake_node *fake_map_seek(const struct fake_map *m, const char *key, size_t len,
                                enum fake_seek how);
static inline struct fake_node *
fake_map_first(const struct fake_map *m)
{
    return m->head[0];
}

#endif
