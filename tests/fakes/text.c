#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "text.h"

static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
fake_text_hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * n] = 0;
}

void
fake_text_base64(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)bytes[i] << 16;
        if (i + 1 < n)
            v |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < n)
            v |= bytes[i + 2];
        *out++ = b64[v >> 18];
        *out++ = b64[v >> 12 & 63];
        *out++ = i + 1 < n ? b64[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? b64[v & 63] : '=';
    }
    *out = 0;
}

int
fake_text_unbase64(const char *text, uint8_t *out, size_t cap)
{
    size_t len = strlen(text), n = 0;
    if (len % 4)
        return -1;
    for (size_t i = 0; i < len; i += 4) {
        uint32_t v = 0;
        int pad = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *p = text[i + k] ? strchr(b64, text[i + k]) : NULL;
            if (text[i + k] == '=' && i + 4 == len && k >= 2)
                pad++;
            else if (!p || pad)
                return -1;
            v = v << 6 | (p && !pad ? (uint32_t)(p - b64) : 0);
        }
        /* bits that the padding throws away must be zero, or one value has many spellings */
        if ((pad == 1 && v & 0xff) || (pad == 2 && v & 0xffff))
            return -1;
        for (int k = 0; k < 3 - pad; k++) {
            if (n == cap)
                return -1;
            out[n++] = (uint8_t)(v >> (16 - 8 * k));
        }
    }
    return (int)n;
}

static bool
unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

void
fake_text_percent(struct fake_buf *out, const char *s, size_t n, enum fake_slash slash)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        char esc[3] = {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
        if (unreserved(c) || (c == '/' && slash == FAKE_SLASH_KEEP))
            fake_buf_add(out, s + i, 1);
        else
            fake_buf_add(out, esc, 3);
    }
    fake_buf_add(out, "", 0);
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
fake_text_unpercent(struct fake_buf *out, const char *s, size_t n, enum fake_plus plus)
{
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        if (c == '+' && plus == FAKE_PLUS_SPACE)
            c = ' ';
        if (c == '%') {
            int hi = i + 2 < n ? hex_digit(s[i + 1]) : -1;
            int lo = hi >= 0 ? hex_digit(s[i + 2]) : -1;
            if (lo < 0 || (hi | lo) == 0)
                return -1;
            c = (char)(hi << 4 | lo);
            i += 2;
        }
        fake_buf_add(out, &c, 1);
    }
    fake_buf_add(out, "", 0);
    return 0;
}

/* One code point from @s, its length in *@n; -1 when it is not well-formed UTF-8. */
static int
code_point(const unsigned char *s, size_t *n)
{
    static const int least[] = {0, 0x80, 0x800, 0x10000};
    size_t more = s[0] < 0x80 ? 0 : s[0] >> 5 == 6 ? 1 : s[0] >> 4 == 14 ? 2 : 3;
    if (s[0] >= 0x80 && (s[0] < 0xc2 || s[0] > 0xf4))
        return -1;
    int cp = more == 0 ? s[0] : s[0] & (0x3f >> more);
    for (size_t i = 1; i <= more; i++) {
        if (s[i] >> 6 != 2)
            return -1;
        cp = cp << 6 | (s[i] & 63);
    }
    *n = more + 1;
    return cp < least[more] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff) ? -1 : cp;
}

bool
fake_text_utf8_ok(const char *s)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)s; *p; p += n)
        if (code_point(p, &n) < 0)
            return false;
    return true;
}

bool
fake_text_xml_ok(const char *s)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)s; *p; p += n) {
        int cp = code_point(p, &n);
        if (cp < 0 || (cp < 0x20 && cp != 9 && cp != 10 && cp != 13) || cp == 0xfffe ||
            cp == 0xffff)
            return false;
    }
    return true;
}

int
fake_text_uint(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    if (!*s)
        return -1;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return -1;
        uint64_t digit = (uint64_t)(*s - '0');
        if (v > (max - digit) / 10 || digit > max)
            return -1;
        v = v * 10 + digit;
    }
    *out = v;
    return 0;
}

bool
fake_text_same_nocase(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

void
fake_text_http_date(int64_t ms, char *out)
{
    static const char *const day[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    char wide[96]; /* as long as the compiler thinks a year may be */
    gmtime_r(&t, &tm);
    snprintf(wide, sizeof(wide), "%s, %02d %s %04d %02d:%02d:%02d GMT", day[tm.tm_wday % 7],
             tm.tm_mday, month[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
    snprintf(out, 40, "%.39s", wide);
}

void
fake_text_iso_date(int64_t ms, char *out)
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm;
    char wide[96];
    gmtime_r(&t, &tm);
    snprintf(wide, sizeof(wide), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
    snprintf(out, 40, "%.39s", wide);
}

int
fake_text_amz_date(const char *s, int64_t *out_seconds)
{
    struct tm tm = {0};
    if (strlen(s) != 16)
        return -1;
    const char *end = strptime(s, "%Y%m%dT%H%M%SZ", &tm);
    if (!end || *end)
        return -1;
    *out_seconds = (int64_t)timegm(&tm);
    return 0;
}

void
fake_text_json(struct fake_buf *out, const char *s)
{
    fake_buf_puts(out, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c >= 0x7f)
            fake_buf_printf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            fake_buf_printf(out, "\\%c", c);
        else
            fake_buf_add(out, s, 1);
    }
    fake_buf_puts(out, "\"");
}
