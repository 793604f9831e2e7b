/* Every key: its default, what it fills, and both sides of each of its limits. */
#include <stdarg.h>

#include "manifest_test.h"

#define HEAD "weir: 1\nname: lake\n"
#define SOURCE "source: {root: /lake}\n"
#define STORE "destination: {url: s3://example-lake}\n"

START_TEST(defaults)
{
    struct weir_manifest *m = parse_good(HEAD SOURCE STORE);
    ck_assert_str_eq(m->file, "t.yaml");
    ck_assert_str_eq(m->name, "lake");
    ck_assert_str_eq(m->source.root, "/lake");
    ck_assert_uint_eq(m->source.include.count, 1);
    ck_assert_str_eq(m->source.include.item[0], "**");
    ck_assert_uint_eq(m->source.exclude.count, 0);
    ck_assert_ptr_null(m->source.files_from);
    ck_assert(m->source.one_file_system);
    ck_assert_int_eq(m->source.symlinks, WEIR_SYMLINKS_RECORD);
    ck_assert_int_eq(m->source.directories, WEIR_DIRECTORIES_EMPTY);
    ck_assert_int_eq(m->source.metadata, WEIR_METADATA_POSIX);
    ck_assert_str_eq(m->destination.url, "s3://example-lake");
    ck_assert_ptr_null(m->destination.region);
    ck_assert_ptr_null(m->destination.endpoint);
    ck_assert_ptr_null(m->destination.profile);
    ck_assert_ptr_null(m->destination.ca_file);
    ck_assert_ptr_null(m->destination.storage_class);
    ck_assert_ptr_null(m->destination.encryption_key);
    ck_assert_ptr_null(m->destination.expected_owner);
    ck_assert_int_eq(m->destination.addressing, WEIR_ADDRESSING_AUTO);
    ck_assert_int_eq(m->destination.encryption, WEIR_ENCRYPTION_NONE);
    ck_assert_int_eq(m->destination.existing, WEIR_EXISTING_REFUSE);
    ck_assert(!m->destination.accelerate && !m->destination.dualstack && !m->destination.fips);
    ck_assert_uint_eq(m->destination.tag_count, 0);
    ck_assert_uint_eq(m->transfer.connections, 0);
    ck_assert_uint_eq(m->transfer.memory_bytes, 512u << 20);
    ck_assert_uint_eq(m->transfer.part_bytes, 0);
    ck_assert_uint_eq(m->transfer.window_count, 0);
    ck_assert_int_eq(m->track.delete_policy, WEIR_DELETE_KEEP);
    ck_assert_uint_eq(m->track.delete_grace_s, 24 * 3600);
    ck_assert_uint_eq(m->track.delete_limit_files, 1000);
    ck_assert_uint_eq(m->track.delete_limit_percent, 5);
    ck_assert_int_eq(m->track.metadata_changes, WEIR_METADATA_CHANGES_COPY);
    ck_assert_ptr_null(m->report.directory);
    ck_assert_ptr_null(m->metrics.textfile);
    weir_manifest_free(m);
}
END_TEST

START_TEST(source_and_report)
{
    struct weir_manifest *m = parse_good(
        HEAD "source:\n  root: /lake//a b/\n  include: ['*.csv', \"!x\\ty\"]\n"
             "  exclude:\n  - no\n  - 1.0\n  files_from: /etc/list\n  one_file_system: false\n"
             "  symlinks: skip\n  directories: all\n  metadata: none\n" STORE
             "report: {directory: /var/log/weir/}\n");
    ck_assert_str_eq(m->source.root, "/lake//a b");
    ck_assert_uint_eq(m->source.include.count, 2);
    ck_assert_str_eq(m->source.include.item[0], "*.csv");
    ck_assert_str_eq(m->source.include.item[1], "!x\ty");
    ck_assert_uint_eq(m->source.exclude.count, 2); /* texts, whatever YAML would guess */
    ck_assert_str_eq(m->source.exclude.item[0], "no");
    ck_assert_str_eq(m->source.exclude.item[1], "1.0");
    ck_assert_str_eq(m->source.files_from, "/etc/list");
    ck_assert(!m->source.one_file_system);
    ck_assert_int_eq(m->source.symlinks, WEIR_SYMLINKS_SKIP);
    ck_assert_int_eq(m->source.directories, WEIR_DIRECTORIES_ALL);
    ck_assert_int_eq(m->source.metadata, WEIR_METADATA_NONE);
    ck_assert_str_eq(m->report.directory, "/var/log/weir");
    weir_manifest_free(m);
}
END_TEST

