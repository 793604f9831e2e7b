#include <jansson.h>
#include <stdlib.h>

#include "cli/app.h"

static const char *
text_of(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text != NULL ? text : "";
}

static void
print_human(const char *json)
{
    json_t *o = json_loads(json, 0, NULL), *cap;
    size_t i;
    static const char *const fields[] = {"job", "source", "destination", "state_dir"};
    for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++)
        if (json_object_get(o, fields[f]) != NULL)
            (void)printf("%-12s %s\n", fields[f], text_of(o, fields[f]));
    json_array_foreach(json_object_get(o, "capabilities"), i, cap)(void)
        printf("  %s %-26s %s\n", json_is_true(json_object_get(cap, "supported")) ? "+" : "-",
               text_of(cap, "name"), text_of(cap, "meaning"));
    if (json_is_true(json_object_get(o, "running")))
        (void)printf("another weir is at work on this job\n");
    if (json_is_true(json_object_get(o, "ok")))
        (void)printf("ready to seed\n");
    json_decref(o);
}

int
weir_cmd_check(struct weir_app *app)
{
    struct weir_err err = WEIR_ERR_INIT;
    char *json = NULL;
    int status = weir_app_load(app);
    if (status != 0)
        return status;
    struct weir_options o = weir_app_engine_options(app);
    int rc = weir_check(&o, &json, &err);
    if (json != NULL && app->options.json)
        (void)printf("%s\n", json);
    else if (json != NULL)
        print_human(json);
    free(json);
    return rc == 0 ? 0 : weir_app_fail(app, &err);
}
