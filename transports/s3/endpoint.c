#include "s3/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "s3/text.h"
#include "s3/uri.h"

static bool
alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool
weir_s3_endpoint_region_ok(const char *region)
{
    size_t bytes = strlen(region);
    if (bytes < 1 || bytes > 63 || !alnum(region[0]) || !alnum(region[bytes - 1]))
        return false;
    for (size_t i = 0; i < bytes; i++)
        if (!alnum(region[i]) && region[i] != '-' && region[i] != '_')
            return false;
    return true;
}

/* ---- bucket names ---- */

/* The names that the service ever gave out; what else is wrong, the store will say. */
static int
check_bucket(const char *bucket, struct weir_err *err)
{
    static const char express[] = "--x-s3";
    size_t bytes = strlen(bucket);
    if (strncmp(bucket, "arn:", 4) == 0)
        return weir_err_set(err, WEIR_E_UNSUPPORTED,
                            "bucket \"%.128s\": access point ARNs are not supported; use the "
                            "alias of the access point",
                            bucket);
    if (bytes > sizeof(express) && strcmp(bucket + bytes - sizeof(express) + 1, express) == 0)
        return weir_err_set(err, WEIR_E_UNSUPPORTED,
                            "bucket %.128s: S3 Express directory buckets are not supported",
                            bucket);
    bool legal = bytes >= 3 && bytes <= 255;
    for (size_t i = 0; i < bytes; i++)
        legal = legal && (alnum(bucket[i]) || strchr("._-", bucket[i]) != NULL);
    if (!legal || strcmp(bucket, "...") == 0)
        return weir_err_set(err, WEIR_E_CONFIG,
                            "\"%.128s\" is not a bucket name: 3 to 63 of a-z, 0-9, '-' and '.'",
                            bucket);
    return 0;
}

/* Fit to be one label of a host name (with_dots: several). */
static bool
is_host_label(const char *bucket, bool with_dots)
{
    size_t bytes = strlen(bucket);
    if (bytes > 63 || !alnum(bucket[0]) || !alnum(bucket[bytes - 1]))
        return false;
    for (size_t i = 0; i < bytes; i++) {
        char c = bucket[i];
        if ((c >= 'A' && c <= 'Z') || c == '_' || (c == '.' && !with_dots))
            return false;
        if (c == '.' && !(alnum(bucket[i - 1]) && alnum(bucket[i + 1])))
            return false;
    }
    return true;
}

/* ---- AWS ---- */

static const char *
suffix_of(const char *region)
{
    static const struct {
        const char *prefix, *suffix;
    } partitions[] = {
        {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
        {"us-isob-", "sc2s.sgov.gov"},  {"us-isof-", "csp.hci.ic.gov"},
        {"eu-isoe-", "cloud.adc-e.uk"}, {"us-iso-", "c2s.ic.gov"},
    };
    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
        if (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) == 0)
            return partitions[i].suffix;
    return "amazonaws.com";
}

static int
aws_accelerate(const struct weir_s3_endpoint_input *in, struct weir_s3_endpoint *out,
               struct weir_err *err)
{
    if (in->fips)
        return weir_err_set(err, WEIR_E_CONFIG, "accelerate and fips exclude each other");
    if (in->addressing == WEIR_ADDRESSING_PATH || !is_host_label(in->bucket, false))
        return weir_err_set(err, WEIR_E_CONFIG,
                            "accelerate needs virtual addressing and a bucket name without "
                            "dots; bucket is %.128s",
                            in->bucket);
    if (strcmp(suffix_of(in->region), "amazonaws.com") != 0)
        return weir_err_set(err, WEIR_E_CONFIG, "accelerate is not offered in region %.63s",
                            in->region);
    (void)snprintf(out->host, sizeof(out->host), "%s.s3-accelerate%s.amazonaws.com", in->bucket,
                   in->dualstack ? ".dualstack" : "");
    return 0;
}

static int
aws_host(const struct weir_s3_endpoint_input *in, struct weir_s3_endpoint *out,
         struct weir_err *err)
{
    if (!weir_s3_endpoint_region_ok(in->region))
        return weir_err_set(err, WEIR_E_CONFIG, "\"%.63s\" is not a region name", in->region);
    out->aws = true;
    if (in->accelerate)
        return aws_accelerate(in, out, err);
    bool virtual_ok = is_host_label(in->bucket, false);
    if (in->addressing == WEIR_ADDRESSING_VIRTUAL && !virtual_ok)
        return weir_err_set(err, WEIR_E_CONFIG,
                            "bucket %.128s cannot be addressed in virtual style: no "
                            "certificate covers its name; use addressing: path",
                            in->bucket);
    bool path_style = in->addressing == WEIR_ADDRESSING_PATH || !virtual_ok;
    (void)snprintf(out->host, sizeof(out->host), "%s%ss3%s%s.%s.%s",
                   path_style ? "" : in->bucket, path_style ? "" : ".", in->fips ? "-fips" : "",
                   in->dualstack ? ".dualstack" : "", in->region, suffix_of(in->region));
    if (path_style)
        (void)snprintf(out->path, sizeof(out->path), "/%s", in->bucket);
    return 0;
}

/* ---- an endpoint of one's own ---- */

struct parts { /* views into the endpoint's text */
    const char *host;
    size_t host_bytes;
    unsigned port;    /* 0: the default of the scheme */
    const char *base; /* "" or "/base" without trailing slashes */
    size_t base_bytes;
    bool tls;
};

