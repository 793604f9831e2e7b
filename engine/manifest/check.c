#include "manifest/check.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

const char weir_check_user_name[] =
    "a user name stands before the host; credentials never stand in a manifest";

static bool
only(const char *text, const char *allowed)
{
    return text[strspn(text, allowed)] == '\0';
}

static bool
has_control(const char *text)
{
    size_t bytes = strlen(text), step;
    for (size_t i = 0; i < bytes; i += step) {
        uint32_t c = 0;
        step = weir_utf8_next(text + i, bytes - i, &c);
        if (step == 0 || weir_utf8_is_control(c))
            return true;
    }
    return false;
}

static size_t
characters(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

const char *
weir_check_name(const char *text)
{
    if (!only(text, LOWER DIGITS "-"))
        return "has characters other than a-z, 0-9 and -";
    if (text[0] == '-')
        return "starts with -";
    return strlen(text) > 63 ? "is longer than 63 characters" : NULL;
}

/* Looks at the segments between slashes; empty ones count only with `strict`. */
static const char *
check_segments(const char *text, bool strict)
{
    for (const char *p = text;; p++) {
        size_t n = strcspn(p, "/");
        if (n == 0 && strict)
            return "has an empty segment (two slashes in a row)";
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return "has a . or .. segment";
        p += n;
        if (*p == '\0')
            return NULL;
    }
}

const char *
weir_check_path_any(const char *text)
{
    return strlen(text) >= PATH_MAX ? "is longer than 4095 bytes" : NULL;
}

const char *
weir_check_path(const char *text)
{
    if (text[0] != '/')
        return "is not an absolute path";
    const char *wrong = weir_check_path_any(text);
    return wrong != NULL ? wrong : check_segments(text, false);
}

const char *
weir_check_file(const char *text)
{
    const char *wrong = weir_check_path(text);
    if (wrong == NULL && text[strlen(text) - 1] == '/')
        return "ends in a slash: name a file, not a directory";
    return wrong;
}

/* General purpose bucket naming rules of the Amazon S3 User Guide, but for the reserved
 * prefixes and suffixes: aliases of access points carry those and are fine here. */
static const char *
check_bucket(const char *name, size_t bytes)
{
    if (bytes == 0)
        return "has no bucket: s3://bucket/prefix";
    if (bytes < 3 || bytes > 63)
        return "has a bucket name that is not 3 to 63 characters long";
    bool address = true;
    for (size_t i = 0; i < bytes; i++) {
        if (strchr(LOWER DIGITS ".-", name[i]) == NULL)
            return "has a bucket name with characters other than a-z, 0-9, . and -";
        if (name[i] == '.' && i > 0 && name[i - 1] == '.')
            return "has a bucket name with two dots in a row";
        address = address && strchr(DIGITS ".", name[i]) != NULL;
    }
    if (strchr(".-", name[0]) != NULL || strchr(".-", name[bytes - 1]) != NULL)
        return "has a bucket name that does not start and end with a letter or digit";
    return address && memchr(name, '.', bytes) != NULL
               ? "has a bucket name that looks like an IP address"
               : NULL;
}

static size_t
without_last_slash(const char *text)
{
    size_t n = strlen(text);
    return n > 0 && text[n - 1] == '/' ? n - 1 : n;
}

/* What follows the bucket: "" or "/prefix", with or without a slash at the end. */
static const char *
check_prefix(const char *rest)
{
    size_t n = without_last_slash(rest);
    if (n == 0)
        return NULL;
    if (n - 1 > WEIR_CHECK_PREFIX_MAX)
        return "has a prefix longer than 512 bytes";
    char prefix[WEIR_CHECK_PREFIX_MAX + 1];
    memcpy(prefix, rest + 1, n - 1);
    prefix[n - 1] = '\0';
    return check_segments(prefix, true);
}

static const char *
check_directory(const char *path)
{
    if (path[0] != '/')
        return "needs three slashes and an absolute path: file:///mnt/disk";
    size_t n = without_last_slash(path);
    if (n == 0)
        return "is the root directory, which cannot be a store";
    if (n >= PATH_MAX)
        return "has a path longer than 4095 bytes";
    char copy[PATH_MAX];
    memcpy(copy, path + 1, n - 1);
    copy[n - 1] = '\0';
    return check_segments(copy, true);
}

const char *
weir_check_url(const char *text)
{
    if (has_control(text))
        return "has a control character";
    if (strncmp(text, "file://", 7) == 0)
        return check_directory(text + 7);
    if (strncmp(text, "s3://", 5) != 0)
        return "does not start with s3:// or file://";
    size_t bucket = strcspn(text + 5, "/");
    const char *at = strchr(text, '@'); /* a secret key may hold slashes */
    if (at != NULL && (at < text + 5 + bucket || memchr(text + 5, ':', bucket) != NULL))
        return weir_check_user_name;
    const char *wrong = check_bucket(text + 5, bucket);
    return wrong != NULL ? wrong : check_prefix(text + 5 + bucket);
}

/* host or [v6], then nothing or :port. */
static const char *
check_authority(const char *text, size_t bytes)
{
    const char *end = text + bytes, *p = text;
    if (p < end && *p == '[') {
        size_t n = strspn(p + 1, DIGITS "abcdefABCDEF:.");
        if (n < 2 || p[n + 1] != ']')
            return "has an IPv6 address that does not end in ]";
        p += n + 2;
    } else {
        p += strspn(p, LOWER UPPER DIGITS ".-_");
        if (p == text)
            return "has no host";
        if (p - text > 253)
            return "has a host name longer than 253 characters";
    }
    if (p == end)
        return NULL;
    if (*p != ':')
        return "has a host with characters other than letters, digits, . and -";
    size_t digits = strspn(p + 1, DIGITS);
    unsigned port = 0;
    for (size_t i = 0; i < digits && port <= 65535; i++)
        port = port * 10 + (unsigned)(p[1 + i] - '0');
    if (p + 1 + digits != end || port < 1 || port > 65535)
        return "has a port that is not a number from 1 to 65535";
    return NULL;
}

const char *
weir_check_endpoint(const char *text)
{
    if (strchr(text, '@') != NULL)
        return weir_check_user_name;
    size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
                    : strncmp(text, "http://", 7) == 0 ? 7
                                                       : 0;
    if (scheme == 0)
        return "does not start with https:// or http://";
    if (strlen(text) > 1024)
        return "is longer than 1024 bytes";
    if (strpbrk(text, "?#") != NULL)
        return "has a query or fragment";
    const char *host = text + scheme;
    size_t bytes = strcspn(host, "/");
    const char *wrong = check_authority(host, bytes);
    if (wrong != NULL)
        return wrong;
    if (!only(host + bytes, LOWER UPPER DIGITS "/-._~!$&'()*+,;=:"))
        return "has a path with characters that need escaping";
    return check_prefix(host + bytes);
}

const char *
weir_check_region(const char *text)
{
    if (!only(text, LOWER UPPER DIGITS "-_"))
        return "is no region name: letters, digits and - only";
    return strlen(text) > 63 ? "is longer than 63 characters" : NULL;
}

const char *
weir_check_profile(const char *text)
{
    if (has_control(text) || strpbrk(text, "[]") != NULL)
        return "is no profile name: it has a control character or bracket";
    return strlen(text) > 128 ? "is longer than 128 bytes" : NULL;
}

const char *
weir_check_storage_class(const char *text)
{
    if (!only(text, LOWER UPPER DIGITS "-_."))
        return "is no storage class name: letters, digits, _ and - only";
    return strlen(text) > 31 ? "is longer than 31 characters" : NULL;
}

const char *
weir_check_kms_key(const char *text)
{
    if (!only(text, LOWER UPPER DIGITS "-_:/."))
        return "is no KMS key: an id, an alias/name or an ARN";
    return strlen(text) > 2048 ? "is longer than 2048 bytes" : NULL;
}

const char *
weir_check_owner(const char *text)
{
    return only(text, DIGITS) && strlen(text) == 12 ? NULL
                                                    : "is no AWS account id of 12 digits";
}

/* Amazon S3 User Guide, "Categorizing your storage using tags": letters, spaces and numbers of
 * any script, and + - = . _ : / @ */
static bool
has_tag_characters(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x80 && strchr(LOWER UPPER DIGITS " +-=._:/@", *p) == NULL)
            return false;
    return !has_control(text);
}

const char *
weir_check_tag_name(const char *text)
{
    if (strncmp(text, "aws:", 4) == 0)
        return "starts with aws:, which is reserved";
    if (!has_tag_characters(text))
        return "has characters that a tag cannot have";
    return characters(text) > 128 ? "is longer than 128 characters" : NULL;
}

const char *
weir_check_tag_value(const char *text)
{
    if (!has_tag_characters(text))
        return "has characters that a tag cannot have";
    return characters(text) > 256 ? "is longer than 256 characters" : NULL;
}
