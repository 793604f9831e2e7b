/* exchange -- the whole catalog as lines of NDJSON, and back; manifests/FORMAT.md has the
 * lines.
 *
 * An export holds what is true anywhere.  What tells the lake's root from another directory
 * (the facts root_dev, root_ino, root_born) is not in it, because it may come back on another
 * machine: there, as here, the catalog remembers the root that it found when it was opened. */
#ifndef WEIR_CATALOG_EXCHANGE_H
#define WEIR_CATALOG_EXCHANGE_H

#include "catalog/catalog.h"

#define WEIR_EXCHANGE_VERSION 1
/* A longer line is refused, out and in: it bounds what a line can cost. */
#define WEIR_EXCHANGE_LINE_BYTES ((size_t)1 << 20)
/* On one line; the chunk digests of a long file take several. */
#define WEIR_EXCHANGE_LINE_DIGESTS ((size_t)1 << 15)

/* Header, facts, directories in byte order of their paths, each followed by its entries in byte
 * order of their names (chunk digests in base64), summary with counts and a CRC64NVME of the
 * lines before it.  Uploads and passes are left out, but for the number of the last pass: names
 * in the store contain it.  One state, also beside a writer.  fn must not call the catalog; IO
 * when it returns other than 0. */
typedef int weir_exchange_out_fn(void *ctx, const char *line, size_t bytes);
int weir_catalog_export(struct weir_catalog *c, weir_exchange_out_fn *fn, void *ctx,
                        struct weir_err *err);

/* Into an empty catalog (SAFETY otherwise) of the same job, destination and root (SAFETY), in a
 * transaction of its own.  Every line is checked: CONFIG names its number.  After any error the
 * catalog is as it was, and can be used.  The job's id becomes that of the export.  Memory does
 * not grow with the number of lines.  next() as weir_next_line_fn in <weir/weir.h>. */
typedef int weir_exchange_in_fn(void *ctx, const char **out_line, size_t *out_bytes,
                                struct weir_err *err);
int weir_catalog_import(struct weir_catalog *c, weir_exchange_in_fn *next, void *ctx,
                        struct weir_err *err);

/* ---- for export.c and import.c ---- */

/* Words for enum weir_entry_type (those of reports) and enum weir_catalog_proof. */
#define WEIR_EXCHANGE_TYPES (WEIR_ENTRY_BLOCK + 1)
#define WEIR_EXCHANGE_PROOFS (WEIR_PROOF_ADOPTED + 1)
extern const char *const weir_exchange_types[WEIR_EXCHANGE_TYPES];
extern const char *const weir_exchange_proofs[WEIR_EXCHANGE_PROOFS];
/* A larger number is written as a string: many readers of JSON would round it. */
#define WEIR_EXCHANGE_NUMBER_MAX ((UINT64_C(1) << 53) - 1)
/* So begin the facts that stay with this machine. */
#define WEIR_EXCHANGE_LOCAL_FACT "root_"

#endif
