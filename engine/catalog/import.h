/* import -- what the files of the import share. */
#ifndef WEIR_CATALOG_IMPORT_H
#define WEIR_CATALOG_IMPORT_H

#include "base/buf.h"
#include "catalog/catalog_impl.h"
#include "catalog/exchange.h"
#include "catalog/fields.h"

enum weir_import_has { /* facts that say whose catalog it is */
                       WEIR_HAS_JOB = 1,
                       WEIR_HAS_DESTINATION = 2,
                       WEIR_HAS_ROOT = 4,
                       WEIR_HAS_JOB_ID = 8,
                       WEIR_HAS_ALL = 15,
};

struct weir_import {
    struct weir_catalog *c;
    uint64_t line;
    uint64_t crc; /* of all lines before this one, with their newlines */
    bool header, summary;
    unsigned has; /* enum weir_import_has */
    char job_id[sizeof(((struct weir_catalog *)0)->job_id)];
    uint64_t facts, dirs, entries, digests;
    struct weir_buf last_fact, last_dir, last_name; /* the next must be greater */
    int64_t dir_id;                                 /* whose entries come */
    bool named;                                     /* last_name is of this directory */
    /* An entry that waits for its digests, when not NULL.  It holds the texts of row. */
    json_t *waiting;
    struct weir_catalog_entry row;
    size_t chunks;
    struct weir_buf chunk_data;
};

/* CONFIG with the number of the line.  Returns -1. */
int weir_import_wrong(const struct weir_import *m, struct weir_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Refuses a line with fields that are bad or were not read. */
int weir_import_end(const struct weir_import *m, const struct weir_fields *f,
                    struct weir_err *err);
/* Keeps bytes as the last ones.  1, 0 when they are not greater than those before, -1. */
int weir_import_follow(struct weir_buf *last, bool first, const char *bytes, size_t len,
                       struct weir_err *err);

/* ---- import_rows.c: each takes a line ---- */
int weir_import_dir(struct weir_import *m, struct weir_fields *f, struct weir_err *err);
int weir_import_entry(struct weir_import *m, struct weir_fields *f, struct weir_err *err);
int weir_import_digests(struct weir_import *m, struct weir_fields *f, struct weir_err *err);

#endif
