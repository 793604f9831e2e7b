/* cmd_pass -- the commands that walk the lake: seed, sync, catalog rebuild. */
#include "cli/app.h"

typedef int pass_fn(const struct weir_options *o, struct weir_ledger *out,
                    struct weir_err *err);

/* For cron a pass without a fault has nothing to say; a plan is what was asked for. */
static bool
is_told(const struct weir_app *app, int status)
{
    return !app->quiet || status != 0 || app->options.dry_run;
}

static int
run_pass(struct weir_app *app, pass_fn *pass)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger ledger = {0};
    int status = weir_app_load(app);
    if (status != 0)
        return status;
    struct weir_options o = weir_app_engine_options(app);
    int rc = pass(&o, &ledger, &err);
    weir_console_clear(app->console);
    status = weir_exit_status(rc == 0 ? NULL : &err, &ledger);
    if (app->options.json)
        weir_summary_json(app, &ledger, &err, status);
    else if ((rc == 0 || ledger.seen > 0) && is_told(app, status))
        (app->options.dry_run ? weir_summary_plan : weir_summary_print)(app, &ledger);
    if (rc != 0)
        (void)weir_app_fail(app, &err);
    return status;
}

int
weir_cmd_seed(struct weir_app *app)
{
    return run_pass(app, weir_seed);
}

int
weir_cmd_sync(struct weir_app *app)
{
    return run_pass(app, weir_sync);
}

int
weir_cmd_rebuild(struct weir_app *app)
{
    return run_pass(app, weir_catalog_rebuild);
}
