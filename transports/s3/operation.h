/* operation -- what several operations have in common. */
#ifndef WEIR_S3_OPERATION_H
#define WEIR_S3_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/err.h>
#include <weir/transport.h>

struct weir_s3;

int weir_s3_operation_check_key(const struct weir_s3 *s, const char *key, struct weir_err *err);

/* Headers of the request under construction. */

/* The CRC64NVME of the body; text is borrowed by the request. */
void weir_s3_operation_checksum(struct weir_s3 *s, uint64_t crc64nvme, char text[13]);
/* Metadata, type, storage class, encryption: of everything that makes an object. */
void weir_s3_operation_object(struct weir_s3 *s, const struct weir_object *object);
/* The tags of the manifest; returns whether there are any. */
bool weir_s3_operation_tags(struct weir_s3 *s);
/* If-None-Match or If-Match. */
void weir_s3_operation_condition(struct weir_s3 *s, const struct weir_object *object);

/* Judges of replies and errors. */

/* A conditional write whose object is gone did not match: NOT_FOUND of the key and 412 are both
 * EXISTS.  Returns -1. */
int weir_s3_operation_conditional(const struct weir_object *object, struct weir_err *err);
/* ETag, version and CRC of the reply to a PUT; a CRC other than ours is WEIR_E_DIGEST. */
int weir_s3_operation_stored(struct weir_s3 *s, uint64_t crc64nvme, struct weir_stored *out,
                             struct weir_err *err);

/* Copies an error that stays one into the caller's.  Returns -1. */
int weir_s3_operation_pass(const struct weir_err *from, struct weir_err *err);

/* Decimal digits only; returns 0 or -1. */
int weir_s3_operation_number(const char *text, uint64_t *out);

#endif
