#include "job/setup.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACT_ROOT_INO "root_ino" /* written by the catalog when it is made */
#define FACT_ROOT_BORN "root_born"

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

/* What tells the root directory from another one: its inode, and when it was made, where the
 * file system keeps that (a new file system often gives its root the same inode). */
struct root_facts {
    char ino[32], born[48];
};

static struct root_facts
facts_of(const struct weir_lake_root *root)
{
    struct root_facts f = {.born = ""};
    struct weir_time born;
    (void)snprintf(f.ino, sizeof(f.ino), "%" PRIu64, weir_lake_root_stat(root)->ino);
    if (weir_lake_root_born(root, &born))
        (void)snprintf(f.born, sizeof(f.born), "%" PRId64 ".%09" PRIu32, born.s, born.ns);
    return f;
}

int
weir_setup_same_root(struct weir_setup *s, struct weir_err *err)
{
    struct root_facts now = facts_of(s->root), before = {.born = ""};
    bool ino = false, born = false;
    if (weir_catalog_fact_get(s->catalog, FACT_ROOT_INO, before.ino, sizeof(before.ino), &ino,
                              err) != 0 ||
        weir_catalog_fact_get(s->catalog, FACT_ROOT_BORN, before.born, sizeof(before.born),
                              &born, err) != 0)
        return -1;
    bool other_ino = ino && strcmp(now.ino, before.ino) != 0;
    bool other_born = born && now.born[0] != '\0' && strcmp(now.born, before.born) != 0;
    if (s->options->accept_root || (!other_ino && !other_born))
        return 0;
    return weir_err_set(err, WEIR_E_SAFETY,
                        "source.root %s is another directory than in the earlier passes "
                        "(%s %s, then %s): is the file system mounted? If the lake has "
                        "really moved, run once with --accept-root",
                        s->options->manifest->source.root, other_ino ? "inode" : "made at",
                        other_ino ? now.ino : now.born, other_ino ? before.ino : before.born);
}

/* Remembers the root: when it was made from the first pass on that knows it, everything when
 * the user says that it moved. */
static int
keep_root(struct weir_setup *s, struct weir_err *err)
{
    struct root_facts now = facts_of(s->root);
    char before[48];
    bool known = false;
    if (weir_catalog_fact_get(s->catalog, FACT_ROOT_BORN, before, sizeof(before), &known,
                              err) != 0)
        return -1;
    bool born = now.born[0] != '\0' && (!known || s->options->accept_root);
    if (!born && !s->options->accept_root)
        return 0;
    if (weir_catalog_begin(s->catalog, err) != 0 ||
        (born && weir_catalog_fact_set(s->catalog, FACT_ROOT_BORN, now.born, err) != 0) ||
        weir_catalog_fact_set(s->catalog, FACT_ROOT_INO, now.ino, err) != 0)
        return -1;
    return weir_catalog_commit(s->catalog, err);
}

int
weir_setup_catalog(struct weir_setup *s, enum weir_catalog_mode mode, struct weir_err *err)
{
    const struct weir_manifest *m = s->options->manifest;
    /* Not the endpoint: a store may move, and the marker tells whether it is the same one. */
    struct weir_catalog_identity id = {.job = m->name,
                                       .destination = m->destination.url,
                                       .root = m->source.root,
                                       .job_id = s->new_job_id};
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

/* The root cannot be opened.  For a job that has seen it, that is no mistake in the manifest:
 * its file system is away, or may not be read. */
static int
root_is_missing(struct weir_setup *s, struct weir_err *err)
{
    struct weir_err ignored = WEIR_ERR_INIT;
    if (err->code == WEIR_E_CONFIG || err->code == WEIR_E_UNSUPPORTED ||
        weir_setup_catalog(s, WEIR_CATALOG_READ, &ignored) != 0)
        return -1;
    err->code = WEIR_E_SAFETY;
    return weir_err_add(err, "the lake of the earlier passes is not there: is it mounted?");
}

/* A dry run reads the catalog beside whoever works on it; before the first pass there is none.
 */
static int
open_dry(struct weir_setup *s, struct weir_err *err)
{
    struct weir_err why = WEIR_ERR_INIT;
    if (weir_setup_catalog(s, WEIR_CATALOG_READ, &why) == 0)
        return weir_setup_same_root(s, err);
    if (why.code == WEIR_E_NOT_FOUND)
        return 0;
    *err = why;
    return -1;
}

int
weir_setup_open(struct weir_setup *s, const struct weir_options *o, const char *new_job_id,
                struct weir_err *err)
{
    weir_setup_init(s, o);
    s->new_job_id = new_job_id;
    if (weir_setup_root(s, err) != 0)
        return root_is_missing(s, err);
    if (weir_setup_store(s, err) != 0)
        return -1;
    if (o->dry_run)
        return open_dry(s, err);
    if (weir_setup_catalog(s, WEIR_CATALOG_WRITE, err) != 0)
        return -1;
    return weir_setup_same_root(s, err) != 0 ? -1 : keep_root(s, err);
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
