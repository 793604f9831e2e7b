/* options -- one table gives getopt_long its input and --help its text. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/app.h"

enum key {
    KEY_STATE = 1,
    KEY_REPORT,
    KEY_REPORT_ALL,
    KEY_ACCEPT_ROOT,
    KEY_DRY_RUN,
    KEY_FULL,
    KEY_ALLOW_DELETES,
    KEY_JSON,
    KEY_LOG_FORMAT,
    KEY_LOG_LEVEL,
    KEY_PROGRESS,
    KEY_HELP
};

static const char *const passes[] = {"seed", "sync", "catalog rebuild", NULL};
static const char *const sync_only[] = {"sync", NULL};

static const struct option_row {
    const char *name, *arg, *help;
    int key;
    const char *const *only; /* names of the commands that take it, or NULL for all */
} rows[] = {
    {"state", "DIR", "state directory of the job (on a local disk)", KEY_STATE, NULL},
    {"json", NULL, "results as JSON on stdout", KEY_JSON, NULL},
    {"dry-run", NULL, "print what would be done, one line an entry, and do nothing",
     KEY_DRY_RUN, sync_only},
    {"full", NULL, "digest every file again, whatever its times say", KEY_FULL, sync_only},
    {"allow-deletes", "N", "for this once, up to N objects may be deleted", KEY_ALLOW_DELETES,
     sync_only},
    {"report", "FILE", "write the report there", KEY_REPORT, passes},
    {"report-all", NULL, "a record for unchanged entries too", KEY_REPORT_ALL, passes},
    {"accept-root", NULL, "the lake has moved: take source.root as it is now", KEY_ACCEPT_ROOT,
     passes},
    {"progress", "auto|json|none", "auto: a line on a terminal, JSON events otherwise",
     KEY_PROGRESS, passes},
    {"log-format", "text|json", "of the messages on stderr", KEY_LOG_FORMAT, NULL},
    {"log-level", "LEVEL", "error, warning, info or debug", KEY_LOG_LEVEL, NULL},
    {"help", NULL, "this text", KEY_HELP, NULL},
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

/* Index of value in a NULL-terminated list of words, or -1. */
static int
word(const char *value, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    return -1;
}

static int
mistake(const char *option, const char *value)
{
    (void)fprintf(stderr, "weir: --%s: '%s' is not one of its values\n", option, value);
    return -1;
}

/* A number of objects, 1 or more; -1 when it is none. */
static int
objects(const char *value, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || n == 0)
        return -1;
    *out = n;
    return 0;
}

static int
apply(struct weir_app_options *o, const struct option_row *row, const char *value)
{
    static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
    static const char *const formats[] = {"text", "json", NULL};
    static const char *const modes[] = {"auto", "json", "none", NULL};
    int i = 0;
    switch (row->key) {
    case KEY_STATE:
        o->state_dir = value;
        break;
    case KEY_DRY_RUN:
        o->dry_run = true;
        break;
    case KEY_FULL:
        o->full = true;
        break;
    case KEY_ALLOW_DELETES:
        i = objects(value, &o->allow_deletes);
        break;
    case KEY_REPORT:
        o->report_file = value;
        break;
    case KEY_REPORT_ALL:
        o->report_all = true;
        break;
    case KEY_ACCEPT_ROOT:
        o->accept_root = true;
        break;
    case KEY_JSON:
        o->json = true;
        break;
    case KEY_LOG_FORMAT:
        i = word(value, formats);
        o->log_json = i == 1;
        break;
    case KEY_LOG_LEVEL:
        i = word(value, levels);
        o->log_level = (enum weir_log_level)i;
        o->log_level_given = true;
        break;
    case KEY_PROGRESS:
        i = word(value, modes);
        o->progress = (enum weir_progress_mode)i;
        break;
    default:
        break;
    }
    return i < 0 ? mistake(row->name, value) : 0;
}

int
weir_options_parse(int argc, char **argv, const struct weir_command *cmd,
                   struct weir_app_options *out)
{
    struct option longs[ROWS + 1];
    memset(longs, 0, sizeof(longs));
    for (size_t i = 0; i < ROWS; i++)
        longs[i] =
            (struct option){.name = rows[i].name,
                            .has_arg = rows[i].arg != NULL ? required_argument : no_argument,
                            .val = (int)i + 1};
    *out = (struct weir_app_options){.log_level = WEIR_LOG_INFO};
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (c == '?' || c > (int)ROWS)
            return -1; /* getopt told why */
        const struct option_row *row = &rows[c - 1];
        if (row->key == KEY_HELP) {
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
