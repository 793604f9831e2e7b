/* xml -- walk over a small XML document from the network, safely.
 *
 * No DOCTYPE (so no entities of its own), at most 8 levels, names of 64 and texts of 8 KiB; the
 * caller caps the document.  Name space prefixes are dropped. */
#ifndef WEIR_S3_XML_H
#define WEIR_S3_XML_H

#include <stddef.h>

#include <weir/err.h>

#define WEIR_S3_XML_DEPTH_MAX 8
#define WEIR_S3_XML_NAME_MAX 64
#define WEIR_S3_XML_TEXT_MAX 8192

/* Called at the end of each element with its path ("Root/Child/Leaf") and its text (that of the
 * leaf; "" for an element with children).  Returns 0 to go on, 1 to stop early with success,
 * -1 to fail with *err set. */
typedef int weir_s3_xml_fn(void *ctx, const char *path, const char *text, struct weir_err *err);

/**
 * weir_s3_xml_parse() -- call fn for each element of a document.
 * Returns 0, or -1 with WEIR_E_PROTOCOL: not well-formed, cut short, or over a cap above.
 */
int weir_s3_xml_parse(const char *data, size_t bytes, weir_s3_xml_fn *fn, void *ctx,
                      struct weir_err *err);

#endif
