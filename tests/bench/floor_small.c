/* Small files: open, read, digest, sign, PUT; a stand-in signature costs what a real one must:
 * one SHA-256 over the request and one HMAC. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/digest.h>

#include "floor.h"

#define SMALL_MAX ((size_t)1 << 20)

struct small {
    const struct floor_options *o;
    struct floor_totals *t;
    DIR *root;   /* open until the end: directories are opened below it */
    char *names; /* directories below the root, NUL after each */
    size_t names_bytes;
    atomic_uint_fast64_t next; /* offset of the next directory in names */
};

struct worker {
    struct small *s;
    int fd; /* socket */
    char *buf;
    struct weir_digester *d;
    EVP_MD_CTX *sha;
    EVP_MAC_CTX *mac; /* keyed once, as weir's signing key lasts a day */
};

static int
sign(struct worker *w, const char *text, size_t bytes, char out_hex[65])
{
    unsigned char md[32];
    size_t len = sizeof(md);
    if (EVP_DigestInit_ex2(w->sha, NULL, NULL) != 1 ||
        EVP_DigestUpdate(w->sha, text, bytes) != 1 ||
        EVP_DigestFinal_ex(w->sha, md, NULL) != 1 || EVP_MAC_init(w->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(w->mac, md, sizeof(md)) != 1 ||
        EVP_MAC_final(w->mac, md, &len, sizeof(md)) != 1)
        return -1;
    for (size_t i = 0; i < sizeof(md); i++) {
        out_hex[2 * i] = "0123456789abcdef"[md[i] >> 4];
        out_hex[2 * i + 1] = "0123456789abcdef"[md[i] & 15];
    }
    out_hex[64] = '\0';
    return 0;
}

static int
put_bytes(struct worker *w, const char *dir, const char *name, size_t bytes)
{
    struct weir_xxh128 xxh;
    uint64_t crc;
    char checksum[13];
    char signature[65];
    char head[1024];
    weir_digester_begin(w->d, SMALL_MAX, &xxh, 1);
    weir_digester_update(w->d, w->buf, bytes);
    (void)weir_digester_end(w->d, &crc);
    weir_crc64nvme_base64(crc, checksum);
    int n = snprintf(head, sizeof(head),
                     "PUT /bench/p/%s/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                     "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nx-amz-date: 20260101T000000Z"
                     "\r\nx-amz-checksum-crc64nvme: %s\r\nContent-Length: %zu\r\n",
                     dir, name, checksum, bytes);
    if (n < 0 || (size_t)n >= sizeof(head) - 200 || sign(w, head, (size_t)n, signature) != 0)
        return -1;
    n += snprintf(head + n, sizeof(head) - (size_t)n,
                  "Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=%s\r\n\r\n",
                  signature);
    if (floor_http_send_two(w->fd, head, (size_t)n, w->buf, bytes) != 0)
        return -1;
    atomic_fetch_add(&w->s->t->requests, 1);
    atomic_fetch_add(&w->s->t->bytes, bytes);
    return floor_http_reply(w->fd);
}

static int
put_file(struct worker *w, int dir_fd, const char *dir, const char *name)
{
    struct stat st;
    int rc = -1;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        goto done;
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size > SMALL_MAX)
        goto done;
    if (read(fd, w->buf, (size_t)st.st_size) != st.st_size)
        goto done;
    rc = put_bytes(w, dir, name, (size_t)st.st_size);
done:
    if (rc != 0)
        fprintf(stderr, "bench_floor: %s/%s: %s\n", dir, name, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int
put_dir(struct worker *w, const char *name)
{
    int rc = 0;
    int fd = openat(dirfd(w->s->root), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        fprintf(stderr, "bench_floor: %s: %s\n", name, strerror(errno));
        return -1;
    }
    for (struct dirent *e; rc == 0 && (e = readdir(dir)) != NULL;)
        if (e->d_type == DT_REG)
            rc = put_file(w, fd, name, e->d_name);
    (void)closedir(dir);
    return rc;
}

/* The next directory, or NULL when all are taken. */
static const char *
next_dir(struct small *s)
{
    uint_fast64_t at = atomic_load(&s->next);
    while (at < s->names_bytes)
        if (atomic_compare_exchange_weak(&s->next, &at, at + strlen(s->names + at) + 1))
            return s->names + at;
    return NULL;
}

static int
prepare(struct worker *w)
{
    static const unsigned char key[32] = "a signing key of thirty-two byte";
    char hash[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string("digest", hash, sizeof(hash) - 1),
                           OSSL_PARAM_END};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MD *sha = EVP_MD_fetch(NULL, hash, NULL);
    w->buf = floor_buffer(SMALL_MAX);
    w->d = weir_digester_create();
    w->fd = floor_http_connect(w->s->o->port);
    w->sha = EVP_MD_CTX_new();
    w->mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    int rc = w->buf != NULL && w->d != NULL && w->fd >= 0 && w->sha != NULL && w->mac != NULL &&
                     sha != NULL && EVP_DigestInit_ex2(w->sha, sha, NULL) == 1 &&
                     EVP_MAC_init(w->mac, key, sizeof(key), params) == 1
                 ? 0
                 : -1;
    EVP_MD_free(sha); /* the contexts hold references of their own */
    EVP_MAC_free(hmac);
    return rc;
}

static void *
put_dirs(void *arg)
{
    struct worker w = {.s = arg, .fd = -1};
    int rc = prepare(&w);
    for (const char *dir; rc == 0 && (dir = next_dir(w.s)) != NULL;)
        rc = put_dir(&w, dir);
    if (w.fd >= 0)
        (void)close(w.fd);
    EVP_MAC_CTX_free(w.mac);
    EVP_MD_CTX_free(w.sha);
    weir_digester_free(w.d);
    free(w.buf);
    return rc == 0 ? NULL : arg;
}

/* Collects the names of the directories below s->root. */
static int
list_dirs(struct small *s)
{
    size_t room = 0;
    for (struct dirent *e; (e = readdir(s->root)) != NULL;) {
        size_t len = strlen(e->d_name) + 1;
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        if (s->names_bytes + len > room) {
            room = 2 * room + 4096;
            char *bigger = realloc(s->names, room);
            if (bigger == NULL)
                return -1;
            s->names = bigger;
        }
        memcpy(s->names + s->names_bytes, e->d_name, len);
        s->names_bytes += len;
    }
    return 0;
}

int
floor_small_run(const struct floor_options *o, struct floor_totals *t)
{
    struct small s = {.o = o, .t = t, .root = opendir(o->small)};
    int rc = -1;
    if (s.root == NULL || list_dirs(&s) != 0)
        fprintf(stderr, "bench_floor: %s: %s\n", o->small, strerror(errno));
    else
        rc = floor_threads(o->sockets, put_dirs, &s);
    free(s.names);
    if (s.root != NULL)
        (void)closedir(s.root);
    return rc;
}
