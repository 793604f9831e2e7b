/* meta -- the POSIX metadata of an entry as S3 user metadata.
 *
 * file-mtime, file-atime, file-owner, file-group and file-permissions are written as DataSync,
 * FSx for Lustre and the file gateway read them; mtime (float seconds) is for rclone and s3fs;
 * weir-id says which job wrote the object, weir-xxh128 what it holds. */
#ifndef WEIR_TRANSFER_META_H
#define WEIR_TRANSFER_META_H

#include <stdbool.h>

#include <weir/digest.h>
#include <weir/entry.h>
#include <weir/manifest.h>
#include <weir/transport.h>

#define WEIR_META_MAX 8
#define WEIR_META_ID "weir-id"
#define WEIR_META_XXH128 "weir-xxh128"
#define WEIR_META_MTIME "file-mtime"
#define WEIR_META_ATIME "file-atime"

struct weir_meta { /* kv points into text: do not copy */
    struct weir_kv kv[WEIR_META_MAX];
    size_t count;
    char text[WEIR_META_MAX][40];
};

/* xxh128 may be NULL (not known before a multipart upload is created). */
void weir_meta_fill(struct weir_meta *m, enum weir_metadata policy, const struct weir_stat *st,
                    const char *job_id, const struct weir_xxh128 *xxh128);

/* Would both say the same of a file, but for its access time?  Its digest, the last of them,
 * may be in one of them only. */
bool weir_meta_same(const struct weir_meta *a, const struct weir_meta *b);

/* Value of a name in what HEAD gave, or NULL. */
const char *weir_meta_find(const struct weir_head *head, const char *name);

/* Does the head carry the id of this job? */
bool weir_meta_is_ours(const struct weir_head *head, const char *job_id);

/* The text of a time as in file-mtime: nanoseconds since 1970 with "ns". */
void weir_meta_time(const struct weir_time *t, char out[40]);

#endif
