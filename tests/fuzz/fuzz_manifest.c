/* fuzz_manifest: any bytes as a manifest.  Corpus: manifests/examples and manifests/invalid.
 *
 * What must hold besides the sanitizers' word: a manifest comes out, or a text that tells
 * mistakes, never both and never neither; every told line starts with the name of the file or
 * is an excerpt; what comes out keeps the promises of <weir/manifest.h>. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/manifest.h>

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static void
check_manifest(const struct weir_manifest *m)
{
    must(m->name[0] != '\0' && strlen(m->name) <= 63);
    must(m->source.root[0] == '/');
    must(m->source.include.count > 0);
    must(strncmp(m->destination.url, "s3://", 5) == 0 ||
         strncmp(m->destination.url, "file:///", 8) == 0);
    must(m->destination.tag_count <= 10);
    must(m->transfer.connections <= 256);
    must(m->transfer.memory_bytes >= UINT64_C(64) << 20);
    must(m->transfer.part_bytes <= m->transfer.memory_bytes / 2);
    for (size_t i = 0; i < m->transfer.window_count; i++) {
        const struct weir_window *w = &m->transfer.windows[i];
        must(w->days != 0 && w->days <= 0x7f);
        must(w->from_min < WEIR_DAY_MINUTES && w->to_min >= 1 && w->to_min <= WEIR_DAY_MINUTES);
        must(w->from_min != w->to_min);
    }
    (void)weir_windows_limit(m->transfer.windows, m->transfer.window_count, 0);
}

static void
check_text(const char *told)
{
    must(told[0] != '\0' && told[strlen(told) - 1] == '\n');
    for (const char *line = told; *line != '\0'; line = strchr(line, '\n') + 1)
        must(strncmp(line, "fuzz:", 5) == 0 || strncmp(line, "    ", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct weir_manifest *m = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    char *told = NULL;
    int rc = weir_manifest_parse("fuzz", (const char *)data, bytes, &m, &told, &err);
    must((rc == 0) == (m != NULL) && (rc == 0) == (told == NULL));
    must((rc == 0) == (err.code == WEIR_OK));
    if (m != NULL)
        check_manifest(m);
    else
        check_text(told);
    free(told);
    weir_manifest_free(m);
    return 0;
}
