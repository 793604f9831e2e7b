/* floor -- see floor.h.
 *
 *     bench_floor --port P [--sockets N] [--part BYTES] [--order stream|digest-first] FILE...
 *     bench_floor --port P [--sockets N] --small DIR      (files in directories of DIR)
 *
 * Prints one line of JSON: requests, bytes, wall_s, cpu_s (user and system of this process). */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "floor.h"

static double
wall_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
cpu_s(void)
{
    struct rusage r;
    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int
parse(int argc, char **argv, struct floor_options *o)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},  {"sockets", required_argument, NULL, 'n'},
        {"part", required_argument, NULL, 'P'},  {"order", required_argument, NULL, 'o'},
        {"small", required_argument, NULL, 's'}, {0}};
    for (int opt; (opt = getopt_long(argc, argv, "", options, NULL)) != -1;)
        switch (opt) {
        case 'p':
            o->port = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'n':
            o->sockets = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'P':
            o->part_bytes = strtoull(optarg, NULL, 10);
            break;
        case 'o':
            o->order = strcmp(optarg, "digest-first") == 0 ? FLOOR_DIGEST_FIRST : FLOOR_STREAM;
            if (o->order == FLOOR_STREAM && strcmp(optarg, "stream") != 0)
                return -1;
            break;
        case 's':
            o->small = optarg;
            break;
        default:
            return -1;
        }
    o->files = argv + optind;
    o->file_count = (size_t)(argc - optind);
    if (o->port == 0 || o->port > 65535 || o->sockets == 0 || o->sockets > 256 ||
        o->part_bytes == 0 || o->part_bytes > (uint64_t)1 << 30)
        return -1;
    return (o->file_count > 0) != (o->small != NULL) ? 0 : -1;
}

int
main(int argc, char **argv)
{
    struct floor_options o = {.sockets = 2, .part_bytes = (uint64_t)8 << 20};
    struct floor_totals t = {0};
    if (parse(argc, argv, &o) != 0) {
        fprintf(stderr, "usage: bench_floor --port P [--sockets N] [--part BYTES]\n"
                        "           [--order stream|digest-first] FILE... | --small DIR\n");
        return 2;
    }
    double wall = wall_s();
    if ((o.small != NULL ? floor_small_run(&o, &t) : floor_large_run(&o, &t)) != 0)
        return 1;
    printf("{\"requests\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"wall_s\": %.6f, \"cpu_s\": %.6f}\n",
           (uint64_t)atomic_load(&t.requests), (uint64_t)atomic_load(&t.bytes), wall_s() - wall,
           cpu_s());
    return 0;
}
