/* rules -- which entries belong to the job: include and exclude patterns with the semantics of
 * gitignore (git check-ignore is the oracle of the tests).
 *
 * An entry is in when it matches the include list (default "**") and not the exclude list.  In
 * each list the last matching pattern wins; "!" takes back; a trailing "/" matches directories
 * only; a slash at the start or in the middle anchors at the root; "**" crosses directories.  A
 * directory is entered unless excluded; an include list never stops the walk from entering a
 * directory, because something below it may match. */
#ifndef WEIR_MANIFEST_RULES_H
#define WEIR_MANIFEST_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/err.h>
#include <weir/manifest.h>

struct weir_rules;

/* Compiles both lists.  CONFIG names the pattern that cannot be used (empty, only "!" or "/",
 * a lone backslash at the end, over 4096 bytes).  Read-only afterwards: any thread. */
int weir_rules_create(const struct weir_strings *include, const struct weir_strings *exclude,
                      struct weir_rules **out, struct weir_err *err);
void weir_rules_free(struct weir_rules *r);

/**
 * weir_rules_match() -- is this entry out?
 * @path: relative to the root, no slash at either end; bytes.
 * Returns NULL when the entry is in, else the text that names the rule ("exclude *.tmp" or
 * "not included"), owned by r.  Parents of path are known not to be excluded (the walk does not
 * enter excluded directories).
 */
const char *weir_rules_match(const struct weir_rules *r, const char *path, size_t path_len,
                             bool is_dir);

/* Is everything below this directory included, because an include pattern matches it or one of
 * its parents ("data/" includes all of data)?  For weir_rules_match_in(). */
bool weir_rules_covers(const struct weir_rules *r, const char *dir, size_t dir_len);

/* weir_rules_match() for many entries of one directory: covered is what weir_rules_covers()
 * said of that directory. */
const char *weir_rules_match_in(const struct weir_rules *r, bool covered, const char *path,
                                size_t path_len, bool is_dir);

/* One pattern against one path: gitignore semantics, "!" not interpreted.  For tests. */
bool weir_rules_glob(const char *pattern, const char *path, bool is_dir);

#endif
