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

/* Names that sort differently as paths and as bytes. */
static void
make_names(struct contract *c, struct names *out)
{
    static const char *const dirs[] = {"",     "a/", "a-b/",      "a.b/",   "a/b/", "ab/",
                                       "a b/", "A/", "\xc3\xa9/", "z/y/x/", "a!/"};
    for (out->count = 0; out->count < COUNT; out->count++) {
        char name[128];
        (void)snprintf(name, sizeof(name), "%s%sk%04zu", c->prefix,
                       dirs[weir_rng_below(&c->rng, sizeof(dirs) / sizeof(dirs[0]))],
                       out->count);
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
order_and_pages(struct contract *c)
{
    struct names names;
    make_names(c, &names);
    expect_list(c, &names, c->prefix, NULL, 0, COUNT);
    for (unsigned i = 0; i < 10; i++) {
        size_t at = weir_rng_below(&c->rng, COUNT);
        expect_list(c, &names, c->prefix, names.item[at], at + 1, COUNT - at - 1);
    }
    expect_list(c, &names, c->prefix, c->prefix, 0, COUNT);
    expect_list(c, &names, c->prefix, names.item[COUNT - 1], 0, 0);

    struct check stopped = {.names = &names, .stop_after = 17};
    contract_ok(c, c->ops->list(c->t, c->prefix, NULL, on_listed, &stopped, &c->err),
                "stopped list");
    ck_assert_uint_eq(stopped.seen, 17);

    static const char *const prefixes[] = {"a",  "a/",  "a/b",     "a/b/",       "ab",  "a-",
                                           "k0", "z/y", "nothing", "\xc3\xa9/k", "a b/"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        const char *prefix = contract_key(c, prefixes[i]);
        size_t first = 0, count = 0;
        for (size_t n = COUNT; n-- > 0;)
            if (strncmp(names.item[n], prefix, strlen(prefix)) == 0) {
                first = n;
                count++;
            }
        expect_list(c, &names, prefix, NULL, first, count);
        if (count > 1)
            expect_list(c, &names, prefix, names.item[first], first + 1, count - 1);
    }
    for (size_t i = 0; i < COUNT; i++)
        free(names.item[i]);
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
    {"order-and-pages", order_and_pages},
    {NULL, NULL},
};
