/* utf8 -- one character at a time, strictly: no overlong forms, no surrogates, nothing above
 * U+10FFFF.  Pure. */
#ifndef WEIR_MANIFEST_UTF8_H
#define WEIR_MANIFEST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the first character (1..4) and its number, or 0 when text does not start with one.
 * bytes > 0; out may be NULL. */
size_t weir_utf8_step(const char *text, size_t bytes, uint32_t *out);

/* C0, DEL and C1: what no name, key or terminal wants. */
bool weir_utf8_is_control(uint32_t character);

#endif
