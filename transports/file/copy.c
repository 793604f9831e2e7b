/* copy -- not possible yet, and the probe does not claim it. */
#include "file/store.h"

int
weir_file_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
               const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    (void)t, (void)source_etag, (void)object, (void)out;
    return weir_err_set(err, WEIR_E_UNSUPPORTED, "copy of %s in a directory store", source_key);
}

int
weir_file_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                    uint32_t number, const char *source_key, const char *source_etag,
                    uint64_t offset, uint64_t bytes, struct weir_part *out,
                    struct weir_err *err)
{
    (void)t, (void)key, (void)upload_id, (void)number, (void)source_etag, (void)offset;
    (void)bytes, (void)out;
    return weir_err_set(err, WEIR_E_UNSUPPORTED, "copy of %s in a directory store", source_key);
}

int
weir_file_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                    uint32_t *out_part_count, struct weir_err *err)
{
    (void)out_part_bytes, (void)out_part_count;
    return weir_err_set(err, WEIR_E_UNSUPPORTED, "%s: %s keeps no parts of whole objects", key,
                        weir_file_store(t)->shared->describe);
}
