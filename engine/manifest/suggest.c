#include "manifest/suggest.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 48

static char
lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment, three rows: row[0] the present one, row[2] the one before last. */
size_t
weir_suggest_distance(const char *a, const char *b)
{
    size_t alen = strlen(a), blen = strlen(b);
    if (alen > WORD_MAX || blen > WORD_MAX)
        return SIZE_MAX;
    size_t row[3][WORD_MAX + 1];
    for (size_t j = 0; j <= blen; j++)
        row[1][j] = j;
    for (size_t i = 1; i <= alen; i++) {
        row[0][0] = i;
        for (size_t j = 1; j <= blen; j++) {
            size_t other = lower(a[i - 1]) != lower(b[j - 1]);
            row[0][j] = min3(row[1][j] + 1, row[0][j - 1] + 1, row[1][j - 1] + other);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]) && row[2][j - 2] + 1 < row[0][j])
                row[0][j] = row[2][j - 2] + 1;
        }
        memcpy(row[2], row[1], sizeof(row[1]));
        memcpy(row[1], row[0], sizeof(row[0]));
    }
    return row[1][blen];
}

void
weir_suggest_offer(const char *word, const char *candidate, const char **best,
                   size_t *best_distance)
{
    size_t wlen = strlen(word), clen = strlen(candidate);
    size_t limit = (wlen > clen ? wlen : clen) / 3;
    size_t d = weir_suggest_distance(word, candidate);
    if (d > (limit > 0 ? limit : 1) || d >= clen)
        return; /* a word made of other letters throughout is no suggestion */
    if (*best == NULL || d < *best_distance) {
        *best = candidate;
        *best_distance = d;
    }
}

const char *
weir_suggest_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    size_t distance = 0;
    for (; *words != NULL; words++)
        weir_suggest_offer(word, *words, &best, &distance);
    return best;
}
