#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/app.h"
#include "observe/format.h"

static void
print_ledger(const struct weir_app *app, const struct weir_ledger *l)
{
    char n[WEIR_FORMAT_BYTES], b[WEIR_FORMAT_BYTES], t[WEIR_FORMAT_BYTES];
    uint64_t bytes = 0;
    (void)printf("%s: %s entries in %s\n", app->manifest->name, weir_format_count(l->seen, n),
                 weir_format_duration(l->elapsed_ns, t));
    for (int s = 0; s < WEIR_STATES; s++) {
        if (l->count[s] > 0)
            (void)printf("  %-10s %14s  %s\n", weir_state_name((enum weir_state)s),
                         weir_format_count(l->count[s], n), weir_format_bytes(l->bytes[s], b));
        bytes += l->bytes[s];
    }
    if (weir_ledger_pending(l) > 0)
        (void)printf("  %-10s %14s\n", "pending", weir_format_count(weir_ledger_pending(l), n));
    (void)printf("  %-10s %14s  %s, in %s directories\n", "sum", weir_format_count(l->seen, n),
                 weir_format_bytes(bytes, b), weir_format_count(l->directories, t));
    (void)printf("sent %s objects, %s; ", weir_format_count(l->sent_objects, n),
                 weir_format_bytes(l->sent_bytes, b));
    if (l->found > 0)
        (void)printf("%s were there already; ", weir_format_count(l->found, n));
    (void)printf("%" PRIu64 " requests, %" PRIu64 " retries\n", l->requests, l->retries);
}

static void
print_json(const struct weir_ledger *l, const struct weir_err *err, int status)
{
    struct weir_buf b = {0};
    char *ledger = weir_ledger_json(l), text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    weir_buf_printf(&b, "{\"summary\":%s,\"exit_status\":%d", ledger != NULL ? ledger : "null",
                    status);
    if (err->code != WEIR_OK) {
        weir_buf_printf(&b, ",\"code\":\"%s\",\"error\":", weir_err_name(err->code));
        weir_err_text(err, text, sizeof(text));
        weir_buf_json(&b, text, strlen(text));
    }
    weir_buf_text(&b, "}\n");
    if (!b.failed)
        (void)fwrite(b.data, 1, b.len, stdout);
    weir_buf_fini(&b);
    free(ledger);
}

int
weir_cmd_seed(struct weir_app *app)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_ledger ledger = {0};
    int status = weir_app_load(app);
    if (status != 0)
        return status;
    struct weir_options o = weir_app_engine_options(app);
    int rc = weir_seed(&o, &ledger, &err);
    weir_console_clear(app->console);
    status = weir_exit_status(rc == 0 ? NULL : &err, &ledger);
    if (app->options.json)
        print_json(&ledger, &err, status);
    else if (rc == 0 || ledger.seen > 0)
        print_ledger(app, &ledger);
    if (rc != 0)
        (void)weir_app_fail(app, &err);
    return status;
}
