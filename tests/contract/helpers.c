#include "contract.h"

#include <stdio.h>

bool
contract_can(const struct contract *c, unsigned cap, const char *what)
{
    if ((c->caps & cap) == cap)
        return true;
    printf("left out: %s: the store does not honour: %s\n", c->name, what);
    (void)fflush(stdout);
    return false;
}

const char *
contract_key(const struct contract *c, const char *name)
{
    static char ring[8][2048];
    static unsigned next;
    char *out = ring[next++ % 8];
    (void)snprintf(out, sizeof(ring[0]), "%s%s", c->prefix, name);
    return out;
}

unsigned char *
contract_bytes(struct contract *c, size_t bytes)
{
    unsigned char *out = malloc(bytes + 1);
    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word = weir_rng_next(&c->rng);
        memcpy(out + i, &word, bytes - i < 8 ? bytes - i : 8);
    }
    return out;
}

int
contract_sink(void *ctx, const void *data, size_t bytes)
{
    struct contract_buffer *b = ctx;
    if (b->bytes + bytes > b->room) {
        b->room = (b->bytes + bytes) * 2;
        b->data = realloc(b->data, b->room);
        ck_assert_ptr_nonnull(b->data);
    }
    memcpy(b->data + b->bytes, data, bytes);
    b->bytes += bytes;
    return 0;
}

void
contract_ok(struct contract *c, int rc, const char *what)
{
    char text[2048];
    if (rc != 0)
        ck_abort_msg("%s: %s [%s]", what, weir_err_text(&c->err, text, sizeof(text)),
                     weir_err_name(c->err.code));
    ck_assert_msg(c->err.code == WEIR_OK, "%s: success, but an error is set", what);
}

void
contract_refused(struct contract *c, int rc, enum weir_code code, const char *what)
{
    char text[2048];
    ck_assert_msg(rc == -1, "%s: was not refused", what);
    ck_assert_msg(c->err.code == code, "%s: expected %s, got %s: %s", what, weir_err_name(code),
                  weir_err_name(c->err.code), weir_err_text(&c->err, text, sizeof(text)));
    ck_assert_msg(c->err.nframes > 0, "%s: an error without a sentence", what);
    weir_err_clear(&c->err);
}

void
contract_put(struct contract *c, const char *key, const void *data, size_t bytes,
             struct weir_stored *out)
{
    struct weir_stored stored;
    const struct weir_object object = {.key = key};
    contract_ok(c,
                c->ops->put(c->t, &object, data, bytes, weir_crc64nvme(0, data, bytes),
                            out != NULL ? out : &stored, &c->err),
                key);
}

void
contract_expect(struct contract *c, const char *key, const void *data, size_t bytes)
{
    struct contract_buffer got = {0};
    contract_ok(c, c->ops->get(c->t, key, 0, UINT64_MAX, contract_sink, &got, &c->err), key);
    ck_assert_msg(got.bytes == bytes, "%s: %zu bytes put, %zu got", key, bytes, got.bytes);
    ck_assert_msg(bytes == 0 || memcmp(got.data, data, bytes) == 0, "%s: other bytes", key);
    free(got.data);
}
