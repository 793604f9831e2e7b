#include "manifest/node.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"

struct builder {
    struct weir_diag *diag;
    struct weir_node *root;
    struct weir_node *open[WEIR_NODE_DEPTH_MAX]; /* collections around the next node */
    struct weir_node *last[WEIR_NODE_DEPTH_MAX]; /* their youngest child */
    size_t depth, count, documents;
    size_t seen_index, seen_offset; /* a character that an event started at, and its byte */
};

enum step { GO_ON, STOP, FAILED };

void
weir_node_free(struct weir_node *n)
{
    while (n != NULL) {
        struct weir_node *next = n->next;
        weir_node_free(n->first); /* no deeper than WEIR_NODE_DEPTH_MAX */
        free(n->text);
        free(n);
        n = next;
    }
}

const struct weir_node *
weir_node_key(const struct weir_node *map, const char *key)
{
    if (map == NULL || map->kind != WEIR_NODE_MAP)
        return NULL;
    for (const struct weir_node *k = map->first; k != NULL; k = k->next->next)
        if (k->kind == WEIR_NODE_SCALAR && k->bytes == strlen(key) && /* "url\0" is not url */
            memcmp(k->text, key, k->bytes) == 0)
            return k;
    return NULL;
}

const struct weir_node *
weir_node_get(const struct weir_node *map, const char *key)
{
    const struct weir_node *k = weir_node_key(map, key);
    return k != NULL ? k->next : NULL;
}

bool
weir_node_is_null(const struct weir_node *n)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (n->kind != WEIR_NODE_SCALAR || !n->plain)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strcmp(n->text, words[i]) == 0)
            return true;
    return false;
}

/* Only LF, CR, tab and printable characters.  NEL, LS and PS are line ends for YAML 1.1 and
 * for nobody else: lines would be counted differently from what an editor shows. */
static bool
text_is_clean(struct weir_diag *d)
{
    size_t step;
    for (size_t i = 0; i < d->bytes; i += step) {
        uint32_t c = 0;
        step = weir_utf8_next(d->text + i, d->bytes - i, &c);
        if (step > 0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe &&
            c != 0xffff && (!weir_utf8_is_control(c) || c == '\n' || c == '\r' || c == '\t'))
            continue;
        size_t line, column;
        weir_diag_where(d, i, &line, &column);
        if (step == 0)
            weir_diag_add(d, line, column, 1, "byte 0x%02x is not valid UTF-8",
                          (unsigned)(unsigned char)d->text[i]);
        else
            weir_diag_add(d, line, column, 1, "U+%04X is not allowed in a manifest%s", c,
                          c == 0 ? " (is it UTF-16?)" : "");
        return false;
    }
    return true;
}

static void
place(struct weir_node *n, const yaml_event_t *e)
{
    n->line = e->start_mark.line + 1;
    n->column = e->start_mark.column + 1;
    n->width = 1;
    if (n->kind == WEIR_NODE_SCALAR && e->end_mark.line == e->start_mark.line &&
        e->end_mark.column > e->start_mark.column)
        n->width = e->end_mark.column - e->start_mark.column;
}

/* The byte at a mark.  Marks count characters and come in order, so going on from the last one
 * keeps long lines cheap. */
static char
byte_at(struct builder *b, const yaml_mark_t *mark)
{
    const struct weir_diag *d = b->diag;
    if (mark->index < b->seen_index)
        b->seen_index = b->seen_offset = 0;
    for (; b->seen_index < mark->index && b->seen_offset < d->bytes; b->seen_index++)
        b->seen_offset += weir_utf8_next(d->text + b->seen_offset, d->bytes - b->seen_offset,
                                         NULL); /* never 0: text_is_clean() was there */
    return b->seen_offset < d->bytes ? d->text[b->seen_offset] : '\0';
}

/* Returns whether there was a tag.  A bare "!" leaves no trace in the event of a plain scalar,
 * but in the text it does. */
static bool
refuse_properties(struct builder *b, const yaml_event_t *e, const yaml_char_t *anchor,
                  const yaml_char_t *tag)
{
    size_t line = e->start_mark.line + 1, column = e->start_mark.column + 1;
    if (anchor != NULL)
        weir_diag_add(b->diag, line, column, 1,
                      "anchors are not allowed; text that starts with & needs quotes");
    bool tagged = tag != NULL || byte_at(b, &e->start_mark) == '!';
    if (tagged)
        weir_diag_add(b->diag, line, column, 1,
                      "tags are not allowed; text that starts with ! needs quotes");
    return tagged;
}

static struct weir_node *
append(struct builder *b, enum weir_node_kind kind, const yaml_event_t *e)
{
    struct weir_node *n = calloc(1, sizeof(*n));
    if (n == NULL)
        return NULL;
    n->kind = kind;
    place(n, e);
    b->count++;
    if (b->depth == 0) {
        b->root = n;
        return n;
    }
    size_t top = b->depth - 1;
    if (b->last[top] == NULL)
        b->open[top]->first = n;
    else
        b->last[top]->next = n;
    b->last[top] = n;
    return n;
}

static enum step
add_scalar(struct builder *b, const yaml_event_t *e)
{
    bool tagged = refuse_properties(b, e, e->data.scalar.anchor, e->data.scalar.tag);
    bool all_tag = tagged && e->data.scalar.length == 0; /* `- !*.tmp` was meant as text */
    struct weir_node *n = append(b, all_tag ? WEIR_NODE_BROKEN : WEIR_NODE_SCALAR, e);
    if (n == NULL)
        return FAILED;
    n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->bytes = e->data.scalar.length;
    n->text = malloc(n->bytes + 1);
    if (n->text == NULL)
        return FAILED;
    memcpy(n->text, e->data.scalar.value, n->bytes);
    n->text[n->bytes] = '\0';
    return GO_ON;
}

