#include "plan/key.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define ESCAPE "\xe2\x90\x9b" /* U+241B */
#define ESCAPE_CODE 0x241bu

/* Code points that stay as they are.  U+FFFE and U+FFFF cannot stand in XML 1.0. */
static bool
is_plain(uint32_t code)
{
    return !weir_utf8_is_control(code) && code != ESCAPE_CODE && code != 0xfffe &&
           code != 0xffff;
}

static bool
is_reserved(const char *path, size_t len)
{
    return len >= 5 && memcmp(path, ".weir", 5) == 0 && (len == 5 || path[5] == '/');
}

int
weir_key_from_path(const char *path, size_t path_len, enum weir_key_kind kind,
                   size_t key_bytes_max, char *out, struct weir_err *err)
{
    char key[WEIR_KEY_BYTES + 8];
    size_t used = 0;
    size_t max = key_bytes_max < WEIR_KEY_BYTES - 1 ? key_bytes_max : WEIR_KEY_BYTES - 1;
    for (size_t i = 0; i < path_len && used <= max;) {
        uint32_t code = 0;
        size_t len = weir_utf8_next(path + i, path_len - i, &code);
        bool plain = len > 0 && is_plain(code) && !(i == 0 && is_reserved(path, path_len));
        if (plain) {
            memcpy(key + used, path + i, len);
            used += len;
            i += len;
            continue;
        }
        for (size_t n = len == 0 ? 1 : len; n > 0 && used <= max; n--, i++)
            used += (size_t)snprintf(key + used, 6, ESCAPE "%02X", (unsigned char)path[i]);
    }
    if (kind == WEIR_KEY_DIR && used <= max)
        key[used++] = '/';
    if (used > max)
        return weir_err_set(err, WEIR_E_LIMIT,
                            "the key of this path is longer than the %zu bytes that the store "
                            "allows; shorten the path or the prefix of destination.url",
                            key_bytes_max);
    memcpy(out, key, used);
    out[used] = '\0';
    return 0;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Only what weir_key_from_path() can have written may stand in a key. */
static bool
segments_are_safe(const char *path, size_t len)
{
    if (len == 0 || memchr(path, '\0', len) != NULL)
        return false;
    for (size_t start = 0; start <= len;) {
        const char *slash = memchr(path + start, '/', len - start);
        size_t end = slash == NULL ? len : (size_t)(slash - path);
        size_t n = end - start;
        if (n == 0 || (n == 1 && path[start] == '.') ||
            (n == 2 && path[start] == '.' && path[start + 1] == '.'))
            return false;
        start = end + 1;
    }
    return true;
}

int
weir_key_to_path(const char *key, char *out, size_t *out_len, enum weir_key_kind *out_kind)
{
    size_t len = strlen(key), used = 0;
    enum weir_key_kind kind = WEIR_KEY_FILE;
    if (len > 0 && key[len - 1] == '/') {
        kind = WEIR_KEY_DIR;
        len--;
    }
    for (size_t i = 0; i < len;) {
        if (len - i >= 5 && memcmp(key + i, ESCAPE, 3) == 0) {
            int high = hex_digit(key[i + 3]), low = hex_digit(key[i + 4]);
            if (high < 0 || low < 0)
                return -1;
            out[used++] = (char)(high << 4 | low);
            i += 5;
        } else {
            out[used++] = key[i++];
        }
    }
    out[used] = '\0';
    /* Canonical means: this path gives exactly this key again. */
    char again[WEIR_KEY_BYTES];
    struct weir_err ignored = WEIR_ERR_INIT;
    if (!segments_are_safe(out, used) ||
        weir_key_from_path(out, used, kind, WEIR_KEY_BYTES - 1, again, &ignored) != 0 ||
        strcmp(again, key) != 0)
        return -1;
    *out_len = used;
    *out_kind = kind;
    return 0;
}
