/* ledger -- the counts of a pass: sums, JSON, and the exit status that follows. */
#include <jansson.h>
#include <stdlib.h>

#include <weir/weir.h>

uint64_t
weir_ledger_pending(const struct weir_ledger *l)
{
    uint64_t sum = 0;
    for (int s = 0; s < WEIR_STATES; s++)
        sum += l->count[s];
    return l->seen - sum;
}

static void
set_u64(json_t *o, const char *name, uint64_t value)
{
    (void)json_object_set_new(o, name, json_integer((json_int_t)value));
}

char *
weir_ledger_json(const struct weir_ledger *l)
{
    json_t *o = json_object(), *bytes = json_object();
    if (o == NULL || bytes == NULL)
        goto done;
    set_u64(o, "seen", l->seen);
    for (int s = 0; s < WEIR_STATES; s++) {
        const char *name = weir_state_name((enum weir_state)s);
        set_u64(o, name, l->count[s]);
        set_u64(bytes, name, l->bytes[s]);
    }
    set_u64(o, "pending", weir_ledger_pending(l));
    (void)json_object_set(o, "bytes", bytes);
    set_u64(o, "directories", l->directories);
    set_u64(o, "found", l->found);
    set_u64(o, "sent_objects", l->sent_objects);
    set_u64(o, "sent_bytes", l->sent_bytes);
    set_u64(o, "parts_sent", l->parts_sent);
    set_u64(o, "parts_reused", l->parts_reused);
    set_u64(o, "parts_copied", l->parts_copied);
    set_u64(o, "copied_objects", l->copied_objects);
    set_u64(o, "copied_bytes", l->copied_bytes);
    set_u64(o, "reread", l->reread);
    set_u64(o, "quarantined", l->quarantined);
    set_u64(o, "requests", l->requests);
    set_u64(o, "retries", l->retries);
    set_u64(o, "throttled", l->throttled);
    set_u64(o, "wire_bytes", l->wire_bytes);
    set_u64(o, "connections", l->connections);
    (void)json_object_set_new(o, "started", json_real((double)l->started_ns / 1e9));
    (void)json_object_set_new(o, "seconds", json_real((double)l->elapsed_ns / 1e9));
done:;
    char *text =
        o != NULL && bytes != NULL
            ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12))
            : NULL;
    json_decref(o);
    json_decref(bytes);
    return text;
}

static int
status_of_error(const struct weir_err *err)
{
    switch (err->code) {
    case WEIR_E_USAGE:
    case WEIR_E_CONFIG:
        return 2;
    case WEIR_E_SAFETY:
        return 5;
    case WEIR_E_LOCKED:
        return 6;
    case WEIR_E_CREDENTIALS:
    case WEIR_E_TLS:
        return 7;
    case WEIR_E_ACCESS: /* the store's answer; a local file that may not be read is 1 */
        return err->http_status != 0 ? 7 : 1;
    case WEIR_E_CANCELLED:
        return 75;
    default:
        return 1;
    }
}

int
weir_exit_status(const struct weir_err *err, const struct weir_ledger *ledger)
{
    if (err != NULL && err->code != WEIR_OK)
        return status_of_error(err);
    if (ledger != NULL &&
        (ledger->count[WEIR_STATE_FAILED] > 0 || ledger->count[WEIR_STATE_UNSTABLE] > 0))
        return 3;
    return 0;
}
