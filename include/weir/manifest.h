/* manifest -- a job as plain data.  Filled by the parser, read by everybody, changed by nobody.
 */
#ifndef WEIR_MANIFEST_H
#define WEIR_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/err.h>

struct weir_strings { /* an ordered list; count may be 0 */
    char **item;
    size_t count;
};

struct weir_pair {
    char *name, *value;
};

enum weir_symlinks { WEIR_SYMLINKS_RECORD = 0, WEIR_SYMLINKS_FOLLOW, WEIR_SYMLINKS_SKIP };
enum weir_directories {
    WEIR_DIRECTORIES_EMPTY = 0,
    WEIR_DIRECTORIES_ALL,
    WEIR_DIRECTORIES_SKIP
};
enum weir_metadata { WEIR_METADATA_POSIX = 0, WEIR_METADATA_NONE };
enum weir_existing { WEIR_EXISTING_REFUSE = 0, WEIR_EXISTING_REPLACE, WEIR_EXISTING_ADOPT };
enum weir_addressing {
    WEIR_ADDRESSING_AUTO = 0,
    WEIR_ADDRESSING_PATH,
    WEIR_ADDRESSING_VIRTUAL
};
enum weir_encryption {
    WEIR_ENCRYPTION_NONE = 0,
    WEIR_ENCRYPTION_AES256,
    WEIR_ENCRYPTION_KMS,
    WEIR_ENCRYPTION_KMS_DSSE,
};

struct weir_source {
    char *root;                  /* absolute path */
    struct weir_strings include; /* gitignore-like patterns; default {"**"} */
    struct weir_strings exclude; /* ordered; last match wins, "!" takes back */
    char *files_from;     /* path of a NUL-separated list (joined to the manifest's), or NULL */
    bool one_file_system; /* default true */
    enum weir_symlinks symlinks;
    enum weir_directories directories;
    enum weir_metadata metadata;
};

struct weir_destination {
    char *url;      /* "s3://bucket[/prefix]" or "file:///dir", no slash at the end */
    char *region;   /* or NULL: AWS_REGION, config file, then us-east-1 */
    char *endpoint; /* "https://host[:port][/base]", no slash at the end; NULL for AWS */
    char *profile;  /* section of the AWS files, or NULL */
    char *ca_file;  /* PEM file, or NULL for the system's store */
    enum weir_addressing addressing;
    bool accelerate, dualstack, fips;
    char *storage_class; /* or NULL for the bucket's default */
    enum weir_encryption encryption;
    char *encryption_key; /* KMS key id or ARN, or NULL */
    struct weir_pair *tags;
    size_t tag_count;
    char *expected_owner; /* 12-digit account id, or NULL */
    enum weir_existing existing;
};

#define WEIR_DAY_MINUTES 1440
struct weir_window {   /* first matching window wins; outside all windows there is no limit */
    uint8_t days;      /* bit 0 Monday .. bit 6 Sunday */
    uint16_t from_min; /* minutes after midnight UTC, 0..1439 */
    uint16_t to_min; /* 1..1440; below from_min means past midnight (day of its start counts) */
    uint64_t bytes_per_s; /* 0 = unlimited */
};

struct weir_transfer {
    unsigned connections;  /* 0 = auto */
    uint64_t memory_bytes; /* default 512 MiB, at least 64 MiB */
    uint64_t part_bytes;   /* 0 = auto: max(8 MiB, size / 10,000 rounded up to 1 MiB) */
    struct weir_window *windows;
    size_t window_count;
};

enum weir_delete { WEIR_DELETE_KEEP = 0, WEIR_DELETE_MIRROR, WEIR_DELETE_QUARANTINE };
enum weir_metadata_changes {
    WEIR_METADATA_CHANGES_COPY = 0, /* the object gets the new metadata by a copy onto itself */
    WEIR_METADATA_CHANGES_CATALOG   /* only the catalog learns them */
};

struct weir_track {
    enum weir_delete delete_policy; /* what sync does with objects whose file vanished */
    uint64_t delete_grace_s;        /* not before they have been missing so long; 24 h */
    uint64_t delete_limit_files;    /* more in one pass: the guard stops it; 1000 */
    unsigned delete_limit_percent;  /* the same in percent of all objects; 5 */
    enum weir_metadata_changes metadata_changes;
};

struct weir_metrics {
    char *textfile; /* Prometheus text written at the end of a sync, or NULL */
};

struct weir_report {
    char *directory; /* or NULL: the state directory */
};

struct weir_manifest {
    char *file; /* path it was read from, for messages */
    char *name; /* [a-z0-9-]{1,63} */
    struct weir_source source;
    struct weir_destination destination;
    struct weir_transfer transfer;
    struct weir_track track;
    struct weir_report report;
    struct weir_metrics metrics;
};

/**
 * weir_manifest_load() -- read and check one manifest file.
 * @path:      file; over 1 MiB is refused.
 * @out:       set only on success; free with weir_manifest_free().
 * @out_text:  set when the manifest is wrong: every mistake in file order, each as
 *             "file:line:column: error: text", the offending line, a caret line and where it
 *             helps "did you mean 'x'?".  Caller frees with free().  NULL otherwise.
 * Returns 0, or -1 with WEIR_E_CONFIG (mistakes; err holds the first one and the count),
 * WEIR_E_IO / NOT_FOUND / ACCESS, or WEIR_E_NOMEM.  Any thread; reads no environment.
 */
int weir_manifest_load(const char *path, struct weir_manifest **out, char **out_text,
                       struct weir_err *err);

/* The same from memory; @name stands for the file in messages. */
int weir_manifest_parse(const char *name, const char *text, size_t bytes,
                        struct weir_manifest **out, char **out_text, struct weir_err *err);

void weir_manifest_free(struct weir_manifest *m); /* NULL is fine */

/* The limit in bytes/s at a UTC wall time, 0 for unlimited.  Pure. */
uint64_t weir_windows_limit(const struct weir_window *windows, size_t count, int64_t wall_ns);

#endif
