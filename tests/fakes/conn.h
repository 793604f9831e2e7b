/* conn -- one client connection: buffered reads and whole writes over TCP or TLS. */
#ifndef FAKE_CONN_H
#define FAKE_CONN_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_CONN_BUFFER 65536

struct fake_conn {
    int fd;
    SSL *tls;  /* or NULL */
    bool dead; /* an error or the end was met: no more I/O */
    size_t in_pos, in_len;
    uint64_t written_bytes;
    char in[FAKE_CONN_BUFFER];
};

/* Takes over @fd; with @ctx the TLS handshake is made here.  NULL, and @fd still the caller's,
 * when it fails. */
struct fake_conn *fake_conn_create(int fd, SSL_CTX *ctx);
void fake_conn_free(struct fake_conn *c);
/* 1..n bytes, 0 at the end of the stream, -1 on failure. */
int fake_conn_read(struct fake_conn *c, void *out, size_t n);
/* More bytes behind those buffered; 0 at the end or when the buffer is full, -1 on failure. */
int fake_conn_fill(struct fake_conn *c);
/* One line without its CR LF into @out; -1 when it is longer than @room or the stream ends. */
int fake_conn_line(struct fake_conn *c, char *out, size_t room);
int fake_conn_write(struct fake_conn *c, const void *bytes, size_t n);
/* Ends the connection with a RST instead of a FIN. */
void fake_conn_reset(struct fake_conn *c);
/* FIN, then wait a little for the client to read what was sent and to close. */
void fake_conn_linger(struct fake_conn *c);

#endif
