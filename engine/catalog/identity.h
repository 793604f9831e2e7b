/* identity -- whose catalog is it: written when it is new, compared ever after. */
#ifndef WEIR_CATALOG_IDENTITY_H
#define WEIR_CATALOG_IDENTITY_H

#include "catalog/catalog.h"

/* @id may be NULL: then nothing is compared, and a new catalog is a WEIR_E_BUG.  Sets the job
 * id of c.  SAFETY names both values when the catalog was made for another job. */
int weir_identity_settle(struct weir_catalog *c, enum weir_catalog_mode mode,
                         const struct weir_catalog_identity *id, uint64_t seed,
                         struct weir_err *err);

#endif
