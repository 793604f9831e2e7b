/* prune -- away with empty directories where an object is to be.
 *
 * The directories are collected level by level, one open at a time, and removed in the reverse
 * order, so that each is empty when its turn comes.  Nothing is removed before all were seen,
 * and rmdir itself removes nothing that is not empty. */
#include "file/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tree {
    struct file_store *h;
    char **path; /* owned, as are the paths; each after the one above it */
    size_t count, room;
    dev_t dev;   /* of the store at this place: other file systems are not touched */
    bool in_use; /* there is more in it than empty directories */
};

static void
tree_free(struct tree *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->path[i]);
    free(t->path);
}

static int
add(struct tree *t, const char *above, const char *name, struct weir_err *err)
{
    if (t->count == FILE_PRUNE_DIRS_MAX)
        return weir_err_set(err, WEIR_E_UNSUPPORTED,
                            "%s in %s: over %d empty directories; remove them by hand",
                            t->path[0], t->h->shared->describe, FILE_PRUNE_DIRS_MAX);
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 16 : t->room * 2;
        char **more = realloc(t->path, room * sizeof(*more));
        if (more == NULL)
            return weir_err_set(err, WEIR_E_NOMEM, "directories of %s", name);
        t->path = more;
        t->room = room;
    }
    size_t above_len = strlen(above), bytes = above_len + strlen(name) + 2;
    char *path = malloc(bytes);
    if (path == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "directories of %s", name);
    (void)snprintf(path, bytes, "%s%s%s", above, above_len > 0 ? "/" : "", name);
    t->path[t->count++] = path;
    return 0;
}

/* Is the open directory the object of a directory, or none of ours to remove? */
static int
look_at(struct tree *t, const char *path, int fd, struct weir_err *err)
{
    char key[FILE_KEY_BYTES_MAX + 1], text[FILE_META_TEXT_BYTES];
    struct stat st;
    struct file_key k;
    struct file_record r;
    bool found = false;
    int n = snprintf(key, sizeof(key), "%s/", path);
    if (n < 0 || (size_t)n >= sizeof(key) || weir_file_key_parse(key, &k, NULL) != 0) {
        t->in_use = true; /* not made by weir, or for its own files */
        return 0;
    }
    if (fstat(fd, &st) != 0)
        return weir_file_fail(err, errno, "stat %s in %s", path, t->h->shared->describe);
    if (weir_file_meta_read(t->h, &k, fd, &st, text, &r, &found, err) != 0)
        return -1;
    t->in_use = found || st.st_dev != t->dev;
    return 0;
}

/* Adds the directories in path, whose descriptor is closed; stops at anything else. */
static int
descend(struct tree *t, const char *path, int fd, struct weir_err *err)
{
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        int e = errno;
        (void)close(fd);
        return weir_file_fail(err, e, "list %s in %s", path, t->h->shared->describe);
    }
    int rc = 0;
    while (rc == 0 && !t->in_use) {
        errno = 0;
        const struct dirent *de = readdir(d);
        if (de == NULL) {
            if (errno != 0)
                rc = weir_file_fail(err, errno, "list %s in %s", path, t->h->shared->describe);
            break;
        }
        if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
            continue;
        struct stat st;
        bool unknown = de->d_type == DT_UNKNOWN;
        if (unknown && fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            t->in_use = true; /* somebody else is at work here */
        else if (unknown ? !S_ISDIR(st.st_mode) : de->d_type != DT_DIR)
            t->in_use = true;
        else
            rc = add(t, path, de->d_name, err);
    }
    (void)closedir(d);
    return rc;
}

static int
collect(struct tree *t, struct weir_err *err)
{
    for (size_t i = 0; i < t->count && !t->in_use; i++) {
        const char *path = t->path[i];
        int fd = weir_file_openat(t->h->shared->root_fd, path,
                                  O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (fd < 0)
            return weir_file_fail(err, errno, "open the directory %s in %s", path,
                                  t->h->shared->describe);
        if (look_at(t, path, fd, err) != 0 || t->in_use) {
            (void)close(fd);
            return t->in_use ? 0 : -1;
        }
        if (descend(t, path, fd, err) != 0)
            return -1;
    }
    return 0;
}

static int
remove_all(struct tree *t, struct weir_err *err)
{
    for (size_t i = t->count; i-- > 0;) {
        struct file_key k;
        if (weir_file_key_parse(t->path[i], &k, err) != 0)
            return -1;
        int above = weir_file_dir_open(t->h, &k);
        int e = above < 0 || unlinkat(above, k.leaf, AT_REMOVEDIR) != 0 ? errno : 0;
        if (above >= 0)
            (void)close(above);
        if (e == ENOTEMPTY || e == EEXIST || e == EBUSY)
            return 0; /* filled by a stranger, or a mount: it stays a directory */
        if (e != 0 && e != ENOENT)
            return weir_file_fail(err, e, "remove the empty directory %s in %s", t->path[i],
                                  t->h->shared->describe);
    }
    return 0;
}

int
weir_file_prune(struct file_store *h, const struct file_key *k, int dir_fd,
                struct weir_err *err)
{
    struct tree t = {.h = h};
    struct stat st;
    if (fstat(dir_fd, &st) != 0)
        return weir_file_fail(err, errno, "stat the directory of %s", k->key);
    t.dev = st.st_dev;
    int rc = add(&t, "", k->key, err);
    if (rc == 0)
        rc = collect(&t, err);
    if (rc == 0 && !t.in_use)
        rc = weir_file_generation_next(h, err);
    if (rc == 0 && !t.in_use)
        rc = remove_all(&t, err);
    tree_free(&t);
    return rc;
}
