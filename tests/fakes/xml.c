#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "xml.h"

#define DEPTH_MAX 16

void
fake_xml_escape(struct fake_buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '&')
            fake_buf_puts(out, "&amp;");
        else if (c == '<')
            fake_buf_puts(out, "&lt;");
        else if (c == '>')
            fake_buf_puts(out, "&gt;");
        else if (c == '"')
            fake_buf_puts(out, "&quot;");
        else if (c < 0x20 && c != '\n' &&
                 c != '\t') /* as S3 does, though XML 1.0 forbids most */
            fake_buf_printf(out, "&#x%x;", c);
        else
            fake_buf_add(out, text, 1);
    }
}

void
fake_xml_element(struct fake_buf *out, const char *name, const char *text)
{
    fake_buf_printf(out, "<%s>", name);
    fake_xml_escape(out, text);
    fake_buf_printf(out, "</%s>", name);
}

void
fake_xml_free(struct fake_xml *x)
{
    while (x) {
        struct fake_xml *next = x->next;
        fake_xml_free(x->child); /* as deep as DEPTH_MAX */
        free(x->name);
        free(x->text);
        free(x);
        x = next;
    }
}

const char *
fake_xml_child_text(const struct fake_xml *x, const char *name)
{
    for (const struct fake_xml *c = x->child; c; c = c->next)
        if (strcmp(c->name, name) == 0)
            return c->text;
    return NULL;
}

static void
skip_space(const char **p)
{
    *p += strspn(*p, " \t\r\n");
}

static void
add_code_point(struct fake_buf *out, unsigned long cp)
{
    char u[4];
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        u[i] = (char)(0x80 | (cp & 63));
    u[0] = (char)(lead[n] | cp);
    fake_buf_add(out, u, n);
}

static int
entity(const char **p, struct fake_buf *out)
{
    static const struct {
        const char *name;
        char byte;
    } known[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strncmp(*p, known[i].name, strlen(known[i].name)) == 0) {
            fake_buf_add(out, &known[i].byte, 1);
            *p += strlen(known[i].name);
            return 0;
        }
    if ((*p)[1] != '#')
        return -1;
    bool hex = (*p)[2] == 'x';
    const char *digits = *p + (hex ? 3 : 2);
    size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    if (n == 0 || n > 7 || digits[n] != ';')
        return -1;
    unsigned long cp = strtoul(digits, NULL, hex ? 16 : 10);
    if (cp == 0 || cp > 0x10ffff)
        return -1;
    add_code_point(out, cp);
    *p = digits + n + 1;
    return 0;
}

static int
text_run(const char **p, struct fake_buf *out)
{
    while (**p && **p != '<') {
        if (**p == '&') {
            if (entity(p, out) != 0)
                return -1;
        } else if (**p == '\r') { /* a literal CR, with or without LF, reads as LF */
            fake_buf_puts(out, "\n");
            *p += (*p)[1] == '\n' ? 2 : 1;
        } else {
            fake_buf_add(out, *p, 1);
            (*p)++;
        }
    }
    return 0;
}

static size_t
name_length(const char *p)
{
    return strcspn(p, " \t\r\n/><=&\"'!?");
}

/* Attributes are only namespaces here: checked for form and dropped. */
static int
attributes(const char **p)
{
    for (skip_space(p); **p && **p != '>' && **p != '/'; skip_space(p)) {
        size_t n = name_length(*p);
        if (n == 0 || (*p)[n] != '=' || ((*p)[n + 1] != '"' && (*p)[n + 1] != '\''))
            return -1;
        const char *value = *p + n + 2;
        const char *end = strchr(value, (*p)[n + 1]);
        if (!end || memchr(value, '<', (size_t)(end - value)))
            return -1;
        *p = end + 1;
    }
    return 0;
}

static struct fake_xml *element(const char **p, int depth);

/* What is between the tags, and the closing tag. */
static int
content(const char **p, struct fake_xml *x, struct fake_buf *text, int depth)
{
    struct fake_xml **last = &x->child;
    for (;;) {
        if (text_run(p, text) != 0 || **p != '<')
            return -1;
        if (strncmp(*p, "<!--", 4) == 0) {
            const char *end = strstr(*p + 4, "-->");
            if (!end)
                return -1;
            *p = end + 3;
            continue;
        }
        if ((*p)[1] != '/') {
            *last = element(p, depth + 1);
            if (!*last)
                return -1;
            last = &(*last)->next;
            continue;
        }
        size_t n = strlen(x->name);
        if (strncmp(*p + 2, x->name, n) != 0)
            return -1;
        *p += 2 + n;
        skip_space(p);
        return *(*p)++ == '>' ? 0 : -1;
    }
}

static struct fake_xml *
element(const char **p, int depth)
{
    size_t n = **p == '<' ? name_length(*p + 1) : 0;
    if (n == 0 || depth > DEPTH_MAX)
        return NULL;
    struct fake_xml *x = fake_alloc(sizeof(*x));
    struct fake_buf name = {0}, text = {0};
    fake_buf_add(&name, *p + 1, n);
    x->name = fake_buf_take(&name);
    *p += 1 + n;
    int rc = attributes(p);
    if (rc == 0 && (*p)[0] == '/' && (*p)[1] == '>') {
        *p += 2;
    } else if (rc == 0 && **p == '>') {
        (*p)++;
        rc = content(p, x, &text, depth);
    } else {
        rc = -1;
    }
    x->text = fake_buf_take(&text);
    if (rc == 0)
        return x;
    fake_xml_free(x);
    return NULL;
}

struct fake_xml *
fake_xml_parse(const char *text)
{
    const char *p = text;
    if (!fake_text_utf8_ok(text))
        return NULL;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 && !strchr("\t\r\n", *c))
            return NULL;
    if (strncmp(p, "<?xml", 5) == 0) {
        p = strstr(p, "?>");
        if (!p)
            return NULL;
        p += 2;
    }
    skip_space(&p);
    struct fake_xml *x = element(&p, 1);
    if (x)
        skip_space(&p);
    if (x && *p) {
        fake_xml_free(x);
        x = NULL;
    }
    return x;
}
