#include "file/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct assembly {
    struct file_store *h;
    const char *key;
    int upload_fd;
    int data_fd; /* "data", or -1 when no part is in it */
    uint64_t data_bytes;
    const struct weir_part *parts;
    struct file_part *stored; /* owned; what the store has of each */
    size_t count;
    uint64_t bytes;
};

/* ---- checks ---- */

static int
check_part(struct assembly *a, size_t i, struct weir_err *err)
{
    const struct weir_part *want = &a->parts[i];
    struct file_part *have = &a->stored[i];
    char etag[WEIR_ETAG_BYTES];
    if (want->number != i + 1)
        return weir_err_set(err, WEIR_E_PROTOCOL,
                            "complete %s: part %zu of the list has number %" PRIu32, a->key,
                            i + 1, want->number);
    int e = weir_file_part_read(a->upload_fd, want->number, have);
    if (e != 0 && e != ENOENT)
        return weir_file_fail(err, e, "read part %" PRIu32 " of %s", want->number, a->key);
    if (e == 0)
        weir_file_etag(have->crc64nvme, have->bytes, etag);
    if (e == ENOENT || have->bytes != want->bytes ||
        (want->has_crc64nvme && have->crc64nvme != want->crc64nvme) ||
        (want->etag[0] != '\0' && strcmp(want->etag, etag) != 0))
        return weir_err_set(err, WEIR_E_PROTOCOL,
                            "complete %s: the store has no such part %" PRIu32
                            ": send it again",
                            a->key, want->number);
    return 0;
}

static int
check_all(struct assembly *a, uint64_t object_bytes, uint64_t crc64nvme, struct weir_err *err)
{
    uint64_t crc = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (check_part(a, i, err) != 0)
            return -1;
        crc = weir_crc64nvme_combine(crc, a->stored[i].crc64nvme, a->stored[i].bytes);
        a->bytes += a->stored[i].bytes;
    }
    if (a->bytes != object_bytes)
        return weir_err_set(err, WEIR_E_PROTOCOL,
                            "complete %s: the parts have %" PRIu64
                            " bytes, the object %" PRIu64,
                            a->key, a->bytes, object_bytes);
    if (crc != crc64nvme)
        return weir_err_set(err, WEIR_E_DIGEST,
                            "complete %s: CRC64NVME %016" PRIx64 " was announced, the parts "
                            "give %016" PRIx64,
                            a->key, crc64nvme, crc);
    return 0;
}

/* Opens "data" when parts are in it, and checks that it reaches as far as they do. */
static int
data_open(struct assembly *a, const char *upload_id, struct weir_err *err)
{
    uint64_t need = 0;
    bool any = false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->stored[i].stride == 0)
            continue;
        any = true;
        uint64_t end = i * a->stored[i].stride + a->stored[i].bytes;
        need = end > need ? end : need;
    }
    if (!any)
        return 0;
    a->data_fd = weir_file_openat(a->upload_fd, "data", O_RDWR | O_NONBLOCK, 0);
    if (a->data_fd < 0 && errno == ENOENT) /* published already, then killed */
        return weir_err_set(err, WEIR_E_NO_UPLOAD, "%s: upload %s was completed before", a->key,
                            upload_id);
    struct stat st;
    if (a->data_fd < 0 || fstat(a->data_fd, &st) != 0)
        return weir_file_fail(err, errno, "open the data of upload %s of %s", upload_id,
                              a->key);
    a->data_bytes = (uint64_t)st.st_size;
    if (a->data_bytes < need)
        return weir_err_set(err, WEIR_E_PROTOCOL,
                            "complete %s: the data of upload %s were cut: begin again", a->key,
                            upload_id);
    return 0;
}

/* ---- bytes ---- */

static int
copy_range(struct assembly *a, int from, uint64_t from_at, int to, uint64_t to_at,
           uint64_t bytes, struct weir_err *err)
{
    int e = weir_file_range_copy(a->h, from, from_at, to, to_at, bytes);
    return e == 0 ? 0
                  : weir_file_fail(err, e, "assemble %s in %s", a->key, a->h->shared->describe);
}

