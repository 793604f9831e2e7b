#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "text.h"
#include "xml.h"

#define PAGE_MAX 1000

struct entry {
    char *key;                  /* owned */
    struct fake_object *object; /* borrowed while the store is locked; NULL: common prefix */
};
struct page {
    bool v2;
    const char *prefix, *delimiter, *start; /* start: continue after this, "" from the top */
    char *token_start;                      /* owned; what a continuation token held */
    uint64_t max;
    struct entry entry[PAGE_MAX + 1];
    size_t count;
    bool truncated;
    char *next; /* owned: last name of a truncated page */
};

/* Tokens are opaque: the key, scrambled, so that no client can mistake one for a key. */
static void
scramble(char *bytes, size_t n)
{
    uint32_t x = 0x5eed1234;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(bytes[i] ^ (char)(x >> 24));
    }
}

static void
add_token(struct fake_buf *out, const char *name, const char *key)
{
    struct fake_buf b = {0};
    fake_buf_printf(&b, "w1%s", key);
    scramble(b.data, b.len);
    char *text = fake_alloc((b.len + 2) / 3 * 4 + 1);
    fake_text_base64((const uint8_t *)b.data, b.len, text);
    fake_xml_element(out, name, text);
    free(text);
    fake_buf_free(&b);
}

static int
read_token(struct fake_call *c, const char *token, struct page *p)
{
    char *bytes = fake_alloc(strlen(token) + 1);
    int n = fake_text_unbase64(token, (uint8_t *)bytes, strlen(token));
    if (n >= 0) {
        bytes[n] = 0;
        scramble(bytes, (size_t)n);
    }
    if (n < 2 || strncmp(bytes, "w1", 2) != 0) {
        free(bytes);
        return fake_reply_error(c, "InvalidArgument",
                                "The continuation token provided is incorrect");
    }
    p->token_start = fake_strdup(bytes + 2);
    p->start = p->token_start;
    free(bytes);
    return 0;
}

static int
read_params(struct fake_call *c, struct page *p)
{
    const char *token = fake_http_param(&c->req, "continuation-token");
    const char *after = fake_http_param(&c->req, p->v2 ? "start-after" : "marker");
    const char *prefix = fake_http_param(&c->req, "prefix");
    const char *delimiter = fake_http_param(&c->req, "delimiter");
    p->prefix = prefix ? prefix : "";
    p->delimiter = delimiter ? delimiter : "";
    p->start = after ? after : "";
    if (fake_ops_page_size(c, "max-keys", PAGE_MAX, &p->max) != 0)
        return -1;
    if (!p->v2 || !token)
        return 0;
    return read_token(c, token, p);
}

/* Length of the common prefix that stands for @key, 0 when the key stands for itself. */
static size_t
group_length(const struct page *p, const char *key)
{
    size_t prefix = strlen(p->prefix);
    const char *d = *p->delimiter ? strstr(key + prefix, p->delimiter) : NULL;
    return d ? (size_t)(d - key) + strlen(p->delimiter) : 0;
}

static struct fake_node *
first_node(const struct page *p, const struct fake_bucket *b)
{
    size_t n = strlen(p->start);
    if (n == 0 || strcmp(p->start, p->prefix) < 0)
        return fake_map_seek(&b->objects, p->prefix, strlen(p->prefix), FAKE_SEEK_FROM);
    /* a start inside of a group, or equal to it, has that group behind it */
    if (strncmp(p->start, p->prefix, strlen(p->prefix)) == 0) {
        size_t group = group_length(p, p->start);
        if (group && group == n)
            return fake_map_seek(&b->objects, p->start, group, FAKE_SEEK_PAST_PREFIX);
    }
    return fake_map_seek(&b->objects, p->start, n, FAKE_SEEK_AFTER);
}

static void
fill(struct page *p, const struct fake_bucket *b)
{
    size_t prefix = strlen(p->prefix);
    struct fake_node *n = p->max ? first_node(p, b) : NULL;
    while (n && strncmp(n->key, p->prefix, prefix) == 0) {
        if (p->count == p->max) {
            p->truncated = true;
            p->next = fake_strdup(p->entry[p->count - 1].key);
            return;
        }
        size_t group = group_length(p, n->key);
        struct entry *e = &p->entry[p->count++];
        e->key = fake_strdup(n->key);
        e->object = group ? NULL : n->value;
        if (group)
            e->key[group] = 0;
        n = group ? fake_map_seek(&b->objects, e->key, group, FAKE_SEEK_PAST_PREFIX)
                  : n->next[0];
    }
}

