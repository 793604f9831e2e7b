/* catalog -- the SQLite file that remembers everything about a job.  All SQL of weir is here.
 *
 * One process (kernel lock on the state directory), one thread: the coordinator.  A row says
 * done only after a validated reply; after a crash the store is the truth.  Rows are bytes and
 * integers; paths are BLOBs.  Any SQLite error is WEIR_E_CATALOG or WEIR_E_IO (disk full),
 * scope RUN, with the path of the file and what to do. */
#ifndef WEIR_CATALOG_CATALOG_H
#define WEIR_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/digest.h>
#include <weir/entry.h>
#include <weir/err.h>
#include <weir/transport.h>

struct weir_catalog;

enum weir_catalog_mode {
    WEIR_CATALOG_WRITE =
        0,             /* create when missing, take the lock; LOCKED when somebody has it */
    WEIR_CATALOG_READ, /* read-only, no lock, beside a running writer; NOT_FOUND if none */
};

/* Who this catalog belongs to.  A catalog made for another is refused with WEIR_E_SAFETY that
 * names both values and what to do. */
struct weir_catalog_identity {
    const char *job;             /* manifest name */
    const char *destination;     /* destination URL and endpoint */
    const char *root;            /* path of the lake's root */
    const char *job_id;          /* of a new catalog, 32 hex digits; NULL: made from the seed */
    uint64_t root_dev, root_ino; /* kept as facts root_dev and root_ino; the caller compares */
};

/**
 * weir_catalog_open() -- open <state_dir>/catalog.db (WAL, synchronous=FULL, 0600; directory
 * 0700, made when missing with its parents, refused when it is a symlink or belongs to someone
 * else or others may write it).
 * Refuses network file systems (CONFIG).
 * Checks: application_id, schema version (older is migrated in one transaction, newer refused),
 * `PRAGMA quick_check` (CATALOG: names the file, how to move it away and adopt from the store);
 * about 0.3 s for 1,000,000 rows in the page cache, so a reader goes without it, and a large
 * file has it after a crash and every 64th pass only.
 * @identity: compared when not NULL; a new catalog needs one.
 * @seed: makes the job's random id (hex, 32) when the catalog is new.
 */
int weir_catalog_open(const char *state_dir, enum weir_catalog_mode mode,
                      const struct weir_catalog_identity *identity, uint64_t seed,
                      struct weir_catalog **out, struct weir_err *err);
void
weir_catalog_close(struct weir_catalog *c); /* rolls back an open transaction; NULL is fine */

const char *weir_catalog_job_id(const struct weir_catalog *c); /* 32 hex digits */
const char *weir_catalog_path(const struct weir_catalog *c);   /* of catalog.db */
/* stat of the state directory, for weir_walk_options.skip_dirs */
const struct weir_stat *weir_catalog_dir_stat(const struct weir_catalog *c);

/* Small facts by name (capabilities, phase, root inode, marker).  get: *out_found false when
 * not set; text is truncated never: NOMEM/LIMIT instead. */
int weir_catalog_fact_set(struct weir_catalog *c, const char *name, const char *value,
                          struct weir_err *err);
int weir_catalog_fact_get(struct weir_catalog *c, const char *name, char *out, size_t out_bytes,
                          bool *out_found, struct weir_err *err);

/* Transactions.  Every write needs one open (BUG otherwise), facts too.  commit is durable on
 * return.  After an error inside a transaction nothing more can be written or committed: close,
 * which rolls back. */
int weir_catalog_begin(struct weir_catalog *c, struct weir_err *err);
int weir_catalog_commit(struct weir_catalog *c, struct weir_err *err);

/* ---- directories ---- */
struct weir_catalog_dir {
    int64_t id;
    bool sealed;  /* every taken entry of stat_digest is done: equal digest = nothing to do */
    bool opened;  /* a pass began to send entries of it and has not sealed it since: objects may
                     exist that have no row (crash between reply and commit) */
    bool mounted; /* was on another file system than the root when it was last looked at */
    struct weir_xxh128 stat_digest;
    uint64_t entries; /* taken entries at the time of sealing, without directories */
    uint64_t bytes;   /* their sum of sizes */
};
int weir_catalog_dir_get(struct weir_catalog *c, const char *path, size_t path_len,
                         struct weir_catalog_dir *out, bool *out_found, struct weir_err *err);
/* Makes the row when missing, sets opened = true, sealed = false; *out_id. */
int weir_catalog_dir_open(struct weir_catalog *c, const char *path, size_t path_len,
                          int64_t *out_id, struct weir_err *err);
/* Writes sealed, mounted, stat_digest, entries and bytes of dir->id, with opened = false: what
 * has no row now has no object of this pass. */
int weir_catalog_dir_close(struct weir_catalog *c, const struct weir_catalog_dir *dir,
                           struct weir_err *err);
