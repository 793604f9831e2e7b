/* utf8 -- one code point at a time, strictly: no overlong forms, no surrogates. */
#ifndef WEIR_BASE_UTF8_H
#define WEIR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1..4) of the code point at text, *out_code its value (may be NULL); 0 when
 * not valid, or nothing is there. */
size_t weir_utf8_next(const char *text, size_t bytes, uint32_t *out_code);
/* C0, DEL and C1: what no key and no terminal wants. */
bool weir_utf8_is_control(uint32_t code);
bool weir_utf8_valid(const char *text, size_t bytes);

#endif
