/* cross -- what keys must not say together, once each of them is right by itself. */
#ifndef WEIR_MANIFEST_CROSS_H
#define WEIR_MANIFEST_CROSS_H

#include <weir/manifest.h>

#include "manifest/diag.h"
#include "manifest/node.h"

/* Tells contradictions in m to d, at the nodes of the tree that m was read from.  Fields that
 * are missing or were wrong (NULL texts) are left alone. */
void weir_cross_check(const struct weir_manifest *m, const struct weir_node *root,
                      struct weir_diag *d);

#endif
