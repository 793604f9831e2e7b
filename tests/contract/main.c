/* test_contract file|sidecar|wrap|s3 [behaviour] -- run the contract suite on one kind of
 * store.
 *
 * file: a directory of its own; sidecar: one without extended attributes; wrap: file behind
 * weir_transport_wrap(); s3: the bucket
 * WEIR_TEST_S3_BUCKET at WEIR_TEST_S3_ENDPOINT (region WEIR_TEST_S3_REGION or us-east-1), with
 * the credentials of the environment.  WEIR_TEST_SEED repeats a run, WEIR_TEST_LEAVE_OUT names
 * behaviours not to be tried, WEIR_TEST_STRICT says that the S3 store is the strict fake. */
#include "contract.h"

#include "file/store.h" /* for a store with sidecars, which no URL asks for */

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

static const struct contract_case *const groups[] = {
    contract_objects, contract_keys,   contract_conditions, contract_uploads, contract_listing,
    contract_threads, contract_copies, contract_ranges,     contract_removal,
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static const char *
environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

/* A clock in which waiting goes twenty times faster: a wrong checksum is sent ten times,
 * because the line could have been at fault, and that is a minute of backoff. */
static atomic_int_fast64_t skipped_ns;

static int64_t
hurried_mono(const struct weir_clock *c)
{
    (void)c;
    return weir_clock_system()->mono_ns(weir_clock_system()) + skipped_ns;
}

static void
hurried_sleep(const struct weir_clock *c, int64_t ns)
{
    (void)c;
    atomic_fetch_add(&skipped_ns, ns - ns / 20);
    weir_clock_system()->sleep_ns(weir_clock_system(), ns / 20);
}

static struct weir_clock hurried;

static struct setup { /* of the whole program: check's tests take no arguments */
    const char *kind, *only;
    char directory[64];
    char url[256];
    char endpoint[256];
    struct weir_destination destination;
    struct weir_transfer transfer;
    struct weir_transport_options options;
    unsigned caps;
    uint64_t seed;
} setup;

static struct weir_transport *
open_store(void)
{
    struct weir_err err = WEIR_ERR_INIT;
    char text[2048];
    struct weir_transport *t = NULL;
    if (strcmp(setup.kind, "sidecar") == 0)
        return weir_file_open_keep(&setup.options, FILE_KEEP_SIDECAR, &t, &err) == 0 ? t : NULL;
    int rc = weir_transport_open(&setup.options, &t, &err);
    if (rc == 0 && strcmp(setup.kind, "file") != 0) { /* s3 as the engine uses it: wrapped */
        struct weir_transport *inner = t;
        rc = weir_transport_wrap(&setup.options, &setup.transfer, inner, &t, &err);
    }
    if (rc == 0)
        return t;
    (void)fprintf(stderr, "open %s: %s\n", setup.url, weir_err_text(&err, text, sizeof(text)));
    return NULL;
}

static const struct contract_case *
nth_case(int n)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (const struct contract_case *k = groups[g]; k->name != NULL; k++)
            if (n-- == 0)
                return k;
    return NULL;
}