START_TEST(destination)
{
    struct weir_manifest *m = parse_good(
        HEAD SOURCE "destination:\n  url: s3://example-lake/a/b/\n  region: us-east-1\n"
                    "  endpoint: https://s3.example:9000/base/\n  profile: my profile\n"
                    "  ca_file: /etc/ca.pem\n  addressing: virtual\n  storage_class: COLD\n"
                    "  encryption: {type: aws:kms:dsse, key: 'alias/x'}\n"
                    "  tags: {a: no, b: '', \"c d\": 12}\n  expected_owner: 012345678901\n"
                    "  existing: adopt\n");
    const struct weir_destination *d = &m->destination;
    ck_assert_str_eq(d->url, "s3://example-lake/a/b");
    ck_assert_str_eq(d->region, "us-east-1");
    ck_assert_str_eq(d->endpoint, "https://s3.example:9000/base");
    ck_assert_str_eq(d->profile, "my profile");
    ck_assert_str_eq(d->ca_file, "/etc/ca.pem");
    ck_assert_int_eq(d->addressing, WEIR_ADDRESSING_VIRTUAL);
    ck_assert_str_eq(d->storage_class, "COLD");
    ck_assert_int_eq(d->encryption, WEIR_ENCRYPTION_KMS_DSSE);
    ck_assert_str_eq(d->encryption_key, "alias/x");
    ck_assert_uint_eq(d->tag_count, 3);
    ck_assert_str_eq(d->tags[0].name, "a");
    ck_assert_str_eq(d->tags[0].value, "no");
    ck_assert_str_eq(d->tags[1].value, "");
    ck_assert_str_eq(d->tags[2].name, "c d");
    ck_assert_str_eq(d->tags[2].value, "12");
    ck_assert_str_eq(d->expected_owner, "012345678901");
    ck_assert_int_eq(d->existing, WEIR_EXISTING_ADOPT);
    weir_manifest_free(m);
}
END_TEST

START_TEST(amazon_endpoints)
{
    struct weir_manifest *m = parse_good(
        HEAD SOURCE "destination: {url: s3://example-lake, accelerate: true, dualstack: true,\n"
                    "  addressing: virtual, storage_class: DEEP_ARCHIVE,\n"
                    "  encryption: {type: AES256}, existing: replace}\n");
    weir_manifest_free(m);
}
END_TEST

START_TEST(transfer)
{
    struct weir_manifest *m = parse_good(
        HEAD SOURCE STORE "transfer:\n  connections: 7\n  memory: 2GiB\n  part_size: 64MiB\n"
                          "  bandwidth:\n"
                          "  - {days: mon-fri, from: 08:00, to: 18:00, limit: 200Mbit/s}\n"
                          "  - {days: 'sat,sun', from: \"22:00\", limit: 1MiB/s}\n"
                          "  - {to: 24:00, from: 00:00, limit: unlimited}\n"
                          "  - {limit: unlimited}\n");
    const struct weir_transfer *t = &m->transfer;
    const struct weir_window *w = t->windows;
    ck_assert_uint_eq(t->connections, 7);
    ck_assert_uint_eq(t->memory_bytes, UINT64_C(2) << 30);
    ck_assert_uint_eq(t->part_bytes, 64u << 20);
    ck_assert_uint_eq(t->window_count, 4);
    ck_assert(w[0].days == 0x1f && w[0].from_min == 480 && w[0].to_min == 1080);
    ck_assert_uint_eq(w[0].bytes_per_s, 25000000);
    ck_assert(w[1].days == 0x60 && w[1].from_min == 1320 && w[1].to_min == 1440);
    ck_assert_uint_eq(w[1].bytes_per_s, 1 << 20);
    ck_assert(w[2].days == 0x7f && w[2].from_min == 0 && w[2].to_min == 1440);
    ck_assert(w[3].days == 0x7f && w[3].from_min == 0 && w[3].to_min == 1440);
    ck_assert_uint_eq(w[3].bytes_per_s, 0);
    weir_manifest_free(m);
}
END_TEST

