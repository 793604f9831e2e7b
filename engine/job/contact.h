/* contact -- the first and every later contact of a job with its store.
 *
 * First: probe what the endpoint honours, sweep what a killed probe left, leave a marker
 * (".weir/job-<id>").  Later: the marker must be there, or it is another store than the one
 * that the catalog describes. */
#ifndef WEIR_JOB_CONTACT_H
#define WEIR_JOB_CONTACT_H

#include "job/setup.h"

/* Before the first thing of a pass is sent.  *out_caps: enum weir_capability bits.  SAFETY when
 * the marker is gone; no transaction may be open. */
int weir_contact(struct weir_setup *s, unsigned *out_caps, struct weir_err *err);

#endif
