/* schema -- tables that say which keys a mapping may have, and the walk that fills a struct by
 * them.  A new key is one line in keys.c. */
#ifndef WEIR_MANIFEST_SCHEMA_H
#define WEIR_MANIFEST_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest/diag.h"
#include "manifest/node.h"

enum weir_schema_kind { /* what the value is, and the type of the field it fills */
                        WEIR_SCHEMA_LATER,   /* a key of a later version: refused by name */
                        WEIR_SCHEMA_VERSION, /* the number `high` and nothing else; no field */
                        WEIR_SCHEMA_TEXT,    /* char * */
                        WEIR_SCHEMA_WORD, /* an enum: position in `words`, counted from `low` */
                        WEIR_SCHEMA_BOOL, /* bool: true or false */
                        WEIR_SCHEMA_COUNT,    /* unsigned */
                        WEIR_SCHEMA_COUNT64,  /* uint64_t */
                        WEIR_SCHEMA_SIZE,     /* uint64_t, bytes */
                        WEIR_SCHEMA_DURATION, /* uint64_t, seconds */
                        WEIR_SCHEMA_RATE,     /* uint64_t, bytes per second */
                        WEIR_SCHEMA_TIME,     /* uint16_t, minutes after midnight */
                        WEIR_SCHEMA_DAYS,     /* uint8_t, bit 0 is Monday */
                        WEIR_SCHEMA_PATTERNS, /* struct weir_strings; each a pattern of rules.h
                                               */
                        WEIR_SCHEMA_PAIRS,    /* struct weir_pair * and its count; any keys, at
                                                 most `high` */
                        WEIR_SCHEMA_MAP,      /* a mapping with keys of its own; the struct is
                                                 embedded */
                        WEIR_SCHEMA_MAPS, /* a list of at most `high` mappings: array and its
                                             count */
};

typedef const char *weir_schema_check(const char *text); /* as in check.h */

struct weir_schema_map;

struct weir_schema_key {
    const char *name;
    enum weir_schema_kind kind;
    bool required;
    size_t offset;                     /* of the field in the struct that the mapping fills */
    size_t count_offset;               /* PAIRS, MAPS: of the size_t beside it */
    const char *const *words;          /* WORD: NULL-terminated, in the order of the enum */
    const char *auto_word;             /* numbers: this word stands for 0 */
    uint64_t low, high, step;          /* numbers, TIME: range and granularity; step 0: any */
    weir_schema_check *check;          /* TEXT, and names of PAIRS */
    weir_schema_check *check_value;    /* values of PAIRS */
    const struct weir_schema_map *map; /* MAP, MAPS */
};

#define WEIR_SCHEMA_KEYS_MAX 24
struct weir_schema_map {
    const char *name; /* for messages; "" for the whole manifest */
    const struct weir_schema_key *keys;
    size_t key_count;
    size_t item_bytes; /* MAPS: size of one struct, and what it is before it is filled */
    const void *item_default;
};

struct weir_schema {
    struct weir_diag *diag;
    const struct weir_schema_map *top;
    bool no_memory;
};

/**
 * weir_schema_read_map() -- check one mapping and fill the struct at base.
 * @owner: node that is blamed for missing keys.
 * Mistakes go to s->diag; the fields they concern keep what they held.  What was filled is the
 * caller's to free, also after mistakes or lack of memory.
 */
void weir_schema_read_map(struct weir_schema *s, const struct weir_schema_map *map,
                          const struct weir_node *node, const struct weir_node *owner,
                          void *base);

/* Tells that a value has the wrong shape; nothing for a broken node. */
void weir_schema_expect(struct weir_schema *s, const char *name, const struct weir_node *value,
                        const char *expected);

#endif
