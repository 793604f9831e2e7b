#include "manifest/cross.h"

#include <string.h>

#include "manifest/keys.h"
#include "manifest/suggest.h"

static void
tell(struct weir_diag *d, const struct weir_node *n, const char *text)
{
    weir_diag_add(d, n->line, n->column, n->width, "%s", text);
}

static bool
starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Whether path is dir or below it; both absolute, a slash at the end does not count. */
static bool
is_within(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 0 && dir[n - 1] == '/')
        n--;
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static void
check_file_store(const struct weir_manifest *m, const struct weir_node *destination,
                 struct weir_diag *d)
{
    for (const char *const *name = weir_keys_s3_only; *name != NULL; name++) {
        const struct weir_node *key = weir_node_key(destination, *name);
        if (key != NULL)
            weir_diag_add(d, key->line, key->column, key->width,
                          "'%s' has no meaning with a file:// url", *name);
    }
    const char *dir = m->destination.url + strlen("file://");
    const struct weir_node *url = weir_node_get(destination, "url");
    if (m->source.root == NULL)
        return;
    if (is_within(dir, m->source.root))
        tell(d, url, "url: the store lies inside source.root: weir would copy its own copies");
    else if (is_within(m->source.root, dir))
        tell(d, url, "url: source.root lies inside the store");
}

/* A custom endpoint may have classes of its own; Amazon's are known. */
static void
check_storage_class(const struct weir_manifest *m, const struct weir_node *destination,
                    struct weir_diag *d)
{
    const char *class = m->destination.storage_class;
    const struct weir_node *n = weir_node_get(destination, "storage_class");
    if (class == NULL || weir_node_key(destination, "endpoint") != NULL)
        return;
    for (const char *const *known = weir_keys_storage_classes; *known != NULL; known++)
        if (strcmp(class, *known) == 0)
            return;
    const char *meant = weir_suggest_nearest(class, weir_keys_storage_classes);
    weir_diag_add(d, n->line, n->column, n->width,
                  "storage_class: '%s' is no storage class of Amazon S3%s%s%s", class,
                  meant != NULL ? "; did you mean '" : "", meant != NULL ? meant : "",
                  meant != NULL ? "'?" : "");
}

static void
check_endpoint(const struct weir_manifest *m, const struct weir_node *destination,
               struct weir_diag *d)
{
    const struct weir_destination *to = &m->destination;
    const struct weir_node *ca_file = weir_node_key(destination, "ca_file");
    if (to->endpoint == NULL)
        return;
    if (to->accelerate)
        tell(d, weir_node_key(destination, "accelerate"),
             "'accelerate' chooses an endpoint of Amazon S3; it cannot stand with 'endpoint'");
    if (to->dualstack)
        tell(d, weir_node_key(destination, "dualstack"),
             "'dualstack' chooses an endpoint of Amazon S3; it cannot stand with 'endpoint'");
    if (to->fips)
        tell(d, weir_node_key(destination, "fips"),
             "'fips' chooses an endpoint of Amazon S3; it cannot stand with 'endpoint'");
    if (ca_file != NULL && starts_with(to->endpoint, "http://"))
        tell(d, ca_file, "'ca_file' has no meaning with an http:// endpoint");
}

/* Transfer acceleration: Amazon S3 User Guide, "Requirements for using Transfer Acceleration".
 */
static void
check_accelerate(const struct weir_manifest *m, const struct weir_node *destination,
                 struct weir_diag *d)
{
    const struct weir_destination *to = &m->destination;
    const struct weir_node *accelerate = weir_node_key(destination, "accelerate");
    if (!to->accelerate || to->endpoint != NULL)
        return;
    if (to->fips)
        tell(d, accelerate, "'accelerate' and 'fips' exclude each other");
    if (to->addressing == WEIR_ADDRESSING_PATH)
        tell(d, accelerate, "'accelerate' does not work with 'addressing: path'");
    const char *bucket = to->url + strlen("s3://");
    if (memchr(bucket, '.', strcspn(bucket, "/")) != NULL)
        tell(d, accelerate, "'accelerate' does not work for a bucket name with dots");
}

static void
check_s3_store(const struct weir_manifest *m, const struct weir_node *destination,
               struct weir_diag *d)
{
    const struct weir_node *encryption = weir_node_get(destination, "encryption");
    check_storage_class(m, destination, d);
    check_endpoint(m, destination, d);
    check_accelerate(m, destination, d);
    if (m->destination.encryption == WEIR_ENCRYPTION_AES256 &&
        m->destination.encryption_key != NULL)
        tell(d, weir_node_key(encryption, "key"),
             "'key' is for the types aws:kms and aws:kms:dsse only");
}

/* A window that says nothing but its limit. */
static bool
is_always(const struct weir_node *n)
{
    return weir_node_get(n, "limit") != NULL && n->first->next->next == NULL;
}

static void
check_windows(const struct weir_manifest *m, const struct weir_node *list, struct weir_diag *d)
{
    const struct weir_node *always = NULL;
    const struct weir_node *n = list != NULL ? list->first : NULL;
    for (size_t i = 0; n != NULL && i < m->transfer.window_count; i++, n = n->next) {
        const struct weir_window *w = &m->transfer.windows[i];
        if (always != NULL)
            weir_diag_add(d, n->line, n->column, n->width,
                          "this window is never used: the one on line %zu is always open",
                          always->line);
        else if (is_always(n))
            always = n;
        else if (w->from_min == w->to_min) /* never so by default, nor after a mistake */
            tell(d, n,
                 "an empty window: 'from' and 'to' are the same time; leave both out "
                 "for the whole day");
    }
}

static void
check_transfer(const struct weir_manifest *m, const struct weir_node *transfer,
               struct weir_diag *d)
{
    const struct weir_node *part = weir_node_get(transfer, "part_size");
    if (part != NULL && m->transfer.part_bytes > m->transfer.memory_bytes / 2)
        tell(d, part, "part_size: 'memory' has no room for two parts of this size");
    check_windows(m, weir_node_get(transfer, "bandwidth"), d);
}

static void
check_metrics(const struct weir_manifest *m, const struct weir_node *metrics,
              struct weir_diag *d)
{
    if (m->metrics.textfile != NULL && m->source.root != NULL &&
        is_within(m->metrics.textfile, m->source.root))
        tell(d, weir_node_get(metrics, "textfile"),
             "textfile: it lies inside source.root, which weir only reads");
}

void
weir_cross_check(const struct weir_manifest *m, const struct weir_node *root,
                 struct weir_diag *d)
{
    const struct weir_node *destination = weir_node_get(root, "destination");
    if (m->destination.url != NULL && starts_with(m->destination.url, "file://"))
        check_file_store(m, destination, d);
    else if (m->destination.url != NULL)
        check_s3_store(m, destination, d);
    check_transfer(m, weir_node_get(root, "transfer"), d);
    check_metrics(m, weir_node_get(root, "metrics"), d);
}
