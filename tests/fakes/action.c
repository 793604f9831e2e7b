#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "errors.h"
#include "text.h"

void
fake_action_init(struct fake_fault *f)
{
    *f = (struct fake_fault){
        .reset_body_bytes = FAKE_NO_LIMIT,
        .truncate_bytes = FAKE_NO_LIMIT,
        .reset_reply_bytes = FAKE_NO_LIMIT,
    };
}

static int
to_ms(const char *text, uint32_t *out)
{
    uint64_t v;
    if (fake_text_uint(text, 3600 * 1000, &v) != 0)
        return -1;
    *out = (uint32_t)v;
    return 0;
}

static int
copy(char *out, size_t room, const char *text)
{
    struct fake_buf b = {0};
    int rc = fake_text_unpercent(&b, text, strlen(text), FAKE_PLUS_LITERAL);
    if (rc == 0 && (b.len >= room || strpbrk(b.data, "\r\n")))
        rc = -1;
    if (rc == 0)
        memcpy(out, b.data, b.len + 1);
    fake_buf_free(&b);
    return rc;
}

/* status:503:SlowDown; the code may be left out. */
static int
do_status(struct fake_fault *f, char *arg)
{
    char *code = strchr(arg, ':');
    uint64_t status;
    if (code)
        *code++ = 0;
    if (fake_text_uint(arg, 999, &status) != 0 || status < 100)
        return -1;
    f->play = FAKE_PLAY_ERROR;
    f->status = (int)status;
    return copy(f->code, sizeof(f->code), code && *code ? code : "InternalError");
}

/* error:SlowDown, with the status that S3 uses for it. */
static int
do_error(struct fake_fault *f, char *arg)
{
    const struct fake_error *e = fake_errors_find(arg);
    if (!e)
        return -1;
    f->play = FAKE_PLAY_ERROR;
    f->status = e->status;
    return copy(f->code, sizeof(f->code), arg);
}

static int
do_ok_error(struct fake_fault *f, char *arg)
{
    f->play = FAKE_PLAY_OK_ERROR;
    f->status = 200;
    return copy(f->code, sizeof(f->code), *arg ? arg : "InternalError");
}

static int
do_redirect(struct fake_fault *f, char *arg)
{
    char *to = strchr(arg, ':');
    if (to)
        *to++ = 0;
    f->play = FAKE_PLAY_REDIRECT;
    f->status = atoi(arg);
    if (f->status < 300 || f->status > 399)
        return -1;
    return copy(f->location, sizeof(f->location), to ? to : "");
}

static int
do_header(struct fake_fault *f, char *arg)
{
    char one[256];
    char *value = strchr(arg, ':');
    if (!value || value == arg)
        return -1;
    *value++ = 0;
    if (copy(one, sizeof(one), value) != 0)
        return -1;
    size_t at = strlen(f->headers);
    int n = snprintf(f->headers + at, sizeof(f->headers) - at, "%s: %s\r\n", arg, one);
    return n < 0 || (size_t)n >= sizeof(f->headers) - at ? -1 : 0;
}

static int
do_reset(struct fake_fault *f, char *arg)
{
    char *n = strchr(arg, ':');
    if (n)
        *n++ = 0;
    if (strcmp(arg, "before") == 0)
        f->reset = FAKE_RESET_BEFORE;
    else if (strcmp(arg, "after") == 0)
        f->reset = FAKE_RESET_AFTER;
    else if (strcmp(arg, "body") == 0) {
        f->reset = FAKE_RESET_BODY;
        return n ? fake_text_uint(n, UINT64_MAX / 2, &f->reset_body_bytes) : 0;
    } else if (strcmp(arg, "reply") == 0) {
        return fake_text_uint(n ? n : "0", UINT64_MAX / 2, &f->reset_reply_bytes);
    } else {
        return -1;
    }
    return n ? -1 : 0;
}

static int
do_close(struct fake_fault *f, char *arg)
{
    f->close = strcmp(arg, "silent") == 0 ? FAKE_CLOSE_SILENT : FAKE_CLOSE_ANNOUNCED;
    return *arg && f->close != FAKE_CLOSE_SILENT ? -1 : 0;
}

static int
do_list(struct fake_fault *f, char *arg)
{
    static const char *const names[] = {"true",     "no-token",  "repeat-token",
                                        "unsorted", "duplicate", "empty-page"};
    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(arg, names[i]) == 0) {
            f->list = (enum fake_list_fault)i;
            return 0;
        }
    return -1;
}

