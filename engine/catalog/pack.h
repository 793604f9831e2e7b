/* pack -- stat data as one short blob: a column for each field would double the time of a row.
 *
 * Fields in the order of the code, each a base-128 number (low seven bits first, high bit: more
 * follows); signed ones are zigzag-coded.  The size is not in it: it has a column of its own.
 */
#ifndef WEIR_CATALOG_PACK_H
#define WEIR_CATALOG_PACK_H

#include <stddef.h>
#include <stdint.h>

#include <weir/entry.h>

#define WEIR_PACK_BYTES_MAX 96

/* Returns the length, WEIR_PACK_BYTES_MAX at most. */
size_t weir_pack_stat(const struct weir_stat *st, uint8_t out[WEIR_PACK_BYTES_MAX]);

/* Writes every field of *out but size.  Returns 0, or -1 when data is not what pack makes. */
int weir_pack_read_stat(const uint8_t *data, size_t bytes, struct weir_stat *out);

#endif
