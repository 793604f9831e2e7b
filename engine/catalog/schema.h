/* schema -- the tables of a catalog, and how older ones become it. */
#ifndef WEIR_CATALOG_SCHEMA_H
#define WEIR_CATALOG_SCHEMA_H

#include <stdbool.h>

#include <weir/err.h>

struct weir_catalog;

#define WEIR_SCHEMA_APPLICATION_ID 0x77656972 /* "weir" */

/* What is in the file that was just opened? */
enum weir_schema_kind {
    WEIR_SCHEMA_EMPTY,   /* nothing yet */
    WEIR_SCHEMA_OLDER,   /* to be upgraded */
    WEIR_SCHEMA_CURRENT, /* ready */
};

/* CATALOG: another program's database, a newer weir's, or no database at all. */
int weir_schema_look(struct weir_catalog *c, enum weir_schema_kind *out, struct weir_err *err);

/* After a crash, while the file is small, and every 64th pass: walks every page; CATALOG when
 * the file is damaged. */
int weir_schema_check(struct weir_catalog *c, struct weir_err *err);

/* Creates or upgrades in one transaction: all steps or none. */
int weir_schema_upgrade(struct weir_catalog *c, struct weir_err *err);

/* The same with given steps, for tests: step i leads from version i to i + 1. */
int weir_schema_run_steps(struct weir_catalog *c, const char *const *steps, int count,
                          struct weir_err *err);

/* Makes the index by inode, unless it is there: 1 s for 1,000,000 rows.  In a transaction. */
int weir_schema_index_inodes(struct weir_catalog *c, struct weir_err *err);
/* Is it there? */
int weir_schema_look_index(struct weir_catalog *c, struct weir_err *err);

#endif
