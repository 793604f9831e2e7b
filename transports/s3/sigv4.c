#include "s3/sigv4.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define SHA256_BYTES ((size_t)32)
#define DAY_BYTES 8

struct weir_s3_sigv4 {
    EVP_MD *md;
    EVP_MD_CTX *digest;
    EVP_MAC *mac;
    EVP_MAC_CTX *keyed;            /* HMAC under the signing key below */
    struct weir_s3_text canonical; /* canonical request, then the signed header list */
    struct weir_s3_text to_sign;
    struct weir_s3_text key_id; /* "day/region/access/secret" of the signing key */
    char scope[128];            /* "day/region/s3/aws4_request" */
};

void
weir_s3_sigv4_free(struct weir_s3_sigv4 *s)
{
    if (s == NULL)
        return;
    EVP_MAC_CTX_free(s->keyed);
    EVP_MAC_free(s->mac);
    EVP_MD_CTX_free(s->digest);
    EVP_MD_free(s->md);
    weir_s3_text_free(&s->canonical);
    weir_s3_text_free(&s->to_sign);
    OPENSSL_cleanse(s->key_id.data, s->key_id.room);
    weir_s3_text_free(&s->key_id);
    free(s);
}

int
weir_s3_sigv4_create(struct weir_s3_sigv4 **out, struct weir_err *err)
{
    struct weir_s3_sigv4 *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "signer");
    s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->digest = EVP_MD_CTX_new();
    s->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (s->mac != NULL)
        s->keyed = EVP_MAC_CTX_new(s->mac);
    if (s->md == NULL || s->digest == NULL || s->keyed == NULL) {
        weir_s3_sigv4_free(s);
        return weir_err_set(err, WEIR_E_BUG, "the crypto library offers no SHA-256 or HMAC");
    }
    *out = s;
    return 0;
}

static void
hex(const unsigned char in[SHA256_BYTES], char out[2 * SHA256_BYTES + 1])
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        out[2 * i] = digit[in[i] >> 4];
        out[2 * i + 1] = digit[in[i] & 15];
    }
    out[2 * SHA256_BYTES] = '\0';
}

int
weir_s3_sigv4_sha256(struct weir_s3_sigv4 *s, const void *data, size_t bytes, char out[65],
                     struct weir_err *err)
{
    unsigned char sum[SHA256_BYTES];
    if (EVP_DigestInit_ex2(s->digest, s->md, NULL) != 1 ||
        EVP_DigestUpdate(s->digest, data, bytes) != 1 ||
        EVP_DigestFinal_ex(s->digest, sum, NULL) != 1)
        return weir_err_set(err, WEIR_E_BUG, "SHA-256 failed in the crypto library");
    hex(sum, out);
    return 0;
}

/* One HMAC.  key == NULL: the key that is set already. */
static int
hmac(struct weir_s3_sigv4 *s, const void *key, size_t key_bytes, const char *text, size_t bytes,
     unsigned char out[SHA256_BYTES], struct weir_err *err)
{
    char name[] = "SHA256";
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    size_t length = 0;
    if (EVP_MAC_init(s->keyed, key, key_bytes, key == NULL ? NULL : params) != 1 ||
        EVP_MAC_update(s->keyed, (const unsigned char *)text, bytes) != 1 ||
        EVP_MAC_final(s->keyed, out, &length, SHA256_BYTES) != 1 || length != SHA256_BYTES)
        return weir_err_set(err, WEIR_E_BUG, "HMAC-SHA256 failed in the crypto library");
    return 0;
}

/* kSigning = HMAC(HMAC(HMAC(HMAC("AWS4" secret, day), region), "s3"), "aws4_request") and
 * leaves it set in s->keyed. */
static int
derive_key(struct weir_s3_sigv4 *s, const struct weir_s3_sigv4_request *r, struct weir_err *err)
{
    char first[256] = "AWS4";
    unsigned char key[SHA256_BYTES];
    size_t secret_bytes = strlen(r->secret_key);
    if (secret_bytes > sizeof(first) - 5)
        return weir_err_set(err, WEIR_E_CREDENTIALS, "secret access key is %zu bytes long",
                            secret_bytes);
    memcpy(first + 4, r->secret_key, secret_bytes);
    int rc = hmac(s, first, 4 + secret_bytes, r->amz_date, DAY_BYTES, key, err);
    const char *steps[] = {r->region, "s3", "aws4_request"};
    for (int i = 0; rc == 0 && i < 3; i++)
        rc = hmac(s, key, sizeof(key), steps[i], strlen(steps[i]), key, err);
    if (rc == 0) { /* a throw-away HMAC leaves the key in the context */
        unsigned char unused[SHA256_BYTES];
        rc = hmac(s, key, sizeof(key), "", 0, unused, err);
    }
    OPENSSL_cleanse(first, sizeof(first));
    OPENSSL_cleanse(key, sizeof(key));
    return rc;
}

static bool
is_key_of(const struct weir_s3_sigv4 *s, const struct weir_s3_sigv4_request *r)
{
    const char *at = weir_s3_text_get(&s->key_id);
    if (s->key_id.used == 0 || strncmp(at, r->amz_date, DAY_BYTES) != 0)
        return false;
    at += DAY_BYTES;
    const char *fields[] = {r->region, r->access_key, r->secret_key};
    for (int i = 0; i < 3; i++) {
        size_t bytes = strlen(fields[i]);
        if (strncmp(at, fields[i], bytes) != 0 || at[bytes] != '\n')
            return false;
        at += bytes + 1;
    }
    return *at == '\0';
}

