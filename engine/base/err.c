#include <weir/err.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[WEIR_E_CODES] = {
    [WEIR_OK] = "ok",
    [WEIR_E_BUG] = "bug",
    [WEIR_E_NOMEM] = "nomem",
    [WEIR_E_USAGE] = "usage",
    [WEIR_E_CONFIG] = "config",
    [WEIR_E_IO] = "io",
    [WEIR_E_NOT_FOUND] = "not-found",
    [WEIR_E_EXISTS] = "exists",
    [WEIR_E_ACCESS] = "access",
    [WEIR_E_CREDENTIALS] = "credentials",
    [WEIR_E_TLS] = "tls",
    [WEIR_E_NETWORK] = "network",
    [WEIR_E_THROTTLED] = "throttled",
    [WEIR_E_SERVER] = "server",
    [WEIR_E_DIGEST] = "digest",
    [WEIR_E_PROTOCOL] = "protocol",
    [WEIR_E_NO_UPLOAD] = "no-upload",
    [WEIR_E_CHANGED] = "changed",
    [WEIR_E_LIMIT] = "limit",
    [WEIR_E_UNSUPPORTED] = "unsupported",
    [WEIR_E_LOCKED] = "locked",
    [WEIR_E_SAFETY] = "safety",
    [WEIR_E_CATALOG] = "catalog",
    [WEIR_E_CANCELLED] = "cancelled",
};

void
weir_err_clear(struct weir_err *err)
{
    if (err == NULL)
        return;
    err->code = WEIR_OK;
    err->scope = WEIR_SCOPE_OBJECT;
    err->retryable = false;
    err->outcome_unknown = false;
    err->sys_errno = 0;
    err->http_status = 0;
    err->retry_after_ms = 0;
    err->nframes = 0;
    err->s3_code[0] = '\0';
    err->request_id[0] = '\0';
}

static int __attribute__((format(printf, 2, 0)))
push(struct weir_err *err, const char *fmt, va_list ap)
{
    size_t i = err->nframes < WEIR_ERR_FRAMES ? err->nframes++ : WEIR_ERR_FRAMES - 1;
    (void)vsnprintf(err->frame[i], WEIR_ERR_TEXT, fmt, ap);
    return -1;
}

int
weir_err_set(struct weir_err *err, enum weir_code code, const char *fmt, ...)
{
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_clear(err);
    err->code = code;
    va_list ap;
    va_start(ap, fmt);
    (void)push(err, fmt, ap);
    va_end(ap);
    return -1;
}

static enum weir_code
code_of_errno(enum weir_code code, int value)
{
    if (code != WEIR_E_IO)
        return code;
    switch (value) {
    case EACCES:
    case EPERM:
        return WEIR_E_ACCESS;
    case ENOENT:
        return WEIR_E_NOT_FOUND;
    case ENOMEM:
        return WEIR_E_NOMEM;
    default:
        return code;
    }
}

int
weir_err_sys(struct weir_err *err, enum weir_code code, int errno_value, const char *fmt, ...)
{
    if (err == NULL || err->code != WEIR_OK)
        return -1;
    weir_err_clear(err);
    err->code = code_of_errno(code, errno_value);
    err->sys_errno = errno_value;
    va_list ap;
    va_start(ap, fmt);
    (void)push(err, fmt, ap);
    va_end(ap);
    char *text = err->frame[0];
    size_t used = strlen(text);
    char reason[96];
    (void)snprintf(text + used, WEIR_ERR_TEXT - used, ": %s",
                   strerror_r(errno_value, reason, sizeof(reason)));
    return -1;
}

int
weir_err_add(struct weir_err *err, const char *fmt, ...)
{
    if (err == NULL || err->code == WEIR_OK)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    (void)push(err, fmt, ap);
    va_end(ap);
    return -1;
}

/* Appends text at *used; control bytes become \xNN so that no file name can forge a line. */
static void
append_clean(char *out, size_t out_bytes, size_t *used, const char *text)
{
    for (; *text != '\0' && *used + 5 < out_bytes; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != 0x7f)
            out[(*used)++] = (char)c;
        else
            *used += (size_t)snprintf(out + *used, 5, "\\x%02x", c);
    }
    out[*used] = '\0';
}

char *
weir_err_text(const struct weir_err *err, char *out, size_t out_bytes)
{
    size_t used = 0;
    if (out_bytes == 0)
        return out;
    out[0] = '\0';
    for (unsigned i = err->nframes; i-- > 0;) {
        append_clean(out, out_bytes, &used, err->frame[i]);
        if (i > 0)
            append_clean(out, out_bytes, &used, ": ");
    }
    if (err->nframes == 0)
        append_clean(out, out_bytes, &used,
                     err->code == WEIR_OK ? "no error" : names[err->code]);
    return out;
}

const char *
weir_err_name(enum weir_code code)
{
    if ((unsigned)code >= WEIR_E_CODES)
        return "unknown";
    return names[code];
}
