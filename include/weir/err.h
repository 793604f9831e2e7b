/* err -- the one error value of weir: a code to branch on and a chain of sentences to read.
 *
 * Caller-owned, never allocates, so it can report WEIR_E_NOMEM.  frame[0] is the cause, each
 * layer that knows more adds one frame; the last is the outermost step.  The first error wins:
 * cleanup code never touches an error that is already set. */
#ifndef WEIR_ERR_H
#define WEIR_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum weir_code {
    WEIR_OK = 0,
    WEIR_E_BUG,         /* a promise inside weir was broken; please report */
    WEIR_E_NOMEM,       /* malloc failed or the memory budget cannot fit one job */
    WEIR_E_USAGE,       /* wrong command line */
    WEIR_E_CONFIG,      /* manifest or environment asks for something impossible */
    WEIR_E_IO,          /* local file system error; sys_errno tells which */
    WEIR_E_NOT_FOUND,   /* file, key, bucket or upload does not exist */
    WEIR_E_EXISTS,      /* precondition failed: If-None-Match or If-Match said no */
    WEIR_E_ACCESS,      /* permission refused for this object or file */
    WEIR_E_CREDENTIALS, /* no, wrong or expired credentials; wrong signature */
    WEIR_E_TLS,         /* certificate or handshake refused */
    WEIR_E_NETWORK,     /* name lookup, connect, reset, timeout */
    WEIR_E_THROTTLED,   /* 503 SlowDown, 429: come back later */
    WEIR_E_SERVER,      /* 5xx, or a 200 whose body is an error */
    WEIR_E_DIGEST,      /* two digests that must be equal differ */
    WEIR_E_PROTOCOL,    /* a reply that is not what S3 may say */
    WEIR_E_NO_UPLOAD,   /* NoSuchUpload: the multipart upload is gone */
    WEIR_E_CHANGED,     /* the file changed while it was read */
    WEIR_E_LIMIT,       /* over a limit of the store: key length, parts, object size */
    WEIR_E_UNSUPPORTED, /* the store or the kernel cannot do this */
    WEIR_E_LOCKED,      /* another instance holds the state directory */
    WEIR_E_SAFETY,      /* safety stop: other source, other bucket, delete guard */
    WEIR_E_CATALOG,     /* the catalog is damaged, foreign or of a newer version */
    WEIR_E_CANCELLED,   /* stopped by a signal */
    WEIR_E_CODES        /* number of codes, not a code */
};

enum weir_scope {
    WEIR_SCOPE_OBJECT = 0, /* this object failed; go on, count it, exit 3 */
    WEIR_SCOPE_RUN,        /* the whole run cannot go on */
};

#define WEIR_ERR_FRAMES 6
#define WEIR_ERR_TEXT 384

struct weir_err {
    enum weir_code code;     /* callers branch on this and on the flags below, never on text */
    enum weir_scope scope;   /* set by the layer that knows */
    bool retryable;          /* set by the transport only; wrap/retry.c alone acts on it */
    bool outcome_unknown;    /* the request may have taken effect: settle by HEAD + digest */
    int sys_errno;           /* errno of the cause, or 0 */
    int http_status;         /* status of the reply, or 0 when there was none */
    unsigned retry_after_ms; /* what the server asked for, or 0 */
    unsigned nframes;
    char s3_code[48];    /* "NoSuchKey", or "" */
    char request_id[64]; /* x-amz-request-id, or "" */
    char frame[WEIR_ERR_FRAMES][WEIR_ERR_TEXT];
};

#define WEIR_ERR_INIT                                                                          \
    {                                                                                          \
        .code = WEIR_OK                                                                        \
    }

/* Resets *err to no error.  Only the fields, not the texts, are written: it is cheap. */
void weir_err_clear(struct weir_err *err);

/* Sets code and first frame.  Returns -1, so that callers can `return weir_err_set(...)`.
 * Does nothing but return -1 when an error is already set (first error wins) or err is NULL. */
int weir_err_set(struct weir_err *err, enum weir_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As weir_err_set with ": <strerror(errno_value)>" appended and sys_errno set.  EACCES and
 * EPERM become WEIR_E_ACCESS, ENOENT WEIR_E_NOT_FOUND, ENOMEM WEIR_E_NOMEM when code is
 * WEIR_E_IO. */
int weir_err_sys(struct weir_err *err, enum weir_code code, int errno_value, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

/* Adds one frame of context around an error that is set.  Returns -1.  When all frames are used
 * the newest gives way: the cause is never lost. */
int weir_err_add(struct weir_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes "outermost: ...: cause" into out (always NUL-terminated); control bytes become \xNN so
 * that a file name cannot forge a log line.  Returns out. */
char *weir_err_text(const struct weir_err *err, char *out, size_t out_bytes);

/* The symbolic name of a code ("WEIR_E_IO" -> "io"), for logs and reports.  Static string. */
const char *weir_err_name(enum weir_code code);

#endif
