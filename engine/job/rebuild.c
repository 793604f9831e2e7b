/* rebuild -- a catalog from lake and store alone: the job's id is read from its marker in the
 * store, then a pass asks for every object and sends nothing. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"

#define MARKER_PREFIX ".weir/job-"
#define ID_CHARS 32
#define MARKERS_MAX 1000
#define BODY_MAX 4096

struct markers {
    char id[MARKERS_MAX][ID_CHARS + 1];
    size_t count;
};

static int
note_marker(void *ctx, const struct weir_listed *object)
{
    struct markers *m = ctx;
    const char *id = object->key + strlen(MARKER_PREFIX);
    if (strlen(id) == ID_CHARS && strspn(id, "0123456789abcdef") == ID_CHARS)
        (void)snprintf(m->id[m->count++], ID_CHARS + 1, "%s", id);
    return m->count == MARKERS_MAX;
}

struct body {
    char text[BODY_MAX];
    size_t bytes;
};

static int
note_body(void *ctx, const void *data, size_t bytes)
{
    struct body *b = ctx;
    if (bytes > sizeof(b->text) - b->bytes)
        return 1;
    memcpy(b->text + b->bytes, data, bytes);
    b->bytes += bytes;
    return 0;
}

/* Does the marker name this job? */
static bool
is_of_job(struct weir_setup *s, const char *id)
{
    char key[64];
    struct body body = {.bytes = 0};
    struct weir_err ignored = WEIR_ERR_INIT;
    (void)snprintf(key, sizeof(key), MARKER_PREFIX "%s", id);
    if (s->transport->ops->get(s->transport, key, 0, UINT64_MAX, note_body, &body, &ignored) !=
        0)
        return false;
    json_t *o = json_loadb(body.text, body.bytes, 0, NULL);
    const char *job = json_string_value(json_object_get(o, "job"));
    bool ours = job != NULL && strcmp(job, s->options->manifest->name) == 0;
    json_decref(o);
    return ours;
}

static int
choose(struct weir_setup *s, const struct markers *m, char out_id[ID_CHARS + 1],
       struct weir_err *err)
{
    size_t found = 0;
    for (size_t i = 0; i < m->count; i++)
        if (is_of_job(s, m->id[i]) && found++ == 0)
            (void)snprintf(out_id, ID_CHARS + 1, "%s", m->id[i]);
    if (found == 1)
        return 0;
    weir_err_set(err, WEIR_E_NOT_FOUND,
                 found == 0
                     ? "%s has no marker (" MARKER_PREFIX "...) of a job %s: nothing can be "
                       "rebuilt; take its objects over with destination.existing: adopt"
                     : "%s has several markers (" MARKER_PREFIX "...) of a job %s: remove "
                       "those of jobs that are given up",
                 s->transport->ops->describe(s->transport), s->options->manifest->name);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

static int
find_job(const struct weir_options *o, char out_id[ID_CHARS + 1], struct weir_err *err)
{
    struct weir_setup s;
    struct markers *m = calloc(1, sizeof(*m));
    weir_setup_init(&s, o);
    int rc = m == NULL ? weir_err_set(err, WEIR_E_NOMEM, "markers") : weir_setup_store(&s, err);
    if (rc == 0)
        rc = s.transport->ops->list(s.transport, MARKER_PREFIX, NULL, note_marker, m, err);
    if (rc == 0)
        rc = choose(&s, m, out_id, err);
    weir_setup_close(&s);
    free(m);
    return rc;
}

/* A catalog that a job works with is not made anew beside it. */
static int
check_none(const struct weir_options *o, struct weir_err *err)
{
    struct weir_setup s;
    struct weir_err why = WEIR_ERR_INIT;
    weir_setup_init(&s, o);
    int rc = weir_setup_catalog(&s, WEIR_CATALOG_READ, &why);
    weir_setup_close(&s);
    if (rc != 0 && why.code == WEIR_E_NOT_FOUND)
        return 0;
    weir_err_set(err, WEIR_E_SAFETY,
                 "%s has a catalog already: move it away, or give another --state directory",
                 o->state_dir);
    err->scope = WEIR_SCOPE_RUN;
    return -1;
}

int
weir_catalog_rebuild(const struct weir_options *o, struct weir_ledger *out,
                     struct weir_err *err)
{
    char id[ID_CHARS + 1];
    *out = (struct weir_ledger){0};
    if (check_none(o, err) != 0 || find_job(o, id, err) != 0)
        return -1;
    struct weir_run *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "pass");
    r->o = o;
    r->rebuild = true;
    r->job_id = id;
    int rc = weir_run_pass(r, out, err);
    free(r);
    return rc;
}
