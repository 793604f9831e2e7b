#include <string.h>

#include "cli/app.h"

const struct weir_command weir_commands[] = {
    {"check", "checks manifest, source, credentials, bucket and what the endpoint supports",
     "Changes nothing that stays: the probe objects below .weir/ are removed again.",
     weir_cmd_check, false},
    {"seed", "brings the store level with the lake; resumable, a second run continues",
     "Walks the lake, sends what is new or changed, proves it by digests, and writes a ledger "
     "and\n"
     "a report.  SIGINT and SIGTERM drain within 10 s (exit 75); a second one stops at once.",
     weir_cmd_seed, false},
    {"sync", "the same, and treats what vanished by track.delete; one line for cron",
     "Where stdout is no terminal it prints nothing while all is well.  Before the first "
     "delete "
     "a\n"
     "guard looks at the lake and at track.delete_limit; where it trips, everything else is "
     "done,\n"
     "nothing is deleted, and the exit status is 5.",
     weir_cmd_sync, true},
    {"status", "shows phase, counts and the last pass; works while another process runs",
     "Reads the catalog only.", weir_cmd_status, false},
    {"catalog export", "writes all that the catalog knows as NDJSON to stdout or a file",
     "Works while another process runs.  The last line is a summary: without it the export is\n"
     "incomplete.",
     weir_cmd_export, false},
    {"catalog import", "makes the catalog from such an export",
     "Reads stdin or a file.  The state directory must have no catalog yet.", weir_cmd_import,
     false},
    {"catalog rebuild", "makes the catalog from the lake and the store alone",
     "Reads every file, asks for every object, and sends nothing; the next sync sends what is "
     "missing.\n"
     "The state directory must have no catalog yet.",
     weir_cmd_rebuild, false},
    {NULL, NULL, NULL, NULL, false},
};

const struct weir_command *
weir_command_find(int argc, char **argv, int *out_words)
{
    *out_words = 0;
    for (const struct weir_command *c = weir_commands; argc > 0 && c->name != NULL; c++) {
        size_t first = strcspn(c->name, " ");
        const char *second = c->name[first] == ' ' ? c->name + first + 1 : NULL;
        if (strlen(argv[0]) != first || strncmp(argv[0], c->name, first) != 0)
            continue;
        *out_words = 1;
        if (second == NULL)
            return c;
        if (argc > 1 && strcmp(argv[1], second) == 0) {
            *out_words = 2;
            return c;
        }
    }
    return NULL;
}
