#include "catalog/fields.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define KEY_BYTES 32 /* of the longest name of a field with _b64 */

static void
is_bad(struct weir_fields *f, const char *name)
{
    if (f->bad == NULL)
        f->bad = name;
}

static const char *
b64_key(const char *name, char out[KEY_BYTES])
{
    (void)snprintf(out, KEY_BYTES, "%s_b64", name);
    return out;
}

static json_t *
look(struct weir_fields *f, const char *name)
{
    json_t *v = json_object_get(f->object, name);
    f->used += v != NULL;
    return v;
}

bool
weir_fields_have(const struct weir_fields *f, const char *name)
{
    char key[KEY_BYTES];
    return json_object_get(f->object, name) != NULL ||
           json_object_get(f->object, b64_key(name, key)) != NULL;
}

/* Decimal digits as export writes them: no sign, no needless zero. */
static bool
read_digits(const char *p, size_t bytes, uint64_t *out)
{
    uint64_t value = 0;
    if (bytes == 0 || (bytes > 1 && p[0] == '0'))
        return false;
    for (size_t i = 0; i < bytes; i++) {
        unsigned digit = (unsigned)(unsigned char)p[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool
read_u64(const json_t *v, uint64_t *out)
{
    if (json_is_string(v))
        return read_digits(json_string_value(v), json_string_length(v), out);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = (uint64_t)json_integer_value(v);
    return true;
}

static bool
read_i64(const json_t *v, int64_t *out)
{
    uint64_t size = 0;
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return true;
    }
    if (!json_is_string(v) || json_string_length(v) == 0)
        return false;
    const char *text = json_string_value(v);
    size_t minus = text[0] == '-';
    if (!read_digits(text + minus, json_string_length(v) - minus, &size) ||
        size > (uint64_t)INT64_MAX + minus)
        return false;
    uint64_t bits = minus ? 0 - size : size;
    memcpy(out, &bits, sizeof(*out));
    return true;
}

static uint64_t
number(struct weir_fields *f, const json_t *v, const char *name, uint64_t max)
{
    uint64_t value = 0;
    if (read_u64(v, &value) && value <= max)
        return value;
    is_bad(f, name);
    return 0;
}

uint64_t
weir_fields_u64(struct weir_fields *f, const char *name, uint64_t max)
{
    return number(f, look(f, name), name, max);
}

uint64_t
weir_fields_u64_or_0(struct weir_fields *f, const char *name, uint64_t max)
{
    const json_t *v = look(f, name);
    return v == NULL ? 0 : number(f, v, name, max);
}

struct weir_time
weir_fields_time(struct weir_fields *f, const char *name)
{
    struct weir_time t = {0};
    uint64_t ns = 0;
    const json_t *v = look(f, name);
    if (json_array_size(v) == 2 && read_i64(json_array_get(v, 0), &t.s) &&
        read_u64(json_array_get(v, 1), &ns) && ns <= 999999999)
        t.ns = (uint32_t)ns;
    else
        is_bad(f, name);
    return t;
}

bool
weir_fields_true(struct weir_fields *f, const char *name)
{
    const json_t *v = look(f, name);
    if (v != NULL && !json_is_true(v))
        is_bad(f, name);
    return v != NULL;
}

/* The library forgives white space and padding in wrong places: only what encodes to the same
 * text again is right. */
static bool
decode(const char *text, size_t bytes, uint8_t *out, size_t *out_bytes)
{
    if (bytes % 4 != 0 || bytes > INT_MAX)
        return false;
    int got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)bytes);
    if (got < 0 || (size_t)got != bytes / 4 * 3)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < bytes && text[bytes - 1 - padding] == '=')
        padding++;
    struct weir_buf again = {0};
    weir_buf_base64(&again, out, (size_t)got - padding);
    bool same = !again.failed && again.len == bytes &&
                (bytes == 0 || memcmp(again.data, text, bytes) == 0);
    weir_buf_fini(&again);
    *out_bytes = (size_t)got - padding;
    return same;
}

/* Puts the bytes in the place of the text, so that they live as long as the object. */
static const json_t *
decode_field(struct weir_fields *f, const char *key)
{
    const json_t *v = json_object_get(f->object, key);
    size_t bytes = json_string_length(v), got = 0;
    uint8_t *data = json_is_string(v) ? malloc(bytes / 4 * 3 + 3) : NULL;
    json_t *decoded = NULL;
    if (data != NULL && decode(json_string_value(v), bytes, data, &got))
        decoded = json_stringn_nocheck((const char *)data, got);
    free(data);
    if (decoded != NULL && json_object_set_new_nocheck(f->object, key, decoded) != 0)
        decoded = NULL;
    return decoded;
}

const void *
weir_fields_base64(struct weir_fields *f, const char *name, size_t *out_bytes)
{
    const json_t *v = look(f, name) != NULL ? decode_field(f, name) : NULL;
    if (v == NULL)
        is_bad(f, name);
    *out_bytes = json_string_length(v);
    return v == NULL ? "" : json_string_value(v);
}

const char *
weir_fields_bytes(struct weir_fields *f, const char *name, size_t *out_bytes)
{
    char key[KEY_BYTES];
    const json_t *v = look(f, name), *b64 = look(f, b64_key(name, key));
    if (v != NULL && b64 != NULL)
        v = NULL; /* which of them? */
    else if (b64 != NULL)
        v = decode_field(f, key);
    const char *data = json_string_value(v);
    *out_bytes = json_string_length(v);
    if (data != NULL && memchr(data, '\0', *out_bytes) == NULL)
        return data;
    is_bad(f, name);
    *out_bytes = 0;
    return "";
}

const char *
weir_fields_text_or_empty(struct weir_fields *f, const char *name)
{
    size_t bytes;
    return weir_fields_have(f, name) ? weir_fields_bytes(f, name, &bytes) : "";
}

uint8_t
weir_fields_choice(struct weir_fields *f, const char *name, const char *const *list,
                   size_t count)
{
    const char *text = json_string_value(look(f, name));
    for (size_t i = 0; text != NULL && i < count; i++)
        if (list[i] != NULL && strcmp(list[i], text) == 0)
            return (uint8_t)i;
    is_bad(f, name);
    return 0;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
weir_fields_digest(struct weir_fields *f, const char *name, struct weir_xxh128 *out)
{
    const json_t *v = look(f, name);
    const char *text = json_string_value(v);
    bool good = json_string_length(v) == 2 * sizeof(out->b);
    memset(out, 0, sizeof(*out));
    for (size_t i = 0; good && i < sizeof(out->b); i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        if (good)
            out->b[i] = (uint8_t)(high << 4 | low);
    }
    if (!good)
        is_bad(f, name);
}

uint64_t
weir_fields_crc64nvme(struct weir_fields *f, const char *name)
{
    uint64_t crc = 0;
    const char *text = json_string_value(look(f, name));
    if (text != NULL && weir_crc64nvme_parse(text, &crc) == 0)
        return crc;
    is_bad(f, name);
    return 0;
}

struct weir_fields
weir_fields_object(struct weir_fields *f, const char *name)
{
    struct weir_fields inner = {.object = look(f, name)};
    if (!json_is_object(inner.object))
        is_bad(f, name);
    return inner;
}

bool
weir_fields_end(const struct weir_fields *f)
{
    return f->bad == NULL && f->used == json_object_size(f->object);
}
