/* buf -- a growing text, for messages, records and lists.  Out of memory is remembered, not
 * reported at each append: check `failed` once, at the end. */
#ifndef WEIR_BASE_BUF_H
#define WEIR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weir_buf { /* zero-initialise; one owner */
    char *data;   /* NUL-terminated once something was appended */
    size_t len, cap;
    bool failed;
};

void weir_buf_fini(struct weir_buf *b);
void weir_buf_clear(struct weir_buf *b); /* keeps the memory */
void weir_buf_bytes(struct weir_buf *b, const void *data, size_t bytes);
void weir_buf_text(struct weir_buf *b, const char *text);
void weir_buf_printf(struct weir_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void weir_buf_u64(struct weir_buf *b, uint64_t value); /* decimal, without printf */
void weir_buf_hex(struct weir_buf *b, const uint8_t *data, size_t bytes);
void weir_buf_base64(struct weir_buf *b, const void *data, size_t bytes);
/* A JSON string with its quotes.  Bytes that are not valid UTF-8 become U+FFFD: give the exact
 * bytes in a field of their own. */
void weir_buf_json(struct weir_buf *b, const char *text, size_t bytes);

#endif
