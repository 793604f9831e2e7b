#include "s3/response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
weir_s3_response_method(enum weir_s3_method m)
{
    static const char *const names[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
    return names[m];
}

static char
lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

void
weir_s3_response_reset(struct weir_s3_response *r)
{
    char *const texts[] = {r->etag,           r->version,       r->crc64nvme,
                           r->checksum_type,  r->request_id,    r->region,
                           r->date,           r->last_modified, r->storage_class,
                           r->content_range,  r->retry_after,   r->retry_after_ms,
                           r->content_length, r->parts_count,   r->crc32,
                           r->crc32c,         r->sha1,          r->sha256};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        texts[i][0] = '\0';
    r->status = 0;
    r->header_ended = false;
    r->header_bytes = r->meta_count = r->meta_used = 0;
    r->sunk = 0;
    r->why = NULL;
    r->by_reader = false;
    weir_s3_text_reset(&r->body);
}

static void
keep_meta(struct weir_s3_response *r, const char *name, size_t name_bytes, const char *value,
          size_t value_bytes)
{
    if (r->meta_count == WEIR_HEAD_META_MAX ||
        name_bytes + value_bytes + 2 > sizeof(r->meta_text) - r->meta_used)
        return; /* more than any store accepts: foreign, and not ours to read */
    char *at = r->meta_text + r->meta_used;
    struct weir_kv *kv = &r->meta[r->meta_count++];
    kv->name = at;
    for (size_t i = 0; i < name_bytes; i++)
        *at++ = lower(name[i]);
    *at++ = '\0';
    kv->value = at;
    memcpy(at, value, value_bytes);
    at[value_bytes] = '\0';
    r->meta_used += name_bytes + value_bytes + 2;
}

static bool
is_name(const char *name, size_t bytes, const char *wanted)
{
    for (size_t i = 0; i < bytes; i++)
        if (wanted[i] == '\0' || lower(name[i]) != wanted[i])
            return false;
    return wanted[bytes] == '\0';
}

static void
keep_header(struct weir_s3_response *r, const char *name, size_t name_bytes, const char *value,
            size_t value_bytes)
{
    static const char meta[] = "x-amz-meta-";
    const size_t meta_bytes = sizeof(meta) - 1;
    if (name_bytes > meta_bytes && is_name(name, meta_bytes, meta)) {
        keep_meta(r, name + meta_bytes, name_bytes - meta_bytes, value, value_bytes);
        return;
    }
    const struct {
        const char *name;
        char *out;
        size_t room;
    } kept[] = {
        {"etag", r->etag, sizeof(r->etag)},
        {"date", r->date, sizeof(r->date)},
        {"x-amz-request-id", r->request_id, sizeof(r->request_id)},
        {"content-length", r->content_length, sizeof(r->content_length)},
        {"x-amz-checksum-crc64nvme", r->crc64nvme, sizeof(r->crc64nvme)},
        {"x-amz-checksum-type", r->checksum_type, sizeof(r->checksum_type)},
        {"x-amz-checksum-crc32", r->crc32, sizeof(r->crc32)},
        {"x-amz-checksum-crc32c", r->crc32c, sizeof(r->crc32c)},
        {"x-amz-checksum-sha1", r->sha1, sizeof(r->sha1)},
        {"x-amz-checksum-sha256", r->sha256, sizeof(r->sha256)},
        {"x-amz-mp-parts-count", r->parts_count, sizeof(r->parts_count)},
        {"x-amz-version-id", r->version, sizeof(r->version)},
        {"last-modified", r->last_modified, sizeof(r->last_modified)},
        {"content-range", r->content_range, sizeof(r->content_range)},
        {"x-amz-storage-class", r->storage_class, sizeof(r->storage_class)},
        {"x-amz-bucket-region", r->region, sizeof(r->region)},
        {"retry-after", r->retry_after, sizeof(r->retry_after)},
        {"x-amz-retry-after", r->retry_after_ms, sizeof(r->retry_after_ms)},
    };
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (!is_name(name, name_bytes, kept[i].name))
            continue;
        if (value_bytes < kept[i].room) {
            memcpy(kept[i].out, value, value_bytes);
            kept[i].out[value_bytes] = '\0';
        }
        return;
    }
}

bool
weir_s3_response_header(struct weir_s3_response *r, const char *line, size_t bytes)
{
    const size_t given = bytes;
    while (bytes > 0 && (line[bytes - 1] == '\n' || line[bytes - 1] == '\r'))
        bytes--;
    if (bytes > 5 && memcmp(line, "HTTP/", 5) == 0) {
        const char *space = memchr(line, ' ', bytes);
        weir_s3_response_reset(r);
        if (space != NULL && bytes - (size_t)(space - line) >= 4)
            r->status = (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
        return true;
    }
    r->header_ended = r->header_ended || bytes == 0;
    r->header_bytes += given;
    if (r->header_bytes > WEIR_S3_HEADER_BYTES_MAX) {
        r->why = "the reply's header is over 64 KiB";
        return false;
    }
    const char *colon = memchr(line, ':', bytes);
    if (colon == NULL)
        return true;
    const char *value = colon + 1;
    const char *end = line + bytes;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (memchr(value, '\0', (size_t)(end - value)) == NULL)
        keep_header(r, line, (size_t)(colon - line), value, (size_t)(end - value));
    return true;
}

/* "bytes FIRST-LAST/SIZE" must begin at offset and, when the caller named a length, end with
 * it. */
static bool
range_matches(const struct weir_s3_response *r, const struct weir_s3_call *call)
{
    static const char unit[] = "bytes ";
    char *at = NULL;
    if (r->status != 206)
        return call->offset == 0 && (call->bytes == UINT64_MAX ||
                                     strtoull(r->content_length, NULL, 10) == call->bytes);
    if (strncmp(r->content_range, unit, sizeof(unit) - 1) != 0)
        return false;
    uint64_t first = strtoull(r->content_range + sizeof(unit) - 1, &at, 10);
    if (*at != '-')
        return false;
    uint64_t last = strtoull(at + 1, &at, 10);
    if (*at != '/' || last < first || first != call->offset)
        return false;
    return call->bytes == UINT64_MAX || last - first == call->bytes - 1;
}

static size_t
stop(struct weir_s3_response *r, const char *why)
{
    r->why = why;
    return 0; /* less than given: curl ends with CURLE_WRITE_ERROR */
}

static size_t
to_sink(struct weir_s3_response *r, const struct weir_s3_call *call, const char *data,
        size_t bytes)
{
    if (r->sunk == 0 && !range_matches(r, call))
        return stop(r, "the reply is not the range that was asked for");
    if (call->bytes != UINT64_MAX && bytes > call->bytes - r->sunk)
        return stop(r, "the reply has more bytes than were asked for");
    if (call->sink(call->sink_ctx, data, bytes) != 0) {
        r->by_reader = true;
        return stop(r, "stopped by the reader");
    }
    r->sunk += bytes;
    return bytes;
}

size_t
weir_s3_response_body(struct weir_s3_response *r, const struct weir_s3_call *call,
                      const char *data, size_t bytes)
{
    bool good = r->status >= 200 && r->status < 300;
    if (good && call->sink != NULL)
        return to_sink(r, call, data, bytes);
    size_t max = good ? WEIR_S3_XML_BODY_MAX : WEIR_S3_ERROR_BODY_MAX;
    if (bytes > max - r->body.used)
        return stop(r, good ? "the reply's body is over 8 MiB"
                            : "the body of the error reply is over 1 MiB");
    weir_s3_text_append(&r->body, data, bytes);
    return r->body.failed ? stop(r, "no memory for the reply") : bytes;
}
