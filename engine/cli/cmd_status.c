#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"
#include "observe/format.h"

static uint64_t
number_of(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

/* How a pass ended, or that it did not. */
static void
print_end(const json_t *pass, bool running)
{
    const json_t *status = json_object_get(pass, "exit_status");
    const char *command = json_string_value(json_object_get(pass, "command"));
    if (running)
        (void)printf("under way");
    else if (status != NULL)
        (void)printf("ended with status %" JSON_INTEGER_FORMAT, json_integer_value(status));
    else
        (void)printf("was killed; run weir %s to continue",
                     strcmp(command, "seed") == 0 ? command : "sync");
}

static void
print_pass(const json_t *pass, bool running)
{
    char n[WEIR_FORMAT_BYTES];
    const json_t *l = json_object_get(pass, "ledger");
    double updated = json_real_value(json_object_get(pass, "updated"));
    const struct weir_clock *c = weir_clock_system();
    (void)printf("pass %" JSON_INTEGER_FORMAT " (%s): ",
                 json_integer_value(json_object_get(pass, "pass")),
                 json_string_value(json_object_get(pass, "command")));
    print_end(pass, running);
    (void)printf(", last written %s ago\n",
                 weir_format_duration(c->wall_ns(c) - (int64_t)(updated * 1e9), n));
    if (l == NULL)
        return;
    (void)printf("  %-10s %14s\n", "seen", weir_format_count(number_of(l, "seen"), n));
    for (int s = 0; s < WEIR_STATES; s++) {
        const char *name = weir_state_name((enum weir_state)s);
        if (number_of(l, name) > 0)
            (void)printf("  %-10s %14s\n", name, weir_format_count(number_of(l, name), n));
    }
    (void)printf("  %-10s %14s\n", "bytes sent",
                 weir_format_bytes(number_of(l, "sent_bytes"), n));
    if (number_of(l, "copied_bytes") > 0)
        (void)printf("  %-10s %14s\n", "copied",
                     weir_format_bytes(number_of(l, "copied_bytes"), n));
    if (number_of(l, "quarantined") > 0)
        (void)printf("  %-10s %14s\n", "quarantine",
                     weir_format_count(number_of(l, "quarantined"), n));
    if (number_of(l, "pending") > 0)
        (void)printf("  %-10s %14s\n", "pending",
                     weir_format_count(number_of(l, "pending"), n));
}

static void
print_human(const char *json)
{
    char n[WEIR_FORMAT_BYTES], b[WEIR_FORMAT_BYTES];
    json_t *o = json_loads(json, 0, NULL);
    (void)printf("%s: %s%s\n%s -> %s\n", json_string_value(json_object_get(o, "job")),
                 json_string_value(json_object_get(o, "phase")),
                 json_is_true(json_object_get(o, "running")) ? ", running" : "",
                 json_string_value(json_object_get(o, "source")),
                 json_string_value(json_object_get(o, "destination")));
    char u[WEIR_FORMAT_BYTES];
    (void)printf("in the store: %s entries, %s; %s uploads open\n",
                 weir_format_count(number_of(o, "entries"), n),
                 weir_format_bytes(number_of(o, "bytes"), b),
                 weir_format_count(number_of(o, "open_uploads"), u));
    if (number_of(o, "vanished") > 0)
        (void)printf("vanished from the lake, still in the store: %s entries, %s\n",
                     weir_format_count(number_of(o, "vanished"), n),
                     weir_format_bytes(number_of(o, "vanished_bytes"), b));
    if (json_object_get(o, "last_pass") != NULL)
        print_pass(json_object_get(o, "last_pass"),
                   json_is_true(json_object_get(o, "running")));
    json_decref(o);
}

int
weir_cmd_status_show(struct weir_app *app)
{
    struct weir_err err = WEIR_ERR_INIT;
    char *json = NULL;
    struct weir_options o = weir_app_engine_options(app);
    if (weir_status(&o, &json, &err) != 0)
        return weir_app_fail(app, &err);
    if (app->options.json)
        (void)printf("%s\n", json);
    else
        print_human(json);
    free(json);
    return 0;
}

int
weir_cmd_status(struct weir_app *app)
{
    int status = weir_app_load(app);
    return status != 0 ? status : weir_cmd_status_show(app);
}
