#include <weir/manifest.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/cross.h"
#include "manifest/keys.h"
#include "manifest/node.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

static void
free_strings(struct weir_strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->item[i]);
    free(s->item);
}

void
weir_manifest_free(struct weir_manifest *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->destination.tag_count; i++) {
        free(m->destination.tags[i].name);
        free(m->destination.tags[i].value);
    }
    free(m->metrics.textfile);
    free(m->report.directory);
    free(m->transfer.windows);
    free(m->destination.expected_owner);
    free(m->destination.tags);
    free(m->destination.encryption_key);
    free(m->destination.storage_class);
    free(m->destination.ca_file);
    free(m->destination.profile);
    free(m->destination.endpoint);
    free(m->destination.region);
    free(m->destination.url);
    free(m->source.files_from);
    free_strings(&m->source.exclude);
    free_strings(&m->source.include);
    free(m->source.root);
    free(m->name);
    free(m->file);
    free(m);
}

static struct weir_manifest *
create(const char *file)
{
    struct weir_manifest *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return NULL;
    m->source.one_file_system = true;
    m->transfer.memory_bytes = WEIR_KEYS_MEMORY_DEFAULT;
    m->track.delete_grace_s = WEIR_KEYS_GRACE_DEFAULT;
    m->track.delete_limit_files = WEIR_KEYS_DELETE_FILES_DEFAULT;
    m->track.delete_limit_percent = WEIR_KEYS_DELETE_PERCENT_DEFAULT;
    m->file = strdup(file);
    if (m->file == NULL) {
        weir_manifest_free(m);
        return NULL;
    }
    return m;
}

/* Everything is taken when nothing is said. */
static int
default_include(struct weir_strings *include)
{
    if (include->count > 0)
        return 0;
    free(include->item);
    include->item = calloc(1, sizeof(*include->item));
    if (include->item == NULL)
        return -1;
    include->item[0] = strdup("**");
    if (include->item[0] == NULL)
        return -1;
    include->count = 1;
    return 0;
}

/* A relative files_from is meant from where the manifest lies. */
static int
join_files_from(struct weir_manifest *m)
{
    char *name = m->source.files_from, *joined = NULL;
    const char *slash = strrchr(m->file, '/');
    if (name == NULL || name[0] == '/' || slash == NULL)
        return 0;
    if (asprintf(&joined, "%.*s/%s", (int)(slash - m->file), m->file, name) < 0)
        return -1;
    free(name);
    m->source.files_from = joined;
    return 0;
}

/* So that nobody else has to think of "s3://bucket/" and "https://host/". */
static void
drop_last_slash(char *text)
{
    size_t n = text != NULL ? strlen(text) : 0;
    while (n > 1 && text[n - 1] == '/')
        text[--n] = '\0';
}

static int
finish(struct weir_manifest *m, struct weir_err *err)
{
    drop_last_slash(m->source.root);
    drop_last_slash(m->destination.url);
    drop_last_slash(m->destination.endpoint);
    drop_last_slash(m->report.directory);
    if (default_include(&m->source.include) != 0 || join_files_from(m) != 0)
        return weir_err_set(err, WEIR_E_NOMEM, "%s: manifest", m->file);
    return 0;
}

/* Fills m from the tree; mistakes go to d. */
static int
fill(struct weir_manifest *m, const struct weir_node *root, struct weir_diag *d,
     struct weir_err *err)
{
    struct weir_schema s = {.diag = d, .top = &weir_keys_manifest};
    weir_schema_read_map(&s, &weir_keys_manifest, root, root, m);
    if (s.no_memory)
        return weir_err_set(err, WEIR_E_NOMEM, "%s: manifest", m->file);
    weir_cross_check(m, root, d);
    return 0;
}

static int
parse(struct weir_diag *d, struct weir_manifest **out, char **out_text, struct weir_err *err)
{
    int rc = -1;
    struct weir_node *root = NULL;
    struct weir_manifest *m = create(d->file);
    if (m == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "%s: manifest", d->file);
    if (d->bytes > FILE_BYTES_MAX)
        weir_diag_add(d, 1, 1, 1, "the file is larger than 1 MiB");
    else if (weir_node_read(d, &root, err) != 0)
        goto free_manifest;
    else if (root == NULL && d->count == 0)
        weir_diag_add(d, 1, 1, 1, "the manifest is empty");
    if (root != NULL && fill(m, root, d, err) != 0)
        goto free_root;
    if (weir_diag_finish(d, out_text, err) != 0 || finish(m, err) != 0)
        goto free_root;
    *out = m;
    m = NULL;
    rc = 0;
free_root:
    weir_node_free(root);
free_manifest:
    weir_manifest_free(m);
    return rc;
}

int
weir_manifest_parse(const char *name, const char *text, size_t bytes,
                    struct weir_manifest **out, char **out_text, struct weir_err *err)
{
    struct weir_diag d = {0};
    *out_text = NULL;
    if (bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* byte order mark */
        text += 3;
        bytes -= 3;
    }
    int rc = weir_diag_init(&d, name, text, bytes, err);
    if (rc == 0)
        rc = parse(&d, out, out_text, err);
    weir_diag_fini(&d);
    return rc;
}

/* Reads up to FILE_BYTES_MAX + 1 bytes, so that the parser sees that there were too many. */
static int
read_all(int fd, const char *path, char *buf, size_t *out_bytes, struct weir_err *err)
{
    size_t used = 0;
    while (used <= FILE_BYTES_MAX) {
        ssize_t n = read(fd, buf + used, FILE_BYTES_MAX + 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return weir_err_sys(err, WEIR_E_IO, errno, "read manifest %s", path);
        if (n == 0)
            break;
        used += (size_t)n;
    }
    *out_bytes = used;
    return 0;
}

static int
read_file(const char *path, char **out, size_t *out_bytes, struct weir_err *err)
{
    int rc = -1;
    struct stat st;
    char *buf = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "open manifest %s", path);
    if (fstat(fd, &st) != 0) {
        weir_err_sys(err, WEIR_E_IO, errno, "stat manifest %s", path);
        goto close_fd;
    }
    if (!S_ISREG(st.st_mode)) {
        weir_err_set(err, WEIR_E_IO, "manifest %s is not a regular file", path);
        goto close_fd;
    }
    buf = malloc(FILE_BYTES_MAX + 1);
    if (buf == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "manifest %s", path);
        goto close_fd;
    }
    rc = read_all(fd, path, buf, out_bytes, err);
close_fd:
    (void)close(fd);
    if (rc == 0)
        *out = buf;
    else
        free(buf);
    return rc;
}

int
weir_manifest_load(const char *path, struct weir_manifest **out, char **out_text,
                   struct weir_err *err)
{
    char *text = NULL;
    size_t bytes = 0;
    *out_text = NULL;
    if (read_file(path, &text, &bytes, err) != 0)
        return -1;
    int rc = weir_manifest_parse(path, text, bytes, out, out_text, err);
    free(text);
    return rc;
}
