#include "manifest/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "manifest/field.h"
#include "manifest/suggest.h"

void
weir_schema_expect(struct weir_schema *s, const char *name, const struct weir_node *value,
                   const char *expected)
{
    static const char *const found[] = {
        [WEIR_NODE_SCALAR] = "text",
        [WEIR_NODE_LIST] = "a list",
        [WEIR_NODE_MAP] = "a mapping",
    };
    if (value->kind == WEIR_NODE_BROKEN)
        return;
    weir_diag_add(s->diag, value->line, value->column, value->width, "%s%sexpected %s, not %s",
                  name, *name != '\0' ? ": " : "", expected, found[value->kind]);
}

static const struct weir_schema_key *
find_key(const struct weir_schema_map *map, const char *name)
{
    for (size_t i = 0; i < map->key_count; i++)
        if (strcmp(map->keys[i].name, name) == 0)
            return &map->keys[i];
    return NULL;
}

static const struct weir_schema_key *
nearest_key(const struct weir_schema_map *map, const char *name)
{
    const char *best = NULL;
    size_t distance = 0;
    for (size_t i = 0; i < map->key_count; i++)
        if (map->keys[i].kind != WEIR_SCHEMA_LATER)
            weir_suggest_offer(name, map->keys[i].name, &best, &distance);
    return best != NULL ? find_key(map, best) : NULL;
}

/* The mapping at or below `map` that does know this key. */
static const struct weir_schema_map *
home_of(const struct weir_schema_map *map, const char *name)
{
    const struct weir_schema_key *key = find_key(map, name);
    if (key != NULL && key->kind != WEIR_SCHEMA_LATER)
        return map;
    for (size_t i = 0; i < map->key_count; i++) {
        const struct weir_schema_map *found =
            map->keys[i].map != NULL ? home_of(map->keys[i].map, name) : NULL;
        if (found != NULL)
            return found;
    }
    return NULL;
}

static bool
sounds_secret(const char *name)
{
    static const char *const words[] = {"secret",     "password",  "passwd",    "token",
                                        "access_key", "accesskey", "credential"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcasestr(name, words[i]) != NULL)
            return true;
    return false;
}

/* Tells that a key is unknown.  Returns the key that was probably meant, or NULL. */
static const struct weir_schema_key *
tell_unknown(struct weir_schema *s, const struct weir_schema_map *map,
             const struct weir_node *key)
{
    char quoted[WEIR_DIAG_QUOTE], hint[96] = "";
    const struct weir_schema_key *meant = NULL;
    const struct weir_schema_map *home = home_of(s->top, key->text);
    if (sounds_secret(key->text)) {
        weir_diag_add_secret(s->diag, key->line, key->column, key->width,
                             "%s: credentials never stand in a manifest; they come from the "
                             "environment or the AWS files",
                             weir_diag_quote(key->text, key->bytes, quoted));
        return NULL;
    }
    if (home == s->top)
        (void)snprintf(hint, sizeof(hint), "; it belongs at the top level");
    else if (home != NULL)
        (void)snprintf(hint, sizeof(hint), "; it belongs in %s", home->name);
    else if ((meant = nearest_key(map, key->text)) != NULL)
        (void)snprintf(hint, sizeof(hint), "; did you mean '%s'?", meant->name);
    weir_diag_add(s->diag, key->line, key->column, key->width, "unknown key %s%s%s%s",
                  weir_diag_quote(key->text, key->bytes, quoted),
                  *map->name != '\0' ? " in " : "", map->name, hint);
    return meant;
}

/* The known key that a node names, or NULL after telling why there is none.  *out_meant is set
 * when a known key was probably meant. */
static const struct weir_schema_key *
take_key(struct weir_schema *s, const struct weir_schema_map *map, const struct weir_node *key,
         const struct weir_schema_key **out_meant)
{
    *out_meant = NULL;
    if (key->kind != WEIR_NODE_SCALAR) {
        weir_schema_expect(s, "", key, "the name of a key");
        return NULL;
    }
    const struct weir_schema_key *known = find_key(map, key->text);
    if (known == NULL || strlen(key->text) != key->bytes) {
        *out_meant = tell_unknown(s, map, key);
        return NULL;
    }
    if (known->kind == WEIR_SCHEMA_LATER) {
        weir_diag_add(s->diag, key->line, key->column, key->width,
                      "this version of weir does not know '%s' yet", known->name);
        return NULL;
    }
    return known;
}

static void
read_value(struct weir_schema *s, const struct weir_schema_key *known,
           const struct weir_node *key, const struct weir_node *value, void *base)
{
    if (weir_node_is_null(value))
        weir_diag_add(s->diag, key->line, key->column, key->width,
                      "'%s' has no value; give it one%s", known->name,
                      known->required ? "" : " or leave it out");
    else if (known->kind == WEIR_SCHEMA_MAP)
        weir_schema_read_map(s, known->map, value, key, (char *)base + known->offset);
    else
        weir_field_read(s, known, value, base);
}

static void
tell_missing(struct weir_schema *s, const struct weir_schema_map *map,
             const struct weir_node *owner, const char *name)
{
    weir_diag_add(s->diag, owner->line, owner->column, owner->width, "missing key '%s'%s%s",
                  name, *map->name != '\0' ? " in " : "", map->name);
}

/* One key with its value.  seen[i] is the node of key i; missed[i] says that another key was
 * probably meant to be it. */
static void
read_entry(struct weir_schema *s, const struct weir_schema_map *map,
           const struct weir_node *key, const struct weir_node **seen, bool *missed, void *base)
{
    const struct weir_schema_key *meant;
    const struct weir_schema_key *known = take_key(s, map, key, &meant);
    if (meant != NULL)
        missed[meant - map->keys] = true;
    if (known == NULL)
        return;
    const struct weir_node **first = &seen[known - map->keys];
    if (*first != NULL) {
        weir_diag_add(s->diag, key->line, key->column, key->width,
                      "'%s' stands twice: the first is on line %zu", known->name,
                      (*first)->line);
        return;
    }
    *first = key;
    read_value(s, known, key, key->next, base);
}

void
weir_schema_read_map(struct weir_schema *s, const struct weir_schema_map *map,
                     const struct weir_node *node, const struct weir_node *owner, void *base)
{
    const struct weir_node *seen[WEIR_SCHEMA_KEYS_MAX] = {NULL};
    bool missed[WEIR_SCHEMA_KEYS_MAX] = {false}; /* misspelt: to be told once, not twice */
    assert(map->key_count <= WEIR_SCHEMA_KEYS_MAX);
    if (node->kind != WEIR_NODE_MAP) {
        weir_schema_expect(s, map->name, node, "a mapping of keys to values");
        return;
    }
    for (const struct weir_node *key = node->first; key != NULL; key = key->next->next)
        read_entry(s, map, key, seen, missed, base);
    for (size_t i = 0; i < map->key_count; i++)
        if (map->keys[i].required && seen[i] == NULL && !missed[i])
            tell_missing(s, map, owner, map->keys[i].name);
}
