#include <weir/digest.h>

#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 64 bits are ten digits of six bits and one of four, moved up by two zero bits. */
void
weir_crc64nvme_base64(uint64_t crc, char out[13])
{
    for (unsigned i = 0; i < 10; i++)
        out[i] = alphabet[crc >> (58 - 6 * i) & 63];
    out[10] = alphabet[crc << 2 & 63];
    out[11] = '=';
    out[12] = '\0';
}

int
weir_crc64nvme_parse(const char *text, uint64_t *out)
{
    if (strnlen(text, 13) != 12 || text[11] != '=')
        return -1;
    uint64_t crc = 0;
    for (unsigned i = 0; i < 11; i++) {
        const char *at = strchr(alphabet, text[i]);
        if (at == NULL)
            return -1;
        uint64_t digit = (uint64_t)(at - alphabet);
        if (i == 10 && (digit & 3) != 0)
            return -1; /* a second spelling of the same value */
        crc = i == 10 ? crc << 4 | digit >> 2 : crc << 6 | digit;
    }
    *out = crc;
    return 0;
}
