#include "manifest/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define EXCERPT_MAX 100 /* characters of a line that are shown */
#define EXCERPT_BEFORE 60

static bool
breaks_line(const char *text, size_t bytes, size_t i)
{
    return text[i] == '\n' || (text[i] == '\r' && (i + 1 == bytes || text[i + 1] != '\n'));
}

int
weir_diag_init(struct weir_diag *d, const char *file, const char *text, size_t bytes,
               struct weir_err *err)
{
    *d = (struct weir_diag){.file = file, .text = text, .bytes = bytes};
    size_t lines = 1;
    for (size_t i = 0; i < bytes; i++)
        lines += breaks_line(text, bytes, i);
    d->line_at = calloc(lines, sizeof(*d->line_at));
    if (d->line_at == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "%s: index of %zu lines", file, lines);
    d->line_count = 1;
    for (size_t i = 0; i < bytes; i++)
        if (breaks_line(text, bytes, i))
            d->line_at[d->line_count++] = i + 1;
    return 0;
}

void
weir_diag_fini(struct weir_diag *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->item[i].text);
    free(d->item);
    free(d->line_at);
    *d = (struct weir_diag){0};
}

static void __attribute__((format(printf, 3, 0)))
add(struct weir_diag *d, struct weir_diag_item item, const char *fmt, va_list ap)
{
    if (d->count == WEIR_DIAG_MAX) {
        d->more++;
        return;
    }
    if (d->item == NULL)
        d->item = calloc(WEIR_DIAG_MAX, sizeof(*d->item));
    if (d->item == NULL || vasprintf(&item.text, fmt, ap) < 0) {
        d->no_memory = true;
        return;
    }
    item.order = d->count;
    d->item[d->count++] = item;
}

void
weir_diag_add(struct weir_diag *d, size_t line, size_t column, size_t width, const char *fmt,
              ...)
{
    struct weir_diag_item item = {.line = line, .column = column, .width = width};
    va_list ap;
    va_start(ap, fmt);
    add(d, item, fmt, ap);
    va_end(ap);
}

void
weir_diag_add_secret(struct weir_diag *d, size_t line, size_t column, size_t width,
                     const char *fmt, ...)
{
    struct weir_diag_item item = {
        .line = line, .column = column, .width = width, .secret = true};
    va_list ap;
    va_start(ap, fmt);
    add(d, item, fmt, ap);
    va_end(ap);
}

/* The bytes of a line without its end; a line behind the last one is empty. */
static const char *
line_bytes(const struct weir_diag *d, size_t line, size_t *out_bytes)
{
    *out_bytes = 0;
    if (line == 0 || line > d->line_count)
        return "";
    const char *start = d->text + d->line_at[line - 1];
    size_t end = line < d->line_count ? d->line_at[line] : d->bytes;
    size_t n = end - d->line_at[line - 1];
    while (n > 0 && (start[n - 1] == '\n' || start[n - 1] == '\r'))
        n--;
    *out_bytes = n;
    return start;
}

/* Bytes taken by the first `characters` characters; a byte that is no UTF-8 counts as one. */
static size_t
skip_characters(const char *text, size_t bytes, size_t characters)
{
    size_t i = 0;
    for (; i < bytes && characters > 0; characters--) {
        size_t step = weir_utf8_next(text + i, bytes - i, NULL);
        i += step > 0 ? step : 1;
    }
    return i;
}

static size_t
count_characters(const char *text, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i += skip_characters(text + i, bytes - i, 1))
        n++;
    return n;
}

void
weir_diag_where(const struct weir_diag *d, size_t offset, size_t *out_line, size_t *out_column)
{
    size_t line = 1;
    while (line < d->line_count && d->line_at[line] <= offset)
        line++;
    *out_line = line;
    *out_column =
        count_characters(d->text + d->line_at[line - 1], offset - d->line_at[line - 1]) + 1;
}

/* A tab would move the caret, a control or broken byte the terminal. */
static void
print_clean(FILE *out, const char *text, size_t bytes)
{
    size_t step;
    for (size_t i = 0; i < bytes; i += step) {
        uint32_t c = 0;
        step = weir_utf8_next(text + i, bytes - i, &c);
        if (text[i] == '\t')
            fputc(' ', out);
        else if (step == 0 || weir_utf8_is_control(c))
            fputc('?', out);
        else
            fwrite(text + i, 1, step, out);
        step = step > 0 ? step : 1;
    }
}

