/* fuzz: bucket, region and endpoint, cut at NULs, behind one byte of settings.  Whatever is
 * accepted must be a clean URL: no byte that could begin another header, host or path. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "s3/endpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f ||
            strchr("@?#\\\"<>%", *text) != NULL)
            __builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct weir_s3_endpoint e;
    if (bytes == 0)
        return 0;
    char *text = malloc(bytes + 3);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, bytes - 1);
    memset(text + bytes - 1, 0, 4);
    const char *region = text + strlen(text) + 1;
    const char *endpoint = region + strlen(region) + 1;
    struct weir_s3_endpoint_input in = {
        .bucket = text,
        .region = region,
        .endpoint = endpoint[0] == '\0' ? NULL : endpoint,
        .addressing = (enum weir_addressing)(data[0] % 3),
        .accelerate = data[0] & 4,
        .dualstack = data[0] & 8,
        .fips = data[0] & 16,
    };
    if (weir_s3_endpoint_resolve(&in, &e, NULL) == 0) {
        check_clean(e.origin);
        check_clean(e.host);
        check_clean(e.path);
        if (strstr(e.origin, e.host) == NULL || strchr(e.host, '/') != NULL)
            __builtin_trap();
    }
    free(text);
    return 0;
}
