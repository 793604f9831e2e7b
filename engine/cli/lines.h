/* lines -- a file or stdin line by line; lines of any bytes, of bounded length. */
#ifndef WEIR_CLI_LINES_H
#define WEIR_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/err.h>

struct weir_lines { /* WEIR_LINES_INIT before the first call */
    int fd;
    const char *name; /* for messages */
    char *data; /* owned; [at, len) is read but not given yet, [at, seen) has no newline */
    size_t at, seen, len, cap;
    bool ended;
};

#define WEIR_LINES_INIT                                                                        \
    {                                                                                          \
        .fd = -1                                                                               \
    }

/* Twice the longest line that an import takes, which names its number. */
#define WEIR_LINES_BYTES_MAX ((size_t)2 << 20)

/* @path: NULL for stdin; borrowed until weir_lines_close(). */
int weir_lines_open(struct weir_lines *l, const char *path, struct weir_err *err);
void weir_lines_close(struct weir_lines *l);

/* One line without its newline, borrowed until the next call; the last one may lack it. Returns
 * 1, 0 at the end, -1 with err.  @lines: a struct weir_lines. */
int weir_lines_next(void *lines, const char **out_line, size_t *out_bytes,
                    struct weir_err *err);

#endif
