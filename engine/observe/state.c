/* state -- the names of the states of an entry: one list for ledger, report and metrics. */
#include <weir/weir.h>

static const char *const names[WEIR_STATES] = {
    [WEIR_STATE_VERIFIED] = "verified",   [WEIR_STATE_UPLOADED] = "uploaded",
    [WEIR_STATE_UNCHANGED] = "unchanged", [WEIR_STATE_EXCLUDED] = "excluded",
    [WEIR_STATE_UNSTABLE] = "unstable",   [WEIR_STATE_FAILED] = "failed",
    [WEIR_STATE_KEPT] = "kept",           [WEIR_STATE_DELETED] = "deleted",
};

const char *
weir_state_name(enum weir_state s)
{
    return names[s];
}