static int
use_key(struct weir_s3_sigv4 *s, const struct weir_s3_sigv4_request *r, struct weir_err *err)
{
    if (is_key_of(s, r))
        return 0;
    weir_s3_text_reset(&s->key_id);
    size_t region_bytes = strlen(r->region);
    static const char tail[] = "/s3/aws4_request";
    if (DAY_BYTES + 1 + region_bytes + sizeof(tail) > sizeof(s->scope))
        return weir_err_set(err, WEIR_E_CONFIG, "region name is %zu bytes long", region_bytes);
    memcpy(s->scope, r->amz_date, DAY_BYTES);
    s->scope[DAY_BYTES] = '/';
    memcpy(s->scope + DAY_BYTES + 1, r->region, region_bytes);
    memcpy(s->scope + DAY_BYTES + 1 + region_bytes, tail, sizeof(tail));
    if (derive_key(s, r, err) != 0)
        return -1;
    weir_s3_text_append(&s->key_id, r->amz_date, DAY_BYTES);
    const char *fields[] = {r->region, r->access_key, r->secret_key};
    for (int i = 0; i < 3; i++) {
        weir_s3_text_add(&s->key_id, fields[i]);
        weir_s3_text_char(&s->key_id, '\n');
    }
    if (s->key_id.failed) {
        weir_s3_text_reset(&s->key_id);
        return weir_err_set(err, WEIR_E_NOMEM, "signing key");
    }
    return 0;
}

/* The value without leading and trailing spaces and with runs of spaces as one. */
static void
add_trimmed(struct weir_s3_text *t, const char *value)
{
    while (*value == ' ' || *value == '\t')
        value++;
    size_t bytes = strlen(value);
    while (bytes > 0 && (value[bytes - 1] == ' ' || value[bytes - 1] == '\t'))
        bytes--;
    size_t from = 0;
    for (size_t i = 1; i < bytes; i++) {
        if (value[i] == ' ' && value[i - 1] == ' ') {
            weir_s3_text_append(t, value + from, i - from);
            while (i < bytes && value[i] == ' ')
                i++;
            from = i;
        }
    }
    weir_s3_text_append(t, value + from, bytes - from);
}

static void
add_signed_names(struct weir_s3_text *t, const struct weir_s3_sigv4_request *r)
{
    for (size_t i = 0; i < r->header_count; i++) {
        if (i > 0)
            weir_s3_text_char(t, ';');
        weir_s3_text_add(t, r->headers[i]->name);
    }
}

static void
build_canonical(struct weir_s3_text *t, const struct weir_s3_sigv4_request *r)
{
    weir_s3_text_reset(t);
    weir_s3_text_add(t, r->method);
    weir_s3_text_char(t, '\n');
    weir_s3_text_add(t, r->path);
    weir_s3_text_char(t, '\n');
    weir_s3_text_add(t, r->query);
    weir_s3_text_char(t, '\n');
    for (size_t i = 0; i < r->header_count; i++) {
        weir_s3_text_add(t, r->headers[i]->name);
        weir_s3_text_char(t, ':');
        add_trimmed(t, r->headers[i]->value);
        weir_s3_text_char(t, '\n');
    }
    weir_s3_text_char(t, '\n');
    add_signed_names(t, r);
    weir_s3_text_char(t, '\n');
    weir_s3_text_add(t, r->payload);
}

int
weir_s3_sigv4_sign(struct weir_s3_sigv4 *s, const struct weir_s3_sigv4_request *r,
                   struct weir_s3_text *out, struct weir_err *err)
{
    char digest[2 * SHA256_BYTES + 1];
    unsigned char mac[SHA256_BYTES];
    if (use_key(s, r, err) != 0)
        return -1;
    build_canonical(&s->canonical, r);
    if (s->canonical.failed)
        return weir_err_set(err, WEIR_E_NOMEM, "canonical request");
    if (weir_s3_sigv4_sha256(s, s->canonical.data, s->canonical.used, digest, err) != 0)
        return -1;

    weir_s3_text_reset(&s->to_sign);
    weir_s3_text_add(&s->to_sign, "AWS4-HMAC-SHA256\n");
    weir_s3_text_add(&s->to_sign, r->amz_date);
    weir_s3_text_char(&s->to_sign, '\n');
    weir_s3_text_add(&s->to_sign, s->scope);
    weir_s3_text_char(&s->to_sign, '\n');
    weir_s3_text_append(&s->to_sign, digest, 2 * SHA256_BYTES);
    if (s->to_sign.failed)
        return weir_err_set(err, WEIR_E_NOMEM, "string to sign");
    if (hmac(s, NULL, 0, s->to_sign.data, s->to_sign.used, mac, err) != 0)
        return -1;
    hex(mac, digest);

    weir_s3_text_add(out, "AWS4-HMAC-SHA256 Credential=");
    weir_s3_text_add(out, r->access_key);
    weir_s3_text_char(out, '/');
    weir_s3_text_add(out, s->scope);
    weir_s3_text_add(out, ",SignedHeaders=");
    add_signed_names(out, r);
    weir_s3_text_add(out, ",Signature=");
    weir_s3_text_add(out, digest);
    return out->failed ? weir_err_set(err, WEIR_E_NOMEM, "signature") : 0;
}
