/* s3 -- the transport for s3:// URLs: Amazon S3 and stores that speak its protocol. */
#ifndef WEIR_S3_S3_H
#define WEIR_S3_S3_H

#include <weir/transport.h>

extern const struct weir_transport_ops weir_s3_ops;

/**
 * weir_s3_open() -- open the bucket that options->destination->url names; makes no request.
 * @options: borrowed for the life of all handles.
 * @out:     set only on success; close with ops->close.
 * Returns 0, or -1 with WEIR_E_CONFIG (URL, endpoint, region, header values), CREDENTIALS (none
 * found, or of a kind that is not supported), IO or NOMEM.  Any thread.
 */
int weir_s3_open(const struct weir_transport_options *options, struct weir_transport **out,
                 struct weir_err *err);

#endif
