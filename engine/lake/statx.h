/* statx -- struct weir_stat from the kernel.  Internal to lake. */
#ifndef WEIR_LAKE_STATX_H
#define WEIR_LAKE_STATX_H

#include <stdbool.h>

#include <weir/entry.h>

/* As weir_lake_stat(), and says whether something is mounted right here (bind mounts too; false
 * on kernels before 5.8).  *out is written only on success.  Returns 0 or an errno value. */
int weir_statx_read(int fd, const char *name, int flags, struct weir_stat *out,
                    bool *out_mount_root);

/* enum weir_entry_type of st_mode, and of d_type. */
enum weir_entry_type weir_statx_type(uint32_t mode);
enum weir_entry_type weir_statx_type_of_dirent(unsigned char d_type);

/* Pseudo file systems (proc, sysfs, ...) by descriptor.  Returns 1, 0, or -1 with errno. */
int weir_statx_is_pseudo(int fd);

#endif
