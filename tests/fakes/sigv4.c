#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "sigv4.h"
#include "text.h"
#include "xml.h"

#define SKEW_MAX_S (15 * 60)
#define SIGNED_MAX 128

/* The Authorization header, taken apart in a copy. */
struct claim {
    char *copy;
    char *access_key, *date, *region, *service, *terminator, *signature;
    char *header[SIGNED_MAX];
    char *header_list;
    size_t header_count;
};

static int
refuse(struct fake_auth *out, const char *code, const char *message)
{
    out->code = code;
    out->message = message;
    return -1;
}

static char *
take_field(char **rest, const char *name)
{
    size_t n = strlen(name);
    *rest += strspn(*rest, " ");
    if (strncmp(*rest, name, n) != 0 || (*rest)[n] != '=')
        return NULL;
    char *value = *rest + n + 1;
    *rest = value + strcspn(value, ",");
    if (**rest)
        *(*rest)++ = 0;
    return value;
}

static int
parse_claim(const char *header, struct claim *c)
{
    static const char scheme[] = "AWS4-HMAC-SHA256 ";
    if (strncmp(header, scheme, sizeof(scheme) - 1) != 0)
        return -1;
    c->copy = fake_strdup(header + sizeof(scheme) - 1);
    char *rest = c->copy;
    char *credential = take_field(&rest, "Credential");
    char *headers = credential ? take_field(&rest, "SignedHeaders") : NULL;
    c->signature = headers ? take_field(&rest, "Signature") : NULL;
    if (!c->signature || *rest)
        return -1;
    char **part[] = {&c->terminator, &c->service, &c->region, &c->date};
    for (size_t i = 0; i < 4; i++) { /* from the right: a key id may contain a slash */
        char *slash = strrchr(credential, '/');
        if (!slash)
            return -1;
        *slash = 0;
        *part[i] = slash + 1;
    }
    c->access_key = credential;
    c->header_list = fake_strdup(headers);
    for (char *save = NULL, *h = strtok_r(headers, ";", &save); h;
         h = strtok_r(NULL, ";", &save)) {
        if (c->header_count == SIGNED_MAX)
            return -1;
        /* lower case, ascending, each once */
        if (c->header_count && strcmp(c->header[c->header_count - 1], h) >= 0)
            return -1;
        c->header[c->header_count++] = h;
    }
    return 0;
}

static bool
is_signed(const struct claim *c, const char *name)
{
    for (size_t i = 0; i < c->header_count; i++)
        if (strcmp(c->header[i], name) == 0)
            return true;
    return false;
}

static bool
must_be_signed(const char *name)
{
    return strcmp(name, "host") == 0 || strcmp(name, "content-type") == 0 ||
           strcmp(name, "content-md5") == 0 || strncmp(name, "x-amz-", 6) == 0;
}

/* Decode and encode again: S3 signs the canonical spelling, whatever the client sent. */
static void
add_canonical_path(struct fake_buf *out, const struct fake_request *r)
{
    struct fake_buf path = {0};
    if (fake_text_unpercent(&path, r->path, strlen(r->path), FAKE_PLUS_LITERAL) == 0)
        fake_text_percent(out, path.data, path.len, FAKE_SLASH_KEEP);
    fake_buf_free(&path);
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_canonical_query(struct fake_buf *out, const struct fake_request *r)
{
    char *pair[FAKE_HTTP_PARAMS];
    for (size_t i = 0; i < r->param_count; i++) {
        struct fake_buf b = {0};
        const struct fake_param *p = &r->param[i];
        fake_text_percent(&b, p->name, strlen(p->name), FAKE_SLASH_ENCODE);
        /* \1 sorts below every encoded byte, so "a" comes before "a-b" as names do */
        fake_buf_puts(&b, "\1");
        fake_text_percent(&b, p->value, strlen(p->value), FAKE_SLASH_ENCODE);
        pair[i] = fake_buf_take(&b);
    }
    qsort(pair, r->param_count, sizeof(*pair), compare_texts);
    for (size_t i = 0; i < r->param_count; i++) {
        *strchr(pair[i], '\1') = '=';
        fake_buf_printf(out, "%s%s", i ? "&" : "", pair[i]);
        free(pair[i]);
    }
}

static void
add_canonical_header(struct fake_buf *out, const struct fake_request *r, const char *name)
{
    bool first = true;
    fake_buf_printf(out, "%s:", name);
    for (size_t i = 0; i < r->header_count; i++) {
        if (strcmp(r->header[i].name, name) != 0)
            continue;
        if (!first)
            fake_buf_puts(out, ",");
        first = false;
        for (const char *p = r->header[i].value; *p; p++)
            if (*p != ' ' || p[1] != ' ') /* runs of spaces count as one */
                fake_buf_add(out, p, 1);
    }
    fake_buf_puts(out, "\n");
}

static void
hmac(const void *key, size_t key_len, const char *text, uint8_t out[32])
{
    HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)text, strlen(text), out, NULL);
}

