/* sync -- one incremental pass for cron: a pass with deletes, and the metrics of how it went.
 */
#include <stdlib.h>

#include "job/run.h"
#include "observe/textfile.h"

/* The metrics are written whatever came of the pass, so that silence is seen, too. */
static void
write_metrics(const struct weir_options *o, const struct weir_ledger *ledger, int status,
              int64_t last_good_ns)
{
    const char *path = o->manifest->metrics.textfile;
    struct weir_textfile t = {.job = o->manifest->name,
                              .exit_status = status,
                              .now_ns = o->clock->wall_ns(o->clock),
                              .last_good_ns = last_good_ns,
                              .ledger = ledger};
    struct weir_err err = WEIR_ERR_INIT;
    char text[1024];
    if (path == NULL || o->dry_run || weir_textfile_write(path, &t, &err) == 0)
        return;
    weir_err_add(&err, "metrics.textfile %s", path);
    if (o->observer.log != NULL)
        o->observer.log(o->observer.ctx, WEIR_LOG_WARN,
                        weir_err_text(&err, text, sizeof(text)));
}

int
weir_sync(const struct weir_options *o, struct weir_ledger *out, struct weir_err *err)
{
    struct weir_run *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "pass");
    r->o = o;
    r->delete_pass = true;
    int rc = weir_run_pass(r, out, err);
    if (rc == 0 || err->code != WEIR_E_LOCKED) /* the pass that has the lock writes its own */
        write_metrics(o, out, weir_exit_status(rc == 0 ? NULL : err, out), r->last_good_ns);
    free(r);
    return rc;
}
