/* lake_tree -- what the tests of the lake share: a fresh directory, small trees, and a walk
 * whose every batch is checked and kept. */
#ifndef TESTS_LAKE_TREE_H
#define TESTS_LAKE_TREE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lake/walk.h"

static char tree_dir[64]; /* the fresh directory; the lake is "lake" in it; also the cwd */

static inline void
tree_begin(void)
{
    (void)umask(022);
    (void)snprintf(tree_dir, sizeof(tree_dir), "/tmp/weir-lake-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(tree_dir));
    ck_assert_int_eq(chdir(tree_dir), 0);
    ck_assert_int_eq(chmod(".", 0755), 0);
    ck_assert_int_eq(mkdir("lake", 0755), 0);
}

static inline void
tree_end(void)
{
    char command[96];
    ck_assert_int_eq(chdir("/"), 0);
    (void)snprintf(command, sizeof(command), "rm -rf %s", tree_dir);
    ck_assert_int_eq(system(command), 0);
}

static inline void
tree_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_msg(fd >= 0, "create %s: %s", path, strerror(errno));
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(close(fd), 0);
}

static inline void
tree_mkdir(const char *path)
{
    ck_assert_msg(mkdir(path, 0755) == 0, "mkdir %s: %s", path, strerror(errno));
}

static inline void
tree_link(const char *target, const char *path)
{
    ck_assert_msg(symlink(target, path) == 0, "symlink %s: %s", path, strerror(errno));
}

static inline struct weir_lake_root *
tree_open(void)
{
    struct weir_lake_root *root = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    char text[512];
    ck_assert_msg(weir_lake_root_open("lake", &root, &err) == 0, "%s",
                  weir_err_text(&err, text, sizeof(text)));
    return root;
}

/* ---- walks ---- */

struct seen { /* one entry of some batch; the root itself is not among them */
    char *path;
    uint8_t type, verdict;
    int sys_errno;
    char rule[64]; /* "" when taken */
    struct weir_stat st;
};

struct seen_dir { /* one batch */
    char *path;
    bool complete;
    enum weir_code code;
    struct weir_xxh128 digest;
    size_t count, taken;
    struct weir_stat st;
};

struct walked {
    struct seen *entry;
    size_t count, cap;
    struct seen_dir *dir;
    size_t dir_count, dir_cap;
    void *dirs_taken; /* tsearch of paths of directories that may follow */
};

static inline int
compare_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static inline char *
join(const char *dir, const char *name)
{
    size_t n = strlen(dir), m = strlen(name);
    char *path = malloc(n + m + 2);
    ck_assert_ptr_nonnull(path);
    memcpy(path, dir, n);
    if (n > 0)
        path[n++] = '/';
    memcpy(path + n, name, m + 1);
    return path;
}

static inline void
keep_entry(struct walked *w, const struct weir_lake_batch *b, const struct weir_lake_entry *e)
{
    if (w->count == w->cap) {
        w->cap = w->cap == 0 ? 64 : w->cap * 2;
        w->entry = reallocarray(w->entry, w->cap, sizeof(*w->entry));
        ck_assert_ptr_nonnull(w->entry);
    }
    struct seen *s = &w->entry[w->count++];
    *s = (struct seen){.path = join(b->path, e->name),
                       .type = e->type,
                       .verdict = e->verdict,
                       .sys_errno = e->sys_errno,
                       .st = e->st};
    ck_assert_int_eq(e->verdict == WEIR_VERDICT_EXCLUDED, e->rule != NULL);
    ck_assert_int_eq(e->verdict == WEIR_VERDICT_FAILED, e->sys_errno != 0);
    (void)snprintf(s->rule, sizeof(s->rule), "%s", e->rule == NULL ? "" : e->rule);
    if (e->type == WEIR_ENTRY_DIR && e->verdict == WEIR_VERDICT_TAKE)
        (void)tsearch(s->path, &w->dirs_taken, compare_text);
}

/* What every batch promises. */
static inline void
check_batch(const struct walked *w, const struct weir_lake_batch *b, bool with_list)
{
    size_t taken = 0, bytes = 0;
    ck_assert_uint_eq(strlen(b->path), b->path_len);
    ck_assert_int_eq(b->complete, b->err == NULL);
    if (b->path_len > 0 && !with_list)
        ck_assert_msg(tfind(b->path, &w->dirs_taken, compare_text) != NULL,
                      "'%s' came before its parent", b->path);
    for (size_t i = 0; i < b->count; i++) {
        const struct weir_lake_entry *e = &b->entries[i];
        ck_assert_uint_eq(strlen(e->name), e->name_len);
        ck_assert_ptr_null(strchr(e->name, '/'));
        if (i > 0)
            ck_assert_int_lt(strcmp(b->entries[i - 1].name, e->name), 0);
        taken += e->verdict == WEIR_VERDICT_TAKE;
        bytes += sizeof(*e) + e->name_len + 1u;
    }
    ck_assert_uint_eq(b->taken, taken);
    ck_assert_uint_ge(b->heap_bytes, bytes);
}

