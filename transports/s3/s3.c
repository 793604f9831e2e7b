#include "s3/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/handle.h"
#include "s3/text.h"
#include "s3/uri.h"

#define KEY_BYTES_MAX 1024 /* with the prefix */
#define PREFIX_BYTES_MAX (KEY_BYTES_MAX - 128)
#define CONNECT_TIMEOUT_MS 10000
#define STALL_TIMEOUT_S 60

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Amazon S3 User Guide, "Amazon S3 multipart upload limits" and "Working with object metadata".
 */
static const struct weir_limits service_limits = {
    .part_bytes_min = 5 * MIB,
    .part_bytes_max = 5 * GIB,
    .part_count_max = 10000,
    .put_bytes_max = 5 * GIB,
    .copy_bytes_max = 5 * GIB,
    .copy_source_bytes_min = 5 * MIB,
    .remove_count_max = 1000,
    .object_bytes_max = UINT64_C(10000) * 5 * GIB,
    .key_bytes_max = KEY_BYTES_MAX,
    .metadata_bytes_max = 2048,
};

/* ---- what all handles share ---- */

static void
shared_release(struct weir_s3_shared *shared)
{
    if (shared == NULL || atomic_fetch_sub(&shared->refs, 1) != 1)
        return;
    weir_s3_credentials_wipe(&shared->credentials);
    pthread_mutex_destroy(&shared->lock);
    free(shared->bucket);
    free(shared->prefix);
    free(shared->ca_file);
    free(shared->tagging);
    free(shared->described);
    free(shared);
    curl_global_cleanup();
}

/* "s3://bucket/prefix" -> bucket, and prefix "" or with one slash at its end. */
static int
split_url(struct weir_s3_shared *shared, const char *url, struct weir_err *err)
{
    static const char scheme[] = "s3://";
    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
        return weir_err_set(err, WEIR_E_CONFIG, "\"%.200s\" does not begin with s3://", url);
    const char *bucket = url + sizeof(scheme) - 1;
    size_t bucket_bytes = strcspn(bucket, "/");
    const char *prefix = bucket + bucket_bytes + (bucket[bucket_bytes] == '/');
    size_t bytes = strlen(prefix);
    if (bucket_bytes == 0)
        return weir_err_set(err, WEIR_E_CONFIG, "\"%.200s\" names no bucket", url);
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)prefix[i] < 0x20 || prefix[i] == 0x7f)
            return weir_err_set(err, WEIR_E_CONFIG, "\"%.200s\" holds a control byte", url);
    if (bytes > PREFIX_BYTES_MAX)
        return weir_err_set(err, WEIR_E_CONFIG, "the prefix has %zu bytes, at most %d do",
                            bytes, KEY_BYTES_MAX - 128);
    bool slash = bytes > 0 && prefix[bytes - 1] != '/';
    shared->bucket = strndup(bucket, bucket_bytes);
    shared->prefix = malloc(bytes + 2);
    if (shared->bucket == NULL || shared->prefix == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "store");
    memcpy(shared->prefix, prefix, bytes);
    memcpy(shared->prefix + bytes, slash ? "/" : "", slash ? 2 : 1);
    shared->limits = service_limits;
    shared->limits.key_bytes_max -= bytes + slash;
    return 0;
}

/* The tags as x-amz-tagging has them: a URL query. */
static int
join_tags(struct weir_s3_shared *shared, const struct weir_destination *d, struct weir_err *err)
{
    struct weir_s3_text t = {0};
    if (d->tag_count == 0)
        return 0;
    for (size_t i = 0; i < d->tag_count; i++) {
        if (i > 0)
            weir_s3_text_char(&t, '&');
        weir_s3_uri_encode(&t, d->tags[i].name, false);
        weir_s3_text_char(&t, '=');
        weir_s3_uri_encode(&t, d->tags[i].value, false);
    }
    if (t.failed) {
        weir_s3_text_free(&t);
        return weir_err_set(err, WEIR_E_NOMEM, "tags");
    }
    shared->tagging = t.data;
    return 0;
}

