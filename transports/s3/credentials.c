#include "s3/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "s3/ini.h"

#define EXPORT_HINT                                                                            \
    "not supported in this version; put the output of `aws configure export-credentials "      \
    "--format env` into the environment"

/* What one profile says in one file. */
struct section {
    const char *profile; /* wanted, borrowed */
    bool is_config;      /* config file: sections are "profile x" */
    bool file_found, section_found;
    bool too_long; /* some value did not fit */
    struct weir_s3_credentials found;
    char refused[32]; /* key that makes the profile one of a kind that weir cannot use */
    char process[24]; /* "credential_process" when it is set */
    char path[512];
};

void
weir_s3_credentials_wipe(struct weir_s3_credentials *c)
{
    OPENSSL_cleanse(c, sizeof(*c));
}

static void
copy(char *out, size_t room, const char *value, bool *too_long)
{
    size_t bytes = strlen(value);
    if (bytes >= room)
        *too_long = true;
    else
        memcpy(out, value, bytes + 1);
}

static bool
is_wanted(const struct section *s, const char *name)
{
    if (strcmp(name, s->profile) == 0)
        return !s->is_config || strcmp(name, "default") == 0;
    return s->is_config && strncmp(name, "profile ", 8) == 0 &&
           strcmp(name + 8, s->profile) == 0;
}

static void
on_setting(void *ctx, const char *name, const char *key, const char *value)
{
    struct section *s = ctx;
    static const char *const other_kinds[] = {"role_arn",
                                              "sso_session",
                                              "sso_account_id",
                                              "sso_start_url",
                                              "web_identity_token_file",
                                              "login_session"};
    if (!is_wanted(s, name))
        return;
    s->section_found = true;
    struct weir_s3_credentials *c = &s->found;
    if (strcmp(key, "aws_access_key_id") == 0)
        copy(c->access_key, sizeof(c->access_key), value, &s->too_long);
    else if (strcmp(key, "aws_secret_access_key") == 0)
        copy(c->secret_key, sizeof(c->secret_key), value, &s->too_long);
    else if (strcmp(key, "aws_session_token") == 0)
        copy(c->session_token, sizeof(c->session_token), value, &s->too_long);
    else if (strcmp(key, "region") == 0)
        copy(c->region, sizeof(c->region), value, &s->too_long);
    else if (strcmp(key, "credential_process") == 0)
        copy(s->process, sizeof(s->process), key, &s->too_long);
    for (size_t i = 0; i < sizeof(other_kinds) / sizeof(other_kinds[0]); i++)
        if (strcmp(key, other_kinds[i]) == 0)
            copy(s->refused, sizeof(s->refused), key, &s->too_long);
}

/* Reads at most max bytes; -1 with errno. */
static ssize_t
read_all(int fd, char *data, size_t max)
{
    size_t used = 0;
    while (used < max) {
        ssize_t n = read(fd, data + used, max - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        used += (size_t)n;
    }
    return (ssize_t)used;
}

static int
parse_file(struct section *s, int fd, struct weir_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "%s", s->path);
    if (!S_ISREG(st.st_mode))
        return weir_err_set(err, WEIR_E_CONFIG, "%s is not a regular file", s->path);
    char *data = malloc(WEIR_S3_INI_FILE_MAX + 1);
    if (data == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "%s", s->path);
    int rc = -1;
    ssize_t bytes = read_all(fd, data, WEIR_S3_INI_FILE_MAX + 1);
    size_t bad_line = 0;
    if (bytes < 0)
        weir_err_sys(err, WEIR_E_IO, errno, "read %s", s->path);
    else if ((size_t)bytes > WEIR_S3_INI_FILE_MAX)
        weir_err_set(err, WEIR_E_CONFIG, "%s is over 1 MiB", s->path);
    else if ((bad_line = weir_s3_ini_parse(data, (size_t)bytes, on_setting, s)) != 0)
        weir_err_set(err, WEIR_E_CONFIG, "%s:%zu: neither [section] nor key = value", s->path,
                     bad_line);
    else if (s->too_long)
        weir_err_set(err, WEIR_E_CONFIG, "%s: a value of profile %.64s is too long", s->path,
                     s->profile);
    else
        rc = 0;
    OPENSSL_cleanse(data, WEIR_S3_INI_FILE_MAX + 1);
    free(data);
    return rc;
}

/* A file that is not there is no error. */
static int
load_file(struct section *s, struct weir_err *err)
{
    if (s->path[0] == '\0')
        return 0;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : weir_err_sys(err, WEIR_E_IO, errno, "open %s", s->path);
    s->file_found = true;
    int rc = parse_file(s, fd, err);
    (void)close(fd);
    return rc;
}

