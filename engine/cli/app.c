#include "cli/app.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char *
environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static uint64_t
random_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
        const struct weir_clock *c = weir_clock_system();
        seed = (uint64_t)c->wall_ns(c) ^ (uint64_t)getpid() << 40;
    }
    return seed;
}

static int
default_state_dir(const char *job, char *out, size_t out_bytes)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state != NULL && state[0] == '/')
        return snprintf(out, out_bytes, "%s/weir/%s", state, job);
    if (geteuid() == 0 || home == NULL || home[0] != '/')
        return snprintf(out, out_bytes, "/var/lib/weir/%s", job);
    return snprintf(out, out_bytes, "%s/.local/state/weir/%s", home, job);
}

int
weir_app_load(struct weir_app *app)
{
    struct weir_err err = WEIR_ERR_INIT;
    char *mistakes = NULL;
    if (weir_manifest_load(app->options.manifest_file, &app->manifest, &mistakes, &err) != 0) {
        if (mistakes == NULL) { /* no such file, no leave to read it: usage all the same */
            (void)weir_app_fail(app, &err);
            return 2;
        }
        (void)fputs(mistakes, stderr);
        free(mistakes);
        return weir_exit_status(&err, NULL);
    }
    int n =
        app->options.state_dir != NULL
            ? snprintf(app->state_dir, sizeof(app->state_dir), "%s", app->options.state_dir)
            : default_state_dir(app->manifest->name, app->state_dir, sizeof(app->state_dir));
    if (n >= 0 && (size_t)n < sizeof(app->state_dir))
        return 0;
    weir_err_set(&err, WEIR_E_USAGE, "the path of the state directory is too long");
    return weir_app_fail(app, &err);
}

static void
on_log(void *app, enum weir_log_level level, const char *text)
{
    weir_console_log(((struct weir_app *)app)->console, level, text);
}

static void
on_progress(void *app, const struct weir_progress *p)
{
    weir_console_progress(((struct weir_app *)app)->console, p);
}

static void
on_planned(void *app, const struct weir_planned *p)
{
    weir_plan_tell(app, p);
}

struct weir_options
weir_app_engine_options(struct weir_app *app)
{
    return (struct weir_options){
        .manifest = app->manifest,
        .state_dir = app->state_dir,
        .report_file = app->options.report_file,
        .report_all = app->options.report_all,
        .accept_root = app->options.accept_root,
        .dry_run = app->options.dry_run,
        .full = app->options.full,
        .allow_deletes = app->options.allow_deletes,
        .clock = weir_clock_system(),
        .cancel = app->cancel,
        .seed = random_seed(),
        .env = environment,
        .observer = {.ctx = app, .log = on_log, .progress = on_progress, .planned = on_planned},
    };
}

int
weir_app_fail(struct weir_app *app, const struct weir_err *err)
{
    char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    weir_console_log(app->console, WEIR_LOG_ERROR, weir_err_text(err, text, sizeof(text)));
    return weir_exit_status(err, NULL);
}
