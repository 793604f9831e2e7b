#include "catalog/identity.h"

#include <stdio.h>
#include <string.h>

#include "catalog/catalog_impl.h"

#define TEXT_BYTES 8192 /* a root path or URL; longer ones are refused */

static void
make_job_id(uint64_t seed, char out[33])
{
    for (unsigned half = 0; half < 2; half++) { /* splitmix64 */
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        (void)snprintf(out + 16 * half, 17, "%016llx", (unsigned long long)(z ^ z >> 31));
    }
}

static int
write_all(struct weir_catalog *c, const struct weir_catalog_identity *id, uint64_t seed,
          struct weir_err *err)
{
    char dev[24], ino[24];
    if (id->job_id != NULL)
        (void)snprintf(c->job_id, sizeof(c->job_id), "%s", id->job_id);
    else
        make_job_id(seed, c->job_id);
    (void)snprintf(dev, sizeof(dev), "%llu", (unsigned long long)id->root_dev);
    (void)snprintf(ino, sizeof(ino), "%llu", (unsigned long long)id->root_ino);
    const char *const facts[][2] = {
        {"job", id->job},   {"destination", id->destination},
        {"root", id->root}, {"root_dev", dev},
        {"root_ino", ino},  {"job_id", c->job_id},
    };
    if (weir_catalog_begin(c, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (strlen(facts[i][1]) >= TEXT_BYTES)
            return weir_err_set(err, WEIR_E_LIMIT, "%s is too long for a catalog", facts[i][0]);
        if (weir_catalog_fact_set(c, facts[i][0], facts[i][1], err) != 0)
            return -1;
    }
    return weir_catalog_commit(c, err);
}

static int
compare(struct weir_catalog *c, const char *name, const char *mine, struct weir_err *err)
{
    char theirs[TEXT_BYTES];
    bool found = false;
    if (weir_catalog_fact_get(c, name, theirs, sizeof(theirs), &found, err) != 0)
        return -1;
    if (found && strcmp(theirs, mine) == 0)
        return 0;
    weir_err_set(err, WEIR_E_SAFETY, "it was made for %s \"%s\", the manifest says \"%s\"",
                 name, found ? theirs : "", mine);
    err->scope = WEIR_SCOPE_RUN;
    return weir_err_add(
        err,
        "catalog %s belongs to another job: mend the manifest, or give this job "
        "a --state directory of its own",
        c->path);
}

int
weir_identity_settle(struct weir_catalog *c, enum weir_catalog_mode mode,
                     const struct weir_catalog_identity *id, uint64_t seed,
                     struct weir_err *err)
{
    bool found = false;
    if (weir_catalog_fact_get(c, "job_id", c->job_id, sizeof(c->job_id), &found, err) != 0)
        return -1;
    if (!found && mode == WEIR_CATALOG_WRITE && id != NULL) /* new, or killed while it was */
        return write_all(c, id, seed, err);
    if (!found && mode == WEIR_CATALOG_WRITE)
        return weir_err_set(err, WEIR_E_BUG, "new catalog %s without a job", c->path);
    if (!found) {
        weir_err_set(err, WEIR_E_NOT_FOUND, "catalog %s is empty: no pass has begun", c->path);
        err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    if (id == NULL)
        return 0;
    return compare(c, "job", id->job, err) != 0 ||
                   compare(c, "destination", id->destination, err) != 0 ||
                   compare(c, "root", id->root, err) != 0
               ? -1
               : 0;
}
