#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "body.h"
#include "framing.h"
#include "reply.h"
#include "text.h"

#define PUT_MAX_BYTES (UINT64_C(5) << 30)

int
fake_body_begin(struct fake_call *c)
{
    uint64_t bytes;
    const char *decoded = fake_http_header(&c->req, "x-amz-decoded-content-length");
    bool carries = strcmp(c->req.method, "PUT") == 0 || strcmp(c->req.method, "POST") == 0;
    bool trailer = c->auth.payload == FAKE_PAYLOAD_TRAILER;
    if (c->req.chunked && !trailer) /* S3 takes HTTP chunks only around aws-chunked */
        return fake_reply_error(c, "NotImplemented", NULL);
    if (carries && !c->req.has_length && !c->req.chunked)
        return fake_reply_error(c, "MissingContentLength", NULL);
    if (trailer && c->lenient & FAKE_LENIENT_TRAILER)
        return fake_reply_error(c, "XAmzContentSHA256Mismatch", NULL);
    if (trailer) {
        if (!decoded || fake_text_uint(decoded, UINT64_MAX / 2, &bytes) != 0)
            return fake_reply_error(c, "MissingContentLength", NULL);
        fake_framing_unwrap(c, bytes);
    }
    if (c->body.left > PUT_MAX_BYTES)
        return fake_reply_error(c, "EntityTooLarge", NULL);
    return 0;
}

static void
go_ahead(struct fake_call *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (c->body.expect_100)
        fake_conn_write(c->conn, text, sizeof(text) - 1);
    c->body.expect_100 = false;
}

static int
decode_sum(struct fake_call *c, const char *name, const char *value, struct fake_said *out)
{
    char message[160];
    const struct fake_alg_info *info = fake_checksum_info(out->alg);
    if (fake_text_unbase64(value, out->sum, FAKE_SUM_MAX) == (int)info->bytes)
        return 0;
    snprintf(message, sizeof(message), "Value for %s header is invalid.", name);
    return fake_reply_error(c, "InvalidRequest", message);
}

int
fake_body_said(struct fake_call *c, struct fake_said *out)
{
    const char *marker = fake_http_header(&c->req, "x-amz-sdk-checksum-algorithm");
    const char *trailer = fake_http_header(&c->req, "x-amz-trailer");
    const char *value = NULL;
    *out = (struct fake_said){.alg = FAKE_ALG_NONE};
    if (c->lenient & FAKE_LENIENT_CHECKSUM ||
        (c->lenient & FAKE_LENIENT_CHECKSUM_MARKER && !marker))
        return 0;
    for (int i = 0; i < FAKE_ALG_COUNT; i++) {
        const struct fake_alg_info *info = fake_checksum_info((enum fake_alg)i);
        const char *v = fake_http_header(&c->req, info->header);
        bool trails = trailer && strcasecmp(trailer, info->header) == 0;
        if (!v && !trails)
            continue;
        if (out->alg != FAKE_ALG_NONE || (v && trails))
            return fake_reply_error(c, "InvalidRequest",
                                    "Expecting a single x-amz-checksum- header. Multiple "
                                    "checksum Types are not allowed.");
        out->alg = (enum fake_alg)i;
        out->in_trailer = trails;
        value = v;
    }
    if (trailer && (!out->in_trailer || c->auth.payload != FAKE_PAYLOAD_TRAILER))
        return fake_reply_error(c, "InvalidRequest",
                                "The value specified in the x-amz-trailer header is not "
                                "supported");
    if (marker && out->alg == FAKE_ALG_NONE)
        return fake_reply_error(c, "InvalidRequest",
                                "x-amz-sdk-checksum-algorithm specified, but no corresponding "
                                "x-amz-checksum-* or x-amz-trailer headers were found.");
    if (marker && fake_checksum_by_name(marker) != out->alg)
        return fake_reply_error(c, "InvalidRequest",
                                "Value for x-amz-sdk-checksum-algorithm header is invalid.");
    return value ? decode_sum(c, fake_checksum_info(out->alg)->header, value, out) : 0;
}

static int
check_trailer(struct fake_call *c, struct fake_said *said)
{
    const struct fake_alg_info *info = fake_checksum_info(said->alg);
    char *colon = strchr(c->body.trailer, ':');
    if (!colon)
        return fake_reply_error(c, "InvalidRequest", "The trailer is missing");
    *colon = 0;
    if (strcasecmp(c->body.trailer, info->header) != 0)
        return fake_reply_error(c, "InvalidRequest", "The trailer is not the announced one");
    return decode_sum(c, info->header, colon + 1 + strspn(colon + 1, " "), said);
}

static int
check_md5(struct fake_call *c, const uint8_t md5[16])
{
    const char *header = fake_http_header(&c->req, "content-md5");
    uint8_t want[16];
    if (!header || c->lenient & FAKE_LENIENT_MD5)
        return 0;
    if (fake_text_unbase64(header, want, sizeof(want)) != 16)
        return fake_reply_error(c, "InvalidDigest", NULL);
    if (memcmp(want, md5, 16) != 0)
        return fake_reply_error(
            c, "BadDigest", "The Content-MD5 you specified did not match what we received.");
    return 0;
}

