/* fields -- the values of one JSON object that nobody vouches for.
 *
 * Each call reads one field and remembers the first that is missing or wrong: check `bad` once,
 * after the last, with weir_fields_end().  Until then a bad field reads as 0, "" or false. */
#ifndef WEIR_CATALOG_FIELDS_H
#define WEIR_CATALOG_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/digest.h>
#include <weir/entry.h>

struct weir_fields {
    json_t *object; /* owned by the caller; must live as long as texts that were read */
    size_t used;
    const char *bad; /* name of the first field that is missing or wrong, or NULL */
};

/* Is it there, under its name or as NAME_b64? */
bool weir_fields_have(const struct weir_fields *f, const char *name);

/* A whole number from 0 to max, or the same as a string. */
uint64_t weir_fields_u64(struct weir_fields *f, const char *name, uint64_t max);
/* The same; 0 when it is not there. */
uint64_t weir_fields_u64_or_0(struct weir_fields *f, const char *name, uint64_t max);
/* [seconds, nanoseconds] */
struct weir_time weir_fields_time(struct weir_fields *f, const char *name);
/* false when it is not there, true when it is true; nothing else is right. */
bool weir_fields_true(struct weir_fields *f, const char *name);
/* Bytes without NUL, followed by one: a string, or base64 as NAME_b64. */
const char *weir_fields_bytes(struct weir_fields *f, const char *name, size_t *out_bytes);
/* The same; "" when it is not there. */
const char *weir_fields_text_or_empty(struct weir_fields *f, const char *name);
/* Any bytes, from a string of base64. */
const void *weir_fields_base64(struct weir_fields *f, const char *name, size_t *out_bytes);
/* Index of a string in a list whose unused places are NULL. */
uint8_t weir_fields_choice(struct weir_fields *f, const char *name, const char *const *list,
                           size_t count);
void weir_fields_digest(struct weir_fields *f, const char *name, struct weir_xxh128 *out);
uint64_t weir_fields_crc64nvme(struct weir_fields *f, const char *name);
/* An object; its fields are counted on their own. */
struct weir_fields weir_fields_object(struct weir_fields *f, const char *name);

/* true when nothing was bad (else `bad` names it) and every field of the object was read. */
bool weir_fields_end(const struct weir_fields *f);

#endif
