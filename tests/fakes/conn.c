#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "conn.h"

struct fake_conn *
fake_conn_create(int fd, SSL_CTX *ctx)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct fake_conn *c = fake_grow(NULL, sizeof(*c));
    c->fd = fd;
    c->tls = NULL;
    c->dead = false;
    c->in_pos = c->in_len = 0;
    c->written_bytes = 0;
    if (!ctx)
        return c;
    c->tls = SSL_new(ctx);
    if (c->tls && SSL_set_fd(c->tls, fd) == 1 && SSL_accept(c->tls) == 1)
        return c;
    c->fd = -1; /* stays the caller's */
    fake_conn_free(c);
    return NULL;
}

void
fake_conn_free(struct fake_conn *c)
{
    if (!c)
        return;
    if (c->tls && !c->dead)
        SSL_shutdown(c->tls);
    SSL_free(c->tls);
    if (c->fd >= 0)
        close(c->fd);
    free(c);
}

static int
raw_read(struct fake_conn *c, void *out, size_t n)
{
    if (c->dead)
        return -1;
    for (;;) {
        int chunk = n > 1 << 20 ? 1 << 20 : (int)n;
        int r = c->tls ? SSL_read(c->tls, out, chunk) : (int)recv(c->fd, out, (size_t)chunk, 0);
        if (r > 0)
            return r;
        if (!c->tls && r < 0 && errno == EINTR)
            continue;
        c->dead = r != 0 || c->tls;
        return c->tls && SSL_get_error(c->tls, r) == SSL_ERROR_ZERO_RETURN ? 0 : r < 0 ? -1 : 0;
    }
}

int
fake_conn_read(struct fake_conn *c, void *out, size_t n)
{
    size_t have = c->in_len - c->in_pos;
    if (have == 0)
        return raw_read(c, out, n);
    if (have > n)
        have = n;
    memcpy(out, c->in + c->in_pos, have);
    c->in_pos += have;
    return (int)have;
}

int
fake_conn_fill(struct fake_conn *c)
{
    if (c->in_pos > 0) {
        memmove(c->in, c->in + c->in_pos, c->in_len - c->in_pos);
        c->in_len -= c->in_pos;
        c->in_pos = 0;
    }
    if (c->in_len == sizeof(c->in))
        return 0;
    int r = raw_read(c, c->in + c->in_len, sizeof(c->in) - c->in_len);
    if (r > 0)
        c->in_len += (size_t)r;
    return r;
}

int
fake_conn_line(struct fake_conn *c, char *out, size_t room)
{
    for (size_t n = 0; n < room;) {
        char byte;
        if (c->in_pos == c->in_len && fake_conn_fill(c) <= 0)
            return -1;
        byte = c->in[c->in_pos++];
        if (byte == '\n') {
            out[n && out[n - 1] == '\r' ? n - 1 : n] = 0;
            return 0;
        }
        out[n++] = byte;
    }
    return -1;
}

int
fake_conn_write(struct fake_conn *c, const void *bytes, size_t n)
{
    const char *p = bytes;
    while (n && !c->dead) {
        int chunk = n > 1 << 20 ? 1 << 20 : (int)n;
        int w = c->tls ? SSL_write(c->tls, p, chunk)
                       : (int)send(c->fd, p, (size_t)chunk, MSG_NOSIGNAL);
        if (!c->tls && w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            c->dead = true;
            break;
        }
        p += w;
        n -= (size_t)w;
        c->written_bytes += (uint64_t)w;
    }
    return c->dead ? -1 : 0;
}

void
fake_conn_reset(struct fake_conn *c)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    c->dead = true;
}

void
fake_conn_linger(struct fake_conn *c)
{
    char sink[4096];
    if (c->dead)
        return;
    if (c->tls)
        SSL_shutdown(c->tls);
    shutdown(c->fd, SHUT_WR);
    /* closing with unread bytes would send a RST that can destroy the reply on its way */
    for (int rounds = 0; rounds < 4096; rounds++) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (poll(&p, 1, 1000) <= 0 || recv(c->fd, sink, sizeof(sink), 0) <= 0)
            break;
    }
    c->dead = true;
}
