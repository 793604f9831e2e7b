#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void
weir_buf_fini(struct weir_buf *b)
{
    free(b->data);
    *b = (struct weir_buf){0};
}

void
weir_buf_clear(struct weir_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

/* Room for more bytes and a NUL; false when memory is short. */
static bool
reserve(struct weir_buf *b, size_t more)
{
    if (b->failed || more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4) {
        b->failed = true;
        return false;
    }
    if (b->len + more + 1 <= b->cap)
        return true;
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < b->len + more + 1)
        cap *= 2;
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void
weir_buf_bytes(struct weir_buf *b, const void *data, size_t bytes)
{
    if (!reserve(b, bytes))
        return;
    if (bytes > 0)
        memcpy(b->data + b->len, data, bytes);
    b->len += bytes;
    b->data[b->len] = '\0';
}

void
weir_buf_text(struct weir_buf *b, const char *text)
{
    weir_buf_bytes(b, text, strlen(text));
}

void
weir_buf_printf(struct weir_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int need = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (need >= 0 && reserve(b, (size_t)need)) {
        (void)vsnprintf(b->data + b->len, (size_t)need + 1, fmt, again);
        b->len += (size_t)need;
    } else {
        b->failed = true;
    }
    va_end(again);
}

void
weir_buf_u64(struct weir_buf *b, uint64_t value)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    weir_buf_bytes(b, digits + i, sizeof(digits) - i);
}

void
weir_buf_hex(struct weir_buf *b, const uint8_t *data, size_t bytes)
{
    static const char digit[] = "0123456789abcdef";
    if (!reserve(b, bytes * 2))
        return;
    for (size_t i = 0; i < bytes; i++) {
        b->data[b->len++] = digit[data[i] >> 4];
        b->data[b->len++] = digit[data[i] & 15];
    }
    b->data[b->len] = '\0';
}

void
weir_buf_base64(struct weir_buf *b, const void *data, size_t bytes)
{
    static const char digit[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;
    if (!reserve(b, (bytes + 2) / 3 * 4))
        return;
    for (size_t i = 0; i < bytes; i += 3) {
        size_t have = bytes - i < 3 ? bytes - i : 3;
        uint32_t v = (uint32_t)p[i] << 16;
        if (have > 1)
            v |= (uint32_t)p[i + 1] << 8;
        if (have > 2)
            v |= p[i + 2];
        b->data[b->len++] = digit[v >> 18];
        b->data[b->len++] = digit[v >> 12 & 63];
        b->data[b->len++] = have > 1 ? digit[v >> 6 & 63] : '=';
        b->data[b->len++] = have > 2 ? digit[v & 63] : '=';
    }
    b->data[b->len] = '\0';
}

static void
json_char(struct weir_buf *b, unsigned char c)
{
    switch (c) {
    case '"':
        weir_buf_bytes(b, "\\\"", 2);
        break;
    case '\\':
        weir_buf_bytes(b, "\\\\", 2);
        break;
    case '\n':
        weir_buf_bytes(b, "\\n", 2);
        break;
    case '\t':
        weir_buf_bytes(b, "\\t", 2);
        break;
    default:
        weir_buf_printf(b, "\\u%04x", c);
    }
}

void
weir_buf_json(struct weir_buf *b, const char *text, size_t bytes)
{
    weir_buf_bytes(b, "\"", 1);
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < bytes;) {
        uint32_t code = 0;
        size_t len = weir_utf8_next(text + i, bytes - i, &code);
        if (len > 0 && code >= 0x20 && code != '"' && code != '\\' && code != 0x7f) {
            i += len;
            continue;
        }
        weir_buf_bytes(b, text + plain, i - plain);
        if (len == 0)
            weir_buf_bytes(b, "\xef\xbf\xbd", 3);
        else
            json_char(b, (unsigned char)code);
        i += len == 0 ? 1 : len;
        plain = i;
    }
    weir_buf_bytes(b, text + plain, bytes - plain);
    weir_buf_bytes(b, "\"", 1);
}
