/* range -- bytes from one file to another by the kernel, which shares them where the file
 * system can (copy_file_range clones aligned ranges by itself). */
#include "file/store.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)1 << 20)
#define COPY_BYTES_MAX (UINT64_C(1) << 28) /* in one call: a signal is seen in between */

static bool
is_cancelled(const struct file_store *h)
{
    return weir_cancel_get(h->shared->options->cancel) >= WEIR_CANCEL_NOW;
}

/* Reads a full block where there is one; 0 or an errno value. */
static int
read_block(int fd, char *block, uint64_t left, uint64_t at, size_t *out_n)
{
    size_t want = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
    ssize_t n = -1;
    do
        n = pread(fd, block, want, (off_t)at);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? errno : ENODATA; /* it became shorter */
    *out_n = (size_t)n;
    return 0;
}

/* The slow way, for file systems that cannot copy ranges by themselves. */
static int
copy_by_hand(struct file_store *h, int from, uint64_t from_at, int to, uint64_t to_at,
             uint64_t bytes)
{
    char *block = malloc(BLOCK_BYTES);
    int e = block == NULL ? ENOMEM : 0;
    while (bytes > 0 && e == 0) {
        size_t n = 0;
        e = is_cancelled(h) ? ECANCELED : read_block(from, block, bytes, from_at, &n);
        if (e == 0)
            e = weir_file_write_all(to, block, n, to_at);
        from_at += n;
        to_at += n;
        bytes -= n;
    }
    free(block);
    return e;
}

int
weir_file_range_copy(struct file_store *h, int from, uint64_t from_at, int to, uint64_t to_at,
                     uint64_t bytes)
{
    while (bytes > 0) {
        off_t in = (off_t)from_at, out = (off_t)to_at;
        if (is_cancelled(h))
            return ECANCELED;
        ssize_t n = copy_file_range(
            from, &in, to, &out, (size_t)(bytes < COPY_BYTES_MAX ? bytes : COPY_BYTES_MAX), 0);
        if (n <= 0) /* cannot, or a real error: the plain way will tell */
            return copy_by_hand(h, from, from_at, to, to_at, bytes);
        from_at += (uint64_t)n;
        to_at += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    return 0;
}

int
weir_file_range_crc(struct file_store *h, int fd, uint64_t at, uint64_t bytes,
                    uint64_t *out_crc64nvme)
{
    char *block = malloc(BLOCK_BYTES);
    int e = block == NULL ? ENOMEM : 0;
    uint64_t crc = 0;
    while (bytes > 0 && e == 0) {
        size_t n = 0;
        e = is_cancelled(h) ? ECANCELED : read_block(fd, block, bytes, at, &n);
        if (e == 0)
            crc = weir_crc64nvme(crc, block, n);
        at += n;
        bytes -= n;
    }
    free(block);
    if (e == 0)
        *out_crc64nvme = crc;
    return e;
}
