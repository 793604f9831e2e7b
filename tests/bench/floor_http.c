/* Just enough HTTP, threads and memory for the floor. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "floor.h"

int
floor_http_connect(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        fprintf(stderr, "bench_floor: connect to port %u: %s\n", port, strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

int
floor_http_send(int fd, const void *data, size_t bytes, int flags)
{
    const char *p = data;
    while (bytes > 0) {
        ssize_t n = send(fd, p, bytes, MSG_NOSIGNAL | flags);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            fprintf(stderr, "bench_floor: send: %s\n", strerror(errno));
            return -1;
        }
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}

int
floor_http_send_two(int fd, const void *head, size_t head_bytes, const void *body,
                    size_t body_bytes)
{
    struct iovec iov[2] = {{(void *)(uintptr_t)head, head_bytes},
                           {(void *)(uintptr_t)body, body_bytes}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);
    if (n < (ssize_t)head_bytes) {
        fprintf(stderr, "bench_floor: sendmsg: %s\n", strerror(errno));
        return -1;
    }
    size_t sent = (size_t)n - head_bytes;
    return floor_http_send(fd, (const char *)body + sent, body_bytes - sent, 0);
}

int
floor_http_reply(int fd)
{
    char buf[4096];
    size_t have = 0;
    for (;;) {
        ssize_t n = recv(fd, buf + have, sizeof(buf) - 1 - have, 0);
        if (n <= 0)
            break;
        have += (size_t)n;
        buf[have] = '\0';
        if (strstr(buf, "\r\n\r\n") != NULL)
            break;
        if (have == sizeof(buf) - 1)
            break;
    }
    buf[have] = '\0';
    if (strncmp(buf, "HTTP/1.1 200 ", 13) == 0 && strstr(buf, "Content-Length: 0\r\n") != NULL)
        return 0;
    fprintf(stderr, "bench_floor: unexpected reply: %.80s\n", buf);
    return -1;
}

int
floor_threads(unsigned n, void *(*run)(void *), void *arg)
{
    pthread_t *id = calloc(n, sizeof(*id));
    unsigned started = 0;
    int rc = id == NULL ? -1 : 0;
    while (rc == 0 && started < n)
        if (pthread_create(&id[started], NULL, run, arg) == 0)
            started++;
        else
            rc = -1;
    for (unsigned i = 0; i < started; i++) {
        void *failed = NULL;
        (void)pthread_join(id[i], &failed);
        if (failed != NULL)
            rc = -1;
    }
    free(id);
    return rc;
}

void *
floor_buffer(size_t bytes)
{
    const size_t huge = (size_t)2 << 20;
    size_t rounded = (bytes + huge - 1) / huge * huge;
    void *p = aligned_alloc(huge, rounded);
    if (p == NULL)
        return NULL;
    (void)madvise(p, rounded, MADV_HUGEPAGE); /* a help, not a need */
    memset(p, 0, rounded);
    return p;
}
