/* reply -- building a reply, and sending it true or false as the script wants. */
#ifndef FAKE_REPLY_H
#define FAKE_REPLY_H

#include "server.h"

void fake_reply_header(struct fake_call *c, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Drops what the reply had and makes it an S3 error; @message NULL: the usual one.  The detail
 * elements of the reply go into it.  Returns -1, for `return fake_reply_error(...)`. */
int fake_reply_error(struct fake_call *c, const char *code, const char *message);
/* Begins an XML body with the XML declaration and status 200. */
struct fake_buf *fake_reply_xml(struct fake_call *c);
void fake_reply_send(struct fake_call *c);
void fake_reply_free(struct fake_reply *r);

#endif
