/* put_driver -- what the transport alone costs: the same bytes again and again from memory,
 * through the contract of weir/transport.h, without lake, catalog or digests.
 *
 *     bench_put_driver URL ENDPOINT [--threads N] [--count N] [--bytes B] [--parts N] [--wrap]
 *                      [--mmap-threshold B] [--probe]
 *
 * Each thread does its share of --count objects of --bytes.  With --parts every object is a
 * multipart upload of that many parts of --bytes.  Credentials come from the environment.
 * Prints one line of JSON. */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <weir/digest.h>
#include <weir/transport.h>

struct driver { /* fixed after start but for next and failed */
    struct weir_transport *first;
    unsigned threads;
    uint64_t count, parts;
    size_t bytes;
    bool wrap, probe;
    char *data;
    uint64_t crc;
    atomic_uint_fast64_t next;
    atomic_uint failed;
};

static const char *
environment(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static int
put_multipart(struct driver *d, struct weir_transport *t, const struct weir_object *o,
              struct weir_part *parts, struct weir_err *err)
{
    struct weir_stored stored;
    char id[WEIR_UPLOAD_ID_BYTES];
    uint64_t crc = 0;
    if (t->ops->create_upload(t, o, id, err) != 0)
        return -1;
    for (uint32_t n = 1; n <= d->parts; n++) {
        if (t->ops->put_part(t, o->key, id, n, d->data, d->bytes, d->crc, &parts[n - 1], err) !=
            0)
            return -1;
        crc = weir_crc64nvme_combine(crc, d->crc, d->bytes);
    }
    return t->ops->complete_upload(t, o, id, parts, d->parts, d->parts * d->bytes, crc, &stored,
                                   err);
}

static void
put_share(struct driver *d, struct weir_transport *t, struct weir_part *parts)
{
    struct weir_err err = WEIR_ERR_INIT;
    char key[64];
    char text[1024];
    const struct weir_kv meta[] = {{"file-mtime", "1700000000000000000ns"},
                                   {"file-permissions", "0100644"},
                                   {"file-owner", "1000"},
                                   {"file-group", "1000"}};
    struct weir_object o = {.key = key, .meta = meta, .meta_count = 4};
    for (uint64_t i; (i = atomic_fetch_add(&d->next, 1)) < d->count;) {
        struct weir_stored stored;
        (void)snprintf(key, sizeof(key), "d%03" PRIu64 "/f%07" PRIu64, i / 1000, i);
        int rc = d->parts > 0 ? put_multipart(d, t, &o, parts, &err)
                              : t->ops->put(t, &o, d->data, d->bytes, d->crc, &stored, &err);
        if (rc == 0)
            continue;
        fprintf(stderr, "bench_put_driver: %s\n", weir_err_text(&err, text, sizeof(text)));
        atomic_fetch_add(&d->failed, 1);
        return;
    }
}

static void *
run(void *arg)
{
    struct driver *d = arg;
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_transport *t = NULL;
    struct weir_part *parts = calloc((size_t)d->parts + 1, sizeof(*parts));
    if (parts == NULL || d->first->ops->clone(d->first, &t, &err) != 0)
        atomic_fetch_add(&d->failed, 1);
    else
        put_share(d, t, parts);
    if (t != NULL)
        t->ops->close(t);
    free(parts);
    return NULL;
}

static int
open_store(const struct weir_transport_options *options, struct driver *d, struct weir_err *err)
{
    static const struct weir_transfer transfer = {/* borrowed as long as the handles */
                                                  .memory_bytes = (uint64_t)512 << 20};
    struct weir_transport *inner;
    unsigned caps;
    if (weir_transport_open(options, &inner, err) != 0)
        return -1;
    d->first = inner;
    if (d->wrap && weir_transport_wrap(options, &transfer, inner, &d->first, err) != 0) {
        inner->ops->close(inner);
        return -1;
    }
    if (!d->probe)
        return 0;
    if (d->first->ops->probe(d->first, 7, &caps, err) != 0) {
        d->first->ops->close(d->first);
        return -1;
    }
    fprintf(stderr, "capabilities: 0x%x\n", caps);
    return 0;
}

static void
report(const struct driver *d, int64_t wall_ns, uint64_t requests)
{
    struct rusage r;
    (void)getrusage(RUSAGE_SELF, &r);
    double user = (double)r.ru_utime.tv_sec + (double)r.ru_utime.tv_usec / 1e6;
    double sys = (double)r.ru_stime.tv_sec + (double)r.ru_stime.tv_usec / 1e6;
    double bytes = (double)d->count * (double)d->bytes * (d->parts > 0 ? (double)d->parts : 1);
    printf("{\"objects\": %" PRIu64 ", \"requests\": %" PRIu64
           ", \"bytes\": %.0f, \"wall_s\": %.6f, \"cpu_s\": %.6f, \"user_s\": %.6f,"
           " \"sys_s\": %.6f, \"us_per_object\": %.2f, \"cpu_s_per_gib\": %.4f,"
           " \"faults\": %ld, \"maxrss_kib\": %ld}\n",
           d->count, requests, bytes, (double)wall_ns / 1e9, user + sys, user, sys,
           (user + sys) * 1e6 / (double)d->count, (user + sys) * 1073741824.0 / bytes,
           r.ru_minflt, r.ru_maxrss);
}

/* Runs the threads; -1 when not all of them could be started. */
static int
drive(struct driver *d)
{
    pthread_t id[256];
    unsigned started = 0;
    while (started < d->threads && pthread_create(&id[started], NULL, run, d) == 0)
        started++;
    for (unsigned i = 0; i < started; i++)
        (void)pthread_join(id[i], NULL);
    return started == d->threads && atomic_load(&d->failed) == 0 ? 0 : -1;
}

static int
parse(int argc, char **argv, struct driver *d, struct weir_destination *to)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"bytes", required_argument, NULL, 'b'},
                                            {"parts", required_argument, NULL, 'p'},
                                            {"mmap-threshold", required_argument, NULL, 'm'},
                                            {"wrap", no_argument, NULL, 'w'},
                                            {"probe", no_argument, NULL, 'P'},
                                            {0}};
    for (int opt; (opt = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        uint64_t n = optarg == NULL ? 1 : strtoull(optarg, NULL, 10);
        if (opt == 't')
            d->threads = (unsigned)n;
        else if (opt == 'c')
            d->count = n;
        else if (opt == 'b')
            d->bytes = (size_t)n;
        else if (opt == 'p')
            d->parts = n;
        else if (opt == 'w')
            d->wrap = true;
        else if (opt == 'P')
            d->probe = true;
        else if (opt != 'm' || mallopt(M_MMAP_THRESHOLD, (int)n) != 1 ||
                 mallopt(M_TRIM_THRESHOLD, 2 * (int)n) != 1)
            return -1;
    }
    if (argc - optind != 2 || d->threads < 1 || d->threads > 256 || d->parts > 10000)
        return -1;
    to->url = argv[optind];
    to->endpoint = argv[optind + 1];
    return 0;
}