static int
check_said(struct fake_call *c, struct fake_intake *in)
{
    struct fake_said *said = &in->said;
    char message[128];
    if (in->use != FAKE_CHECKSUM_OF_BODY || said->alg == FAKE_ALG_NONE)
        return 0;
    if (said->in_trailer && check_trailer(c, said) != 0)
        return -1;
    if (c->lenient & FAKE_LENIENT_CHECKSUM_ECHO) {
        memcpy(in->sum, said->sum, sizeof(in->sum));
        return 0;
    }
    const struct fake_alg_info *info = fake_checksum_info(said->alg);
    if (memcmp(said->sum, in->sum, info->bytes) == 0)
        return 0;
    snprintf(message, sizeof(message),
             "The %s you specified did not match the calculated checksum.", info->name);
    return fake_reply_error(c, "BadDigest", message);
}

struct running {
    struct fake_sum *md5, *sha256, *sum;
    struct fake_blob *blob;
    uint64_t at, flip_at;
};

static int
keep(struct fake_call *c, struct fake_intake *in, struct running *run, char *bytes, size_t n)
{
    fake_checksum_update(run->md5, bytes, n);
    if (run->sum)
        fake_checksum_update(run->sum, bytes, n);
    if (run->sha256)
        fake_checksum_update(run->sha256, bytes, n);
    if (c->fault.corrupt && run->flip_at >= run->at && run->flip_at < run->at + n)
        bytes[run->flip_at - run->at] ^= 1; /* after the digests: the store lies */
    if (in->text)
        fake_buf_add(in->text, bytes, n);
    else if (fake_blob_write(run->blob, run->at, bytes, n) != 0)
        return fake_reply_error(c, "InternalError", "The fake's spool is full");
    run->at += n;
    return 0;
}

static int
pump(struct fake_call *c, struct fake_intake *in, struct running *run)
{
    uint64_t total = c->body.left;
    uint64_t reset_at =
        c->fault.reset_body_bytes == FAKE_NO_LIMIT ? total / 2 : c->fault.reset_body_bytes;
    size_t room = total < 1 << 18 ? (size_t)total + 1 : 1 << 18;
    char *bytes = fake_alloc(room);
    int rc = 0;
    while (rc == 0) {
        if (c->fault.reset == FAKE_RESET_BODY && run->at >= reset_at) {
            fake_accesslog_add(&c->server->log, c, 0, 0);
            fake_conn_reset(c->conn);
            rc = -1;
            break;
        }
        int got = fake_framing_read(c, bytes, room);
        if (got == 0)
            break;
        if (got < 0) {
            c->close = true;
            rc = fake_reply_error(c, "IncompleteBody", NULL);
        } else {
            rc = keep(c, in, run, bytes, (size_t)got);
        }
    }
    free(bytes);
    return rc;
}

int
fake_body_read(struct fake_call *c, struct fake_intake *in)
{
    struct running run = {.flip_at = c->body.left / 2};
    uint64_t total = c->body.left;
    uint8_t sha256[FAKE_SUM_MAX], md5[FAKE_SUM_MAX];
    if (in->text && total > in->text_max)
        return fake_reply_error(c, "MaxMessageLengthExceeded", NULL);
    bool hash = c->auth.payload == FAKE_PAYLOAD_HASHED && !(c->lenient & FAKE_LENIENT_SHA256) &&
                !(c->lenient & FAKE_LENIENT_SIGNATURE);
    if (in->use == FAKE_CHECKSUM_OF_BODY && in->said.alg != FAKE_ALG_NONE)
        in->alg = in->said.alg;
    run.md5 = fake_checksum_create(FAKE_MD5);
    run.sha256 = hash ? fake_checksum_create(FAKE_SHA256) : NULL;
    run.sum = in->alg != FAKE_ALG_NONE ? fake_checksum_create(in->alg) : NULL;
    if (!in->text) {
        run.blob = fake_blob_create(&c->server->store.spool, total);
        fake_data_add(&in->data, run.blob, total);
    }
    go_ahead(c);
    int rc = pump(c, in, &run);
    fake_checksum_finish(run.md5, md5);
    memcpy(in->md5, md5, 16);
    if (run.sum)
        fake_checksum_finish(run.sum, in->sum);
    if (run.sha256)
        fake_checksum_finish(run.sha256, sha256);
    if (rc == 0 && hash && memcmp(sha256, c->auth.sha256, 32) != 0)
        rc = fake_reply_error(c, "XAmzContentSHA256Mismatch", NULL);
    if (rc == 0)
        rc = check_md5(c, in->md5);
    if (rc == 0)
        rc = check_said(c, in);
    return rc;
}
