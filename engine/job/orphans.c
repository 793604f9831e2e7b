/* orphans -- uploads that an earlier pass left and no entry of this one took up: their files
 * vanished, shrank, are excluded now or were sent in another way.  At the end of a whole pass
 * they are aborted, so that no store keeps parts for ever. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/contact.h"
#include "job/run.h"

void
weir_run_orphans_keep(struct weir_run *r, int64_t row)
{
    if (r->kept_count == r->kept_max) {
        size_t max = r->kept_max == 0 ? 64 : r->kept_max * 2;
        int64_t *kept = realloc(r->kept, max * sizeof(*kept));
        if (kept == NULL) {
            r->kept_unknown = true;
            return;
        }
        r->kept = kept;
        r->kept_max = max;
    }
    r->kept[r->kept_count++] = row;
}

struct orphan {
    const struct weir_run *r;
    int64_t after; /* rows up to this one were looked at */
    int64_t row;   /* 0: none found */
    char *path, *key;
    char id[WEIR_UPLOAD_ID_BYTES];
    bool nomem;
};

static bool
is_kept(const struct weir_run *r, int64_t row)
{
    for (size_t i = 0; i < r->kept_count; i++)
        if (r->kept[i] == row)
            return true;
    return false;
}

static int
pick(void *ctx, const struct weir_catalog_upload *u)
{
    struct orphan *o = ctx;
    if (u->id <= o->after || is_kept(o->r, u->id))
        return 0;
    o->row = u->id;
    o->path = strndup(u->path, u->path_len);
    o->key = strdup(u->key);
    o->nomem = o->path == NULL || o->key == NULL || strlen(u->upload_id) >= sizeof(o->id);
    if (!o->nomem)
        memcpy(o->id, u->upload_id, strlen(u->upload_id) + 1);
    return 1;
}

/* A directory that cannot be read today may hold the file still. */
static bool
may_come_back(const struct weir_run *r, const char *path)
{
    struct weir_err why = WEIR_ERR_INIT;
    if (!r->unseen)
        return false;
    int fd = weir_lake_open(r->setup.root, path, WEIR_FOLLOW_NO, O_PATH | O_NOFOLLOW, &why);
    if (fd >= 0)
        (void)close(fd);
    return fd < 0 && why.code != WEIR_E_NOT_FOUND && why.code != WEIR_E_CHANGED;
}

/* A pass that sends nothing has not spoken to the store yet.  In another store the upload would
 * seem gone, and be forgotten.  *out_can: it is the right one and answers. */
static int
make_contact(struct weir_run *r, bool *out_can, struct weir_err *err)
{
    struct weir_err why = WEIR_ERR_INIT;
    unsigned caps = 0;
    char text[1024];
    if (weir_run_commit(r, err) != 0)
        return -1;
    *out_can = r->pool != NULL || weir_contact(&r->setup, &caps, &why) == 0;
    if (!*out_can && (why.code == WEIR_E_SAFETY || why.code == WEIR_E_CATALOG)) {
        *err = why;
        return -1;
    }
    if (!*out_can)
        weir_setup_log(&r->setup, WEIR_LOG_WARN,
                       "uploads that an earlier pass left are not aborted now: %s",
                       weir_err_text(&why, text, sizeof(text)));
    return 0;
}

static int
end_one(struct weir_run *r, const struct orphan *o, struct weir_err *err)
{
    struct weir_transport *t = r->setup.transport;
    struct weir_err why = WEIR_ERR_INIT;
    if ((o->id[0] == '\0' || t->ops->abort_upload(t, o->key, o->id, &why) == 0) &&
        weir_multipart_abort_leaked(t, o->key, &why) == 0) {
        if (weir_run_begin(r, err) != 0)
            return -1;
        return weir_catalog_upload_remove(r->setup.catalog, o->row, err);
    }
    char text[1024];
    weir_setup_log(&r->setup, WEIR_LOG_WARN,
                   "%.900s: an upload that an earlier pass left could not be aborted, the next "
                   "pass tries again: %s",
                   o->path, weir_err_text(&why, text, sizeof(text)));
    return 0;
}

int
weir_run_orphans_abort(struct weir_run *r, struct weir_err *err)
{
    struct orphan o = {.r = r};
    bool can = !r->kept_unknown, greeted = false;
    int rc = 0;
    while (rc == 0 && can && weir_cancel_get(r->o->cancel) == WEIR_CANCEL_NONE) {
        o.row = 0;
        rc = weir_catalog_upload_each(r->setup.catalog, pick, &o, err);
        if (rc == 0 && o.row == 0)
            break;
        if (rc == 0 && o.nomem)
            rc = weir_err_set(err, WEIR_E_NOMEM, "upload of an earlier pass");
        if (rc == 0 && !greeted)
            rc = make_contact(r, &can, err);
        greeted = true;
        if (rc == 0 && can && !may_come_back(r, o.path))
            rc = end_one(r, &o, err);
        o.after = o.row;
        free(o.path);
        free(o.key);
        o.path = o.key = NULL;
    }
    return rc;
}
