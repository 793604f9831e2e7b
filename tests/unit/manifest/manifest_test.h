/* What the manifest tests share: reading files, and parsing a text that is thrown away. */
#ifndef WEIR_MANIFEST_TEST_H
#define WEIR_MANIFEST_TEST_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../main_check.h"
#include <weir/manifest.h>

#define MANIFESTS WEIR_SOURCE_DIR "/manifests/"

/* The whole file, malloc'ed and NUL-terminated. */
static inline char *
slurp(const char *path, size_t *out_bytes)
{
    size_t bytes = 0, room = 4u << 20;
    char *text = malloc(room + 1);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "open %s", path);
    ck_assert_ptr_nonnull(text);
    bytes = fread(text, 1, room, f);
    ck_assert_int_eq(fclose(f), 0);
    text[bytes] = '\0';
    if (out_bytes != NULL)
        *out_bytes = bytes;
    return text;
}

/* Parses as "t.yaml"; returns the mistakes (free them), or NULL when there are none. */
static inline char *
mistakes_of(const char *text, size_t bytes)
{
    struct weir_manifest *m = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    char *told = NULL;
    int rc = weir_manifest_parse("t.yaml", text, bytes, &m, &told, &err);
    ck_assert_int_eq(rc == 0, told == NULL);
    ck_assert_int_eq(rc == 0, m != NULL);
    ck_assert_int_eq(rc == 0 ? WEIR_OK : WEIR_E_CONFIG, err.code);
    weir_manifest_free(m);
    return told;
}

static inline struct weir_manifest *
parse_good(const char *text)
{
    struct weir_manifest *m = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    char *told = NULL;
    (void)weir_manifest_parse("t.yaml", text, strlen(text), &m, &told, &err);
    ck_assert_msg(told == NULL, "%s\n%s", text, told);
    ck_assert_ptr_nonnull(m);
    return m;
}

#endif
