#include "manifest/glob.h"

#include <string.h>

#include "manifest/glob_class.h"

static bool
is_special(char c)
{
    return c == '*' || c == '?' || c == '[' || c == '\\';
}

static size_t
literal_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && !is_special(text[n]))
        n++;
    return n;
}

void
weir_glob_parse(const char *pattern, size_t pattern_len, struct weir_glob *out)
{
    *out = (struct weir_glob){.text = pattern, .len = pattern_len};
    if (out->len > 0 && out->text[out->len - 1] == '/') {
        out->dir_only = true;
        out->len--;
    }
    out->anchored = memchr(out->text, '/', out->len) != NULL;
    if (out->len > 0 && out->text[0] == '/') {
        out->text++;
        out->len--;
    }
    out->literal_len = literal_length(out->text, out->len);
    out->suffix = !out->anchored && out->len > 0 && out->text[0] == '*' &&
                  literal_length(out->text + 1, out->len - 1) == out->len - 1;
}

/* What is still to be matched, and where to go on when it does not.  Only the last star and the
 * last double star need to be remembered: whatever an earlier one could swallow more, the later
 * one can swallow as well. */
struct matcher {
    const char *p, *p_end; /* pattern */
    const char *t, *t_end; /* text */
    const char *p_begin;
    const char *star_p, *star_t; /* after the last '*'; text it has not swallowed yet */
    const char *deep_p, *deep_t; /* the same for "**" */
    bool deep_dirs;              /* "**" + '/': swallows whole directories */
};

/* "**" crosses directories only between slashes or at an end; git also takes it so right after
 * the literal beginning of a pattern ("abc**" + "/d"), and git is what users compare with. */
static bool
crosses_directories(const struct matcher *m, const char *after)
{
    if (after - m->p < 2 || (m->p != m->p_begin && m->p[-1] != '/'))
        return false;
    return after == m->p_end || *after == '/' ||
           (*after == '\\' && after + 1 < m->p_end && after[1] == '/');
}

/* At a run of stars.  Returns true when nothing after it can prevent a match. */
static bool
enter_stars(struct matcher *m)
{
    const char *after = m->p;
    while (after < m->p_end && *after == '*')
        after++;
    if (!crosses_directories(m, after)) {
        m->star_p = m->p = after;
        m->star_t = m->t;
        return false;
    }
    if (after == m->p_end)
        return true;
    m->deep_dirs = *after == '/';
    m->deep_p = m->p = m->deep_dirs ? after + 1 : after; /* first try: no directory at all */
    m->deep_t = m->t;
    m->star_p = NULL;
    return false;
}

/* Matches one element of the pattern that is not a star. */
static bool
match_one(struct matcher *m)
{
    if (m->t == m->t_end)
        return false;
    char c = *m->t;
    const char *next = m->p + 1;
    switch (*m->p) {
    case '?':
        if (c == '/')
            return false;
        break;
    case '[':
        if (c == '/' || !weir_glob_class(m->p, m->p_end, (unsigned char)c, &next))
            return false;
        break;
    case '\\':
        if (next == m->p_end || *next != c)
            return false;
        next++;
        break;
    default:
        if (*m->p != c)
            return false;
    }
    m->p = next;
    m->t++;
    return true;
}

/* Goes back to the last star that can swallow more; false when there is none. */
static bool
go_back(struct matcher *m)
{
    if (m->star_p != NULL && m->star_t < m->t_end && *m->star_t != '/') {
        m->p = m->star_p;
        m->t = ++m->star_t;
        return true;
    }
    m->star_p = NULL;
    if (m->deep_p == NULL || m->deep_t == m->t_end)
        return false;
    if (m->deep_dirs) {
        const char *slash = memchr(m->deep_t, '/', (size_t)(m->t_end - m->deep_t));
        if (slash == NULL)
            return false;
        m->deep_t = slash;
    }
    m->t = ++m->deep_t;
    m->p = m->deep_p;
    return true;
}

static bool
match_wild(const char *p, size_t p_len, const char *t, size_t t_len)
{
    struct matcher m = {.p = p, .p_end = p + p_len, .p_begin = p, .t = t, .t_end = t + t_len};
    for (;;) {
        if (m.p < m.p_end && *m.p == '*') {
            if (enter_stars(&m))
                return true;
            continue;
        }
        if (m.p == m.p_end && m.t == m.t_end)
            return true;
        if (m.p < m.p_end && match_one(&m))
            continue;
        if (!go_back(&m))
            return false;
    }
}

bool
weir_glob_match(const struct weir_glob *g, const char *path, size_t path_len, size_t name_at,
                bool is_dir)
{
    if (g->dir_only && !is_dir)
        return false;
    const char *t = g->anchored ? path : path + name_at;
    size_t t_len = g->anchored ? path_len : path_len - name_at;
    if (g->suffix) {
        size_t tail = g->len - 1;
        return tail <= t_len && memcmp(t + t_len - tail, g->text + 1, tail) == 0;
    }
    size_t n = g->literal_len;
    if (n > t_len || memcmp(t, g->text, n) != 0)
        return false;
    if (n == g->len)
        return t_len == n;
    return match_wild(g->text + n, g->len - n, t + n, t_len - n);
}
