#include "base/utf8.h"

size_t
weir_utf8_next(const char *text, size_t bytes, uint32_t *out_code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text;
    if (bytes == 0 || p[0] >= 0xf8)
        return 0;
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    if (len == 0 || len > bytes)
        return 0;
    uint32_t code = len == 1 ? p[0] : p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    if (out_code != NULL)
        *out_code = code;
    return len;
}

bool
weir_utf8_is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

bool
weir_utf8_valid(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes;) {
        size_t len = weir_utf8_next(text + i, bytes - i, NULL);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
