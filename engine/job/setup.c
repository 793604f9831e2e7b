#include "job/setup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/rng.h>

#define FACT_ROOT_INO "root_ino" /* written by the catalog when it is made */
#define FACT_CAPS "store.capabilities"
#define WEIR_PROBE_PREFIX ".weir/probe-" /* see weir_transport_ops.probe */

void
weir_setup_log(const struct weir_setup *s, enum weir_log_level level, const char *fmt, ...)
{
    const struct weir_observer *ob = &s->options->observer;
    if (ob->log == NULL)
        return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    ob->log(ob->ctx, level, text);
}

void
weir_setup_init(struct weir_setup *s, const struct weir_options *o)
{
    memset(s, 0, sizeof(*s));
    s->options = o;
    weir_trouble_init(&s->trouble, o);
    s->transport_options = (struct weir_transport_options){
        .destination = &o->manifest->destination,
        .clock = o->clock,
        .cancel = o->cancel,
        .counters = &s->counters,
        .seed = o->seed,
        .env = o->env,
        .env_ctx = o->env_ctx,
        .on_retry = weir_trouble_note,
        .on_retry_ctx = &s->trouble,
    };
}

int
weir_setup_root(struct weir_setup *s, struct weir_err *err)
{
    const char *path = s->options->manifest->source.root;
    if (weir_lake_root_open(path, &s->root, err) != 0)
        return weir_err_add(err, "source.root %s", path);
    return 0;
}

/* An empty mount point has another inode than the file system that should be mounted there. */
static int
check_root(struct weir_setup *s, struct weir_err *err)
{
    char now[32], before[32];
    bool known = false;
    const struct weir_stat *st = weir_lake_root_stat(s->root);
    (void)snprintf(now, sizeof(now), "%" PRIu64, st->ino);
    if (weir_catalog_fact_get(s->catalog, FACT_ROOT_INO, before, sizeof(before), &known, err) !=
        0)
        return -1;
    if (known && strcmp(now, before) == 0)
        return 0;
    if (known && !s->options->accept_root)
        return weir_err_set(err, WEIR_E_SAFETY,
                            "source.root %s is another directory than in the earlier passes "
                            "(inode %s, then %s): is the file system mounted? If the lake has "
                            "really moved, run once with --accept-root",
                            s->options->manifest->source.root, now, before);
    if (weir_catalog_begin(s->catalog, err) != 0 ||
        weir_catalog_fact_set(s->catalog, FACT_ROOT_INO, now, err) != 0)
        return -1;
    return weir_catalog_commit(s->catalog, err);
}

int
weir_setup_catalog(struct weir_setup *s, enum weir_catalog_mode mode, struct weir_err *err)
{
    const struct weir_manifest *m = s->options->manifest;
    char destination[4096];
    (void)snprintf(destination, sizeof(destination), "%s%s%s", m->destination.url,
                   m->destination.endpoint != NULL ? " at " : "",
                   m->destination.endpoint != NULL ? m->destination.endpoint : "");
    struct weir_catalog_identity id = {
        .job = m->name, .destination = destination, .root = m->source.root};
    if (s->root != NULL) {
        id.root_dev = weir_lake_root_stat(s->root)->dev;
        id.root_ino = weir_lake_root_stat(s->root)->ino;
    }
    return weir_catalog_open(s->options->state_dir, mode, &id, s->options->seed, &s->catalog,
                             err);
}

int
weir_setup_store(struct weir_setup *s, struct weir_err *err)
{
    struct weir_transport *inner = NULL;
    if (weir_transport_open(&s->transport_options, &inner, err) != 0)
        return weir_err_add(err, "destination %s", s->options->manifest->destination.url);
    if (weir_transport_wrap(&s->transport_options, &s->options->manifest->transfer, inner,
                            &s->transport, err) != 0) {
        inner->ops->close(inner);
        return -1;
    }
    return 0;
}

int
weir_setup_open(struct weir_setup *s, const struct weir_options *o, struct weir_err *err)
{
    weir_setup_init(s, o);
    if (weir_setup_root(s, err) != 0 || weir_setup_store(s, err) != 0 ||
        weir_setup_catalog(s, WEIR_CATALOG_WRITE, err) != 0)
        return -1;
    return check_root(s, err);
}

void
weir_setup_close(struct weir_setup *s)
{
    if (s->transport != NULL)
        s->transport->ops->close(s->transport);
    weir_catalog_close(s->catalog);
    weir_lake_root_close(s->root);
    s->transport = NULL;
    s->catalog = NULL;
    s->root = NULL;
    weir_trouble_fini(&s->trouble);
}

static int
keep_caps(struct weir_setup *s, unsigned caps, struct weir_err *err)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%u", caps);
    if (weir_catalog_begin(s->catalog, err) != 0 ||
        weir_catalog_fact_set(s->catalog, FACT_CAPS, text, err) != 0)
        return -1;
    return weir_catalog_commit(s->catalog, err);
}

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
        if (t->ops->list_uploads(t, WEIR_PROBE_PREFIX, first_upload, &l, err) != 0)
            return -1;
        if (!l.found)
            break;
        if (t->ops->abort_upload(t, l.key, l.upload_id, err) != 0)
            return -1;
    }
    for (int i = 0; i < LEFTOVERS_MAX; i++) {
        struct leftover l = {0};
        if (t->ops->list(t, WEIR_PROBE_PREFIX, NULL, first_object, &l, err) != 0)
            return -1;
        if (!l.found)
            break;
        if (t->ops->remove(t, l.key, err) != 0)
            return -1;
    }
    return 0;
}

int
weir_setup_caps(struct weir_setup *s, unsigned *out_caps, struct weir_err *err)
{
    char text[16];
    bool known = false;
    if (weir_catalog_fact_get(s->catalog, FACT_CAPS, text, sizeof(text), &known, err) != 0)
        return -1;
    if (known) {
        *out_caps = (unsigned)strtoul(text, NULL, 10);
        return 0;
    }
    struct weir_rng rng = {s->options->seed};
    unsigned caps = 0;
    if (s->transport->ops->probe(s->transport, weir_rng_next(&rng), &caps, err) != 0) {
        err->scope = WEIR_SCOPE_RUN;
        return weir_err_add(err, "first contact with %s",
                            s->transport->ops->describe(s->transport));
    }
    if (sweep_probes(s->transport, err) != 0)
        return -1;
    if ((caps & WEIR_CAP_PUT_CHECKSUM) == 0)
        weir_setup_log(s, WEIR_LOG_WARN,
                       "%s does not check CRC64NVME: entries are reported as uploaded, not as "
                       "verified",
                       s->transport->ops->describe(s->transport));
    *out_caps = caps;
    return keep_caps(s, caps, err);
}
