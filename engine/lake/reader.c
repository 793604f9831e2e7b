#include "lake/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lake/statx.h"

#define BLOCK_BYTES ((size_t)256 * 1024) /* stays in the cache between pread and digest */
#define NS_PER_S INT64_C(1000000000)

static bool
is_file(const struct weir_stat *st)
{
    return weir_statx_type(st->mode) == WEIR_ENTRY_FILE;
}

/* Opens path and compares it with what is expected: the same regular file, unchanged. */
static int
open_expected(const struct weir_lake_root *root, const char *path, enum weir_follow follow,
              int flags, const struct weir_stat *expect, struct weir_stat *out_st,
              struct weir_err *err)
{
    int fd = weir_lake_open(root, path, follow, flags, err);
    if (fd < 0)
        return -1;
    int e = weir_lake_stat(fd, NULL, 0, out_st);
    if (e != 0)
        weir_err_sys(err, WEIR_E_IO, e, "stat %.200s", path);
    else if (!is_file(out_st))
        weir_err_set(err, WEIR_E_CHANGED, "%.200s is not a regular file any more", path);
    else if (!weir_stat_same(out_st, expect))
        weir_err_set(err, WEIR_E_CHANGED, "%.200s has changed since the lake was walked", path);
    else
        return fd;
    (void)close(fd);
    return -1;
}

/* Is the last change so young, or in the future, that another could carry the same stamp? */
static bool
is_recent(const struct weir_time *ctime, int64_t now_ns)
{
    int64_t now_s = now_ns / NS_PER_S; /* whole seconds first: stamps may be absurd */
    if (ctime->s > now_s + 1)
        return true;
    if (ctime->s < now_s - WEIR_READER_QUIET_NS / NS_PER_S - 1)
        return false;
    return now_ns - (ctime->s * NS_PER_S + ctime->ns) < WEIR_READER_QUIET_NS;
}

/* A look without opening: a FIFO would wait and a device would act.  It trusts no component of
 * the path, and need not: the open that follows is the one that stays beneath the root. */
static bool
looks_right(const struct weir_lake_root *root, const char *path, enum weir_follow follow,
            const struct weir_stat *expect)
{
    struct weir_stat st;
    return weir_lake_root_glance(root, path, follow, &st) == 0 && is_file(&st) &&
           weir_stat_same(&st, expect);
}

int
weir_reader_open(const struct weir_lake_root *root, const char *path, enum weir_follow follow,
                 const struct weir_stat *expect, int64_t now_wall_ns, enum weir_recent recent,
                 struct weir_reader *out, bool *out_too_recent, struct weir_err *err)
{
    struct weir_stat st;
    *out_too_recent = false;
    if (!looks_right(root, path, follow, expect)) {
        /* The slow look says precisely what is wrong, and takes paths over PATH_MAX. */
        int seen = open_expected(root, path, follow, O_PATH, expect, &st, err);
        if (seen < 0)
            return -1;
        (void)close(seen);
    }
    int fd = open_expected(root, path, follow, 0, expect, &st, err);
    if (fd < 0)
        return -1;
    if (recent == WEIR_RECENT_REFUSE && is_recent(&st.ctime, now_wall_ns)) {
        (void)close(fd);
        *out_too_recent = true;
        return weir_err_set(err, WEIR_E_CHANGED,
                            "%.200s changed a moment ago: it is read when it has been quiet",
                            path);
    }
    *out = (struct weir_reader){.fd = fd, .seen = st};
    return 0;
}

static int
read_block(const struct weir_reader *r, const char *path, uint64_t offset, char *buf,
           size_t bytes, struct weir_err *err)
{
    for (size_t done = 0; done < bytes;) {
        uint64_t at = offset + done;
        ssize_t got = pread(r->fd, buf + done, bytes - done, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return weir_err_sys(err, WEIR_E_IO, errno, "read %.200s at offset %llu", path,
                                (unsigned long long)at);
        if (got == 0)
            return weir_err_set(err, WEIR_E_CHANGED, "%.200s ends at %llu: it shrank", path,
                                (unsigned long long)at);
        done += (size_t)got;
    }
    return 0;
}

int
weir_reader_read(const struct weir_reader *r, const char *path, uint64_t offset, void *buf,
                 size_t bytes, struct weir_digester *d, struct weir_err *err)
{
    if (offset > INT64_MAX || bytes > INT64_MAX - offset)
        return weir_err_set(err, WEIR_E_LIMIT, "%.200s: offset %llu", path,
                            (unsigned long long)offset);
    char *to = buf;
    while (bytes > 0) {
        size_t n = bytes < BLOCK_BYTES ? bytes : BLOCK_BYTES;
        if (read_block(r, path, offset, to, n, err) != 0)
            return -1;
        if (d != NULL)
            weir_digester_update(d, to, n);
        to += n;
        offset += n;
        bytes -= n;
    }
    return 0;
}

int
weir_reader_finish(const struct weir_reader *r, const char *path, struct weir_err *err)
{
    struct weir_stat st;
    int e = weir_lake_stat(r->fd, NULL, 0, &st);
    if (e != 0)
        return weir_err_sys(err, WEIR_E_IO, e, "stat %.200s", path);
    if (!weir_stat_same(&st, &r->seen))
        return weir_err_set(err, WEIR_E_CHANGED, "%.200s changed while it was read", path);
    return 0;
}

void
weir_reader_close(struct weir_reader *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
}
