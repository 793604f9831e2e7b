/* ops -- the S3 operations.  Each fills the reply of the call; -1 says that it is an error. */
#ifndef FAKE_OPS_H
#define FAKE_OPS_H

#include "body.h"
#include "reply.h"

/* ops_bucket.c */
int fake_ops_bucket_list_all(struct fake_call *c);
int fake_ops_bucket_create(struct fake_call *c);
int fake_ops_bucket_head(struct fake_call *c);
int fake_ops_bucket_delete(struct fake_call *c);
int fake_ops_bucket_location(struct fake_call *c);
/* ops_object.c: get serves HEAD too */
int fake_ops_object_put(struct fake_call *c);
int fake_ops_object_get(struct fake_call *c);
int fake_ops_object_attributes(struct fake_call *c);
/* ops_versions.c */
int fake_ops_versions_get(struct fake_call *c);
int fake_ops_versions_set(struct fake_call *c);
int fake_ops_versions_list(struct fake_call *c);
void fake_ops_version_header(struct fake_call *c, uint64_t serial); /* nothing for 0 */
/* ops_delete.c */
int fake_ops_delete_one(struct fake_call *c);
int fake_ops_delete_many(struct fake_call *c);
/* ops_copy.c */
int fake_ops_copy_object(struct fake_call *c);
int fake_ops_copy_part(struct fake_call *c);
/* ops_copy_fields.c: the headers kept with a copy */
int fake_ops_copy_fields(struct fake_call *c, const struct fake_object *source,
                         bool onto_itself, struct fake_fields *out);
/* ops_multipart.c */
int fake_ops_multipart_create(struct fake_call *c);
int fake_ops_multipart_put(struct fake_call *c);
int fake_ops_multipart_abort(struct fake_call *c);
/* ops_complete.c */
int fake_ops_complete(struct fake_call *c);
/* ops_list.c: both versions of ListObjects */
int fake_ops_list_objects(struct fake_call *c);
/* ops_uploads.c */
int fake_ops_uploads_list(struct fake_call *c);
int fake_ops_uploads_parts(struct fake_call *c);

/* ops_common.c.  "locked": the store is locked by the caller. */
int fake_ops_check_bucket(struct fake_call *c); /* exists and has the expected owner */
struct fake_bucket *fake_ops_bucket_locked(struct fake_call *c); /* NULL: error is the reply */
struct fake_upload *fake_ops_upload_locked(struct fake_call *c, struct fake_bucket *b);
/* The headers that are kept with an object. */
int fake_ops_collect_fields(struct fake_call *c, struct fake_fields *out);
void fake_ops_send_fields(struct fake_call *c, const struct fake_fields *f);
/* If-Match and If-None-Match of a write, against what is there now. */
int fake_ops_precondition_locked(struct fake_call *c, struct fake_bucket *b);
void fake_ops_sum_text(enum fake_alg alg, const uint8_t *sum, char out[FAKE_SUM_TEXT]);
void fake_ops_sum_header(struct fake_call *c, enum fake_alg alg, enum fake_type type,
                         const char *text);
void fake_ops_etag_text(struct fake_call *c, const uint8_t md5[16], char out[FAKE_ETAG_MAX]);
bool fake_ops_same_etag(const char *header, const char *etag);
int fake_ops_part_number(struct fake_call *c, uint32_t *out);
void fake_ops_xml_etag(struct fake_buf *out, const char *etag);
void fake_ops_xml_time(struct fake_buf *out, const char *name, int64_t ms);
/* @text as encoding-type=url wants it, or only escaped. */
void fake_ops_xml_key(struct fake_call *c, struct fake_buf *out, const char *name,
                      const char *text);
/* max-keys and its kin: at most @most, which is also the default. */
int fake_ops_page_size(struct fake_call *c, const char *param, uint64_t most, uint64_t *out);

#endif
