#include <string.h>

#include "ops.h"

/* COPY (the default) or REPLACE. */
static int
read_directive(struct fake_call *c, const char *header, bool *out_replace)
{
    const char *text = fake_http_header(&c->req, header);
    *out_replace = text && strcmp(text, "REPLACE") == 0;
    if (!text || *out_replace || strcmp(text, "COPY") == 0)
        return 0;
    return fake_reply_error(c, "InvalidArgument", "Unknown directive.");
}

/* Storage class, encryption and lock are never copied: the request alone says. */
static bool
of_request(const char *name)
{
    return strcmp(name, "x-amz-storage-class") == 0 ||
           strncmp(name, "x-amz-server-side-encryption", 28) == 0 ||
           strncmp(name, "x-amz-object-lock-", 18) == 0;
}

/* Fields of the request and of the source, each where its directive says. */
static void
mix_fields(const struct fake_fields *request, const struct fake_fields *source,
           bool replace_meta, bool replace_tags, struct fake_fields *out)
{
    for (int from_source = 0; from_source < 2; from_source++) {
        const struct fake_fields *f = from_source ? source : request;
        for (size_t i = 0; i < f->count; i++) {
            const char *name = f->field[i].name;
            bool replaced = of_request(name)                     ? true
                            : strcmp(name, "x-amz-tagging") == 0 ? replace_tags
                                                                 : replace_meta;
            if (replaced != (from_source != 0))
                fake_fields_add(out, name, f->field[i].value);
        }
    }
}

int
fake_ops_copy_fields(struct fake_call *c, const struct fake_object *source, bool onto_itself,
                     struct fake_fields *out)
{
    struct fake_fields request = {0};
    bool meta, tags;
    if (read_directive(c, "x-amz-metadata-directive", &meta) != 0 ||
        read_directive(c, "x-amz-tagging-directive", &tags) != 0)
        return -1;
    if (fake_http_header(&c->req, "x-amz-tagging") && !tags)
        return fake_reply_error(c, "InvalidArgument",
                                "x-amz-tagging needs x-amz-tagging-directive: REPLACE");
    if (!meta && onto_itself && !fake_http_header(&c->req, "x-amz-storage-class"))
        return fake_reply_error(c, "InvalidRequest",
                                "This copy request is illegal because it is trying to copy an "
                                "object to itself without changing the object's metadata");
    if (c->lenient & FAKE_LENIENT_COPY_METADATA)
        meta = false;
    int rc = fake_ops_collect_fields(c, &request);
    if (rc == 0)
        mix_fields(&request, &source->fields, meta, tags, out);
    fake_fields_free(&request);
    return rc;
}
