/* admin -- /_fake/...: what tests look at and change while the server runs. */
#ifndef FAKE_ADMIN_H
#define FAKE_ADMIN_H

#include "server.h"

/* Whether the request is one for the fake itself. */
bool fake_admin_wants(const struct fake_request *r);
/* Answers it completely. */
void fake_admin_do(struct fake_call *c);

#endif