/* WEIR_TEST_LEAVE_OUT is a list of names with blanks between them. */
static bool
is_left_out(const char *name)
{
    const char *list = getenv("WEIR_TEST_LEAVE_OUT");
    size_t n = strlen(name);
    for (const char *at = list; at != NULL && (at = strstr(at, name)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static void
behaviour(int n)
{
    const struct contract_case *k = nth_case(n);
    struct contract c = {.caps = setup.caps, .name = k->name};
    if (setup.only != NULL && strcmp(setup.only, k->name) != 0)
        return;
    if (setup.only == NULL && is_left_out(k->name)) {
        printf("left out: %s: a known difference of this store\n", k->name);
        (void)fflush(stdout);
        return;
    }
    c.t = open_store();
    ck_assert_ptr_nonnull(c.t);
    c.ops = c.t->ops;
    c.strict = strcmp(setup.kind, "s3") != 0 || getenv("WEIR_TEST_STRICT") != NULL;
    c.lim = c.ops->limits(c.t);
    c.rng.state = setup.seed + (uint64_t)n;
    c.part_bytes = c.lim->part_bytes_min > 65536 ? c.lim->part_bytes_min : 65536;
    (void)snprintf(c.prefix, sizeof(c.prefix), "contract-%08llx/%s/",
                   (unsigned long long)(setup.seed & 0xffffffffu), k->name);
    k->run(&c);
    c.ops->close(c.t);
}

START_TEST(contract)
{
    behaviour(_i);
}
END_TEST

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

struct removal {
    struct weir_transport *t;
    char key[100][1100];
    size_t count;
};

static int
note(void *ctx, const struct weir_listed *o)
{
    struct removal *r = ctx;
    (void)snprintf(r->key[r->count++], sizeof(r->key[0]), "%s", o->key);
    return r->count == 100;
}

/* Takes away what the behaviours have left in the store. */
static void
clean_up(void)
{
    static struct removal r;
    char prefix[32];
    (void)snprintf(prefix, sizeof(prefix), "contract-%08llx/",
                   (unsigned long long)(setup.seed & 0xffffffffu));
    r.t = open_store();
    if (r.t == NULL)
        return;
    do {
        r.count = 0;
        if (r.t->ops->list(r.t, prefix, NULL, note, &r, NULL) != 0)
            break;
        for (size_t i = 0; i < r.count; i++)
            (void)r.t->ops->remove(r.t, r.key[i], NULL);
    } while (r.count > 0);
    r.t->ops->close(r.t);
}

static bool
prepare(int argc, char **argv)
{
    if (argc < 2)
        return false;
    setup.kind = argv[1];
    setup.only = argc > 2 ? argv[2] : NULL;
    hurried = *weir_clock_system();
    hurried.mono_ns = hurried_mono;
    hurried.sleep_ns = hurried_sleep;
    const struct weir_clock *clock = &hurried;
    const char *seed = getenv("WEIR_TEST_SEED");
    setup.seed = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)clock->wall_ns(clock);
    setup.destination.url = setup.url;
    if (strcmp(setup.kind, "s3") == 0) {
        const char *bucket = getenv("WEIR_TEST_S3_BUCKET");
        const char *endpoint = getenv("WEIR_TEST_S3_ENDPOINT");
        char *region = getenv("WEIR_TEST_S3_REGION");
        if (bucket == NULL || endpoint == NULL)
            return false;
        (void)snprintf(setup.url, sizeof(setup.url), "s3://%s/some prefix", bucket);
        (void)snprintf(setup.endpoint, sizeof(setup.endpoint), "%s", endpoint);
        setup.destination.endpoint = setup.endpoint;
        setup.destination.region = region;
        setup.destination.ca_file = getenv("WEIR_TEST_S3_CA_FILE");
    } else if (strcmp(setup.kind, "file") == 0 || strcmp(setup.kind, "wrap") == 0 ||
               strcmp(setup.kind, "sidecar") == 0) {
        (void)snprintf(setup.directory, sizeof(setup.directory), "contract-XXXXXX");
        char here[160];
        if (mkdtemp(setup.directory) == NULL || getcwd(here, sizeof(here)) == NULL)
            return false;
        (void)snprintf(setup.url, sizeof(setup.url), "file://%s/%s", here, setup.directory);
    } else {
        return false;
    }
    setup.options = (struct weir_transport_options){.destination = &setup.destination,
                                                    .clock = clock,
                                                    .seed = setup.seed,
                                                    .env = environment};
    return true;
}

static bool
probe(void)
{
    struct weir_err err = WEIR_ERR_INIT;
    char text[2048];
    struct weir_transport *t = open_store();
    if (t == NULL)
        return false;
    int rc = t->ops->probe(t, setup.seed, &setup.caps, &err);
    printf("%s: seed %#llx, capabilities %#x\n", t->ops->describe(t),
           (unsigned long long)setup.seed, setup.caps);
    if (rc != 0)
        (void)fprintf(stderr, "probe: %s\n", weir_err_text(&err, text, sizeof(text)));
    (void)fflush(stdout);
    t->ops->close(t);
    return rc == 0;
}

int
main(int argc, char **argv)
{
    if (!prepare(argc, argv)) {
        (void)fprintf(stderr, "usage: test_contract file|sidecar|wrap|s3 [behaviour]\n"
                              "s3 needs WEIR_TEST_S3_ENDPOINT, WEIR_TEST_S3_BUCKET, AWS_*\n");
        return 2;
    }
    int failed = 1;
    if (probe()) {
        int count = 0;
        while (nth_case(count) != NULL)
            count++;
        Suite *s = suite_create("contract");
        TCase *tc = tcase_create(setup.kind);
        tcase_set_timeout(tc, 300);
        tcase_add_loop_test(tc, contract, 0, count);
        suite_add_tcase(s, tc);
        SRunner *r = srunner_create(s);
        srunner_run_all(r, CK_NORMAL);
        failed = srunner_ntests_failed(r);
        srunner_free(r);
        clean_up();
    }
    if (setup.directory[0] != '\0')
        (void)nftw(setup.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
