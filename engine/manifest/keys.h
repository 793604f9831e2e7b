/* keys -- every key of a manifest, in tables.  FORMAT.md and weir.schema.json say the same for
 * people and editors; test_docs.c compares the three. */
#ifndef WEIR_MANIFEST_KEYS_H
#define WEIR_MANIFEST_KEYS_H

#include <weir/manifest.h>

#include "manifest/schema.h"

#define WEIR_KEYS_MEMORY_DEFAULT (UINT64_C(512) << 20)
#define WEIR_KEYS_GRACE_DEFAULT UINT64_C(86400)
#define WEIR_KEYS_GRACE_MAX (UINT64_C(3650) * 86400) /* ten years */
#define WEIR_KEYS_DELETE_FILES_DEFAULT 1000
#define WEIR_KEYS_DELETE_FILES_MAX UINT64_C(1000000000000)
#define WEIR_KEYS_DELETE_PERCENT_DEFAULT 5

extern const struct weir_schema_map weir_keys_manifest;

/* Keys of `destination` that mean something to an S3 store only; NULL-terminated. */
extern const char *const weir_keys_s3_only[];

/* The enum values as the manifest writes them; NULL-terminated. */
extern const char *const weir_keys_storage_classes[]; /* of Amazon S3 */

#endif
