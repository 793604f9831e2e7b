/* digest -- reads a file and computes what a pass computes of a large one, and nothing else.
 *
 *     bench_digest FILE     prints its CRC64NVME
 *
 * The base of the line about a large file of which little changed: such a pass cannot be faster
 * than one reading of the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/digest.h>

#define BLOCK_BYTES ((size_t)256 << 10) /* as the engine reads */
#define CHUNK_BYTES ((uint64_t)1 << 20)
#define HUGE_BYTES ((size_t)2 << 20)

static int
digest(int fd, struct weir_digester *d, uint8_t *block, uint64_t bytes,
       struct weir_xxh128 *chunks, size_t chunk_count, uint64_t *out_crc)
{
    weir_digester_begin(d, CHUNK_BYTES, chunks, chunk_count);
    for (uint64_t at = 0; at < bytes;) {
        ssize_t n = pread(fd, block, BLOCK_BYTES, (off_t)at);
        if (n <= 0)
            return -1;
        weir_digester_update(d, block, (size_t)n);
        at += (uint64_t)n;
    }
    (void)weir_digester_end(d, out_crc);
    return 0;
}

int
main(int argc, char **argv)
{
    struct stat st;
    char text[13];
    uint64_t crc = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: bench_digest FILE\n");
        return 2;
    }
    int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, "bench_digest: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    size_t count = (size_t)((uint64_t)st.st_size / CHUNK_BYTES) + 1;
    struct weir_digester *d = weir_digester_create();
    struct weir_xxh128 *chunks = calloc(count, sizeof(*chunks));
    uint8_t *block = aligned_alloc(HUGE_BYTES, HUGE_BYTES);
    if (block != NULL)
        (void)madvise(block, HUGE_BYTES, MADV_HUGEPAGE); /* as the engine's buffers */
    int rc = d == NULL || chunks == NULL || block == NULL
                 ? -1
                 : digest(fd, d, block, (uint64_t)st.st_size, chunks, count, &crc);
    if (rc == 0) {
        weir_crc64nvme_base64(crc, text);
        printf("%s\n", text);
    } else {
        fprintf(stderr, "bench_digest: %s: cannot be read\n", argv[1]);
    }
    weir_digester_free(d);
    free(chunks);
    free(block);
    (void)close(fd);
    return rc == 0 ? 0 : 1;
}
