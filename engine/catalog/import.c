/* import -- a catalog from lines.  Every byte is untrusted: what export would not have written
 * is refused with the number of its line, and nothing of the import stays. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "catalog/import.h"
#include "catalog/schema.h"

#define FACT_BYTES 8192       /* as long as any that is read */
#define PASSES_MAX (1u << 30) /* leaves room to count on */

int
weir_import_wrong(const struct weir_import *m, struct weir_err *err, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    weir_err_set(err, WEIR_E_CONFIG, "line %" PRIu64 " of the import: %s", m->line, what);
    if (err != NULL)
        err->scope = WEIR_SCOPE_RUN;
    return -1;
}

static int
unsafe(const char *why, struct weir_err *err)
{
    weir_err_set(err, WEIR_E_SAFETY, "%s", why);
    if (err != NULL)
        err->scope = WEIR_SCOPE_RUN;
    return -1;
}

int
weir_import_end(const struct weir_import *m, const struct weir_fields *f, struct weir_err *err)
{
    if (weir_fields_end(f))
        return 0;
    if (f->bad == NULL)
        return weir_import_wrong(m, err, "it has a field that does not belong there");
    return weir_import_wrong(m, err, "\"%s\" is missing or wrong", f->bad);
}

int
weir_import_follow(struct weir_buf *last, bool first, const char *bytes, size_t len,
                   struct weir_err *err)
{
    size_t both = len < last->len ? len : last->len;
    int order = both > 0 ? memcmp(last->data, bytes, both) : 0;
    if (!first && (order > 0 || (order == 0 && last->len >= len)))
        return 0;
    weir_buf_clear(last);
    weir_buf_bytes(last, bytes, len);
    return last->failed ? weir_err_set(err, WEIR_E_NOMEM, "a line of the import") : 1;
}

/* ---- header ---- */

/* The next pass gets a number that the catalog before never gave: SQLite remembers the highest
 * that was ever in the table. */
