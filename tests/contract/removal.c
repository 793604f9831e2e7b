/* Batches of deletes: each key is told of once, and only those named go. */
#include "contract.h"

#include <stdio.h>

#define KEYS_MAX 300

struct batch {
    struct contract *c;
    char text[KEYS_MAX][128];
    const char *keys[KEYS_MAX];
    unsigned told[KEYS_MAX];
    size_t count;
};

static void
add(struct contract *c, struct batch *b, const char *name)
{
    ck_assert_uint_lt(b->count, KEYS_MAX);
    (void)snprintf(b->text[b->count], sizeof(b->text[0]), "%s", contract_key(c, name));
    b->keys[b->count] = b->text[b->count];
    b->count++;
}

static void
on_removed(void *ctx, size_t index, const char *version, const struct weir_err *why)
{
    struct batch *b = ctx;
    char text[2048];
    ck_assert_uint_lt(index, b->count);
    ck_assert_msg(why == NULL, "%s: %s", b->keys[index],
                  weir_err_text(why, text, sizeof(text)));
    ck_assert_ptr_nonnull(version);
    b->told[index]++;
}

static void
remove_all(struct contract *c, struct batch *b)
{
    struct weir_head head;
    contract_ok(c, c->ops->remove_many(c->t, b->keys, b->count, on_removed, b, &c->err),
                "remove_many");
    for (size_t i = 0; i < b->count; i++) {
        ck_assert_msg(b->told[i] == 1, "%s: told %u times", b->keys[i], b->told[i]);
        contract_refused(c, c->ops->head(c->t, b->keys[i], &head, &c->err), WEIR_E_NOT_FOUND,
                         b->keys[i]);
    }
}

static void
removing(struct contract *c)
{
    static const char *const odd[] = {"a b+c",  "%41%2F",   "q?x=1&y#f",
                                      "'\"",    "x/;,:@=~", "\xc3\xbc/\xe6\x97\xa5",
                                      "<&>]]>", " leading", "trailing "};
    struct batch b = {.c = c};
    contract_put(c, contract_key(c, "kept"), "k", 1, NULL);
    contract_put(c, contract_key(c, "q"), "k", 1, NULL);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        add(c, &b, odd[i]);
        contract_put(c, b.keys[b.count - 1], "x", 1, NULL);
        if (i == 4)
            add(c, &b, "never/was"); /* told as gone */
    }
    remove_all(c, &b);
    contract_expect(c, contract_key(c, "kept"), "k", 1);
    contract_expect(c, contract_key(c, "q"), "k", 1);
}

static void
many(struct contract *c)
{
    struct batch b = {.c = c};
    size_t count = c->lim->remove_count_max < KEYS_MAX ? c->lim->remove_count_max : KEYS_MAX;
    for (size_t i = 0; i < count; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "d%zu/%zu", i % 7, i);
        add(c, &b, name);
        if (i % 2 == 0)
            contract_put(c, b.keys[i], "x", 1, NULL);
    }
    remove_all(c, &b);
    b.count = 0;
    remove_all(c, &b); /* nothing to do is no error */
}

static void
directories(struct contract *c)
{
    struct batch b = {.c = c};
    add(c, &b, "d/");
    add(c, &b, "d/x");
    contract_put(c, b.keys[0], "", 0, NULL);
    contract_put(c, b.keys[1], "x", 1, NULL);
    remove_all(c, &b);
}

/* What was below a name does not stand in the way of an object of that name, and the reverse.
 */
static void
name_changes_kind(struct contract *c)
{
    struct batch b = {.c = c};
    const char *name = contract_key(c, "d");
    add(c, &b, "d/x");
    add(c, &b, "d/e/f/y");
    for (unsigned round = 0; round < 2; round++) {
        contract_put(c, b.keys[0], "x", 1, NULL);
        contract_put(c, b.keys[1], "y", 1, NULL);
        contract_ok(c, c->ops->remove_many(c->t, b.keys, b.count, on_removed, &b, &c->err),
                    "remove_many");
        contract_put(c, name, "file", 4, NULL);
        contract_expect(c, name, "file", 4);
        contract_ok(c, c->ops->remove(c->t, name, &c->err), "remove");
    }
}

static void
too_many(struct contract *c)
{
    struct batch b = {.c = c};
    size_t count = c->lim->remove_count_max + 1;
    const char **keys = calloc(count, sizeof(*keys));
    ck_assert_ptr_nonnull(keys);
    for (size_t i = 0; i < count; i++)
        keys[i] = "never/was";
    ck_assert_uint_gt(c->lim->remove_count_max, 0);
    contract_refused(c, c->ops->remove_many(c->t, keys, count, on_removed, &b, &c->err),
                     WEIR_E_LIMIT, "one key too many");
    free(keys);
}

const struct contract_case contract_removal[] = {
    {"remove-many", removing},
    {"remove-very-many", many},
    {"remove-many-directories", directories},
    {"remove-frees-name", name_changes_kind},
    {"remove-too-many", too_many},
    {NULL, NULL},
};
