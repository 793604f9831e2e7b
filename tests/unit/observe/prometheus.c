#include "prometheus.h"

#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METRICS_MAX 64
#define SAMPLES_MAX 256

struct metric {
    char name[96];
    bool typed;
    size_t samples;
};

static size_t
name_length(const char *p)
{
    size_t n = 0;
    while (islower((unsigned char)p[n]) || p[n] == '_' ||
           (n > 0 && isdigit((unsigned char)p[n])))
        n++;
    return n;
}

/* {name="value",...}: returns what follows, or NULL. */
static const char *
skip_labels(const char *p)
{
    do {
        p++; /* '{' or ',' */
        size_t n = name_length(p);
        if (n == 0 || strncmp(p + n, "=\"", 2) != 0)
            return NULL;
        for (p += n + 2; *p != '"'; p++) {
            if (*p == '\0' || (*p == '\\' && strchr("\\\"n", *++p) == NULL))
                return NULL;
        }
        p++;
    } while (*p == ',');
    return *p == '}' ? p + 1 : NULL;
}

static void
read_sample(const char *line, struct metric *m)
{
    size_t n = name_length(line);
    char *end;
    ck_assert_msg(n == strlen(m->name) && strncmp(line, m->name, n) == 0,
                  "not below its HELP and TYPE: %s", line);
    ck_assert_msg(m->typed, "no TYPE: %s", line);
    const char *p = line[n] == '{' ? skip_labels(line + n) : line + n;
    ck_assert_msg(p != NULL && *p == ' ', "labels: %s", line);
    (void)strtod(p + 1, &end);
    ck_assert_msg(end != p + 1 && *end == '\0' && !isspace((unsigned char)p[1]), "value: %s",
                  line);
    m->samples++;
}

static void
begin_metric(const char *help, struct metric *all, size_t count)
{
    size_t n = name_length(help);
    ck_assert(count == 0 || all[count - 1].samples > 0);
    ck_assert_uint_lt(count, METRICS_MAX);
    ck_assert(n > 0 && n < sizeof(all->name) && help[n] == ' ' && help[n + 1] != '\0');
    (void)snprintf(all[count].name, sizeof(all->name), "%.*s", (int)n, help);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_ne(all[i].name, all[count].name);
}

static void
read_type(const char *line, struct metric *m)
{
    char want[160];
    ck_assert(!m->typed && m->samples == 0);
    (void)snprintf(want, sizeof(want), "# TYPE %s gauge", m->name);
    ck_assert_str_eq(line, want);
    m->typed = true;
}

size_t
prometheus_parse(char *text)
{
    struct metric all[METRICS_MAX] = {{.typed = false}};
    char *seen[SAMPLES_MAX], *save = NULL;
    size_t count = 0, samples = 0, bytes = strlen(text);
    ck_assert_uint_gt(bytes, 0);
    ck_assert_int_eq(text[bytes - 1], '\n');
    ck_assert_ptr_null(strstr(text, "\n\n"));
    for (char *l = strtok_r(text, "\n", &save); l != NULL; l = strtok_r(NULL, "\n", &save)) {
        if (strncmp(l, "# HELP ", 7) == 0) {
            begin_metric(l + 7, all, count++);
            continue;
        }
        ck_assert_msg(count > 0, "no HELP: %s", l);
        if (l[0] == '#') {
            read_type(l, &all[count - 1]);
            continue;
        }
        read_sample(l, &all[count - 1]);
        for (size_t i = 0; i < samples; i++)
            ck_assert_msg(strncmp(seen[i], l, strcspn(l, " ") + 1) != 0, "twice: %s", l);
        ck_assert_uint_lt(samples, SAMPLES_MAX);
        seen[samples++] = l;
    }
    ck_assert(count > 0 && all[count - 1].samples > 0);
    return count;
}
