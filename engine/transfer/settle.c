#include "transfer/settle.h"

#include <string.h>

#include "transfer/foreign.h"

bool
weir_settle_same_meta(const struct weir_head *head, const struct weir_meta *meta)
{
    for (size_t i = 0; i < meta->count; i++) {
        if (strcmp(meta->kv[i].name, WEIR_META_ATIME) == 0)
            continue;
        const char *there = weir_meta_find(head, meta->kv[i].name);
        if (there == NULL || strcmp(there, meta->kv[i].value) != 0)
            return false;
    }
    return true;
}

/* Where metadata may differ: is it the same content by our own digest? */
static bool
same_xxh128(const struct weir_head *head, const struct weir_meta *meta)
{
    const char *there = weir_meta_find(head, WEIR_META_XXH128);
    for (size_t i = 0; i < meta->count; i++)
        if (strcmp(meta->kv[i].name, WEIR_META_XXH128) == 0)
            return there != NULL && strcmp(there, meta->kv[i].value) == 0;
    return false;
}

bool
weir_settle_is_ours(const struct weir_sender *s, const struct weir_head *head,
                    const char *known_etag)
{
    if (known_etag != NULL && known_etag[0] != '\0')
        return strcmp(known_etag, head->stored.etag) == 0;
    return weir_meta_is_ours(head, s->job_id);
}

enum weir_settle
weir_settle_judge(const struct weir_sender *s, const struct weir_head *head,
                  const struct weir_content *mine, bool *out_proven)
{
    *out_proven = false;
    if (head == NULL)
        return WEIR_SETTLE_ABSENT;
    bool ours = weir_settle_is_ours(s, head, mine->known_etag);
    /* A lost reply of this very PUT: not the ETag that we know, but our name, bytes and
     * metadata. */
    bool named = ours || weir_meta_is_ours(head, s->job_id);
    bool digest = head->stored.has_crc64nvme && (s->caps & WEIR_CAP_STORED_CHECKSUM) != 0;
    bool same_bytes = head->stored.bytes == mine->bytes &&
                      (!digest || head->stored.crc64nvme == mine->crc64nvme);
    if (named && same_bytes &&
        (weir_settle_same_meta(head, mine->meta) ||
         (s->metadata_changes == WEIR_METADATA_CHANGES_CATALOG &&
          (digest || same_xxh128(head, mine->meta))))) {
        *out_proven = digest;
        return WEIR_SETTLE_SAME;
    }
    if (ours || (mine->marker && head->stored.bytes == 0))
        return WEIR_SETTLE_REPLACE;
    if (s->existing == WEIR_EXISTING_ADOPT && same_bytes && digest) {
        *out_proven = true;
        return WEIR_SETTLE_SAME;
    }
    return s->existing == WEIR_EXISTING_REPLACE ? WEIR_SETTLE_REPLACE : WEIR_SETTLE_FOREIGN;
}

int
weir_settle_head(struct weir_worker *w, const char *key, bool *out_found, struct weir_err *err)
{
    struct weir_err head_err = WEIR_ERR_INIT;
    if (w->transport->ops->head(w->transport, key, &w->head, &head_err) == 0) {
        *out_found = true;
        return 0;
    }
    if (head_err.code != WEIR_E_NOT_FOUND || head_err.scope == WEIR_SCOPE_RUN) {
        *err = head_err;
        return -1;
    }
    *out_found = false;
    return 0;
}

int
weir_settle_foreign(const struct weir_worker *w, const char *key, struct weir_err *err)
{
    bool adopt = w->sender->existing == WEIR_EXISTING_ADOPT;
    return weir_err_set(
        err, WEIR_E_EXISTS,
        adopt ? "an object that this job did not write is at the key %s, and it "
                "cannot be shown to hold the same bytes, so it was not adopted; "
                "remove it, or set destination.existing: replace"
              : "an object that this job did not write is at the key %s; remove it, "
                "or set destination.existing to adopt (same bytes) or replace",
        key);
}

int
weir_settle_adopt(struct weir_worker *w, const char *key,
                  const struct weir_foreign_source *bytes, enum weir_settle *out,
                  struct weir_err *err)
{
    enum weir_foreign same = WEIR_FOREIGN_UNKNOWN;
    const char *how = "";
    if (weir_foreign_compare(w, key, &w->head, bytes, &same, &how, err) != 0)
        return weir_err_add(err, "compare with the object at %s", key);
    *out = same == WEIR_FOREIGN_SAME ? WEIR_SETTLE_SAME : WEIR_SETTLE_FOREIGN;
    return 0;
}

int
weir_settle_not_there(const char *key, struct weir_err *err)
{
    return weir_err_set(err, WEIR_E_NOT_FOUND,
                        "the store has no object at %s with the content of the file; the next "
                        "sync sends it",
                        key);
}

int
weir_settle_ask(struct weir_worker *w, const char *key, const struct weir_content *mine,
                enum weir_settle *out, bool *out_proven, struct weir_err *err)
{
    bool found = false;
    if (weir_settle_head(w, key, &found, err) != 0)
        return -1;
    *out = weir_settle_judge(w->sender, found ? &w->head : NULL, mine, out_proven);
    if (*out != WEIR_SETTLE_FOREIGN)
        return 0;
    if (w->sender->existing == WEIR_EXISTING_ADOPT && mine->data != NULL) {
        struct weir_foreign_source bytes = {.data = mine->data, .bytes = mine->bytes};
        if (weir_settle_adopt(w, key, &bytes, out, err) != 0)
            return -1;
        *out_proven = *out == WEIR_SETTLE_SAME;
    }
    return *out == WEIR_SETTLE_SAME ? 0 : weir_settle_foreign(w, key, err);
}
