/* serve -- the requests of one connection, one after the other. */
#ifndef FAKE_SERVE_H
#define FAKE_SERVE_H

#include "server.h"

/* Until the client or a fault ends it; does not free @conn. */
void fake_serve_connection(struct fake_server *s, struct fake_conn *conn);

#endif
