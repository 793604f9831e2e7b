#include "observe/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"

#define FLUSH_BYTES ((size_t)64 << 10)

struct weir_report {
    char *path;
    int fd;
    struct weir_buf buf;
    int failed; /* errno of the first write that failed */
};

static void
flush(struct weir_report *r)
{
    if (r->buf.failed && r->failed == 0)
        r->failed = ENOMEM;
    for (size_t done = 0; r->failed == 0 && done < r->buf.len;) {
        ssize_t n = write(r->fd, r->buf.data + done, r->buf.len - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            r->failed = errno;
    }
    weir_buf_clear(&r->buf);
}

#define FIRST_BYTES "{\"report\":{\"weir\":\""

/* Opens without emptying: a mistyped name must not cost a file.  Only an older report gives
 * way. */
static int
open_file(struct weir_report *r, struct weir_err *err)
{
    char first[sizeof(FIRST_BYTES) - 1];
    struct stat st;
    r->fd = open(r->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (r->fd < 0 && errno == ELOOP)
        return weir_err_set(err, WEIR_E_CONFIG,
                            "the report %s is a symbolic link: name the file "
                            "itself",
                            r->path);
    if (r->fd < 0 || fstat(r->fd, &st) != 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "cannot create the report %s", r->path);
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return 0;
    if (pread(r->fd, first, sizeof(first), 0) != (ssize_t)sizeof(first) ||
        memcmp(first, FIRST_BYTES, sizeof(first)) != 0)
        return weir_err_set(
            err, WEIR_E_CONFIG,
            "the report would overwrite %s, which is not a report of weir: choose "
            "another name",
            r->path);
    if (ftruncate(r->fd, 0) != 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "cannot empty the report %s", r->path);
    return 0;
}

int
weir_report_open(const char *path, const char *job, int64_t pass, struct weir_report **out,
                 struct weir_err *err)
{
    struct weir_report *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "report");
    r->fd = -1;
    if ((r->path = strdup(path)) == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "report");
        goto fail;
    }
    if (open_file(r, err) != 0)
        goto fail;
    weir_buf_text(&r->buf, FIRST_BYTES WEIR_VERSION "\",\"job\":");
    weir_buf_json(&r->buf, job, strlen(job));
    weir_buf_text(&r->buf, ",\"pass\":");
    weir_buf_u64(&r->buf, (uint64_t)pass);
    weir_buf_text(&r->buf, "}}\n");
    *out = r;
    return 0;
fail:
    weir_report_discard(r);
    return -1;
}

static void
field(struct weir_buf *b, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    weir_buf_text(b, ",\"");
    weir_buf_text(b, name);
    weir_buf_text(b, "\":");
    weir_buf_json(b, value, strlen(value));
}

static void
path_fields(struct weir_buf *b, const struct weir_record *rec)
{
    weir_buf_text(b, "{\"path\":");
    weir_buf_json(b, rec->path, rec->path_len);
    if (!weir_utf8_valid(rec->path, rec->path_len)) {
        weir_buf_text(b, ",\"path_b64\":\"");
        weir_buf_base64(b, rec->path, rec->path_len);
        weir_buf_text(b, "\"");
    }
    if (rec->key != NULL && strcmp(rec->key, rec->path) != 0)
        field(b, "key", rec->key);
}

static void
digest_fields(struct weir_buf *b, const struct weir_record *rec)
{
    if (rec->xxh128 != NULL) {
        weir_buf_text(b, ",\"xxh128\":\"");
        weir_buf_hex(b, rec->xxh128->b, sizeof(rec->xxh128->b));
        if (rec->chunks > 1) {
            weir_buf_text(b, "-");
            weir_buf_u64(b, rec->chunks);
        }
        weir_buf_text(b, "\"");
    }
    if (rec->crc64nvme != NULL) {
        char text[13];
        weir_crc64nvme_base64(*rec->crc64nvme, text);
        field(b, "crc64nvme", text);
    }
}

static void
error_fields(struct weir_buf *b, const struct weir_err *err)
{
    char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    field(b, "error", weir_err_text(err, text, sizeof(text)));
    field(b, "code", weir_err_name(err->code));
    if (err->sys_errno != 0) {
        weir_buf_text(b, ",\"errno\":");
        weir_buf_u64(b, (uint64_t)err->sys_errno);
    }
    if (err->http_status != 0) {
        weir_buf_text(b, ",\"http_status\":");
        weir_buf_u64(b, (uint64_t)err->http_status);
    }
    field(b, "s3_code", err->s3_code);
    field(b, "request_id", err->request_id);
}

void
weir_report_entry(struct weir_report *r, const struct weir_record *rec)
{
    if (r == NULL) /* a dry run has none */
        return;
    struct weir_buf *b = &r->buf;
    path_fields(b, rec);
    field(b, "type", rec->type);
    field(b, "state", rec->state);
    if (rec->has_bytes) {
        weir_buf_text(b, ",\"bytes\":");
        weir_buf_u64(b, rec->bytes);
    }
    digest_fields(b, rec);
    field(b, "etag", rec->etag);
    field(b, "version", rec->version);
    if (rec->found)
        weir_buf_text(b, ",\"found\":true");
    if (rec->copied)
        weir_buf_text(b, ",\"copied\":true");
    field(b, "quarantine", rec->quarantine);
    field(b, "rule", rec->rule);
    if (rec->err != NULL)
        error_fields(b, rec->err);
    weir_buf_text(b, "}\n");
    if (b->len >= FLUSH_BYTES)
        flush(r);
}

int
weir_report_close(struct weir_report *r, const char *summary_json, struct weir_err *err)
{
    weir_buf_text(&r->buf, "{\"summary\":");
    weir_buf_text(&r->buf, summary_json);
    weir_buf_text(&r->buf, "}\n");
    flush(r);
    if (r->failed == 0 && fsync(r->fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        r->failed = errno;
    int rc = 0;
    if (r->failed != 0)
        rc =
            weir_err_sys(err, WEIR_E_IO, r->failed,
                         "the report %s is incomplete (the transfer is not affected)", r->path);
    weir_report_discard(r);
    return rc;
}

void
weir_report_discard(struct weir_report *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    weir_buf_fini(&r->buf);
    free(r->path);
    free(r);
}

const char *
weir_report_path(const struct weir_report *r)
{
    return r->path;
}
