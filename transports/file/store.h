/* store -- what the files of transports/file/ share: the handle, keys, paths, records.
 *
 * Below the root: objects under their own names, and weir's own
 *   .weir/lock       flock: conditions are checked and names published under it; its size is
 *                    the generation of the directories, see lock.c
 *   .weir/tmp/       files not published yet
 *   .weir/uploads/   one directory for each multipart upload
 *   .weir/meta/      records of objects where the file system has no user xattrs */
#ifndef WEIR_FILE_STORE_H
#define WEIR_FILE_STORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include <weir/digest.h>
#include <weir/rng.h>
#include <weir/transport.h>

#define FILE_KEY_BYTES_MAX 1024 /* as S3: what fits on a seed disk fits into a bucket */
#define FILE_META_BYTES_MAX 2048
#define FILE_RECORD_BYTES 4096 /* room for the record of one object */
#define FILE_NAME_BYTES 64     /* names that weir itself gives below .weir/ */
#define FILE_DURABLE_SLOTS 4096

enum file_keep { /* where records of objects go */
                 FILE_KEEP_UNDECIDED = 0,
                 FILE_KEEP_XATTR,
                 FILE_KEEP_SIDECAR,
};

struct file_shared { /* one for all clones */
    /* fixed after open */
    const struct weir_transport_options *options;
    int root_fd;
    char *root; /* for messages only */
    char *describe;
    struct weir_limits limits;
    enum file_keep keep; /* undecided: each handle tries */
    /* any thread */
    atomic_uint refs;
    atomic_uint_fast64_t handles; /* ever made: seeds their random numbers */
    struct {                      /* guarded by lock */
        pthread_mutex_t lock;
        uint64_t generation;                            /* to which the table belongs */
        struct weir_xxh128 durable[FILE_DURABLE_SLOTS]; /* paths known to be on the disk */
    } dirs;
};

struct file_store {
    struct weir_transport base;
    struct file_shared *shared;
    struct weir_rng rng; /* names of temporary files and uploads */
    /* opened by weir_file_ready() at the first write, else -1 and undecided */
    int tmp_fd, uploads_fd, lock_fd;
    uint64_t generation; /* of the directories, when this handle last had the lock */
    enum file_keep keep;
};

static inline struct file_store *
weir_file_store(struct weir_transport *t)
{
    return (struct file_store *)t; /* base is the first member */
}

/* ---- store.c ---- */

/* weir_file_open() with a choice of where records go, for tests. */
int weir_file_open_keep(const struct weir_transport_options *options, enum file_keep keep,
                        struct weir_transport **out, struct weir_err *err);

/* Sets err for a failed system call.  Disk full, read-only, quota, EIO: scope RUN.  Short
 * supply and stale handles of network file systems: retryable.  Returns -1. */
