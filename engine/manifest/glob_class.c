#include "manifest/glob_class.h"

#include <stddef.h>
#include <string.h>

static bool
in_range(unsigned char c, unsigned char lo, unsigned char hi)
{
    return c >= lo && c <= hi;
}

static bool
is_alpha(unsigned char c)
{
    return in_range(c, 'a', 'z') || in_range(c, 'A', 'Z');
}

static bool
is_alnum(unsigned char c)
{
    return is_alpha(c) || in_range(c, '0', '9');
}

static bool
is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

static bool
is_cntrl(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

static bool
is_digit(unsigned char c)
{
    return in_range(c, '0', '9');
}

static bool
is_graph(unsigned char c)
{
    return in_range(c, 0x21, 0x7e);
}

static bool
is_lower(unsigned char c)
{
    return in_range(c, 'a', 'z');
}

static bool
is_print(unsigned char c)
{
    return in_range(c, 0x20, 0x7e);
}

static bool
is_punct(unsigned char c)
{
    return is_graph(c) && !is_alnum(c);
}

static bool
is_space(unsigned char c) /* without \v and \f, as git has it */
{
    return is_blank(c) || c == '\n' || c == '\r';
}

static bool
is_upper(unsigned char c)
{
    return in_range(c, 'A', 'Z');
}

static bool
is_xdigit(unsigned char c)
{
    return is_digit(c) || in_range(c, 'a', 'f') || in_range(c, 'A', 'F');
}

static const struct {
    const char *name;
    bool (*has)(unsigned char c);
} classes[] = {
    {"alnum", is_alnum}, {"alpha", is_alpha}, {"blank", is_blank}, {"cntrl", is_cntrl},
    {"digit", is_digit}, {"graph", is_graph}, {"lower", is_lower}, {"print", is_print},
    {"punct", is_punct}, {"space", is_space}, {"upper", is_upper}, {"xdigit", is_xdigit},
};

/* Looks a [:name:] up; returns 1 when c is in it, 0 when not, -1 when there is no such class.
 */
static int
named_class(const char *name, size_t len, unsigned char c)
{
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (strlen(classes[i].name) == len && memcmp(classes[i].name, name, len) == 0)
            return classes[i].has(c) ? 1 : 0;
    return -1;
}

struct set {
    const char *p, *end;
    unsigned char c;
    int low; /* start of a possible range, or -1 */
    bool matched;
};

/* One literal byte, perhaps escaped.  -1 at the end of the pattern. */
static int
take_byte(struct set *s)
{
    if (s->p < s->end && *s->p == '\\')
        s->p++;
    return s->p < s->end ? (unsigned char)*s->p++ : -1;
}

/* At "[:".  Returns false when the class is malformed. */
static bool
take_named(struct set *s)
{
    const char *name = s->p + 2;
    const char *close = memchr(name, ']', (size_t)(s->end - name));
    if (close == NULL)
        return false;
    if (close == name || close[-1] != ':') { /* no ":]": a plain '[' */
        s->matched |= s->c == '[';
        s->low = '[';
        s->p++;
        return true;
    }
    int in = named_class(name, (size_t)(close - 1 - name), s->c);
    if (in < 0)
        return false;
    s->matched |= in == 1;
    s->low = -1;
    s->p = close + 1;
    return true;
}

/* Takes one member of the set: a byte, a range or a named class. */
static bool
take_member(struct set *s)
{
    bool range = *s->p == '-' && s->low >= 0 && s->p + 1 < s->end && s->p[1] != ']';
    if (range) {
        s->p++;
        int high = take_byte(s);
        if (high < 0)
            return false;
        s->matched |= s->c >= s->low && s->c <= high;
        s->low = -1;
        return true;
    }
    if (*s->p == '[' && s->p + 1 < s->end && s->p[1] == ':')
        return take_named(s);
    int byte = take_byte(s);
    if (byte < 0)
        return false;
    s->matched |= s->c == byte;
    s->low = byte;
    return true;
}

bool
weir_glob_class(const char *p, const char *end, unsigned char c, const char **out_next)
{
    struct set s = {.p = p + 1, .end = end, .c = c, .low = -1};
    bool negated = s.p < end && (*s.p == '!' || *s.p == '^');
    if (negated)
        s.p++;
    bool first = true; /* a ']' right at the start is a member */
    while (s.p < end && (first || *s.p != ']')) {
        first = false;
        if (!take_member(&s))
            return false;
    }
    if (s.p >= end)
        return false;
    *out_next = s.p + 1;
    return s.matched != negated;
}