static const char *
get(weir_s3_env_fn *env, void *ctx, const char *name)
{
    const char *value = env == NULL ? NULL : env(ctx, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static void
set_path(struct section *s, const char *own, const char *home, const char *name)
{
    if (own != NULL)
        copy(s->path, sizeof(s->path), own, &s->too_long);
    else if (home != NULL)
        (void)snprintf(s->path, sizeof(s->path), "%.480s/.aws/%s", home, name);
}

/* 1: a key was found; 0: none; -1: error. */
static int
from_environment(weir_s3_env_fn *env, void *ctx, struct weir_s3_credentials *out,
                 struct weir_err *err)
{
    const char *access = get(env, ctx, "AWS_ACCESS_KEY_ID");
    const char *secret = get(env, ctx, "AWS_SECRET_ACCESS_KEY");
    const char *token = get(env, ctx, "AWS_SESSION_TOKEN");
    bool too_long = false;
    if (access == NULL && secret == NULL)
        return 0;
    if (access == NULL || secret == NULL)
        return weir_err_set(err, WEIR_E_CREDENTIALS, "%s is set but %s is not",
                            access != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                            access != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    copy(out->access_key, sizeof(out->access_key), access, &too_long);
    copy(out->secret_key, sizeof(out->secret_key), secret, &too_long);
    copy(out->session_token, sizeof(out->session_token), token == NULL ? "" : token, &too_long);
    if (too_long)
        return weir_err_set(err, WEIR_E_CREDENTIALS,
                            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN is "
                            "too long to be one");
    return 1;
}

static int
take_key(const struct section *s, struct weir_s3_credentials *out, struct weir_err *err)
{
    const struct weir_s3_credentials *c = &s->found;
    if (c->access_key[0] == '\0' && c->secret_key[0] == '\0')
        return 0;
    if (c->access_key[0] == '\0' || c->secret_key[0] == '\0')
        return weir_err_set(err, WEIR_E_CREDENTIALS,
                            "profile %.64s in %s has only one of aws_access_key_id and "
                            "aws_secret_access_key",
                            s->profile, s->path);
    memcpy(out->access_key, c->access_key, sizeof(out->access_key));
    memcpy(out->secret_key, c->secret_key, sizeof(out->secret_key));
    memcpy(out->session_token, c->session_token, sizeof(out->session_token));
    return 1;
}

static int
refuse_kind(const char *profile, const char *kind, struct weir_err *err)
{
    return weir_err_set(err, WEIR_E_CREDENTIALS, "profile %.64s uses %s: " EXPORT_HINT, profile,
                        kind);
}

/* The profile's key; the order between kinds is that of the AWS tools. */
static int
from_profile(const struct section *shared, const struct section *config,
             struct weir_s3_credentials *out, struct weir_err *err)
{
    const char *kind = config->refused[0] != '\0' ? config->refused : shared->refused;
    if (kind[0] != '\0')
        return refuse_kind(shared->profile, kind, err);
    int rc = take_key(shared, out, err);
    if (rc != 0)
        return rc;
    kind = config->process[0] != '\0' ? config->process : shared->process;
    if (kind[0] != '\0')
        return refuse_kind(shared->profile, kind, err);
    return take_key(config, out, err);
}

static const char *
state_of(const struct section *s)
{
    if (s->path[0] == '\0')
        return "HOME is unset";
    if (!s->file_found)
        return "no such file";
    return s->section_found ? "no key in it" : "no such section";
}

static int
nothing_found(const struct section *shared, const struct section *config, bool env_skipped,
              struct weir_err *err)
{
    weir_err_set(
        err, WEIR_E_CREDENTIALS,
        "looked at AWS_ACCESS_KEY_ID (%s), %.100s [%.32s] (%s) and %.100s [%s%.32s] (%s)",
        env_skipped ? "passed over: the manifest names a profile" : "unset",
        shared->path[0] != '\0' ? shared->path : "~/.aws/credentials", shared->profile,
        state_of(shared), config->path[0] != '\0' ? config->path : "~/.aws/config",
        strcmp(config->profile, "default") == 0 ? "" : "profile ", config->profile,
        state_of(config));
    return weir_err_add(err,
                        "no AWS credentials found; instance roles and SSO are " EXPORT_HINT);
}

static int
load(const char *profile, weir_s3_env_fn *env, void *env_ctx, struct section *shared,
     struct section *config, struct weir_s3_credentials *out, struct weir_err *err)
{
    bool named = profile != NULL;
    if (profile == NULL && (profile = get(env, env_ctx, "AWS_PROFILE")) == NULL &&
        (profile = get(env, env_ctx, "AWS_DEFAULT_PROFILE")) == NULL)
        profile = "default";
    const char *home = get(env, env_ctx, "HOME");
    shared->profile = config->profile = profile;
    config->is_config = true;
    set_path(shared, get(env, env_ctx, "AWS_SHARED_CREDENTIALS_FILE"), home, "credentials");
    set_path(config, get(env, env_ctx, "AWS_CONFIG_FILE"), home, "config");

    int have = named ? 0 : from_environment(env, env_ctx, out, err);
    if (have < 0 || load_file(config, err) != 0 || (have == 0 && load_file(shared, err) != 0))
        return -1;
    if (have == 0 && (have = from_profile(shared, config, out, err)) < 0)
        return -1;
    if (have == 0)
        return nothing_found(shared, config, named, err);

    const char *region = get(env, env_ctx, "AWS_REGION");
    if (region == NULL)
        region = get(env, env_ctx, "AWS_DEFAULT_REGION");
    if (region == NULL || named)
        region = config->found.region[0] != '\0'   ? config->found.region
                 : shared->found.region[0] != '\0' ? shared->found.region
                                                   : region;
    bool too_long = false;
    copy(out->region, sizeof(out->region), region == NULL ? "" : region, &too_long);
    return too_long ? weir_err_set(err, WEIR_E_CONFIG, "the region's name is too long") : 0;
}

int
weir_s3_credentials_load(const char *profile, weir_s3_env_fn *env, void *env_ctx,
                         struct weir_s3_credentials *out, struct weir_err *err)
{
    struct weir_s3_credentials found = {0};
    struct section shared = {0}, config = {0};
    int rc = load(profile, env, env_ctx, &shared, &config, &found, err);
    if (rc == 0)
        *out = found;
    else if (err != NULL)
        err->scope = WEIR_SCOPE_RUN;
    weir_s3_credentials_wipe(&found);
    weir_s3_credentials_wipe(&shared.found);
    weir_s3_credentials_wipe(&config.found);
    return rc;
}
