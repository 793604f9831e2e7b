#include "observe/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

/* Every file begins so: the mark by which weir knows a file as its own. */
#define FIRST_METRIC "weir_last_success_timestamp_seconds"
#define FIRST_BYTES "# HELP " FIRST_METRIC " "

#define METRIC(text, about, member)                                                            \
    {                                                                                          \
        .name = "weir_pass_" text, .help = about,                                              \
        .offset = offsetof(struct weir_ledger, member)                                         \
    }

/* The figures of the ledger that are one number each. */
static const struct {
    const char *name, *help;
    size_t offset;
} metrics[] = {
    METRIC("seen_entries", "Entries of the lake that the last pass saw.", seen),
    METRIC("directories", "Directories that the last pass walked.", directories),
    METRIC("found_objects", "Entries that were in the store already.", found),
    METRIC("sent_objects", "Objects sent by the last pass.", sent_objects),
    METRIC("sent_bytes", "Bytes of files sent, without what was sent again.", sent_bytes),
    METRIC("sent_parts", "Parts of large objects sent.", parts_sent),
    METRIC("reused_parts", "Parts that an earlier pass had sent.", parts_reused),
    METRIC("copied_parts", "Parts that the store copied itself.", parts_copied),
    METRIC("copied_objects", "Objects that the store copied itself.", copied_objects),
    METRIC("copied_bytes", "Bytes that the store copied itself.", copied_bytes),
    METRIC("reread_entries", "Files digested again because their times had changed.", reread),
    METRIC("quarantined_objects", "Deleted objects with a copy in the quarantine.",
           quarantined),
    METRIC("requests", "Requests to the store.", requests),
    METRIC("retries", "Requests that were repeated.", retries),
    METRIC("throttled", "Answers of the store that asked for less.", throttled),
    METRIC("wire_bytes", "Bytes that went over the line, repeats included.", wire_bytes),
    METRIC("connections", "Parallel connections to the store.", connections),
};

static void
head(struct weir_buf *b, const char *name, const char *help)
{
    weir_buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* name{job="...",state="..."}, the state where it is not NULL, and a space. */
static void
sample(struct weir_buf *b, const char *name, const char *job, const char *state)
{
    weir_buf_printf(b, "%s{job=\"", name);
    for (const char *p = job; *p != '\0'; p++) {
        if (*p == '\\' || *p == '"')
            weir_buf_text(b, "\\");
        if (*p == '\n')
            weir_buf_text(b, "\\n");
        else
            weir_buf_bytes(b, p, 1);
    }
    if (state != NULL)
        weir_buf_printf(b, "\",state=\"%s", state);
    weir_buf_text(b, "\"} ");
}

/* Nanoseconds as seconds.  No %f: its decimal point is the locale's. */
static void
seconds(struct weir_buf *b, const char *name, const char *help, const char *job, int64_t ns)
{
    head(b, name, help);
    sample(b, name, job, NULL);
    if (ns < 0) /* a clock that was put back */
        ns = 0;
    weir_buf_printf(b, "%" PRId64 ".%03" PRId64 "\n", ns / WEIR_NS_PER_S,
                    ns % WEIR_NS_PER_S / (WEIR_NS_PER_S / 1000));
}

static void
times(struct weir_buf *b, const struct weir_textfile *t)
{
    static const char lag[] = "weir_lag_seconds";
    static const char lag_help[] =
        "Age of the last pass that ended with status 0: older changes are in the store.";
    seconds(b, FIRST_METRIC, "Start of the last pass that ended with status 0; 0: none yet.",
            t->job, t->last_good_ns);
    if (t->last_good_ns != 0) {
        seconds(b, lag, lag_help, t->job, t->now_ns - t->last_good_ns);
    } else {
        head(b, lag, lag_help);
        sample(b, lag, t->job, NULL);
        weir_buf_text(b, "+Inf\n");
    }
    seconds(b, "weir_pass_end_timestamp_seconds", "End of the last pass.", t->job, t->now_ns);
    seconds(b, "weir_pass_seconds", "How long the last pass took.", t->job,
            t->ledger->elapsed_ns);
}

static void
states(struct weir_buf *b, const char *name, const char *help, const char *job,
       const uint64_t value[WEIR_STATES])
{
    head(b, name, help);
    for (int s = 0; s < WEIR_STATES; s++) {
        sample(b, name, job, weir_state_name((enum weir_state)s));
        weir_buf_printf(b, "%" PRIu64 "\n", value[s]);
    }
}

static void
compose(struct weir_buf *b, const struct weir_textfile *t)
{
    const struct weir_ledger *l = t->ledger;
    uint64_t pending = l->seen;
    times(b, t);
    head(b, "weir_pass_exit_status", "Exit status of the last pass; 0 is good.");
    sample(b, "weir_pass_exit_status", t->job, NULL);
    weir_buf_printf(b, "%d\n", t->exit_status);
    states(b, "weir_pass_entries", "Entries of the last pass by their state.", t->job,
           l->count);
    for (int s = 0; s < WEIR_STATES; s++)
        pending -= l->count[s];
    sample(b, "weir_pass_entries", t->job, "pending");
    weir_buf_printf(b, "%" PRIu64 "\n", pending);
    states(b, "weir_pass_bytes", "Sizes of the entries by their state.", t->job, l->bytes);
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        uint64_t value;
        memcpy(&value, (const char *)l + metrics[i].offset, sizeof(value));
        head(b, metrics[i].name, metrics[i].help);
        sample(b, metrics[i].name, t->job, NULL);
        weir_buf_printf(b, "%" PRIu64 "\n", value);
    }
}

