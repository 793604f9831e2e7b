#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/field.h"
#include "manifest/rules.h"

static size_t
children(const struct weir_node *n)
{
    size_t count = 0;
    for (const struct weir_node *c = n->first; c != NULL; c = c->next)
        count++;
    return count;
}

/* Room for as many items as the node has children; NULL when it has none or memory is short. */
static void *
items(struct weir_schema *s, const struct weir_node *n, size_t item_bytes)
{
    size_t count = children(n);
    void *p = count > 0 ? calloc(count, item_bytes) : NULL;
    if (count > 0 && p == NULL)
        s->no_memory = true;
    return p;
}

/* rules.c knows what a pattern may be; each is tried alone so that each is blamed alone. */
static bool
pattern_is_good(struct weir_schema *s, const char *name, const struct weir_node *n)
{
    struct weir_strings one = {.item = (char *[]){n->text}, .count = 1}, none = {0};
    bool include = strcmp(name, "include") == 0; /* the complaint names the list */
    struct weir_rules *rules = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    char text[WEIR_ERR_TEXT];
    int rc = weir_rules_create(include ? &one : &none, include ? &none : &one, &rules, &err);
    weir_rules_free(rules);
    if (rc == 0)
        return true;
    if (err.code == WEIR_E_NOMEM)
        s->no_memory = true;
    else
        weir_diag_add(s->diag, n->line, n->column, n->width, "%s",
                      weir_err_text(&err, text, sizeof(text)));
    return false;
}

void
weir_field_list_patterns(struct weir_schema *s, const struct weir_schema_key *key,
                         const struct weir_node *n, struct weir_strings *field)
{
    if (n->kind != WEIR_NODE_LIST) {
        weir_schema_expect(s, key->name, n, "a list of patterns: [\"*.tmp\", ...]");
        return;
    }
    if (n->first == NULL && key->low > 0) {
        weir_diag_add(s->diag, n->line, n->column, n->width,
                      "%s: an empty list takes nothing; leave the key out to take everything",
                      key->name);
        return;
    }
    field->item = items(s, n, sizeof(*field->item));
    for (const struct weir_node *c = n->first; c != NULL && field->item != NULL; c = c->next) {
        const char *text = weir_field_filled(s, key->name, c, "a pattern");
        if (text == NULL || !pattern_is_good(s, key->name, c))
            continue;
        field->item[field->count] = weir_field_copy(s, text);
        if (field->item[field->count] != NULL)
            field->count++;
    }
}

/* Whether a key stands earlier in the same mapping. */
static bool
is_repeated(const struct weir_node *map, const struct weir_node *key)
{
    for (const struct weir_node *k = map->first; k != key; k = k->next->next)
        if (k->kind == WEIR_NODE_SCALAR && strcmp(k->text, key->text) == 0)
            return true;
    return false;
}

static bool
pair_is_good(struct weir_schema *s, const struct weir_schema_key *key,
             const struct weir_node *map, const struct weir_node *name)
{
    const char *text = weir_field_filled(s, key->name, name, "a name");
    const char *value = weir_field_scalar(s, key->name, name->next, "a text for each name");
    if (text == NULL || value == NULL)
        return false;
    const char *wrong = is_repeated(map, name) ? "stands twice" : key->check(text);
    const char *wrong_value = key->check_value(value);
    if (wrong != NULL)
        weir_field_complain(s, key->name, name, wrong, NULL);
    if (wrong_value != NULL)
        weir_field_complain(s, key->name, name->next, wrong_value, NULL);
    return wrong == NULL && wrong_value == NULL;
}

void
weir_field_list_pairs(struct weir_schema *s, const struct weir_schema_key *key,
                      const struct weir_node *n, struct weir_pair **field, size_t *count)
{
    if (n->kind != WEIR_NODE_MAP) {
        weir_schema_expect(s, key->name, n, "a mapping of names to texts");
        return;
    }
    if (children(n) / 2 > key->high) {
        weir_diag_add(s->diag, n->line, n->column, n->width,
                      "%s: %zu are too many; an object can have %" PRIu64, key->name,
                      children(n) / 2, key->high);
        return;
    }
    *field = items(s, n, sizeof(**field));
    for (const struct weir_node *k = n->first; k != NULL && *field != NULL; k = k->next->next) {
        if (!pair_is_good(s, key, n, k))
            continue;
        struct weir_pair *pair = &(*field)[(*count)++];
        pair->name = weir_field_copy(s, k->text);
        pair->value = weir_field_copy(s, k->next->text);
    }
}

void
weir_field_list_maps(struct weir_schema *s, const struct weir_schema_key *key,
                     const struct weir_node *n, char **field, size_t *count)
{
    size_t item_bytes = key->map->item_bytes;
    if (n->kind != WEIR_NODE_LIST) {
        weir_schema_expect(s, key->name, n, "a list of mappings: [{...}, ...]");
        return;
    }
    if (children(n) > key->high) {
        weir_diag_add(s->diag, n->line, n->column, n->width, "%s: more than %" PRIu64 " items",
                      key->name, key->high);
        return;
    }
    *field = items(s, n, item_bytes);
    for (const struct weir_node *c = n->first; c != NULL && *field != NULL; c = c->next) {
        char *item = *field + item_bytes * (*count)++;
        memcpy(item, key->map->item_default, item_bytes);
        weir_schema_read_map(s, key->map, c, c, item);
    }
}