int weir_file_fail(struct weir_err *err, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Counts one operation. */
void weir_file_count(struct file_store *h, uint64_t bytes_sent);
/* -1 with CANCELLED once the run is to stop at once: for loops over much data. */
int weir_file_check_cancel(const struct file_store *h, struct weir_err *err);

/* ---- key.c ---- */
struct file_key {
    const char *key; /* borrowed */
    size_t len;
    size_t dir_len;   /* of the directory part, without its slash; 0 = the root */
    const char *leaf; /* after the last slash; "" for the object of a directory */
    bool is_dir;      /* key ends in a slash */
};
/* Splits and checks: LIMIT (too long), UNSUPPORTED (cannot be a path here, or weir's own). */
int weir_file_key_parse(const char *key, struct file_key *out, struct weir_err *err);
/* Is this path (relative, no slash at the end) one of weir's own below .weir/? */
bool weir_file_key_reserved(const char *path, size_t len);

/* ---- path.c ---- */

/* openat2 below dir_fd: never out of it, never through a symbolic link; O_CLOEXEC is added.
 * path "" is the directory itself.  Returns the descriptor, or -1 with errno. */
int weir_file_openat(int dir_fd, const char *path, int flags, mode_t mode);
/* The directory of a key for reading: -1 with errno when it does not exist. */
int weir_file_dir_open(const struct file_store *h, const struct file_key *k);
/* The same for writing: missing directories are made, and all are on the disk when it returns.
 * Without the lock the directory may be gone again: see weir_file_enter().  -1 with err. */
int weir_file_dir_make(struct file_store *h, const struct file_key *k, struct weir_err *err);
/* Opens .weir/{tmp,uploads,lock} and finds out where records can be kept. */
int weir_file_ready(struct file_store *h, struct weir_err *err);
/* Writes all bytes at offset; 0 or an errno value. */
int weir_file_write_all(int fd, const void *data, size_t bytes, uint64_t offset);

/* Forgets what is durable unless it is of this generation. */
void weir_file_durable_begin(struct file_shared *s, uint64_t generation);

/* ---- lock.c ---- */
/* Takes and leaves .weir/lock; exclusive for a check that must hold until the rename, and for
 * removing directories. */
int weir_file_lock(struct file_store *h, bool exclusive, struct weir_err *err);
void weir_file_unlock(struct file_store *h);
/* To be called under the exclusive lock before a directory is removed: no handle of any process
 * believes from here on that it is there. */
int weir_file_generation_next(struct file_store *h, struct weir_err *err);
/* Makes and opens the directory of a key, takes the lock, and removes the empty directories
 * that have the name of the object, if any (then the lock is exclusive in any case).  The
 * directory stays until the lock is left.  Returns its descriptor, or -1 without the lock. */
int weir_file_enter(struct file_store *h, const struct file_key *k, bool exclusive,
                    struct weir_err *err);

/* ---- prune.c ---- */
#define FILE_PRUNE_DIRS_MAX 4096
/* Removes the directory that has the name of k in dir_fd when in it, at any depth, is nothing
 * but directories, none of them an object; else it stays as it is, which is no error.  The
 * caller has the exclusive lock. */
int weir_file_prune(struct file_store *h, const struct file_key *k, int dir_fd,
                    struct weir_err *err);

/* ---- record.c: text of a record ----
 *   weir1 <crc64nvme, 16 hex> <bytes> <mtime s>.<ns>\n
 *   <name>=<value>\n ... */
struct file_record {
    uint64_t crc64nvme;
    uint64_t bytes;
    struct timespec mtime;
    size_t pairs_at, pairs_len; /* where name=value lines are in the text */
};
/* CONFIG or LIMIT when metadata cannot be stored. */
int weir_file_record_check(const struct weir_object *object, struct weir_err *err);
/* Writes the record; returns its length.  object was checked. */
size_t weir_file_record_format(const struct weir_object *object, uint64_t crc64nvme,
                               uint64_t bytes, struct timespec mtime,
                               char out[FILE_RECORD_BYTES]);
/* Finds in text the record that fits the file (bytes and mtime; a directory fits any). */
bool weir_file_record_find(const char *text, size_t len, const struct stat *st,
                           struct file_record *out);
/* Copies name=value lines into a head. */
void weir_file_record_pairs(const char *text, const struct file_record *r,
                            struct weir_head *out);
void weir_file_etag(uint64_t crc64nvme, uint64_t bytes, char out[WEIR_ETAG_BYTES]);

/* ---- meta.c: records of objects, in xattrs or sidecars ---- */
#define FILE_META_TEXT_BYTES (2 * FILE_RECORD_BYTES + FILE_KEY_BYTES_MAX + 8)
/* Reads what the store says of an open object.  *out_text is scratch; found is false for a file
 * that weir did not write, or that was changed since.  -1 with err only for I/O errors. */
int weir_file_meta_read(const struct file_store *h, const struct file_key *k, int fd,
                        const struct stat *st, char text[FILE_META_TEXT_BYTES],
                        struct file_record *out, bool *out_found, struct weir_err *err);
/* Fills stored from stat and record. */
void weir_file_meta_stored(const struct stat *st, const struct file_record *r, bool found,
                           struct weir_stored *out);
/* In xattr mode: attaches a record to an open file or directory; fresh: EXISTS when there is
 * one already. */
int weir_file_meta_attach(int fd, const struct file_key *k, const char *record, size_t len,
                          bool fresh, struct weir_err *err);
/* In sidecar mode: publishes the sidecar, which goes on describing the present object (old_fd,
 * or -1) until the new one takes its place. */
int weir_file_meta_sidecar(struct file_store *h, const struct file_key *k, const char *record,
                           size_t len, int old_fd, struct weir_err *err);
/* Removes the sidecar of an object, if any. */
void weir_file_meta_forget(struct file_store *h, const struct file_key *k);

/* ---- publish.c ---- */
struct file_temp { /* a file in .weir/tmp that goes away unless it is published */
    int dir_fd;    /* borrowed */
    int fd;
    char name[FILE_NAME_BYTES]; /* "" once published */
};
int weir_file_temp_create(struct file_store *h, struct file_temp *out, struct weir_err *err);
void weir_file_temp_drop(struct file_temp *t);
/* Condition of object against what is there now; *out_fd is the present object, opened for
 * reading, or -1.  UNSUPPORTED when something that is no object has the name. */
int weir_file_condition(const struct file_store *h, const struct weir_object *object,
                        const struct file_key *k, int dir_fd, int *out_fd,
                        struct weir_err *err);
/* The same asked early, to spare the work: publishing asks again. */
int weir_file_condition_early(struct file_store *h, const struct weir_object *object,
                              const struct file_key *k, struct weir_err *err);
/* Gives the file its record and its name, durably. */
int weir_file_publish(struct file_store *h, struct file_temp *t,
                      const struct weir_object *object, const struct file_key *k,
                      uint64_t crc64nvme, uint64_t bytes, struct weir_stored *out,
                      struct weir_err *err);
/* Sets EXISTS: the condition of a put is not met. */
int weir_file_refuse(struct weir_err *err, const char *key, const char *why);

/* ---- upload.c ----
 * .weir/uploads/<id>/   object   key and metadata as given at create
 *                       stride   size of part 1, once that is known
 *                       data     parts at (number - 1) * stride: becomes the object
 *                       pNNNNN   one for each part, see part.c */
#define FILE_UPLOAD_TEXT_BYTES (FILE_RECORD_BYTES + FILE_KEY_BYTES_MAX + 8)
struct file_upload {
    char text[FILE_UPLOAD_TEXT_BYTES];
    const char *key; /* in text */
    int64_t initiated_s;
    struct weir_head head; /* only its metadata is filled */
};
/* Opens the directory of an upload of this key and reads it; NO_UPLOAD when there is none. */
int weir_file_upload_open(struct file_store *h, const char *key, const char *upload_id,
                          struct file_upload *out, struct weir_err *err);
/* Removes the directory of an upload and all in it; one that is gone is success. */
int weir_file_upload_remove(struct file_store *h, const char *upload_id, struct weir_err *err);
/* Removes what killed runs left in .weir/tmp more than a day ago. */
void weir_file_upload_sweep(struct file_store *h);

/* ---- part.c ---- */
#define FILE_PART_RECORD_BYTES 40 /* at the end of a part's file */
struct file_part {
    uint64_t bytes, crc64nvme;
    uint64_t stride; /* 0: the bytes are in the part's own file, else in "data" */
};
/* Reads the record of a part; 0, or ENOENT when there is no such (whole) part, or errno. */
int weir_file_part_read(int upload_fd, uint32_t number, struct file_part *out);
/* The name of a part's own file. */
void weir_file_part_name(uint32_t number, char out[FILE_NAME_BYTES]);
struct file_part_source { /* where the bytes of a part come from */
    const void *data;     /* memory, when fd is -1 */
    int fd;               /* or a range of a file: its CRC is found out */
    uint64_t offset;
};
/* LIMIT when the store cannot have such a part. */
int weir_file_part_check(const struct file_store *h, const char *key, uint32_t number,
                         uint64_t bytes, struct weir_err *err);
/* Stores a part durably: p->bytes of them; p->crc64nvme is given for memory. */
int weir_file_part_store(struct file_store *h, const char *key, const char *upload_id,
                         uint32_t number, const struct file_part_source *from,
                         struct file_part *p, struct weir_part *out, struct weir_err *err);
void weir_file_part_fill(uint32_t number, const struct file_part *p, struct weir_part *out);

/* ---- range.c: 0 or an errno value; ECANCELED when the run is to stop at once, ENODATA when
 * the file ends before the range does ---- */
int weir_file_range_copy(struct file_store *h, int from, uint64_t from_at, int to,
                         uint64_t to_at, uint64_t bytes);
int weir_file_range_crc(struct file_store *h, int fd, uint64_t at, uint64_t bytes,
                        uint64_t *out_crc64nvme);

/* ---- read.c ---- */
/* Opens an object for reading with its stat data and record, whose text is in text; NOT_FOUND
 * when there is none (a directory without record is none). */
struct file_found {
    int fd; /* that the call returns */
    struct stat st;
    struct file_record record;
    bool has_record;
    char text[FILE_META_TEXT_BYTES];
};
int weir_file_object_open(struct file_store *h, const struct file_key *k,
                          struct file_found *out, struct weir_err *err);

/* ---- operations ---- */
int weir_file_put(struct weir_transport *t, const struct weir_object *object, const void *data,
                  size_t bytes, uint64_t crc64nvme, struct weir_stored *out,
                  struct weir_err *err);
int weir_file_create_upload(struct weir_transport *t, const struct weir_object *object,
                            char *out_id, struct weir_err *err);
int weir_file_put_part(struct weir_transport *t, const char *key, const char *upload_id,
                       uint32_t number, const void *data, size_t bytes, uint64_t crc64nvme,
                       struct weir_part *out, struct weir_err *err);
int weir_file_complete_upload(struct weir_transport *t, const struct weir_object *object,
                              const char *upload_id, const struct weir_part *parts,
                              size_t count, uint64_t object_bytes, uint64_t crc64nvme,
                              struct weir_stored *out, struct weir_err *err);
int weir_file_abort_upload(struct weir_transport *t, const char *key, const char *upload_id,
                           struct weir_err *err);
int weir_file_list_parts(struct weir_transport *t, const char *key, const char *upload_id,
                         weir_part_fn *fn, void *ctx, struct weir_err *err);
int weir_file_list_uploads(struct weir_transport *t, const char *key_prefix, weir_upload_fn *fn,
                           void *ctx, struct weir_err *err);
int weir_file_head(struct weir_transport *t, const char *key, struct weir_head *out,
                   struct weir_err *err);
int weir_file_get(struct weir_transport *t, const char *key, uint64_t offset, uint64_t bytes,
                  weir_sink_fn *sink, void *ctx, struct weir_err *err);
int weir_file_list(struct weir_transport *t, const char *key_prefix, const char *start_after,
                   weir_list_fn *fn, void *ctx, struct weir_err *err);
int weir_file_remove(struct weir_transport *t, const char *key, struct weir_err *err);
int weir_file_remove_many(struct weir_transport *t, const char *const *keys, size_t count,
                          weir_removed_fn *fn, void *ctx, struct weir_err *err);
int weir_file_copy(struct weir_transport *t, const char *source_key, const char *source_etag,
                   const struct weir_object *object, struct weir_stored *out,
                   struct weir_err *err);
int weir_file_copy_part(struct weir_transport *t, const char *key, const char *upload_id,
                        uint32_t number, const char *source_key, const char *source_etag,
                        uint64_t offset, uint64_t bytes, struct weir_part *out,
                        struct weir_err *err);
int weir_file_part_size(struct weir_transport *t, const char *key, uint64_t *out_part_bytes,
                        uint32_t *out_part_count, struct weir_err *err);
int weir_file_probe(struct weir_transport *t, uint64_t nonce, unsigned *out_caps,
                    struct weir_err *err);

#endif
