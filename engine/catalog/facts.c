#include <string.h>

#include "catalog/catalog_impl.h"

int
weir_catalog_fact_set(struct weir_catalog *c, const char *name, const char *value,
                      struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take_write(c, WEIR_STMT_FACT_SET,
                             "INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", &q,
                             err) != 0)
        return -1;
    weir_stmt_bind_text(&q, name);
    weir_stmt_bind_text(&q, value);
    return weir_stmt_run(&q, "write a fact", err);
}

int
weir_catalog_fact_get(struct weir_catalog *c, const char *name, char *out, size_t out_bytes,
                      bool *out_found, struct weir_err *err)
{
    struct weir_stmt q;
    if (weir_stmt_take(c, WEIR_STMT_FACT_GET, "SELECT value FROM fact WHERE name = ?", &q,
                       err) != 0)
        return -1;
    weir_stmt_bind_text(&q, name);
    int got = weir_stmt_step(&q, "read a fact", err);
    if (got < 0)
        return -1;
    *out_found = got == 1;
    if (got == 0)
        return 0;
    const char *value = weir_stmt_text(&q);
    size_t length = strlen(value);
    int rc = 0;
    if (length < out_bytes)
        memcpy(out, value, length + 1);
    else
        rc = weir_err_set(err, WEIR_E_LIMIT, "catalog %s: fact %s has %zu bytes, not %zu",
                          c->path, name, length, out_bytes);
    weir_stmt_release(&q);
    return rc;
}
