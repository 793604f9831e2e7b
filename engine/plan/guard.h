/* guard -- may so many objects be deleted?  Asked once, before the first delete.  Pure. */
#ifndef WEIR_PLAN_GUARD_H
#define WEIR_PLAN_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/manifest.h>

struct weir_guard_question {
    const struct weir_track *track;
    uint64_t due;     /* objects that the policy would delete in this pass, without those of
                         renamed files, whose content stays */
    uint64_t known;   /* all objects that the catalog knows, with those */
    bool unseen;      /* something in the lake could not be looked at */
    uint64_t allowed; /* --allow-deletes: so many, whatever the limits say; 0 = not given */
};

enum weir_guard {
    WEIR_GUARD_OPEN = 0,
    WEIR_GUARD_UNSEEN,  /* evidence is incomplete */
    WEIR_GUARD_FILES,   /* more than delete_limit.files */
    WEIR_GUARD_PERCENT, /* more than delete_limit.percent of what is known, rounded up */
    WEIR_GUARD_ALLOWED, /* more than --allow-deletes allowed */
};

enum weir_guard weir_guard_ask(const struct weir_guard_question *q);

#endif
