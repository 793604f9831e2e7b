#include <stdio.h>
#include <string.h>

#include <weir/manifest.h>

#include "manifest/check.h"
#include "manifest/field.h"
#include "manifest/suggest.h"
#include "manifest/units.h"

void
weir_field_complain(struct weir_schema *s, const char *name, const struct weir_node *n,
                    const char *wrong, const char *meant)
{
    char quoted[WEIR_DIAG_QUOTE];
    weir_diag_quote(n->text, n->bytes, quoted);
    if (meant != NULL)
        weir_diag_add(s->diag, n->line, n->column, n->width, "%s: %s %s; did you mean '%s'?",
                      name, quoted, wrong, meant);
    else
        weir_diag_add(s->diag, n->line, n->column, n->width, "%s: %s %s", name, quoted, wrong);
}

const char *
weir_field_scalar(struct weir_schema *s, const char *name, const struct weir_node *n,
                  const char *expected)
{
    if (n->kind != WEIR_NODE_SCALAR) {
        weir_schema_expect(s, name, n, expected);
        return NULL;
    }
    if (weir_node_is_null(n)) {
        weir_diag_add(s->diag, n->line, n->column, n->width, "%s: expected %s, not nothing",
                      name, expected);
        return NULL;
    }
    if (strlen(n->text) != n->bytes) {
        weir_field_complain(s, name, n, "has a NUL byte", NULL);
        return NULL;
    }
    return n->text;
}

const char *
weir_field_filled(struct weir_schema *s, const char *name, const struct weir_node *n,
                  const char *expected)
{
    const char *text = weir_field_scalar(s, name, n, expected);
    if (text != NULL && *text == '\0') {
        weir_field_complain(s, name, n, "is empty", NULL);
        return NULL;
    }
    return text;
}

char *
weir_field_copy(struct weir_schema *s, const char *text)
{
    char *c = strdup(text);
    if (c == NULL)
        s->no_memory = true;
    return c;
}

static void
read_text(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
          char **field)
{
    const char *text = weir_field_filled(s, key->name, n, "text");
    if (text == NULL)
        return;
    const char *wrong = key->check != NULL ? key->check(text) : NULL;
    if (wrong == weir_check_user_name) /* with a password, perhaps: do not repeat it */
        weir_diag_add_secret(s->diag, n->line, n->column, 0, "%s: %s", key->name, wrong);
    else if (wrong != NULL)
        weir_field_complain(s, key->name, n, wrong, NULL);
    else
        *field = weir_field_copy(s, text);
}

static void
read_word(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
          unsigned *field)
{
    char choice[256] = "is none of ";
    const char *text = weir_field_filled(s, key->name, n, "one word");
    if (text == NULL)
        return;
    for (unsigned i = 0; key->words[i] != NULL; i++) {
        if (strcmp(text, key->words[i]) == 0) {
            *field = (unsigned)key->low + i;
            return;
        }
        size_t used = strlen(choice);
        (void)snprintf(choice + used, sizeof(choice) - used, "%s%s", i > 0 ? ", " : "",
                       key->words[i]);
    }
    weir_field_complain(s, key->name, n, choice, weir_suggest_nearest(text, key->words));
}

static void
read_bool(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
          bool *field)
{
    static const char *const words[] = {"true", "false", NULL};
    const char *text = weir_field_scalar(s, key->name, n, "true or false");
    if (text == NULL)
        return;
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        weir_field_complain(s, key->name, n, "is neither true nor false",
                            weir_suggest_nearest(text, words));
    else if (!n->plain)
        weir_field_complain(s, key->name, n, "is text; write it without quotes", NULL);
    else
        *field = yes;
}

static void
read_count(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
           unsigned *field)
{
    uint64_t value;
    if (weir_field_number(s, key, n, &value))
        *field = (unsigned)value; /* key->high fits */
}

static void
read_version(struct weir_schema *s, const struct weir_schema_key *key,
             const struct weir_node *n)
{
    uint64_t value;
    const char *meant, *text = weir_field_filled(s, key->name, n, "the number 1");
    if (text == NULL)
        return;
    if (weir_units_count(text, &value, &meant) != NULL || !n->plain)
        weir_field_complain(s, key->name, n,
                            "is not the number 1 (the version of the manifest)", NULL);
    else if (value != key->high)
        weir_field_complain(
            s, key->name, n,
            "is a version of the manifest that this weir does not know; it knows 1", NULL);
}

static void
read_rate(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
          uint64_t *field)
{
    const char *meant = NULL;
    const char *text = weir_field_filled(s, key->name, n, "a rate such as 200Mbit/s");
    const char *wrong = text != NULL ? weir_units_rate(text, field, &meant) : NULL;
    if (wrong != NULL)
        weir_field_complain(s, key->name, n, wrong, meant);
}

static void
read_time(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
          uint16_t *field)
{
    uint16_t minutes = 0;
    const char *text = weir_field_filled(s, key->name, n, "a time of day such as \"08:00\"");
    if (text == NULL)
        return;
    const char *wrong = weir_units_time(text, &minutes);
    if (wrong == NULL && minutes < key->low)
        wrong = "is the start of a day; its end is \"24:00\"";
    if (wrong == NULL && minutes > key->high)
        wrong = "is the end of a day; its start is \"00:00\"";
    if (wrong != NULL)
        weir_field_complain(s, key->name, n, wrong, NULL);
    else
        *field = minutes;
}

static void
read_days(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
          uint8_t *field)
{
    const char *meant = NULL;
    const char *text = weir_field_filled(s, key->name, n, "days such as \"mon-fri,sun\"");
    const char *wrong = text != NULL ? weir_units_days(text, field, &meant) : NULL;
    if (wrong != NULL)
        weir_field_complain(s, key->name, n, wrong, meant);
}

void
weir_field_read(struct weir_schema *s, const struct weir_schema_key *key,
                const struct weir_node *value, void *base)
{
    void *field = (char *)base + key->offset;
    void *count = (char *)base + key->count_offset;
    switch (key->kind) {
    case WEIR_SCHEMA_VERSION:
        read_version(s, key, value);
        break;
    case WEIR_SCHEMA_TEXT:
        read_text(s, key, value, field);
        break;
    case WEIR_SCHEMA_WORD:
        read_word(s, key, value, field);
        break;
    case WEIR_SCHEMA_BOOL:
        read_bool(s, key, value, field);
        break;
    case WEIR_SCHEMA_COUNT:
        read_count(s, key, value, field);
        break;
    case WEIR_SCHEMA_COUNT64:
    case WEIR_SCHEMA_SIZE:
    case WEIR_SCHEMA_DURATION:
        (void)weir_field_number(s, key, value, field);
        break;
    case WEIR_SCHEMA_RATE:
        read_rate(s, key, value, field);
        break;
    case WEIR_SCHEMA_TIME:
        read_time(s, key, value, field);
        break;
    case WEIR_SCHEMA_DAYS:
        read_days(s, key, value, field);
        break;
    case WEIR_SCHEMA_PATTERNS:
        weir_field_list_patterns(s, key, value, field);
        break;
    case WEIR_SCHEMA_PAIRS:
        weir_field_list_pairs(s, key, value, field, count);
        break;
    case WEIR_SCHEMA_MAPS:
        weir_field_list_maps(s, key, value, field, count);
        break;
    case WEIR_SCHEMA_LATER:
    case WEIR_SCHEMA_MAP:
        break;
    }
}
