/* endpoint -- from the destination to the host and path of a bucket.  Pure: no I/O. */
#ifndef WEIR_S3_ENDPOINT_H
#define WEIR_S3_ENDPOINT_H

#include <stdbool.h>

#include <weir/err.h>
#include <weir/manifest.h>

struct weir_s3_endpoint_input { /* all borrowed */
    const char *bucket;
    const char *region;   /* used for AWS hosts; not NULL */
    const char *endpoint; /* "http[s]://host[:port][/base]", or NULL for AWS */
    enum weir_addressing addressing;
    bool accelerate, dualstack, fips;
};

struct weir_s3_endpoint {
    char origin[320]; /* "https://host[:port]", without a default port */
    char host[310];   /* value of the Host header */
    char path[512];   /* put before "/key": "", "/bucket" or "/base/bucket"; percent-encoded */
    bool aws;         /* an AWS host: it depends on the region */
};

/**
 * weir_s3_endpoint_resolve() -- where requests for a bucket go.
 * AWS: virtual style, but path style for buckets with dots (no certificate covers them) or not
 * fit for a host name.  Own endpoint: path style, unless addressing says virtual.
 * Returns 0, or -1 with WEIR_E_CONFIG or UNSUPPORTED (ARNs, directory buckets) and *out
 * unchanged.
 * Source: botocore's endpoint rules for S3.
 */
int weir_s3_endpoint_resolve(const struct weir_s3_endpoint_input *in,
                             struct weir_s3_endpoint *out, struct weir_err *err);

/* A region name may become part of a host name and of a signature: letters, digits, '-', '_';
 * 1 to 63 of them, and a letter or digit at both ends. */
bool weir_s3_endpoint_region_ok(const char *region);

#endif
