#include "manifest/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include <weir/manifest.h>

#include "manifest/suggest.h"

struct unit {
    const char *name;
    uint64_t times, per; /* bytes or seconds = number * times / per */
};

#define KI UINT64_C(1024)
#define K UINT64_C(1000)

static const struct unit sizes[] = {
    {"B", 1, 1},
    {"KiB", KI, 1},
    {"MiB", KI *KI, 1},
    {"GiB", KI *KI *KI, 1},
    {"TiB", KI *KI *KI *KI, 1},
    {NULL, 0, 0},
};

static const struct unit rates[] = {
    {"bit/s", 1, 8},
    {"kbit/s", K, 8},
    {"Mbit/s", K *K, 8},
    {"Gbit/s", K *K *K, 8},
    {"Tbit/s", K *K *K *K, 8},
    {"B/s", 1, 1},
    {"kB/s", K, 1},
    {"MB/s", K *K, 1},
    {"GB/s", K *K *K, 1},
    {"TB/s", K *K *K *K, 1},
    {"KiB/s", KI, 1},
    {"MiB/s", KI *KI, 1},
    {"GiB/s", KI *KI *KI, 1},
    {"TiB/s", KI *KI *KI *KI, 1},
    {NULL, 0, 0},
};

static const struct unit durations[] = {
    {"s", 1, 1}, {"m", 60, 1}, {"h", 3600, 1}, {"d", WEIR_UNITS_DAY, 1}, {NULL, 0, 0},
};

static const char too_large[] = "is too large";

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits at *text and moves it behind them. */
static const char *
read_number(const char **text, uint64_t *out)
{
    const char *p = *text;
    uint64_t n = 0;
    if (!is_digit(*p))
        return "does not start with a whole number";
    for (; is_digit(*p); p++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return too_large;
    *text = p;
    *out = n;
    return NULL;
}

const char *
weir_units_count(const char *text, uint64_t *out, const char **out_meant)
{
    uint64_t n;
    *out_meant = NULL;
    const char *wrong = read_number(&text, &n);
    if (wrong == too_large)
        return wrong;
    if (wrong != NULL || *text != '\0')
        return "is not a whole number";
    *out = n;
    return NULL;
}

/* Of rates, never a byte unit for what says bits, nor the reverse: it would be wrong by eight.
 */
static const char *
nearest_unit(const char *word, const struct unit *units)
{
    const char *best = NULL;
    size_t distance = 0;
    bool rate = units == rates;
    for (; units->name != NULL; units++)
        if (!rate || (strchr(word, 'b') == NULL) == (strchr(units->name, 'b') == NULL))
            weir_suggest_offer(word, units->name, &best, &distance);
    return best;
}

static const char *
read_quantity(const char *text, const struct unit *units, const char *no_unit,
              const char *bad_unit, uint64_t *out, const char **out_meant)
{
    uint64_t n;
    const char *wrong = read_number(&text, &n);
    if (wrong != NULL)
        return wrong;
    if (*text == '.' || (*text == ',' && is_digit(text[1])))
        return "is not a whole number; use a smaller unit";
    if (*text == ' ')
        text++;
    if (*text == '\0')
        return no_unit;
    for (const struct unit *u = units; u->name != NULL; u++) {
        if (strcmp(text, u->name) != 0)
            continue;
        if (__builtin_mul_overflow(n, u->times, &n))
            return too_large;
        *out = n / u->per;
        return NULL;
    }
    *out_meant = nearest_unit(text, units);
    return bad_unit;
}

const char *
weir_units_size(const char *text, uint64_t *out, const char **out_meant)
{
    *out_meant = NULL;
    return read_quantity(text, sizes, "has no unit: B, KiB, MiB, GiB or TiB",
                         "has a unit that is none of B, KiB, MiB, GiB, TiB", out, out_meant);
}

const char *
weir_units_rate(const char *text, uint64_t *out, const char **out_meant)
{
    uint64_t n;
    *out_meant = NULL;
    if (strcmp(text, "unlimited") == 0) {
        *out = 0;
        return NULL;
    }
    if (!is_digit(*text)) {
        size_t distance = 0;
        weir_suggest_offer(text, "unlimited", out_meant, &distance);
        return "is neither a rate like 200Mbit/s or 25MB/s nor unlimited";
    }
    const char *wrong = read_quantity(
        text, rates, "has no unit, such as Mbit/s or MiB/s",
        "has a unit that is neither bit/s nor B/s with k, M, G, T, Ki, Mi, Gi or Ti", &n,
        out_meant);
    if (wrong != NULL)
        return wrong;
    if (n < WEIR_UNITS_RATE_MIN)
        return "is below 1kB/s; to lift the limit write unlimited";
    *out = n;
    return NULL;
}

/* The first letter of "hours" and "Min" is what is meant; not so of "month" and "ms". */
static const char *
meant_duration(const char *word)
{
    static const char letters[] = "smhdSMHD";
    const char *at = *word != '\0' ? strchr(letters, *word) : NULL;
    if (at == NULL || strncasecmp(word, "mo", 2) == 0 || strcasecmp(word, "ms") == 0)
        return NULL;
    return durations[(at - letters) % 4].name;
}

const char *
weir_units_duration(const char *text, uint64_t *out, const char **out_meant)
{
    static const char bad_unit[] = "has a unit that is none of s, m, h, d";
    const char *wrong =
        read_quantity(text, durations, "has no unit: s, m, h or d", bad_unit, out, out_meant);
    *out_meant = wrong == bad_unit ? meant_duration(text + strspn(text, "0123456789 ")) : NULL;
    return wrong;
}

const char *
weir_units_time(const char *text, uint16_t *out)
{
    static const char wrong[] = "is not a time of day from 00:00 to 24:00";
    if (strlen(text) != 5 || text[2] != ':')
        return wrong;
    for (int i = 0; i < 5; i++)
        if (i != 2 && !is_digit(text[i]))
            return wrong;
    int hour = (text[0] - '0') * 10 + (text[1] - '0');
    int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (minute > 59 || hour * 60 + minute > WEIR_DAY_MINUTES)
        return wrong;
    *out = (uint16_t)(hour * 60 + minute);
    return NULL;
}

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

/* Reads one name at *text and moves it behind; -1 when there is none. */
static int
read_day(const char **text, const char **out_meant)
{
    char word[12] = "";
    size_t n = strcspn(*text, ",-");
    if (n < sizeof(word))
        memcpy(word, *text, n);
    for (int i = 0; days[i] != NULL; i++) {
        if (strcmp(word, days[i]) == 0) {
            *text += n;
            return i;
        }
    }
    *out_meant = weir_suggest_nearest(word, days);
    if (*out_meant == NULL && n > 3) { /* "Monday" is far from "mon" by edits only */
        word[3] = '\0';
        *out_meant = weir_suggest_nearest(word, days);
    }
    return -1;
}

const char *
weir_units_days(const char *text, uint8_t *out, const char **out_meant)
{
    static const char wrong[] =
        "is not a list of days such as mon-fri or \"sat,sun\" (mon tue wed thu fri sat sun)";
    unsigned set = 0;
    *out_meant = NULL;
    for (;;) {
        int from = read_day(&text, out_meant);
        int to = from;
        if (from >= 0 && *text == '-') {
            text++;
            to = read_day(&text, out_meant);
        }
        if (from < 0 || to < 0)
            return wrong;
        for (int d = from;; d = (d + 1) % 7) {
            set |= 1u << d;
            if (d == to)
                break;
        }
        if (*text == '\0')
            break;
        if (*text++ != ',')
            return wrong;
    }
    *out = (uint8_t)set;
    return NULL;
}
