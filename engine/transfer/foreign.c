#include "transfer/foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "digest/checksum.h"

#define MIB ((uint64_t)1 << 20)
#define READ_BYTES ((size_t)256 << 10)
#define PARTS_MAX 10000
/* Tools that reach this many parts spread the bytes evenly over all that are allowed. */
#define PARTS_SPREAD 9000

/* Part sizes in MiB that tools use where nobody says otherwise, or where people set them:
 * rclone 5 (and goofys, minimum of S3), aws and SDKs 8, s3fs 10, s3cmd 15, mc 16, s5cmd 50, s3a
 * 64 and 100, and their multiples. */
static const uint16_t usual_mib[] = {8,   5,  16, 15,  10,  64,  32,  50,   100,  128,  256,
                                     512, 20, 25, 125, 200, 250, 500, 1024, 2048, 4096, 5120};
#define CANDIDATES_MAX (sizeof(usual_mib) / sizeof(usual_mib[0]) + 2)

/* What the store says of an object. */
struct claim {
    enum weir_checksum_kind kind;
    const char *text; /* value, in base64, or in hex where it is an ETag */
    size_t text_len;  /* without -N */
    uint32_t parts;   /* N; 0: of the whole */
    bool etag;
};

/* What is computed to compare with a claim: one value for each part size that is possible. */
struct attempt {
    size_t count;
    uint64_t part_bytes[CANDIDATES_MAX]; /* 0: of the whole */
    struct weir_checksum *sums[CANDIDATES_MAX];
    bool told; /* the store told the part size */
};

/* Length of the value that text begins with: exactly as many digits as the kind has. 0: it is
 * something else. */
static size_t
value_length(enum weir_checksum_kind kind, const char *text, bool etag)
{
    size_t bytes = weir_checksum_bytes(kind), len = etag ? 2 * bytes : (bytes + 2) / 3 * 4;
    size_t digits = etag ? strspn(text, "0123456789abcdefABCDEF") : strcspn(text, "=");
    return strnlen(text, len) == len && digits == (etag ? len : (4 * bytes + 2) / 3) ? len : 0;
}

/* "-N" behind the value; 0 when it is malformed. */
static uint32_t
parse_parts(const char *text)
{
    uint32_t n = 0;
    if (*text++ != '-' || *text == '\0' || *text == '0')
        return 0;
    for (; *text >= '0' && *text <= '9' && n <= PARTS_MAX; text++)
        n = n * 10 + (uint32_t)(*text - '0');
    return *text == '\0' && n <= PARTS_MAX ? n : 0;
}

/* A text of another form (of another kind of store, or damaged) claims nothing. */
static bool
read_claim(enum weir_checksum_kind kind, const char *text, bool etag, struct claim *out)
{
    size_t len = value_length(kind, text, etag);
    uint32_t parts = len == 0 || text[len] == '\0' ? 0 : parse_parts(text + len);
    if (len == 0 || (text[len] != '\0' && parts == 0))
        return false;
    *out = (struct claim){
        .kind = kind, .text = text, .text_len = len, .parts = parts, .etag = etag};
    return true;
}

/* The strongest checksum, and the ETag.  crc64 has room for the text of one.  Returns how many.
 */
static size_t
find_claims(const struct weir_sender *s, const struct weir_head *head, char crc64[13],
            struct claim out[2])
{
    unsigned cap = strchr(head->stored.etag, '-') != NULL ? WEIR_CAP_STORED_CHECKSUM_MPU
                                                          : WEIR_CAP_STORED_CHECKSUM;
    bool trusted = head->stored.has_crc64nvme && (s->caps & cap) != 0; /* seen to be right */
    weir_crc64nvme_base64(head->stored.crc64nvme, crc64);
    size_t count = (trusted && read_claim(WEIR_CHECKSUM_CRC64NVME, crc64, false, out)) ||
                   read_claim(WEIR_CHECKSUM_SHA256, head->sha256, false, out) ||
                   read_claim(WEIR_CHECKSUM_SHA1, head->sha1, false, out) ||
                   read_claim(WEIR_CHECKSUM_CRC32C, head->crc32c, false, out) ||
                   read_claim(WEIR_CHECKSUM_CRC32, head->crc32, false, out);
    return count + read_claim(WEIR_CHECKSUM_MD5, head->stored.etag, true, out + count);
}

/* ---- part sizes ---- */

static uint64_t
divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0 ? 1 : 0);
}

