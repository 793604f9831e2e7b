#include "cli/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_BYTES ((size_t)64 << 10)

int
weir_lines_open(struct weir_lines *l, const char *path, struct weir_err *err)
{
    l->name = path != NULL ? path : "stdin";
    l->fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
    return l->fd >= 0 ? 0 : weir_err_sys(err, WEIR_E_IO, errno, "cannot open %s", l->name);
}

void
weir_lines_close(struct weir_lines *l)
{
    if (l->fd >= 0)
        (void)close(l->fd);
    free(l->data);
    *l = (struct weir_lines)WEIR_LINES_INIT;
}

/* Makes room behind what is held: by moving it to the front, or by more memory. */
static int
make_room(struct weir_lines *l, struct weir_err *err)
{
    if (l->at > 0) {
        memmove(l->data, l->data + l->at, l->len - l->at);
        l->seen -= l->at;
        l->len -= l->at;
        l->at = 0;
    }
    if (l->len < l->cap)
        return 0;
    if (l->cap >= WEIR_LINES_BYTES_MAX)
        return weir_err_set(err, WEIR_E_CONFIG, "%s has a line longer than %zu MiB", l->name,
                            WEIR_LINES_BYTES_MAX >> 20);
    size_t cap = l->cap > 0 ? 2 * l->cap : FIRST_BYTES;
    char *data = realloc(l->data, cap);
    if (data == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "a line of %s", l->name);
    l->data = data;
    l->cap = cap;
    return 0;
}

static int
fill(struct weir_lines *l, struct weir_err *err)
{
    ssize_t n;
    if (make_room(l, err) != 0)
        return -1;
    do
        n = read(l->fd, l->data + l->len, l->cap - l->len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "cannot read %s", l->name);
    l->ended = n == 0;
    l->len += (size_t)n;
    return 0;
}

int
weir_lines_next(void *lines, const char **out_line, size_t *out_bytes, struct weir_err *err)
{
    struct weir_lines *l = lines;
    const char *newline = NULL;
    for (;;) {
        if (l->len > l->seen)
            newline = memchr(l->data + l->seen, '\n', l->len - l->seen);
        if (newline != NULL)
            break;
        l->seen = l->len;
        if (l->ended)
            break;
        if (fill(l, err) != 0)
            return -1;
    }
    if (newline == NULL && l->at == l->len)
        return 0;
    *out_line = l->data + l->at;
    *out_bytes = (size_t)(newline != NULL ? newline - *out_line : (ptrdiff_t)(l->len - l->at));
    l->at += *out_bytes + (newline != NULL);
    l->seen = l->at;
    return 1;
}
