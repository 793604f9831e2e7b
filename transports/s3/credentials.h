/* credentials -- access key and region from the environment and the shared AWS files.
 *
 * Order, as the AWS tools have it: the environment, unless the manifest names a profile; then
 * the profile's section of the credentials file; then of the config file.  Secrets never appear
 * in a message. */
#ifndef WEIR_S3_CREDENTIALS_H
#define WEIR_S3_CREDENTIALS_H

#include <weir/err.h>

typedef const char *weir_s3_env_fn(void *ctx, const char *name);

struct weir_s3_credentials {
    char access_key[129];
    char secret_key[129];
    char session_token[4097]; /* "" when the key is a permanent one */
    char region[64];          /* of the environment or the profile; "" when none says */
};

/**
 * weir_s3_credentials_load() -- find a static key, and the region that goes with it.
 * @profile: section named by the manifest, or NULL: AWS_PROFILE, AWS_DEFAULT_PROFILE,
 * "default".
 * @env:     environment look-up; NULL result = unset.
 * Returns 0, or -1 with WEIR_E_CREDENTIALS (nothing found: the message lists where was looked;
 * or a profile of a kind that is not supported), CONFIG or IO; scope RUN.  Reads files.
 */
int weir_s3_credentials_load(const char *profile, weir_s3_env_fn *env, void *env_ctx,
                             struct weir_s3_credentials *out, struct weir_err *err);

/* Overwrites the secrets. */
void weir_s3_credentials_wipe(struct weir_s3_credentials *c);

#endif
