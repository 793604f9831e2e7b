#include "s3/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
weir_s3_text_reset(struct weir_s3_text *t)
{
    t->used = 0;
    t->failed = false;
    if (t->data != NULL)
        t->data[0] = '\0';
}

void
weir_s3_text_free(struct weir_s3_text *t)
{
    free(t->data);
    *t = (struct weir_s3_text){0};
}

/* Makes room for bytes more and the NUL. */
static bool
grow(struct weir_s3_text *t, size_t bytes)
{
    if (t->failed)
        return false;
    if (t->room - t->used > bytes)
        return true;
    size_t room = t->room < 256 ? 256 : t->room;
    while (room - t->used <= bytes) {
        if (room > SIZE_MAX / 2) {
            t->failed = true;
            return false;
        }
        room *= 2;
    }
    char *data = realloc(t->data, room);
    if (data == NULL) {
        t->failed = true;
        return false;
    }
    t->data = data;
    t->room = room;
    return true;
}

void
weir_s3_text_append(struct weir_s3_text *t, const void *data, size_t bytes)
{
    if (!grow(t, bytes))
        return;
    if (bytes > 0)
        memcpy(t->data + t->used, data, bytes);
    t->used += bytes;
    t->data[t->used] = '\0';
}

void
weir_s3_text_add(struct weir_s3_text *t, const char *string)
{
    weir_s3_text_append(t, string, strlen(string));
}

void
weir_s3_text_char(struct weir_s3_text *t, char c)
{
    weir_s3_text_append(t, &c, 1);
}

void
weir_s3_text_format(struct weir_s3_text *t, const char *fmt, ...)
{
    char line[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(line))
        t->failed = true; /* callers format short lines only; cut text must not be used */
    else
        weir_s3_text_append(t, line, (size_t)n);
}

const char *
weir_s3_text_get(const struct weir_s3_text *t)
{
    return t->data == NULL ? "" : t->data;
}

void
weir_s3_text_xml(struct weir_s3_text *t, const char *string)
{
    for (; *string != '\0'; string++) {
        switch (*string) {
        case '&':
            weir_s3_text_add(t, "&amp;");
            break;
        case '<':
            weir_s3_text_add(t, "&lt;");
            break;
        case '>':
            weir_s3_text_add(t, "&gt;");
            break;
        case '"':
            weir_s3_text_add(t, "&quot;");
            break;
        case '\r':
            weir_s3_text_add(t, "&#13;");
            break;
        default:
            weir_s3_text_char(t, *string);
        }
    }
}
