/* units -- numbers with a unit, as a manifest writes them.  Pure.
 *
 * Each returns NULL and sets *out, or returns what is wrong as the end of a sentence that
 * starts with the text itself ("'5MB' ..."), a static string.  *out_meant becomes the unit that
 * was probably meant, or NULL. */
#ifndef WEIR_MANIFEST_UNITS_H
#define WEIR_MANIFEST_UNITS_H

#include <stdint.h>

/* "12": decimal digits only.  Nothing else is ever meant. */
const char *weir_units_count(const char *text, uint64_t *out, const char **out_meant);

/* "512MiB": whole number, B, KiB, MiB, GiB or TiB; one space between them is fine. */
const char *weir_units_size(const char *text, uint64_t *out, const char **out_meant);

/* "200Mbit/s", "25MB/s", "1GiB/s", "unlimited" (0): bytes per second, rounded down.  At least
 * WEIR_UNITS_RATE_MIN. */
#define WEIR_UNITS_RATE_MIN 1000
const char *weir_units_rate(const char *text, uint64_t *out, const char **out_meant);

/* "90s", "24h": seconds; whole number, s, m, h or d. */
#define WEIR_UNITS_DAY 86400
const char *weir_units_duration(const char *text, uint64_t *out, const char **out_meant);

/* "08:00" to minutes after midnight, 0..1440 ("24:00"). */
const char *weir_units_time(const char *text, uint16_t *out);

/* "mon-fri", "sat,sun", "fri-mon,wed": bit 0 is Monday. */
const char *weir_units_days(const char *text, uint8_t *out, const char **out_meant);

#endif
