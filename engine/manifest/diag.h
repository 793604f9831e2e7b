/* diag -- the mistakes of one text, collected in any order, told in file order with the line
 * they are on. */
#ifndef WEIR_MANIFEST_DIAG_H
#define WEIR_MANIFEST_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/err.h>

/* More than this are counted, not told. */
#define WEIR_DIAG_MAX 100

struct weir_diag_item {
    size_t line, column, width; /* from 1; column and width in characters */
    size_t order;               /* of telling, among mistakes at one place */
    bool secret;                /* what follows on this line is not to be shown */
    char *text;                 /* owned */
};

struct weir_diag {
    const char *file; /* borrowed */
    const char *text; /* borrowed; not necessarily valid UTF-8 */
    size_t bytes;
    size_t *line_at; /* offset of each line's first byte */
    size_t line_count;
    struct weir_diag_item *item;
    size_t count;
    size_t more; /* mistakes over WEIR_DIAG_MAX */
    bool no_memory;
};

/* Returns 0, or -1 with NOMEM.  Lines end in LF, CR or CR LF, as in YAML. */
int weir_diag_init(struct weir_diag *d, const char *file, const char *text, size_t bytes,
                   struct weir_err *err);
void weir_diag_fini(struct weir_diag *d); /* all zero is fine */

/* Adds one mistake.  Lack of memory is remembered and comes out of weir_diag_finish(). */
void weir_diag_add(struct weir_diag *d, size_t line, size_t column, size_t width,
                   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same for a place behind which a secret stands: no excerpt shows the rest of that line. */
void weir_diag_add_secret(struct weir_diag *d, size_t line, size_t column, size_t width,
                          const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Line and column (from 1, in characters) of a byte. */
void weir_diag_where(const struct weir_diag *d, size_t offset, size_t *out_line,
                     size_t *out_column);

/**
 * weir_diag_finish() -- tell all mistakes.
 * Returns 0 when there are none.  Else -1 with CONFIG (the first mistake, and the count when
 * there are more) and *out_text malloc'ed, or NOMEM and *out_text untouched.
 */
int weir_diag_finish(struct weir_diag *d, char **out_text, struct weir_err *err);

/* 'text' for a message: control bytes as \xNN, cut with "..." so that it fits out.  Returns
 * out. */
#define WEIR_DIAG_QUOTE 96
char *weir_diag_quote(const char *text, size_t bytes, char out[static WEIR_DIAG_QUOTE]);

#endif
