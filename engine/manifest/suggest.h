/* suggest -- the word somebody probably meant.  Pure. */
#ifndef WEIR_MANIFEST_SUGGEST_H
#define WEIR_MANIFEST_SUGGEST_H

#include <stddef.h>

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into b, ASCII case
 * ignored.  Words over 48 bytes are too far from everything: returns SIZE_MAX. */
size_t weir_suggest_distance(const char *a, const char *b);

/* Remembers in *best (start with NULL) the candidate nearest to word, when it is near enough to
 * be worth a question: a third of the longer word, at least one edit.  The first of equals
 * stays.  *best_distance starts as anything. */
void weir_suggest_offer(const char *word, const char *candidate, const char **best,
                        size_t *best_distance);

/* The nearest of a NULL-terminated list, or NULL. */
const char *weir_suggest_nearest(const char *word, const char *const *words);

#endif
