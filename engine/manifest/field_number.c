#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "manifest/field.h"
#include "manifest/suggest.h"
#include "manifest/units.h"

/* What the kinds of number differ in; kinds that are none have no reader. */
static const struct {
    const char *expected;
    const char *(*read)(const char *text, uint64_t *out, const char **out_meant);
    bool plain; /* a number of YAML: no quotes */
} kinds[] = {
    [WEIR_SCHEMA_COUNT] = {"a whole number", weir_units_count, true},
    [WEIR_SCHEMA_COUNT64] = {"a whole number", weir_units_count, true},
    [WEIR_SCHEMA_SIZE] = {"a size such as 512MiB", weir_units_size, false},
    [WEIR_SCHEMA_DURATION] = {"a duration such as 24h", weir_units_duration, false},
};

/* Limits in messages the way a manifest writes them. */
static const char *
number_text(enum weir_schema_kind kind, uint64_t value, char out[static 32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    if (kind == WEIR_SCHEMA_SIZE)
        for (; value != 0 && value % 1024 == 0 && unit < 4; unit++)
            value /= 1024;
    if (kind == WEIR_SCHEMA_DURATION)
        (void)snprintf(out, 32, "%" PRIu64 "d", value / WEIR_UNITS_DAY);
    else
        (void)snprintf(out, 32, "%" PRIu64 "%s", value,
                       kind == WEIR_SCHEMA_SIZE ? units[unit] : "");
    return out;
}

static bool
in_range(struct weir_schema *s, const struct weir_schema_key *key, const struct weir_node *n,
         uint64_t value)
{
    char number[32], wrong[64];
    if (value < key->low)
        (void)snprintf(wrong, sizeof(wrong), "is below %s",
                       number_text(key->kind, key->low, number));
    else if (value > key->high)
        (void)snprintf(wrong, sizeof(wrong), "is over %s",
                       number_text(key->kind, key->high, number));
    else if (key->step > 0 && value % key->step != 0)
        (void)snprintf(wrong, sizeof(wrong), "is no multiple of %s",
                       number_text(key->kind, key->step, number));
    else
        return true;
    weir_field_complain(s, key->name, n, wrong, NULL);
    return false;
}

/* Why a text is no number of this kind, or NULL. */
static const char *
read_text(const struct weir_schema_key *key, const struct weir_node *n, uint64_t *out,
          const char **out_meant, char neither[static 64])
{
    *out_meant = NULL;
    const char *wrong = kinds[key->kind].read(n->text, out, out_meant);
    if (wrong == NULL && kinds[key->kind].plain && !n->plain)
        wrong = "is text; write it without quotes";
    if (wrong != NULL && key->auto_word != NULL && (n->text[0] < '0' || n->text[0] > '9')) {
        const char *const words[] = {key->auto_word, NULL};
        *out_meant = weir_suggest_nearest(n->text, words);
        (void)snprintf(neither, 64, "is neither %s nor %s", key->auto_word,
                       kinds[key->kind].expected);
        return neither;
    }
    return wrong;
}

bool
weir_field_number(struct weir_schema *s, const struct weir_schema_key *key,
                  const struct weir_node *n, uint64_t *out)
{
    const char *meant;
    char neither[64];
    uint64_t value = 0;
    const char *text = weir_field_filled(s, key->name, n, kinds[key->kind].expected);
    if (text == NULL)
        return false;
    if (key->auto_word != NULL && strcmp(text, key->auto_word) == 0) {
        *out = 0;
        return true;
    }
    const char *wrong = read_text(key, n, &value, &meant, neither);
    if (wrong != NULL) {
        weir_field_complain(s, key->name, n, wrong, meant);
        return false;
    }
    if (!in_range(s, key, n, value))
        return false;
    *out = value;
    return true;
}
