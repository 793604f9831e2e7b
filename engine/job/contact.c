/* contact -- the first and every later contact of a job with its store. */
#include "job/contact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/rng.h>

#include "transfer/meta.h"

/* Another name whenever the probe learns to ask more: then it asks again. */
#define FACT_CAPS "store.capabilities.2"
#define FACT_MARKED "store.marked"
#define PROBE_PREFIX ".weir/probe-" /* see weir_transport_ops.probe */

struct leftover { /* of a probe that was killed */
    char key[256];
    char upload_id[WEIR_UPLOAD_ID_BYTES];
    bool found;
};

static int
first_upload(void *ctx, const char *key, const char *upload_id, int64_t initiated_s)
{
    struct leftover *l = ctx;
    (void)initiated_s;
    (void)snprintf(l->key, sizeof(l->key), "%s", key);
    (void)snprintf(l->upload_id, sizeof(l->upload_id), "%s", upload_id);
    l->found = true;
    return 1;
}

static int
first_object(void *ctx, const struct weir_listed *object)
{
    struct leftover *l = ctx;
    (void)snprintf(l->key, sizeof(l->key), "%s", object->key);
    l->found = true;
    return 1;
}

#define LEFTOVERS_MAX 64 /* a bound for a store that lists what it has removed */

/* Keys below ".weir/probe-" are weir's own: what is there was left by a probe that was killed.
 */
static int
sweep_probes(struct weir_transport *t, struct weir_err *err)
{
    for (int i = 0; i < LEFTOVERS_MAX; i++) {
        struct leftover l = {0};
        if (t->ops->list_uploads(t, PROBE_PREFIX, first_upload, &l, err) != 0)
            return -1;
        if (!l.found)
            break;
        if (t->ops->abort_upload(t, l.key, l.upload_id, err) != 0)
            return -1;
    }
    for (int i = 0; i < LEFTOVERS_MAX; i++) {
        struct leftover l = {0};
        if (t->ops->list(t, PROBE_PREFIX, NULL, first_object, &l, err) != 0)
            return -1;
        if (!l.found)
            break;
        if (t->ops->remove(t, l.key, err) != 0)
            return -1;
    }
    return 0;
}

static void
marker_key(const struct weir_setup *s, char out[64])
{
    (void)snprintf(out, 64, ".weir/job-%.32s", weir_catalog_job_id(s->catalog));
}

/* An object with the id of the job: whoever finds it there again is talking to the same store.
 */
static int
leave_marker(struct weir_setup *s, struct weir_err *err)
{
    char key[64], body[256];
    const char *id = weir_catalog_job_id(s->catalog);
    int bytes = snprintf(body, sizeof(body), "{\"job\":\"%.63s\",\"id\":\"%.32s\"}\n",
                         s->options->manifest->name, id);
    struct weir_kv meta = {.name = WEIR_META_ID, .value = id};
    struct weir_object object = {.key = key, .meta = &meta, .meta_count = 1};
    struct weir_stored stored;
    marker_key(s, key);
    return s->transport->ops->put(s->transport, &object, body, (size_t)bytes,
                                  weir_crc64nvme(0, body, (size_t)bytes), &stored, err);
}

/* The marker of the earlier passes must still be there: an unmounted disk, an emptied or newly
 * made bucket, or another endpoint with a bucket of the same name has none. */
static int
find_marker(struct weir_setup *s, struct weir_err *err)
{
    char key[64];
    struct weir_head *head = malloc(sizeof(*head));
    if (head == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "marker of the job");
    marker_key(s, key);
    struct weir_err why = WEIR_ERR_INIT;
    int rc = s->transport->ops->head(s->transport, key, head, &why);
    free(head);
    if (rc == 0)
        return 0;
    if (why.code != WEIR_E_NOT_FOUND || why.scope == WEIR_SCOPE_RUN) {
        *err = why;
        err->scope = WEIR_SCOPE_RUN;
        return -1;
    }
    weir_err_set(
        err, WEIR_E_SAFETY,
        "%s has not the object %s that this job left there: is its disk mounted, is it "
        "the right endpoint, was the bucket emptied or made anew? To begin again in an "
        "empty store, give the job a --state directory of its own",
        s->transport->ops->describe(s->transport), key);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

static int
keep(struct weir_setup *s, unsigned caps, struct weir_err *err)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", caps);
    if (weir_catalog_begin(s->catalog, err) != 0 ||
        weir_catalog_fact_set(s->catalog, FACT_CAPS, text, err) != 0 ||
        weir_catalog_fact_set(s->catalog, FACT_MARKED, "1", err) != 0)
        return -1;
    return weir_catalog_commit(s->catalog, err);
}

static int
first_contact(struct weir_setup *s, unsigned *out_caps, struct weir_err *err)
{
    struct weir_rng rng = {s->options->seed};
    unsigned caps = 0;
    const char *name = s->transport->ops->describe(s->transport);
    if (s->transport->ops->probe(s->transport, weir_rng_next(&rng), &caps, err) != 0 ||
        sweep_probes(s->transport, err) != 0 || leave_marker(s, err) != 0) {
        err->scope = WEIR_SCOPE_RUN;
        return weir_err_add(err, "first contact with %s", name);
    }
    if ((caps & WEIR_CAP_PUT_CHECKSUM) == 0)
        weir_setup_log(s, WEIR_LOG_WARN,
                       "%s does not check CRC64NVME: entries are reported as uploaded, not as "
                       "verified",
                       name);
    *out_caps = caps;
    return keep(s, caps, err);
}

int
weir_contact(struct weir_setup *s, unsigned *out_caps, struct weir_err *err)
{
    char text[16], marked[4];
    bool known = false, has_marker = false;
    if (weir_catalog_fact_get(s->catalog, FACT_CAPS, text, sizeof(text), &known, err) != 0 ||
        weir_catalog_fact_get(s->catalog, FACT_MARKED, marked, sizeof(marked), &has_marker,
                              err) != 0)
        return -1;
    if (!known || !has_marker)
        return first_contact(s, out_caps, err);
    *out_caps = (unsigned)strtoul(text, NULL, 10);
    return find_marker(s, err);
}
