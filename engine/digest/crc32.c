/* Slicing by eight: at[k][b] is what byte b does to the CRC when k more zero bytes follow. */
#include "digest/crc32_impl.h"

void
weir_crc32_table_init(struct weir_crc32_table *t, uint32_t polynomial)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
        t->at[0][b] = crc;
    }
    for (unsigned k = 1; k < 8; k++)
        for (unsigned b = 0; b < 256; b++) {
            uint32_t before = t->at[k - 1][b];
            t->at[k][b] = before >> 8 ^ t->at[0][before & 0xff];
        }
}

static uint32_t
load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint32_t
weir_crc32_run(const struct weir_crc32_table *t, uint32_t crc, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint32_t a = crc ^ load32(p), b = load32(p + 4);
        crc = t->at[7][a & 0xff] ^ t->at[6][a >> 8 & 0xff] ^ t->at[5][a >> 16 & 0xff] ^
              t->at[4][a >> 24] ^ t->at[3][b & 0xff] ^ t->at[2][b >> 8 & 0xff] ^
              t->at[1][b >> 16 & 0xff] ^ t->at[0][b >> 24];
    }
    for (; bytes > 0; bytes--, p++)
        crc = crc >> 8 ^ t->at[0][(crc ^ *p) & 0xff];
    return ~crc;
}
