#include "file/store.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char magic[] = "weir1 ";

static bool
is_name(const char *s)
{
    if (*s == '\0')
        return false;
    for (; *s != '\0'; s++)
        if (!isalnum((unsigned char)*s) && strchr("-_.", *s) == NULL)
            return false;
    return true;
}

static bool
has_control(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    return false;
}

int
weir_file_record_check(const struct weir_object *object, struct weir_err *err)
{
    size_t sum = 0;
    if (object->meta_count > WEIR_HEAD_META_MAX)
        return weir_err_set(err, WEIR_E_LIMIT, "key %s: %zu metadata fields; the limit is %d",
                            object->key, object->meta_count, WEIR_HEAD_META_MAX);
    for (size_t i = 0; i < object->meta_count; i++) {
        const struct weir_kv *kv = &object->meta[i];
        if (!is_name(kv->name) || has_control(kv->value))
            return weir_err_set(err, WEIR_E_CONFIG,
                                "key %s: metadata field '%s' has a name or value that no "
                                "header can carry",
                                object->key, kv->name);
        sum += strlen(kv->name) + strlen(kv->value);
    }
    if (sum > FILE_META_BYTES_MAX)
        return weir_err_set(err, WEIR_E_LIMIT, "key %s: %zu bytes of metadata; the limit is %d",
                            object->key, sum, FILE_META_BYTES_MAX);
    return 0;
}

size_t
weir_file_record_format(const struct weir_object *object, uint64_t crc64nvme, uint64_t bytes,
                        struct timespec mtime, char out[FILE_RECORD_BYTES])
{
    /* fits: 2 KiB of checked metadata, 40 x 2 separators, a head of under 100 bytes */
    size_t n = (size_t)snprintf(out, FILE_RECORD_BYTES,
                                "%s%016" PRIx64 " %" PRIu64 " %" PRId64 ".%09ld\n", magic,
                                crc64nvme, bytes, (int64_t)mtime.tv_sec, mtime.tv_nsec);
    for (size_t i = 0; i < object->meta_count; i++) {
        char *name = out + n;
        n += (size_t)snprintf(out + n, FILE_RECORD_BYTES - n, "%s=%s\n", object->meta[i].name,
                              object->meta[i].value);
        for (; *name != '='; name++)
            *name = (char)tolower((unsigned char)*name);
    }
    return n;
}

/* Parses one head line of n bytes, without its newline. */
static bool
parse_head(const char *line, size_t n, struct file_record *out)
{
    char text[128];
    long long s = 0;
    long ns = -1;
    int used = 0;
    if (n >= sizeof(text))
        return false;
    memcpy(text, line, n);
    text[n] = '\0';
    if (strlen(text) != n ||
        sscanf(text, "weir1 %16" SCNx64 " %20" SCNu64 " %20lld.%9ld%n", &out->crc64nvme,
               &out->bytes, &s, &ns, &used) != 4 ||
        (size_t)used != n || ns < 0)
        return false;
    out->mtime = (struct timespec){.tv_sec = (time_t)s, .tv_nsec = ns};
    return true;
}

static bool
fits(const struct file_record *r, const struct stat *st)
{
    if (S_ISDIR(st->st_mode))
        return r->bytes == 0; /* the time of a directory moves with what is in it */
    return r->bytes == (uint64_t)st->st_size && r->mtime.tv_sec == st->st_mtim.tv_sec &&
           r->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

bool
weir_file_record_find(const char *text, size_t len, const struct stat *st,
                      struct file_record *out)
{
    bool found = false;
    for (size_t at = 0; at < len;) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline != NULL ? (size_t)(newline - text) : len;
        bool is_head =
            end - at > sizeof(magic) && memcmp(text + at, magic, sizeof(magic) - 1) == 0;
        if (is_head && found) { /* the next record begins: ours ends here */
            out->pairs_len = at - out->pairs_at;
            return true;
        }
        if (is_head && parse_head(text + at, end - at, out) && fits(out, st)) {
            found = true;
            out->pairs_at = end < len ? end + 1 : len;
        }
        at = end + 1;
    }
    if (found)
        out->pairs_len = len - out->pairs_at;
    return found;
}

void
weir_file_record_pairs(const char *text, const struct file_record *r, struct weir_head *out)
{
    char *to = out->meta_text;
    size_t len = r->pairs_len < sizeof(out->meta_text) ? r->pairs_len : 0;
    memcpy(to, text + r->pairs_at, len);
    out->meta_count = 0;
    for (size_t at = 0; at < len && out->meta_count < WEIR_HEAD_META_MAX;) {
        char *newline = memchr(to + at, '\n', len - at);
        if (newline == NULL)
            return; /* cut off: not a whole line */
        *newline = '\0';
        char *equals = strchr(to + at, '=');
        if (equals != NULL) {
            *equals = '\0';
            out->meta[out->meta_count++] =
                (struct weir_kv){.name = to + at, .value = equals + 1};
        }
        at = (size_t)(newline - to) + 1;
    }
}

void
weir_file_etag(uint64_t crc64nvme, uint64_t bytes, char out[WEIR_ETAG_BYTES])
{
    (void)snprintf(out, WEIR_ETAG_BYTES, "%016" PRIx64 "-%" PRIx64, crc64nvme, bytes);
}
