#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "cli/app.h"
#include "observe/format.h"

#define EVENT_EVERY_NS (10 * WEIR_NS_PER_S)
#define ETA_MAX_S 1e9    /* more is no answer, and int64 nanoseconds end there */
#define RATE_WEIGHT 0.15 /* of the newest sample in the moving rate */

struct weir_console {
    const struct weir_clock *clock;
    bool log_json, line, events;
    enum weir_log_level level;
    bool painted;
    int64_t last_ns, next_event_ns;
    uint64_t last_bytes;
    uint64_t last_entries;
    double rate, entry_rate; /* bytes and entries per second */
};

struct weir_console *
weir_console_create(const struct weir_app_options *o, const struct weir_clock *clock)
{
    struct weir_console *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return NULL;
    bool terminal = isatty(STDERR_FILENO) == 1;
    c->clock = clock;
    c->log_json = o->log_format == WEIR_LOG_FORMAT_JSON;
    c->level = o->log_level;
    c->line = o->progress == WEIR_PROGRESS_AUTO && terminal;
    c->events =
        o->progress == WEIR_PROGRESS_JSON || (o->progress == WEIR_PROGRESS_AUTO && !terminal);
    return c;
}

void
weir_console_free(struct weir_console *c)
{
    free(c);
}

void
weir_console_clear(struct weir_console *c)
{
    if (c->painted)
        (void)fputs("\r\033[2K", stderr);
    c->painted = false;
}

