#include "lake/files_from.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_BYTES_MAX (UINT64_C(1) << 31)

struct weir_files_from {
    char *text;   /* owned; each path NUL-terminated */
    uint32_t *at; /* owned; offsets of the paths in text, sorted */
    uint32_t count;
};

/* Byte order with '/' before all other bytes: what is below a directory stays together and the
 * names of one directory are in byte order. */
static int
compare_paths(const void *a, const void *b, void *text)
{
    const unsigned char *x = (unsigned char *)text + *(const uint32_t *)a;
    const unsigned char *y = (unsigned char *)text + *(const uint32_t *)b;
    while (*x == *y && *x != '\0') {
        x++;
        y++;
    }
    unsigned cx = *x == '/' ? 1u : *x == '\0' ? 0u : *x + 1u;
    unsigned cy = *y == '/' ? 1u : *y == '\0' ? 0u : *y + 1u;
    return (cx > cy) - (cx < cy);
}

/* Takes "." and empty components out, in place.  Returns why the path is refused, or NULL. */
static const char *
normalise(char *path)
{
    if (path[0] == '\0')
        return "is empty";
    if (path[0] == '/')
        return "is absolute, paths are relative to the root";
    char *to = path;
    for (char *p = path; *p != '\0';) {
        size_t len = strcspn(p, "/");
        char *next = p + len + (p[len] == '/');
        if (len == 2 && p[0] == '.' && p[1] == '.')
            return "has \"..\" in it";
        if (len > WEIR_NAME_BYTES_MAX)
            return "has a name of over 4095 bytes in it";
        if (len > 0 && !(len == 1 && p[0] == '.')) {
            if (to != path)
                *to++ = '/';
            memmove(to, p, len);
            to += len;
        }
        p = next;
    }
    *to = '\0';
    return NULL;
}

static int
read_all(int fd, char *text, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(fd, text + done, bytes - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0) {
            errno = ESTALE; /* shrank while it was read */
            return -1;
        }
        done += (size_t)got;
    }
    return 0;
}

static int
read_list(const char *path, char **out_text, size_t *out_bytes, struct weir_err *err)
{
    int rc = -1;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return weir_err_sys(err, WEIR_E_CONFIG, errno, "open files_from %s", path);
    if (fstat(fd, &st) != 0) {
        weir_err_sys(err, WEIR_E_CONFIG, errno, "stat files_from %s", path);
        goto close_fd;
    }
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > LIST_BYTES_MAX) {
        weir_err_set(err, WEIR_E_CONFIG, "files_from %s: %s", path,
                     S_ISREG(st.st_mode) ? "over 2 GiB" : "not a regular file");
        goto close_fd;
    }
    char *text = malloc((size_t)st.st_size + 1);
    if (text == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "files_from %s", path);
        goto close_fd;
    }
    if (read_all(fd, text, (size_t)st.st_size) != 0) {
        weir_err_sys(err, WEIR_E_CONFIG, errno, "read files_from %s", path);
        free(text);
        goto close_fd;
    }
    text[st.st_size] = '\0';
    *out_text = text;
    *out_bytes = (size_t)st.st_size;
    rc = 0;
close_fd:
    (void)close(fd);
    return rc;
}

static size_t
count_entries(const char *text, size_t bytes)
{
    size_t count = bytes > 0 && text[bytes - 1] != '\0';
    for (const char *p = text; (p = memchr(p, '\0', (size_t)(text + bytes - p))) != NULL; p++)
        count++;
    return count;
}

static int
index_entries(struct weir_files_from *f, size_t bytes, const char *path, struct weir_err *err)
{
    size_t number = 0;
    for (size_t at = 0; at < bytes;) {
        size_t len = strlen(f->text + at);
        number++;
        if (at + len == bytes && memchr(f->text + at, '\n', len) != NULL)
            return weir_err_set(err, WEIR_E_CONFIG,
                                "files_from %s: entry %zu does not end in NUL but has line "
                                "ends in it; separate paths by NUL (find -print0)",
                                path, number);
        const char *why = normalise(f->text + at);
        if (why != NULL)
            return weir_err_set(err, WEIR_E_CONFIG, "files_from %s: entry %zu '%.200s' %s",
                                path, number, f->text + at, why);
        if (f->text[at] != '\0') /* the root itself is always visited */
            f->at[f->count++] = (uint32_t)at;
        at += len + 1;
    }
    return 0;
}

static void
remove_duplicates(struct weir_files_from *f)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < f->count; i++)
        if (kept == 0 || strcmp(f->text + f->at[i], f->text + f->at[kept - 1]) != 0)
            f->at[kept++] = f->at[i];
    f->count = kept;
}

int
weir_files_from_load(const char *path, struct weir_files_from **out, struct weir_err *err)
{
    size_t bytes = 0;
    struct weir_files_from *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "files_from %s", path);
    if (read_list(path, &f->text, &bytes, err) != 0)
        goto fail;
    f->at = calloc(count_entries(f->text, bytes) + 1, sizeof(*f->at));
    if (f->at == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "files_from %s", path);
        goto fail;
    }
    if (index_entries(f, bytes, path, err) != 0)
        goto fail;
    qsort_r(f->at, f->count, sizeof(*f->at), compare_paths, f->text);
    remove_duplicates(f);
    *out = f;
    return 0;
fail:
    weir_files_from_free(f);
    return -1;
}

void
weir_files_from_free(struct weir_files_from *f)
{
    if (f == NULL)
        return;
    free(f->text);
    free(f->at);
    free(f);
}

struct weir_files_run
weir_files_from_all(const struct weir_files_from *f)
{
    return (struct weir_files_run){0, f->count};
}

bool
weir_files_from_next(const struct weir_files_from *f, size_t dir_len,
                     struct weir_files_run *run, struct weir_files_name *out)
{
    if (run->first == run->end)
        return false;
    size_t skip = dir_len == 0 ? 0 : dir_len + 1;
    const char *name = f->text + f->at[run->first] + skip;
    size_t len = strcspn(name, "/");
    *out = (struct weir_files_name){.name = name, .len = len, .listed = name[len] == '\0'};
    uint32_t end = run->first;
    while (end < run->end) {
        const char *other = f->text + f->at[end] + skip;
        if (strncmp(other, name, len) != 0 || (other[len] != '/' && other[len] != '\0'))
            break;
        end++;
    }
    out->below = (struct weir_files_run){run->first + out->listed, end};
    run->first = end;
    return true;
}

int
weir_files_from_merge(const struct weir_files_from *f, size_t dir_len,
                      struct weir_files_run run, struct weir_names *names)
{
    struct weir_files_name want;
    size_t i = 0, seen = names->count;
    while (weir_files_from_next(f, dir_len, &run, &want)) {
        int c = 1;
        for (; i < seen; i++) {
            const struct weir_name *have = &names->item[i];
            c = weir_names_compare(names->text + have->at, have->len, want.name, want.len);
            if (c >= 0)
                break;
            names->item[i].flags |= WEIR_NAME_UNLISTED;
        }
        if (c == 0) {
            names->item[i++].flags |= want.listed ? 0 : WEIR_NAME_ON_WAY;
            continue;
        }
        int e = weir_names_add(names, want.name, want.len, 0, WEIR_NAME_MISSING);
        if (e != 0)
            return e;
    }
    for (; i < seen; i++)
        names->item[i].flags |= WEIR_NAME_UNLISTED;
    if (names->count > seen)
        weir_names_sort(names);
    return 0;
}
