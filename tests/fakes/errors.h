/* errors -- S3 error codes, their status and usual sentence. */
#ifndef FAKE_ERRORS_H
#define FAKE_ERRORS_H

struct fake_error {
    const char *code;
    int status;
    const char *message;
};
/* NULL when S3 has no such code (that we know of). */
const struct fake_error *fake_errors_find(const char *code);
const char *fake_errors_reason(int status);

#endif
