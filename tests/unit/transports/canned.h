/* canned -- an HTTP server that plays a list of replies to whatever is asked, and keeps what
 * was asked.  For the cases where the bytes on the wire matter and not what they mean. */
#ifndef CANNED_H
#define CANNED_H

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CANNED_REPLIES 16
#define CANNED_TEXT (256 * 1024)

struct canned {
    /* fixed before start */
    const char *reply[CANNED_REPLIES];  /* "" closes the connection without a reply */
    size_t reply_bytes[CANNED_REPLIES]; /* 0: strlen */
    /* of the server's thread; read them after canned_stop */
    char *request[CANNED_REPLIES];
    int requests, connections;
    /* the plumbing */
    int listener;
    unsigned port;
    pthread_t thread;
};

/* Reads one request with its body; returns -1 at the end of the connection. */
static inline int
canned_read(int fd, char *text)
{
    size_t used = 0, wanted = 0;
    for (;;) {
        ssize_t n = recv(fd, text + used, CANNED_TEXT - 1 - used, 0);
        if (n <= 0)
            return -1;
        used += (size_t)n;
        text[used] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *length = strstr(text, "Content-Length: ");
        wanted = (size_t)(end - text) + 4;
        if (length != NULL && length < end)
            wanted += strtoul(length + 16, NULL, 10);
        if (used >= wanted)
            return 0;
    }
}

static inline void
canned_send(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        data += n;
        bytes -= (size_t)n;
    }
}

static inline void
canned_reply(int fd, const char *reply)
{
    static const char mark[] = "Content-Length: *";
    const char *length = strstr(reply, mark);
    const char *body = strstr(reply, "\r\n\r\n");
    if (length != NULL && body != NULL) {
        char text[64];
        int bytes = snprintf(text, sizeof(text), "Content-Length: %zu", strlen(body + 4));
        canned_send(fd, reply, (size_t)(length - reply));
        canned_send(fd, text, (size_t)bytes);
        reply = length + sizeof(mark) - 1;
    }
    canned_send(fd, reply, strlen(reply));
}

static inline void
canned_serve(struct canned *c, int fd)
{
    while (c->requests < CANNED_REPLIES && c->reply[c->requests] != NULL) {
        int i = c->requests;
        if (canned_read(fd, c->request[i]) != 0)
            return;
        c->requests++;
        canned_reply(fd, c->reply[i]);
        if (c->reply[i][0] == '\0' || strstr(c->reply[i], "Connection: close") != NULL)
            return;
    }
}

static inline void *
canned_run(void *arg)
{
    struct canned *c = arg;
    int fd;
    while ((fd = accept(c->listener, NULL, NULL)) >= 0) {
        c->connections++;
        canned_serve(c, fd);
        close(fd);
    }
    return NULL;
}

static inline void
canned_start(struct canned *c)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof(at);
    for (int i = 0; i < CANNED_REPLIES; i++)
        ck_assert_ptr_nonnull(c->request[i] = calloc(1, CANNED_TEXT));
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(c->listener, 0);
    ck_assert_int_eq(bind(c->listener, (struct sockaddr *)&at, bytes), 0);
    ck_assert_int_eq(listen(c->listener, 16), 0);
    ck_assert_int_eq(getsockname(c->listener, (struct sockaddr *)&at, &bytes), 0);
    c->port = ntohs(at.sin_port);
    ck_assert_int_eq(pthread_create(&c->thread, NULL, canned_run, c), 0);
}

/* Ends the server; close the clients first. */
static inline void
canned_stop(struct canned *c)
{
    (void)shutdown(c->listener, SHUT_RDWR);
    (void)pthread_join(c->thread, NULL);
    (void)close(c->listener);
}

static inline void
canned_free(struct canned *c)
{
    for (int i = 0; i < CANNED_REPLIES; i++)
        free(c->request[i]);
}

#endif
