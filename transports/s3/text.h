/* text -- a growing, always NUL-terminated byte string that is reused from call to call.
 *
 * Appending never reports: the first failed allocation sets `failed`, later appends do nothing,
 * and the caller asks once at the end.  One owner, not thread-safe. */
#ifndef WEIR_S3_TEXT_H
#define WEIR_S3_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct weir_s3_text {
    char *data; /* NULL until the first append */
    size_t used, room;
    bool failed;
};

/* Empties the text and keeps its memory. */
void weir_s3_text_reset(struct weir_s3_text *t);
void weir_s3_text_free(struct weir_s3_text *t); /* zeroed and half-made is fine */

void weir_s3_text_append(struct weir_s3_text *t, const void *data, size_t bytes);
void weir_s3_text_add(struct weir_s3_text *t, const char *string);
void weir_s3_text_char(struct weir_s3_text *t, char c);
void weir_s3_text_format(struct weir_s3_text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The string; "" when nothing was appended. */
const char *weir_s3_text_get(const struct weir_s3_text *t);

/* Appends with the five characters that XML reserves escaped. */
void weir_s3_text_xml(struct weir_s3_text *t, const char *string);

#endif
