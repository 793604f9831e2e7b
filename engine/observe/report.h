/* report -- NDJSON, one record for every entry that was not unchanged, and a last one with the
 * ledger.  A report without its summary record is recognisably incomplete. */
#ifndef WEIR_OBSERVE_REPORT_H
#define WEIR_OBSERVE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/digest.h>
#include <weir/err.h>

struct weir_report;

struct weir_record { /* all borrowed; NULL or 0 = not known, left out */
    const char *path;
    size_t path_len;
    const char *key; /* written only where it differs from the path */
    const char *type;
    const char *state;
    bool has_bytes;
    uint64_t bytes;
    const struct weir_xxh128 *xxh128;
    size_t chunks; /* shown as "-N" when more than one */
    const uint64_t *crc64nvme;
    const char *etag, *version;
    bool found;             /* was in the store already */
    bool copied;            /* made by the store from an object it had */
    const char *quarantine; /* key of the copy in the quarantine, or NULL */
    const char *rule;
    const struct weir_err *err;
};

/* Creates the file (0600) and writes a first record
 * {"report": {"weir": version, "job": ..., "pass": ...}}.  An older report of that name is
 * replaced; any other file is refused (CONFIG). */
int weir_report_open(const char *path, const char *job, int64_t pass, struct weir_report **out,
                     struct weir_err *err);

/* Appends one record; r may be NULL.  An error (disk full) is remembered and given by
 * weir_report_close(): the transfer goes on. */
void weir_report_entry(struct weir_report *r, const struct weir_record *record);

/* Writes {"summary": ...}, syncs, closes, frees.  -1: the report is incomplete. */
int weir_report_close(struct weir_report *r, const char *summary_json, struct weir_err *err);
void weir_report_discard(struct weir_report *r); /* closes without a summary; NULL is fine */

const char *weir_report_path(const struct weir_report *r);

#endif
