/* rules against git check-ignore: random pattern sets on a random tree, one git run a set.
 *
 * WEIR_TEST_SEED repeats a run, WEIR_TEST_SETS changes the number of sets. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../main_check.h"
#include <weir/rng.h>

#include "manifest/rules.h"

#define ENTRIES_MAX 240
#define PATTERNS_MAX 8
#define PATTERN_BYTES 128

static const char *const names[] = {"a",   "b",   "ab",       "a.b",  "foo", "foo.txt", "x y",
                                    "[a]", "a*b", "a\\b",     "!a",   "#a",  "-",       "z]",
                                    "A",   "1",   "\xc3\xa9", "\xff", "abc", "a\tb",    "**",
                                    "?",   "a-b", "x\ny",     "b.tmp"};
static const char *const tokens[] = {"*",           "*",
                                     "**",          "?",
                                     "/",           "/",
                                     "/",           "/**/",
                                     "**/",         "/**",
                                     "[ab]",        "[!a]",
                                     "[^b]",        "[a-c]",
                                     "[]a]",        "[a",
                                     "\\*",         "\\a",
                                     "\\[",         "[[:alpha:]]",
                                     "[[:digit:]]", "[![:alnum:]]",
                                     "[\\]]",       "[a\\-z]",
                                     ".",           "*.",
                                     "[--0]",       "[[:]",
                                     "[[:bad:]]",   "[[:punct:]]",
                                     "\\\\",        "a",
                                     "b",           "/*/",
                                     "**a",         "[[:space:]]",
                                     "\\/",         "[!/]",
                                     "***",         "**\\/"};

struct tree {
    char path[ENTRIES_MAX][128];
    bool is_dir[ENTRIES_MAX];
    size_t count;
};

static size_t
pick(struct weir_rng *rng, size_t limit)
{
    return (size_t)weir_rng_below(rng, limit);
}

static void
build_tree(struct tree *t, struct weir_rng *rng)
{
    while (t->count < ENTRIES_MAX) {
        size_t parent = pick(rng, t->count + 1);
        char path[128];
        const char *name = names[pick(rng, sizeof(names) / sizeof(names[0]))];
        if (parent == t->count)
            (void)snprintf(path, sizeof(path), "%s", name);
        else if (t->is_dir[parent] && strlen(t->path[parent]) < 60)
            (void)snprintf(path, sizeof(path), "%.60s/%s", t->path[parent], name);
        else
            continue;
        bool is_dir = pick(rng, 5) < 2;
        if (is_dir ? mkdir(path, 0700) != 0 : mknod(path, S_IFREG | 0600, 0) != 0)
            continue; /* exists */
        memcpy(t->path[t->count], path, sizeof(path));
        t->is_dir[t->count++] = is_dir;
    }
}

static bool
usable(char *pattern)
{
    char *item[] = {pattern};
    struct weir_strings none = {NULL, 0}, one = {item, 1};
    struct weir_rules *r = NULL;
    bool ok = weir_rules_create(&one, &none, &r, NULL) == 0;
    weir_rules_free(r);
    size_t len = strlen(pattern);
    /* what a line of .gitignore cannot say, and a YAML list can */
    return ok && strchr(pattern, '\n') == NULL && pattern[0] != '#' && pattern[len - 1] != ' ';
}

static void
random_pattern(struct weir_rng *rng, const struct tree *t, char *out)
{
    do {
        out[0] = '\0';
        if (pick(rng, 6) == 0)
            strcat(out, "!");
        if (pick(rng, 5) == 0) { /* a real path, perhaps with a hole in it */
            (void)snprintf(out + strlen(out), 100, "%.99s", t->path[pick(rng, t->count)]);
            if (pick(rng, 2) == 0)
                out[pick(rng, strlen(out))] = "*?/["[pick(rng, 4)];
        } else {
            for (size_t n = 1 + pick(rng, 5); n > 0; n--)
                strcat(out, pick(rng, 2) == 0
                                ? names[pick(rng, sizeof(names) / sizeof(names[0]))]
                                : tokens[pick(rng, sizeof(tokens) / sizeof(tokens[0]))]);
        }
        if (pick(rng, 4) == 0)
            strcat(out, "/");
    } while (!usable(out));
}

/* The rule that keeps a path out, found from the top as the walk does it. */
static const char *
excluded_by(const struct weir_rules *r, const char *path, bool is_dir)
{
    for (const char *s = strchr(path, '/'); s != NULL; s = strchr(s + 1, '/')) {
        const char *rule = weir_rules_match(r, path, (size_t)(s - path), true);
        if (rule != NULL)
            return rule;
    }
    return weir_rules_match(r, path, strlen(path), is_dir);
}

