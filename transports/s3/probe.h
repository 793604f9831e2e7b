/* probe -- what the two files of the probe share. */
#ifndef WEIR_S3_PROBE_H
#define WEIR_S3_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/err.h>
#include <weir/transport.h>

#define WEIR_S3_PROBE_META "weir-probe"

/* Does this error make the store unusable?  Any other is an answer: the store refused. */
bool weir_s3_probe_is_fatal(const struct weir_err *err);

struct weir_s3_probe_source { /* a small object that is there */
    const char *key;
    const char *etag;
    const unsigned char *data;
    size_t bytes;
};

/* Adds the capabilities COPY, COPY_PART and COPY_IF_NONE_MATCH to *caps.  Leaves nothing
 * behind. Returns 0, or -1 with *err when the store is unusable. */
int weir_s3_probe_copies(struct weir_transport *t, const struct weir_s3_probe_source *source,
                         unsigned *caps, struct weir_err *err);

#endif
