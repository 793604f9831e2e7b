#include "manifest/rules.h"

#include <stdlib.h>
#include <string.h>

#include "manifest/glob.h"

#define PATTERN_BYTES_MAX 4096

struct rule {
    struct weir_glob glob; /* points into text */
    bool negated;
    char *text; /* owned: "exclude *.tmp" */
};

struct rule_list {
    struct rule *rule; /* owned */
    size_t count;
};

struct weir_rules {
    struct rule_list include, exclude;
    bool include_all; /* the include list is "**": no need to look */
};

static const char not_included[] = "not included";

static void
list_fini(struct rule_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->rule[i].text);
    free(l->rule);
}

/* Why a pattern cannot be used, or NULL. */
static const char *
refusal(const char *pattern, size_t len)
{
    if (len == 0)
        return "is empty";
    if (len > PATTERN_BYTES_MAX)
        return "is longer than 4096 bytes";
    if (pattern[0] == '!') {
        pattern++;
        len--;
    }
    if (strspn(pattern, "/") == len)
        return "names nothing";
    if (pattern[len - 1] == '/')
        len--;
    size_t slashes = 0;
    while (slashes < len && pattern[len - 1 - slashes] == '\\')
        slashes++;
    return slashes % 2 == 1 ? "ends in a lone backslash" : NULL;
}

static int
rule_init(struct rule *r, const char *list, const char *pattern, struct weir_err *err)
{
    size_t len = strlen(pattern), list_len = strlen(list);
    const char *why = refusal(pattern, len);
    if (why != NULL)
        return weir_err_set(err, WEIR_E_CONFIG, "%s pattern '%.200s' %s", list, pattern, why);
    r->text = malloc(list_len + 1 + len + 1);
    if (r->text == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "%s pattern", list);
    memcpy(r->text, list, list_len);
    r->text[list_len] = ' ';
    memcpy(r->text + list_len + 1, pattern, len + 1);
    r->negated = pattern[0] == '!';
    weir_glob_parse(r->text + list_len + 1 + r->negated, len - r->negated, &r->glob);
    return 0;
}

static int
list_init(struct rule_list *l, const char *list, const struct weir_strings *patterns,
          struct weir_err *err)
{
    if (patterns->count == 0)
        return 0;
    l->rule = calloc(patterns->count, sizeof(*l->rule));
    if (l->rule == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "%s patterns", list);
    for (; l->count < patterns->count; l->count++)
        if (rule_init(&l->rule[l->count], list, patterns->item[l->count], err) != 0)
            return -1;
    return 0;
}

int
weir_rules_create(const struct weir_strings *include, const struct weir_strings *exclude,
                  struct weir_rules **out, struct weir_err *err)
{
    struct weir_rules *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "rules");
    if (list_init(&r->include, "include", include, err) != 0 ||
        list_init(&r->exclude, "exclude", exclude, err) != 0) {
        weir_rules_free(r);
        return -1;
    }
    r->include_all =
        include->count == 0 || (include->count == 1 && strcmp(include->item[0], "**") == 0);
    *out = r;
    return 0;
}

void
weir_rules_free(struct weir_rules *r)
{
    if (r == NULL)
        return;
    list_fini(&r->include);
    list_fini(&r->exclude);
    free(r);
}

static size_t
name_offset(const char *path, size_t path_len)
{
    const char *slash = memrchr(path, '/', path_len);
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* The last rule of the list that matches this entry itself, or NULL. */
static const struct rule *
last_match(const struct rule_list *l, const char *path, size_t path_len, bool is_dir)
{
    if (l->count == 0)
        return NULL;
    size_t name_at = name_offset(path, path_len);
    for (size_t i = l->count; i-- > 0;)
        if (weir_glob_match(&l->rule[i].glob, path, path_len, name_at, is_dir))
            return &l->rule[i];
    return NULL;
}

bool
weir_rules_covers(const struct weir_rules *r, const char *dir, size_t dir_len)
{
    if (r->include_all)
        return true;
    for (size_t end = 0; end < dir_len; end++) {
        const char *slash = memchr(dir + end, '/', dir_len - end);
        end = slash == NULL ? dir_len : (size_t)(slash - dir);
        const struct rule *m = last_match(&r->include, dir, end, true);
        if (m != NULL && !m->negated)
            return true;
    }
    return false;
}

const char *
weir_rules_match_in(const struct weir_rules *r, bool covered, const char *path, size_t path_len,
                    bool is_dir)
{
    const struct rule *m = last_match(&r->exclude, path, path_len, is_dir);
    if (m != NULL && !m->negated)
        return m->text;
    if (covered || is_dir)
        return NULL;
    m = last_match(&r->include, path, path_len, is_dir);
    return m != NULL && !m->negated ? NULL : not_included;
}

const char *
weir_rules_match(const struct weir_rules *r, const char *path, size_t path_len, bool is_dir)
{
    size_t name_at = name_offset(path, path_len);
    bool covered = weir_rules_covers(r, path, name_at > 0 ? name_at - 1 : 0);
    return weir_rules_match_in(r, covered, path, path_len, is_dir);
}

bool
weir_rules_glob(const char *pattern, const char *path, bool is_dir)
{
    struct weir_glob g;
    size_t path_len = strlen(path);
    weir_glob_parse(pattern, strlen(pattern), &g);
    return weir_glob_match(&g, path, path_len, name_offset(path, path_len), is_dir);
}
