/* reporting -- where the report of a pass goes, and its end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/run.h"

/* A wrong prefix must not fill the journal with a line for each file. */
#define WARNINGS_MAX 50

/* Is dir the same as, or below, top?  Both as realpath() gives them. */
static bool
is_below(const char *dir, const char *top)
{
    size_t n = strlen(top);
    if (strcmp(top, "/") == 0)
        return true;
    return strncmp(dir, top, n) == 0 && (dir[n] == '\0' || dir[n] == '/');
}

/* A report inside the lake would be seeded while it is written.  The state directory may lie
 * there: the walk never enters it. */
static int
check_place(const struct weir_run *r, const char *path, struct weir_err *err)
{
    char dir[4096];
    (void)snprintf(dir, sizeof(dir), "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash != NULL)
        slash[slash == dir ? 1 : 0] = '\0';
    char *here = realpath(slash != NULL ? dir : ".", NULL);
    char *lake = realpath(r->o->manifest->source.root, NULL);
    char *state = realpath(r->o->state_dir, NULL);
    int rc = 0;
    if (here != NULL && lake != NULL && is_below(here, lake) &&
        (state == NULL || !is_below(here, state)))
        rc = weir_err_set(err, WEIR_E_CONFIG,
                          "the report %s would lie inside source.root %s and be seeded itself: "
                          "choose another place",
                          path, r->o->manifest->source.root);
    free(here);
    free(lake);
    free(state);
    return rc;
}

void
weir_run_warn(struct weir_run *r, const char *path, const struct weir_err *why)
{
    char text[1024];
    if (r->warned < WARNINGS_MAX || r->report == NULL) /* a dry run has no report */
        weir_setup_log(&r->setup, WEIR_LOG_WARN, "%.900s%s%s", path != NULL ? path : "",
                       path != NULL ? ": " : "", weir_err_text(why, text, sizeof(text)));
    else if (r->warned == WARNINGS_MAX)
        weir_setup_log(&r->setup, WEIR_LOG_WARN,
                       "further failures are named in the report %s only",
                       weir_report_path(r->report));
    r->warned++;
}

int
weir_run_report_open(struct weir_run *r, struct weir_err *err)
{
    const char *dir = r->o->manifest->report.directory;
    char path[4096];
    int n = r->o->report_file != NULL
                ? snprintf(path, sizeof(path), "%s", r->o->report_file)
                : snprintf(path, sizeof(path), "%s/report-%06" PRId64 ".ndjson",
                           dir != NULL ? dir : r->o->state_dir, r->pass);
    if (n < 0 || (size_t)n >= sizeof(path))
        return weir_err_set(err, WEIR_E_CONFIG, "the path of the report is too long");
    if (check_place(r, path, err) != 0)
        return -1;
    return weir_report_open(path, r->o->manifest->name, r->pass, &r->report, err);
}

int
weir_run_report_close(struct weir_run *r, struct weir_err *err)
{
    char *json = weir_ledger_json(&r->ledger);
    if (json == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "ledger");
    struct weir_report *report = r->report;
    const struct weir_ledger *l = &r->ledger;
    if (l->count[WEIR_STATE_FAILED] + l->count[WEIR_STATE_UNSTABLE] > 0)
        weir_setup_log(&r->setup, WEIR_LOG_WARN, "every failed entry is named in the report %s",
                       weir_report_path(report));
    r->report = NULL;
    int rc = weir_report_close(report, json, err);
    free(json);
    return rc;
}