static void
write_patterns(char patterns[][PATTERN_BYTES], size_t count)
{
    FILE *f = fopen(".gitignore", "w");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < count; i++)
        ck_assert_int_ge(fprintf(f, "%s\n", patterns[i]), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static char *
slurp(const char *file, size_t *out_bytes)
{
    int fd = open(file, O_RDONLY);
    struct stat st;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    char *text = malloc((size_t)st.st_size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(read(fd, text, (size_t)st.st_size), st.st_size);
    text[st.st_size] = '\0';
    (void)close(fd);
    *out_bytes = (size_t)st.st_size;
    return text;
}

/* Compares one line of git's answer (source, line, pattern, path) with ours. */
static void
compare(const struct weir_rules *exclude, const struct weir_rules *include, const char *pattern,
        const char *path, bool is_dir, uint64_t seed, size_t set)
{
    bool ignored = pattern[0] != '\0' && pattern[0] != '!';
    const char *rule = excluded_by(exclude, path, is_dir);
    ck_assert_msg((rule != NULL) == ignored, "seed %llu set %zu: '%s' git '%s' weir '%s'",
                  (unsigned long long)seed, set, path, pattern, rule == NULL ? "" : rule);
    if (rule != NULL)
        ck_assert_msg(strcmp(rule + strlen("exclude "), pattern) == 0,
                      "seed %llu set %zu: '%s' by '%s', git says '%s'",
                      (unsigned long long)seed, set, path, rule, pattern);
    if (!is_dir)
        ck_assert_msg((weir_rules_match(include, path, strlen(path), false) == NULL) == ignored,
                      "seed %llu set %zu: include of '%s', git '%s'", (unsigned long long)seed,
                      set, path, pattern);
}

static size_t
run_set(const struct tree *t, struct weir_rng *rng, uint64_t seed, size_t set)
{
    char patterns[PATTERNS_MAX][PATTERN_BYTES];
    char *item[PATTERNS_MAX];
    size_t count = 1 + pick(rng, PATTERNS_MAX);
    for (size_t i = 0; i < count; i++) {
        random_pattern(rng, t, patterns[i]);
        item[i] = patterns[i];
    }
    write_patterns(patterns, count);
    struct weir_strings none = {NULL, 0}, list = {item, count};
    struct weir_rules *exclude = NULL, *include = NULL;
    ck_assert_int_eq(weir_rules_create(&none, &list, &exclude, NULL), 0);
    ck_assert_int_eq(weir_rules_create(&list, &none, &include, NULL), 0);
    int status = system("git -c core.excludesFile= check-ignore --no-index -v -n --stdin -z "
                        "<.git/paths >.git/answer");
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    size_t bytes = 0, hits = 0;
    char *answer = slurp(".git/answer", &bytes), *p = answer;
    for (size_t i = 0; i < t->count; i++) {
        const char *field[4];
        for (size_t k = 0; k < 4; k++) {
            ck_assert_msg(p < answer + bytes, "git's answer is too short");
            field[k] = p;
            p += strlen(p) + 1;
        }
        ck_assert_str_eq(field[3], t->path[i]);
        compare(exclude, include, field[2], field[3], t->is_dir[i], seed, set);
        hits += field[2][0] != '\0';
    }
    free(answer);
    weir_rules_free(exclude);
    weir_rules_free(include);
    return hits;
}

START_TEST(agrees_with_git)
{
    const char *seed_text = getenv("WEIR_TEST_SEED"), *sets_text = getenv("WEIR_TEST_SETS");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL);
    size_t sets = sets_text ? strtoul(sets_text, NULL, 10) : 200;
    struct weir_rng rng = {seed};
    char dir[] = "/tmp/weir-rules-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(setenv("GIT_CONFIG_NOSYSTEM", "1", 1), 0);
    ck_assert_int_eq(setenv("HOME", dir, 1), 0);
    int git = system("git init -q . >/dev/null 2>&1");
    if (git == 0) {
        struct tree t = {.count = 0};
        build_tree(&t, &rng);
        FILE *f = fopen(".git/paths", "w");
        ck_assert_ptr_nonnull(f);
        for (size_t i = 0; i < t.count; i++)
            ck_assert_uint_eq(fwrite(t.path[i], strlen(t.path[i]) + 1, 1, f), 1);
        ck_assert_int_eq(fclose(f), 0);
        size_t hits = 0;
        for (size_t set = 0; set < sets; set++)
            hits += run_set(&t, &rng, seed, set);
        printf("rules_git: seed %llu, %zu sets, %zu answers compared, %zu of them hits\n",
               (unsigned long long)seed, sets, sets * t.count, hits);
        ck_assert_uint_gt(hits, sets);
    } else {
        printf("rules_git: SKIPPED, git is not installed\n");
    }
    ck_assert_int_eq(chdir("/"), 0);
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("rules_git");
    TCase *tc = tcase_create("rules_git");
    tcase_set_timeout(tc, 110);
    tcase_add_test(tc, agrees_with_git);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
