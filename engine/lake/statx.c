#include "lake/statx.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "lake/root.h"

static struct weir_time
time_of(const struct statx_timestamp *t)
{
    /* some file systems were seen to hand out nanoseconds beyond a second */
    return (struct weir_time){.s = t->tv_sec, .ns = t->tv_nsec % 1000000000u};
}

int
weir_statx_read(int fd, const char *name, int flags, struct weir_stat *out,
                bool *out_mount_root)
{
    struct statx x;
    bool self = name == NULL || name[0] == '\0';
    /* Not AT_NO_AUTOMOUNT: opening a directory mounts it, so it must be seen as it will be then
     * (file systems below an NFS export are such). */
    if (statx(fd, self ? "" : name, flags | (self ? AT_EMPTY_PATH : 0), STATX_BASIC_STATS,
              &x) != 0)
        return errno;
    *out = (struct weir_stat){
        .dev = makedev(x.stx_dev_major, x.stx_dev_minor),
        .ino = x.stx_ino,
        .size = x.stx_size,
        .blocks = x.stx_blocks,
        .mtime = time_of(&x.stx_mtime),
        .ctime = time_of(&x.stx_ctime),
        .atime = time_of(&x.stx_atime),
        .mode = x.stx_mode,
        .uid = x.stx_uid,
        .gid = x.stx_gid,
        .nlink = x.stx_nlink,
    };
    *out_mount_root = (x.stx_attributes & x.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
    return 0;
}

int
weir_lake_stat(int fd, const char *name, int flags, struct weir_stat *out)
{
    bool mount_root;
    return weir_statx_read(fd, name, flags, out, &mount_root);
}

enum weir_entry_type
weir_statx_type(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return WEIR_ENTRY_FILE;
    case S_IFDIR:
        return WEIR_ENTRY_DIR;
    case S_IFLNK:
        return WEIR_ENTRY_SYMLINK;
    case S_IFIFO:
        return WEIR_ENTRY_FIFO;
    case S_IFSOCK:
        return WEIR_ENTRY_SOCKET;
    case S_IFCHR:
        return WEIR_ENTRY_CHAR;
    case S_IFBLK:
        return WEIR_ENTRY_BLOCK;
    default:
        return WEIR_ENTRY_UNKNOWN;
    }
}

enum weir_entry_type
weir_statx_type_of_dirent(unsigned char d_type)
{
    return weir_statx_type(DTTOIF((uint32_t)d_type));
}

/* File systems that show the kernel, not data: sizes are 0, reads have effects or never end. */
static const uint64_t pseudo[] = {
    PROC_SUPER_MAGIC,     SYSFS_MAGIC,      DEBUGFS_MAGIC,
    TRACEFS_MAGIC,        SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC,
    CGROUP2_SUPER_MAGIC,  BPF_FS_MAGIC,     DEVPTS_SUPER_MAGIC,
    EFIVARFS_MAGIC,       PSTOREFS_MAGIC,   SELINUX_MAGIC,
    SMACK_MAGIC,          BINFMTFS_MAGIC,   NSFS_MAGIC,
    UINT64_C(0x62656570), /* configfs */
    UINT64_C(0x19800202), /* mqueue */
    UINT64_C(0x65735543), /* fusectl */
    UINT64_C(0x67596969), /* rpc_pipefs */
    UINT64_C(0x6e667364), /* nfsd */
};

int
weir_statx_is_pseudo(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(pseudo) / sizeof(pseudo[0]); i++)
        if (((uint64_t)fs.f_type & UINT32_MAX) == (pseudo[i] & UINT32_MAX))
            return 1;
    return 0;
}
