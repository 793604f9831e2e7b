/* weir_fake_s3 -- a strict S3 server for tests; README.md has the options and the script. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "text.h"

enum option_id {
    OPT_PORT = 256,
    OPT_PORT_FILE,
    OPT_BUCKET,
    OPT_ACCESS_KEY,
    OPT_SECRET_KEY,
    OPT_SESSION_TOKEN,
    OPT_REGION,
    OPT_REGION_REDIRECT,
    OPT_OWNER,
    OPT_DOMAIN,
    OPT_MIN_PART,
    OPT_REPLAY,
    OPT_CLOCK_OFFSET,
    OPT_LENIENT,
    OPT_SCRIPT,
    OPT_LOG,
    OPT_DATA,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_NO_STDIN,
    OPT_VERSIONS,
    OPT_HELP
};

static const struct option options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"port-file", required_argument, NULL, OPT_PORT_FILE},
    {"bucket", required_argument, NULL, OPT_BUCKET},
    {"access-key", required_argument, NULL, OPT_ACCESS_KEY},
    {"secret-key", required_argument, NULL, OPT_SECRET_KEY},
    {"session-token", required_argument, NULL, OPT_SESSION_TOKEN},
    {"region", required_argument, NULL, OPT_REGION},
    {"region-redirect", no_argument, NULL, OPT_REGION_REDIRECT},
    {"owner", required_argument, NULL, OPT_OWNER},
    {"domain", required_argument, NULL, OPT_DOMAIN},
    {"min-part", required_argument, NULL, OPT_MIN_PART},
    {"replay", required_argument, NULL, OPT_REPLAY},
    {"clock-offset", required_argument, NULL, OPT_CLOCK_OFFSET},
    {"lenient", required_argument, NULL, OPT_LENIENT},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"log", required_argument, NULL, OPT_LOG},
    {"data", required_argument, NULL, OPT_DATA},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"no-stdin", no_argument, NULL, OPT_NO_STDIN},
    {"versions", no_argument, NULL, OPT_VERSIONS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static void
usage(FILE *f)
{
    fputs("usage: weir_fake_s3 [OPTION]...   (see tests/fakes/README.md)\n", f);
    for (const struct option *o = options; o->name; o++)
        fprintf(f, "  --%s%s\n", o->name, o->has_arg ? " VALUE" : "");
}

static int
set_number(struct fake_options *o, int id, const char *value)
{
    uint64_t n, *slot = id == OPT_PORT       ? &o->port
                        : id == OPT_MIN_PART ? &o->min_part_bytes
                                             : &o->replay_ms;
    if (fake_text_uint(value, id == OPT_PORT ? UINT16_MAX : UINT32_MAX, &n) != 0)
        return -1;
    *slot = id == OPT_REPLAY ? n * 1000 : n;
    return 0;
}

static int
set_bucket(struct fake_options *o, const char *value)
{
    if (o->bucket_count == sizeof(o->bucket) / sizeof(o->bucket[0]))
        return -1;
    o->bucket[o->bucket_count++] = value;
    return 0;
}

static const char **
text_slot(struct fake_options *o, int id)
{
    switch (id) {
    case OPT_PORT_FILE:
        return &o->port_file;
    case OPT_ACCESS_KEY:
        return &o->creds.access_key;
    case OPT_SECRET_KEY:
        return &o->creds.secret_key;
    case OPT_SESSION_TOKEN:
        return &o->creds.session_token;
    case OPT_REGION:
        return &o->creds.region;
    case OPT_OWNER:
        return &o->owner;
    case OPT_DOMAIN:
        return &o->domain;
    case OPT_SCRIPT:
        return &o->script_path;
    case OPT_LOG:
        return &o->log_path;
    case OPT_DATA:
        return &o->data_dir;
    case OPT_TLS_CERT:
        return &o->tls_cert;
    case OPT_TLS_KEY:
        return &o->tls_key;
    default:
        return NULL;
    }
}

static int
set_option(struct fake_options *o, int id, const char *value)
{
    const char **slot = text_slot(o, id);
    char *end;
    if (slot) {
        *slot = value;
        return 0;
    }
    switch (id) {
    case OPT_PORT:
    case OPT_MIN_PART:
    case OPT_REPLAY:
        return set_number(o, id, value);
    case OPT_BUCKET:
        return set_bucket(o, value);
    case OPT_CLOCK_OFFSET:
        o->clock_offset_s = strtoll(value, &end, 10);
        return *end || end == value ? -1 : 0;
    case OPT_LENIENT:
        return fake_script_lenient(value, &o->lenient);
    case OPT_REGION_REDIRECT:
        o->region_redirect = true;
        return 0;
    case OPT_VERSIONS:
        o->versions = true;
        return 0;
    case OPT_NO_STDIN:
        o->watch_stdin = false;
        return 0;
    default:
        return -1;
    }
}

int
main(int argc, char **argv)
{
    struct fake_server server = {
        .opt = {.creds = {.access_key = "AKIAFAKE",
                          .secret_key = "fakesecret",
                          .region = "us-east-1"},
                .owner = "123456789012",
                .domain = "s3.localhost",
                .data_dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
                .min_part_bytes = 5 << 20,
                .replay_ms = 600 * 1000,
                .watch_stdin = true}};
    for (int id; (id = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (id == OPT_HELP) {
            usage(stdout);
            return 0;
        }
        if (set_option(&server.opt, id, optarg) != 0) {
            if (id != '?')
                fprintf(stderr, "weir_fake_s3: bad value '%s'\n", optarg);
            return 2;
        }
    }
    if (optind != argc || !server.opt.tls_cert != !server.opt.tls_key) {
        usage(stderr);
        return 2;
    }
    return fake_server_run(&server);
}
