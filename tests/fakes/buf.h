/* buf -- growable bytes and the allocator of the fake.  Out of memory ends the program: a test
 * server has nobody to report it to. */
#ifndef FAKE_BUF_H
#define FAKE_BUF_H

#include <stddef.h>

/* All zero is an empty buffer.  data is NUL terminated whenever it is not NULL. */
struct fake_buf {
    char *data;
    size_t len, cap;
};

void fake_buf_add(struct fake_buf *b, const void *bytes, size_t n);
void fake_buf_puts(struct fake_buf *b, const char *text);
void fake_buf_printf(struct fake_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The text so far, "" when nothing was added; valid until the next change. */
const char *fake_buf_text(const struct fake_buf *b);
/* Hand the bytes over to the caller (free() them); the buffer is empty afterwards. */
char *fake_buf_take(struct fake_buf *b);
void fake_buf_clear(struct fake_buf *b);
void fake_buf_free(struct fake_buf *b);

void *fake_alloc(size_t n); /* zeroed */
void *fake_grow(void *p, size_t n);
char *fake_strdup(const char *text);

#endif
