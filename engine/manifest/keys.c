#include "manifest/keys.h"

#include "manifest/check.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
#define COUNT_OF(a) (sizeof(a) / sizeof(*(a)))
#define MAP(label, table)                                                                      \
    {                                                                                          \
        .name = label, .keys = table, .key_count = COUNT_OF(table)                             \
    }
#define LATER(label)                                                                           \
    {                                                                                          \
        .name = label, .kind = WEIR_SCHEMA_LATER                                               \
    }

/* The order of the words is the order of the enums in <weir/manifest.h>. */
static const char *const symlinks[] = {"record", "follow", "skip", NULL};
static const char *const directories[] = {"empty", "all", "skip", NULL};
static const char *const metadata[] = {"posix", "none", NULL};
static const char *const existing[] = {"refuse", "replace", "adopt", NULL};
static const char *const addressing[] = {"auto", "path", "virtual", NULL};
static const char *const deletes[] = {"keep", "mirror", "quarantine", NULL};
static const char *const metadata_changes[] = {"copy", "catalog", NULL};
static const char *const encryption[] = {"AES256", "aws:kms", "aws:kms:dsse", NULL};

const char *const weir_keys_storage_classes[] = {
    "STANDARD",        "STANDARD_IA", "ONEZONE_IA",   "INTELLIGENT_TIERING",
    "GLACIER_IR",      "GLACIER",     "DEEP_ARCHIVE", "REDUCED_REDUNDANCY",
    "EXPRESS_ONEZONE", "OUTPOSTS",    "SNOW",         NULL,
};

const char *const weir_keys_s3_only[] = {
    "region",     "endpoint",       "profile", "ca_file",       "addressing",
    "accelerate", "dualstack",      "fips",    "storage_class", "encryption",
    "tags",       "expected_owner", NULL,
};

#define FIELD(member) .offset = offsetof(struct weir_manifest, member)

static const struct weir_schema_key source_keys[] = {
    {"root", WEIR_SCHEMA_TEXT, true, FIELD(source.root), .check = weir_check_path},
    {"include", WEIR_SCHEMA_PATTERNS, false, FIELD(source.include), .low = 1},
    {"exclude", WEIR_SCHEMA_PATTERNS, false, FIELD(source.exclude)},
    {"files_from", WEIR_SCHEMA_TEXT, false, FIELD(source.files_from),
     .check = weir_check_path_any},
    {"one_file_system", WEIR_SCHEMA_BOOL, false, FIELD(source.one_file_system)},
    {"symlinks", WEIR_SCHEMA_WORD, false, FIELD(source.symlinks), .words = symlinks},
    {"directories", WEIR_SCHEMA_WORD, false, FIELD(source.directories), .words = directories},
    {"metadata", WEIR_SCHEMA_WORD, false, FIELD(source.metadata), .words = metadata},
    LATER("archives"),
};
static const struct weir_schema_map source_map = MAP("source", source_keys);

static const struct weir_schema_key encryption_keys[] = {
    {"type", WEIR_SCHEMA_WORD, true, FIELD(destination.encryption), .words = encryption,
     .low = WEIR_ENCRYPTION_AES256},
    {"key", WEIR_SCHEMA_TEXT, false, FIELD(destination.encryption_key),
     .check = weir_check_kms_key},
};
static const struct weir_schema_map encryption_map = MAP("encryption", encryption_keys);

static const struct weir_schema_key destination_keys[] = {
    {"url", WEIR_SCHEMA_TEXT, true, FIELD(destination.url), .check = weir_check_url},
    {"region", WEIR_SCHEMA_TEXT, false, FIELD(destination.region), .check = weir_check_region},
    {"endpoint", WEIR_SCHEMA_TEXT, false, FIELD(destination.endpoint),
     .check = weir_check_endpoint},
    {"profile", WEIR_SCHEMA_TEXT, false, FIELD(destination.profile),
     .check = weir_check_profile},
    {"ca_file", WEIR_SCHEMA_TEXT, false, FIELD(destination.ca_file), .check = weir_check_path},
    {"addressing", WEIR_SCHEMA_WORD, false, FIELD(destination.addressing), .words = addressing},
    {"accelerate", WEIR_SCHEMA_BOOL, false, FIELD(destination.accelerate)},
    {"dualstack", WEIR_SCHEMA_BOOL, false, FIELD(destination.dualstack)},
    {"fips", WEIR_SCHEMA_BOOL, false, FIELD(destination.fips)},
    {"storage_class", WEIR_SCHEMA_TEXT, false, FIELD(destination.storage_class),
     .check = weir_check_storage_class},
    {"encryption", WEIR_SCHEMA_MAP, false, .map = &encryption_map},
    {"tags", WEIR_SCHEMA_PAIRS, false, FIELD(destination.tags),
     .count_offset = offsetof(struct weir_manifest, destination.tag_count), .high = 10,
     .check = weir_check_tag_name, .check_value = weir_check_tag_value},
    {"expected_owner", WEIR_SCHEMA_TEXT, false, FIELD(destination.expected_owner),
     .check = weir_check_owner},
    {"existing", WEIR_SCHEMA_WORD, false, FIELD(destination.existing), .words = existing},
};
static const struct weir_schema_map destination_map = MAP("destination", destination_keys);

