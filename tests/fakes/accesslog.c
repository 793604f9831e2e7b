#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "accesslog.h"
#include "route.h"
#include "server.h"
#include "text.h"

int
fake_accesslog_open(struct fake_accesslog *log, const char *path)
{
    *log = (struct fake_accesslog){.fd = -1};
    pthread_mutex_init(&log->lock, NULL);
    if (!path)
        return 0;
    log->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return log->fd < 0 ? -1 : 0;
}

void
fake_accesslog_close(struct fake_accesslog *log)
{
    if (log->fd >= 0)
        close(log->fd);
    pthread_mutex_destroy(&log->lock);
}

static void
add_field(struct fake_buf *line, const char *text)
{
    size_t before = line->len;
    fake_text_percent(line, text, strlen(text), FAKE_SLASH_KEEP);
    if (line->len == before)
        fake_buf_puts(line, "-");
    fake_buf_puts(line, " ");
}

void
fake_accesslog_add(struct fake_accesslog *log, struct fake_call *c, int status,
                   uint64_t reply_bytes)
{
    struct fake_buf line = {0};
    char when[40];
    if (c->logged)
        return;
    c->logged = true;
    if (log->fd >= 0) {
        fake_text_iso_date(c->now_ms, when);
        fake_buf_printf(&line, "%s %s %s ", when, c->req.method ? c->req.method : "-",
                        fake_route_name(c->op));
        add_field(&line, c->bucket);
        add_field(&line, c->key);
        fake_buf_printf(&line, "%s %d in=%llu out=%llu part=%u upload=",
                        c->req.query && *c->req.query ? c->req.query : "-", status,
                        (unsigned long long)c->body.read_bytes, (unsigned long long)reply_bytes,
                        c->part_number);
        add_field(&line, c->upload_id ? c->upload_id : "");
        fake_buf_puts(&line, "fault=");
        if (c->fault.line)
            fake_buf_printf(&line, "%u:%s\n", c->fault.line, c->fault.text);
        else
            fake_buf_puts(&line, "-\n");
    }
    pthread_mutex_lock(&log->lock);
    log->total++;
    log->faults += c->fault.line != 0;
    log->bytes_in += c->body.read_bytes;
    log->bytes_out += reply_bytes;
    if (status >= 0 && status < 600)
        log->by_status[c->op][status]++;
    if (log->fd >= 0) /* one write: whole lines, whoever else appends */
        (void)!write(log->fd, line.data, line.len);
    pthread_mutex_unlock(&log->lock);
    fake_buf_free(&line);
}

void
fake_accesslog_reset(struct fake_accesslog *log)
{
    pthread_mutex_lock(&log->lock);
    memset(log->by_status, 0, sizeof(log->by_status));
    log->total = log->faults = log->bytes_in = log->bytes_out = 0;
    pthread_mutex_unlock(&log->lock);
}

void
fake_accesslog_report(struct fake_accesslog *log, struct fake_buf *out)
{
    pthread_mutex_lock(&log->lock);
    fake_buf_printf(
        out,
        "\"total\":%llu,\"faults\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,\"requests\":{",
        (unsigned long long)log->total, (unsigned long long)log->faults,
        (unsigned long long)log->bytes_in, (unsigned long long)log->bytes_out);
    const char *comma = "";
    for (int op = 0; op < FAKE_OPS_MAX; op++) {
        const char *inner = "";
        for (int status = 0; status < 600; status++) {
            if (!log->by_status[op][status])
                continue;
            if (!*inner)
                fake_buf_printf(out, "%s\"%s\":{", comma, fake_route_name(op));
            fake_buf_printf(out, "%s\"%d\":%llu", inner, status,
                            (unsigned long long)log->by_status[op][status]);
            inner = comma = ",";
        }
        if (*inner)
            fake_buf_puts(out, "}");
    }
    fake_buf_puts(out, "}");
    pthread_mutex_unlock(&log->lock);
}
