/* field -- one value of the tree into one field of a struct: the kinds of schema.h. */
#ifndef WEIR_MANIFEST_FIELD_H
#define WEIR_MANIFEST_FIELD_H

#include <weir/manifest.h>

#include "manifest/schema.h"

/* Fills one field of the struct at base: all kinds but LATER and MAP. */
void weir_field_read(struct weir_schema *s, const struct weir_schema_key *key,
                     const struct weir_node *value, void *base);

/* The kinds that hold more than one value; field_list.c. */
void weir_field_list_patterns(struct weir_schema *s, const struct weir_schema_key *key,
                              const struct weir_node *n, struct weir_strings *field);
void weir_field_list_pairs(struct weir_schema *s, const struct weir_schema_key *key,
                           const struct weir_node *n, struct weir_pair **field, size_t *count);
void weir_field_list_maps(struct weir_schema *s, const struct weir_schema_key *key,
                          const struct weir_node *n, char **field, size_t *count);

/* COUNT, COUNT64, SIZE and DURATION; field_number.c.  Returns whether *out was set. */
bool weir_field_number(struct weir_schema *s, const struct weir_schema_key *key,
                       const struct weir_node *n, uint64_t *out);

/* The text of a scalar that may be used, or NULL after telling why not: wrong shape, nothing,
 * a NUL byte.  Borrowed from the node. */
const char *weir_field_scalar(struct weir_schema *s, const char *name,
                              const struct weir_node *n, const char *expected);
/* The same, and not empty. */
const char *weir_field_filled(struct weir_schema *s, const char *name,
                              const struct weir_node *n, const char *expected);

/* Tells "name: 'text' wrong", with a question when `meant` is not NULL. */
void weir_field_complain(struct weir_schema *s, const char *name, const struct weir_node *n,
                         const char *wrong, const char *meant);

/* strdup; a lack of memory is noted in s. */
char *weir_field_copy(struct weir_schema *s, const char *text);

#endif
