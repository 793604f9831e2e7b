#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "action.h"
#include "script.h"
#include "text.h"

struct rule {
    char *op, *bucket, *key, *query; /* globs, NULL: anything */
    uint64_t part;                   /* 0: any */
    uint64_t nth, every, times;      /* times 0: no limit */
    double prob;
    uint64_t random;
    struct fake_fault fault;
    uint64_t seen, fired;
};
struct fake_script {
    struct rule *rule;
    size_t count;
};

int
fake_script_lenient(const char *list, unsigned *out)
{
    static const char *const names[] = {
#define X(name, text) text,
        FAKE_LENIENT(X)
#undef X
    };
    unsigned bits = 0;
    while (*list) {
        size_t n = strcspn(list, ",+"), i = 0, count = sizeof(names) / sizeof(names[0]);
        while (i < count && (strlen(names[i]) != n || strncmp(names[i], list, n) != 0))
            i++;
        if (i == count)
            return -1;
        bits |= 1u << i;
        list += n + (list[n] != 0);
    }
    *out |= bits;
    return 0;
}

static int
set_glob(char **slot, const char *value)
{
    struct fake_buf b = {0};
    if (fake_text_unpercent(&b, value, strlen(value), FAKE_PLUS_LITERAL) != 0) {
        fake_buf_free(&b);
        return -1;
    }
    free(*slot);
    *slot = fake_buf_take(&b);
    return 0;
}

static int
set_prob(struct rule *r, const char *value)
{
    char *end;
    r->prob = strtod(value, &end);
    return *end || end == value || r->prob < 0 || r->prob > 1 ? -1 : 0;
}

static int
set_selector(struct rule *r, const char *name, const char *value)
{
    if (strcmp(name, "op") == 0)
        return set_glob(&r->op, value);
    if (strcmp(name, "bucket") == 0)
        return set_glob(&r->bucket, value);
    if (strcmp(name, "key") == 0)
        return set_glob(&r->key, value);
    if (strcmp(name, "query") == 0) {
        free(r->query);
        r->query = fake_strdup(value);
        return 0;
    }
    if (strcmp(name, "part") == 0)
        return fake_text_uint(value, 10000, &r->part);
    if (strcmp(name, "nth") == 0)
        return fake_text_uint(value, UINT32_MAX, &r->nth) || r->nth == 0 ? -1 : 0;
    if (strcmp(name, "every") == 0)
        return fake_text_uint(value, UINT32_MAX, &r->every) || r->every == 0 ? -1 : 0;
    if (strcmp(name, "times") == 0)
        return fake_text_uint(value, UINT32_MAX, &r->times);
    if (strcmp(name, "prob") == 0)
        return set_prob(r, value);
    if (strcmp(name, "seed") == 0)
        return fake_text_uint(value, UINT64_MAX / 2, &r->random);
    return -1;
}

static int
parse_line(struct rule *r, char *line, struct fake_buf *error)
{
    bool times = false, acts = false;
    *r = (struct rule){.prob = 1, .random = 1};
    fake_action_init(&r->fault);
    for (char *save = NULL, *word = strtok_r(line, " \t", &save); word;
         word = strtok_r(NULL, " \t", &save)) {
        char *value = strchr(word, '=');
        if (!value) {
            fake_buf_printf(error, "'%s' is not name=value", word);
            return -1;
        }
        *value++ = 0;
        times = times || strcmp(word, "times") == 0;
        bool action = strcmp(word, "do") == 0;
        acts = acts || action;
        if ((action ? fake_action_parse(&r->fault, value) : set_selector(r, word, value)) == 0)
            continue;
        fake_buf_printf(error, "cannot understand %s=%s", word, value);
        return -1;
    }
    if (!acts) {
        fake_buf_puts(error, "no do=");
        return -1;
    }
    if (!times) /* "the third one" means one; everything else means always */
        r->times = r->nth && !r->every ? 1 : 0;
    r->random = r->random * UINT64_C(0x9e3779b97f4a7c15) | 1;
    return 0;
}

struct fake_script *
fake_script_parse(const char *text, struct fake_buf *error)
{
    struct fake_script *s = fake_alloc(sizeof(*s));
    unsigned number = 0;
    while (*text) {
        size_t n = strcspn(text, "\r\n");
        struct fake_buf line = {0};
        number += 1;
        fake_buf_add(&line, text, n);
        text += n;
        text += text[0] == '\r' && text[1] == '\n' ? 2 : *text != 0;
        size_t blank = strspn(line.data, " \t");
        if (line.data[blank] && line.data[blank] != '#') {
            struct fake_buf why = {0};
            s->rule = fake_grow(s->rule, (s->count + 1) * sizeof(*s->rule));
            int rc = parse_line(&s->rule[s->count++], line.data, &why);
            s->rule[s->count - 1].fault.line = number;
            if (rc != 0) {
                fake_buf_printf(error, "line %u: %s\n", number, fake_buf_text(&why));
                fake_buf_free(&why);
                fake_buf_free(&line);
                fake_script_free(s);
                return NULL;
            }
        }
        fake_buf_free(&line);
    }
    return s;
}

void
fake_script_free(struct fake_script *s)
{
    for (size_t i = 0; s && i < s->count; i++) {
        free(s->rule[i].op);
        free(s->rule[i].bucket);
        free(s->rule[i].key);
        free(s->rule[i].query);
    }
    if (s)
        free(s->rule);
    free(s);
}

static bool
glob(const char *pattern, const char *text)
{
    return !pattern || fnmatch(pattern, text ? text : "", 0) == 0;
}

/* op= may name several operations. */
static bool
glob_any(const char *list, const char *text)
{
    if (!list)
        return true;
    char one[128];
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
        snprintf(one, sizeof(one), "%.*s", (int)strcspn(p, ","), p);
        if (glob(one, text))
            return true;
    }
    return false;
}

static bool
lucky(struct rule *r)
{
    if (r->prob >= 1)
        return true;
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    return (double)(r->random >> 11) * 0x1p-53 < r->prob;
}

static bool
fires(struct rule *r)
{
    if (r->nth && !r->every && r->seen < r->nth)
        return false;
    if (r->every && (r->seen < r->nth || (r->seen - r->nth) % r->every != 0))
        return false;
    return (r->times == 0 || r->fired < r->times) && lucky(r);
}

void
fake_script_pick(struct fake_script *s, const struct fake_what *what, struct fake_fault *out)
{
    struct rule *chosen = NULL;
    for (size_t i = 0; i < s->count; i++) {
        struct rule *r = &s->rule[i];
        if ((what->inner && !r->op) || !glob_any(r->op, what->op) ||
            !glob(r->bucket, what->bucket) || !glob(r->key, what->key) ||
            !glob(r->query, what->query) || (r->part && r->part != what->part))
            continue;
        r->seen++;
        if (!chosen && fires(r)) {
            chosen = r;
            r->fired++;
        }
    }
    if (chosen)
        *out = chosen->fault;
}

void
fake_script_report(const struct fake_script *s, struct fake_buf *out)
{
    fake_buf_puts(out, "[");
    for (size_t i = 0; i < s->count; i++) {
        const struct rule *r = &s->rule[i];
        fake_buf_printf(out, "%s{\"line\":%u,\"do\":", i ? "," : "", r->fault.line);
        fake_text_json(out, r->fault.text);
        fake_buf_printf(out, ",\"seen\":%llu,\"fired\":%llu}", (unsigned long long)r->seen,
                        (unsigned long long)r->fired);
    }
    fake_buf_puts(out, "]\n");
}
