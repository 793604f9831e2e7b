#include "s3/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

struct walk {
    XML_Parser parser;
    weir_s3_xml_fn *fn;
    void *ctx;
    struct weir_err *err;
    bool failed, stopped, leaf;
    unsigned depth;
    size_t path_bytes;
    size_t text_bytes;
    char path[WEIR_S3_XML_DEPTH_MAX * (WEIR_S3_XML_NAME_MAX + 1) + 1];
    char text[WEIR_S3_XML_TEXT_MAX + 1];
};

static void
refuse(struct walk *w, const char *why)
{
    if (w->failed || w->stopped)
        return;
    w->failed = true;
    (void)weir_err_set(w->err, WEIR_E_PROTOCOL, "XML reply: %s", why);
    (void)XML_StopParser(w->parser, XML_FALSE);
}

static void XMLCALL
on_doctype(void *ctx, const XML_Char *name, const XML_Char *system, const XML_Char *public,
           int internal)
{
    (void)name, (void)system, (void)public, (void)internal;
    refuse(ctx, "it has a DOCTYPE");
}

static void XMLCALL
on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct walk *w = ctx;
    (void)attributes;
    if (w->failed || w->stopped)
        return;
    const char *colon = strrchr(name, ':');
    if (colon != NULL)
        name = colon + 1;
    size_t bytes = strlen(name);
    if (bytes > WEIR_S3_XML_NAME_MAX) {
        refuse(w, "an element's name is too long");
        return;
    }
    if (w->depth == WEIR_S3_XML_DEPTH_MAX) {
        refuse(w, "elements are nested too deeply");
        return;
    }
    if (w->depth++ > 0)
        w->path[w->path_bytes++] = '/';
    memcpy(w->path + w->path_bytes, name, bytes + 1);
    w->path_bytes += bytes;
    w->text_bytes = 0;
    w->leaf = true;
}

static void XMLCALL
on_text(void *ctx, const XML_Char *text, int bytes)
{
    struct walk *w = ctx;
    if (w->failed || w->stopped)
        return;
    if ((size_t)bytes > WEIR_S3_XML_TEXT_MAX - w->text_bytes) {
        refuse(w, "a text is too long");
        return;
    }
    memcpy(w->text + w->text_bytes, text, (size_t)bytes);
    w->text_bytes += (size_t)bytes;
}

static void XMLCALL
on_end(void *ctx, const XML_Char *name)
{
    struct walk *w = ctx;
    (void)name;
    if (w->failed || w->stopped)
        return;
    w->text[w->leaf ? w->text_bytes : 0] = '\0';
    int rc = w->fn(w->ctx, w->path, w->text, w->err);
    if (rc != 0) {
        w->failed = rc < 0;
        w->stopped = rc > 0;
        (void)XML_StopParser(w->parser, XML_FALSE);
        return;
    }
    while (w->path_bytes > 0 && w->path[w->path_bytes - 1] != '/')
        w->path_bytes--;
    if (w->path_bytes > 0)
        w->path_bytes--;
    w->path[w->path_bytes] = '\0';
    w->depth--;
    w->leaf = false;
    w->text_bytes = 0;
}

int
weir_s3_xml_parse(const char *data, size_t bytes, weir_s3_xml_fn *fn, void *ctx,
                  struct weir_err *err)
{
    struct walk w;
    if (bytes > INT_MAX)
        return weir_err_set(err, WEIR_E_PROTOCOL, "XML reply of %zu bytes", bytes);
    XML_Parser parser = XML_ParserCreate(NULL);
    if (parser == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "XML parser");
    w.parser = parser;
    w.fn = fn;
    w.ctx = ctx;
    w.err = err;
    w.failed = w.stopped = w.leaf = false;
    w.depth = 0;
    w.path_bytes = w.text_bytes = 0;
    XML_SetUserData(parser, &w);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    int rc = 0;
    if (XML_Parse(parser, data, (int)bytes, XML_TRUE) != XML_STATUS_OK && !w.stopped) {
        if (!w.failed)
            (void)weir_err_set(err, WEIR_E_PROTOCOL, "XML reply: %s in line %lu",
                               XML_ErrorString(XML_GetErrorCode(parser)),
                               (unsigned long)XML_GetCurrentLineNumber(parser));
        rc = -1;
    }
    XML_ParserFree(parser);
    return rc;
}