static int
keep_passes(struct weir_catalog *c, uint64_t passes, struct weir_err *err)
{
    struct weir_stmt q;
    if (passes == 0)
        return 0;
    if (weir_stmt_take_write(c, WEIR_STMT_PASS_NUMBER_SET,
                             "INSERT INTO pass (pass, command, started_ns, updated_ns,"
                             " finished, exit_status) VALUES (?, '', 0, 0, 0, 0)",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_uint(&q, passes);
    if (weir_stmt_run(&q, "keep the number of the last pass", err) != 0 ||
        weir_stmt_take_write(c, WEIR_STMT_PASS_NUMBER_KEEP, "DELETE FROM pass", &q, err) != 0)
        return -1;
    return weir_stmt_run(&q, "keep the number of the last pass", err);
}

static int
take_header(struct weir_import *m, struct weir_fields *f, struct weir_err *err)
{
    size_t bytes;
    uint64_t version = weir_fields_u64(f, "weir_catalog", INT64_MAX);
    if (f->bad != NULL)
        return weir_import_wrong(m, err, "this is not the export of a catalog");
    if (version != WEIR_EXCHANGE_VERSION)
        return weir_import_wrong(
            m, err, "the export has format %" PRIu64 ", this weir reads %d: use that version",
            version, WEIR_EXCHANGE_VERSION);
    (void)weir_fields_bytes(f, "weir", &bytes);
    uint64_t passes = weir_fields_u64(f, "passes", PASSES_MAX);
    if (weir_import_end(m, f, err) != 0)
        return -1;
    m->header = true;
    return keep_passes(m->c, passes, err);
}

/* ---- facts ---- */

/* A fact that says whose catalog it is must be that of this one. */
static int
compare_fact(struct weir_import *m, const char *name, const char *value, struct weir_err *err)
{
    char mine[FACT_BYTES], why[1024];
    bool found = false;
    if (weir_catalog_fact_get(m->c, name, mine, sizeof(mine), &found, err) != 0)
        return -1;
    if (found && strcmp(mine, value) == 0)
        return 0;
    (void)snprintf(why, sizeof(why),
                   "the import was made for %s \"%.128s\", the manifest says \"%.128s\"", name,
                   value, found ? mine : "");
    return unsafe(why, err);
}

static int
keep_fact(struct weir_import *m, const char *name, const char *value, struct weir_err *err)
{
    static const char *const whose[] = {"job", "destination", "root"}; /* WEIR_HAS_JOB, ... */
    for (size_t i = 0; i < sizeof(whose) / sizeof(whose[0]); i++)
        if (strcmp(name, whose[i]) == 0) {
            m->has |= 1u << i;
            return compare_fact(m, name, value, err);
        }
    if (strcmp(name, "job_id") == 0) {
        size_t digits = sizeof(m->job_id) - 1;
        if (strlen(value) != digits || strspn(value, "0123456789abcdef") != digits)
            return weir_import_wrong(m, err, "this is not the id of a job");
        memcpy(m->job_id, value, digits + 1);
        m->has |= WEIR_HAS_JOB_ID;
    }
    return weir_catalog_fact_set(m->c, name, value, err);
}

static int
take_fact(struct weir_import *m, struct weir_fields *f, struct weir_err *err)
{
    size_t name_len, value_len;
    const char *name = weir_fields_bytes(f, "fact", &name_len);
    const char *value = weir_fields_bytes(f, "value", &value_len);
    if (weir_import_end(m, f, err) != 0)
        return -1;
    if (m->dirs > 0)
        return weir_import_wrong(m, err, "a fact behind the first directory");
    if (name_len == 0 || value_len >= FACT_BYTES)
        return weir_import_wrong(m, err, "a fact has a name, and less than %d bytes",
                                 FACT_BYTES);
    if (strncmp(name, WEIR_EXCHANGE_LOCAL_FACT, strlen(WEIR_EXCHANGE_LOCAL_FACT)) == 0)
        return weir_import_wrong(m, err, "a fact about a machine");
    int rc = weir_import_follow(&m->last_fact, m->facts == 0, name, name_len, err);
    if (rc <= 0)
        return rc < 0 ? -1 : weir_import_wrong(m, err, "the facts are not in order");
    m->facts++;
    return keep_fact(m, name, value, err);
}

/* ---- all lines ---- */

static int
take_summary(struct weir_import *m, struct weir_fields *f, struct weir_err *err)
{
    struct weir_fields s = weir_fields_object(f, "summary");
    uint64_t facts = weir_fields_u64(&s, "facts", UINT64_MAX);
    uint64_t dirs = weir_fields_u64(&s, "directories", UINT64_MAX);
    uint64_t entries = weir_fields_u64(&s, "entries", UINT64_MAX);
    uint64_t digests = weir_fields_u64(&s, "digests", UINT64_MAX);
    uint64_t crc = weir_fields_crc64nvme(&s, "crc64nvme");
    if (weir_import_end(m, f, err) != 0 || weir_import_end(m, &s, err) != 0)
        return -1;
    if (facts != m->facts || dirs != m->dirs || entries != m->entries || digests != m->digests)
        return weir_import_wrong(m, err, "the summary counts other lines than there are");
    if (crc != m->crc)
        return weir_import_wrong(m, err, "the lines before are not those that were exported");
    if (m->has != WEIR_HAS_ALL)
        return weir_import_wrong(m, err, "the facts do not say whose catalog it is");
    m->summary = true;
    return 0;
}

static int
take_object(struct weir_import *m, json_t *object, struct weir_err *err)
{
    static const struct {
        const char *field; /* that tells the kind of a line */
        int (*take)(struct weir_import *m, struct weir_fields *f, struct weir_err *err);
    } kinds[] = {{"name", weir_import_entry},
                 {"digests", weir_import_digests},
                 {"dir", weir_import_dir},
                 {"fact", take_fact},
                 {"summary", take_summary}};
    struct weir_fields f = {.object = object};
    if (!m->header)
        return take_header(m, &f, err);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (!weir_fields_have(&f, kinds[i].field))
            continue;
        if (m->waiting != NULL && kinds[i].take != weir_import_digests)
            return weir_import_wrong(m, err, "the entry before it lacks digests");
        return kinds[i].take(m, &f, err);
    }
    return weir_import_wrong(m, err, "nobody knows what this is");
}

static int
take_line(struct weir_import *m, const char *line, size_t bytes, struct weir_err *err)
{
    json_error_t why;
    m->line++;
    if (m->summary)
        return weir_import_wrong(m, err, "something behind the summary");
    if (bytes > WEIR_EXCHANGE_LINE_BYTES)
        return weir_import_wrong(m, err, "longer than %zu bytes", WEIR_EXCHANGE_LINE_BYTES);
    json_t *object = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &why);
    int rc;
    if (object == NULL && json_error_code(&why) == json_error_out_of_memory)
        rc = weir_err_set(err, WEIR_E_NOMEM, "a line of the import");
    else if (object == NULL)
        rc = weir_import_wrong(m, err, "%s", why.text);
    else
        rc = json_is_object(object) ? take_object(m, object, err)
                                    : weir_import_wrong(m, err, "not a JSON object");
    json_decref(object);
    m->crc = weir_crc64nvme(weir_crc64nvme(m->crc, line, bytes), "\n", 1);
    return rc;
}

