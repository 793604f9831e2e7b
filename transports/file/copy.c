/* copy -- objects and ranges of objects from objects, without their bytes passing through weir.
 *
 * A whole file is cloned where the file system can (FICLONE): the clone has the bytes of its
 * source, so the record of the source vouches for it too.  Bytes that were copied are read back
 * and must have the CRC of the record.  Onto itself only the record is written anew. */
#include "file/store.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Opens the source; EXISTS when it is another than the caller knows. */
static int
source_open(struct file_store *h, const struct file_key *k, const char *etag,
            struct file_found *out, struct weir_err *err)
{
    struct weir_stored stored;
    int fd = weir_file_object_open(h, k, out, err);
    if (fd < 0 || etag == NULL || etag[0] == '\0')
        return fd;
    weir_file_meta_stored(&out->st, &out->record, out->has_record, &stored);
    if (strcmp(stored.etag, etag) == 0)
        return fd;
    (void)close(fd);
    return weir_file_refuse(err, k->key, "the ETag of the source is another");
}

/* ---- onto itself ---- */

/* Under the exclusive lock.  *out_done: false for a file without record, which is not ours to
 * vouch for before it was read. */
static int
describe_locked(struct file_store *h, const struct file_key *k, const char *etag,
                const struct weir_object *object, bool *out_done, struct weir_stored *out,
                struct weir_err *err)
{
    struct file_found f;
    char record[FILE_RECORD_BYTES];
    int fd = source_open(h, k, etag, &f, err);
    if (fd < 0)
        return -1;
    int rc = 0;
    *out_done = f.has_record;
    if (!f.has_record)
        goto close_fd;
    size_t len = weir_file_record_format(object, f.record.crc64nvme, f.record.bytes,
                                         f.record.mtime, record);
    rc = h->keep == FILE_KEEP_XATTR ? weir_file_meta_attach(fd, k, record, len, false, err)
                                    : weir_file_meta_sidecar(h, k, record, len, -1, err);
    if (rc == 0 && fsync(fd) != 0)
        rc = weir_file_fail(err, errno, "fsync %s in %s", k->key, h->shared->describe);
    if (rc == 0)
        weir_file_meta_stored(&f.st, &f.record, true, out);
close_fd:
    (void)close(fd);
    return rc;
}

static int
describe(struct file_store *h, const struct file_key *k, const char *etag,
         const struct weir_object *object, bool *out_done, struct weir_stored *out,
         struct weir_err *err)
{
    if (object->condition == WEIR_COND_ABSENT)
        return weir_file_refuse(err, k->key, "it is there already");
    if (weir_file_lock(h, true, err) != 0)
        return -1;
    int rc = describe_locked(h, k, etag, object, out_done, out, err);
    weir_file_unlock(h);
    return rc;
}

/* ---- files ---- */

/* Fills the new file, whose CRC is then known. */
static int
duplicate(struct file_store *h, const struct file_key *from, const struct file_found *f, int fd,
          uint64_t *out_crc64nvme, struct weir_err *err)
{
    struct stat now;
    uint64_t bytes = (uint64_t)f->st.st_size;
    bool cloned = ioctl(fd, FICLONE, f->fd) == 0;
    int e = cloned ? 0 : weir_file_range_copy(h, f->fd, 0, fd, 0, bytes);
    if (e == 0 && fstat(f->fd, &now) != 0)
        e = errno;
    if (e == 0 && !(cloned && f->has_record))
        e = weir_file_range_crc(h, fd, 0, bytes, out_crc64nvme);
    else
        *out_crc64nvme = f->record.crc64nvme;
    if (e != 0)
        return weir_file_fail(err, e, "copy %s in %s", from->key, h->shared->describe);
    if (now.st_size != f->st.st_size || now.st_mtim.tv_sec != f->st.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != f->st.st_mtim.tv_nsec)
        return weir_file_refuse(err, from->key, "it changed while it was copied");
    if (f->has_record && *out_crc64nvme != f->record.crc64nvme)
        return weir_err_set(err, WEIR_E_DIGEST,
                            "copy %s in %s: its bytes have CRC64NVME %016" PRIx64
                            ", its record says %016" PRIx64,
                            from->key, h->shared->describe, *out_crc64nvme,
                            f->record.crc64nvme);
    return 0;
}