static int
bad_endpoint(const char *endpoint, const char *why, struct weir_err *err)
{
    return weir_err_set(err, WEIR_E_CONFIG,
                        "endpoint \"%.200s\": %s; it must look like https://host[:port][/base]",
                        endpoint, why);
}

static int
parse_port(const char *text, size_t bytes, unsigned *out)
{
    unsigned port = 0;
    if (bytes < 1 || bytes > 5)
        return -1;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port < 1 || port > 65535)
        return -1;
    *out = port;
    return 0;
}

/* Splits "host:port" or "[v6]:port". */
static int
parse_authority(const char *at, size_t bytes, struct parts *p)
{
    size_t host = 0;
    if (bytes > 0 && at[0] == '[') {
        char literal[INET6_ADDRSTRLEN];
        struct in6_addr unused;
        while (host < bytes && at[host] != ']')
            host++;
        if (host == bytes || host - 1 >= sizeof(literal))
            return -1;
        memcpy(literal, at + 1, host - 1);
        literal[host - 1] = '\0';
        if (inet_pton(AF_INET6, literal, &unused) != 1)
            return -1;
        host++;
    } else {
        while (host < bytes && (alnum(at[host]) || strchr("-._", at[host]) != NULL))
            host++;
        if (host == 0 || !alnum(at[0]))
            return -1;
    }
    if (host > 253)
        return -1;
    p->host = at;
    p->host_bytes = host;
    if (host == bytes)
        return 0;
    return at[host] == ':' ? parse_port(at + host + 1, bytes - host - 1, &p->port) : -1;
}

static int
parse_endpoint(const char *endpoint, struct parts *p, struct weir_err *err)
{
    *p = (struct parts){0};
    if (strncmp(endpoint, "https://", 8) == 0)
        p->tls = true;
    else if (strncmp(endpoint, "http://", 7) != 0)
        return bad_endpoint(endpoint, "the scheme is neither https:// nor http://", err);
    const char *authority = endpoint + (p->tls ? 8 : 7);
    size_t authority_bytes = strcspn(authority, "/?#");
    if (memchr(authority, '@', authority_bytes) != NULL) /* never repeat a password */
        return weir_err_set(err, WEIR_E_CONFIG,
                            "endpoint: a user name or password does not belong in a URL");
    if (parse_authority(authority, authority_bytes, p) != 0)
        return bad_endpoint(endpoint, "the host or port is malformed", err);
    if (p->port == (p->tls ? 443U : 80U))
        p->port = 0;
    p->base = authority + authority_bytes;
    p->base_bytes = strlen(p->base);
    if (strcspn(p->base, "?#") != p->base_bytes)
        return bad_endpoint(endpoint, "a query or fragment has no place here", err);
    while (p->base_bytes > 0 && p->base[p->base_bytes - 1] == '/')
        p->base_bytes--;
    for (size_t i = 0; i < p->base_bytes; i++)
        if (!alnum(p->base[i]) && strchr("-._~/", p->base[i]) == NULL)
            return bad_endpoint(endpoint, "the base path may hold A-Z a-z 0-9 - . _ ~ / only",
                                err);
    return p->base_bytes > 200 ? bad_endpoint(endpoint, "the base path is too long", err) : 0;
}

static bool
is_ip(const struct parts *p)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr unused;
    if (p->host[0] == '[')
        return true;
    if (p->host_bytes >= sizeof(text))
        return false;
    memcpy(text, p->host, p->host_bytes);
    text[p->host_bytes] = '\0';
    return inet_pton(AF_INET, text, &unused) == 1;
}

static int
own_host(const struct weir_s3_endpoint_input *in, struct weir_s3_endpoint *out, bool *out_tls,
         struct weir_err *err)
{
    struct parts p;
    if (in->accelerate || in->dualstack || in->fips)
        return weir_err_set(
            err, WEIR_E_CONFIG,
            "accelerate, dualstack and fips are for AWS; they exclude endpoint");
    if (parse_endpoint(in->endpoint, &p, err) != 0)
        return -1;
    bool virtual_style = in->addressing == WEIR_ADDRESSING_VIRTUAL;
    if (virtual_style && (is_ip(&p) || !is_host_label(in->bucket, !p.tls) ||
                          strlen(in->bucket) + 1 + p.host_bytes > 253))
        return weir_err_set(err, WEIR_E_CONFIG,
                            "bucket %.128s cannot be addressed in virtual style at %.128s",
                            in->bucket, in->endpoint);
    char port[8] = "";
    if (p.port != 0)
        (void)snprintf(port, sizeof(port), ":%u", p.port);
    (void)snprintf(out->host, sizeof(out->host), "%s%s%.*s%s", virtual_style ? in->bucket : "",
                   virtual_style ? "." : "", (int)p.host_bytes, p.host, port);
    for (char *c = out->host; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    (void)snprintf(out->path, sizeof(out->path), "%.*s%s%s", (int)p.base_bytes, p.base,
                   virtual_style ? "" : "/", virtual_style ? "" : in->bucket);
    *out_tls = p.tls;
    return 0;
}

int
weir_s3_endpoint_resolve(const struct weir_s3_endpoint_input *in, struct weir_s3_endpoint *out,
                         struct weir_err *err)
{
    struct weir_s3_endpoint e = {0};
    bool tls = true;
    if (check_bucket(in->bucket, err) != 0)
        return -1;
    if (in->endpoint == NULL ? aws_host(in, &e, err) : own_host(in, &e, &tls, err))
        return -1;
    (void)snprintf(e.origin, sizeof(e.origin), "%s://%s", tls ? "https" : "http", e.host);
    *out = e;
    return 0;
}
