/* tls -- the server side TLS context. */
#ifndef FAKE_TLS_H
#define FAKE_TLS_H

#include <openssl/ssl.h>

/* NULL after writing the reason to stderr. */
SSL_CTX *fake_tls_create(const char *cert_file, const char *key_file);

#endif