static void
put_time(struct weir_buf *b, int64_t wall_ns)
{
    time_t s = (time_t)(wall_ns / WEIR_NS_PER_S);
    struct tm tm;
    char text[32] = "";
    if (gmtime_r(&s, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    weir_buf_printf(b, "%s.%03dZ", text, (int)(wall_ns % WEIR_NS_PER_S / WEIR_NS_PER_MS));
}

void
weir_console_plain(struct weir_buf *b, const char *text, size_t bytes)
{
    for (const char *end = text + bytes; text < end;) {
        uint32_t code = 0;
        size_t n = weir_utf8_next(text, (size_t)(end - text), &code);
        bool plain = n > 0 && !weir_utf8_is_control(code);
        n = n > 0 ? n : 1;
        if (plain)
            weir_buf_bytes(b, text, n);
        for (size_t i = 0; i < n && !plain; i++)
            weir_buf_printf(b, "\\x%02x", (unsigned char)text[i]);
        text += n;
    }
}

void
weir_console_log(void *console, enum weir_log_level level, const char *text)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct weir_console *c = console;
    if (level > c->level)
        return;
    struct weir_buf b = {0};
    if (c->log_json) {
        weir_buf_text(&b, "{\"time\":\"");
        put_time(&b, c->clock->wall_ns(c->clock));
        weir_buf_printf(&b, "\",\"level\":\"%s\",\"message\":", names[level]);
        weir_buf_json(&b, text, strlen(text));
        weir_buf_text(&b, "}\n");
    } else {
        weir_buf_printf(&b, "weir: %s: ", names[level]);
        weir_console_plain(&b, text, strlen(text)); /* no file name can forge a line */
        weir_buf_text(&b, "\n");
    }
    weir_console_clear(c);
    if (!b.failed)
        (void)fwrite(b.data, 1, b.len, stderr);
    weir_buf_fini(&b);
}

static double
smooth(double rate, double sample)
{
    return rate <= 0 ? sample : rate + RATE_WEIGHT * (sample - rate);
}

/* Bytes by what left for the store: parts that were found there are no throughput. */
static void
update_rate(struct weir_console *c, const struct weir_progress *p)
{
    int64_t now = c->clock->mono_ns(c->clock);
    uint64_t entries = p->ledger->seen - weir_ledger_pending(p->ledger);
    if (c->last_ns != 0 && now > c->last_ns) {
        double span = (double)(now - c->last_ns) / 1e9;
        c->rate = smooth(c->rate, (double)(p->ledger->wire_bytes - c->last_bytes) / span);
        c->entry_rate = smooth(c->entry_rate, (double)(entries - c->last_entries) / span);
    }
    c->last_ns = now;
    c->last_bytes = p->ledger->wire_bytes;
    c->last_entries = entries;
}

/* The slower of bytes and entries decides: small files cost by the piece. */
static int64_t
eta_ns(const struct weir_console *c, const struct weir_progress *p)
{
    if (!p->walk_done || c->rate < 1 || p->done_bytes > p->total_bytes)
        return -1;
    double by_bytes = (double)(p->total_bytes - p->done_bytes) / c->rate;
    uint64_t left = weir_ledger_pending(p->ledger);
    double by_entries = c->entry_rate > 0.01 ? (double)left / c->entry_rate : 0;
    if (left * 16 < p->ledger->seen && by_bytes < by_entries)
        by_entries = by_bytes; /* a few large files are left: they count by their bytes */
    double s = by_bytes > by_entries ? by_bytes : by_entries;
    return s < ETA_MAX_S ? (int64_t)(s * 1e9) : -1;
}

static void
paint_line(struct weir_console *c, const struct weir_progress *p)
{
    char done[WEIR_FORMAT_BYTES], total[WEIR_FORMAT_BYTES], n[WEIR_FORMAT_BYTES];
    char seen[WEIR_FORMAT_BYTES], rate[WEIR_FORMAT_BYTES], eta[WEIR_FORMAT_BYTES] = "";
    const struct weir_ledger *l = p->ledger;
    uint64_t bad = l->count[WEIR_STATE_FAILED] + l->count[WEIR_STATE_UNSTABLE];
    int64_t left = eta_ns(c, p);
    if (left >= 0)
        (void)weir_format_duration(left, eta);
    struct weir_buf b = {0};
    weir_buf_printf(&b, "%s of %s%s files  %s of %s%s  %s/s  ETA %s  %" PRIu64 " failed",
                    weir_format_count(l->seen - weir_ledger_pending(l), n),
                    weir_format_count(l->seen, seen), p->walk_done ? "" : "+",
                    weir_format_bytes(p->done_bytes, done),
                    weir_format_bytes(p->total_bytes, total), p->walk_done ? "" : "+",
                    weir_format_bytes((uint64_t)c->rate, rate),
                    left >= 0      ? eta
                    : p->walk_done ? "-"
                                   : "(walking)",
                    bad);
    struct winsize w = {0};
    size_t width = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
    if (!b.failed)
        (void)fprintf(stderr, "\r\033[2K%.*s", (int)(b.len < width ? b.len : width - 1),
                      b.data);
    (void)fflush(stderr);
    weir_buf_fini(&b);
    c->painted = true;
}

static void
print_event(struct weir_console *c, const struct weir_progress *p)
{
    const struct weir_ledger *l = p->ledger;
    struct weir_buf b = {0};
    weir_buf_text(&b, "{\"event\":\"progress\",\"time\":\"");
    put_time(&b, c->clock->wall_ns(c->clock));
    weir_buf_printf(&b,
                    "\",\"entries\":%" PRIu64 ",\"entries_seen\":%" PRIu64 ",\"bytes\":%" PRIu64
                    ",\"bytes_seen\":%" PRIu64 ",\"walk_done\":%s,\"bytes_per_s\":%.0f",
                    l->seen - weir_ledger_pending(l), l->seen, p->done_bytes, p->total_bytes,
                    p->walk_done ? "true" : "false", c->rate);
    int64_t left = eta_ns(c, p);
    if (left >= 0)
        weir_buf_printf(&b, ",\"eta_s\":%" PRId64, left / WEIR_NS_PER_S);
    weir_buf_printf(
        &b, ",\"failed\":%" PRIu64 ",\"unstable\":%" PRIu64 ",\"retries\":%" PRIu64 "}\n",
        l->count[WEIR_STATE_FAILED], l->count[WEIR_STATE_UNSTABLE], l->retries);
    if (!b.failed)
        (void)fwrite(b.data, 1, b.len, stderr);
    weir_buf_fini(&b);
}

void
weir_console_progress(void *console, const struct weir_progress *p)
{
    struct weir_console *c = console;
    int64_t now = c->clock->mono_ns(c->clock);
    update_rate(c, p);
    if (c->line) {
        paint_line(c, p);
    } else if (c->events && now >= c->next_event_ns) {
        if (c->next_event_ns != 0)
            print_event(c, p);
        c->next_event_ns = now + EVENT_EVERY_NS;
    }
}
