/* The file around the keys: sizes, depths, encodings, places, and what cannot be opened. */
#include <sys/stat.h>
#include <unistd.h>

#include "manifest_test.h"

#define GOOD                                                                                   \
    "weir: 1\nname: lake\nsource: {root: /lake}\ndestination: {url: s3://example-lake}\n"

/* GOOD and then `fill` up to that many bytes. */
static char *
padded(size_t bytes, char fill)
{
    char *text = malloc(bytes + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, fill, bytes);
    text[bytes] = '\0';
    memcpy(text, GOOD "# ", strlen(GOOD "# "));
    return text;
}

START_TEST(one_mebibyte_is_the_limit)
{
    for (size_t extra = 0; extra < 2; extra++) {
        size_t bytes = (1u << 20) + extra;
        char *text = padded(bytes, 'x');
        char *told = mistakes_of(text, bytes);
        if (extra == 0)
            ck_assert_ptr_null(told);
        else
            ck_assert_ptr_nonnull(
                strstr(told, "t.yaml:1:1: error: the file is larger than 1 MiB"));
        free(told);
        free(text);
    }
}
END_TEST

START_TEST(byte_order_mark_does_not_move_the_place)
{
    char *told = mistakes_of("\xef\xbb\xbf" GOOD, strlen(GOOD) + 3);
    ck_assert_ptr_null(told);
    const char *text = "\xef\xbb\xbfx: 1\n";
    told = mistakes_of(text, strlen(text));
    ck_assert_ptr_nonnull(
        strstr(told, "t.yaml:1:1: error: unknown key 'x'\n    x: 1\n    ^\n"));
    free(told);
}
END_TEST

/* Line ends of all three kinds count alike; a lone CR is one, too. */
START_TEST(line_ends)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    for (size_t i = 0; i < 3; i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "weir: 1%s%sxyzzy: 2%s", ends[i], ends[i], ends[i]);
        char *told = mistakes_of(text, strlen(text));
        ck_assert_msg(strstr(told, "t.yaml:3:1: error: unknown key 'xyzzy'\n    xyzzy: 2\n") !=
                          NULL,
                      "%zu: %s", i, told);
        free(told);
    }
}
END_TEST

static const struct {
    const char *bytes, *says;
} broken[] = {
    {"a: \xff\n", ":1:4: error: byte 0xff is not valid UTF-8"},
    {"a: b\nc: \xc3", ":2:4: error: byte 0xc3 is not valid UTF-8"},
    {"\xc3\xa4\xc3\xa4 \xc0\xaf\n", ":1:4: error: byte 0xc0 is not valid UTF-8"}, /* overlong */
    {"a: \xed\xa0\x80\n", ":1:4: error: byte 0xed"},     /* surrogate */
    {"a: \xf4\x90\x80\x80\n", ":1:4: error: byte 0xf4"}, /* above U+10FFFF */
    {"a: \xf0\x9f\x98\n", ":1:4: error: byte 0xf0"},
    {"a: \xc2\x85\n", ":1:4: error: U+0085 is not allowed"}, /* NEL is a line end in YAML 1.1 */
    {"a: \xe2\x80\xa8\n", ":1:4: error: U+2028 is not allowed"},
    {"a: \xef\xbf\xbf\n", ":1:4: error: U+FFFF is not allowed"},
    {"a: \xef\xbb\xbf\n", ":1:4: error: U+FEFF is not allowed"},
    {"a: \x7f\n", ":1:4: error: U+007F is not allowed"},
};

START_TEST(bytes_that_are_no_text)
{
    char *told = mistakes_of(broken[_i].bytes, strlen(broken[_i].bytes));
    ck_assert_ptr_nonnull(told);
    ck_assert_msg(strstr(told, broken[_i].says) != NULL, "%s", told);
    free(told);
}
END_TEST

/* `open` n times, then `shut`: flow collections, sequences by indentation, mappings. */
static char *
nested(const char *open, const char *shut, size_t n)
{
    size_t bytes = n * (strlen(open) + strlen(shut)) + 32;
    char *text = calloc(1, bytes), *p = text;
    ck_assert_ptr_nonnull(text);
    p = stpcpy(p, "report: ");
    for (size_t i = 0; i < n; i++)
        p = stpcpy(p, open);
    for (size_t i = 0; i < n; i++)
        p = stpcpy(p, shut);
    return text;
}

