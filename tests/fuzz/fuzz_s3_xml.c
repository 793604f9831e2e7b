/* fuzz: every parser of S3's XML replies on the same bytes.  What is handed out must keep the
 * promises that callers rely on: bounded, terminated, within the prefix. */
#include <stdint.h>
#include <string.h>

#include "s3/page.h"
#include "s3/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static int
on_object(void *ctx, const struct weir_listed *o)
{
    check(o->key[0] != '\0' && strlen(o->key) < 2048 && strlen(o->etag) < WEIR_ETAG_BYTES);
    check(o->bytes <= INT64_MAX);
    return ++*(int *)ctx > 1000;
}

static int
on_part(void *ctx, const struct weir_part *p)
{
    check(strlen(p->etag) < WEIR_ETAG_BYTES && p->bytes <= INT64_MAX);
    return ++*(int *)ctx > 1000;
}

static int
on_upload(void *ctx, const char *key, const char *id, int64_t initiated_s)
{
    (void)initiated_s;
    check(key[0] != '\0' && strlen(key) < 2048);
    check(id[0] != '\0' && strlen(id) < WEIR_UPLOAD_ID_BYTES);
    return ++*(int *)ctx > 1000;
}

static int
on_deleted(void *ctx, const struct weir_s3_deleted *d, struct weir_err *err)
{
    (void)err;
    check(strlen(d->key) < 2048 && strlen(d->version) < WEIR_VERSION_BYTES);
    check(d->why == NULL || d->why->code[0] != '\0');
    return ++*(int *)ctx > 1000 ? -1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *xml = (const char *)data;
    static struct weir_s3_page page;
    struct weir_s3_error_reply error;
    struct weir_s3_complete_reply complete;
    struct weir_s3_scope scope = {"p/", 2};
    char id[WEIR_UPLOAD_ID_BYTES];
    int seen = 0;
    if (weir_s3_reply_error(xml, bytes, &error, NULL) == 0)
        check(error.code[0] != '\0' && strlen(error.code) < sizeof(error.code));
    if (weir_s3_reply_initiate(xml, bytes, id, NULL) == 0)
        check(id[0] != '\0' && strlen(id) < sizeof(id));
    if (weir_s3_reply_complete(xml, bytes, &complete, NULL) == 0)
        check(strlen(complete.etag) < sizeof(complete.etag));
    if (weir_s3_reply_copy("CopyPartResult", xml, bytes, &complete, NULL) == 0)
        check(strlen(complete.crc64nvme) < sizeof(complete.crc64nvme));
    (void)weir_s3_reply_deleted(xml, bytes, on_deleted, &seen, NULL);
    (void)weir_s3_page_parts(xml, bytes, on_part, &seen, &page, NULL);
    (void)weir_s3_page_objects(xml, bytes, &scope, on_object, &seen, &page, NULL);
    (void)weir_s3_page_uploads(xml, bytes, &scope, on_upload, &seen, &page, NULL);
    return 0;
}
