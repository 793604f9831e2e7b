/* sigv4 -- exact check of a Signature Version 4 header, on the request as it was sent. */
#ifndef FAKE_SIGV4_H
#define FAKE_SIGV4_H

#include "buf.h"
#include "http.h"

struct fake_creds {
    const char *access_key, *secret_key, *session_token; /* token NULL: none is accepted */
    const char *region;
};
enum fake_payload { FAKE_PAYLOAD_HASHED, FAKE_PAYLOAD_UNSIGNED, FAKE_PAYLOAD_TRAILER };
struct fake_auth {
    const char *code; /* S3 error code, NULL when the request is good */
    const char *message;
    struct fake_buf detail; /* further XML elements of the error; owned */
    enum fake_payload payload;
    uint8_t sha256[32]; /* HASHED: what the body must hash to */
};

/* @now_s is the server's clock.  Only the head is looked at.  Returns 0 or -1. */
int fake_sigv4_verify(const struct fake_request *r, const struct fake_creds *creds,
                      int64_t now_s, struct fake_auth *out);

#endif