/* The lies that a lister must not believe. */
static void
apply_fault(const struct fake_call *c, struct page *p)
{
    struct entry *e = p->entry;
    switch (c->fault.list) {
    case FAKE_LIST_UNSORTED:
        for (size_t i = 0; i + 1 < p->count; i += 2) {
            struct entry swap = e[i];
            e[i] = e[i + 1];
            e[i + 1] = swap;
        }
        break;
    case FAKE_LIST_DUPLICATE:
        if (p->count > 0) {
            e[p->count] = e[p->count - 1];
            e[p->count].key = fake_strdup(e[p->count].key);
            p->count++;
        }
        break;
    case FAKE_LIST_EMPTY_PAGE:
        while (p->count > 0)
            free(e[--p->count].key);
        __attribute__((fallthrough));
    case FAKE_LIST_REPEAT_TOKEN:
        free(p->next);
        p->next = fake_strdup(p->start);
        p->truncated = true;
        break;
    case FAKE_LIST_NO_TOKEN:
        free(p->next);
        p->next = NULL;
        p->truncated = true;
        break;
    default:
        break;
    }
}

static void
write_entry(struct fake_call *c, struct fake_buf *b, const struct entry *e)
{
    const struct fake_object *o = e->object;
    if (!o)
        return;
    fake_buf_puts(b, "<Contents>");
    fake_ops_xml_key(c, b, "Key", e->key);
    fake_ops_xml_time(b, "LastModified", o->mtime_ms);
    fake_ops_xml_etag(b, o->etag);
    if (o->alg != FAKE_ALG_NONE) {
        fake_xml_element(b, "ChecksumAlgorithm", fake_checksum_info(o->alg)->name);
        fake_xml_element(b, "ChecksumType", fake_checksum_type_name(o->type));
    }
    const char *class = fake_fields_get(&o->fields, "x-amz-storage-class");
    fake_buf_printf(b, "<Size>%" PRIu64 "</Size><StorageClass>%s</StorageClass></Contents>",
                    o->data.bytes, class ? class : "STANDARD");
}

static void
write_markers(struct fake_call *c, struct fake_buf *b, const struct page *p)
{
    const char *token = fake_http_param(&c->req, "continuation-token");
    const char *after = fake_http_param(&c->req, "start-after");
    if (!p->v2) {
        fake_ops_xml_key(c, b, "Marker", p->start);
        if (p->truncated && p->next && *p->delimiter)
            fake_ops_xml_key(c, b, "NextMarker", p->next);
        return;
    }
    fake_buf_printf(b, "<KeyCount>%zu</KeyCount>", p->count);
    if (after)
        fake_ops_xml_key(c, b, "StartAfter", after);
    if (token)
        fake_xml_element(b, "ContinuationToken", token);
    if (p->truncated && p->next)
        add_token(b, "NextContinuationToken", p->next);
}

static void
write_page(struct fake_call *c, const struct page *p)
{
    struct fake_buf *b = fake_reply_xml(c);
    fake_buf_puts(b, "<ListBucketResult" FAKE_XML_NS ">");
    fake_xml_element(b, "Name", c->bucket);
    fake_ops_xml_key(c, b, "Prefix", p->prefix);
    if (*p->delimiter)
        fake_ops_xml_key(c, b, "Delimiter", p->delimiter);
    fake_buf_printf(b, "<MaxKeys>%" PRIu64 "</MaxKeys><IsTruncated>%s</IsTruncated>", p->max,
                    p->truncated ? "true" : "false");
    if (fake_http_param(&c->req, "encoding-type") && !(c->lenient & FAKE_LENIENT_LIST_RAW))
        fake_buf_puts(b, "<EncodingType>url</EncodingType>");
    write_markers(c, b, p);
    for (size_t i = 0; i < p->count; i++)
        write_entry(c, b, &p->entry[i]);
    for (size_t i = 0; i < p->count; i++)
        if (!p->entry[i].object) {
            fake_buf_puts(b, "<CommonPrefixes>");
            fake_ops_xml_key(c, b, "Prefix", p->entry[i].key);
            fake_buf_puts(b, "</CommonPrefixes>");
        }
    fake_buf_puts(b, "</ListBucketResult>");
}

int
fake_ops_list_objects(struct fake_call *c)
{
    const char *type = fake_http_param(&c->req, "list-type");
    struct page *p = fake_alloc(sizeof(*p));
    p->v2 = type != NULL;
    int rc = fake_ops_check_bucket(c);
    if (rc == 0)
        rc = read_params(c, p);
    if (rc == 0) {
        fake_store_lock(&c->server->store);
        struct fake_bucket *b = fake_ops_bucket_locked(c);
        rc = b ? 0 : -1;
        if (b) {
            fill(p, b);
            apply_fault(c, p);
            write_page(c, p);
        }
        fake_store_unlock(&c->server->store);
    }
    for (size_t i = 0; i < p->count; i++)
        free(p->entry[i].key);
    free(p->next);
    free(p->token_start);
    free(p);
    return rc;
}
