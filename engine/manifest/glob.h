/* glob -- one gitignore pattern: taken apart once, matched often.  Internal to rules. */
#ifndef WEIR_MANIFEST_GLOB_H
#define WEIR_MANIFEST_GLOB_H

#include <stdbool.h>
#include <stddef.h>

struct weir_glob {
    const char *text; /* borrowed; without a leading '/' and without one trailing '/' */
    size_t len;
    size_t literal_len; /* bytes before the first of * ? [ \ */
    bool dir_only;      /* the pattern ended in '/' */
    bool anchored;      /* the pattern had another '/': matched against the whole path */
    bool suffix;        /* '*' and then only literal bytes: matched from the end of the name */
};

/* Takes a pattern apart ("!" is not interpreted); pattern is borrowed by *out. */
void weir_glob_parse(const char *pattern, size_t pattern_len, struct weir_glob *out);

/**
 * weir_glob_match() -- does this pattern match this entry (and not merely a parent of it)?
 * @path: relative to the root, no slash at either end; @name_at: where its last name begins.
 * Time is bounded by the product of both lengths times the depth: no exponential patterns.
 */
bool weir_glob_match(const struct weir_glob *g, const char *path, size_t path_len,
                     size_t name_at, bool is_dir);

#endif