static bool
gives_parts(uint64_t bytes, uint64_t part_bytes, uint32_t parts)
{
    return part_bytes > 0 && (bytes == 0 ? parts == 1 : divide_up(bytes, part_bytes) == parts);
}

static void
add_candidate(struct attempt *a, uint64_t bytes, uint64_t part_bytes, uint32_t parts)
{
    if (!gives_parts(bytes, part_bytes, parts))
        return;
    for (size_t i = 0; i < a->count; i++)
        if (a->part_bytes[i] == part_bytes)
            return;
    a->part_bytes[a->count++] = part_bytes;
}

static void
guess_part_sizes(struct attempt *a, uint64_t bytes, uint32_t parts)
{
    uint64_t even = divide_up(bytes, parts);
    if (parts == 1) { /* any size that is large enough gives the same */
        add_candidate(a, bytes, bytes + 1, 1);
        return;
    }
    for (size_t i = 0; i < sizeof(usual_mib) / sizeof(usual_mib[0]); i++)
        add_candidate(a, bytes, usual_mib[i] * MIB, parts);
    /* Sizes that grow with the object, to a whole MiB or to the byte. */
    add_candidate(a, bytes, divide_up(even, MIB) * MIB, parts);
    if (parts >= PARTS_SPREAD)
        add_candidate(a, bytes, even, parts);
}

/* A store that does not tell is no error; neither is an object of another number of parts: it
 * was replaced or copied meanwhile, or its parts are of unequal length. */
static int
find_part_sizes(struct weir_worker *w, const char *key, uint64_t bytes, uint32_t parts,
                struct attempt *a, struct weir_err *err)
{
    struct weir_err why = WEIR_ERR_INIT;
    uint64_t part_bytes = 0;
    uint32_t count = 0;
    if (w->transport->ops->part_size(w->transport, key, &part_bytes, &count, &why) != 0) {
        if ((why.code != WEIR_E_UNSUPPORTED && why.code != WEIR_E_PROTOCOL) ||
            why.scope == WEIR_SCOPE_RUN) {
            *err = why;
            return weir_err_add(err, "part size of %s", key);
        }
    } else if (count == parts && gives_parts(bytes, part_bytes, parts)) {
        a->told = true;
        a->part_bytes[a->count++] = part_bytes;
        return 0;
    }
    guess_part_sizes(a, bytes, parts);
    return 0;
}

/* ---- the bytes ---- */

static int
feed_file(struct weir_worker *w, const struct weir_foreign_source *source, struct attempt *a,
          struct weir_err *err)
{
    if (weir_worker_reserve(w, READ_BYTES, err) != 0)
        return -1;
    for (uint64_t at = 0; at < source->bytes; at += READ_BYTES) {
        uint64_t left = source->bytes - at;
        size_t bytes = left < READ_BYTES ? (size_t)left : READ_BYTES;
        if (weir_cancel_get(w->sender->cancel) != WEIR_CANCEL_NONE ||
            atomic_load(w->sender->stop))
            return weir_err_set(err, WEIR_E_CANCELLED, "stopped while reading %s",
                                source->path);
        if (weir_reader_read(source->reader, source->path, at, w->buffer, bytes, NULL, err) !=
            0)
            return -1;
        for (size_t i = 0; i < a->count; i++)
            weir_checksum_update(a->sums[i], w->buffer, bytes);
    }
    return weir_reader_finish(source->reader, source->path, err);
}

static int
feed(struct weir_worker *w, const struct weir_foreign_source *source, struct attempt *a,
     struct weir_err *err)
{
    if (source->data == NULL && source->reader != NULL)
        return feed_file(w, source, a, err);
    for (size_t i = 0; i < a->count; i++)
        weir_checksum_update(a->sums[i], source->data, (size_t)source->bytes);
    return 0;
}

/* 1: one of the values is what the store claims, 0: none is, -1. */
static int
judge(struct attempt *a, const struct claim *claim, struct weir_err *err)
{
    struct weir_buf text = {0};
    int found = 0;
    for (size_t i = 0; i < a->count && found == 0; i++) {
        uint8_t value[WEIR_CHECKSUM_BYTES_MAX];
        size_t bytes = weir_checksum_end(a->sums[i], value);
        weir_buf_clear(&text);
        if (claim->etag)
            weir_buf_hex(&text, value, bytes);
        else
            weir_buf_base64(&text, value, bytes);
        if (bytes == 0)
            found = weir_err_set(err, WEIR_E_UNSUPPORTED, "the crypto library failed in %s",
                                 weir_checksum_name(claim->kind));
        else if (text.failed)
            found = weir_err_set(err, WEIR_E_NOMEM, "text of a checksum");
        else if (text.len == claim->text_len)
            found =
                (claim->etag ? strncasecmp : strncmp)(text.data, claim->text, text.len) == 0;
    }
    weir_buf_fini(&text);
    return found;
}