static int
take_all(struct weir_import *m, weir_exchange_in_fn *next, void *ctx, struct weir_err *err)
{
    const char *line = NULL;
    size_t bytes = 0;
    int got;
    while ((got = next(ctx, &line, &bytes, err)) == 1)
        if (take_line(m, line, bytes, err) != 0)
            return -1;
    if (got < 0)
        return -1;
    m->line++;
    return m->summary ? 0
                      : weir_import_wrong(m, err, "the end is missing: there is no summary");
}

static int
check_empty(struct weir_catalog *c, struct weir_err *err)
{
    struct weir_stmt q;
    char why[512];
    if (weir_stmt_take(c, WEIR_STMT_IS_EMPTY,
                       "SELECT NOT EXISTS (SELECT 1 FROM dir) AND NOT EXISTS (SELECT 1 FROM"
                       " entry) AND NOT EXISTS (SELECT 1 FROM upload) AND NOT EXISTS (SELECT 1"
                       " FROM pass)",
                       &q, err) != 0)
        return -1;
    int got = weir_stmt_step(&q, "see whether it is empty", err);
    if (got < 0)
        return -1;
    bool empty = got == 1 && weir_stmt_int(&q) != 0;
    weir_stmt_release(&q);
    if (empty)
        return 0;
    (void)snprintf(
        why, sizeof(why),
        "catalog %.300s is not empty: give the import a --state directory of its own", c->path);
    return unsafe(why, err);
}

int
weir_catalog_import(struct weir_catalog *c, weir_exchange_in_fn *next, void *ctx,
                    struct weir_err *err)
{
    struct weir_import m = {.c = c};
    if (check_empty(c, err) != 0 || weir_catalog_begin(c, err) != 0)
        return -1;
    int rc = take_all(&m, next, ctx, err);
    if (rc == 0)
        rc = weir_schema_index_inodes(c, err);
    if (rc == 0)
        rc = weir_catalog_commit(c, err);
    if (rc == 0)
        memcpy(c->job_id, m.job_id, sizeof(c->job_id));
    else
        weir_catalog_roll_back(c);
    json_decref(m.waiting);
    weir_buf_fini(&m.last_fact);
    weir_buf_fini(&m.last_dir);
    weir_buf_fini(&m.last_name);
    weir_buf_fini(&m.chunk_data);
    return rc;
}
