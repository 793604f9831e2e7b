#include "lake/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lake/statx.h"

const char weir_inspect_not_listed[] = "not in files_from";

static const char *const special[] = {
    [WEIR_ENTRY_UNKNOWN] = "special file: unknown",
    [WEIR_ENTRY_FIFO] = "special file: fifo",
    [WEIR_ENTRY_SOCKET] = "special file: socket",
    [WEIR_ENTRY_CHAR] = "special file: character device",
    [WEIR_ENTRY_BLOCK] = "special file: block device",
};

struct finding { /* what the kernel said of an entry */
    struct weir_stat st;
    bool known;      /* st is set */
    bool mount_root; /* something is mounted here */
    bool link;       /* a symlink, also when st is its target's */
    int error;       /* errno of the attempt, or 0 */
};

static void
exclude(struct weir_lake_entry *e, const char *rule)
{
    e->verdict = WEIR_VERDICT_EXCLUDED;
    e->rule = rule;
}

static void
fail(struct weir_lake_entry *e, int error)
{
    e->verdict = WEIR_VERDICT_FAILED;
    e->sys_errno = error;
    memset(&e->st, 0, sizeof(e->st));
}

static void
stat_entry(const struct weir_place *at, const struct weir_lake_entry *e, struct finding *f)
{
    f->error = weir_statx_read(at->fd, e->name, AT_SYMLINK_NOFOLLOW, &f->st, &f->mount_root);
    f->known = f->error == 0;
    f->link = f->known && weir_statx_type(f->st.mode) == WEIR_ENTRY_SYMLINK;
}

/* The target of a link, never outside of the root.  A dangling link is an error with ENOENT,
 * a link that is gone leaves known == false and error ENOENT with link == false. */
static void
stat_target(const struct weir_inspector *in, const struct weir_place *at,
            const struct weir_lake_entry *e, struct finding *f)
{
    struct weir_err err = WEIR_ERR_INIT;
    int fd = weir_lake_open(in->root, at->path, WEIR_FOLLOW_BENEATH, O_PATH, &err);
    if (fd < 0) {
        stat_entry(at, e, f); /* is the link still there? */
        if (f->error == 0)
            f->error = err.sys_errno != 0 ? err.sys_errno : EIO;
        f->known = false;
        return;
    }
    f->error = weir_statx_read(fd, NULL, 0, &f->st, &f->mount_root);
    f->known = f->error == 0;
    f->link = true;
    (void)close(fd);
}

/* What the name and the type say; true when that settles it. */
static bool
judge_name(const struct weir_inspector *in, const struct weir_place *at,
           const struct weir_name *n, struct weir_lake_entry *e)
{
    const char *rule = weir_rules_match_in(
        in->rules, at->covered, at->path, at->name_at + e->name_len, e->type == WEIR_ENTRY_DIR);
    if (rule == NULL && (n->flags & WEIR_NAME_ON_WAY) != 0 && e->type != WEIR_ENTRY_DIR)
        rule = weir_inspect_not_listed;
    if (rule == NULL && e->type == WEIR_ENTRY_SYMLINK &&
        in->source->symlinks == WEIR_SYMLINKS_SKIP)
        rule = "symlinks: skip";
    if (rule == NULL && e->type != WEIR_ENTRY_FILE && e->type != WEIR_ENTRY_DIR &&
        e->type != WEIR_ENTRY_SYMLINK)
        rule = special[e->type];
    if (rule != NULL)
        exclude(e, rule);
    return rule != NULL;
}

static bool
is_skipped_dir(const struct weir_inspector *in, const struct weir_stat *st)
{
    for (size_t i = 0; i < in->skip_dir_count; i++)
        if (in->skip_dirs[i].dev == st->dev && in->skip_dirs[i].ino == st->ino)
            return true;
    return false;
}

/* A mount point that may be entered: but not when it shows the kernel. */
static void
judge_mount(const struct weir_inspector *in, const struct weir_place *at,
            struct weir_lake_entry *e)
{
    enum weir_follow follow =
        in->source->symlinks == WEIR_SYMLINKS_FOLLOW ? WEIR_FOLLOW_BENEATH : WEIR_FOLLOW_NO;
    struct weir_err err = WEIR_ERR_INIT;
    int fd = weir_lake_open(in->root, at->path, follow, O_PATH, &err);
    int pseudo = fd < 0 ? -1 : weir_statx_is_pseudo(fd);
    if (pseudo < 0)
        fail(e, fd >= 0 ? errno : err.sys_errno != 0 ? err.sys_errno : EIO);
    else if (pseudo > 0)
        exclude(e, "pseudo file system");
    if (fd >= 0)
        (void)close(fd);
}

static void
judge_stat(const struct weir_inspector *in, const struct weir_place *at,
           const struct finding *f, struct weir_lake_entry *e)
{
    bool is_dir = e->type == WEIR_ENTRY_DIR;
    if (is_dir && is_skipped_dir(in, &f->st)) {
        exclude(e, "state directory of weir");
        return;
    }
    if (is_dir && f->link && weir_level_has_ancestor(at->level, f->st.dev, f->st.ino)) {
        e->type = WEIR_ENTRY_SYMLINK;
        fail(e, ELOOP);
        return;
    }
    /* Files are not judged by their device: overlay file systems show several. */
    if (!f->mount_root && !(is_dir && f->st.dev != at->dev))
        return;
    if (in->source->one_file_system)
        exclude(e, "other file system");
    else
        judge_mount(in, at, e);
}

/* An entry that could not be looked at.  Returns false when it is simply gone. */
static bool
judge_error(const struct weir_inspector *in, const struct finding *f, struct weir_lake_entry *e)
{
    if (f->error == ENOENT && !f->link && in->source->files_from == NULL)
        return false;
    fail(e, f->error);
    return true;
}

bool
weir_inspect_entry(const struct weir_inspector *in, struct weir_place *at,
                   const struct weir_name *n, struct weir_lake_entry *e)
{
    struct finding f = {.known = false};
    bool follow = in->source->symlinks == WEIR_SYMLINKS_FOLLOW;
    e->type = (uint8_t)weir_statx_type_of_dirent(n->d_type);
    e->verdict = WEIR_VERDICT_TAKE;
    e->sys_errno = 0;
    e->rule = NULL;
    memset(&e->st, 0, sizeof(e->st));
    if ((n->flags & WEIR_NAME_MISSING) != 0) {
        fail(e, at->missing_errno);
        return true;
    }
    if ((n->flags & WEIR_NAME_UNLISTED) != 0) {
        exclude(e, weir_inspect_not_listed);
        return true;
    }
    memcpy(at->path + at->name_at, e->name, e->name_len + 1u);

    bool must_stat = e->type == WEIR_ENTRY_UNKNOWN || (follow && e->type == WEIR_ENTRY_SYMLINK);
    if (!must_stat && judge_name(in, at, n, e))
        return true;
    stat_entry(at, e, &f);
    if (follow && f.link)
        stat_target(in, at, e, &f);
    uint8_t type = f.known ? (uint8_t)weir_statx_type(f.st.mode) : e->type;
    if (must_stat || type != e->type) {
        e->type = type;
        if ((f.known || f.link) && judge_name(in, at, n, e))
            return true;
    }
    if (!f.known)
        return judge_error(in, &f, e);
    e->st = f.st;
    judge_stat(in, at, &f, e);
    return true;
}
