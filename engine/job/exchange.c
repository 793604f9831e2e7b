/* exchange -- the catalog of a job as lines, and back. */
#include "catalog/exchange.h"

#include "job/setup.h"

int
weir_catalog_export_job(const struct weir_options *o, weir_line_fn *fn, void *ctx,
                        struct weir_err *err)
{
    struct weir_setup s;
    weir_setup_init(&s, o);
    int rc = weir_setup_catalog(&s, WEIR_CATALOG_READ, err);
    if (rc == 0)
        rc = weir_catalog_export(s.catalog, fn, ctx, err);
    weir_setup_close(&s);
    return rc;
}

int
weir_catalog_import_job(const struct weir_options *o, weir_next_line_fn *next, void *ctx,
                        struct weir_err *err)
{
    struct weir_setup s;
    weir_setup_init(&s, o);
    int rc = weir_setup_root(&s, err);
    if (rc == 0)
        rc = weir_setup_catalog(&s, WEIR_CATALOG_WRITE, err);
    if (rc == 0)
        rc = weir_catalog_import(s.catalog, next, ctx, err);
    weir_setup_close(&s);
    return rc;
}
