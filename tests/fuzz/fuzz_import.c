/* fuzz: the import of a catalog.  Bytes are taken as they are, and as the lines between a good
 * beginning and a summary that fits.  What is refused leaves nothing behind; what is taken
 * comes out again, and that is taken and comes out the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const struct weir_catalog_identity identity = {
    .job = "j", .destination = "file:///d", .root = "/r"};
static const char beginning[] =
    "{\"weir_catalog\":1,\"weir\":\"0.1.0\",\"passes\":3}\n"
    "{\"fact\":\"destination\",\"value\":\"file:///d\"}\n"
    "{\"fact\":\"job\",\"value\":\"j\"}\n"
    "{\"fact\":\"job_id\",\"value\":\"0123456789abcdef0123456789abcdef\"}\n"
    "{\"fact\":\"root\",\"value\":\"/r\"}\n";

static char dir[] = "/tmp/weir-fuzz-import-XXXXXX";
static struct weir_catalog *catalog; /* empty between two inputs */

static void
check(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void
remove_files(void)
{
    static const char *const files[] = {"catalog.db", "catalog.db-wal", "catalog.db-shm",
                                        "lock"};
    char path[128];
    weir_catalog_close(catalog);
    catalog = NULL;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
}

static void
remove_all(void)
{
    remove_files();
    (void)rmdir(dir);
}

static void
open_empty(void)
{
    if (catalog != NULL)
        remove_files();
    else if (strchr(dir, 'X') != NULL)
        check(mkdtemp(dir) != NULL && atexit(remove_all) == 0);
    check(weir_catalog_open(dir, WEIR_CATALOG_WRITE, &identity, 1, &catalog, NULL) == 0);
}

struct lines {
    const char *text;
    size_t left;
};

static int
next_line(void *ctx, const char **out_line, size_t *out_bytes, struct weir_err *err)
{
    struct lines *l = ctx;
    (void)err;
    if (l->left == 0)
        return 0;
    const char *end = memchr(l->text, '\n', l->left);
    size_t line = end != NULL ? (size_t)(end - l->text) : l->left;
    *out_line = l->text;
    *out_bytes = line;
    line += end != NULL;
    l->text += line;
    l->left -= line;
    return 1;
}

static int
import_text(const char *text, size_t bytes)
{
    struct lines l = {text, bytes};
    struct weir_err err = WEIR_ERR_INIT;
    int rc = weir_catalog_import(catalog, next_line, &l, &err);
    check(rc == 0 || (err.code != WEIR_OK && err.code != WEIR_E_BUG));
    return rc;
}

static int
keep_line(void *buf, const char *line, size_t bytes)
{
    check(memchr(line, '\n', bytes) == NULL);
    weir_buf_bytes(buf, line, bytes);
    weir_buf_text(buf, "\n");
    return 0;
}

static void
check_round_trip(void)
{
    struct weir_buf first = {0}, second = {0};
    check(weir_catalog_export(catalog, keep_line, &first, NULL) == 0 && !first.failed);
    open_empty();
    check(import_text(first.data, first.len) == 0);
    check(weir_catalog_export(catalog, keep_line, &second, NULL) == 0 && !second.failed);
    check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    weir_buf_fini(&first);
    weir_buf_fini(&second);
    open_empty();
}

static void
try_text(const char *text, size_t bytes)
{
    char id[33];
    uint64_t entries = 1;
    int64_t last_dir = 1;
    (void)snprintf(id, sizeof(id), "%s", weir_catalog_job_id(catalog));
    if (import_text(text, bytes) == 0) {
        check_round_trip();
        return;
    }
    check(weir_catalog_entry_count(catalog, &entries, NULL) == 0 && entries == 0);
    check(weir_catalog_dir_last(catalog, &last_dir, NULL) == 0 && last_dir == 0);
    check(strcmp(id, weir_catalog_job_id(catalog)) == 0);
}

/* Counts by how the lines begin, as export writes them; others will be refused anyway. */
static void
add_summary(struct weir_buf *text)
{
    unsigned facts = 0, dirs = 0, entries = 0;
    size_t digest_bytes = 0, bytes;
    struct lines l = {text->data, text->len};
    const char *line;
    while (next_line(&l, &line, &bytes, NULL) == 1) {
        facts += bytes > 6 && memcmp(line, "{\"fact", 6) == 0;
        dirs += bytes > 5 && memcmp(line, "{\"dir", 5) == 0;
        entries += bytes > 6 && memcmp(line, "{\"name", 6) == 0;
        if (bytes > 18 && memcmp(line, "{\"digests\":\"", 12) == 0)
            digest_bytes +=
                (bytes - 14) / 4 * 3 - (line[bytes - 3] == '=') - (line[bytes - 4] == '=');
    }
    char crc[13];
    weir_crc64nvme_base64(weir_crc64nvme(0, text->data, text->len), crc);
    weir_buf_printf(text,
                    "{\"summary\":{\"facts\":%u,\"directories\":%u,\"entries\":%u,"
                    "\"digests\":%zu,\"crc64nvme\":\"%s\"}}\n",
                    facts, dirs, entries, digest_bytes / 16, crc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct weir_buf text = {0};
    if (catalog == NULL)
        open_empty();
    try_text((const char *)data, bytes);
    weir_buf_bytes(&text, beginning, sizeof(beginning) - 1);
    weir_buf_bytes(&text, data, bytes);
    if (bytes > 0 && data[bytes - 1] != '\n')
        weir_buf_text(&text, "\n");
    check(!text.failed);
    add_summary(&text);
    check(!text.failed);
    try_text(text.data, text.len);
    weir_buf_fini(&text);
    return 0;
}