static inline void
keep_batch(struct walked *w, const struct weir_lake_batch *b)
{
    if (w->dir_count == w->dir_cap) {
        w->dir_cap = w->dir_cap == 0 ? 64 : w->dir_cap * 2;
        w->dir = reallocarray(w->dir, w->dir_cap, sizeof(*w->dir));
        ck_assert_ptr_nonnull(w->dir);
    }
    struct seen_dir *d = &w->dir[w->dir_count++];
    *d = (struct seen_dir){.path = strdup(b->path),
                           .complete = b->complete,
                           .code = b->err == NULL ? WEIR_OK : b->err->code,
                           .digest = b->stat_digest,
                           .count = b->count,
                           .taken = b->taken,
                           .st = b->st};
    for (size_t i = 0; i < b->count; i++)
        keep_entry(w, b, &b->entries[i]);
}

/* Walks to the end and keeps everything. */
static inline void
walk_with(const struct weir_lake_root *root, const struct weir_walk_options *o,
          struct walked *out)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_walk *walk = NULL;
    char text[1024];
    memset(out, 0, sizeof(*out));
    ck_assert_msg(weir_walk_open(root, o, &walk, &err) == 0, "%s",
                  weir_err_text(&err, text, sizeof(text)));
    for (;;) {
        struct weir_lake_batch *b = NULL;
        ck_assert_msg(weir_walk_next(walk, &b, &err) == 0, "%s",
                      weir_err_text(&err, text, sizeof(text)));
        if (b == NULL)
            break;
        check_batch(out, b, o->source->files_from != NULL);
        keep_batch(out, b);
        weir_lake_batch_free(b);
    }
    weir_walk_close(walk);
}

static inline void
walk_source(const struct weir_source *source, struct walked *out)
{
    struct weir_lake_root *root = tree_open();
    struct weir_walk_options o = {.source = source, .threads = 2, .memory_bytes = 1 << 20};
    walk_with(root, &o, out);
    weir_lake_root_close(root);
}

static inline void
no_free(void *text)
{
    (void)text;
}

static inline void
walked_free(struct walked *w)
{
    tdestroy(w->dirs_taken, no_free);
    for (size_t i = 0; i < w->count; i++)
        free(w->entry[i].path);
    for (size_t i = 0; i < w->dir_count; i++)
        free(w->dir[i].path);
    free(w->entry);
    free(w->dir);
    memset(w, 0, sizeof(*w));
}

static inline const struct seen *
find_seen(const struct walked *w, const char *path)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->entry[i].path, path) == 0)
            return &w->entry[i];
    return NULL;
}

static inline const struct seen_dir *
find_dir(const struct walked *w, const char *path)
{
    for (size_t i = 0; i < w->dir_count; i++)
        if (strcmp(w->dir[i].path, path) == 0)
            return &w->dir[i];
    return NULL;
}

static inline void
expect_taken(const struct walked *w, const char *path, enum weir_entry_type type)
{
    const struct seen *s = find_seen(w, path);
    ck_assert_msg(s != NULL, "'%s' was not seen", path);
    ck_assert_msg(s->verdict == WEIR_VERDICT_TAKE, "'%s': verdict %d rule '%s' errno %d", path,
                  s->verdict, s->rule, s->sys_errno);
    ck_assert_msg(s->type == (uint8_t)type, "'%s': type %d", path, s->type);
}

static inline void
expect_excluded(const struct walked *w, const char *path, const char *rule)
{
    const struct seen *s = find_seen(w, path);
    ck_assert_msg(s != NULL, "'%s' was not seen", path);
    ck_assert_msg(s->verdict == WEIR_VERDICT_EXCLUDED, "'%s': verdict %d errno %d", path,
                  s->verdict, s->sys_errno);
    ck_assert_str_eq(s->rule, rule);
    ck_assert_msg(find_dir(w, path) == NULL, "'%s' was entered", path);
}

static inline void
expect_failed(const struct walked *w, const char *path, int sys_errno)
{
    const struct seen *s = find_seen(w, path);
    ck_assert_msg(s != NULL, "'%s' was not seen", path);
    ck_assert_msg(s->verdict == WEIR_VERDICT_FAILED, "'%s': verdict %d rule '%s'", path,
                  s->verdict, s->rule);
    ck_assert_msg(s->sys_errno == sys_errno, "'%s': errno %d", path, s->sys_errno);
}

/* ---- the frame of a test program ---- */

static inline int
tree_main(const char *name, const TTest *const *tests, size_t count)
{
    Suite *s = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 100);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
