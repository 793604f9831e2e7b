/* framing -- where the body of a request begins and ends: Content-Length or HTTP chunks
 * outside, and inside, for uploads with a trailer, the chunks of aws-chunked. */
#ifndef FAKE_FRAMING_H
#define FAKE_FRAMING_H

#include "server.h"

/* Before anything else, so that the body can be skipped whatever happens. */
void fake_framing_start(struct fake_call *c);
/* Payload of @bytes inside of aws-chunked. */
void fake_framing_unwrap(struct fake_call *c, uint64_t bytes);
/* 1..n payload bytes, 0 at the end, -1 when the client breaks off or breaks the framing. */
int fake_framing_read(struct fake_call *c, char *out, size_t n);
/* When the reply is decided: skips what is left of the body, or marks the connection for
 * closing behind the reply. */
void fake_framing_finish(struct fake_call *c);

#endif
