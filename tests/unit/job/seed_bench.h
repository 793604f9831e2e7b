/* seed_bench -- a lake in a temporary directory, a store in memory, and passes between them. */
#ifndef WEIR_TEST_SEED_BENCH_H
#define WEIR_TEST_SEED_BENCH_H

#include <check.h>

#include <weir/weir.h>

#include "mem_transport.h"

#define MIB ((size_t)1 << 20)

struct bench_clock { /* runs fast, and an hour ahead: new files are old enough to be read */
    struct weir_clock base;
    int64_t ahead_ns;
};

struct bench {
    char dir[64], lake[96], state[96];
    struct mem_store *store;
    struct bench_clock clock;
    struct weir_cancel cancel;
    struct weir_manifest manifest;
    struct weir_options options;
    bool sync;                 /* passes are weir_sync(), not weir_seed() */
    struct weir_ledger ledger; /* of the last pass */
    struct weir_err err;
    char log[16384]; /* messages of the last pass, one a line */
};

void bench_init(struct bench *b);
/* The same for syncs: mirror, no grace, wide limits. */
void bench_init_sync(struct bench *b);
void bench_fini(struct bench *b);

/* Files of the lake; directories on the way are made.  The content follows from size and salt.
 */
void bench_write(const struct bench *b, const char *path, size_t bytes, unsigned salt);
void bench_mkdir(const struct bench *b, const char *path);
void bench_link(const struct bench *b, const char *path, const char *target);
void bench_remove(const struct bench *b, const char *path);

void bench_rename(const struct bench *b, const char *from, const char *to);
void bench_chmod(const struct bench *b, const char *path, unsigned mode);
/* Changes one byte; keep_mtime puts the modification time back. */
void bench_poke(const struct bench *b, const char *path, size_t offset, bool keep_mtime);

/* One pass in this process.  Returns the exit status. */
int bench_seed(struct bench *b);
void bench_want(struct bench *b, int status); /* the same, and it must be this */
/* One pass in a child, which a fault may kill.  Returns its exit status. */
#define BENCH_KILLED 99
int bench_seed_child(struct bench *b);

/* The ledger adds up, the store holds exactly the bytes of the lake, no upload is open, nothing
 * was published twice.  For lakes of files, links and empty directories. */
void bench_check(struct bench *b);

/* A pass that must go well, and bench_check(). */
void bench_good(struct bench *b);
/* A pass that must find nothing to do and ask nothing. */
void bench_quiet(struct bench *b);

/* The store in memory keeps no marker as an object: puts one there, as a rebuild looks for it;
 * key is an object of the job. */
void bench_plant_marker(struct bench *b, const char *key);
/* As another program would copy an object inside the store: with its metadata. */
void bench_copy_object(struct bench *b, const char *from, const char *to);

/* What may happen to a call of the store. */
struct bench_kind {
    const char *name;
    enum mem_do act;
    enum weir_code code;
    enum weir_scope scope;
};
#define BENCH_KINDS 7 /* the last one is only for stores with conditions */
extern const struct bench_kind bench_kinds[BENCH_KINDS];

/* Changes the catalog behind weir's back. */
void bench_sql(const struct bench *b, const char *sql);

/* Rows of uploads in the catalog. */
long bench_count_uploads(const struct bench *b);

/* Text of the last report. */
char *bench_report(const struct bench *b);

#endif