/* The highest id given so far, 0 without any. */
int weir_catalog_dir_last(struct weir_catalog *c, int64_t *out_id, struct weir_err *err);
/* Directories with id after < id <= last that have entries which are not gone, or are mounted,
 * in order of id.  *out_path is malloc'ed; *out_found false at the end. */
int weir_catalog_dir_next(struct weir_catalog *c, int64_t after, int64_t last,
                          struct weir_catalog_dir *out, char **out_path, size_t *out_path_len,
                          bool *out_found, struct weir_err *err);
/* Forgets a directory when it has no rows (left) and is not marked open; else does nothing. */
int weir_catalog_dir_drop_empty(struct weir_catalog *c, int64_t id, struct weir_err *err);

/* ---- entries ---- */
enum weir_catalog_proof { /* stored: never renumber */
                          WEIR_PROOF_UPLOADED =
                              1, /* sent, accepted, but the store does not check digests */
                          WEIR_PROOF_VERIFIED =
                              2, /* the store computed, or gave back, the same digest */
                          WEIR_PROOF_ADOPTED = 3, /* as VERIFIED, but another tool sent it */
};
struct weir_catalog_entry {
    const char *name; /* borrowed */
    size_t name_len;
    uint8_t type;  /* enum weir_entry_type */
    uint8_t proof; /* enum weir_catalog_proof */
    struct weir_stat st;
    struct weir_xxh128 xxh128;
    uint64_t crc64nvme;
    uint64_t part_bytes;        /* 0 = single PUT */
    uint64_t chunk_bytes;       /* grain of the chunk digests */
    const char *etag, *version; /* "" when unknown; borrowed */
    int64_t gone_ns; /* wall clock: vanished from the lake, seen first at that time; 0 = live */
    bool doubt; /* a pass began to replace or delete the object and has not said how it went */
    bool moved; /* its content was copied to the new name of its file */
};
/* Rows of one directory in byte order of name: the merge join of compare.  The row's pointers
 * are valid until the next call.  *out_row = NULL at the end. */
int weir_catalog_rows_begin(struct weir_catalog *c, int64_t dir_id, struct weir_err *err);
int weir_catalog_rows_next(struct weir_catalog *c, const struct weir_catalog_entry **out_row,
                           struct weir_err *err);
void weir_catalog_rows_end(struct weir_catalog *c);
/* Inserts or replaces.  chunks (count > 1 only) are kept for delta; NULL for none. */
int weir_catalog_entry_put(struct weir_catalog *c, int64_t dir_id,
                           const struct weir_catalog_entry *row,
                           const struct weir_xxh128 *chunks, size_t chunk_count,
                           struct weir_err *err);
/* *out_chunks is malloc'ed (NULL when none are kept). */
int weir_catalog_chunks_get(struct weir_catalog *c, int64_t dir_id, const char *name,
                            size_t name_len, struct weir_xxh128 **out_chunks, size_t *out_count,
                            struct weir_err *err);

/* Marks one entry as vanished (its object is still in the store), or with 0 as back.  Its
 * directory is no longer sealed. */
int weir_catalog_entry_gone(struct weir_catalog *c, int64_t dir_id, const char *name,
                            size_t name_len, int64_t gone_ns, struct weir_err *err);
/* Announces that the object is about to be replaced or deleted; entry_put takes it back. */
int weir_catalog_entry_doubt(struct weir_catalog *c, int64_t dir_id, const char *name,
                             size_t name_len, struct weir_err *err);
/* The content of an entry was copied to another one, of the same file. */
int weir_catalog_entry_moved(struct weir_catalog *c, int64_t dir_id, const char *name,
                             size_t name_len, struct weir_err *err);
/* At the end of a walk: what was copied and is still live was linked, not moved. */
int weir_catalog_moved_settle(struct weir_catalog *c, struct weir_err *err);
/* entry_gone for every live entry of a directory. */
int weir_catalog_dir_gone(struct weir_catalog *c, int64_t dir_id, int64_t gone_ns,
                          struct weir_err *err);
/* Removes the row and its chunk digests. */
int weir_catalog_entry_remove(struct weir_catalog *c, int64_t dir_id, const char *name,
                              size_t name_len, struct weir_err *err);
/* One row by name; *out_found.  Pointers of *out are valid until the next call of
 * entry_find or rows_next. */
int weir_catalog_entry_find(struct weir_catalog *c, int64_t dir_id, const char *name,
                            size_t name_len, struct weir_catalog_entry *out, bool *out_found,
                            struct weir_err *err);

struct weir_catalog_place { /* where a row is */
    int64_t dir_id;
    char *path; /* of the entry, relative to the root; malloc'ed */
    size_t path_len;
    size_t name_len; /* the last bytes of path are its name; 0: the directory's own object */
};
/* A regular file, not empty, with this inode, size and mtime: gone or live; one with the same
 * ctime first, else by (dir, name).  out_row's texts are valid until the next call of
 * entry_find or rows_next.  Finds nothing while a new catalog fills: it has an index from the
 * first pass on that begins after a finished one, or after an import. */
