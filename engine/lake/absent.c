#include "lake/absent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lake/statx.h"

/* Stats what is at path: 0, or an errno value. */
static int
look(const struct weir_lake_root *r, const char *path, enum weir_follow follow,
     struct weir_stat *out, bool *out_mount_root)
{
    struct weir_err err = WEIR_ERR_INIT;
    int fd = weir_lake_open(r, path, follow,
                            O_PATH | (follow == WEIR_FOLLOW_NO ? O_NOFOLLOW : 0), &err);
    if (fd < 0)
        return err.sys_errno != 0 ? err.sys_errno : EIO;
    int e = weir_statx_read(fd, NULL, 0, out, out_mount_root);
    (void)close(fd);
    return e == 0 ? 0 : EIO; /* it was there: whatever stat says, it is no evidence */
}

static bool
is_of_type(uint32_t mode, uint8_t type)
{
    switch (type) {
    case WEIR_ENTRY_FILE:
        return S_ISREG(mode);
    case WEIR_ENTRY_DIR:
        return S_ISDIR(mode);
    case WEIR_ENTRY_SYMLINK:
        return S_ISLNK(mode);
    default:
        return true;
    }
}

/* Is something mounted on one of the directories above that are still there?  What is hidden
 * below another mount is not known to be absent. */
static enum weir_absent
check_above(const struct weir_lake_root *r, const char *path, enum weir_follow follow,
            struct weir_err *err)
{
    enum weir_absent answer = WEIR_ABSENT_YES;
    char *above = strdup(path);
    if (above == NULL) {
        weir_err_set(err, WEIR_E_NOMEM, "path of a directory");
        return WEIR_ABSENT_UNKNOWN;
    }
    for (char *slash; answer == WEIR_ABSENT_YES && (slash = strrchr(above, '/')) != NULL;) {
        struct weir_stat st;
        bool mount_root = false;
        *slash = '\0';
        int e = look(r, above, follow, &st, &mount_root);
        if (e == 0 && (mount_root || st.dev != weir_lake_root_stat(r)->dev)) {
            weir_err_set(err, WEIR_E_SAFETY,
                         "%.200s: another file system is mounted on %.100s now, and hides it",
                         path, above);
            answer = WEIR_ABSENT_UNKNOWN;
        } else if (e != 0 && e != ENOENT && e != ENOTDIR && e != ELOOP) {
            weir_err_sys(err, WEIR_E_IO, e, "look for %.200s", above);
            answer = WEIR_ABSENT_UNKNOWN;
        }
    }
    free(above);
    return answer;
}

enum weir_absent
weir_lake_absent(const struct weir_lake_root *r, const struct weir_source *source,
                 const char *path, uint8_t type, struct weir_err *err)
{
    enum weir_follow follow =
        source->symlinks == WEIR_SYMLINKS_FOLLOW ? WEIR_FOLLOW_BENEATH : WEIR_FOLLOW_NO;
    struct weir_stat st;
    bool mount_root = false;
    int e = look(r, path, follow, &st, &mount_root);
    switch (e) {
    case 0:
        if (source->one_file_system && mount_root) {
            weir_err_set(err, WEIR_E_SAFETY, "%.200s: another file system is mounted on it now",
                         path);
            return WEIR_ABSENT_UNKNOWN;
        }
        if (is_of_type(st.mode, type))
            return WEIR_ABSENT_NO;
        break;
    case ENOENT:
    case ENOTDIR: /* a directory above is a file now ... */
    case ELOOP:   /* ... or a link, which is not entered */
        break;
    default:
        weir_err_sys(err, WEIR_E_IO, e, "look for %.200s", path);
        return WEIR_ABSENT_UNKNOWN;
    }
    return source->one_file_system ? check_above(r, path, follow, err) : WEIR_ABSENT_YES;
}
