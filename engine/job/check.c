/* check -- looks at everything a job needs and changes nothing that stays. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include <weir/rng.h>

#include "catalog/state_dir.h"
#include "job/setup.h"

static const struct {
    unsigned bit;
    const char *name, *yes, *no;
} caps_table[] = {
    {WEIR_CAP_PUT_CHECKSUM, "put_checksum", "a wrong CRC64NVME on PUT is refused",
     "a wrong CRC64NVME on PUT is accepted: small objects are `uploaded`, not `verified`"},
    {WEIR_CAP_PART_CHECKSUM, "part_checksum", "a wrong CRC64NVME on a part is refused",
     "a wrong CRC64NVME on a part is accepted: large objects are `uploaded`, not `verified`"},
    {WEIR_CAP_COMPLETE_CHECKSUM, "complete_checksum",
     "Complete with a wrong CRC64NVME of the whole object is refused",
     "Complete does not check the CRC64NVME of the whole object"},
    {WEIR_CAP_STORED_CHECKSUM, "stored_checksum", "HEAD gives the CRC64NVME of an object",
     "HEAD gives no CRC64NVME: existing objects cannot be proven without reading them"},
    {WEIR_CAP_STORED_CHECKSUM_MPU, "stored_checksum_multipart",
     "HEAD gives the CRC64NVME of a multipart object",
     "HEAD gives no whole CRC64NVME of a multipart object"},
    {WEIR_CAP_IF_NONE_MATCH, "if_none_match", "PUT If-None-Match is honoured",
     "PUT If-None-Match is ignored: weir asks with HEAD before it sends a new key"},
    {WEIR_CAP_IF_NONE_MATCH_COMPLETE, "if_none_match_complete",
     "Complete If-None-Match is honoured", "Complete If-None-Match is ignored"},
    {WEIR_CAP_IF_MATCH, "if_match", "PUT If-Match is honoured",
     "PUT If-Match is ignored: a replaced object is not protected against other writers"},
    {WEIR_CAP_COPY, "copy", "the store copies objects: renames and new metadata send no bytes",
     "the store does not copy objects: renamed files are sent again"},
    {WEIR_CAP_COPY_PART, "copy_part",
     "the store copies ranges: of a changed large file only the changed parts are sent",
     "the store does not copy ranges: a changed large file is sent whole"},
    {WEIR_CAP_COPY_IF_NONE_MATCH, "copy_if_none_match", "If-None-Match of a copy is honoured",
     "If-None-Match of a copy is ignored: weir asks with HEAD before it copies to a new key"},
};

static json_t *
caps_json(unsigned caps)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof(caps_table) / sizeof(caps_table[0]); i++) {
        bool has = (caps & caps_table[i].bit) != 0;
        (void)json_array_append_new(
            list, json_pack("{s:s, s:b, s:s}", "name", caps_table[i].name, "supported",
                            (int)has, "meaning", has ? caps_table[i].yes : caps_table[i].no));
    }
    return list;
}

static int
check_store(struct weir_setup *s, json_t *out, struct weir_err *err)
{
    struct weir_rng rng = {s->options->seed};
    unsigned caps = 0;
    if (weir_setup_store(s, err) != 0)
        return -1;
    const char *name = s->transport->ops->describe(s->transport);
    (void)json_object_set_new(out, "destination", json_string(name));
    if (s->transport->ops->probe(s->transport, weir_rng_next(&rng), &caps, err) != 0)
        return weir_err_add(err, "destination %s", name);
    (void)json_object_set_new(out, "capabilities", caps_json(caps));
    return 0;
}

static int
may_write(const char *dir, const char *what, struct weir_err *err)
{
    if (access(dir, W_OK | X_OK) == 0)
        return 0;
    return weir_err_sys(err, WEIR_E_IO, errno, "%s %s", what, dir);
}

/* What seed opens besides source and store. */
static int
check_files(const struct weir_manifest *m, struct weir_err *err)
{
    if (m->source.files_from != NULL && access(m->source.files_from, R_OK) != 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "source.files_from %s",
                            m->source.files_from);
    return m->report.directory == NULL
               ? 0
               : may_write(m->report.directory, "report.directory", err);
}

/* The state directory need not be there yet; what is there must be of this job, and the root
 * the one that it knows. */
static int
check_state(struct weir_setup *s, json_t *out, struct weir_err *err)
{
    struct weir_state_dir dir = WEIR_STATE_DIR_INIT;
    struct weir_err why = WEIR_ERR_INIT;
    const char *path = s->options->state_dir;
    if (weir_state_dir_peek(path, &dir, &why) == 0) {
        (void)json_object_set_new(out, "running", json_boolean(weir_state_dir_is_locked(&dir)));
        weir_state_dir_close(&dir);
        if (may_write(path, "state directory", err) != 0)
            return -1;
    } else if (why.code != WEIR_E_NOT_FOUND) {
        *err = why;
        return -1;
    }
    weir_err_clear(&why);
    if (weir_setup_catalog(s, WEIR_CATALOG_READ, &why) == 0)
        return weir_setup_same_root(s, err);
    if (why.code == WEIR_E_NOT_FOUND)
        return 0; /* the first pass makes it */
    *err = why;
    return -1;
}

int
weir_check(const struct weir_options *o, char **out_json, struct weir_err *err)
{
    struct weir_setup s;
    json_t *out = json_object();
    *out_json = NULL;
    if (out == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "check");
    (void)json_object_set_new(out, "job", json_string(o->manifest->name));
    (void)json_object_set_new(out, "state_dir", json_string(o->state_dir));
    weir_setup_init(&s, o);
    int rc = weir_setup_root(&s, err);
    if (rc == 0) {
        (void)json_object_set_new(out, "source", json_string(o->manifest->source.root));
        rc = check_files(o->manifest, err) == 0 && check_state(&s, out, err) == 0
                 ? check_store(&s, out, err)
                 : -1;
    }
    weir_setup_close(&s);
    (void)json_object_set_new(out, "ok", json_boolean(rc == 0));
    if (rc != 0) {
        char text[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
        (void)json_object_set_new(out, "error",
                                  json_string(weir_err_text(err, text, sizeof(text))));
    }
    *out_json = json_dumps(out, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(out);
    return rc;
}
