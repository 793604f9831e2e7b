/* Clones: one handle for each thread, one store behind them. */
#include "contract.h"

#include <pthread.h>
#include <stdio.h>

#define THREADS 4
#define OBJECTS 25

struct worker { /* asserts are for the main thread: a worker only notes its first error */
    pthread_t thread;
    struct weir_transport *t; /* its own clone */
    const struct contract *c;
    unsigned number;
    unsigned done, won;
    struct weir_err err;
};

static int
one_object(struct worker *w, unsigned i)
{
    char key[160], body[64];
    struct weir_stored stored;
    struct contract_buffer got = {0};
    (void)snprintf(key, sizeof(key), "%sshared/%u-%u", w->c->prefix, w->number, i);
    int n = snprintf(body, sizeof(body), "body of %u-%u", w->number, i);
    const struct weir_object object = {.key = key};
    if (w->t->ops->put(w->t, &object, body, (size_t)n, weir_crc64nvme(0, body, (size_t)n),
                       &stored, &w->err) != 0 ||
        w->t->ops->get(w->t, key, 0, UINT64_MAX, contract_sink, &got, &w->err) != 0)
        return -1;
    int rc = got.bytes == (size_t)n && memcmp(got.data, body, got.bytes) == 0 ? 0 : -1;
    free(got.data);
    return rc;
}

static int
one_upload(struct worker *w)
{
    char key[160], id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part part;
    struct weir_stored stored;
    (void)snprintf(key, sizeof(key), "%sshared/upload-%u", w->c->prefix, w->number);
    const struct weir_object object = {.key = key};
    uint64_t crc = weir_crc64nvme(0, key, strlen(key));
    if (w->t->ops->create_upload(w->t, &object, id, &w->err) != 0 ||
        w->t->ops->put_part(w->t, key, id, 1, key, strlen(key), crc, &part, &w->err) != 0)
        return -1;
    return w->t->ops->complete_upload(w->t, &object, id, &part, 1, strlen(key), crc, &stored,
                                      &w->err);
}

static void *
work(void *arg)
{
    struct worker *w = arg;
    for (unsigned i = 0; i < OBJECTS; i++)
        if (one_object(w, i) == 0)
            w->done++;
    if (one_upload(w) == 0)
        w->done++;
    return NULL;
}

static void
start(struct contract *c, struct worker *w, void *(*run)(void *))
{
    memset(w, 0, THREADS * sizeof(*w));
    for (unsigned i = 0; i < THREADS; i++) {
        w[i].c = c;
        w[i].number = i;
        contract_ok(c, c->ops->clone(c->t, &w[i].t, &c->err), "clone");
    }
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&w[i].thread, NULL, run, &w[i]), 0);
}

static void
join(struct worker *w)
{
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(w[i].thread, NULL);
        w[i].t->ops->close(w[i].t);
    }
}

static int
on_listed(void *ctx, const struct weir_listed *o)
{
    (void)o;
    ++*(size_t *)ctx;
    return 0;
}

static void
clones(struct contract *c)
{
    struct worker w[THREADS];
    size_t listed = 0;
    start(c, w, work);
    join(w);
    for (unsigned i = 0; i < THREADS; i++) {
        char text[2048];
        ck_assert_msg(w[i].done == OBJECTS + 1, "thread %u: %u of %u done: %s", i, w[i].done,
                      OBJECTS + 1, weir_err_text(&w[i].err, text, sizeof(text)));
    }
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, on_listed, &listed, &c->err), "list");
    ck_assert_uint_eq(listed, THREADS * (OBJECTS + 1));
}

static void *
race(void *arg)
{
    struct worker *w = arg;
    for (unsigned i = 0; i < OBJECTS; i++) {
        char key[160];
        struct weir_stored stored;
        struct weir_err err = WEIR_ERR_INIT;
        (void)snprintf(key, sizeof(key), "%srace/%u", w->c->prefix, i);
        const struct weir_object object = {.key = key, .condition = WEIR_COND_ABSENT};
        int rc = w->t->ops->put(w->t, &object, key, strlen(key),
                                weir_crc64nvme(0, key, strlen(key)), &stored, &err);
        w->won += rc == 0;
        if (rc == 0 || err.code == WEIR_E_EXISTS)
            w->done++;
        else if (w->err.code == WEIR_OK)
            w->err = err;
    }
    return NULL;
}

