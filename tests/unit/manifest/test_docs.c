/* The tables of keys, FORMAT.md and the JSON Schema name the same keys. */
#include "manifest/keys.h"
#include "manifest_test.h"

static char *format, *schema;

static void
read_docs(void)
{
    format = slurp(MANIFESTS "FORMAT.md", NULL);
    schema = slurp(MANIFESTS "weir.schema.json", NULL);
}

static void
free_docs(void)
{
    free(format);
    free(schema);
}

static void
check_word(const char *text, const char *before, const char *word, const char *after,
           bool there)
{
    char wanted[128];
    (void)snprintf(wanted, sizeof(wanted), "%s%s%s", before, word, after);
    ck_assert_msg((strstr(text, wanted) != NULL) == there, "%s: %s", wanted,
                  there ? "missing" : "promised too early");
}

static void
check_map(const struct weir_schema_map *map)
{
    for (size_t i = 0; i < map->key_count; i++) {
        const struct weir_schema_key *key = &map->keys[i];
        bool there = key->kind != WEIR_SCHEMA_LATER;
        check_word(format, "| `", key->name, "` |", there);
        check_word(schema, "\"", key->name, "\": {", there);
        for (const char *const *w = key->words; w != NULL && *w != NULL; w++) {
            check_word(format, "`", *w, "`", true);
            check_word(schema, "\"", *w, "\"", true);
        }
        if (key->map != NULL)
            check_map(key->map);
    }
}

START_TEST(every_key_is_described)
{
    check_map(&weir_keys_manifest);
    for (const char *const *c = weir_keys_storage_classes; *c != NULL; c++)
        check_word(schema, "\"", *c, "\"", true);
    for (const char *const *k = weir_keys_s3_only; *k != NULL; k++)
        check_word(schema, "\"", *k, "\": false", true);
}
END_TEST

static bool
is_key(const struct weir_schema_map *map, const char *name, size_t bytes)
{
    for (size_t i = 0; i < map->key_count; i++) {
        const struct weir_schema_key *key = &map->keys[i];
        if (strlen(key->name) == bytes && memcmp(key->name, name, bytes) == 0 &&
            key->kind != WEIR_SCHEMA_LATER)
            return true;
        if (key->map != NULL && is_key(key->map, name, bytes))
            return true;
    }
    return false;
}

START_TEST(every_described_key_is_one)
{
    size_t rows = 0;
    for (const char *p = format; (p = strstr(p, "\n| `")) != NULL; rows++) {
        p += strlen("\n| `");
        size_t n = strcspn(p, "`");
        ck_assert_msg(is_key(&weir_keys_manifest, p, n), "%.*s", (int)n, p);
    }
    ck_assert_uint_ge(rows, 47);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("docs");
    TCase *tc = tcase_create("docs");
    tcase_add_checked_fixture(tc, read_docs, free_docs);
    tcase_add_test(tc, every_key_is_described);
    tcase_add_test(tc, every_described_key_is_one);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
