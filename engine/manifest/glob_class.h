/* glob_class -- a bracket expression of a gitignore pattern.  ASCII only, no locale. */
#ifndef WEIR_MANIFEST_GLOB_CLASS_H
#define WEIR_MANIFEST_GLOB_CLASS_H

#include <stdbool.h>

/**
 * weir_glob_class() -- is this byte in the set?
 * @p: at the '['; @end: end of the pattern.  *out_next is set behind the closing ']' when the
 * set is well formed.  A set that is not (no ']', unknown [:class:]) matches nothing.
 */
bool weir_glob_class(const char *p, const char *end, unsigned char c, const char **out_next);

#endif