static int
do_body(struct fake_fault *f, char *arg)
{
    static const struct {
        const char *name;
        enum fake_play play;
    } plays[] = {
        {"html", FAKE_PLAY_HTML},         {"empty", FAKE_PLAY_EMPTY},
        {"bad-xml", FAKE_PLAY_BAD_XML},   {"doctype", FAKE_PLAY_DOCTYPE},
        {"deep-xml", FAKE_PLAY_DEEP_XML}, {"cut-xml", FAKE_PLAY_CUT_XML},
    };
    char *status = strchr(arg, ':');
    if (status)
        *status++ = 0;
    f->status = status ? atoi(status) : 200;
    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++)
        if (strcmp(arg, plays[i].name) == 0) {
            f->play = plays[i].play;
            return f->status < 200 || f->status > 999 ? -1 : 0;
        }
    return -1;
}

static int
do_infinite(struct fake_fault *f, char *arg)
{
    if (strcmp(arg, "headers") == 0)
        f->play = FAKE_PLAY_INFINITE_HEADERS;
    else if (strcmp(arg, "body") == 0)
        f->play = FAKE_PLAY_INFINITE_BODY;
    else if (strcmp(arg, "1xx") == 0)
        f->play = FAKE_PLAY_INFINITE_1XX;
    else
        return -1;
    f->status = 200;
    return 0;
}

static int
do_flag(struct fake_fault *f, const char *name)
{
    if (strcmp(name, "commit") == 0)
        f->commit = true;
    else if (strcmp(name, "chunked") == 0)
        f->chunked = true;
    else if (strcmp(name, "wrong-checksum") == 0)
        f->wrong_checksum = true;
    else if (strcmp(name, "wrong-etag") == 0)
        f->wrong_etag = true;
    else if (strcmp(name, "corrupt") == 0)
        f->corrupt = true;
    else if (strcmp(name, "stall") == 0)
        f->play = FAKE_PLAY_STALL;
    else if (strcmp(name, "garbage") == 0)
        f->play = FAKE_PLAY_GARBAGE;
    else if (strcmp(name, "gzip-bomb") == 0)
        f->play = FAKE_PLAY_GZIP_BOMB;
    else if (strcmp(name, "none") != 0)
        return -1;
    return 0;
}

static int
do_one(struct fake_fault *f, char *word)
{
    char *arg = strchr(word, ':');
    if (!arg && strcmp(word, "ok-error") != 0 && strcmp(word, "close") != 0)
        return do_flag(f, word);
    if (arg)
        *arg++ = 0;
    else
        arg = word + strlen(word);
    static const struct {
        const char *name;
        int (*parse)(struct fake_fault *f, char *arg);
    } actions[] = {
        {"status", do_status},     {"error", do_error},       {"ok-error", do_ok_error},
        {"reset", do_reset},       {"redirect", do_redirect}, {"header", do_header},
        {"close", do_close},       {"list", do_list},         {"body", do_body},
        {"infinite", do_infinite},
    };
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(word, actions[i].name) == 0)
            return actions[i].parse(f, arg);
    if (strcmp(word, "delay") == 0)
        return to_ms(arg, &f->delay_ms);
    if (strcmp(word, "delay-reply") == 0)
        return to_ms(arg, &f->delay_reply_ms);
    if (strcmp(word, "delay-body") == 0)
        return to_ms(arg, &f->delay_body_ms);
    if (strcmp(word, "rate") == 0)
        return to_ms(arg, &f->bytes_per_s);
    if (strcmp(word, "spaces") == 0) {
        f->chunked = true;
        return to_ms(arg, &f->spaces_ms);
    }
    if (strcmp(word, "truncate") == 0)
        return fake_text_uint(arg, UINT64_MAX / 2, &f->truncate_bytes);
    if (strcmp(word, "short") == 0)
        return fake_text_uint(arg, UINT64_MAX / 2, &f->short_bytes);
    if (strcmp(word, "lenient") == 0)
        return fake_script_lenient(arg, &f->lenient);
    return -1;
}

int
fake_action_parse(struct fake_fault *f, const char *list)
{
    size_t at = strlen(f->text);
    snprintf(f->text + at, sizeof(f->text) - at, "%s%s", at ? "," : "", list);
    char *words = fake_strdup(list);
    int rc = *list ? 0 : -1;
    for (char *save = NULL, *word = strtok_r(words, ",", &save); word && rc == 0;
         word = strtok_r(NULL, ",", &save))
        rc = do_one(f, word);
    free(words);
    return rc;
}
