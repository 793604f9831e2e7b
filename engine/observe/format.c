#include "observe/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *
weir_format_count(uint64_t n, char out[WEIR_FORMAT_BYTES])
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

char *
weir_format_bytes(uint64_t n, char out[WEIR_FORMAT_BYTES])
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)n;
    size_t u = 0;
    while (value >= 1024 && u + 1 < sizeof(unit) / sizeof(unit[0])) {
        value /= 1024;
        u++;
    }
    int decimals = u == 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
    (void)snprintf(out, WEIR_FORMAT_BYTES, "%.*f %s", decimals, value, unit[u]);
    return out;
}

char *
weir_format_duration(int64_t ns, char out[WEIR_FORMAT_BYTES])
{
    int64_t s = ns / 1000000000;
    if (s < 10)
        (void)snprintf(out, WEIR_FORMAT_BYTES, "%.1f s", (double)ns / 1e9);
    else if (s < 60)
        (void)snprintf(out, WEIR_FORMAT_BYTES, "%" PRId64 " s", s);
    else if (s < 3600)
        (void)snprintf(out, WEIR_FORMAT_BYTES, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    else if (s < 86400 * 2)
        (void)snprintf(out, WEIR_FORMAT_BYTES, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600,
                       s / 60 % 60, s % 60);
    else
        (void)snprintf(out, WEIR_FORMAT_BYTES, "%" PRId64 " d %" PRId64 " h", s / 86400,
                       s / 3600 % 24);
    return out;
}
