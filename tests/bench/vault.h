/* vault -- what the sink keeps: objects and uploads with the checksums of their bytes.
 *
 * Data is a list of pieces of up to 1 MiB, each with its CRC64NVME, computed as it arrives.  A
 * copy shares pieces and combines their checksums, so it costs the server next to nothing: in a
 * real store that work is done by other machines.  Bytes themselves are kept only where asked;
 * without them a range that cuts a piece cannot be copied. */
#ifndef VAULT_H
#define VAULT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VAULT_PIECE_BYTES ((size_t)1 << 20)
#define VAULT_ETAG_BYTES 48
#define VAULT_PARTS_MAX 10000

struct vault_piece;
struct vault_data { /* all zero = empty */
    struct vault_piece **piece;
    size_t count;
    uint64_t bytes, crc64nvme;
};

/* Appends bytes that arrive.  Returns 0, or -1 without memory. */
int vault_data_add(struct vault_data *d, const void *bytes, size_t n, bool keep_bytes);
/* Appends a range that lies inside from.  Returns 0, or -1 when a piece whose bytes are not
 * kept would be cut, or without memory. */
int vault_data_share(struct vault_data *d, const struct vault_data *from, uint64_t offset,
                     uint64_t bytes);
/* Reads all of it when bytes were kept; -1 when not, or when it is longer than room. */
int vault_data_read(const struct vault_data *d, void *out, size_t room);
void vault_data_fini(struct vault_data *d);

struct vault_object {
    struct vault_object *next;
    char *path, *meta; /* meta: header lines, each with CRLF */
    struct vault_data data;
    char etag[VAULT_ETAG_BYTES];
};

struct vault_upload {
    struct vault_upload *next;
    unsigned id;
    char *path, *meta;
    struct vault_data *part; /* VAULT_PARTS_MAX + 1, by number */
    bool *here;
};

struct vault {
    pthread_mutex_t lock; /* guards everything below */
    struct vault_object **bucket;
    struct vault_upload *uploads;
    unsigned last_id;
};

struct vault *vault_create(void);
void vault_free(struct vault *v);

struct vault_object *vault_find_locked(const struct vault *v, const char *path);
/* Takes over data and meta, also when it fails: NULL without memory, of which meta == NULL is
 * a sign too. */
struct vault_object *vault_store_locked(struct vault *v, const char *path,
                                        struct vault_data *data, char *meta, bool multipart);
void vault_remove_locked(struct vault *v, const char *path);

/* Takes over meta, as above. */
struct vault_upload *vault_begin_locked(struct vault *v, const char *path, char *meta);
struct vault_upload *vault_upload_locked(const struct vault *v, const char *path, unsigned id);
void vault_end_locked(struct vault *v, struct vault_upload *u);

void vault_etag(const struct vault_data *d, bool multipart, char out[VAULT_ETAG_BYTES]);

#endif
