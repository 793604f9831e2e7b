/* xxh128_impl -- the one place that knows which entry points of libxxhash to call.
 *
 * On x86 the plain functions of a distribution's library are built for SSE2; the dispatching
 * ones ask the CPU and are four times as fast.  Elsewhere there is only the plain kind. */
#ifndef WEIR_DIGEST_XXH128_IMPL_H
#define WEIR_DIGEST_XXH128_IMPL_H

#include <xxhash.h>

#include <weir/digest.h>

#ifdef __x86_64__
#define XXH_DISPATCH_DISABLE_REPLACE
#include <xxh_x86dispatch.h>
#define WEIR_XXH128_ONE_SHOT XXH3_128bits_dispatch
#define WEIR_XXH128_UPDATE XXH3_128bits_update_dispatch
#else
#define WEIR_XXH128_ONE_SHOT XXH3_128bits
#define WEIR_XXH128_UPDATE XXH3_128bits_update
#endif

static inline void
weir_xxh128_canonical(XXH128_hash_t hash, struct weir_xxh128 *out)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    _Static_assert(sizeof(canonical.digest) == sizeof(out->b), "128 bits");
    for (unsigned i = 0; i < sizeof(out->b); i++)
        out->b[i] = canonical.digest[i];
}

#endif
