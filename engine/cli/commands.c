#include "cli/app.h"

const struct weir_command weir_commands[] = {
    {"check",
     "checks the manifest, then source, credentials, bucket and what the endpoint supports",
     "Changes nothing that stays: the probe objects below .weir/ are removed again.",
     weir_cmd_check},
    {"seed", "brings the store level with the lake; resumable, a second run continues",
     "Walks the lake, sends what is new or changed, proves it by digests, and writes a ledger "
     "and\n"
     "a report.  SIGINT and SIGTERM drain within 10 s (exit 75); a second one stops at once.",
     weir_cmd_seed},
    {"status", "shows phase, counts and the last pass; works while another process runs",
     "Reads the catalog only.", weir_cmd_status},
    {NULL, NULL, NULL, NULL},
};
