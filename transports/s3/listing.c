/* listing -- ListParts, ListMultipartUploads, ListObjectsV2, all pages of each.
 *
 * The body of a page leaves the session before its entries are handed out, so that a callback
 * may use the same handle.  A page that says there is more must say where, and elsewhere than
 * the page before. */
#include <stdlib.h>
#include <string.h>

#include "s3/handle.h"
#include "s3/judge.h"
#include "s3/operation.h"
#include "s3/page.h"
#include "s3/reply.h"
#include "s3/xml.h"

struct listing { /* on the heap: tokens are long */
    struct weir_s3_page page;
    struct weir_s3_page before;
    struct weir_s3_text prefix;
    struct weir_s3_text body;
    struct weir_s3_scope scope;
};

static struct listing *
listing_create(const struct weir_s3 *s, const char *key_prefix, struct weir_err *err)
{
    struct listing *l = calloc(1, sizeof(*l));
    if (l != NULL) {
        weir_s3_text_add(&l->prefix, s->shared->prefix);
        weir_s3_text_add(&l->prefix, key_prefix);
        l->scope.prefix = weir_s3_text_get(&l->prefix);
        l->scope.strip_bytes = strlen(s->shared->prefix);
    }
    if (l == NULL || l->prefix.failed) {
        if (l != NULL)
            weir_s3_text_free(&l->prefix);
        free(l);
        weir_err_set(err, WEIR_E_NOMEM, "listing");
        return NULL;
    }
    return l;
}

static void
listing_free(struct listing *l)
{
    weir_s3_text_free(&l->prefix);
    weir_s3_text_free(&l->body);
    free(l);
}

/* Sends the request of one page and takes its body. */
static int
fetch(struct weir_s3 *s, struct listing *l, struct weir_err *err)
{
    if (weir_s3_request_send(s, err) != 0)
        return -1;
    struct weir_s3_text taken = s->session.response.body;
    s->session.response.body = l->body;
    l->body = taken;
    return 0;
}

/* 1: there is another page; 0: that was the last; -1: no way on. */
static int
next_page(struct weir_s3 *s, struct listing *l, struct weir_err *err)
{
    if (l->page.stopped || !l->page.truncated)
        return 0;
    if (l->page.token[0] == '\0' && l->page.upload_marker[0] == '\0')
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL,
                                  "the listing is truncated and does not say where", err);
    if (strcmp(l->page.token, l->before.token) == 0 &&
        strcmp(l->page.upload_marker, l->before.upload_marker) == 0)
        return weir_s3_judge_fail(s, WEIR_E_PROTOCOL, "the listing goes on where it was before",
                                  err);
    l->before = l->page;
    return 1;
}

int
weir_s3_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                   weir_part_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    if (weir_s3_operation_check_key(s, key, err) != 0)
        return -1;
    struct listing *l = listing_create(s, "", err);
    if (l == NULL)
        return -1;
    int rc = 1;
    while (rc == 1) {
        weir_s3_request_begin(s, WEIR_S3_GET, "ListParts", key);
        weir_s3_request_query(s, "max-parts", "1000");
        weir_s3_request_query(s, "uploadId", upload_id);
        if (l->before.token[0] != '\0')
            weir_s3_request_query(s, "part-number-marker", l->before.token);
        rc = fetch(s, l, err);
        if (rc != 0 && err != NULL && err->code == WEIR_E_NOT_FOUND &&
            err->scope == WEIR_SCOPE_OBJECT)
            err->code = WEIR_E_NO_UPLOAD; /* Ceph says NoSuchKey */
        if (rc == 0 && weir_s3_page_parts(weir_s3_text_get(&l->body), l->body.used, fn, ctx,
                                          &l->page, err) != 0)
            rc = weir_s3_judge_frame(s, err);
        if (rc == 0)
            rc = next_page(s, l, err);
    }
    listing_free(l);
    return rc;
}

static int
no_element(void *ctx, const char *path, const char *text, struct weir_err *err)
{
    (void)ctx, (void)path, (void)text, (void)err;
    return 0;
}

/* Fetches a page of uploads.  Stores disagree about encoding-type here: Ceph encodes without
 * saying so, SeaweedFS says so without encoding.  Unencoded keys are unambiguous, and are asked
 * for as long as XML can carry them: a foreign key with control bytes makes the page malformed.
 */
static int
fetch_uploads(struct weir_s3 *s, struct listing *l, struct weir_err *err)
{
    for (bool encoded = false;; encoded = true) {
        weir_s3_request_begin(s, WEIR_S3_GET, "ListMultipartUploads", NULL);
        weir_s3_request_query(s, "uploads", "");
        weir_s3_request_query(s, "max-uploads", "1000");
        weir_s3_request_query(s, "prefix", l->scope.prefix);
        if (encoded)
            weir_s3_request_query(s, "encoding-type", "url");
        if (l->before.token[0] != '\0')
            weir_s3_request_query(s, "key-marker", l->before.token);
        if (l->before.upload_marker[0] != '\0')
            weir_s3_request_query(s, "upload-id-marker", l->before.upload_marker);
        if (fetch(s, l, err) != 0)
            return -1;
        if (encoded || weir_s3_xml_parse(weir_s3_text_get(&l->body), l->body.used, no_element,
                                         NULL, NULL) == 0)
            return 0;
    }
}

int
weir_s3_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                     void *ctx, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct listing *l = listing_create(s, key_prefix, err);
    if (l == NULL)
        return -1;
    int rc = 1;
    while (rc == 1) {
        rc = fetch_uploads(s, l, err);
        if (rc == 0 && weir_s3_page_uploads(weir_s3_text_get(&l->body), l->body.used, &l->scope,
                                            fn, ctx, &l->page, err) != 0)
            rc = weir_s3_judge_frame(s, err);
        if (rc == 0)
            rc = next_page(s, l, err);
    }
    listing_free(l);
    return rc;
}

int
weir_s3_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
             weir_list_fn *fn, void *ctx, struct weir_err *err)
{
    struct weir_s3 *s = weir_s3_of(t);
    struct listing *l = listing_create(s, key_prefix, err);
    struct weir_s3_text after = {0};
    if (l == NULL)
        return -1;
    weir_s3_text_add(&after, s->shared->prefix);
    weir_s3_text_add(&after, start_after == NULL ? "" : start_after);
    int rc = after.failed ? weir_err_set(err, WEIR_E_NOMEM, "listing") : 1;
    while (rc == 1) {
        weir_s3_request_begin(s, WEIR_S3_GET, "ListObjectsV2", NULL);
        weir_s3_request_query(s, "list-type", "2");
        weir_s3_request_query(s, "encoding-type", "url");
        weir_s3_request_query(s, "max-keys", "1000");
        weir_s3_request_query(s, "prefix", l->scope.prefix);
        if (l->before.token[0] != '\0')
            weir_s3_request_query(s, "continuation-token", l->before.token);
        else if (start_after != NULL)
            weir_s3_request_query(s, "start-after", weir_s3_text_get(&after));
        rc = fetch(s, l, err);
        if (rc == 0 && weir_s3_page_objects(weir_s3_text_get(&l->body), l->body.used, &l->scope,
                                            fn, ctx, &l->page, err) != 0)
            rc = weir_s3_judge_frame(s, err);
        if (rc == 0)
            rc = next_page(s, l, err);
    }
    weir_s3_text_free(&after);
    listing_free(l);
    return rc;
}