#undef FIELD
#define FIELD(member) .offset = offsetof(struct weir_window, member)

static const struct weir_schema_key window_keys[] = {
    {"days", WEIR_SCHEMA_DAYS, false, FIELD(days)},
    {"from", WEIR_SCHEMA_TIME, false, FIELD(from_min), .high = WEIR_DAY_MINUTES - 1},
    {"to", WEIR_SCHEMA_TIME, false, FIELD(to_min), .low = 1, .high = WEIR_DAY_MINUTES},
    {"limit", WEIR_SCHEMA_RATE, true, FIELD(bytes_per_s)},
};
static const struct weir_window window_default = {.days = 0x7f, .to_min = WEIR_DAY_MINUTES};
static const struct weir_schema_map window_map = {
    .name = "a bandwidth window",
    .keys = window_keys,
    .key_count = COUNT_OF(window_keys),
    .item_bytes = sizeof(struct weir_window),
    .item_default = &window_default,
};

#undef FIELD
#define FIELD(member) .offset = offsetof(struct weir_manifest, member)

static const struct weir_schema_key transfer_keys[] = {
    {"connections", WEIR_SCHEMA_COUNT, false, FIELD(transfer.connections), .auto_word = "auto",
     .low = 1, .high = 256},
    {"memory", WEIR_SCHEMA_SIZE, false, FIELD(transfer.memory_bytes), .low = 64 * MIB,
     .high = TIB},
    {"part_size", WEIR_SCHEMA_SIZE, false, FIELD(transfer.part_bytes), .auto_word = "auto",
     .low = 5 * MIB, .high = 5 * GIB, .step = MIB},
    {"bandwidth", WEIR_SCHEMA_MAPS, false, FIELD(transfer.windows),
     .count_offset = offsetof(struct weir_manifest, transfer.window_count), .high = 100,
     .map = &window_map},
};
static const struct weir_schema_map transfer_map = MAP("transfer", transfer_keys);

static const struct weir_schema_key delete_limit_keys[] = {
    {"files", WEIR_SCHEMA_COUNT64, false, FIELD(track.delete_limit_files),
     .high = WEIR_KEYS_DELETE_FILES_MAX},
    {"percent", WEIR_SCHEMA_COUNT, false, FIELD(track.delete_limit_percent), .high = 100},
};
static const struct weir_schema_map delete_limit_map = MAP("delete_limit", delete_limit_keys);

static const struct weir_schema_key track_keys[] = {
    {"delete", WEIR_SCHEMA_WORD, false, FIELD(track.delete_policy), .words = deletes},
    {"delete_grace", WEIR_SCHEMA_DURATION, false, FIELD(track.delete_grace_s),
     .high = WEIR_KEYS_GRACE_MAX},
    {"delete_limit", WEIR_SCHEMA_MAP, false, .map = &delete_limit_map},
    {"metadata_changes", WEIR_SCHEMA_WORD, false, FIELD(track.metadata_changes),
     .words = metadata_changes},
    LATER("mode"),
    LATER("settle"),
    LATER("rescan"),
    LATER("max_lag"),
};
static const struct weir_schema_map track_map = MAP("track", track_keys);

static const struct weir_schema_key metrics_keys[] = {
    {"textfile", WEIR_SCHEMA_TEXT, false, FIELD(metrics.textfile), .check = weir_check_file},
    LATER("listen"),
};
static const struct weir_schema_map metrics_map = MAP("metrics", metrics_keys);

static const struct weir_schema_key report_keys[] = {
    {"directory", WEIR_SCHEMA_TEXT, false, FIELD(report.directory), .check = weir_check_path},
};
static const struct weir_schema_map report_map = MAP("report", report_keys);

static const struct weir_schema_key manifest_keys[] = {
    {"weir", WEIR_SCHEMA_VERSION, true, .high = 1},
    {"name", WEIR_SCHEMA_TEXT, true, FIELD(name), .check = weir_check_name},
    {"source", WEIR_SCHEMA_MAP, true, .map = &source_map},
    {"destination", WEIR_SCHEMA_MAP, true, .map = &destination_map},
    {"transfer", WEIR_SCHEMA_MAP, false, .map = &transfer_map},
    {"track", WEIR_SCHEMA_MAP, false, .map = &track_map},
    {"report", WEIR_SCHEMA_MAP, false, .map = &report_map},
    {"metrics", WEIR_SCHEMA_MAP, false, .map = &metrics_map},
    LATER("cutover"),
    LATER("audit"),
    LATER("waves"),
    LATER("pack"),
    LATER("shards"),
};
const struct weir_schema_map weir_keys_manifest = MAP("", manifest_keys);