static int
copy_file(struct file_store *h, const struct file_key *from, const struct file_found *f,
          const struct weir_object *object, const struct file_key *k, struct weir_stored *out,
          struct weir_err *err)
{
    struct file_temp t;
    uint64_t crc = 0;
    if (weir_file_condition_early(h, object, k, err) != 0 ||
        weir_file_temp_create(h, &t, err) != 0)
        return -1;
    int rc = duplicate(h, from, f, t.fd, &crc, err);
    if (rc == 0)
        rc = weir_file_publish(h, &t, object, k, crc, (uint64_t)f->st.st_size, out, err);
    weir_file_temp_drop(&t);
    return rc;
}

/* ---- operations ---- */

static int
copy_object(struct weir_transport *t, const struct file_key *from, const char *etag,
            const struct file_key *k, const struct weir_object *object, struct weir_stored *out,
            struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct weir_object to = *object;
    struct weir_head head;
    struct file_found f;
    int from_fd = source_open(h, from, etag, &f, err);
    if (from_fd < 0)
        return -1;
    head.meta_count = 0;
    if (object->meta == NULL && f.has_record)
        weir_file_record_pairs(f.text, &f.record, &head);
    if (object->meta == NULL) {
        to.meta = head.meta;
        to.meta_count = head.meta_count;
    }
    struct weir_stored now; /* for a file without record that is copied onto itself */
    if (strcmp(from->key, k->key) == 0) {
        weir_file_meta_stored(&f.st, &f.record, f.has_record, &now);
        to.condition = WEIR_COND_MATCH;
        to.etag = now.etag;
    }
    int rc = weir_file_record_check(&to, err); /* a record of others may hold too much */
    if (rc == 0)
        rc = k->is_dir ? weir_file_put(t, &to, "", 0, 0, out, err)
                       : copy_file(h, from, &f, &to, k, out, err);
    (void)close(from_fd);
    return rc;
}

int
weir_file_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
               const struct weir_object *object, struct weir_stored *out, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_key from, k;
    bool itself = strcmp(source_key, object->key) == 0, done = false;
    if (object->condition == WEIR_COND_MATCH || (itself && object->meta == NULL))
        return weir_err_set(err, WEIR_E_BUG, "copy of %s: not in the contract", source_key);
    if (weir_file_key_parse(source_key, &from, err) != 0 ||
        weir_file_key_parse(object->key, &k, err) != 0 ||
        (object->meta != NULL && weir_file_record_check(object, err) != 0) ||
        weir_file_ready(h, err) != 0)
        return -1;
    if (from.is_dir != k.is_dir)
        return weir_err_set(err, WEIR_E_UNSUPPORTED,
                            "copy of %s to %s: the object of a directory has no bytes here",
                            source_key, object->key);
    weir_file_count(h, 0);
    if (itself && describe(h, &k, source_etag, object, &done, out, err) != 0)
        return -1;
    return done ? 0 : copy_object(t, &from, source_etag, &k, object, out, err);
}

int
weir_file_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                    uint32_t number, const char *source_key, const char *source_etag,
                    uint64_t offset, uint64_t bytes, struct weir_part *out,
                    struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_part p = {.bytes = bytes};
    struct file_found f;
    struct file_key from;
    if (weir_file_key_parse(source_key, &from, err) != 0 ||
        weir_file_part_check(h, key, number, bytes, err) != 0)
        return -1;
    weir_file_count(h, 0);
    int fd = source_open(h, &from, source_etag, &f, err);
    if (fd < 0)
        return -1;
    int rc = -1;
    uint64_t size = from.is_dir ? 0 : (uint64_t)f.st.st_size;
    const struct file_part_source source = {.fd = fd, .offset = offset};
    if (bytes == 0 || offset > size || bytes > size - offset)
        weir_err_set(err, WEIR_E_PROTOCOL,
                     "%s has %" PRIu64 " bytes in %s: the range of %" PRIu64 " from %" PRIu64
                     " asked for is not in it",
                     source_key, size, h->shared->describe, bytes, offset);
    else
        rc = weir_file_part_store(h, key, upload_id, number, &source, &p, out, err);
    (void)close(fd);
    return rc;
}

int
weir_file_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                    uint32_t *out_part_count, struct weir_err *err)
{
    (void)out_part_bytes, (void)out_part_count;
    return weir_err_set(err, WEIR_E_UNSUPPORTED, "%s: %s keeps no parts of whole objects", key,
                        weir_file_store(t)->shared->describe);
}
