#include "s3/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_0000_S INT64_C(-62167219200)
#define YEAR_9999_S INT64_C(253402300799)

void
weir_s3_time_amz(int64_t unix_s, char out[WEIR_S3_AMZ_DATE_BYTES])
{
    if (unix_s < YEAR_0000_S)
        unix_s = YEAR_0000_S;
    if (unix_s > YEAR_9999_S)
        unix_s = YEAR_9999_S;
    time_t when = (time_t)unix_s;
    struct tm tm = {0};
    gmtime_r(&when, &tm);
    unsigned field[6] = {(unsigned)(tm.tm_year + 1900) / 100,
                         (unsigned)(tm.tm_year + 1900) % 100,
                         (unsigned)tm.tm_mon + 1,
                         (unsigned)tm.tm_mday,
                         (unsigned)tm.tm_hour,
                         (unsigned)tm.tm_min};
    char *at = out;
    for (int i = 0; i < 6; i++) { /* by hand: every request does this */
        if (i == 4)
            *at++ = 'T';
        *at++ = (char)('0' + field[i] / 10);
        *at++ = (char)('0' + field[i] % 10);
    }
    *at++ = (char)('0' + tm.tm_sec / 10);
    *at++ = (char)('0' + tm.tm_sec % 10);
    *at++ = 'Z';
    *at = '\0';
}

/* Reads exactly count digits; -1 when there are fewer. */
static int
digits(const char **at, int count)
{
    int value = 0;
    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static int
from_fields(int year, int month, int day, int hour, int minute, int second, int64_t *out)
{
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || second < 0 || second > 60)
        return -1;
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    *out = (int64_t)timegm(&tm);
    return 0;
}

int
weir_s3_time_iso(const char *text, int64_t *out)
{
    static const char separators[] = "--T::";
    static const int widths[] = {4, 2, 2, 2, 2, 2};
    int field[6];
    for (int i = 0; i < 6; i++) {
        if (i > 0 && *text++ != separators[i - 1])
            return -1;
        if ((field[i] = digits(&text, widths[i])) < 0)
            return -1;
    }
    if (*text == '.')
        text += 1 + strspn(text + 1, "0123456789");
    if (strcmp(text, "Z") != 0 && strcmp(text, "+00:00") != 0)
        return -1;
    return from_fields(field[0], field[1], field[2], field[3], field[4], field[5], out);
}

int
weir_s3_time_http(const char *text, int64_t *out)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (strlen(text) != 29 || text[3] != ',' || text[4] != ' ' || text[7] != ' ')
        return -1;
    const char *at = text + 5;
    int day = digits(&at, 2);
    size_t month = 0;
    while (month < 12 && memcmp(months + 3 * month, text + 8, 3) != 0)
        month++;
    at = text + 12;
    int year = digits(&at, 4);
    int clock[3];
    for (int i = 0; i < 3; i++) {
        if (*at++ != (i == 0 ? ' ' : ':'))
            return -1;
        if ((clock[i] = digits(&at, 2)) < 0)
            return -1;
    }
    if (day < 0 || year < 0 || strcmp(at, " GMT") != 0)
        return -1;
    return from_fields(year, (int)month + 1, day, clock[0], clock[1], clock[2], out);
}
