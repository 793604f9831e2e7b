/* Lists: every object once, in the byte order of keys, over any number of pages. */
#include "contract.h"

#include <stdio.h>

#define COUNT 1100 /* more than one page of S3 */

struct names {
    char *item[COUNT];
    size_t count;
};

static int
compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Puts count objects into the directories at random. */
static void
make_names(struct contract *c, const char *const *dirs, size_t dir_count, size_t count,
           struct names *out)
{
    for (out->count = 0; out->count < count; out->count++) {
        char name[128];
        (void)snprintf(name, sizeof(name), "%s%sk%04zu", c->prefix,
                       dirs[weir_rng_below(&c->rng, dir_count)], out->count);
        out->item[out->count] = strdup(name);
        ck_assert_ptr_nonnull(out->item[out->count]);
        contract_put(c, name, name, out->count % 7, NULL);
    }
    qsort(out->item, out->count, sizeof(out->item[0]), compare);
}

struct check {
    const struct names *names;
    size_t next;       /* index of the name that must come now */
    size_t stop_after; /* 0: never */
    size_t seen;
};

static int
on_listed(void *ctx, const struct weir_listed *o)
{
    struct check *k = ctx;
    ck_assert_msg(k->next < k->names->count, "'%s' is too much", o->key);
    const char *want = k->names->item[k->next++];
    ck_assert_str_eq(o->key, want);
    ck_assert_uint_eq(o->bytes, strtoul(strrchr(want, 'k') + 1, NULL, 10) % 7);
    k->seen++;
    return k->seen == k->stop_after;
}

static void
expect_list(struct contract *c, const struct names *names, const char *prefix,
            const char *start_after, size_t first, size_t count)
{
    struct check k = {.names = names, .next = first};
    contract_ok(c, c->ops->list(c->t, prefix, start_after, on_listed, &k, &c->err), "list");
    ck_assert_msg(k.seen == count, "prefix '%s' after '%s': %zu listed, not %zu", prefix,
                  start_after != NULL ? start_after : "", k.seen, count);
}

static void
check_lists(struct contract *c, struct names *names, const char *const *prefixes,
            size_t prefix_count)
{
    size_t all = names->count;
    expect_list(c, names, c->prefix, NULL, 0, all);
    for (unsigned i = 0; i < 10; i++) {
        size_t at = weir_rng_below(&c->rng, all);
        expect_list(c, names, c->prefix, names->item[at], at + 1, all - at - 1);
    }
    expect_list(c, names, c->prefix, c->prefix, 0, all);
    expect_list(c, names, c->prefix, names->item[all - 1], 0, 0);

    struct check stopped = {.names = names, .stop_after = 17};
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, on_listed, &stopped, &c->err),
                "stopped list");
    ck_assert_uint_eq(stopped.seen, 17);

    for (size_t i = 0; i < prefix_count; i++) {
        const char *prefix = contract_key(c, prefixes[i]);
        size_t first = 0, count = 0;
        for (size_t n = all; n-- > 0;)
            if (strncmp(names->item[n], prefix, strlen(prefix)) == 0) {
                first = n;
                count++;
            }
        expect_list(c, names, prefix, NULL, first, count);
        if (count > 1)
            expect_list(c, names, prefix, names->item[first], first + 1, count - 1);
    }
    for (size_t i = 0; i < all; i++)
        free(names->item[i]);
}

static void
pages(struct contract *c)
{
    static const char *const dirs[] = {"", "d1/", "d1/e/", "d2/"};
    static const char *const prefixes[] = {"d", "d1", "d1/", "d1/e", "d1/k0", "k", "nothing"};
    struct names names;
    make_names(c, dirs, sizeof(dirs) / sizeof(dirs[0]), COUNT, &names);
    check_lists(c, &names, prefixes, sizeof(prefixes) / sizeof(prefixes[0]));
}

/* Names that sort differently as paths and as bytes. */
static void
byte_order(struct contract *c)
{
    static const char *const dirs[] = {"",     "a/", "a-b/", "a.b/",      "a/b/",  "ab/",
                                       "a b/", "A/", "a!/",  "\xc3\xa9/", "z/y/x/"};
    static const char *const prefixes[] = {"a",  "a/",  "a/b",     "a/b/",       "ab",  "a-",
                                           "k0", "z/y", "nothing", "\xc3\xa9/k", "a b/"};
    struct names names;
    make_names(c, dirs, sizeof(dirs) / sizeof(dirs[0]), COUNT / 4, &names);
    check_lists(c, &names, prefixes, sizeof(prefixes) / sizeof(prefixes[0]));
}

static int
never(void *ctx, const struct weir_listed *o)
{
    (void)ctx;
    ck_abort_msg("'%s' listed where nothing is", o->key);
    return 1;
}

static void
empty_list(struct contract *c)
{
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, never, NULL, &c->err), "list");
    contract_put(c, contract_key(c, "a/b"), "x", 1, NULL);
    contract_ok(c, c->ops->remove(c->t, contract_key(c, "a/b"), &c->err), "remove");
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, never, NULL, &c->err), "list");
}

const struct contract_case contract_listing[] = {
    {"empty-list", empty_list},
    {"pages", pages},
    {"byte-order", byte_order},
    {NULL, NULL},
};
