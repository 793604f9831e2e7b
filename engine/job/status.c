/* status -- what the catalog knows of a job, also while another process works on it. */
#include <jansson.h>
#include <stdlib.h>

#include "catalog/state_dir.h"
#include "job/setup.h"

static const char *
phase_of(const struct weir_catalog_pass *p)
{
    /* 5 at the end of a pass: the guard kept deletes back, all else is done */
    bool whole = p->exit_status == 0 || p->exit_status == 3 || p->exit_status == 5;
    return p->finished && whole ? "seeded" : "seeding";
}

static json_t *
pass_json(const struct weir_catalog_pass *p)
{
    json_t *o = json_object();
    (void)json_object_set_new(o, "pass", json_integer(p->pass));
    (void)json_object_set_new(o, "command", json_string(p->command));
    (void)json_object_set_new(o, "started", json_real((double)p->started_ns / 1e9));
    (void)json_object_set_new(o, "updated", json_real((double)p->updated_ns / 1e9));
    (void)json_object_set_new(o, "finished", json_boolean(p->finished));
    if (p->finished || p->exit_status != 0) /* 0 and not finished: at work, or killed */
        (void)json_object_set_new(o, "exit_status", json_integer(p->exit_status));
    if (p->ledger_json != NULL)
        (void)json_object_set_new(o, "ledger", json_loads(p->ledger_json, 0, NULL));
    return o;
}

static int
count_upload(void *ctx, const struct weir_catalog_upload *u)
{
    (void)u;
    ++*(uint64_t *)ctx;
    return 0;
}

/* Whether a process works on the job now: it holds the lock. */
static bool
is_running(const struct weir_options *o)
{
    struct weir_state_dir dir = WEIR_STATE_DIR_INIT;
    struct weir_err ignored = WEIR_ERR_INIT;
    if (weir_state_dir_peek(o->state_dir, &dir, &ignored) != 0)
        return false;
    bool locked = weir_state_dir_is_locked(&dir);
    weir_state_dir_close(&dir);
    return locked;
}

static int
describe(struct weir_setup *s, bool running, char **out_json, struct weir_err *err)
{
    const struct weir_manifest *m = s->options->manifest;
    struct weir_catalog_pass last = {0};
    bool found = false;
    uint64_t entries = 0, bytes = 0, uploads = 0, gone = 0, gone_bytes = 0;
    if (weir_catalog_pass_last(s->catalog, &last, &found, err) != 0 ||
        weir_catalog_totals(s->catalog, &entries, &bytes, err) != 0 ||
        weir_catalog_gone_count(s->catalog, INT64_MAX, &gone, &gone_bytes, err) != 0 ||
        weir_catalog_upload_each(s->catalog, count_upload, &uploads, err) != 0) {
        free(last.ledger_json);
        return -1;
    }
    json_t *o = json_object();
    (void)json_object_set_new(o, "job", json_string(m->name));
    (void)json_object_set_new(o, "source", json_string(m->source.root));
    (void)json_object_set_new(o, "destination", json_string(m->destination.url));
    (void)json_object_set_new(o, "phase", json_string(found ? phase_of(&last) : "new"));
    (void)json_object_set_new(o, "running", json_boolean(running));
    (void)json_object_set_new(o, "entries", json_integer((json_int_t)entries));
    (void)json_object_set_new(o, "bytes", json_integer((json_int_t)bytes));
    (void)json_object_set_new(o, "vanished", json_integer((json_int_t)gone));
    (void)json_object_set_new(o, "vanished_bytes", json_integer((json_int_t)gone_bytes));
    (void)json_object_set_new(o, "open_uploads", json_integer((json_int_t)uploads));
    if (found)
        (void)json_object_set_new(o, "last_pass", pass_json(&last));
    free(last.ledger_json);
    *out_json = json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    json_decref(o);
    return *out_json == NULL ? weir_err_set(err, WEIR_E_NOMEM, "status") : 0;
}

int
weir_status(const struct weir_options *o, char **out_json, struct weir_err *err)
{
    struct weir_setup s;
    weir_setup_init(&s, o);
    *out_json = NULL;
    struct weir_err why = WEIR_ERR_INIT;
    int rc = weir_setup_catalog(&s, WEIR_CATALOG_READ, &why);
    if (rc != 0 && why.code == WEIR_E_NOT_FOUND)
        weir_err_set(
            err, WEIR_E_NOT_FOUND,
            "no pass of job %s has begun yet (there is no catalog in %s); run weir seed",
            o->manifest->name, o->state_dir);
    else if (rc != 0)
        *err = why;
    if (rc == 0)
        rc = describe(&s, is_running(o), out_json, err);
    weir_setup_close(&s);
    return rc;
}