static void
sign(const struct claim *c, const char *secret, const char *string_to_sign, char out[65])
{
    uint8_t key[32];
    struct fake_buf first = {0};
    fake_buf_printf(&first, "AWS4%s", secret);
    hmac(first.data, first.len, c->date, key);
    fake_buf_free(&first);
    hmac(key, 32, c->region, key);
    hmac(key, 32, c->service, key);
    hmac(key, 32, "aws4_request", key);
    hmac(key, 32, string_to_sign, key);
    fake_text_hex(key, 32, out);
}

static int
check_signature(const struct fake_request *r, const struct fake_creds *creds,
                const struct claim *c, const char *amz_date, struct fake_auth *out)
{
    struct fake_buf canonical = {0}, to_sign = {0};
    uint8_t digest[EVP_MAX_MD_SIZE];
    char text[65];
    fake_buf_printf(&canonical, "%s\n", r->method);
    add_canonical_path(&canonical, r);
    fake_buf_puts(&canonical, "\n");
    add_canonical_query(&canonical, r);
    fake_buf_puts(&canonical, "\n");
    for (size_t i = 0; i < c->header_count; i++)
        add_canonical_header(&canonical, r, c->header[i]);
    fake_buf_printf(&canonical, "\n%s\n%s", c->header_list,
                    fake_http_header(r, "x-amz-content-sha256"));
    EVP_Digest(canonical.data, canonical.len, digest, NULL, EVP_sha256(), NULL);
    fake_text_hex(digest, 32, text);
    fake_buf_printf(&to_sign, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/aws4_request\n%s", amz_date,
                    c->date, c->region, c->service, text);
    sign(c, creds->secret_key, to_sign.data, text);
    int rc = 0;
    if (strlen(c->signature) != 64 || CRYPTO_memcmp(c->signature, text, 64) != 0) {
        fake_xml_element(&out->detail, "StringToSign", to_sign.data);
        fake_xml_element(&out->detail, "CanonicalRequest", canonical.data);
        rc = refuse(out, "SignatureDoesNotMatch", NULL);
    }
    fake_buf_free(&canonical);
    fake_buf_free(&to_sign);
    return rc;
}

static int
check_scope(const struct claim *c, const struct fake_creds *creds, const char *amz_date,
            struct fake_auth *out)
{
    if (strcmp(c->service, "s3") != 0 || strcmp(c->terminator, "aws4_request") != 0)
        return refuse(out, "AuthorizationHeaderMalformed",
                      "The credential scope must end in s3/aws4_request");
    if (strncmp(c->date, amz_date, 8) != 0 || strlen(c->date) != 8)
        return refuse(out, "SignatureDoesNotMatch",
                      "The date of the scope is not the date of x-amz-date");
    if (strcmp(c->region, creds->region) != 0) {
        fake_xml_element(&out->detail, "Region", creds->region);
        return refuse(out, "AuthorizationHeaderMalformed",
                      "The authorization header is malformed; the region is wrong");
    }
    return 0;
}

