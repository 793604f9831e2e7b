/* file_bench -- an empty directory with a file:// store in it, and short ways to use it. */
#ifndef WEIR_TEST_FILE_BENCH_H
#define WEIR_TEST_FILE_BENCH_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/file.h"
#include "file/store.h"

#include "../main_check.h"

struct bench {
    char root[320]; /* the store; beside it there is room for other files */
    char top[64];
    char url[330];
    struct weir_destination destination;
    struct weir_cancel cancel;
    struct weir_transport_options options;
    struct weir_transport *t;
    const struct weir_transport_ops *ops;
    struct weir_err err;
};

static inline void
bench_open(struct bench *b, enum file_keep keep)
{
    ck_assert_int_eq(weir_file_open_keep(&b->options, keep, &b->t, &b->err), 0);
    b->ops = b->t->ops;
}

static inline void
bench_setup(struct bench *b, enum file_keep keep)
{
    char here[200];
    memset(b, 0, sizeof(*b));
    ck_assert_ptr_nonnull(getcwd(here, sizeof(here)));
    (void)snprintf(b->top, sizeof(b->top), "file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(b->top));
    (void)snprintf(b->root, sizeof(b->root), "%s/%s/store", here, b->top);
    ck_assert_int_eq(mkdir(b->root, 0755), 0);
    (void)snprintf(b->url, sizeof(b->url), "file://%s", b->root);
    b->destination.url = b->url;
    b->options = (struct weir_transport_options){.destination = &b->destination,
                                                 .clock = weir_clock_system(),
                                                 .cancel = &b->cancel,
                                                 .seed = 1};
    bench_open(b, keep);
}

static inline int
bench_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static inline void
bench_teardown(struct bench *b)
{
    b->ops->close(b->t);
    (void)nftw(b->top, bench_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path of a file of the store; rotates over 4 buffers. */
static inline const char *
bench_path(const struct bench *b, const char *name)
{
    static char ring[4][1400];
    static unsigned next;
    char *out = ring[next++ % 4];
    (void)snprintf(out, sizeof(ring[0]), "%s/%s", b->root, name);
    return out;
}

static inline const char *
bench_text(const struct bench *b)
{
    static char text[2048];
    return weir_err_text(&b->err, text, sizeof(text));
}

static inline int
bench_put(struct bench *b, const char *key, const char *text)
{
    struct weir_stored stored;
    const struct weir_object object = {.key = key};
    weir_err_clear(&b->err);
    return b->ops->put(b->t, &object, text, strlen(text), weir_crc64nvme(0, text, strlen(text)),
                       &stored, &b->err);
}

static inline int
bench_head(struct bench *b, const char *key, struct weir_head *out)
{
    weir_err_clear(&b->err);
    return b->ops->head(b->t, key, out, &b->err);
}

static inline int
bench_sink(void *ctx, const void *data, size_t bytes)
{
    char *text = ctx;
    size_t n = strlen(text);
    ck_assert_uint_lt(n + bytes, 4096);
    memcpy(text + n, data, bytes);
    text[n + bytes] = '\0';
    return 0;
}

/* Gets a short text into a buffer of 4096 bytes. */
static inline int
bench_get(struct bench *b, const char *key, char *out)
{
    weir_err_clear(&b->err);
    out[0] = '\0';
    return b->ops->get(b->t, key, 0, UINT64_MAX, bench_sink, out, &b->err);
}

static inline int
bench_on_listed(void *ctx, const struct weir_listed *o)
{
    return bench_sink(ctx, o->key, strlen(o->key)) + bench_sink(ctx, "|", 1);
}

/* All keys, each with a bar behind it. */
static inline const char *
bench_list(struct bench *b)
{
    static char text[4096];
    weir_err_clear(&b->err);
    text[0] = '\0';
    if (b->ops->list(b->t, "", NULL, bench_on_listed, text, &b->err) != 0)
        ck_abort_msg("list: %s", bench_text(b));
    return text;
}

/* Makes a file behind the back of the store. */
static inline void
bench_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fputs(text, f) >= 0, 1);
    ck_assert_int_eq(fclose(f), 0);
}

/* Number of names in a directory of the store. */
static inline unsigned
bench_count(const struct bench *b, const char *name)
{
    char command[1500];
    unsigned n = 0;
    (void)snprintf(command, sizeof(command), "ls -A '%s' | wc -l", bench_path(b, name));
    FILE *p = popen(command, "r");
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(fscanf(p, "%u", &n), 1);
    (void)pclose(p);
    return n;
}

#endif
