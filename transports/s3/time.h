/* time -- the three notations of time that S3 uses.  Pure; no locale, no time zone. */
#ifndef WEIR_S3_TIME_H
#define WEIR_S3_TIME_H

#include <stdint.h>

#define WEIR_S3_AMZ_DATE_BYTES 17 /* "20130524T000000Z" and NUL */

/* Seconds since 1970 as x-amz-date.  Years 0 to 9999; others are clamped. */
void weir_s3_time_amz(int64_t unix_s, char out[WEIR_S3_AMZ_DATE_BYTES]);

/* "2009-10-12T17:50:30.000Z" to seconds; returns 0, or -1 and *out unchanged. */
int weir_s3_time_iso(const char *text, int64_t *out);

/* An HTTP date ("Fri, 24 May 2013 00:00:00 GMT"); returns 0, or -1 and *out unchanged. */
int weir_s3_time_http(const char *text, int64_t *out);

#endif