static int
check_time(const char *amz_date, int64_t now_s, struct fake_auth *out)
{
    int64_t then;
    if (!amz_date || fake_text_amz_date(amz_date, &then) != 0)
        return refuse(out, "AccessDenied",
                      "AWS authentication requires a valid Date or x-amz-date header");
    if (then - now_s <= SKEW_MAX_S && now_s - then <= SKEW_MAX_S)
        return 0;
    char text[40];
    fake_text_iso_date(now_s * 1000, text);
    fake_xml_element(&out->detail, "RequestTime", amz_date);
    fake_xml_element(&out->detail, "ServerTime", text);
    fake_xml_element(&out->detail, "MaxAllowedSkewMilliseconds", "900000");
    return refuse(out, "RequestTimeTooSkewed", NULL);
}

static int
check_payload_header(const struct fake_request *r, struct fake_auth *out)
{
    const char *hash = fake_http_header(r, "x-amz-content-sha256");
    if (!hash)
        return refuse(out, "InvalidRequest",
                      "Missing required header for this request: x-amz-content-sha256");
    if (strcmp(hash, "UNSIGNED-PAYLOAD") == 0) {
        out->payload = FAKE_PAYLOAD_UNSIGNED;
    } else if (strcmp(hash, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") == 0) {
        out->payload = FAKE_PAYLOAD_TRAILER;
    } else if (strncmp(hash, "STREAMING-", 10) == 0) {
        return refuse(out, "NotImplemented", "This fake does not check signed chunks");
    } else {
        out->payload = FAKE_PAYLOAD_HASHED;
        if (strlen(hash) != 64 || strspn(hash, "0123456789abcdef") != 64)
            return refuse(out, "InvalidArgument",
                          "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                          "STREAMING-UNSIGNED-PAYLOAD-TRAILER or a valid sha256 value.");
        for (size_t i = 0; i < 32; i++) {
            char two[3] = {hash[2 * i], hash[2 * i + 1], 0};
            out->sha256[i] = (uint8_t)strtoul(two, NULL, 16);
        }
    }
    return 0;
}

static int
check_token(const struct fake_request *r, const struct fake_creds *creds, struct fake_auth *out)
{
    const char *token = fake_http_header(r, "x-amz-security-token");
    if (creds->session_token && !token)
        return refuse(out, "InvalidAccessKeyId", NULL);
    if (token && (!creds->session_token || strcmp(token, creds->session_token) != 0))
        return refuse(out, "InvalidToken", NULL);
    return 0;
}

static int
check_signed_headers(const struct fake_request *r, const struct claim *c, struct fake_auth *out)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (must_be_signed(r->header[i].name) && !is_signed(c, r->header[i].name)) {
            fake_xml_element(&out->detail, "HeadersNotSigned", r->header[i].name);
            return refuse(out, "AccessDenied",
                          "There were headers present in the request which were not signed");
        }
    for (size_t i = 0; i < c->header_count; i++)
        if (!fake_http_header(r, c->header[i]))
            return refuse(out, "SignatureDoesNotMatch",
                          "SignedHeaders names a header that the request does not have");
    return 0;
}

int
fake_sigv4_verify(const struct fake_request *r, const struct fake_creds *creds, int64_t now_s,
                  struct fake_auth *out)
{
    struct claim claim = {0};
    const char *amz_date = fake_http_header(r, "x-amz-date");
    const char *authorization = fake_http_header(r, "authorization");
    int rc = -1;
    if (!authorization)
        return refuse(out, "AccessDenied", "Anonymous access is forbidden");
    if (parse_claim(authorization, &claim) != 0)
        refuse(out, "AuthorizationHeaderMalformed", NULL);
    else if (strcmp(claim.access_key, creds->access_key) != 0)
        refuse(out, "InvalidAccessKeyId", NULL);
    else
        rc = check_time(amz_date, now_s, out);
    if (rc == 0)
        rc = check_token(r, creds, out);
    if (rc == 0)
        rc = check_scope(&claim, creds, amz_date, out);
    if (rc == 0)
        rc = check_payload_header(r, out);
    if (rc == 0)
        rc = check_signed_headers(r, &claim, out);
    if (rc == 0)
        rc = check_signature(r, creds, &claim, amz_date, out);
    free(claim.copy);
    free(claim.header_list);
    return rc;
}
