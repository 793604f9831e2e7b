/* credentials and ini: order of sources, profiles, what is refused, and that no secret is told.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "s3/credentials.h"
#include "s3/ini.h"

/* ---- ini ---- */

struct seen {
    char text[1024];
};

static void
note(void *ctx, const char *section, const char *key, const char *value)
{
    struct seen *s = ctx;
    size_t used = strlen(s->text);
    (void)snprintf(s->text + used, sizeof(s->text) - used, "%s|%s|%s\n", section, key, value);
}

static const struct {
    const char *in;
    size_t bad_line;
    const char *seen;
} files[] = {
    {"", 0, ""},
    {"# c\n; c\n\n  \n[a]\nk=v\n", 0, "a|k|v\n"},
    {"[a]\r\nk = v w \r\n", 0, "a|k|v w\n"},
    {"[ profile   x\ty ]\nKey=1", 0, "profile x y|key|1\n"},
    {"[a]\ns3 =\n  addressing_style = path\n\tk2 = z\nregion = r\n", 0, "a|s3|\na|region|r\n"},
    {"[a]\nk = a=b # comment\nl = x;y#z\n", 0, "a|k|a=b\na|l|x;y#z\n"},
    {"\xef\xbb\xbf[a]\nk=v\n", 0, "a|k|v\n"},
    {"k=v\n", 0, "|k|v\n"},
    {"[a]\nnonsense\n", 2, ""},
    {"[a\nk=v\n", 1, ""},
    {"[a]\n=v\n", 2, ""},
};

START_TEST(ini_reads)
{
    struct seen s = {""};
    ck_assert_uint_eq(weir_s3_ini_parse(files[_i].in, strlen(files[_i].in), note, &s),
                      files[_i].bad_line);
    ck_assert_str_eq(s.text, files[_i].seen);
}
END_TEST

START_TEST(ini_caps_lines_and_refuses_nul)
{
    struct seen s = {""};
    char *line = malloc(WEIR_S3_INI_LINE_MAX + 2);
    ck_assert_ptr_nonnull(line);
    memset(line, 'k', WEIR_S3_INI_LINE_MAX + 2);
    line[1] = '=';
    ck_assert_uint_eq(weir_s3_ini_parse(line, WEIR_S3_INI_LINE_MAX, note, &s), 0);
    ck_assert_uint_eq(weir_s3_ini_parse(line, WEIR_S3_INI_LINE_MAX + 1, note, &s), 1);
    ck_assert_uint_eq(weir_s3_ini_parse("a=b\nc=\0d\n", 9, note, &s), 2);
    free(line);
}
END_TEST

/* ---- credentials ---- */

static char home[64];

struct variables {
    const char *names[12];
    const char *values[12];
};

static const char *
look_up(void *ctx, const char *name)
{
    const struct variables *v = ctx;
    for (int i = 0; i < 12 && v->names[i] != NULL; i++)
        if (strcmp(v->names[i], name) == 0)
            return v->values[i];
    return strcmp(name, "HOME") == 0 ? home : NULL;
}