static char *
make_data(size_t bytes)
{
    char *data = malloc(bytes + 1);
    for (size_t i = 0; data != NULL && i < bytes; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    return data;
}

int
main(int argc, char **argv)
{
    static struct weir_transport_counters counters;
    struct driver d = {.threads = 2, .count = 10000, .bytes = (size_t)16 << 10};
    char region[] = "us-east-1";
    struct weir_destination to = {.region = region, .addressing = WEIR_ADDRESSING_PATH};
    const struct weir_clock *clock = weir_clock_system();
    const struct weir_transport_options options = {.destination = &to,
                                                   .clock = clock,
                                                   .counters = &counters,
                                                   .seed = 1,
                                                   .env = environment};
    struct weir_err err = WEIR_ERR_INIT;
    char text[1024];
    if (parse(argc, argv, &d, &to) != 0) {
        fprintf(stderr, "usage: bench_put_driver URL ENDPOINT [--threads N] [--count N] "
                        "[--bytes B]\n           [--parts N] [--wrap] [--mmap-threshold B] "
                        "[--probe]\n");
        return 2;
    }
    d.data = make_data(d.bytes);
    if (d.data == NULL)
        return 1;
    d.crc = weir_crc64nvme(0, d.data, d.bytes);
    if (open_store(&options, &d, &err) != 0) {
        fprintf(stderr, "bench_put_driver: %s\n", weir_err_text(&err, text, sizeof(text)));
        free(d.data);
        return 1;
    }
    int64_t start = clock->mono_ns(clock);
    int rc = drive(&d);
    report(&d, clock->mono_ns(clock) - start, atomic_load(&counters.requests));
    d.first->ops->close(d.first);
    free(d.data);
    return rc == 0 ? 0 : 1;
}
