#include "digest/checksum.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include <weir/digest.h>

#include "digest/crc32_impl.h"

static const struct {
    const char *name;
    const char *evp; /* name for the crypto library, NULL for the CRCs */
    size_t bytes;
    uint32_t polynomial; /* of the 32-bit ones */
} kinds[WEIR_CHECKSUM_KINDS] = {
    [WEIR_CHECKSUM_CRC64NVME] = {"CRC64NVME", NULL, 8, 0},
    [WEIR_CHECKSUM_SHA256] = {"SHA-256", "SHA256", 32, 0},
    [WEIR_CHECKSUM_SHA1] = {"SHA-1", "SHA1", 20, 0},
    [WEIR_CHECKSUM_CRC32C] = {"CRC32C", NULL, 4, WEIR_CRC32C_POLY},
    [WEIR_CHECKSUM_CRC32] = {"CRC32", NULL, 4, WEIR_CRC32_POLY},
    [WEIR_CHECKSUM_MD5] = {"MD5", "MD5", 16, 0},
};

struct stream { /* one running value */
    uint64_t crc;
    EVP_MD_CTX *evp;
};

struct weir_checksum {
    enum weir_checksum_kind kind;
    uint64_t part_bytes; /* 0: whole */
    uint64_t filled;     /* bytes of the part that is open */
    uint64_t parts;      /* ended */
    bool failed;
    EVP_MD *md;
    struct stream inner; /* of the part, or of the whole */
    struct stream outer; /* of the values of the parts */
    struct weir_crc32_table table;
};

size_t
weir_checksum_bytes(enum weir_checksum_kind kind)
{
    return kinds[kind].bytes;
}

const char *
weir_checksum_name(enum weir_checksum_kind kind)
{
    return kinds[kind].name;
}

static void
stream_begin(struct weir_checksum *c, struct stream *s)
{
    s->crc = 0;
    if (s->evp != NULL && EVP_DigestInit_ex2(s->evp, c->md, NULL) != 1)
        c->failed = true;
}

static void
stream_update(struct weir_checksum *c, struct stream *s, const void *data, size_t bytes)
{
    if (s->evp != NULL) {
        if (EVP_DigestUpdate(s->evp, data, bytes) != 1)
            c->failed = true;
    } else if (c->kind == WEIR_CHECKSUM_CRC64NVME) {
        s->crc = weir_crc64nvme(s->crc, data, bytes);
    } else {
        s->crc = weir_crc32_run(&c->table, (uint32_t)s->crc, data, bytes);
    }
}

static void
stream_end(struct weir_checksum *c, struct stream *s, uint8_t *out)
{
    size_t bytes = kinds[c->kind].bytes;
    if (s->evp != NULL) {
        if (EVP_DigestFinal_ex(s->evp, out, NULL) != 1)
            c->failed = true;
    } else {
        for (size_t i = 0; i < bytes; i++)
            out[i] = (uint8_t)(s->crc >> 8 * (bytes - 1 - i));
    }
    stream_begin(c, s);
}

static int
start_evp(struct weir_checksum *c, struct weir_err *err)
{
    const char *name = kinds[c->kind].evp;
    if (name == NULL)
        return 0;
    c->md = EVP_MD_fetch(NULL, name, NULL);
    if (c->md == NULL)
        return weir_err_set(err, WEIR_E_UNSUPPORTED, "the crypto library refuses %s", name);
    c->inner.evp = EVP_MD_CTX_new();
    c->outer.evp = EVP_MD_CTX_new();
    if (c->inner.evp == NULL || c->outer.evp == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "state of a checksum");
    return 0;
}

int
weir_checksum_create(enum weir_checksum_kind kind, uint64_t part_bytes,
                     struct weir_checksum **out, struct weir_err *err)
{
    struct weir_checksum *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "state of a checksum");
    c->kind = kind;
    c->part_bytes = part_bytes;
    if (kinds[kind].polynomial != 0)
        weir_crc32_table_init(&c->table, kinds[kind].polynomial);
    if (start_evp(c, err) != 0) {
        weir_checksum_free(c);
        return -1;
    }
    stream_begin(c, &c->inner);
    stream_begin(c, &c->outer);
    *out = c;
    return 0;
}

void
weir_checksum_free(struct weir_checksum *c)
{
    if (c == NULL)
        return;
    EVP_MD_CTX_free(c->inner.evp);
    EVP_MD_CTX_free(c->outer.evp);
    EVP_MD_free(c->md);
    free(c);
}

static void
end_part(struct weir_checksum *c)
{
    uint8_t value[WEIR_CHECKSUM_BYTES_MAX];
    stream_end(c, &c->inner, value);
    stream_update(c, &c->outer, value, kinds[c->kind].bytes);
    c->filled = 0;
    c->parts++;
}

void
weir_checksum_update(struct weir_checksum *c, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    if (bytes == 0)
        return;
    while (c->part_bytes != 0 && bytes >= c->part_bytes - c->filled) {
        size_t rest = (size_t)(c->part_bytes - c->filled);
        stream_update(c, &c->inner, p, rest);
        end_part(c);
        p += rest;
        bytes -= rest;
    }
    stream_update(c, &c->inner, p, bytes);
    c->filled += bytes;
}

size_t
weir_checksum_end(struct weir_checksum *c, uint8_t out[WEIR_CHECKSUM_BYTES_MAX])
{
    if (c->part_bytes != 0 && (c->filled > 0 || c->parts == 0)) /* nothing is one empty part */
        end_part(c);
    stream_end(c, c->part_bytes != 0 ? &c->outer : &c->inner, out);
    size_t bytes = c->failed ? 0 : kinds[c->kind].bytes;
    c->failed = false;
    c->filled = c->parts = 0;
    return bytes;
}