START_TEST(track_and_metrics)
{
    struct weir_manifest *m =
        parse_good(HEAD SOURCE STORE "track:\n  delete: quarantine\n  delete_grace: 90m\n"
                                     "  delete_limit: {files: 5000000000, percent: 100}\n"
                                     "  metadata_changes: catalog\n"
                                     "metrics: {textfile: /var/lib/node_exporter/lake.prom}\n");
    ck_assert_int_eq(m->track.delete_policy, WEIR_DELETE_QUARANTINE);
    ck_assert_uint_eq(m->track.delete_grace_s, 90 * 60);
    ck_assert_uint_eq(m->track.delete_limit_files, UINT64_C(5000000000));
    ck_assert_uint_eq(m->track.delete_limit_percent, 100);
    ck_assert_int_eq(m->track.metadata_changes, WEIR_METADATA_CHANGES_CATALOG);
    ck_assert_str_eq(m->metrics.textfile, "/var/lib/node_exporter/lake.prom");
    weir_manifest_free(m);
    m = parse_good(HEAD SOURCE STORE "track: {delete: mirror, delete_grace: 0s,\n"
                                     "  delete_limit: {files: 0}}\n");
    ck_assert_int_eq(m->track.delete_policy, WEIR_DELETE_MIRROR);
    ck_assert_uint_eq(m->track.delete_grace_s, 0);
    ck_assert_uint_eq(m->track.delete_limit_files, 0);
    ck_assert_uint_eq(m->track.delete_limit_percent, 5); /* what is not said stays */
    weir_manifest_free(m);
}
END_TEST

START_TEST(a_disk_is_a_store)
{
    struct weir_manifest *m =
        parse_good(HEAD SOURCE "destination: {url: file:///mnt/a%20b/, existing: adopt}\n");
    ck_assert_str_eq(m->destination.url, "file:///mnt/a%20b");
    weir_manifest_free(m);
    m = parse_good(HEAD SOURCE "destination: {url: file:///lake2}\n"); /* not below /lake */
    weir_manifest_free(m);
}
END_TEST