/* A mistyped path must not cost a file: only metrics of weir give way. */
static int
check_old(const char *path, struct weir_err *err)
{
    char first[sizeof(FIRST_BYTES) - 1];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return 0; /* a missing directory is told when the new one is made */
    if (fd < 0 && errno == ELOOP)
        return weir_err_set(err, WEIR_E_CONFIG,
                            "the metrics file %s is a symbolic link: name the file itself",
                            path);
    if (fd < 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "cannot open the metrics file %s", path);
    bool ours =
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        (st.st_size == 0 || (pread(fd, first, sizeof(first), 0) == (ssize_t)sizeof(first) &&
                             memcmp(first, FIRST_BYTES, sizeof(first)) == 0));
    (void)close(fd);
    if (!ours)
        return weir_err_set(err, WEIR_E_CONFIG,
                            "metrics would overwrite %s, which is no metrics file of weir: "
                            "choose another name",
                            path);
    return 0;
}

static int
write_all(int fd, const struct weir_buf *b)
{
    for (size_t done = 0; done < b->len;) {
        ssize_t n = write(fd, b->data + done, b->len - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    if (fchmod(fd, 0644) != 0) /* whatever the umask: the exporter is another user */
        return -1;
    return fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

/* Puts the text at tmp, then at path. */
static int
replace(const char *tmp, const char *path, const struct weir_buf *b, struct weir_err *err)
{
    (void)unlink(tmp); /* of a pass that was killed */
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return weir_err_sys(err, WEIR_E_IO, errno, "cannot create the metrics file %s", tmp);
    int rc = write_all(fd, b);
    if (rc != 0)
        weir_err_sys(err, WEIR_E_IO, errno, "cannot write the metrics file %s", tmp);
    if (close(fd) != 0 && rc == 0) /* NFS tells of a full disk here */
        rc = weir_err_sys(err, WEIR_E_IO, errno, "cannot write the metrics file %s", tmp);
    if (rc == 0 && rename(tmp, path) != 0)
        rc = weir_err_sys(err, WEIR_E_IO, errno, "cannot replace the metrics file %s", path);
    if (rc != 0)
        (void)unlink(tmp);
    return rc;
}

int
weir_textfile_write(const char *path, const struct weir_textfile *t, struct weir_err *err)
{
    char tmp[PATH_MAX];
    struct weir_buf b = {0};
    /* Not .prom at the end: the collector leaves it alone. */
    int n = snprintf(tmp, sizeof(tmp), "%s.%s.tmp", path, t->job);
    if (n < 0 || (size_t)n >= sizeof(tmp))
        return weir_err_set(err, WEIR_E_CONFIG, "the path of the metrics file is too long");
    if (check_old(path, err) != 0)
        return -1;
    compose(&b, t);
    int rc =
        b.failed ? weir_err_set(err, WEIR_E_NOMEM, "metrics") : replace(tmp, path, &b, err);
    weir_buf_fini(&b);
    return rc;
}
