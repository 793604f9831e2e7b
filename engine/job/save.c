/* save -- when the catalog is written: one open transaction, committed before anything is sent
 * that it announces, and at least once a second. */
#include "job/run.h"

int
weir_run_begin(struct weir_run *r, struct weir_err *err)
{
    if (r->in_transaction)
        return 0;
    if (weir_catalog_begin(r->setup.catalog, err) != 0)
        return -1;
    r->in_transaction = true;
    r->transaction_ns = weir_run_now(r);
    return 0;
}

int
weir_run_commit(struct weir_run *r, struct weir_err *err)
{
    if (!r->in_transaction)
        return 0;
    r->in_transaction = false;
    r->must_commit = false;
    return weir_catalog_commit(r->setup.catalog, err);
}
