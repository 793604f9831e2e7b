/* file -- a directory as a store.  What it keeps, and what `verified` means here:
 * transports/DESIGN.md. */
#ifndef WEIR_FILE_FILE_H
#define WEIR_FILE_FILE_H

#include <weir/transport.h>

/**
 * weir_file_open() -- open the store "file:///absolute/directory".
 * The path is taken byte for byte (no %XX decoding) and must be an existing directory: a
 * missing one is WEIR_E_NOT_FOUND, scope RUN, because it is nearly always a mount that is not
 * there. Nothing is created or written before the first call that stores something. Other
 * errors: CONFIG (not such a URL), ACCESS, IO, UNSUPPORTED (no openat2), NOMEM.
 */
int weir_file_open(const struct weir_transport_options *options, struct weir_transport **out,
                   struct weir_err *err);

#endif
