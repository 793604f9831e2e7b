/* cmd_catalog -- the catalog as lines of NDJSON: out to a file, and back in. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/app.h"
#include "cli/lines.h"

/* NULL and "-" are the standard stream. */
static bool
is_standard(const char *name)
{
    return name == NULL || strcmp(name, "-") == 0;
}

struct out {
    FILE *to;
    int failed; /* errno of the write that failed */
};

static int
write_line(void *ctx, const char *line, size_t bytes)
{
    struct out *o = ctx;
    if (fwrite(line, 1, bytes, o->to) == bytes && putc('\n', o->to) != EOF)
        return 0;
    o->failed = errno;
    return -1;
}

static int
export_to(const struct weir_options *o, FILE *to, const char *name, struct weir_err *err)
{
    struct out out = {.to = to};
    int rc = weir_catalog_export_job(o, write_line, &out, err);
    if (rc == 0 && fflush(to) != 0)
        out.failed = errno;
    if (out.failed == 0)
        return rc;
    weir_err_clear(err); /* "could not be written": here is why */
    return weir_err_sys(err, WEIR_E_IO, out.failed, "cannot write the export %s", name);
}

/* The new file takes the place of the old one only when it is whole and on disk. */
static int
export_file(const struct weir_options *o, const char *path, struct weir_err *err)
{
    char tmp[PATH_MAX];
    int n = snprintf(tmp, sizeof(tmp), "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof(tmp))
        return weir_err_set(err, WEIR_E_USAGE, "the path of the export is too long");
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *to = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (to == NULL) {
        weir_err_sys(err, WEIR_E_IO, errno, "cannot create the export %s", tmp);
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    int rc = export_to(o, to, tmp, err);
    if (rc == 0 && fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        rc = weir_err_sys(err, WEIR_E_IO, errno, "cannot write the export %s", tmp);
    if (fclose(to) != 0 && rc == 0)
        rc = weir_err_sys(err, WEIR_E_IO, errno, "cannot write the export %s", tmp);
    if (rc == 0 && rename(tmp, path) != 0)
        rc = weir_err_sys(err, WEIR_E_IO, errno, "cannot create the export %s", path);
    if (rc != 0)
        (void)unlink(tmp);
    return rc;
}

int
weir_cmd_export(struct weir_app *app)
{
    struct weir_err err = WEIR_ERR_INIT;
    const char *path = app->options.output_file;
    int status = weir_app_load(app);
    if (status != 0)
        return status;
    struct weir_options o = weir_app_engine_options(app);
    int rc = is_standard(path) ? export_to(&o, stdout, "to stdout", &err)
                               : export_file(&o, path, &err);
    return rc == 0 ? 0 : weir_app_fail(app, &err);
}

int
weir_cmd_import(struct weir_app *app)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_lines in = WEIR_LINES_INIT;
    const char *path = app->options.input_file;
    int status = weir_app_load(app);
    if (status != 0)
        return status;
    struct weir_options o = weir_app_engine_options(app);
    int rc = weir_lines_open(&in, is_standard(path) ? NULL : path, &err);
    if (rc == 0)
        rc = weir_catalog_import_job(&o, weir_lines_next, &in, &err);
    weir_lines_close(&in);
    return rc == 0 ? weir_cmd_status_show(app) : weir_app_fail(app, &err);
}
