/* Conditions: nothing is overwritten that was not meant. */
#include "contract.h"

static int
put_with(struct contract *c, const char *key, const char *text, enum weir_condition condition,
         const char *etag, struct weir_stored *out)
{
    const struct weir_object object = {.key = key, .condition = condition, .etag = etag};
    return c->ops->put(c->t, &object, text, strlen(text), weir_crc64nvme(0, text, strlen(text)),
                       out, &c->err);
}

static void
put_if_absent(struct contract *c)
{
    struct weir_stored stored;
    const char *key = contract_key(c, "object");
    if (!contract_can(c, WEIR_CAP_IF_NONE_MATCH, "PUT If-None-Match: *"))
        return;
    contract_ok(c, put_with(c, key, "first", WEIR_COND_ABSENT, NULL, &stored), "first put");
    contract_refused(c, put_with(c, key, "second", WEIR_COND_ABSENT, NULL, &stored),
                     WEIR_E_EXISTS, "second put");
    contract_expect(c, key, "first", 5);
    contract_ok(c, c->ops->remove(c->t, key, &c->err), "remove");
    contract_ok(c, put_with(c, key, "third", WEIR_COND_ABSENT, NULL, &stored), "third put");
    contract_expect(c, key, "third", 5);
    key = contract_key(c, "dir/");
    contract_ok(c, put_with(c, key, "", WEIR_COND_ABSENT, NULL, &stored), "put dir/");
    contract_refused(c, put_with(c, key, "", WEIR_COND_ABSENT, NULL, &stored), WEIR_E_EXISTS,
                     "put dir/ again");
}

static void
condition_on_implied_directory(struct contract *c)
{
    struct weir_stored stored;
    if (!contract_can(c, WEIR_CAP_IF_NONE_MATCH, "PUT If-None-Match: *"))
        return;
    contract_put(c, contract_key(c, "implied/x"), "x", 1, NULL);
    contract_ok(c,
                put_with(c, contract_key(c, "implied/"), "", WEIR_COND_ABSENT, NULL, &stored),
                "put the object of a directory that has children");
}

static void
put_if_match(struct contract *c)
{
    struct weir_stored first, second, third;
    const char *key = contract_key(c, "object");
    if (!contract_can(c, WEIR_CAP_IF_MATCH, "PUT If-Match"))
        return;
    contract_ok(c, put_with(c, key, "first", WEIR_COND_NONE, NULL, &first), "put");
    contract_ok(c, put_with(c, key, "second", WEIR_COND_MATCH, first.etag, &second),
                "put with the right ETag");
    contract_expect(c, key, "second", 6);
    contract_refused(c, put_with(c, key, "third", WEIR_COND_MATCH, first.etag, &third),
                     WEIR_E_EXISTS, "put with an old ETag");
    contract_expect(c, key, "second", 6);
    contract_ok(c, c->ops->remove(c->t, key, &c->err), "remove");
    contract_refused(c, put_with(c, key, "fourth", WEIR_COND_MATCH, second.etag, &third),
                     WEIR_E_EXISTS, "put over an object that is gone");
}

static void
complete_if_absent(struct contract *c)
{
    char id[WEIR_UPLOAD_ID_BYTES];
    struct weir_part part;
    struct weir_stored stored;
    struct weir_object object = {.key = contract_key(c, "object")};
    uint64_t crc = weir_crc64nvme(0, "upload", 6);
    if (!contract_can(c, WEIR_CAP_IF_NONE_MATCH_COMPLETE, "Complete If-None-Match: *"))
        return;
    contract_ok(c, c->ops->create_upload(c->t, &object, id, &c->err), "create");
    contract_ok(c, c->ops->put_part(c->t, object.key, id, 1, "upload", 6, crc, &part, &c->err),
                "part");
    contract_put(c, object.key, "other", 5, NULL);
    object.condition = WEIR_COND_ABSENT;
    contract_refused(
        c, c->ops->complete_upload(c->t, &object, id, &part, 1, 6, crc, &stored, &c->err),
        WEIR_E_EXISTS, "complete over an object");
    contract_expect(c, object.key, "other", 5);
    contract_ok(c, c->ops->abort_upload(c->t, object.key, id, &c->err), "abort");
    object.key = contract_key(c, "fresh");
    contract_ok(c, c->ops->create_upload(c->t, &object, id, &c->err), "create");
    contract_ok(c, c->ops->put_part(c->t, object.key, id, 1, "upload", 6, crc, &part, &c->err),
                "part");
    contract_ok(c,
                c->ops->complete_upload(c->t, &object, id, &part, 1, 6, crc, &stored, &c->err),
                "complete where nothing is");
    contract_expect(c, object.key, "upload", 6);
}

const struct contract_case contract_conditions[] = {
    {"put-if-absent", put_if_absent},
    {"condition-on-implied-directory", condition_on_implied_directory},
    {"put-if-match", put_if_match},
    {"complete-if-absent", complete_if_absent},
    {NULL, NULL},
};
