/* The bytes of objects and parts, or what is known of them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <weir/digest.h>

#include "vault.h"

struct vault_piece {
    atomic_uint refs;
    size_t bytes;
    uint64_t crc64nvme;
    uint8_t *data; /* VAULT_PIECE_BYTES, or NULL */
};

static void
unref(struct vault_piece *p)
{
    if (atomic_fetch_sub(&p->refs, 1) > 1)
        return;
    free(p->data);
    free(p);
}

/* Takes over the reference to p, also when it fails. */
static int
append(struct vault_data *d, struct vault_piece *p)
{
    if (d->count % 256 == 0) {
        struct vault_piece **grown =
            realloc(d->piece, (d->count + 256) * sizeof(struct vault_piece *));
        if (grown == NULL) {
            unref(p);
            return -1;
        }
        d->piece = grown;
    }
    d->piece[d->count++] = p;
    d->crc64nvme = weir_crc64nvme_combine(d->crc64nvme, p->crc64nvme, p->bytes);
    d->bytes += p->bytes;
    return 0;
}

static struct vault_piece *
new_piece(bool keep_bytes)
{
    struct vault_piece *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    atomic_init(&p->refs, 1);
    if (keep_bytes && (p->data = malloc(VAULT_PIECE_BYTES)) == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

int
vault_data_add(struct vault_data *d, const void *bytes, size_t n, bool keep_bytes)
{
    const uint8_t *from = bytes;
    while (n > 0) {
        struct vault_piece *p = d->count > 0 ? d->piece[d->count - 1] : NULL;
        if (p == NULL || p->bytes == VAULT_PIECE_BYTES) {
            p = new_piece(keep_bytes);
            if (p == NULL || append(d, p) != 0)
                return -1;
        }
        size_t room = VAULT_PIECE_BYTES - p->bytes;
        size_t take = n < room ? n : room;
        if (p->data != NULL)
            memcpy(p->data + p->bytes, from, take);
        p->crc64nvme = weir_crc64nvme(p->crc64nvme, from, take);
        d->crc64nvme = weir_crc64nvme(d->crc64nvme, from, take);
        p->bytes += take;
        d->bytes += take;
        from += take;
        n -= take;
    }
    return 0;
}

static int
share_piece(struct vault_data *d, struct vault_piece *p, uint64_t skip, uint64_t bytes)
{
    if (skip == 0 && bytes == p->bytes) {
        atomic_fetch_add(&p->refs, 1);
        return append(d, p);
    }
    if (p->data == NULL)
        return -1;
    struct vault_piece *cut = new_piece(true);
    if (cut == NULL)
        return -1;
    memcpy(cut->data, p->data + skip, (size_t)bytes);
    cut->bytes = (size_t)bytes;
    cut->crc64nvme = weir_crc64nvme(0, cut->data, cut->bytes);
    return append(d, cut);
}

int
vault_data_share(struct vault_data *d, const struct vault_data *from, uint64_t offset,
                 uint64_t bytes)
{
    uint64_t at = 0;
    uint64_t end = offset + bytes;
    for (size_t i = 0; i < from->count && at < end; i++) {
        struct vault_piece *p = from->piece[i];
        uint64_t first = at > offset ? at : offset;
        uint64_t last = at + p->bytes < end ? at + p->bytes : end;
        if (first < last && share_piece(d, p, first - at, last - first) != 0)
            return -1;
        at += p->bytes;
    }
    return 0;
}

int
vault_data_read(const struct vault_data *d, void *out, size_t room)
{
    uint8_t *to = out;
    if (d->bytes > room)
        return -1;
    for (size_t i = 0; i < d->count; i++) {
        if (d->piece[i]->data == NULL)
            return -1;
        memcpy(to, d->piece[i]->data, d->piece[i]->bytes);
        to += d->piece[i]->bytes;
    }
    return 0;
}

void
vault_data_fini(struct vault_data *d)
{
    for (size_t i = 0; i < d->count; i++)
        unref(d->piece[i]);
    free(d->piece);
    *d = (struct vault_data){0};
}