static void
print_caret(FILE *out, size_t before, size_t width, size_t room)
{
    fprintf(out, "%*s^", (int)before, "");
    for (size_t i = 1; i < width && before + i < room; i++)
        fputc('~', out);
    fputc('\n', out);
}

/* Characters of a line that may be shown: all, or those before the first secret. */
static size_t
open_characters(const struct weir_diag *d, size_t line, size_t length)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct weir_diag_item *item = &d->item[i];
        size_t end = item->column - 1 + item->width;
        if (item->secret && item->line == line && end < length)
            length = end;
    }
    return length;
}

/* The line, or as much of a long one as shows the place, and a caret below it. */
static void
print_excerpt(FILE *out, const struct weir_diag *d, const struct weir_diag_item *item)
{
    size_t bytes;
    const char *line = line_bytes(d, item->line, &bytes);
    size_t length = open_characters(d, item->line, count_characters(line, bytes));
    size_t column = item->column - 1;
    if (length == 0 || column > length)
        return;
    size_t cut = length > EXCERPT_MAX && column > EXCERPT_BEFORE ? column - EXCERPT_BEFORE : 0;
    size_t room = length - cut < EXCERPT_MAX ? length - cut : EXCERPT_MAX;
    size_t first = skip_characters(line, bytes, cut);
    size_t shown = skip_characters(line + first, bytes - first, room);

    fprintf(out, "    %s", cut > 0 ? "..." : "");
    print_clean(out, line + first, shown);
    fprintf(out, "%s\n    %s", first + shown < bytes ? "..." : "", cut > 0 ? "   " : "");
    print_caret(out, column - cut, item->width, room);
}

static int
by_place(const void *a, const void *b)
{
    const struct weir_diag_item *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    if (x->column != y->column)
        return x->column < y->column ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static void
print_all(FILE *out, const struct weir_diag *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct weir_diag_item *item = &d->item[i];
        fprintf(out, "%s:%zu:%zu: error: %s\n", d->file, item->line, item->column, item->text);
        print_excerpt(out, d, item);
    }
    if (d->more > 0)
        fprintf(out, "%s: error: %zu more mistakes are not shown\n", d->file, d->more);
}

int
weir_diag_finish(struct weir_diag *d, char **out_text, struct weir_err *err)
{
    char *text = NULL;
    size_t bytes = 0;
    if (d->no_memory)
        return weir_err_set(err, WEIR_E_NOMEM, "%s: list of mistakes", d->file);
    if (d->count == 0)
        return 0;
    qsort(d->item, d->count, sizeof(*d->item), by_place);
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "%s: text of the mistakes", d->file);
    print_all(out, d);
    bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        free(text);
        return weir_err_set(err, WEIR_E_NOMEM, "%s: text of the mistakes", d->file);
    }
    const struct weir_diag_item *first = &d->item[0];
    weir_err_set(err, WEIR_E_CONFIG, "%s:%zu:%zu: %s", d->file, first->line, first->column,
                 first->text);
    if (d->count > 1)
        weir_err_add(err, "%zu mistakes, the first", d->count + d->more);
    *out_text = text;
    return -1;
}

char *
weir_diag_quote(const char *text, size_t bytes, char out[static WEIR_DIAG_QUOTE])
{
    const size_t room = WEIR_DIAG_QUOTE - sizeof("'...'") - 4;
    size_t used = 0, i = 0;
    out[used++] = '\'';
    while (i < bytes && used < room) {
        uint32_t c = 0;
        size_t step = weir_utf8_next(text + i, bytes - i, &c);
        if (step == 0 || weir_utf8_is_control(c)) {
            used += (size_t)snprintf(out + used, 5, "\\x%02x", c & 0xff);
            step = step > 0 ? step : 1;
        } else {
            memcpy(out + used, text + i, step);
            used += step;
        }
        i += step;
    }
    (void)snprintf(out + used, WEIR_DIAG_QUOTE - used, "%s'", i < bytes ? "..." : "");
    return out;
}