static void
write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/.aws/%s", home, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static void
setup(void)
{
    char dir[96];
    (void)snprintf(home, sizeof(home), "/tmp/weir-s3-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    (void)snprintf(dir, sizeof(dir), "%s/.aws", home);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
}

static void
teardown(void)
{
    const char *const names[] = {"/.aws/credentials", "/.aws/config", "/.aws", ""};
    for (int i = 0; i < 4; i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s%s", home, names[i]);
        (void)remove(path);
    }
}

#define STATIC_KEY "aws_access_key_id = AK1\naws_secret_access_key = sEcReT1\n"

struct scenario {
    const char *what;
    const char *shared, *config; /* files, NULL: absent */
    const char *profile;         /* of the manifest */
    struct variables env;
    enum weir_code code; /* WEIR_OK: found */
    const char *access;  /* or, when it fails, a text that the message must hold */
    const char *region;
};

static const struct scenario scenarios[] = {
    {"environment",
     NULL,
     NULL,
     NULL,
     {{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"},
      {"AKE", "sEcReTe", "tok", "eu-west-3"}},
     WEIR_OK,
     "AKE",
     "eu-west-3"},
    {"AWS_DEFAULT_REGION is second",
     NULL,
     NULL,
     NULL,
     {{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"},
      {"AKE", "sEcReTe", "eu-west-2"}},
     WEIR_OK,
     "AKE",
     "eu-west-2"},
    {"environment wins over files, region comes from them",
     "[default]\n" STATIC_KEY,
     "[default]\nregion = r-1\n",
     NULL,
     {{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, {"AKE", "sEcReTe"}},
     WEIR_OK,
     "AKE",
     "r-1"},
    {"environment wins over AWS_PROFILE",
     "[p]\n" STATIC_KEY,
     NULL,
     NULL,
     {{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"}, {"AKE", "sEcReTe", "p"}},
     WEIR_OK,
     "AKE",
     ""},
    {"a profile of the manifest wins over the environment",
     "[p]\n" STATIC_KEY,
     "[profile p]\nregion = r-2\n",
     "p",
     {{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"},
      {"AKE", "sEcReTe", "r-env"}},
     WEIR_OK,
     "AK1",
     "r-2"},
    {"default section",
     "[default]\n" STATIC_KEY "region=r-3\n",
     NULL,
     NULL,
     {{NULL}, {NULL}},
     WEIR_OK,
     "AK1",
     "r-3"},
    {"AWS_PROFILE",
     "[default]\naws_access_key_id=no\n[p]\n" STATIC_KEY,
     NULL,
     NULL,
     {{"AWS_PROFILE"}, {"p"}},
     WEIR_OK,
     "AK1",
     ""},
    {"AWS_DEFAULT_PROFILE",
     "[p]\n" STATIC_KEY,
     NULL,
     NULL,
     {{"AWS_DEFAULT_PROFILE"}, {"p"}},
     WEIR_OK,
     "AK1",
     ""},
    {"config file only",
     NULL,
     "[profile p]\n" STATIC_KEY "s3 =\n  max = 1\n",
     "p",
     {{NULL}, {NULL}},
     WEIR_OK,
     "AK1",
     ""},
    {"config: [p] is not [profile p]",
     NULL,
     "[p]\n" STATIC_KEY,
     "p",
     {{NULL}, {NULL}},
     WEIR_E_CREDENTIALS,
     "no such section",
     NULL},
    {"empty variables count as unset",
     "[default]\n" STATIC_KEY,
     NULL,
     NULL,
     {{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"}, {"", "", ""}},
     WEIR_OK,
     "AK1",
     ""},
    {"nothing at all",
     NULL,
     NULL,
     NULL,
     {{NULL}, {NULL}},
     WEIR_E_CREDENTIALS,
     ".aws/credentials [default] (no such file)",
     NULL},
    {"nothing: what was looked at",
     "[default]\nregion=x\n",
     "[profile x]\n",
     NULL,
     {{NULL}, {NULL}},
     WEIR_E_CREDENTIALS,
     ".aws/config [default] (no such section)",
     NULL},
    {"nothing: HOME is unset",
     NULL,
     NULL,
     NULL,
     {{"HOME"}, {""}},
     WEIR_E_CREDENTIALS,
     "HOME is unset",
     NULL},
    {"half an environment",
     NULL,
     NULL,
     NULL,
     {{"AWS_ACCESS_KEY_ID"}, {"AKE"}},
     WEIR_E_CREDENTIALS,
     "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not",
     NULL},
    {"half a section",
     "[default]\naws_secret_access_key = sEcReT1\n",
     NULL,
     NULL,
     {{NULL}, {NULL}},
     WEIR_E_CREDENTIALS,
     "only one of",
     NULL},
    {"role",
     "[p]\n" STATIC_KEY,
     "[profile p]\nrole_arn = x\n",
     "p",
     {{NULL}, {NULL}},
     WEIR_E_CREDENTIALS,
     "role_arn: not supported in this version",
     NULL},
    {"sso",
     NULL,
     "[default]\nsso_session = x\n",
     NULL,
     {{NULL}, {NULL}},
     WEIR_E_CREDENTIALS,
     "aws configure export-credentials --format env",
     NULL},
    {"process",
     NULL,
     "[default]\ncredential_process = x\n" STATIC_KEY,
     NULL,
     {{NULL}, {NULL}},
     WEIR_E_CREDENTIALS,
     "credential_process",
     NULL},
    {"a static key of the credentials file wins over a process",
     "[default]\n" STATIC_KEY,
     "[default]\ncredential_process = x\n",
     NULL,
     {{NULL}, {NULL}},
     WEIR_OK,
     "AK1",
     ""},
    {"malformed file",
     "[default]\nsEcReT1\n",
     NULL,
     NULL,
     {{NULL}, {NULL}},
     WEIR_E_CONFIG,
     "credentials:2: ",
     NULL},
    {"other files",
     NULL,
     NULL,
     NULL,
     {{"AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"}, {"/nonexistent/c", "/dev/null"}},
     WEIR_E_CONFIG,
     "/dev/null is not a regular file",
     NULL},
};

START_TEST(credentials_from)
{
    const struct scenario *s = &scenarios[_i];
    struct weir_s3_credentials c = {.access_key = "untouched"};
    struct weir_err err = WEIR_ERR_INIT;
    char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    struct variables env = s->env;
    if (s->shared != NULL)
        write_file("credentials", s->shared);
    if (s->config != NULL)
        write_file("config", s->config);
    int rc = weir_s3_credentials_load(s->profile, look_up, &env, &c, &err);
    weir_err_text(&err, text, sizeof(text));
    ck_assert_msg(err.code == s->code, "%s: %s", s->what, text);
    ck_assert_int_eq(rc, s->code == WEIR_OK ? 0 : -1);
    ck_assert_ptr_null(strstr(text, "sEcReT"));
    if (s->code == WEIR_OK) {
        ck_assert_str_eq(c.access_key, s->access);
        ck_assert_str_eq(c.region, s->region);
        ck_assert_int_eq(strncmp(c.secret_key, "sEcReT", 6), 0);
        weir_s3_credentials_wipe(&c);
        ck_assert_int_eq(c.secret_key[0], '\0');
    } else {
        ck_assert_msg(strstr(text, s->access) != NULL, "%s: \"%s\" lacks \"%s\"", s->what, text,
                      s->access);
        ck_assert_str_eq(c.access_key, "untouched");
        ck_assert_int_eq(err.scope, WEIR_SCOPE_RUN);
    }
}
END_TEST

START_TEST(too_long_is_refused)
{
    struct weir_s3_credentials c;
    struct weir_err err = WEIR_ERR_INIT;
    char key[200];
    memset(key, 'K', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    struct variables env = {{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}, {key, "s"}};
    ck_assert_int_eq(weir_s3_credentials_load(NULL, look_up, &env, &c, &err), -1);
    ck_assert_int_eq(err.code, WEIR_E_CREDENTIALS);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
    Suite *s = suite_create("s3_credentials");
    TCase *tc = tcase_create("credentials");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, ini_reads, 0, COUNT(files));
    tcase_add_test(tc, ini_caps_lines_and_refuses_nul);
    tcase_add_loop_test(tc, credentials_from, 0, COUNT(scenarios));
    tcase_add_test(tc, too_long_is_refused);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
