/* main -- the program: finds the command, sets up signals and allocator, exits with its status.
 */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/app.h"

#define DRAIN_SECONDS 10

static struct weir_cancel cancel; /* the signal handler can reach nothing else */

/* First signal: drain.  Second one, or ten seconds later: stop at once. */
static void
on_signal(int number)
{
    if (number == SIGALRM || weir_cancel_get(&cancel) != WEIR_CANCEL_NONE) {
        weir_cancel_raise(&cancel, WEIR_CANCEL_NOW);
        return;
    }
    weir_cancel_raise(&cancel, WEIR_CANCEL_DRAIN);
    (void)alarm(DRAIN_SECONDS);
}

static void
set_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    (void)sigemptyset(&a.sa_mask);
    (void)sigaction(SIGINT, &a, NULL);
    (void)sigaction(SIGTERM, &a, NULL);
    (void)sigaction(SIGALRM, &a, NULL);
    a.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &a, NULL);
}

/* A closed stdin, stdout or stderr would be the number of the next file that is opened, and
 * messages would go into it.  Reading only: what is written there still fails. */
static void
hold_standard_descriptors(void)
{
    int fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDONLY);
    if (fd >= 0)
        (void)close(fd);
}

static int
run(const struct weir_command *cmd, int argc, char **argv)
{
    struct weir_app app = {.cancel = &cancel,
                           .quiet = cmd->for_cron && isatty(STDOUT_FILENO) != 1};
    int parsed = weir_options_parse(argc, argv, cmd, app.quiet, &app.options);
    if (parsed != 0)
        return parsed > 0 ? 0 : 2;
    app.console = weir_console_create(&app.options, weir_clock_system());
    if (app.console == NULL)
        return 1;
    int status = cmd->run(&app);
    weir_manifest_free(app.manifest);
    weir_console_free(app.console);
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == 0) {
        (void)fprintf(stderr, "weir: cannot write the result to stdout\n");
        status = 1;
    }
    return status;
}

/* @words: how many words at the start of the arguments begin some command. */
static int
no_command(int argc, char **argv, int words)
{
    const char *second = words == 1 && argc > 2 ? argv[2] : "";
    if (strcmp(second, "--help") == 0) {
        weir_options_help(stdout, NULL);
        return 0;
    }
    if (words == 1 && *second == '\0')
        (void)fprintf(stderr, "weir: '%s' wants a second word\n\n", argv[1]);
    else if (argc >= 2)
        (void)fprintf(stderr, "weir: there is no command '%s%s%s'\n\n", argv[1],
                      *second != '\0' ? " " : "", second);
    weir_options_help(stderr, NULL);
    return 2;
}

int
main(int argc, char **argv)
{
    hold_standard_descriptors();
    /* libcurl frees and allocates its upload buffer for each request: keep it off mmap. */
    (void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        (void)printf("weir " WEIR_VERSION "\n");
        return 0;
    }
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        weir_options_help(stdout, NULL);
        return 0;
    }
    int words;
    const struct weir_command *cmd = weir_command_find(argc - 1, argv + 1, &words);
    if (cmd == NULL)
        return no_command(argc, argv, words);
    set_signals();
    return run(cmd, argc - words, argv + words);
}
