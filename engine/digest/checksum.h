/* checksum -- the checksums that other tools leave at objects, to compare a file with what they
 * uploaded.  weir's own digests are in <weir/digest.h>. */
#ifndef WEIR_DIGEST_CHECKSUM_H
#define WEIR_DIGEST_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>

enum weir_checksum_kind {
    WEIR_CHECKSUM_CRC64NVME = 0,
    WEIR_CHECKSUM_SHA256,
    WEIR_CHECKSUM_SHA1,
    WEIR_CHECKSUM_CRC32C,
    WEIR_CHECKSUM_CRC32,
    WEIR_CHECKSUM_MD5,
    WEIR_CHECKSUM_KINDS
};

#define WEIR_CHECKSUM_BYTES_MAX 32

struct weir_checksum; /* opaque; one owner at a time, reusable */

/* Length of the value in bytes, as S3 encodes it: CRCs are big-endian. */
size_t weir_checksum_bytes(enum weir_checksum_kind kind);
/* "SHA-256".  Static. */
const char *weir_checksum_name(enum weir_checksum_kind kind);

/**
 * weir_checksum_create() -- a checksum of a stream of bytes, whole or of its parts.
 * @part_bytes: 0 for one value of the whole; else the value is that of the values of all parts
 *              in a row, as S3 makes its composite checksums and the ETags of multipart
 * objects. Fails with NOMEM, or UNSUPPORTED where the crypto library refuses the kind (MD5
 * under FIPS).
 */
int weir_checksum_create(enum weir_checksum_kind kind, uint64_t part_bytes,
                         struct weir_checksum **out, struct weir_err *err);
void weir_checksum_free(struct weir_checksum *c); /* NULL is fine */

void weir_checksum_update(struct weir_checksum *c, const void *data, size_t bytes);

/* Ends the stream and begins a new one.  Writes weir_checksum_bytes(kind) bytes; returns how
 * many, or 0 when the crypto library failed on the way. */
size_t weir_checksum_end(struct weir_checksum *c, uint8_t out[WEIR_CHECKSUM_BYTES_MAX]);

#endif
