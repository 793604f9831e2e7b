#include "s3/uri.h"

#include <string.h>

static bool
unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

void
weir_s3_uri_encode(struct weir_s3_text *t, const char *string, bool keep_slash)
{
    static const char hex[] = "0123456789ABCDEF";
    const char *run = string; /* plain bytes are appended a run at a time */
    for (;; string++) {
        unsigned char c = (unsigned char)*string;
        if (c != '\0' && (unreserved(c) || (keep_slash && c == '/')))
            continue;
        weir_s3_text_append(t, run, (size_t)(string - run));
        if (c == '\0')
            return;
        char coded[3] = {'%', hex[c >> 4], hex[c & 15]};
        weir_s3_text_append(t, coded, sizeof(coded));
        run = string + 1;
    }
}

static int
nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

ssize_t
weir_s3_uri_decode(const char *in, char *out, size_t room)
{
    size_t used = 0;
    for (; *in != '\0'; in++) {
        char c = *in;
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = nibble(in[1]);
            int low = high < 0 ? -1 : nibble(in[2]);
            if (low < 0 || (high == 0 && low == 0))
                return -1;
            c = (char)(high << 4 | low);
            in += 2;
        }
        if (used + 1 >= room)
            return -1;
        out[used++] = c;
    }
    if (room == 0)
        return -1;
    out[used] = '\0';
    return (ssize_t)used;
}
