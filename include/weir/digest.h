/* digest -- the two digests of weir over the same bytes in one pass.
 *
 * XXH3-128 is ours (identity, delta, audits); CRC64NVME is the store's (S3 checks it on upload
 * and keeps it; CRCs of parts combine into that of the whole object). */
#ifndef WEIR_DIGEST_H
#define WEIR_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/* XXH3-128 in canonical form: high 64 bits big-endian, then low 64 bits. */
struct weir_xxh128 {
    uint8_t b[16];
};

/* One-shot XXH3-128, seed 0.  Any thread. */
void weir_xxh128(const void *data, size_t bytes, struct weir_xxh128 *out);

/**
 * weir_crc64nvme() -- continue a CRC64NVME.
 * @crc: value of what came before, 0 for the start.  Returns the value with data appended.
 * Polynomial 0xad93d23594c93659, reflected, init and xorout all ones: check("123456789") is
 * 0xae8b14860a799888.  Picks VPCLMULQDQ, PCLMULQDQ, PMULL or a table at run time; all agree.
 */
uint64_t weir_crc64nvme(uint64_t crc, const void *data, size_t bytes);

/* The CRC of A followed by B from crc(A), crc(B) and the length of B.  O(log bytes_b). */
uint64_t weir_crc64nvme_combine(uint64_t crc_a, uint64_t crc_b, uint64_t bytes_b);

/* Standard base64 of the 8 big-endian bytes, as in x-amz-checksum-crc64nvme: 12 characters +
 * NUL. */
void weir_crc64nvme_base64(uint64_t crc, char out[13]);

/* The reverse; returns 0, or -1 when text is not exactly such a value. */
int weir_crc64nvme_parse(const char *text, uint64_t *out);

/* ---- streaming: CRC64NVME of a run of bytes, XXH3-128 of each chunk in it ---- */

struct weir_digester; /* opaque; holds the XXH3 state */

/* Heap-allocated, one owner at a time, reusable.  Returns NULL when memory is short. */
struct weir_digester *weir_digester_create(void);
void weir_digester_free(struct weir_digester *d); /* NULL is fine */

/**
 * weir_digester_begin() -- start a run of bytes that begins on a chunk border.
 * @chunk_bytes: length of a chunk; > 0.
 * @chunks:      receives one digest for each chunk, also for a last short one; borrowed until
 *               weir_digester_end().  A run of 0 bytes gives one chunk: the digest of nothing.
 * @chunks_max:  room in @chunks; feeding more is a programmer error (assert).
 */
void weir_digester_begin(struct weir_digester *d, uint64_t chunk_bytes,
                         struct weir_xxh128 *chunks, size_t chunks_max);
void weir_digester_update(struct weir_digester *d, const void *data, size_t bytes);
/* Ends the run: *out_crc64nvme is its CRC, returns the number of chunks written. */
size_t weir_digester_end(struct weir_digester *d, uint64_t *out_crc64nvme);

/* The XXH3-128 of a whole file from its chunk digests: that chunk's own for one chunk, else the
 * digest of the concatenated canonical chunk digests (reports show it with "-N"). */
void weir_xxh128_of_chunks(const struct weir_xxh128 *chunks, size_t count,
                           struct weir_xxh128 *out);

#endif
