#include "file/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Marks the numbers that have a file. */
static int
collect(int upload_fd, uint32_t max, bool *have)
{
    int fd = weir_file_openat(upload_fd, "", O_RDONLY | O_DIRECTORY, 0);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        int e = errno;
        if (fd >= 0)
            (void)close(fd);
        return e;
    }
    errno = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (e->d_name[0] == 'p' && strspn(e->d_name + 1, "0123456789") == 5 &&
            e->d_name[6] == '\0') {
            unsigned long number = strtoul(e->d_name + 1, NULL, 10);
            if (number >= 1 && number <= max)
                have[number] = true;
        }
        errno = 0;
    }
    int e = errno;
    (void)closedir(d);
    return e;
}

int
weir_file_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                     weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    struct file_store *h = weir_file_store(t);
    struct file_upload u;
    uint32_t max = h->shared->limits.part_count_max;
    weir_file_count(h, 0);
    int upload_fd = weir_file_upload_open(h, key, upload_id, &u, err);
    if (upload_fd < 0)
        return -1;
    int rc = -1;
    bool *have = calloc((size_t)max + 1, sizeof(*have));
    if (have == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "parts of %s", key);
        goto close_upload;
    }
    int e = collect(upload_fd, max, have);
    bool stop = false;
    for (uint32_t n = 1; n <= max && e == 0 && !stop; n++) {
        struct file_part p;
        struct weir_part shown;
        if (!have[n])
            continue;
        e = weir_file_part_read(upload_fd, n, &p);
        if (e == ENOENT) { /* damaged, or being overwritten: it must be sent again */
            e = 0;
            continue;
        }
        weir_file_part_fill(n, &p, &shown);
        stop = e == 0 && fn(ctx, &shown) != 0;
    }
    if (e != 0)
        weir_file_fail(err, e, "list the parts of %s in %s", key, h->shared->describe);
    else
        rc = 0;
    free(have);
close_upload:
    (void)close(upload_fd);
    return rc;
}
