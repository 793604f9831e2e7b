/* The head of an HTTP request, and which S3 operation it is. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sink.h"

bool
sink_query_get(const char *query, const char *name, char *out, size_t out_bytes)
{
    size_t name_len = strlen(name);
    for (const char *p = query; *p != '\0'; p += strcspn(p, "&"), p += *p == '&') {
        if (strncmp(p, name, name_len) != 0 || strchr("=&", p[name_len]) == NULL)
            continue;
        const char *value = p[name_len] == '=' ? p + name_len + 1 : p + name_len;
        size_t len = strcspn(value, "&");
        if (len >= out_bytes)
            return false;
        memcpy(out, value, len);
        out[len] = '\0';
        return true;
    }
    return false;
}

static bool
has(const char *query, const char *name)
{
    char value[1100];
    return sink_query_get(query, name, value, sizeof(value));
}

/* "/bucket" and "/bucket/" are the bucket, anything longer is an object. */
static bool
is_object(const char *path)
{
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    return slash != NULL && slash[1] != '\0';
}

static enum sink_kind
put_kind(const struct sink_request *r, bool upload)
{
    if (!upload)
        return r->copy_source != NULL ? SINK_COPY : SINK_PUT;
    if (!has(r->query, "partNumber"))
        return SINK_BAD;
    return r->copy_source != NULL ? SINK_COPY_PART : SINK_PART;
}

static enum sink_kind
kind_of(const struct sink_request *r)
{
    bool object = is_object(r->path);
    bool upload = has(r->query, "uploadId");
    if (strcmp(r->method, "PUT") == 0 && object)
        return put_kind(r, upload);
    if (strcmp(r->method, "POST") == 0 && object)
        return upload ? SINK_COMPLETE : has(r->query, "uploads") ? SINK_CREATE : SINK_BAD;
    if (strcmp(r->method, "DELETE") == 0 && object)
        return upload ? SINK_ABORT : SINK_DELETE;
    if (strcmp(r->method, "HEAD") == 0)
        return object ? SINK_HEAD : SINK_HEAD_BUCKET;
    if (strcmp(r->method, "GET") != 0)
        return SINK_BAD;
    if (strcmp(r->path, "/_sink/stats") == 0)
        return SINK_STATS;
    if (object)
        return upload ? SINK_LIST_PARTS : SINK_GET;
    return has(r->query, "uploads") ? SINK_LIST_UPLOADS : SINK_LIST;
}

static const char **
slot_of(struct sink_request *r, const char *name)
{
    const struct {
        const char *name, **slot;
    } known[] = {
        {"x-amz-checksum-crc64nvme", &r->crc64nvme},
        {"if-none-match", &r->if_none_match},
        {"if-match", &r->if_match},
        {"x-amz-copy-source", &r->copy_source},
        {"x-amz-copy-source-range", &r->copy_range},
        {"x-amz-copy-source-if-match", &r->copy_if_match},
        {"x-amz-metadata-directive", &r->directive},
        {"expect", &r->expect},
        {"connection", &r->connection},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcasecmp(name, known[i].name) == 0)
            return known[i].slot;
    return NULL;
}

/* Takes one "name: value" line; only the few headers that matter here are kept. */
static int
take_header(char *line, struct sink_request *r)
{
    char *value = strchr(line, ':');
    if (value == NULL)
        return -1;
    *value++ = '\0';
    value += strspn(value, " \t");
    const char **slot = slot_of(r, line);
    if (slot != NULL) {
        *slot = value;
    } else if (strncasecmp(line, "x-amz-meta-", 11) == 0) {
        if (r->meta_count == SINK_META_MAX)
            return -1;
        r->meta[r->meta_count].name = line;
        r->meta[r->meta_count++].value = value;
    } else if (strcasecmp(line, "content-length") == 0) {
        char *end;
        r->body_bytes = strtoull(value, &end, 10);
        return *end == '\0' && *value >= '0' && *value <= '9' ? 0 : -1;
    } else if (strcasecmp(line, "transfer-encoding") == 0) {
        return -1; /* S3 wants a length too */
    }
    return 0;
}

int
sink_request_parse(char *head, struct sink_request *out)
{
    *out = (struct sink_request){.query = ""};
    char *rest = head;
    char *line = strsep(&rest, "\n");
    out->method = strsep(&line, " ");
    char *target = strsep(&line, " ");
    if (target == NULL || line == NULL || strncmp(line, "HTTP/1.1", 8) != 0)
        return -1;
    out->path = strsep(&target, "?");
    if (target != NULL)
        out->query = target;
    while ((line = strsep(&rest, "\n")) != NULL) {
        line[strcspn(line, "\r")] = '\0';
        if (*line == '\0')
            break;
        if (take_header(line, out) != 0)
            return -1;
    }
    out->kind = kind_of(out);
    out->own = strstr(out->path, "/.weir/") != NULL;
    out->kept = out->own || strncmp(out->path, "/bench/keep/", 12) == 0;
    return 0;
}