static int
copy_part(struct assembly *a, size_t i, int to, uint64_t to_at, struct weir_err *err)
{
    const struct file_part *p = &a->stored[i];
    if (p->stride != 0)
        return copy_range(a, a->data_fd, i * p->stride, to, to_at, p->bytes, err);
    char name[FILE_NAME_BYTES];
    weir_file_part_name(a->parts[i].number, name);
    int fd = weir_file_openat(a->upload_fd, name, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0)
        return weir_file_fail(err, errno, "open part %zu of %s", i + 1, a->key);
    int rc = copy_range(a, fd, 0, to, to_at, p->bytes, err);
    (void)close(fd);
    return rc;
}

/* Can "data" itself become the object?  Every part but the last has the stride, so that each
 * is, or fits, in its place, and nothing lies behind the end. */
static bool
is_regular(const struct assembly *a)
{
    uint64_t stride = a->stored[0].bytes;
    if (a->data_fd < 0 || a->data_bytes > a->bytes)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct file_part *p = &a->stored[i];
        if ((i + 1 < a->count && p->bytes != stride) || p->bytes > stride ||
            (p->stride != 0 && p->stride != stride))
            return false;
    }
    return true;
}

/* Fills the gaps of "data"; may be repeated after a failure, because no part in it is touched.
 */
static int
assemble_in_place(struct assembly *a, struct weir_err *err)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->stored[i].stride == 0 &&
            copy_part(a, i, a->data_fd, i * a->stored[0].bytes, err) != 0)
            return -1;
    return 0;
}

static int
assemble_copy(struct assembly *a, int to, struct weir_err *err)
{
    uint64_t at = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (copy_part(a, i, to, at, err) != 0)
            return -1;
        at += a->stored[i].bytes;
    }
    return 0;
}

static int
assemble_and_publish(struct assembly *a, const struct weir_object *object, uint64_t crc64nvme,
                     struct weir_stored *out, struct weir_err *err)
{
    struct file_key k;
    if (weir_file_key_parse(object->key, &k, err) != 0)
        return -1;
    struct file_temp t = {.dir_fd = a->upload_fd, .fd = a->data_fd, .name = "data"};
    if (is_regular(a)) { /* on failure "data" stays what it was: the parts */
        if (assemble_in_place(a, err) != 0)
            return -1;
        return weir_file_publish(a->h, &t, object, &k, crc64nvme, a->bytes, out, err);
    }
    if (weir_file_temp_create(a->h, &t, err) != 0)
        return -1;
    int rc = assemble_copy(a, t.fd, err);
    if (rc == 0)
        rc = weir_file_publish(a->h, &t, object, &k, crc64nvme, a->bytes, out, err);
    weir_file_temp_drop(&t);
    return rc;
}

int
weir_file_complete_upload(struct weir_transport *t, const struct weir_object *object,
                          const char *upload_id, const struct weir_part *parts, size_t count,
                          uint64_t object_bytes, uint64_t crc64nvme, struct weir_stored *out,
                          struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_upload u;
    if (count < 1 || count > h->shared->limits.part_count_max)
        return weir_err_set(err, WEIR_E_LIMIT, "complete %s: %zu parts", object->key, count);
    weir_file_count(h, 0);
    struct assembly a = {
        .h = h, .key = object->key, .data_fd = -1, .parts = parts, .count = count};
    a.upload_fd = weir_file_upload_open(h, object->key, upload_id, &u, err);
    if (a.upload_fd < 0)
        return -1;
    int rc = -1;
    a.stored = calloc(count, sizeof(*a.stored));
    if (a.stored == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "parts of %s", object->key);
        goto close_upload;
    }
    struct weir_object whole = *object; /* metadata was given at create */
    whole.meta = u.head.meta;
    whole.meta_count = u.head.meta_count;
    if (weir_file_record_check(&whole, err) != 0 || weir_file_ready(h, err) != 0 ||
        check_all(&a, object_bytes, crc64nvme, err) != 0 ||
        data_open(&a, upload_id, err) != 0 ||
        assemble_and_publish(&a, &whole, crc64nvme, out, err) != 0)
        goto free_stored;
    rc = 0;
    /* the object is there; what stays of the upload, if anything, is for abort_upload */
    (void)weir_file_upload_remove(h, upload_id, NULL);
free_stored:
    if (a.data_fd >= 0)
        (void)close(a.data_fd);
    free(a.stored);
close_upload:
    (void)close(a.upload_fd);
    return rc;
}
