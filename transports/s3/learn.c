#include "s3/learn.h"

#include <stdio.h>
#include <string.h>

#include "s3/handle.h"
#include "s3/time.h"

int64_t
weir_s3_learn_wall_s(const struct weir_s3 *s)
{
    const struct weir_clock *clock = s->shared->options.clock;
    int64_t ns = clock->wall_ns(clock);
    return ns / WEIR_NS_PER_S - (ns % WEIR_NS_PER_S < 0);
}

void
weir_s3_learn_refresh(struct weir_s3 *s)
{
    struct weir_s3_shared *shared = s->shared;
    if (atomic_load_explicit(&shared->generation, memory_order_acquire) == s->generation)
        return;
    pthread_mutex_lock(&shared->lock);
    s->generation = atomic_load(&shared->generation);
    memcpy(s->region, shared->region, sizeof(s->region));
    s->endpoint = shared->endpoint;
    pthread_mutex_unlock(&shared->lock);
}

static bool
set_region(struct weir_s3 *s, const char *region)
{
    struct weir_s3_shared *shared = s->shared;
    const struct weir_destination *d = shared->options.destination;
    struct weir_s3_endpoint endpoint;
    struct weir_s3_endpoint_input in = {
        .bucket = shared->bucket,
        .region = region,
        .endpoint = d->endpoint,
        .addressing = d->addressing,
        .accelerate = d->accelerate,
        .dualstack = d->dualstack,
        .fips = d->fips,
    };
    if (weir_s3_endpoint_resolve(&in, &endpoint, NULL) != 0)
        return false;
    pthread_mutex_lock(&shared->lock);
    (void)snprintf(shared->region, sizeof(shared->region), "%s", region);
    shared->endpoint = endpoint;
    atomic_fetch_add_explicit(&shared->generation, 1, memory_order_release);
    pthread_mutex_unlock(&shared->lock);
    weir_s3_learn_refresh(s);
    return true;
}

bool
weir_s3_learn_region(struct weir_s3 *s, const struct weir_s3_error_reply *e)
{
    const struct weir_s3_response *a = &s->session.response;
    static const char *const codes[] = {"AuthorizationHeaderMalformed", "PermanentRedirect",
                                        "TemporaryRedirect",
                                        "IllegalLocationConstraintException"};
    bool about_region =
        a->status == 301 || (a->status == 400 && s->request.call.method == WEIR_S3_HEAD);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        about_region = about_region || strcmp(e->code, codes[i]) == 0;
    const char *region = a->region[0] != '\0' ? a->region : e->region;
    return about_region && weir_s3_endpoint_region_ok(region) &&
           strcmp(region, s->region) != 0 && set_region(s, region);
}

int64_t
weir_s3_learn_offset(const struct weir_s3 *s, int64_t *out_offset_s)
{
    int64_t server_s = 0;
    if (weir_s3_time_http(s->session.response.date, &server_s) != 0)
        return 0;
    *out_offset_s = server_s - weir_s3_learn_wall_s(s);
    return *out_offset_s - s->request.skew_s; /* another handle may have learned since */
}

bool
weir_s3_learn_skew(struct weir_s3 *s, const struct weir_s3_error_reply *e)
{
    int64_t offset_s = 0;
    int64_t skew_s = weir_s3_learn_offset(s, &offset_s);
    bool told = strcmp(e->code, "RequestTimeTooSkewed") == 0;
    if (s->session.response.status != 403 || skew_s == 0 ||
        (!told && skew_s <= WEIR_S3_SKEW_MAX_S && skew_s >= -WEIR_S3_SKEW_MAX_S))
        return false;
    atomic_store(&s->shared->skew_s, offset_s);
    return true;
}
