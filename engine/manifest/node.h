/* node -- a YAML text as a tree with the place of every node.
 *
 * Built from libyaml's events and not from its documents, which resolve aliases silently.
 * Anchors, aliases, tags, directives and a second document are mistakes; so are non-UTF-8,
 * control characters, and trees that are too deep or too large. */
#ifndef WEIR_MANIFEST_NODE_H
#define WEIR_MANIFEST_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/err.h>

#include "manifest/diag.h"

#define WEIR_NODE_DEPTH_MAX 16
#define WEIR_NODE_COUNT_MAX 50000

enum weir_node_kind {
    WEIR_NODE_SCALAR = 0,
    WEIR_NODE_LIST,
    WEIR_NODE_MAP,
    WEIR_NODE_BROKEN, /* stands for an alias: already told as a mistake, say no more */
};

struct weir_node {
    enum weir_node_kind kind;
    bool plain;                 /* scalar without quotes */
    size_t line, column, width; /* from 1, in characters; width of the first line */
    char *text;                 /* scalar, NUL-terminated; may hold NULs as well */
    size_t bytes;
    struct weir_node *first; /* list: items; map: key, value, key, value, ... */
    struct weir_node *next;
};

/**
 * weir_node_read() -- read the one document of d->text.
 * @out: the tree, to be freed with weir_node_free(); NULL when the text is empty or so broken
 *       that a tree would mislead; mistakes are then in d.
 * Returns 0, or -1 with NOMEM.
 */
int weir_node_read(struct weir_diag *d, struct weir_node **out, struct weir_err *err);
void weir_node_free(struct weir_node *n); /* NULL is fine */

/* The node of a key of a map, or NULL: also when map is NULL or no map.  Its value is ->next.
 */
const struct weir_node *weir_node_key(const struct weir_node *map, const char *key);
/* The value of a key, or NULL. */
const struct weir_node *weir_node_get(const struct weir_node *map, const char *key);

/* A scalar that YAML reads as "nothing": empty, ~ or null without quotes. */
bool weir_node_is_null(const struct weir_node *n);

#endif
