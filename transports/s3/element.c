#include "s3/element.h"

#include <stdio.h>
#include <string.h>

#include "s3/time.h"

const char *
weir_s3_element_below(const char *root, const char *path, struct weir_err *err)
{
    size_t bytes = strlen(root);
    if (strncmp(path, root, bytes) == 0 && path[bytes] == '/')
        return path + bytes + 1;
    if (strcmp(path, root) == 0)
        return path + bytes;
    (void)weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: <%.*s> instead of <%s>",
                       (int)strcspn(path, "/"), path, root);
    return NULL;
}

int
weir_s3_element_text(const char *what, const char *text, char *out, size_t room,
                     struct weir_err *err)
{
    size_t bytes = strlen(text);
    if (bytes >= room)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: %s of %zu bytes", what, bytes);
    memcpy(out, text, bytes + 1);
    return 0;
}

int
weir_s3_element_u64(const char *what, const char *text, uint64_t max, uint64_t *out,
                    struct weir_err *err)
{
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9' && value <= (max - (uint64_t)(*c - '0')) / 10; c++)
        value = value * 10 + (uint64_t)(*c - '0');
    if (c == text || *c != '\0')
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: %s is \"%.40s\"", what, text);
    *out = value;
    return 0;
}

int
weir_s3_element_time(const char *what, const char *text, int64_t *out, struct weir_err *err)
{
    if (weir_s3_time_iso(text, out) != 0)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: %s is \"%.40s\"", what, text);
    return 0;
}

int
weir_s3_element_etag(const char *text, char out[WEIR_ETAG_BYTES], struct weir_err *err)
{
    if (weir_s3_element_strip(text, out) != 0)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: ETag is \"%.80s\"", text);
    return 0;
}

int
weir_s3_element_strip(const char *text, char out[WEIR_ETAG_BYTES])
{
    static const char entity[] = "&quot;";
    size_t bytes = strlen(text);
    if (bytes >= 2 && text[0] == '"' && text[bytes - 1] == '"') {
        text++;
        bytes -= 2;
    } else if (bytes >= 12 && strncmp(text, entity, 6) == 0 &&
               strcmp(text + bytes - 6, entity) == 0) {
        text += 6;
        bytes -= 12;
    }
    if (bytes >= WEIR_ETAG_BYTES)
        return -1;
    for (size_t i = 0; i < bytes; i++)
        if (text[i] <= 0x20 || text[i] >= 0x7f || text[i] == '"')
            return -1;
    memcpy(out, text, bytes);
    out[bytes] = '\0';
    return 0;
}
