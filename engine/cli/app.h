/* app -- what every command of the program gets: parsed options, output, cancel flag.  Only
 * this folder prints, reads the environment and decides on exit statuses. */
#ifndef WEIR_CLI_APP_H
#define WEIR_CLI_APP_H

#include <stdbool.h>
#include <stdio.h>

#include <weir/weir.h>

enum weir_progress_mode {
    WEIR_PROGRESS_AUTO = 0, /* a line on a terminal, JSON events otherwise */
    WEIR_PROGRESS_JSON,
    WEIR_PROGRESS_NONE,
};

enum weir_log_format { WEIR_LOG_FORMAT_TEXT = 0, WEIR_LOG_FORMAT_JSON };

struct weir_app_options {
    const char *manifest_file;
    const char *state_dir; /* NULL: the default for the job */
    const char *report_file;
    bool report_all, accept_root;
    bool dry_run, full;
    uint64_t allow_deletes;  /* 0: as the manifest says */
    const char *output_file; /* NULL: stdout */
    const char *input_file;  /* NULL: stdin */
    bool json;               /* results as JSON on stdout */
    enum weir_log_format log_format;
    enum weir_log_level log_level;
    enum weir_progress_mode progress;
};

#define WEIR_PLAN_ACTIONS 8
struct weir_plan { /* what a dry run told, summed up by action */
    struct {
        const char *action; /* static, of the engine; NULL ends the list */
        uint64_t count, bytes;
    } sum[WEIR_PLAN_ACTIONS];
};

struct weir_console; /* stderr: log lines and the progress line above each other */

struct weir_app {
    struct weir_app_options options;
    struct weir_cancel *cancel;
    struct weir_console *console;
    struct weir_manifest *manifest;
    bool quiet; /* nobody looks: not a word while all is well */
    struct weir_plan plan;
    char state_dir[4096];
};

struct weir_command {
    const char *name, *help;
    const char *detail;               /* second paragraph of --help */
    int (*run)(struct weir_app *app); /* returns the exit status */
    bool for_cron;                    /* quiet where stdout is no terminal */
};

/* The one list of commands; ends with name == NULL.  A name may be two words. */
extern const struct weir_command weir_commands[];

/* The command that the arguments begin with, NULL when they name none. *out_words: how many of
 * them its name takes, or 1 when only its first word is there. */
const struct weir_command *weir_command_find(int argc, char **argv, int *out_words);

/* Parses argv after the command.  Returns 0; 1 when help was printed; -1 on a mistake, which
 * was told on stderr.
 * @quiet: nobody looks: neither progress nor messages below a warning, unless asked for. */
int weir_options_parse(int argc, char **argv, const struct weir_command *cmd, bool quiet,
                       struct weir_app_options *out);
void weir_options_help(FILE *to, const struct weir_command *cmd); /* NULL: of the program */

/* Loads the manifest and chooses the state directory.  Mistakes are told on stderr; returns the
 * exit status, 0 when good. */
int weir_app_load(struct weir_app *app);

/* Options for a call of the engine. */
struct weir_options weir_app_engine_options(struct weir_app *app);

/* Tells an error in full on stderr and returns its exit status. */
int weir_app_fail(struct weir_app *app, const struct weir_err *err);

int weir_cmd_check(struct weir_app *app);
int weir_cmd_seed(struct weir_app *app);
int weir_cmd_sync(struct weir_app *app);
int weir_cmd_status(struct weir_app *app);
int weir_cmd_export(struct weir_app *app);
int weir_cmd_import(struct weir_app *app);
int weir_cmd_rebuild(struct weir_app *app);

/* Asks the catalog and prints what it says; returns the exit status. */
int weir_cmd_status_show(struct weir_app *app);

/* ---- summary.c: the end of a pass on stdout ---- */
void weir_summary_print(const struct weir_app *app, const struct weir_ledger *l);
void weir_summary_plan(const struct weir_app *app, const struct weir_ledger *l);
void weir_summary_json(const struct weir_app *app, const struct weir_ledger *l,
                       const struct weir_err *err, int status);

/* ---- plan.c: one action of a dry run on stdout ---- */
void weir_plan_tell(struct weir_app *app, const struct weir_planned *p);

/* ---- console.c ---- */
struct weir_console *weir_console_create(const struct weir_app_options *o,
                                         const struct weir_clock *clock);
void weir_console_free(struct weir_console *c);
void weir_console_log(void *console, enum weir_log_level level, const char *text);
void weir_console_progress(void *console, const struct weir_progress *p);
struct weir_buf;
/* Appends a text with what is no character, or controls a terminal, as \xNN. */
void weir_console_plain(struct weir_buf *b, const char *text, size_t bytes);
void weir_console_clear(struct weir_console *c); /* takes the progress line away */

#endif
