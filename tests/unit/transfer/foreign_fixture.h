/* A store that knows part sizes and nothing else, a worker, and 11 MiB to compare with. */
#ifndef WEIR_TEST_FOREIGN_FIXTURE_H
#define WEIR_TEST_FOREIGN_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../main_check.h"
#include "transfer/foreign.h"

#define MIB ((size_t)1 << 20)
#define BYTES (11 * MIB)
#define ALL_CAPS (WEIR_CAP_STORED_CHECKSUM | WEIR_CAP_STORED_CHECKSUM_MPU)

/* ---- a store that knows part sizes and nothing else ---- */

struct store {
    struct weir_transport base; /* first member */
    enum weir_code refusal;     /* WEIR_OK: tells */
    enum weir_scope scope;
    uint64_t part_bytes;
    uint32_t part_count, asked;
};

static inline int
tell_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
               uint32_t *out_part_count, struct weir_err *err)
{
    struct store *s = (struct store *)t;
    s->asked++;
    ck_assert_str_eq(key, "k");
    if (s->refusal != WEIR_OK) {
        (void)weir_err_set(err, s->refusal, "no");
        err->scope = s->scope;
        return -1;
    }
    *out_part_bytes = s->part_bytes;
    *out_part_count = s->part_count;
    return 0;
}

static inline void
close_store(struct weir_transport *t)
{
    (void)t;
}

static const struct weir_transport_ops ops = {.part_size = tell_part_size,
                                              .close = close_store};

struct fixture {
    struct store store;
    struct weir_cancel cancel;
    atomic_bool stop;
    struct weir_sender sender;
    struct weir_worker *worker;
    struct weir_head head;
    uint8_t *data; /* bytes i * 7 + 3 mod 256 */
    struct weir_reader reader;
    struct weir_foreign_source source;
    const char *how;
    struct weir_err err;
};

static inline void
begin(struct fixture *f)
{
    *f = (struct fixture){.store = {.base = {.ops = &ops}, .refusal = WEIR_E_UNSUPPORTED}};
    f->sender = (struct weir_sender){.cancel = &f->cancel, .stop = &f->stop, .caps = ALL_CAPS};
    ck_assert_int_eq(weir_worker_create(&f->sender, &f->store.base, &f->worker, &f->err), 0);
    f->data = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        f->data[i] = (uint8_t)(i * 7 + 3);
    f->source =
        (struct weir_foreign_source){.data = f->data, .bytes = BYTES, .path = "the file"};
    f->head.stored.bytes = BYTES;
    f->reader.fd = -1;
}

/* The bytes in a file instead. */
static inline void
use_file(struct fixture *f)
{
    char name[] = "/tmp/weir-foreign-XXXXXX";
    f->reader.fd = mkstemp(name);
    ck_assert_int_ge(f->reader.fd, 0);
    (void)unlink(name);
    ck_assert_int_eq(write(f->reader.fd, f->data, f->source.bytes), (ssize_t)f->source.bytes);
    ck_assert_int_eq(weir_lake_stat(f->reader.fd, NULL, 0, &f->reader.seen), 0);
    f->source.data = NULL;
    f->source.reader = &f->reader;
}

static inline void
end(struct fixture *f)
{
    weir_worker_free(f->worker);
    weir_reader_close(&f->reader);
    free(f->data);
}

static inline enum weir_foreign
compare(struct fixture *f)
{
    enum weir_foreign out = WEIR_FOREIGN_UNKNOWN;
    int rc = weir_foreign_compare(f->worker, "k", &f->head, &f->source, &out, &f->how, &f->err);
    ck_assert_msg(rc == 0, "%s", f->err.frame[0]);
    return out;
}

static inline void
set(char *field, size_t room, const char *text)
{
    ck_assert_uint_lt(strlen(text), room);
    (void)snprintf(field, room, "%s", text);
}

#endif
