/* key -- names are bytes, keys are text: an injective, reversible mapping.
 *
 * A relative path that is valid UTF-8 without control characters is its own key.  Every other
 * byte becomes U+241B (the symbol for escape) and two upper-case hex digits; a literal U+241B
 * is escaped byte by byte in the same way.  The first byte of a path in ".weir" is escaped too,
 * because keys below ".weir/" are weir's own. */
#ifndef WEIR_PLAN_KEY_H
#define WEIR_PLAN_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/err.h>

#define WEIR_KEY_BYTES 1025 /* no store takes a longer key; with the NUL */

enum weir_key_kind { WEIR_KEY_FILE = 0, WEIR_KEY_DIR /* gets a slash at the end */ };

/* out has WEIR_KEY_BYTES.  LIMIT when the key would be longer than key_bytes_max. */
int weir_key_from_path(const char *path, size_t path_len, enum weir_key_kind kind,
                       size_t key_bytes_max, char *out, struct weir_err *err);

/* The path of a key, or -1 when weir would never make such a key (not canonical, empty or dot
 * segments, NUL).  out has room for strlen(key) + 1. */
int weir_key_to_path(const char *key, char *out, size_t *out_len, enum weir_key_kind *out_kind);

#endif
