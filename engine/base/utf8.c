#include "base/utf8.h"

size_t
weir_utf8_next(const char *text, size_t bytes, uint32_t *out_code)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text;
    if (bytes == 0)
        return 0;
    if (p[0] < 0x80) {
        *out_code = p[0];
        return 1;
    }
    size_t len = p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    if (p[0] >= 0xf8 || len == 0 || len > bytes)
        return 0;
    uint32_t code = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3fu);
    }
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *out_code = code;
    return len;
}

bool
weir_utf8_valid(const char *text, size_t bytes)
{
    uint32_t code;
    for (size_t i = 0; i < bytes;) {
        size_t len = weir_utf8_next(text + i, bytes - i, &code);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
