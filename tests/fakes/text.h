/* text -- encodings of the S3 protocol: hex, base64, percent, numbers and dates. */
#ifndef FAKE_TEXT_H
#define FAKE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

enum fake_slash { FAKE_SLASH_ENCODE, FAKE_SLASH_KEEP };
enum fake_plus { FAKE_PLUS_LITERAL, FAKE_PLUS_SPACE };

/* @out holds 2 * @n + 1 bytes. */
void fake_text_hex(const uint8_t *bytes, size_t n, char *out);
/* @out holds (n + 2) / 3 * 4 + 1 bytes. */
void fake_text_base64(const uint8_t *bytes, size_t n, char *out);
/* Strict: padded, canonical, no white space.  Returns the length, or -1. */
int fake_text_unbase64(const char *text, uint8_t *out, size_t cap);
/* RFC 3986 unreserved bytes stay, the rest becomes %XX in upper case. */
void fake_text_percent(struct fake_buf *out, const char *s, size_t n, enum fake_slash slash);
/* Returns 0, or -1 on a broken escape or an encoded NUL. */
int fake_text_unpercent(struct fake_buf *out, const char *s, size_t n, enum fake_plus plus);
bool fake_text_utf8_ok(const char *s);
/* The bytes every XML 1.0 parser accepts in text, after escaping. */
bool fake_text_xml_ok(const char *s);
/* Decimal digits only, at most @max.  Returns 0 or -1. */
int fake_text_uint(const char *s, uint64_t max, uint64_t *out);
bool fake_text_same_nocase(const char *a, const char *b);

/* @out of 40 bytes each. */
void fake_text_http_date(int64_t ms, char *out);
void fake_text_iso_date(int64_t ms, char *out);
/* 20130524T000000Z to seconds; returns 0 or -1. */
int fake_text_amz_date(const char *s, int64_t *out_seconds);

void fake_text_json(struct fake_buf *out, const char *s); /* with the quotes */

#endif
