/* replay -- main for fuzz targets without libFuzzer: runs every file below the named paths. */
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int
replay_file(const char *path, size_t bytes)
{
    int rc = -1;
    uint8_t *data = malloc(bytes + 1);
    FILE *file = fopen(path, "rb");
    if (data == NULL || file == NULL || fread(data, 1, bytes, file) != bytes) {
        perror(path);
        goto done;
    }
    (void)LLVMFuzzerTestOneInput(data, bytes);
    rc = 0;
done:
    if (file != NULL)
        (void)fclose(file);
    free(data);
    return rc;
}

int
main(int argc, char **argv)
{
    size_t count = 1;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    if (argc < 2)
        return 0;
    FTS *walk = fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL) {
        perror("fts_open");
        return 1;
    }
    int rc = 0;
    for (FTSENT *entry; (entry = fts_read(walk)) != NULL;) {
        if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR)
            rc = 1;
        if (entry->fts_info != FTS_F)
            continue;
        rc |= replay_file(entry->fts_accpath, (size_t)entry->fts_statp->st_size) != 0;
        count++;
    }
    (void)fts_close(walk);
    printf("replayed %zu inputs\n", count);
    return rc;
}
