#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"
#include "server.h"
#include "tls.h"

#define STOP_WAIT_S 5
#define IDLE_S 600

struct fake_worker {
    struct fake_server *server;
    int fd;
    struct fake_worker *prev, *next;
};

int64_t
fake_server_now_ms(const struct fake_server *s)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return ((int64_t)now.tv_sec + s->opt.clock_offset_s) * 1000 + now.tv_nsec / 1000000;
}

static void
enlist(struct fake_server *s, struct fake_worker *w)
{
    pthread_mutex_lock(&s->conn_lock);
    w->next = s->workers;
    if (w->next)
        w->next->prev = w;
    s->workers = w;
    s->conn_open++;
    s->conn_accepted++;
    pthread_mutex_unlock(&s->conn_lock);
}

/* Off the list before the descriptor is closed: stopping shuts down what is listed. */
static void
unlist(struct fake_worker *w)
{
    struct fake_server *s = w->server;
    pthread_mutex_lock(&s->conn_lock);
    if (w->next)
        w->next->prev = w->prev;
    if (w->prev)
        w->prev->next = w->next;
    else
        s->workers = w->next;
    pthread_mutex_unlock(&s->conn_lock);
}

/* The last thing a worker does: after this the server may be gone. */
static void
count_down(struct fake_server *s)
{
    pthread_mutex_lock(&s->conn_lock);
    s->conn_open--;
    pthread_cond_signal(&s->conn_gone);
    pthread_mutex_unlock(&s->conn_lock);
}

static void *
work(void *arg)
{
    struct fake_worker *w = arg;
    struct fake_server *s = w->server;
    struct fake_conn *conn = fake_conn_create(w->fd, s->tls);
    if (conn)
        fake_serve_connection(s, conn);
    unlist(w);
    if (conn)
        fake_conn_free(conn);
    else
        close(w->fd);
    free(w);
    OPENSSL_thread_stop(); /* nobody waits for the destructors of a detached thread */
    count_down(s);
    return NULL;
}

static void
start_worker(struct fake_server *s, int fd)
{
    pthread_t thread;
    pthread_attr_t attr;
    struct timeval idle = {.tv_sec = IDLE_S};
    struct fake_worker *w = calloc(1, sizeof(*w));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
    if (!w) {
        close(fd);
        return;
    }
    w->server = s;
    w->fd = fd;
    enlist(s, w);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 512 << 10);
    if (pthread_create(&thread, &attr, work, w) != 0) {
        unlist(w);
        close(fd);
        free(w);
        count_down(s);
    }
    pthread_attr_destroy(&attr);
}

static int
listen_on(uint64_t port, unsigned *out_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
        close(fd);
        return -1;
    }
    *out_port = ntohs(at.sin_port);
    return fd;
}

/* The port, for whoever started us: in a file, whole or not at all, and on stdout. */
static int
announce(const struct fake_server *s, unsigned port)
{
    if (s->opt.port_file) {
        char name[4096];
        snprintf(name, sizeof(name), "%s.tmp", s->opt.port_file);
        FILE *f = fopen(name, "we");
        if (!f)
            return -1;
        fprintf(f, "%u\n", port);
        if (fclose(f) != 0 || rename(name, s->opt.port_file) != 0)
            return -1;
    }
    printf("port %u\n", port);
    return fflush(stdout);
}