/* One line of a manifest that is right or wrong; %s is where it goes. */
static const struct {
    const char *frame, *line;
    bool good;
} lines[] = {
#define NAME "weir: 1\n%s\n" SOURCE STORE
    {NAME, "name: a", true},
    {NAME, "name: 0", true},
    {NAME, "name: yes", true},
    {NAME, "name: a--b-", true},
    {NAME, "name: A", false},
    {NAME, "name: a_b", false},
    {NAME, "name: a/b", false},
    {NAME, "name: ..", false},
    {NAME, "name: \"\"", false},
#define ROOT HEAD "source: {root: %s}\n" STORE
    {ROOT, "/", true},
    {ROOT, "//", true},
    {ROOT, "/a/.b/..c/...", true},
    {ROOT, "/a/./b", false},
    {ROOT, "/a/..", false},
    {ROOT, "/..", false},
    {ROOT, ".", false},
    {ROOT, "~/lake", false},
    {ROOT, "\"/new\\nline\"", true},
#define TRANSFER HEAD SOURCE STORE "transfer: {%s}\n"
    {TRANSFER, "connections: 1", true},
    {TRANSFER, "connections: 256", true},
    {TRANSFER, "connections: auto", true},
    {TRANSFER, "connections: 0", false},
    {TRANSFER, "connections: 257", false},
    {TRANSFER, "connections: 4294967297", false},
    {TRANSFER, "connections: -1", false},
    {TRANSFER, "connections: 1.0", false},
    {TRANSFER, "memory: 64MiB", true},
    {TRANSFER, "memory: 67108863B", false},
    {TRANSFER, "memory: 1TiB", true},
    {TRANSFER, "memory: 1099511627777B", false},
    {TRANSFER, "memory: auto", false},
    {TRANSFER, "part_size: auto", true},
    {TRANSFER, "part_size: 5MiB", true},
    {TRANSFER, "part_size: 5242880B", true},
    {TRANSFER, "part_size: 5242879B", false},
    {TRANSFER, "part_size: 4MiB", false},
    {TRANSFER, "part_size: 6144KiB", true},
    {TRANSFER, "part_size: 6145KiB", false},
    {TRANSFER, "part_size: 0B", false},
    {TRANSFER, "memory: 10GiB, part_size: 5GiB", true},
    {TRANSFER, "memory: 20GiB, part_size: 5121MiB", false},
    {TRANSFER, "part_size: 256MiB", true},
    {TRANSFER, "part_size: 257MiB", false},
    {TRANSFER, "bandwidth: []", true},
    {TRANSFER, "bandwidth: [{limit: 1000B/s}]", true},
    {TRANSFER, "bandwidth: [{limit: 999B/s}]", false},
    {TRANSFER, "bandwidth: [{from: 23:59, limit: 1kB/s}]", true},
    {TRANSFER, "bandwidth: [{from: 24:00, limit: 1kB/s}]", false},
    {TRANSFER, "bandwidth: [{to: 00:00, limit: 1kB/s}]", false},
    {TRANSFER, "bandwidth: [{to: 00:01, limit: 1kB/s}]", true},
    {TRANSFER, "bandwidth: [{from: 00:01, to: 00:01, limit: 1kB/s}]", false},
    {TRANSFER, "", true},
#define TRACK HEAD SOURCE STORE "track: {%s}\n"
    {TRACK, "", true},
    {TRACK, "delete: keep", true},
    {TRACK, "delete: remove", false},
    {TRACK, "delete: true", false},
    {TRACK, "delete_grace: 0s", true},
    {TRACK, "delete_grace: 0", false},
    {TRACK, "delete_grace: 3650d", true},
    {TRACK, "delete_grace: 315360001s", false},
    {TRACK, "delete_grace: [1h]", false},
    {TRACK, "delete_limit: {}", true},
    {TRACK, "delete_limit: {files: 0, percent: 0}", true},
    {TRACK, "delete_limit: {files: 1000000000000}", true},
    {TRACK, "delete_limit: {files: 1000000000001}", false},
    {TRACK, "delete_limit: {files: -1}", false},
    {TRACK, "delete_limit: {files: '7'}", false},
    {TRACK, "delete_limit: {percent: 100}", true},
    {TRACK, "delete_limit: {percent: 101}", false},
    {TRACK, "delete_limit: {percent: 5%%}", false},
    {TRACK, "delete_limit: 1000", false},
    {TRACK, "metadata_changes: copy", true},
    {TRACK, "metadata_changes: none", false},
    {TRACK, "mode: auto", false},
    {TRACK, "settle: 2s", false},
    {TRACK, "rescan: 24h", false},
    {TRACK, "max_lag: 1h", false},
#define METRICS HEAD SOURCE STORE "metrics: {%s}\n"
    {METRICS, "", true},
    {METRICS, "textfile: /a.prom", true},
    {METRICS, "textfile: a.prom", false},
    {METRICS, "textfile: /a/", false},
    {METRICS, "textfile: /a/../b", false},
    {METRICS, "textfile: /lake/a.prom", false},
    {METRICS, "textfile: /lakes/a.prom", true},
    {METRICS, "listen: '127.0.0.1:9100'", false},
#define DEST HEAD SOURCE "destination: {url: s3://example-lake, %s}\n"
    {DEST, "expected_owner: '000000000000'", true},
    {DEST, "expected_owner: 0123456789012", false},
    {DEST, "expected_owner: 12345678901a", false},
    {DEST, "tags: {}", true},
    {DEST, "tags: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10}", true},
    {DEST, "tags: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10, k: 11}", false},
    {DEST, "tags: {aws: x, 'AWS:x': y, 'größe': klein}", true},
    {DEST, "tags: {'aws:': x}", false},
    {DEST, "tags: {'': x}", false},
    {DEST, "tags: {a: 'x,y'}", false},
    {DEST, "tags: {a: \"\\x85\"}", false},
    {DEST, "endpoint: https://a", true},
    {DEST, "endpoint: 'http://127.0.0.1:1'", true},
    {DEST, "endpoint: 'http://[::1]:65535/x'", true},
    {DEST, "endpoint: 'http://a:0'", false},
    {DEST, "endpoint: 'http://a:65536'", false},
    {DEST, "endpoint: 'http://a:99999999999999999999'", false},
    {DEST, "endpoint: 'http://a:'", false},
    {DEST, "endpoint: 'http://a:1x'", false},
    {DEST, "endpoint: 'http://a b'", false},
    {DEST, "endpoint: 'http://[]'", false},
    {DEST, "endpoint: 'http://[::1]x'", false},
    {DEST, "endpoint: 'https://a/b/../c'", false},
    {DEST, "endpoint: 'https://a/b//c'", false},
    {DEST, "endpoint: 'https://a/%%2e'", false},
    {DEST, "endpoint: HTTPS://a", false},
    {DEST, "encryption: {type: aws:kms}", true},
    {DEST, "encryption: {type: none}", false},
    {DEST, "encryption: {}", false},
    {DEST, "storage_class: standard", false},
    {DEST, "storage_class: standard, endpoint: https://a", true},
    {DEST, "accelerate: false, endpoint: https://a", true},
#define URL HEAD SOURCE "destination: {url: \"%s\"}\n"
    {URL, "s3://abc", true},
    {URL, "s3://ab", false},
    {URL, "s3://a.b-c.1", true},
    {URL, "s3://abc-", false},
    {URL, "s3://.abc", false},
    {URL, "s3://a..b", false},
    {URL, "s3://a_c", false},
    {URL, "s3://Abc", false},
    {URL, "s3://1.2.3.4", false},
    {URL, "s3://1234", true},
    {URL, "s3://abc/", true},
    {URL, "s3://abc//", false},
    {URL, "s3://abc/.", false},
    {URL, "s3://abc/..", false},
    {URL, "s3://abc/x/../", false},
    {URL, "s3://abc/.x/..y", true},
    {URL, "s3://abc/日本/a b@c", true},
    {URL, "s3://abc/a\\x7f", false},
    {URL, "s3://abc/a\\x85", false},
    {URL, "S3://abc", false},
    {URL, "s3:/abc", false},
    {URL, "gs://abc", false},
    {URL, "", false},
    {URL, "file:///a", true},
    {URL, "file:///a/", true},
    {URL, "file:///a//", false},
    {URL, "file:////a", false},
    {URL, "file:///a/../b", false},
    {URL, "file://localhost/a", false},
    {URL, "file:a", false},
    {URL, "file:///lake", false},
    {URL, "file:///lake/", false},
    {URL, "file:///lakes", true},
    {URL, "file:///lake/x", false},
};

