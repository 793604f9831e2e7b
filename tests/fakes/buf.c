#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

void *
fake_grow(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q) {
        fputs("weir_fake_s3: out of memory\n", stderr);
        abort();
    }
    return q;
}

void *
fake_alloc(size_t n)
{
    return memset(fake_grow(NULL, n), 0, n);
}

char *
fake_strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    return memcpy(fake_grow(NULL, n), text, n);
}

static void
reserve(struct fake_buf *b, size_t n)
{
    size_t need = b->len + n + 1;
    if (need <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need)
        cap *= 2;
    b->data = fake_grow(b->data, cap);
    b->cap = cap;
}

void
fake_buf_add(struct fake_buf *b, const void *bytes, size_t n)
{
    reserve(b, n);
    if (n)
        memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = 0;
}

void
fake_buf_puts(struct fake_buf *b, const char *text)
{
    fake_buf_add(b, text, strlen(text));
}

void
fake_buf_printf(struct fake_buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n > 0) {
        reserve(b, (size_t)n);
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

const char *
fake_buf_text(const struct fake_buf *b)
{
    return b->data ? b->data : "";
}

char *
fake_buf_take(struct fake_buf *b)
{
    char *p = b->data ? b->data : fake_strdup("");
    *b = (struct fake_buf){0};
    return p;
}

void
fake_buf_clear(struct fake_buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = 0;
}

void
fake_buf_free(struct fake_buf *b)
{
    free(b->data);
    *b = (struct fake_buf){0};
}
