/* format -- numbers for people. */
#ifndef WEIR_OBSERVE_FORMAT_H
#define WEIR_OBSERVE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define WEIR_FORMAT_BYTES 32

/* "1,234,567".  Returns out. */
char *weir_format_count(uint64_t n, char out[WEIR_FORMAT_BYTES]);
/* "512 B", "1.5 MiB", "2.34 TiB". */
char *weir_format_bytes(uint64_t n, char out[WEIR_FORMAT_BYTES]);
/* "0.4 s", "12 s", "3:05", "2:03:05", "4 d 3 h". */
char *weir_format_duration(int64_t ns, char out[WEIR_FORMAT_BYTES]);

#endif
