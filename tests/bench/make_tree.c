/* make_tree -- test data, fast and the same every time.
 *
 *     bench_make_tree DIR FILES BYTES DIRS     FILES files of BYTES bytes in DIRS directories
 *
 * Directories are DIR/d000000..., files d000000/f0000000...; one directory and one file make a
 * large file.  Contents are pseudo-random and differ from file to file and block to block. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20)

static uint64_t
next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int
write_file(int dir_fd, const char *name, uint64_t bytes, unsigned char *block, uint64_t mark)
{
    int rc = -1;
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    for (uint64_t at = 0; at < bytes;) {
        size_t n = bytes - at < BLOCK ? (size_t)(bytes - at) : BLOCK;
        memcpy(block, &mark, sizeof(mark));
        mark += 0x9e3779b97f4a7c15u;
        ssize_t wrote = write(fd, block, n);
        if (wrote <= 0)
            goto close_fd;
        at += (uint64_t)wrote;
    }
    rc = 0;
close_fd:
    (void)close(fd);
    return rc;
}

static int
write_dir(int root_fd, uint64_t number, uint64_t first, uint64_t last, uint64_t bytes,
          unsigned char *block)
{
    char name[32];
    int rc = 0;
    (void)snprintf(name, sizeof(name), "d%06" PRIu64, number);
    if (mkdirat(root_fd, name, 0755) != 0)
        return -1;
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    for (uint64_t i = first; i < last && rc == 0; i++) {
        (void)snprintf(name, sizeof(name), "f%07" PRIu64, i);
        rc = write_file(fd, name, bytes, block, i);
    }
    (void)close(fd);
    return rc;
}

int
main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench_make_tree DIR FILES BYTES DIRS\n");
        return 2;
    }
    uint64_t files = strtoull(argv[2], NULL, 10);
    uint64_t bytes = strtoull(argv[3], NULL, 10);
    uint64_t dirs = strtoull(argv[4], NULL, 10);
    uint64_t state = 88172645463325252u;
    unsigned char *block = malloc(BLOCK);
    if (block == NULL || dirs == 0)
        return 2;
    for (size_t i = 0; i < BLOCK; i += sizeof(state)) {
        uint64_t r = next_random(&state);
        memcpy(block + i, &r, sizeof(r));
    }
    int rc = mkdir(argv[1], 0755) != 0 && errno != EEXIST ? -1 : 0;
    int root_fd = rc != 0 ? -1 : open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root_fd < 0)
        rc = -1;
    for (uint64_t d = 0; d < dirs && rc == 0; d++)
        rc = write_dir(root_fd, d, files * d / dirs, files * (d + 1) / dirs, bytes, block);
    if (rc != 0)
        fprintf(stderr, "bench_make_tree: %s: %s\n", argv[1], strerror(errno));
    if (root_fd >= 0)
        (void)close(root_fd);
    free(block);
    return rc == 0 ? 0 : 1;
}
