/* plan -- the lines of a dry run: what would be done, one entry a line. */
#include <inttypes.h>
#include <string.h>

#include <weir/cancel.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "cli/app.h"
#include "observe/format.h"

static void
add_up(struct weir_plan *plan, const struct weir_planned *p)
{
    for (size_t i = 0; i < WEIR_PLAN_ACTIONS; i++) {
        if (plan->sum[i].action != NULL && strcmp(plan->sum[i].action, p->action) != 0)
            continue;
        plan->sum[i].action = p->action;
        plan->sum[i].count++;
        plan->sum[i].bytes += p->bytes;
        return;
    }
}

static void
put_json(struct weir_buf *b, const struct weir_planned *p)
{
    weir_buf_printf(b, "{\"action\":\"%s\",\"path\":", p->action);
    weir_buf_json(b, p->path, p->path_len);
    if (!weir_utf8_valid(p->path, p->path_len)) {
        weir_buf_text(b, ",\"path_b64\":\"");
        weir_buf_base64(b, p->path, p->path_len);
        weir_buf_text(b, "\"");
    }
    if (p->type != NULL)
        weir_buf_printf(b, ",\"type\":\"%s\"", p->type);
    weir_buf_printf(b, ",\"bytes\":%" PRIu64 "}\n", p->bytes);
}

void
weir_plan_tell(struct weir_app *app, const struct weir_planned *p)
{
    char size[WEIR_FORMAT_BYTES];
    struct weir_buf b = {0};
    add_up(&app->plan, p);
    if (app->options.json) {
        put_json(&b, p);
    } else {
        weir_buf_printf(&b, "%s ", p->action);
        weir_console_plain(&b, p->path, p->path_len);
        weir_buf_printf(&b, " (%s)\n", weir_format_bytes(p->bytes, size));
    }
    weir_console_clear(app->console);
    if (!b.failed)
        (void)fwrite(b.data, 1, b.len, stdout);
    weir_buf_fini(&b);
    if (ferror(stdout)) /* `| head` has seen enough */
        weir_cancel_raise(app->cancel, WEIR_CANCEL_DRAIN);
}