START_TEST(depth_is_capped)
{
    static const size_t depths[] = {15, 16, 100, 100000};
    for (size_t i = 0; i < 4; i++) {
        char *text = nested("[", "]", depths[i]);
        char *told = mistakes_of(text, strlen(text));
        ck_assert_int_eq(strstr(told, "16 levels") != NULL, depths[i] > 15);
        free(told);
        free(text);
    }
    char *text = nested("{a: ", "}", 5000);
    char *told = mistakes_of(text, strlen(text));
    ck_assert_ptr_nonnull(strstr(told, "16 levels"));
    free(told);
    free(text);
}
END_TEST

START_TEST(number_of_nodes_is_capped)
{
    size_t n = 60000;
    char *text = malloc(n * 2 + 16), *p = text;
    ck_assert_ptr_nonnull(text);
    p = stpcpy(p, "report: [");
    for (size_t i = 0; i < n; i++)
        p = stpcpy(p, "a,");
    strcpy(p, "]\n");
    char *told = mistakes_of(text, strlen(text));
    ck_assert_ptr_nonnull(strstr(told, "more than 50000 keys and values"));
    free(told);
    free(text);
}
END_TEST

START_TEST(a_hundred_mistakes_are_told)
{
    char *text = malloc(1 << 16), *p = text;
    ck_assert_ptr_nonnull(text);
    p = stpcpy(p, GOOD);
    for (int i = 0; i < 1000; i++)
        p += sprintf(p, "x%d: 1\n", i);
    struct weir_manifest *m = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    char *told = NULL, all[1024];
    ck_assert_int_eq(weir_manifest_parse("t.yaml", text, strlen(text), &m, &told, &err), -1);
    ck_assert_ptr_nonnull(strstr(told, "t.yaml: error: 900 more mistakes are not shown\n"));
    ck_assert_ptr_nonnull(strstr(told, "unknown key 'x99'"));
    ck_assert_ptr_null(strstr(told, "unknown key 'x100'"));
    ck_assert_ptr_nonnull(strstr(weir_err_text(&err, all, sizeof(all)), "1000 mistakes"));
    free(told);
    free(text);
}
END_TEST

START_TEST(every_cut_of_a_manifest_is_safe)
{
    size_t bytes;
    char *text = slurp(MANIFESTS "examples/bulk-seed.yaml", &bytes);
    for (size_t n = 0; n <= bytes; n++) {
        char *part = malloc(n + 1); /* exactly n readable bytes for the sanitizer */
        ck_assert_ptr_nonnull(part);
        memcpy(part, text, n);
        part = realloc(part, n > 0 ? n : 1);
        free(mistakes_of(part, n));
        free(part);
    }
    free(text);
}
END_TEST

START_TEST(every_damaged_byte_is_safe)
{
    static const char damage[] = {'\0', '"', '\'', '[',  '}',  ':',
                                  '&',  '*', '!',  '\t', '\n', '\xff'};
    size_t bytes;
    char *text = slurp(MANIFESTS "examples/scheduled-sync.yaml", &bytes);
    for (size_t i = 0; i < bytes; i++) {
        char kept = text[i];
        text[i] = damage[i % sizeof(damage)];
        free(mistakes_of(text, bytes));
        text[i] = kept;
    }
    ck_assert_ptr_null(mistakes_of(text, bytes));
    free(text);
}
END_TEST

/* ---- files ---- */

static char dir[64];

