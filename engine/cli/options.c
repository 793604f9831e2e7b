/* options -- one table gives getopt_long its input and --help its text. */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"

enum kind {
    KIND_FLAG,    /* bool */
    KIND_TEXT,    /* const char * */
    KIND_WORD,    /* an enum: position in words */
    KIND_OBJECTS, /* uint64_t, 1 or more */
    KIND_HELP
};

/* The order of the words is the order of the enums. */
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const formats[] = {"text", "json", NULL};
static const char *const modes[] = {"auto", "json", "none", NULL};

/* The commands that take an option. */
static const char *const passes[] = {"seed", "sync", "catalog rebuild", NULL};
static const char *const sync_only[] = {"sync", NULL};
static const char *const export_only[] = {"catalog export", NULL};
static const char *const import_only[] = {"catalog import", NULL};

#define FIELD(member) offsetof(struct weir_app_options, member)

static const struct option_row {
    const char *name, *arg, *help;
    const char *const *only; /* names of the commands that take it, or NULL for all */
    enum kind kind;
    size_t offset; /* of the field in struct weir_app_options */
    const char *const *words;
} rows[] = {
    {"state", "DIR", "state directory of the job (on a local disk)", NULL, KIND_TEXT,
     FIELD(state_dir), NULL},
    {"json", NULL, "results as JSON on stdout", NULL, KIND_FLAG, FIELD(json), NULL},
    {"dry-run", NULL, "print what would be done, one line an entry, and do nothing", sync_only,
     KIND_FLAG, FIELD(dry_run), NULL},
    {"full", NULL, "digest every file again, whatever its times say", sync_only, KIND_FLAG,
     FIELD(full), NULL},
    {"allow-deletes", "N", "for this once, up to N objects may be deleted", sync_only,
     KIND_OBJECTS, FIELD(allow_deletes), NULL},
    {"output", "FILE", "write there, whole or not at all, instead of to stdout", export_only,
     KIND_TEXT, FIELD(output_file), NULL},
    {"input", "FILE", "read that instead of stdin", import_only, KIND_TEXT, FIELD(input_file),
     NULL},
    {"report", "FILE", "write the report there", passes, KIND_TEXT, FIELD(report_file), NULL},
    {"report-all", NULL, "a record for unchanged entries too", passes, KIND_FLAG,
     FIELD(report_all), NULL},
    {"accept-root", NULL, "the lake has moved: take source.root as it is now", passes,
     KIND_FLAG, FIELD(accept_root), NULL},
    {"progress", "auto|json|none", "auto: a line on a terminal, JSON events otherwise", passes,
     KIND_WORD, FIELD(progress), modes},
    {"log-format", "text|json", "of the messages on stderr", NULL, KIND_WORD, FIELD(log_format),
     formats},
    {"log-level", "LEVEL", "error, warning, info or debug", NULL, KIND_WORD, FIELD(log_level),
     levels},
    {"help", NULL, "this text", NULL, KIND_HELP, 0, NULL},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool
applies(const struct option_row *row, const struct weir_command *cmd)
{
    if (row->only == NULL || cmd == NULL)
        return true;
    for (const char *const *name = row->only; *name != NULL; name++)
        if (strcmp(*name, cmd->name) == 0)
            return true;
    return false;
}

static void
command_help(FILE *to, const struct weir_command *cmd)
{
    (void)fprintf(to, "usage: weir %s MANIFEST [options]\n\n%s\n%s\n\noptions:\n", cmd->name,
                  cmd->help, cmd->detail);
    for (size_t i = 0; i < ROWS; i++) {
        char left[48];
        if (!applies(&rows[i], cmd))
            continue;
        (void)snprintf(left, sizeof(left), "--%s%s%s", rows[i].name,
                       rows[i].arg != NULL ? " " : "", rows[i].arg != NULL ? rows[i].arg : "");
        (void)fprintf(to, "  %-28s %s\n", left, rows[i].help);
    }
}

void
weir_options_help(FILE *to, const struct weir_command *cmd)
{
    if (cmd != NULL) {
        command_help(to, cmd);
        return;
    }
    (void)fprintf(to, "weir " WEIR_VERSION " moves a data lake to S3 and proves it.\n\n"
                      "usage: weir COMMAND MANIFEST [options]\n\ncommands:\n");
    for (const struct weir_command *c = weir_commands; c->name != NULL; c++)
        (void)fprintf(to, "  %-16s %s\n", c->name, c->help);
    (void)fprintf(to,
                  "\nweir COMMAND --help tells the options; weir --version the version.\n"
                  "exit status: 0 done, 1 fatal, 2 usage or manifest, 3 some entries failed, "
                  "5 safety stop,\n6 locked by another instance, 7 credentials, permission or "
                  "TLS, 75 stopped: run again.\n");
}

static int
set_word(void *field, const char *value, const char *const *words)
{
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0) {
            *(unsigned *)field = i;
            return 0;
        }
    }
    return -1;
}

static int
set_objects(uint64_t *field, const char *value)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || n == 0)
        return -1;
    *field = n;
    return 0;
}

static int
apply(struct weir_app_options *o, const struct option_row *row, const char *value)
{
    void *field = (char *)o + row->offset;
    int rc = 0;
    switch (row->kind) {
    case KIND_FLAG:
        *(bool *)field = true;
        break;
    case KIND_TEXT:
        *(const char **)field = value;
        break;
    case KIND_WORD:
        rc = set_word(field, value, row->words);
        break;
    case KIND_OBJECTS:
        rc = set_objects(field, value);
        break;
    case KIND_HELP:
        break;
    }
    if (rc != 0)
        (void)fprintf(stderr, "weir: --%s: '%s' is not one of its values%s\n", row->name, value,
                      row->kind == KIND_OBJECTS ? ": a number, 1 or more" : "");
    return rc;
}

int
weir_options_parse(int argc, char **argv, const struct weir_command *cmd, bool quiet,
                   struct weir_app_options *out)
{
    struct option longs[ROWS + 1];
    memset(longs, 0, sizeof(longs));
    for (size_t i = 0; i < ROWS; i++)
        longs[i] =
            (struct option){.name = rows[i].name,
                            .has_arg = rows[i].arg != NULL ? required_argument : no_argument,
                            .val = (int)i + 1};
    *out = (struct weir_app_options){
        .log_level = quiet ? WEIR_LOG_WARN : WEIR_LOG_INFO,
        .progress = quiet ? WEIR_PROGRESS_NONE : WEIR_PROGRESS_AUTO,
    };
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c == '?' || c > (int)ROWS)
            return -1; /* getopt told why */
        const struct option_row *row = &rows[c - 1];
        if (row->kind == KIND_HELP) {
            weir_options_help(stdout, cmd);
            return 1;
        }
        if (!applies(row, cmd)) {
            (void)fprintf(stderr, "weir: %s has no option --%s\n", cmd->name, row->name);
            return -1;
        }
        if (apply(out, row, optarg) != 0)
            return -1;
    }
    if (argc - optind != 1) {
        (void)fprintf(stderr, "weir: %s wants one manifest file; see weir %s --help\n",
                      cmd->name, cmd->name);
        return -1;
    }
    out->manifest_file = argv[optind];
    return 0;
}
