/* utf8 -- one code point at a time, strictly: no overlong forms, no surrogates. */
#ifndef WEIR_BASE_UTF8_H
#define WEIR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1..4) of the code point at text, *out_code its value; 0 when not valid. */
size_t weir_utf8_next(const char *text, size_t bytes, uint32_t *out_code);
bool weir_utf8_valid(const char *text, size_t bytes);

#endif
