/* sink -- a discarding S3 endpoint on loopback; see sink.h.
 *
 *     bench_sink [--port N] [--threads N]
 *
 * Prints "port N" when it listens, and its counters as JSON when SIGTERM or SIGINT ends it;
 * GET /_sink/stats gives them while it runs. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sink.h"
#include "vault.h"

#define THREADS_MAX 16
#define EVENTS 64

struct worker {
    struct sink *sink;
    int epoll_fd;
};

static void *
serve(void *arg)
{
    struct worker *w = arg;
    struct epoll_event events[EVENTS];
    for (;;) {
        int n = epoll_wait(w->epoll_fd, events, EVENTS, -1);
        if (n < 0 && errno != EINTR)
            return NULL;
        for (int i = 0; i < n; i++) {
            struct sink_conn *c = events[i].data.ptr;
            if (sink_conn_ready(w->sink, c) != 0)
                sink_conn_free(c); /* closing takes it out of the epoll set */
        }
    }
}

static int
listen_on(unsigned port, unsigned *out_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        fprintf(stderr, "bench_sink: listen on port %u: %s\n", port, strerror(errno));
        return -1;
    }
    *out_port = ntohs(at.sin_port);
    return fd;
}

/* Connections go to the threads in turn, so that two sockets keep two threads busy. */
static void *
accept_all(int listen_fd, struct worker *workers, unsigned count)
{
    for (unsigned turn = 0;; turn++) {
        int on = 1;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        struct sink_conn *c = fd < 0 ? NULL : sink_conn_create(fd);
        if (c == NULL) {
            fprintf(stderr, "bench_sink: accept: %s\n", strerror(errno));
            return NULL;
        }
        struct worker *w = &workers[turn % count];
        struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = c}};
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        atomic_fetch_add(&w->sink->counts.connections, 1);
        if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
            sink_conn_free(c);
    }
}

struct acceptor {
    int listen_fd;
    struct worker *workers;
    unsigned count;
};

static void *
accept_thread(void *arg)
{
    struct acceptor *a = arg;
    return accept_all(a->listen_fd, a->workers, a->count);
}

static int
start(struct sink *s, int listen_fd, unsigned threads)
{
    static struct worker workers[THREADS_MAX];
    static struct acceptor acceptor;
    pthread_t id;
    for (unsigned i = 0; i < threads; i++) {
        workers[i].sink = s;
        workers[i].epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (workers[i].epoll_fd < 0 || pthread_create(&id, NULL, serve, &workers[i]) != 0)
            return -1;
    }
    acceptor = (struct acceptor){listen_fd, workers, threads};
    return pthread_create(&id, NULL, accept_thread, &acceptor) == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
    static struct sink sink;
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'}, {"threads", required_argument, NULL, 't'}, {0}};
    unsigned port = 0;
    unsigned threads = 2;
    int opt;
    while ((opt = getopt_long(argc, argv, "p:t:", options, NULL)) != -1) {
        if (opt == 'p')
            port = (unsigned)strtoul(optarg, NULL, 10);
        else if (opt == 't')
            threads = (unsigned)strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (port > 65535 || threads < 1 || threads > THREADS_MAX || optind != argc) {
        fprintf(stderr, "usage: bench_sink [--port N] [--threads 1..%d]\n", THREADS_MAX);
        return 2;
    }
    sigset_t stop;
    int signal_number;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &stop, NULL); /* before the threads, which inherit it */
    sink.vault = vault_create();
    int listen_fd = listen_on(port, &port);
    if (sink.vault == NULL || listen_fd < 0 || start(&sink, listen_fd, threads) != 0)
        return 1;
    printf("port %u\n", port);
    (void)fflush(stdout);
    (void)sigwait(&stop, &signal_number);
    char text[2048];
    sink_counts_json(&sink.counts, text, sizeof(text));
    printf("%s\n", text);
    return 0;
}