static enum step
add_collection(struct builder *b, enum weir_node_kind kind, const yaml_event_t *e,
               const yaml_char_t *anchor, const yaml_char_t *tag)
{
    (void)refuse_properties(b, e, anchor, tag);
    if (b->depth == WEIR_NODE_DEPTH_MAX) {
        weir_diag_add(b->diag, e->start_mark.line + 1, e->start_mark.column + 1, 1,
                      "more than %d levels of nesting", WEIR_NODE_DEPTH_MAX);
        return STOP;
    }
    struct weir_node *n = append(b, kind, e);
    if (n == NULL)
        return FAILED;
    b->open[b->depth] = n;
    b->last[b->depth] = NULL;
    b->depth++;
    return GO_ON;
}

static enum step
start_document(struct builder *b, const yaml_event_t *e)
{
    size_t line = e->start_mark.line + 1, column = e->start_mark.column + 1;
    if (b->documents++ > 0) {
        weir_diag_add(b->diag, line, column, 1,
                      "a second document: a manifest describes one job");
        return STOP;
    }
    if (e->data.document_start.version_directive != NULL ||
        e->data.document_start.tag_directives.start !=
            e->data.document_start.tag_directives.end)
        weir_diag_add(b->diag, line, column, 1, "directives (%%YAML, %%TAG) are not allowed");
    return GO_ON;
}

static enum step
take_event(struct builder *b, const yaml_event_t *e)
{
    if (b->count == WEIR_NODE_COUNT_MAX) {
        weir_diag_add(b->diag, e->start_mark.line + 1, e->start_mark.column + 1, 1,
                      "more than %d keys and values", WEIR_NODE_COUNT_MAX);
        return STOP;
    }
    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return start_document(b, e);
    case YAML_ALIAS_EVENT:
        weir_diag_add(b->diag, e->start_mark.line + 1, e->start_mark.column + 1,
                      e->end_mark.column - e->start_mark.column,
                      "aliases are not allowed; text that starts with * needs quotes");
        return append(b, WEIR_NODE_BROKEN, e) == NULL ? FAILED : GO_ON;
    case YAML_SCALAR_EVENT:
        return add_scalar(b, e);
    case YAML_SEQUENCE_START_EVENT:
        return add_collection(b, WEIR_NODE_LIST, e, e->data.sequence_start.anchor,
                              e->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return add_collection(b, WEIR_NODE_MAP, e, e->data.mapping_start.anchor,
                              e->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return GO_ON;
    case YAML_STREAM_END_EVENT:
        return STOP;
    default:
        return GO_ON;
    }
}

/* Blanks and a tab: the commonest mistake of all, which libyaml tells in other words. */
static bool
starts_with_tab(const struct weir_diag *d, size_t line)
{
    if (line >= d->line_count)
        return false;
    size_t at = d->line_at[line];
    while (at < d->bytes && d->text[at] == ' ')
        at++;
    return at < d->bytes && d->text[at] == '\t';
}

static void
tell_syntax_error(struct weir_diag *d, const yaml_parser_t *p)
{
    size_t line = p->problem_mark.line + 1, column = p->problem_mark.column + 1;
    const char *problem = p->problem != NULL ? p->problem : "cannot be read";
    if (p->context != NULL && strstr(p->context, "alias") != NULL) /* [*.tmp], so common */
        weir_diag_add(d, p->context_mark.line + 1, p->context_mark.column + 1, 1,
                      "not valid YAML: text that starts with * needs quotes");
    else if (starts_with_tab(d, p->problem_mark.line))
        weir_diag_add(d, line, column, 1,
                      "not valid YAML: a tab at the start of the line; YAML is indented with "
                      "spaces only");
    else if (p->context != NULL && p->context_mark.line != p->problem_mark.line)
        weir_diag_add(d, line, column, 1, "not valid YAML: %s (%s that starts on line %zu)",
                      problem, p->context, p->context_mark.line + 1);
    else
        weir_diag_add(d, line, column, 1, "not valid YAML: %s", problem);
}

/* Returns whether the tree is complete. */
static enum step
read_events(struct builder *b, yaml_parser_t *p, bool *out_complete)
{
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(p, &e)) {
            if (p->error == YAML_MEMORY_ERROR)
                return FAILED;
            tell_syntax_error(b->diag, p);
            return STOP;
        }
        enum step s = take_event(b, &e);
        bool last = e.type == YAML_STREAM_END_EVENT || b->documents > 1;
        yaml_event_delete(&e);
        if (s != GO_ON) {
            *out_complete = last;
            return s;
        }
    }
}

int
weir_node_read(struct weir_diag *d, struct weir_node **out, struct weir_err *err)
{
    struct builder b = {.diag = d};
    yaml_parser_t parser;
    bool complete = false;
    *out = NULL;
    if (!text_is_clean(d))
        return 0;
    if (!yaml_parser_initialize(&parser))
        return weir_err_set(err, WEIR_E_NOMEM, "%s: YAML parser", d->file);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)d->text, d->bytes);
    enum step s = read_events(&b, &parser, &complete);
    yaml_parser_delete(&parser);
    if (complete && s != FAILED) {
        *out = b.root;
        return 0;
    }
    weir_node_free(b.root);
    return s == FAILED ? weir_err_set(err, WEIR_E_NOMEM, "%s: YAML tree", d->file) : 0;
}
