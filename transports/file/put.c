#include "file/store.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

/* The object of a directory: a directory with a record.  A record is set in one step, so no
 * temporary name is needed. */
static int
put_dir(struct file_store *h, const struct weir_object *object, const struct file_key *k,
        struct weir_stored *out, struct weir_err *err)
{
    char record[FILE_RECORD_BYTES];
    size_t len = weir_file_record_format(object, 0, 0, (struct timespec){0}, record);
    bool exclusive = object->condition == WEIR_COND_MATCH || h->keep == FILE_KEEP_SIDECAR;
    bool fresh = object->condition == WEIR_COND_ABSENT;
    int dir_fd = weir_file_enter(h, k, exclusive, err);
    if (dir_fd < 0)
        return -1;
    int ignored = -1;
    int rc = weir_file_condition(h, object, k, dir_fd, &ignored, err);
    if (rc == 0)
        rc = h->keep == FILE_KEEP_XATTR
                 ? weir_file_meta_attach(dir_fd, k, record, len, fresh, err)
                 : weir_file_meta_sidecar(h, k, record, len, -1, err);
    weir_file_unlock(h);
    if (rc == 0 && fsync(dir_fd) != 0)
        rc = weir_file_fail(err, errno, "fsync %s in %s", k->key, h->shared->describe);
    (void)close(dir_fd);
    if (rc != 0)
        return -1;
    *out = (struct weir_stored){.has_crc64nvme = true};
    weir_file_etag(0, 0, out->etag);
    return 0;
}

static int
put_file(struct file_store *h, const struct weir_object *object, const struct file_key *k,
         const void *data, size_t bytes, uint64_t crc64nvme, struct weir_stored *out,
         struct weir_err *err)
{
    struct file_temp t;
    if (weir_file_temp_create(h, &t, err) != 0)
        return -1;
    int rc = -1;
    int e = weir_file_write_all(t.fd, data, bytes, 0);
    if (e != 0)
        weir_file_fail(err, e, "write %zu bytes of %s in %s", bytes, k->key,
                       h->shared->describe);
    else
        rc = weir_file_publish(h, &t, object, k, crc64nvme, bytes, out, err);
    weir_file_temp_drop(&t);
    return rc;
}

int
weir_file_put(struct weir_transport *t, const struct weir_object *object, const void *data,
              size_t bytes, uint64_t crc64nvme, struct weir_stored *out, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_key k;
    if (weir_file_key_parse(object->key, &k, err) != 0 ||
        weir_file_record_check(object, err) != 0)
        return -1;
    if (k.is_dir && bytes > 0)
        return weir_err_set(err, WEIR_E_UNSUPPORTED,
                            "key %s: the object of a directory has no bytes here", k.key);
    uint64_t seen = weir_crc64nvme(0, data, bytes);
    if (seen != crc64nvme)
        return weir_err_set(err, WEIR_E_DIGEST,
                            "store %s: CRC64NVME %016" PRIx64 " was announced, the bytes have "
                            "%016" PRIx64,
                            k.key, crc64nvme, seen);
    if (weir_file_ready(h, err) != 0)
        return -1;
    weir_file_count(h, bytes);
    if (k.is_dir)
        return put_dir(h, object, &k, out, err);
    if (weir_file_condition_early(h, object, &k, err) != 0)
        return -1;
    return put_file(h, object, &k, data, bytes, crc64nvme, out, err);
}