static const char *
env(const struct weir_transport_options *o, const char *name)
{
    const char *value = o->env == NULL ? NULL : o->env(o->env_ctx, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int
choose_ca_file(struct weir_s3_shared *shared, struct weir_err *err)
{
    const char *path = shared->options.destination->ca_file;
    if (path == NULL)
        path = env(&shared->options, "AWS_CA_BUNDLE");
    if (path != NULL && (shared->ca_file = strdup(path)) == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "store");
    return 0;
}

static int
choose_endpoint(struct weir_s3_shared *shared, struct weir_err *err)
{
    const struct weir_destination *d = shared->options.destination;
    const char *region = d->region;
    if (region == NULL && shared->credentials.region[0] != '\0')
        region = shared->credentials.region;
    if (region == NULL)
        region = "us-east-1"; /* a bucket elsewhere tells where it is */
    if (!weir_s3_endpoint_region_ok(region))
        return weir_err_set(err, WEIR_E_CONFIG, "\"%.63s\" is not a region name", region);
    struct weir_s3_endpoint_input in = {
        .bucket = shared->bucket,
        .region = region,
        .endpoint = d->endpoint,
        .addressing = d->addressing,
        .accelerate = d->accelerate,
        .dualstack = d->dualstack,
        .fips = d->fips,
    };
    if (weir_s3_endpoint_resolve(&in, &shared->endpoint, err) != 0)
        return -1;
    (void)snprintf(shared->region, sizeof(shared->region), "%s", region);
    int n = asprintf(&shared->described, "s3://%s/%s at %s", shared->bucket, shared->prefix,
                     shared->endpoint.origin);
    if (n < 0) {
        shared->described = NULL;
        return weir_err_set(err, WEIR_E_NOMEM, "store");
    }
    return 0;
}

static int
shared_create(const struct weir_transport_options *options, struct weir_s3_shared **out,
              struct weir_err *err)
{
    const struct weir_destination *d = options->destination;
    struct weir_s3_shared *shared = calloc(1, sizeof(*shared));
    if (shared == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "store");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(shared);
        return weir_err_set(err, WEIR_E_BUG, "libcurl does not start");
    }
    shared->options = *options;
    atomic_init(&shared->refs, 1);
    atomic_init(&shared->generation, 1);
    pthread_mutex_init(&shared->lock, NULL);
    if (split_url(shared, d->url, err) != 0 || join_tags(shared, d, err) != 0 ||
        choose_ca_file(shared, err) != 0 ||
        weir_s3_credentials_load(d->profile, options->env, options->env_ctx,
                                 &shared->credentials, err) != 0 ||
        choose_endpoint(shared, err) != 0) {
        shared_release(shared);
        return -1;
    }
    *out = shared;
    return 0;
}

/* ---- handles ---- */

static void
handle_close(struct weir_transport *t)
{
    struct weir_s3 *s = weir_s3_of(t);
    if (s == NULL)
        return;
    weir_s3_session_fini(&s->session);
    weir_s3_sigv4_free(s->signer);
    weir_s3_request_free(&s->request);
    shared_release(s->shared);
    free(s);
}

/* Takes over one reference to shared, also on failure. */
static int
handle_create(struct weir_s3_shared *shared, struct weir_transport **out, struct weir_err *err)
{
    struct weir_s3_session_options session = {
        .ca_file = shared->ca_file,
        .cancel = shared->options.cancel,
        .counters = shared->options.counters,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .stall_timeout_s = STALL_TIMEOUT_S,
    };
    struct weir_s3 *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        shared_release(shared);
        return weir_err_set(err, WEIR_E_NOMEM, "store handle");
    }
    s->base.ops = &weir_s3_ops;
    s->shared = shared;
    if (weir_s3_session_init(&s->session, &session, err) != 0 ||
        weir_s3_sigv4_create(&s->signer, err) != 0) {
        handle_close(&s->base);
        return -1;
    }
    *out = &s->base;
    return 0;
}

static int
handle_clone(struct weir_transport *t, struct weir_transport **out, struct weir_err *err)
{
    struct weir_s3_shared *shared = weir_s3_of(t)->shared;
    atomic_fetch_add(&shared->refs, 1);
    return handle_create(shared, out, err);
}

static const struct weir_limits *
handle_limits(const struct weir_transport *t)
{
    return &((const struct weir_s3 *)t)->shared->limits;
}

static const char *
handle_describe(const struct weir_transport *t)
{
    return ((const struct weir_s3 *)t)->shared->described;
}

int
weir_s3_open(const struct weir_transport_options *options, struct weir_transport **out,
             struct weir_err *err)
{
    struct weir_s3_shared *shared = NULL;
    if (shared_create(options, &shared, err) != 0) {
        if (err != NULL)
            err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    return handle_create(shared, out, err);
}

const struct weir_transport_ops weir_s3_ops = {
    .scheme = "s3",
    .limits = handle_limits,
    .describe = handle_describe,
    .clone = handle_clone,
    .probe = weir_s3_probe,
    .put = weir_s3_put,
    .create_upload = weir_s3_create_upload,
    .put_part = weir_s3_put_part,
    .complete_upload = weir_s3_complete_upload,
    .abort_upload = weir_s3_abort_upload,
    .list_parts = weir_s3_list_parts,
    .list_uploads = weir_s3_list_uploads,
    .head = weir_s3_head,
    .get = weir_s3_get,
    .list = weir_s3_list,
    .remove = weir_s3_remove,
    .remove_many = weir_s3_remove_many,
    .copy = weir_s3_copy,
    .copy_part = weir_s3_copy_part,
    .part_size = weir_s3_part_size,
    .close = handle_close,
};