static void
make_dir(void)
{
    strcpy(dir, "/tmp/weir-test-manifest-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
remove_dir(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/m.yaml", dir);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(dir), 0);
}

/* Loads dir/m.yaml; returns the code. */
static enum weir_code
load(struct weir_manifest **out, struct weir_err *err)
{
    char path[128], *told = NULL;
    (void)snprintf(path, sizeof(path), "%s/m.yaml", dir);
    *out = NULL;
    weir_err_clear(err);
    (void)weir_manifest_load(path, out, &told, err);
    ck_assert_int_eq(told != NULL, err->code == WEIR_E_CONFIG);
    free(told);
    return err->code;
}

static void
write_manifest(const char *text, size_t bytes)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/m.yaml", dir);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, bytes, f), bytes);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(files_that_cannot_be_read)
{
    struct weir_manifest *m;
    struct weir_err err = WEIR_ERR_INIT;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/m.yaml", dir);
    ck_assert_int_eq(load(&m, &err), WEIR_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.frame[0], path));
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(load(&m, &err), WEIR_E_IO);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* must not block */
    ck_assert_int_eq(load(&m, &err), WEIR_E_IO);
    ck_assert_int_eq(unlink(path), 0);
    write_manifest("", 0);
    ck_assert_int_eq(load(&m, &err), WEIR_E_CONFIG);
    char *text = padded((1u << 20) + 1, 'x');
    write_manifest(text, (1u << 20) + 1);
    ck_assert_int_eq(load(&m, &err), WEIR_E_CONFIG);
    free(text);
}
END_TEST

START_TEST(files_from_lies_beside_the_manifest)
{
    static const char text[] =
        "weir: 1\nname: lake\nsource: {root: /lake, files_from: a/b.nul}\n"
        "destination: {url: s3://example-lake}\n";
    struct weir_manifest *m;
    struct weir_err err = WEIR_ERR_INIT;
    char expected[128];
    write_manifest(text, strlen(text));
    ck_assert_int_eq(load(&m, &err), WEIR_OK);
    (void)snprintf(expected, sizeof(expected), "%s/a/b.nul", dir);
    ck_assert_str_eq(m->source.files_from, expected);
    weir_manifest_free(m);
    m = parse_good(text); /* "t.yaml": beside it is here */
    ck_assert_str_eq(m->source.files_from, "a/b.nul");
    weir_manifest_free(m);
}
END_TEST

START_TEST(secrets_are_not_repeated)
{
    static const char text[] = GOOD "report: {directory: logs, secret: hunter2}\n"
                                    "Password: hunter2\n";
    char *told = mistakes_of(text, strlen(text));
    ck_assert_ptr_nonnull(strstr(told, "'secret': credentials never stand in a manifest"));
    ck_assert_ptr_nonnull(strstr(told, "'Password': credentials never stand in a manifest"));
    ck_assert_ptr_nonnull(strstr(told, "'logs' is not an absolute path"));
    ck_assert_ptr_null(strstr(told, "hunter2"));
    free(told);
}
END_TEST

/* Keys that are a known name up to a NUL are unknown, and do not lead the later checks astray.
 */
START_TEST(keys_with_a_nul)
{
    static const char text[] =
        "weir: 1\nname: lake\nsource: {root: /lake}\n"
        "\"transfer\\0\": 1\n\"destination\\0\": 1\n"
        "destination: {\"url\\0\": [], url: file:///lake/x, tags: {a: b}}\n"
        "transfer: {\"bandwidth\\0\": 1, bandwidth: [{from: 01:00, to: 01:00, "
        "limit: 1kB/s}], \"part_size\\0\": 1, part_size: 1GiB}\n";
    char *told = mistakes_of(text, strlen(text));
    ck_assert_ptr_nonnull(strstr(told, ":5:1: error: unknown key 'destination\\x00'"));
    ck_assert_ptr_nonnull(strstr(told, "the store lies inside source.root"));
    ck_assert_ptr_nonnull(strstr(told, "an empty window"));
    ck_assert_ptr_nonnull(strstr(told, "no room for two parts"));
    free(told);
}
END_TEST

START_TEST(free_takes_null)
{
    weir_manifest_free(NULL);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("reading");
    TCase *tc = tcase_create("text"), *files = tcase_create("files");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_mebibyte_is_the_limit);
    tcase_add_test(tc, byte_order_mark_does_not_move_the_place);
    tcase_add_test(tc, line_ends);
    tcase_add_loop_test(tc, bytes_that_are_no_text, 0, (int)(sizeof(broken) / sizeof(*broken)));
    tcase_add_test(tc, depth_is_capped);
    tcase_add_test(tc, number_of_nodes_is_capped);
    tcase_add_test(tc, a_hundred_mistakes_are_told);
    tcase_add_test(tc, every_cut_of_a_manifest_is_safe);
    tcase_add_test(tc, every_damaged_byte_is_safe);
    tcase_add_test(tc, secrets_are_not_repeated);
    tcase_add_test(tc, keys_with_a_nul);
    tcase_add_test(tc, free_takes_null);
    tcase_add_checked_fixture(files, make_dir, remove_dir);
    tcase_add_test(files, files_that_cannot_be_read);
    tcase_add_test(files, files_from_lies_beside_the_manifest);
    suite_add_tcase(s, tc);
    suite_add_tcase(s, files);
    return run_suite(s);
}
