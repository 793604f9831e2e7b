/* leftovers -- the end of a rebuild: objects of this job whose files are not in the lake any
 * more become vanished entries again, so that a later sync treats them by its policy. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "job/run.h"
#include "plan/key.h"
#include "transfer/meta.h"
#include "transfer/remove.h"

struct leftovers {
    struct weir_run *r;
    struct weir_transport *looker; /* the other handle is busy listing */
    struct weir_head head;
    struct weir_err *err;
    bool failed;
    int64_t last_quarantine; /* pass that made the latest quarantine */
};

struct place { /* a path cut into directory and name */
    char *path;
    size_t path_len, dir_len, name_len;
    const char *name;
};

/* The path of a key; false when weir would never make such a key, or it is weir's own. */
static bool
cut(const char *key, struct place *out)
{
    enum weir_key_kind kind;
    if (strncmp(key, ".weir/", 6) == 0)
        return false;
    *out = (struct place){.path = malloc(strlen(key) + 1)};
    if (out->path == NULL || weir_key_to_path(key, out->path, &out->path_len, &kind) != 0) {
        free(out->path);
        return false;
    }
    out->path[out->path_len] = '\0';
    const char *slash = memrchr(out->path, '/', out->path_len);
    if (kind == WEIR_KEY_DIR) { /* the row "" of the directory itself */
        out->dir_len = out->path_len;
        out->name = "";
    } else {
        out->dir_len = slash != NULL ? (size_t)(slash - out->path) : 0;
        out->name = slash != NULL ? slash + 1 : out->path;
        out->name_len = strlen(out->name);
    }
    return true;
}

/* 1 when the catalog has the row, 0 when it has not, -1. */
static int
is_known(struct weir_catalog *c, const struct place *p, struct weir_err *err)
{
    struct weir_catalog_dir dir;
    struct weir_catalog_entry row;
    bool found = false;
    if (weir_catalog_dir_get(c, p->path, p->dir_len, &dir, &found, err) != 0)
        return -1;
    if (!found)
        return 0;
    if (weir_catalog_entry_find(c, dir.id, p->name, p->name_len, &row, &found, err) != 0)
        return -1;
    weir_catalog_rows_end(c);
    return found;
}

/* By the mode that the object's metadata has. */
static uint8_t
type_of(const struct weir_head *head, const struct place *p)
{
    const char *mode = weir_meta_find(head, "file-permissions");
    if (p->name_len == 0)
        return WEIR_ENTRY_DIR;
    return mode != NULL && S_ISLNK((mode_t)strtoul(mode, NULL, 8)) ? WEIR_ENTRY_SYMLINK
                                                                   : WEIR_ENTRY_FILE;
}

static int
add_row(struct weir_run *r, const struct place *p, const struct weir_head *head, uint8_t type,
        struct weir_err *err)
{
    struct weir_catalog *c = r->setup.catalog;
    struct weir_catalog_dir dir = {0};
    struct weir_catalog_entry row = {.name = p->name,
                                     .name_len = p->name_len,
                                     .type = type,
                                     .proof = WEIR_PROOF_UPLOADED,
                                     .st = {.size = head->stored.bytes},
                                     .crc64nvme = head->stored.crc64nvme,
                                     /* without a CRC nothing can be said of its content */
                                     .etag =
                                         head->stored.has_crc64nvme ? head->stored.etag : "",
                                     .version = head->stored.version,
                                     .gone_ns = r->o->clock->wall_ns(r->o->clock)};
    bool known = false;
    if (weir_run_begin(r, err) != 0 ||
        weir_catalog_dir_get(c, p->path, p->dir_len, &dir, &known, err) != 0)
        return -1;
    if (!known && (weir_catalog_dir_open(c, p->path, p->dir_len, &dir.id, err) != 0 ||
                   weir_catalog_dir_close(c, &dir, err) != 0))
        return -1;
    return weir_catalog_entry_put(c, dir.id, &row, NULL, 0, err);
}

static int
look(struct leftovers *l, const struct place *p, const char *key, struct weir_err *err)
{
    struct weir_run *r = l->r;
    int known = is_known(r->setup.catalog, p, err);
    if (known != 0)
        return known < 0 ? -1 : 0;
    struct weir_err why = WEIR_ERR_INIT;
    if (l->looker->ops->head(l->looker, key, &l->head, &why) != 0) {
        if (why.code == WEIR_E_NOT_FOUND && why.scope != WEIR_SCOPE_RUN)
            return 0;
        *err = why;
        return -1;
    }
    uint8_t type = type_of(&l->head, p);
    if (!weir_meta_is_ours(&l->head, weir_catalog_job_id(r->setup.catalog)))
        return 0;
    if (weir_run_look(r, p->path, type) != WEIR_ABSENT_YES)
        return 0; /* excluded now, or to be sent again */
    return add_row(r, p, &l->head, type, err);
}

static int
one(void *ctx, const struct weir_listed *object)
{
    struct leftovers *l = ctx;
    struct place p;
    size_t prefix = strlen(WEIR_QUARANTINE_PREFIX);
    if (strncmp(object->key, WEIR_QUARANTINE_PREFIX, prefix) == 0) {
        int64_t pass = strtoll(object->key + prefix, NULL, 10);
        if (pass > l->last_quarantine && pass < INT32_MAX)
            l->last_quarantine = pass;
    }
    if (!cut(object->key, &p))
        return 0;
    l->failed = look(l, &p, object->key, l->err) != 0;
    free(p.path);
    return l->failed || weir_cancel_get(l->r->o->cancel) != WEIR_CANCEL_NONE;
}

int
weir_run_leftovers(struct weir_run *r, struct weir_err *err)
{
    struct weir_transport *t = r->setup.transport;
    struct leftovers *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "list of the store");
    *l = (struct leftovers){.r = r, .err = err};
    int rc = t->ops->clone(t, &l->looker, err);
    if (rc == 0) {
        rc = t->ops->list(t, "", NULL, one, l, err);
        l->looker->ops->close(l->looker);
    }
    if (l->failed)
        rc = -1;
    if (rc == 0 && (rc = weir_run_begin(r, err)) == 0)
        rc = weir_catalog_pass_skip(r->setup.catalog, l->last_quarantine, err);
    free(l);
    (void)weir_run_poll_cancel(r); /* a list that ended early is not whole */
    return rc;
}
