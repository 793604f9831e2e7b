/* The tree in the byte order of whole keys.  A directory sorts as its name with the slash, so
 * that walking each directory in that order gives the order of the keys: "a-b", "a.c", "a/x".
 * One directory's names are in memory for each level; no descriptor is held while below. */
#include "file/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_ROOM 4096 /* longest path that can be opened at all */

struct names { /* "file" or "dir/", sorted */
    char **item;
    size_t count, room;
};

struct listing {
    struct file_store *h;
    const char *prefix, *start_after; /* start_after "" for the start */
    weir_list_fn *fn;
    void *ctx;
    bool stop;
    char key[KEY_ROOM];
};

static void
names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->item[i]);
    free(n->item);
}

static int
names_add(struct names *n, const char *name, bool is_dir)
{
    if (n->count == n->room) {
        size_t room = n->room == 0 ? 64 : n->room * 2;
        char **item = realloc(n->item, room * sizeof(*item));
        if (item == NULL)
            return ENOMEM;
        n->item = item;
        n->room = room;
    }
    size_t len = strlen(name);
    char *copy = malloc(len + 2);
    if (copy == NULL)
        return ENOMEM;
    memcpy(copy, name, len);
    memcpy(copy + len, is_dir ? "/" : "", is_dir ? 2 : 1);
    n->item[n->count++] = copy;
    return 0;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b); /* strcmp compares unsigned bytes */
}

/* Could a key that begins with the directory part key[0..len) be wanted at all? */
static bool
is_wanted_below(const struct listing *l, size_t len)
{
    size_t prefix_len = strlen(l->prefix);
    if (strncmp(l->key, l->prefix, len < prefix_len ? len : prefix_len) != 0)
        return false;
    return strncmp(l->key, l->start_after, len) >= 0;
}

static bool
is_wanted(const struct listing *l)
{
    return strncmp(l->key, l->prefix, strlen(l->prefix)) == 0 &&
           strcmp(l->key, l->start_after) > 0;
}

static int
read_names(int fd, struct names *out)
{
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        int e = errno;
        (void)close(fd);
        return e;
    }
    int e = 0;
    while (e == 0) {
        errno = 0;
        struct dirent *de = readdir(d);
        if (de == NULL) {
            e = errno;
            break;
        }
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        unsigned char type = de->d_type;
        struct stat st;
        if (type == DT_UNKNOWN) {
            if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
                continue; /* vanished */
            type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_LNK;
        }
        if (type == DT_DIR || type == DT_REG)
            e = names_add(out, de->d_name, type == DT_DIR);
    }
    (void)closedir(d);
    return e;
}

/* Shows the object l->key, open as fd. */
static int
show(struct listing *l, int fd, struct weir_err *err)
{
    struct stat st;
    struct file_key k;
    struct file_record r;
    struct weir_stored stored;
    bool found = false;
    char text[FILE_META_TEXT_BYTES];
    if (weir_file_key_parse(l->key, &k, err) != 0)
        return -1;
    if (fstat(fd, &st) != 0)
        return weir_file_fail(err, errno, "stat %s in %s", l->key, l->h->shared->describe);
    if (weir_file_meta_read(l->h, &k, fd, &st, text, &r, &found, err) != 0)
        return -1;
    if (k.is_dir && !found)
        return 0; /* just a directory */
    weir_file_meta_stored(&st, &r, found, &stored);
    struct weir_listed shown = {.key = l->key,
                                .bytes = stored.bytes,
                                .etag = stored.etag,
                                .storage_class = "",
                                .modified_s = st.st_mtim.tv_sec};
    l->stop = l->fn(l->ctx, &shown) != 0;
    return 0;
}

static int
list_file(struct listing *l, int dir_fd, const char *name, struct weir_err *err)
{
    if (!is_wanted(l))
        return 0;
    int fd = weir_file_openat(dir_fd, name, O_RDONLY | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT)
        return 0; /* removed a moment ago */
    if (fd < 0)
        return weir_file_fail(err, errno, "open %s in %s", l->key, l->h->shared->describe);
    int rc = show(l, fd, err);
    (void)close(fd);
    return rc;
}

static int list_dir(struct listing *l, size_t len, struct weir_err *err);

static int
list_names(struct listing *l, const struct names *n, size_t len, struct weir_err *err)
{
    /* path of the directory, "" for the root, reopened only for the files in it */
    l->key[len] = '\0';
    int dir_fd = -1;
    int rc = 0;
    for (size_t i = 0; i < n->count && rc == 0 && !l->stop; i++) {
        size_t name_len = strlen(n->item[i]);
        if (len + name_len >= KEY_ROOM) {
            rc = weir_err_set(err, WEIR_E_LIMIT, "list %s: a path is longer than %d bytes",
                              l->h->shared->describe, KEY_ROOM);
            break;
        }
        bool is_dir = n->item[i][name_len - 1] == '/';
        if (!is_dir && dir_fd < 0) {
            l->key[len] = '\0';
            dir_fd = weir_file_openat(l->h->shared->root_fd, l->key, O_PATH | O_DIRECTORY, 0);
            if (dir_fd < 0 && errno == ENOENT)
                break; /* the directory was removed a moment ago */
            if (dir_fd < 0) {
                rc =
                    weir_file_fail(err, errno, "open %s in %s", l->key, l->h->shared->describe);
                break;
            }
        }
        memcpy(l->key + len, n->item[i], name_len + 1);
        if (weir_file_key_reserved(l->key, len + name_len - (is_dir ? 1 : 0)))
            continue;
        if (!is_dir) {
            rc = list_file(l, dir_fd, n->item[i], err);
            continue;
        }
        if (dir_fd >= 0)
            (void)close(dir_fd);
        dir_fd = -1;
        if (is_wanted_below(l, len + name_len))
            rc = list_dir(l, len + name_len, err);
    }
    if (dir_fd >= 0)
        (void)close(dir_fd);
    return rc;
}

/* Lists the directory l->key[0..len), which is empty or ends in a slash. */
static int
list_dir(struct listing *l, size_t len, struct weir_err *err)
{
    if (weir_file_check_cancel(l->h, err) != 0)
        return -1;
    l->key[len] = '\0';
    int fd = weir_file_openat(l->h->shared->root_fd, l->key, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0 && errno == ENOENT)
        return 0;
    /* the root of a disk has this one, closed to everybody but root */
    if (fd < 0 && errno == EACCES && strcmp(l->key, "lost+found/") == 0)
        return 0;
    if (fd < 0)
        return weir_file_fail(err, errno, "list %s in %s", l->key, l->h->shared->describe);
    if (len > 0 && is_wanted(l) && show(l, fd, err) != 0) {
        (void)close(fd);
        return -1;
    }
    struct names n = {0};
    int rc = 0;
    int e = read_names(fd, &n); /* closes fd */
    if (e != 0) {
        rc = weir_file_fail(err, e, "list %s in %s", l->key, l->h->shared->describe);
    } else {
        if (n.count > 0)
            qsort(n.item, n.count, sizeof(*n.item), compare);
        rc = list_names(l, &n, len, err);
    }
    names_free(&n);
    return rc;
}

int
weir_file_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
               weir_list_fn *fn, void *ctx, struct weir_err *err)
{
    struct listing l = {.h = weir_file_store(t),
                        .prefix = key_prefix,
                        .start_after = start_after != NULL ? start_after : "",
                        .fn = fn,
                        .ctx = ctx};
    weir_file_count(l.h, 0);
    return list_dir(&l, 0, err);
}
