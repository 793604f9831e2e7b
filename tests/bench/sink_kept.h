/* sink_kept -- what answers about kept objects and about their uploads have in common. */
#ifndef SINK_KEPT_H
#define SINK_KEPT_H

#include <weir/digest.h>

#include "sink.h"
#include "vault.h"

/* A checksum that was sent must be that of the bytes. */
bool sink_kept_checksum_right(const struct sink_request *r, uint64_t crc64nvme);

/* Writes the refusal of a conditional request about an object (NULL: there is none), if it is
 * to be refused. */
bool sink_kept_refused(const struct sink_request *r, const struct vault_object *o,
                       struct sink_reply *out);

void sink_kept_headers(const char *etag, uint64_t crc64nvme, char *out, size_t out_bytes);

/* The metadata of a request as header lines; the caller frees.  NULL without memory. */
char *sink_kept_meta(const struct sink_request *r);

/* The object to copy from; NULL: the refusal was written. */
const struct vault_object *sink_kept_source_locked(const struct vault *v,
                                                   const struct sink_request *r,
                                                   struct sink_reply *out);

/* Requests that belong to an upload. */
void sink_kept_upload_locked(struct vault *v, const struct sink_request *r,
                             struct vault_data *body, struct sink_reply *out);

#endif
