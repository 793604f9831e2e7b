/* summary -- how a pass ended, for people and for programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/app.h"
#include "observe/format.h"

static void
print_title(const struct weir_app *app, const struct weir_ledger *l, const char *note)
{
    char n[WEIR_FORMAT_BYTES], t[WEIR_FORMAT_BYTES];
    (void)printf("%s: %s%s entries in %s\n", app->manifest->name, note,
                 weir_format_count(l->seen, n), weir_format_duration(l->elapsed_ns, t));
}

static void
print_row(const char *name, uint64_t count, uint64_t bytes)
{
    char n[WEIR_FORMAT_BYTES], b[WEIR_FORMAT_BYTES];
    if (count > 0)
        (void)printf("  %-10s %14s  %s\n", name, weir_format_count(count, n),
                     weir_format_bytes(bytes, b));
}

/* Returns the bytes of all states. */
static uint64_t
print_states(const struct weir_ledger *l)
{
    uint64_t bytes = 0;
    for (int s = 0; s < WEIR_STATES; s++) {
        print_row(weir_state_name((enum weir_state)s), l->count[s], l->bytes[s]);
        bytes += l->bytes[s];
    }
    return bytes;
}

static void
print_copies(const struct weir_ledger *l)
{
    char n[WEIR_FORMAT_BYTES], p[WEIR_FORMAT_BYTES], b[WEIR_FORMAT_BYTES];
    if (l->copied_objects + l->parts_copied > 0)
        (void)printf("copied by the store itself: %s objects and %s parts of others, %s\n",
                     weir_format_count(l->copied_objects, n),
                     weir_format_count(l->parts_copied, p),
                     weir_format_bytes(l->copied_bytes, b));
    if (l->quarantined > 0)
        (void)printf("of the deleted %s are below .weir/quarantine/\n",
                     weir_format_count(l->quarantined, n));
}

void
weir_summary_print(const struct weir_app *app, const struct weir_ledger *l)
{
    char n[WEIR_FORMAT_BYTES], b[WEIR_FORMAT_BYTES], t[WEIR_FORMAT_BYTES];
    uint64_t pending = weir_ledger_pending(l);
    print_title(app, l, "");
    uint64_t bytes = print_states(l);
    if (pending > 0)
        (void)printf("  %-10s %14s\n", "pending", weir_format_count(pending, n));
    (void)printf("  %-10s %14s  %s, in %s directories\n", "sum", weir_format_count(l->seen, n),
                 weir_format_bytes(bytes, b), weir_format_count(l->directories, t));
    print_copies(l);
    (void)printf("sent %s objects, %s; ", weir_format_count(l->sent_objects, n),
                 weir_format_bytes(l->sent_bytes, b));
    if (l->found > 0)
        (void)printf("%s were there already; ", weir_format_count(l->found, n));
    (void)printf("%" PRIu64 " requests, %" PRIu64 " retries\n", l->requests, l->retries);
}

void
weir_summary_plan(const struct weir_app *app, const struct weir_ledger *l)
{
    print_title(app, l, "dry run, ");
    for (size_t i = 0; i < WEIR_PLAN_ACTIONS && app->plan.sum[i].action != NULL; i++)
        print_row(app->plan.sum[i].action, app->plan.sum[i].count, app->plan.sum[i].bytes);
    (void)print_states(l);
}

static void
put_plan(struct weir_buf *b, const struct weir_plan *plan)
{
    weir_buf_text(b, ",\"planned\":{");
    for (size_t i = 0; i < WEIR_PLAN_ACTIONS && plan->sum[i].action != NULL; i++)
        weir_buf_printf(b, "%s\"%s\":{\"count\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
                        i > 0 ? "," : "", plan->sum[i].action, plan->sum[i].count,
                        plan->sum[i].bytes);
    weir_buf_text(b, "}");
}

void
weir_summary_json(const struct weir_app *app, const struct weir_ledger *l,
                  const struct weir_err *err, int status)
{
    struct weir_buf b = {0};
    char *ledger = weir_ledger_json(l), text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    weir_buf_printf(&b, "{\"summary\":%s,\"exit_status\":%d", ledger != NULL ? ledger : "null",
                    status);
    if (app->options.dry_run)
        put_plan(&b, &app->plan);
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