static const char *
describe(const struct claim *claim)
{
    static const char *const whole[WEIR_CHECKSUM_KINDS] = {
        [WEIR_CHECKSUM_CRC64NVME] = "CRC64NVME",
        [WEIR_CHECKSUM_SHA256] = "SHA-256",
        [WEIR_CHECKSUM_SHA1] = "SHA-1",
        [WEIR_CHECKSUM_CRC32C] = "CRC32C",
        [WEIR_CHECKSUM_CRC32] = "CRC32",
        [WEIR_CHECKSUM_MD5] = "MD5 ETag (of a store without KMS)",
    };
    static const char *const parts[WEIR_CHECKSUM_KINDS] = {
        [WEIR_CHECKSUM_CRC64NVME] = "CRC64NVME of parts",
        [WEIR_CHECKSUM_SHA256] = "SHA-256 of parts",
        [WEIR_CHECKSUM_SHA1] = "SHA-1 of parts",
        [WEIR_CHECKSUM_CRC32C] = "CRC32C of parts",
        [WEIR_CHECKSUM_CRC32] = "CRC32 of parts",
        [WEIR_CHECKSUM_MD5] = "MD5 ETag of parts (of a store without KMS)",
    };
    return claim->parts == 0 ? whole[claim->kind] : parts[claim->kind];
}

static int
compute(struct weir_worker *w, const struct claim *claim,
        const struct weir_foreign_source *source, struct attempt *a, enum weir_foreign *out,
        struct weir_err *err)
{
    for (size_t i = 0; i < a->count; i++) {
        struct weir_err why = WEIR_ERR_INIT;
        if (weir_checksum_create(claim->kind, a->part_bytes[i], &a->sums[i], &why) != 0) {
            if (why.code == WEIR_E_UNSUPPORTED)
                return 0; /* a crypto library that has no MD5: nothing is shown */
            *err = why;
            return -1;
        }
    }
    int same = feed(w, source, a, err) == 0 ? judge(a, claim, err) : -1;
    if (same < 0)
        return -1;
    if (same == 1)
        *out = WEIR_FOREIGN_SAME;
    else if (claim->parts == 0 || a->told)
        *out = WEIR_FOREIGN_DIFFERENT;
    return 0;
}

/* *out stays UNKNOWN where the claim cannot be compared with. */
static int
check_claim(struct weir_worker *w, const char *key, const struct claim *claim,
            const struct weir_foreign_source *source, enum weir_foreign *out,
            struct weir_err *err)
{
    struct attempt a = {0};
    *out = WEIR_FOREIGN_UNKNOWN;
    if (claim->parts == 0)
        a.count = 1;
    else if (find_part_sizes(w, key, source->bytes, claim->parts, &a, err) != 0)
        return -1;
    int rc = a.count == 0 ? 0 : compute(w, claim, source, &a, out, err);
    for (size_t i = 0; i < a.count; i++)
        weir_checksum_free(a.sums[i]);
    return rc;
}

/* Some stores keep a checksum that is not what it seems (a composite without its -N, a value
 * that a client sent): where the first differs, an equal MD5 is still a proof. */
int
weir_foreign_compare(struct weir_worker *w, const char *key, const struct weir_head *head,
                     const struct weir_foreign_source *source, enum weir_foreign *out,
                     const char **out_how, struct weir_err *err)
{
    struct claim claims[2];
    char crc64[13];
    enum weir_foreign result = WEIR_FOREIGN_UNKNOWN;
    const char *how = "nothing that the store has of the object";
    if (head->stored.bytes != source->bytes) {
        *out = WEIR_FOREIGN_DIFFERENT;
        *out_how = "size";
        return 0;
    }
    size_t count = find_claims(w->sender, head, crc64, claims);
    for (size_t i = 0; i < count && result != WEIR_FOREIGN_SAME; i++) {
        enum weir_foreign found;
        if (check_claim(w, key, &claims[i], source, &found, err) != 0)
            return -1;
        if (found == WEIR_FOREIGN_SAME || result == WEIR_FOREIGN_UNKNOWN) {
            result = found;
            how = found == WEIR_FOREIGN_UNKNOWN ? how : describe(&claims[i]);
        }
    }
    *out = result;
    *out_how = how;
    return 0;
}