int weir_catalog_find_inode(struct weir_catalog *c, const struct weir_stat *st,
                            struct weir_catalog_place *out_place,
                            struct weir_catalog_entry *out_row, bool *out_found,
                            struct weir_err *err);
/* Vanished entries that were missing at least since before_ns: how many, their bytes. */
int weir_catalog_gone_count(struct weir_catalog *c, int64_t before_ns, uint64_t *out_entries,
                            uint64_t *out_bytes, struct weir_err *err);
/* Of them: those that were moved: their content is under another key. */
int weir_catalog_gone_moved(struct weir_catalog *c, int64_t before_ns, uint64_t *out_entries,
                            struct weir_err *err);
/* The next of them after (after_dir, after_name) in order of (dir id, name); after_dir 0
 * begins. *out_found false at the end. */
int weir_catalog_gone_next(struct weir_catalog *c, int64_t before_ns, int64_t after_dir,
                           const char *after_name, size_t after_name_len,
                           struct weir_catalog_place *out_place,
                           struct weir_catalog_entry *out_row, bool *out_found,
                           struct weir_err *err);
/* All rows, live and gone.  O(rows). */
int weir_catalog_entry_count(struct weir_catalog *c, uint64_t *out_entries,
                             struct weir_err *err);

/* ---- multipart uploads in flight: written before they are used ---- */
struct weir_catalog_upload {
    int64_t id;
    const char *path; /* relative path of the file (bytes); borrowed */
    size_t path_len;
    const char *key;       /* borrowed */
    const char *upload_id; /* "" until create_upload was answered; borrowed */
    struct weir_stat st;   /* the file when the upload began; another file = start again */
    uint64_t part_bytes, chunk_bytes;
    bool completing; /* Complete was sent, or is about to be: outcome may be unknown */
    bool delta;      /* its parts follow a plan over the object that it replaces */
};
/* Inserts (id 0) or replaces; *out_id.  A path may have several; a changed upload_id forgets
 * the parts that were recorded under the old one. */
int weir_catalog_upload_put(struct weir_catalog *c, const struct weir_catalog_upload *u,
                            int64_t *out_id, struct weir_err *err);
int weir_catalog_upload_find(struct weir_catalog *c, const char *path, size_t path_len,
                             struct weir_catalog_upload *out, bool *out_found,
                             struct weir_err *err); /* the latest; strings valid until the next
                                                       find */
typedef int weir_catalog_upload_fn(void *ctx, const struct weir_catalog_upload *u);
int weir_catalog_upload_each(struct weir_catalog *c, weir_catalog_upload_fn *fn, void *ctx,
                             struct weir_err *err); /* in order of id; fn must not call the
                                                       catalog; non-zero stops, with success */
int weir_catalog_upload_remove(struct weir_catalog *c, int64_t id, struct weir_err *err);
/* Records an accepted part with the digests of its chunks. */
int weir_catalog_part_put(struct weir_catalog *c, int64_t upload, const struct weir_part *part,
                          const struct weir_xxh128 *chunks, size_t chunk_count,
                          struct weir_err *err);
typedef int weir_catalog_part_fn(void *ctx, const struct weir_part *part,
                                 const struct weir_xxh128 *chunks, size_t chunk_count);
int weir_catalog_part_each(struct weir_catalog *c, int64_t upload, weir_catalog_part_fn *fn,
                           void *ctx, struct weir_err *err); /* in part order */

/* ---- passes ---- */
/* Records the start; *out_pass counts from 1.  The first one after a finished pass also makes
 * the index of find_inode: 1 s for 1,000,000 rows. */
int weir_catalog_pass_begin(struct weir_catalog *c, const char *command, int64_t wall_ns,
                            int64_t *out_pass, struct weir_err *err);
/* The ledger as JSON text, at the end and now and then before (a killed pass shows its last).
 */
int weir_catalog_pass_update(struct weir_catalog *c, int64_t pass, int64_t wall_ns,
                             bool finished, int exit_status, const char *ledger_json,
                             struct weir_err *err);
/* No later pass gets a number up to this one: names in the store contain them. */
int weir_catalog_pass_skip(struct weir_catalog *c, int64_t pass, struct weir_err *err);
struct weir_catalog_pass {
    int64_t pass, started_ns, updated_ns;
    bool finished;
    int exit_status;
    char command[16];
    char *ledger_json; /* malloc'ed; may be NULL */
};
int weir_catalog_pass_last(struct weir_catalog *c, struct weir_catalog_pass *out,
                           bool *out_found, struct weir_err *err);
/* Start of the last pass that finished with exit status 0; 0 when there is none. */
int weir_catalog_pass_last_good(struct weir_catalog *c, int64_t *out_started_ns,
                                struct weir_err *err);
/* Totals of all live rows: what is in the store by the catalog.  O(rows); bytes stop at
 * UINT64_MAX. */
int weir_catalog_totals(struct weir_catalog *c, uint64_t *out_entries, uint64_t *out_bytes,
                        struct weir_err *err);

#endif