static void
one_winner(struct contract *c)
{
    struct worker w[THREADS];
    unsigned won = 0;
    if (!contract_can(c, WEIR_CAP_IF_NONE_MATCH, "PUT If-None-Match: *"))
        return;
    start(c, w, race);
    join(w);
    for (unsigned i = 0; i < THREADS; i++) {
        char text[2048];
        ck_assert_msg(w[i].done == OBJECTS, "thread %u: %s", i,
                      weir_err_text(&w[i].err, text, sizeof(text)));
        won += w[i].won;
    }
    ck_assert_uint_eq(won, OBJECTS);
}

/* Adds one to the number in the object, if nobody else did meanwhile. */
static int
add_one(struct worker *w, const char *key, struct weir_err *err)
{
    static _Thread_local struct weir_head head;
    struct weir_stored stored;
    struct contract_buffer got = {0};
    char text[32];
    if (w->t->ops->head(w->t, key, &head, err) != 0 ||
        w->t->ops->get(w->t, key, 0, UINT64_MAX, contract_sink, &got, err) != 0)
        return -1;
    (void)snprintf(text, sizeof(text), "%.*s", (int)(got.bytes < 31 ? got.bytes : 31),
                   (char *)got.data);
    free(got.data);
    int n = snprintf(text, sizeof(text), "%u", (unsigned)strtoul(text, NULL, 10) + 1);
    const struct weir_object object = {
        .key = key, .condition = WEIR_COND_MATCH, .etag = head.stored.etag};
    return w->t->ops->put(w->t, &object, text, (size_t)n, weir_crc64nvme(0, text, (size_t)n),
                          &stored, err);
}

static void *
count_up(void *arg)
{
    struct worker *w = arg;
    char key[160];
    (void)snprintf(key, sizeof(key), "%scounter", w->c->prefix);
    for (unsigned i = 0; i < 2000 && w->done < OBJECTS; i++) {
        struct weir_err err = WEIR_ERR_INIT;
        if (add_one(w, key, &err) == 0)
            w->done++;
        else if (err.code != WEIR_E_EXISTS && !err.retryable && w->err.code == WEIR_OK)
            w->err = err;
    }
    return NULL;
}

/* HEAD, GET, PUT If-Match from four threads: no increment is lost. */
static void
counter(struct contract *c)
{
    struct worker w[THREADS];
    struct contract_buffer got = {0};
    const char *key = contract_key(c, "counter");
    unsigned done = 0;
    if (!contract_can(c, WEIR_CAP_IF_MATCH, "PUT If-Match"))
        return;
    contract_put(c, key, "0", 1, NULL);
    start(c, w, count_up);
    join(w);
    for (unsigned i = 0; i < THREADS; i++) {
        char text[2048];
        ck_assert_msg(w[i].err.code == WEIR_OK, "thread %u: %s", i,
                      weir_err_text(&w[i].err, text, sizeof(text)));
        done += w[i].done;
    }
    ck_assert_uint_gt(done, OBJECTS);
    contract_ok(c, c->ops->get(c->t, key, 0, UINT64_MAX, contract_sink, &got, &c->err), "get");
    contract_sink(&got, "", 1);
    ck_assert_uint_eq(strtoul((char *)got.data, NULL, 10), done);
    free(got.data);
}

static void
clone_outlives(struct contract *c)
{
    struct weir_transport *first, *second;
    contract_ok(c, c->ops->clone(c->t, &first, &c->err), "clone");
    contract_ok(c, first->ops->clone(first, &second, &c->err), "clone of a clone");
    first->ops->close(first);
    struct weir_stored stored;
    const struct weir_object object = {.key = contract_key(c, "object")};
    contract_ok(
        c,
        second->ops->put(second, &object, "x", 1, weir_crc64nvme(0, "x", 1), &stored, &c->err),
        "put through the clone of a closed clone");
    second->ops->close(second);
    contract_expect(c, object.key, "x", 1);
}

const struct contract_case contract_threads[] = {
    {"clones", clones},   {"one-winner", one_winner},
    {"counter", counter}, {"clone-outlives", clone_outlives},
    {NULL, NULL},
};