static int
signal_descriptor(const struct fake_server *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (!s->opt.watch_stdin) /* then the end of the parent is the end of us */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool
stdin_closed(void)
{
    char sink[256];
    ssize_t n = read(STDIN_FILENO, sink, sizeof(sink));
    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static void
accept_until_stop(struct fake_server *s, int listener, int signals)
{
    struct pollfd p[] = {{.fd = listener, .events = POLLIN},
                         {.fd = signals, .events = POLLIN},
                         {.fd = s->opt.watch_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
    for (;;) {
        if (poll(p, 3, -1) < 0 && errno != EINTR)
            return;
        if (p[1].revents || (p[2].revents && stdin_closed()))
            return;
        if (!p[0].revents)
            continue;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            start_worker(s, fd);
    }
}

/* Ends every connection and waits for the threads; -1 when one does not come home. */
static int
stop(struct fake_server *s)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_WAIT_S;
    pthread_mutex_lock(&s->conn_lock);
    s->stopping = true;
    for (struct fake_worker *w = s->workers; w; w = w->next)
        shutdown(w->fd, SHUT_RDWR);
    while (s->conn_open > 0 && rc == 0)
        rc = pthread_cond_timedwait(&s->conn_gone, &s->conn_lock, &until);
    pthread_mutex_unlock(&s->conn_lock);
    return rc == 0 ? 0 : -1;
}

static void
set_text(const char **slot, const char *value)
{
    if (!value)
        return;
    free((char *)*slot);
    *slot = *value ? fake_strdup(value) : NULL;
}

void
fake_server_set_creds(struct fake_server *s, const char *access_key, const char *secret_key,
                      const char *session_token)
{
    pthread_mutex_lock(&s->script_lock);
    set_text(&s->creds.access_key, access_key && *access_key ? access_key : NULL);
    set_text(&s->creds.secret_key, secret_key && *secret_key ? secret_key : NULL);
    set_text(&s->creds.session_token, session_token);
    pthread_mutex_unlock(&s->script_lock);
}

static int
load_script(struct fake_server *s)
{
    struct fake_buf text = {0}, error = {0};
    char block[4096];
    FILE *f = s->opt.script_path ? fopen(s->opt.script_path, "re") : NULL;
    if (!s->opt.script_path)
        return 0;
    if (!f) {
        perror(s->opt.script_path);
        return -1;
    }
    for (size_t n; (n = fread(block, 1, sizeof(block), f)) > 0;)
        fake_buf_add(&text, block, n);
    fclose(f);
    s->script = fake_script_parse(fake_buf_text(&text), &error);
    if (!s->script)
        fprintf(stderr, "%s: %s", s->opt.script_path, fake_buf_text(&error));
    fake_buf_free(&text);
    fake_buf_free(&error);
    return s->script ? 0 : -1;
}

static int
set_up(struct fake_server *s)
{
    pthread_mutex_init(&s->script_lock, NULL);
    pthread_mutex_init(&s->conn_lock, NULL);
    pthread_cond_init(&s->conn_gone, NULL);
    atomic_init(&s->next_id, 1);
    fake_server_set_creds(s, s->opt.creds.access_key, s->opt.creds.secret_key,
                          s->opt.creds.session_token);
    s->creds.region = s->opt.creds.region;
    if (load_script(s) != 0)
        return -1;
    if (s->opt.tls_cert && !(s->tls = fake_tls_create(s->opt.tls_cert, s->opt.tls_key)))
        return -1;
    if (fake_store_open(&s->store, s->opt.data_dir) != 0) {
        perror(s->opt.data_dir);
        return -1;
    }
    if (fake_accesslog_open(&s->log, s->opt.log_path) != 0) {
        perror(s->opt.log_path);
        return -1;
    }
    for (size_t i = 0; i < s->opt.bucket_count; i++)
        fake_store_add_bucket(&s->store, s->opt.bucket[i], fake_server_now_ms(s))->versioned =
            s->opt.versions;
    return 0;
}

int
fake_server_run(struct fake_server *s)
{
    unsigned port;
    if (set_up(s) != 0)
        return 1;
    int signals = signal_descriptor(s);
    int listener = listen_on(s->opt.port, &port);
    if (signals < 0 || listener < 0 || announce(s, port) != 0) {
        perror("weir_fake_s3");
        return 1;
    }
    accept_until_stop(s, listener, signals);
    close(listener);
    if (stop(s) != 0)
        _exit(0); /* a stuck thread still uses the store */
    fake_store_close(&s->store);
    fake_accesslog_close(&s->log);
    fake_script_free(s->script);
    fake_server_set_creds(s, NULL, NULL, "");
    free((char *)s->creds.access_key);
    free((char *)s->creds.secret_key);
    SSL_CTX_free(s->tls);
    close(signals);
    return 0;
}
