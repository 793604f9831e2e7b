#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_impl.h"
#include "catalog/schema.h"

/* Lookups by inode are worth their index from the first pass on that follows a finished one. */
static int
prepare_lookups(struct weir_catalog *c, struct weir_err *err)
{
    struct weir_stmt q;
    if (c->by_inode)
        return 0;
    if (weir_stmt_take(c, WEIR_STMT_PASS_FINISHED, "SELECT 1 FROM pass WHERE finished LIMIT 1",
                       &q, err) != 0)
        return -1;
    int got = weir_stmt_step(&q, "look for a finished pass", err);
    weir_stmt_release(&q);
    return got == 1 ? weir_schema_index_inodes(c, err) : got;
}

int
weir_catalog_pass_begin(struct weir_catalog *c, const char *command, int64_t wall_ns,
                        int64_t *out_pass, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_PASS_BEGIN,
                             "INSERT INTO pass (command, started_ns, updated_ns, finished,"
                             " exit_status, ledger) VALUES (?, ?2, ?2, 0, 0, NULL)",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_text(&q, command);
    weir_stmt_bind_int(&q, wall_ns);
    if (weir_stmt_run(&q, "begin a pass", err) != 0)
        return -1;
    *out_pass = sqlite3_last_insert_rowid(c->db);
    return prepare_lookups(c, err);
}

int
weir_catalog_pass_update(struct weir_catalog *c, int64_t pass, int64_t wall_ns, bool finished,
                         int exit_status, const char *ledger_json, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_PASS_UPDATE,
                             "UPDATE pass SET updated_ns = ?, finished = ?, exit_status = ?,"
                             " ledger = ? WHERE pass = ?",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, wall_ns);
    weir_stmt_bind_int(&q, finished);
    weir_stmt_bind_int(&q, exit_status);
    weir_stmt_bind_text(&q, ledger_json);
    weir_stmt_bind_int(&q, pass);
    if (weir_stmt_run(&q, "write the ledger", err) != 0)
        return -1;
    if (sqlite3_changes(c->db) != 1)
        return weir_err_set(err, WEIR_E_BUG, "catalog: no pass %lld", (long long)pass);
    return 0;
}

int
weir_catalog_pass_last(struct weir_catalog *c, struct weir_catalog_pass *out, bool *out_found,
                       struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_PASS_LAST,
                       "SELECT pass, started_ns, updated_ns, finished, exit_status, command,"
                       " ledger FROM pass ORDER BY pass DESC LIMIT 1",
                       &q, err) != 0)
        return -1;
    int got = weir_stmt_step(&q, "read the last pass", err);
    if (got < 0)
        return -1;
    *out_found = got == 1;
    if (got == 0)
        return 0;
    struct weir_catalog_pass last = {0};
    last.pass = weir_stmt_int(&q);
    last.started_ns = weir_stmt_int(&q);
    last.updated_ns = weir_stmt_int(&q);
    last.finished = weir_stmt_int(&q) != 0;
    last.exit_status = (int)weir_stmt_int(&q);
    (void)snprintf(last.command, sizeof(last.command), "%s", weir_stmt_text(&q));
    const char *ledger = weir_stmt_text(&q);
    int rc = 0;
    if (ledger[0] != '\0' && (last.ledger_json = strdup(ledger)) == NULL)
        rc = weir_err_set(err, WEIR_E_NOMEM, "ledger of the last pass");
    weir_stmt_release(&q);
    if (rc == 0)
        *out = last;
    return rc;
}

int
weir_catalog_pass_last_good(struct weir_catalog *c, int64_t *out_started_ns,
                            struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_PASS_LAST_GOOD,
                       "SELECT started_ns FROM pass WHERE finished AND exit_status = 0"
                       " ORDER BY pass DESC LIMIT 1",
                       &q, err) != 0)
        return -1;
    int got = weir_stmt_step(&q, "look for the last good pass", err);
    if (got < 0)
        return -1;
    *out_started_ns = got == 1 ? weir_stmt_int(&q) : 0;
    weir_stmt_release(&q);
    return 0;
}

int
weir_catalog_pass_skip(struct weir_catalog *c, int64_t pass, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_PASS_SKIP,
                             "UPDATE sqlite_sequence SET seq = max(seq, ?)"
                             " WHERE name = 'pass'",
                             &q, err) != 0)
        return -1;
    weir_stmt_bind_int(&q, pass);
    return weir_stmt_run(&q, "number the passes", err);
}