START_TEST(one_line)
{
    char text[2048];
    const char *slot = strstr(lines[_i].frame, "%s");
    ck_assert_ptr_nonnull(slot);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(slot - lines[_i].frame),
                   lines[_i].frame, lines[_i].line, slot + 2);
    char *told = mistakes_of(text, strlen(text));
    ck_assert_msg((told == NULL) == lines[_i].good, "%s: %s", lines[_i].line,
                  told != NULL ? told : "was taken");
    free(told);
}
END_TEST

/* Fields whose length is limited: the longest is taken, one more is not. */
static const struct {
    const char *before, *after;
    char fill;
    size_t longest;
} lengths[] = {
    {"weir: 1\nname: ", "\n" SOURCE STORE, 'a', 63},
    {HEAD "source: {root: /", "}\n" STORE, 'a', 4094},
    {HEAD "source: {root: /lake, files_from: ", "}\n" STORE, 'a', 4095},
    {HEAD "source: {root: /lake, exclude: [", "]}\n" STORE, 'a', 4096},
    {HEAD SOURCE "destination: {url: s3://", "}\n", 'a', 63},
    {HEAD SOURCE "destination: {url: s3://abc/", "}\n", 'a', 512},
    {HEAD SOURCE "destination: {url: file:///", "}\n", 'a', 4094},
    {HEAD SOURCE STORE "metrics: {textfile: /", "}\n", 'a', 4094},
    {HEAD SOURCE "destination: {url: s3://abc, region: ", "}\n", 'a', 63},
    {HEAD SOURCE "destination: {url: s3://abc, profile: ", "}\n", 'a', 128},
    {HEAD SOURCE "destination: {url: s3://abc, endpoint: http://", "}\n", 'a', 253},
    {HEAD SOURCE "destination: {url: s3://abc, endpoint: http://x, storage_class: ", "}\n", 'a',
     31},
    {HEAD SOURCE "destination: {url: s3://abc, tags: {? ", " : x}}\n", 'a', 128},
    {HEAD SOURCE "destination: {url: s3://abc, tags: {x: ", "}}\n", 'a', 256},
};

START_TEST(longest)
{
    static char text[1 << 14];
    for (size_t extra = 0; extra < 2; extra++) {
        size_t n = lengths[_i].longest + extra, used = strlen(lengths[_i].before);
        memcpy(text, lengths[_i].before, used);
        memset(text + used, lengths[_i].fill, n);
        strcpy(text + used + n, lengths[_i].after);
        char *told = mistakes_of(text, strlen(text));
        ck_assert_msg((told == NULL) == (extra == 0), "%s%zu: %s", lengths[_i].before, n,
                      told != NULL ? told : "was taken");
        free(told);
    }
}
END_TEST

#define COUNT_OF(a) ((int)(sizeof(a) / sizeof(*(a))))

int
main(void)
{
    Suite *s = suite_create("fields");
    TCase *tc = tcase_create("fields");
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, source_and_report);
    tcase_add_test(tc, destination);
    tcase_add_test(tc, amazon_endpoints);
    tcase_add_test(tc, transfer);
    tcase_add_test(tc, track_and_metrics);
    tcase_add_test(tc, a_disk_is_a_store);
    tcase_add_loop_test(tc, one_line, 0, COUNT_OF(lines));
    tcase_add_loop_test(tc, longest, 0, COUNT_OF(lengths));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
