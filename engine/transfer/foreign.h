/* foreign -- does an object that another tool wrote hold the bytes of a file?  The proof is a
 * checksum that the store holds and that is computed here from the file: CRC64NVME, SHA-256,
 * SHA-1, CRC32C, CRC32 (whole or of parts), or an ETag that is an MD5 (whole or of parts). */
#ifndef WEIR_TRANSFER_FOREIGN_H
#define WEIR_TRANSFER_FOREIGN_H

#include "transfer/worker.h"

enum weir_foreign {
    WEIR_FOREIGN_UNKNOWN = 0, /* the store holds nothing that can be compared */
    WEIR_FOREIGN_SAME,
    WEIR_FOREIGN_DIFFERENT,
};

struct weir_foreign_source {          /* the bytes, one of the two */
    const void *data;                 /* in memory */
    const struct weir_reader *reader; /* or in a file, read through w->buffer */
    const char *path;                 /* for messages */
    uint64_t bytes;
};

/**
 * weir_foreign_compare() -- compare by the strongest checksum that @head has.
 * Sizes must be equal (DIFFERENT otherwise, without reading).  Asks for the part size
 * (weir_transport_ops.part_size) when the checksum is one of parts, and tries the usual sizes
 * where the store does not tell.  CRC64NVME counts only where the endpoint was seen to give the
 * right one.  Reads the bytes once, and once more for an MD5 ETag when the first differed: an
 * ETag need not be an MD5 (KMS), and some stores keep wrong checksums.
 * *out_how: static text, what was compared: "CRC64NVME", "SHA-256 of parts", ...
 * Errors: those of the file (CHANGED: it changed meanwhile), of part_size, CANCELLED, NOMEM.
 */
int weir_foreign_compare(struct weir_worker *w, const char *key, const struct weir_head *head,
                         const struct weir_foreign_source *source, enum weir_foreign *out,
                         const char **out_how, struct weir_err *err);

#endif
