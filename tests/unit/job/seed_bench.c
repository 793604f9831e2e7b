#include "seed_bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <weir/digest.h>

#define FASTER 20

static int64_t
now_ns(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * WEIR_NS_PER_S + t.tv_nsec;
}

static int64_t
mono(const struct weir_clock *c)
{
    (void)c;
    return now_ns(CLOCK_MONOTONIC) * FASTER;
}

static int64_t
wall(const struct weir_clock *c)
{
    return now_ns(CLOCK_REALTIME) + ((const struct bench_clock *)c)->ahead_ns;
}

static void
nap(const struct weir_clock *c, int64_t ns)
{
    (void)c;
    ns /= FASTER;
    struct timespec t = {.tv_sec = ns / WEIR_NS_PER_S, .tv_nsec = ns % WEIR_NS_PER_S};
    (void)nanosleep(&t, NULL);
}

static void
keep_log(void *ctx, enum weir_log_level level, const char *text)
{
    struct bench *b = ctx;
    size_t used = strlen(b->log);
    (void)level;
    (void)snprintf(b->log + used, sizeof(b->log) - used, "%s\n", text);
}

static const char *
no_env(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

void
bench_init(struct bench *b)
{
    static char *everything[] = {(char *)"**"};
    memset(b, 0, sizeof(*b));
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/weir-seed-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(b->dir));
    (void)snprintf(b->lake, sizeof(b->lake), "%s/lake", b->dir);
    (void)snprintf(b->state, sizeof(b->state), "%s/state", b->dir);
    ck_assert_int_eq(mkdir(b->lake, 0755), 0);
    b->store = mem_store_create();
    b->clock = (struct bench_clock){
        .base = {.mono_ns = mono, .wall_ns = wall, .sleep_ns = nap},
        .ahead_ns = 3600 * WEIR_NS_PER_S,
    };
    b->manifest = (struct weir_manifest){
        .name = (char *)"bench",
        .source = {.root = b->lake,
                   .include = {.item = everything, .count = 1},
                   .one_file_system = true},
        .destination = {.url = (char *)"mem://bench"},
        .transfer = {.connections = 3, .memory_bytes = 64 * MIB, .part_bytes = MIB},
    };
    b->options = (struct weir_options){
        .manifest = &b->manifest,
        .state_dir = b->state,
        .clock = &b->clock.base,
        .cancel = &b->cancel,
        .seed = 7,
        .env = no_env,
        .observer = {.ctx = b, .log = keep_log},
    };
}

void
bench_init_sync(struct bench *b)
{
    bench_init(b);
    b->sync = true;
    b->manifest.track = (struct weir_track){.delete_policy = WEIR_DELETE_MIRROR,
                                            .delete_limit_files = 1000,
                                            .delete_limit_percent = 100};
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void
bench_fini(struct bench *b)
{
    mem_store_free(b->store);
    (void)nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void
full_path(const struct bench *b, const char *path, char out[512])
{
    ck_assert_int_lt(snprintf(out, 512, "%s/%s", b->lake, path), 512);
}

static void
make_parents(const char *full, size_t from)
{
    char part[512];
    for (const char *slash = strchr(full + from, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - full), full);
        (void)mkdir(part, 0755);
    }
}

void
bench_write(const struct bench *b, const char *path, size_t bytes, unsigned salt)
{
    char full[512];
    full_path(b, path, full);
    make_parents(full, strlen(b->lake) + 1);
    unsigned char *data = malloc(bytes + 1);
    uint32_t x = salt * 2654435761u + (uint32_t)bytes + 1;
    for (size_t i = 0; i < bytes; i++) {
        x = x * 1664525u + 1013904223u;
        data[i] = (unsigned char)(x >> 24);
    }
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ck_assert_int_ge(fd, 0);
    for (size_t done = 0; done < bytes;) {
        ssize_t n = write(fd, data + done, bytes - done);
        ck_assert_int_gt(n, 0);
        done += (size_t)n;
    }
    (void)close(fd);
    free(data);
}

void
bench_mkdir(const struct bench *b, const char *path)
{
    char full[512];
    full_path(b, path, full);
    make_parents(full, strlen(b->lake) + 1);
    ck_assert_int_eq(mkdir(full, 0755), 0);
}

void
bench_link(const struct bench *b, const char *path, const char *target)
{
    char full[512];
    full_path(b, path, full);
    (void)unlink(full);
    ck_assert_int_eq(symlink(target, full), 0);
}

void
bench_remove(const struct bench *b, const char *path)
{
    char full[512];
    full_path(b, path, full);
    ck_assert_int_eq(remove(full), 0);
}

void
bench_rename(const struct bench *b, const char *from, const char *to)
{
    char a[512], z[512];
    full_path(b, from, a);
    full_path(b, to, z);
    make_parents(z, strlen(b->lake) + 1);
    ck_assert_int_eq(rename(a, z), 0);
}

void
bench_chmod(const struct bench *b, const char *path, unsigned mode)
{
    char full[512];
    full_path(b, path, full);
    ck_assert_int_eq(chmod(full, mode), 0);
}

void
bench_poke(const struct bench *b, const char *path, size_t offset, bool keep_mtime)
{
    char full[512];
    struct stat st;
    unsigned char byte;
    full_path(b, path, full);
    int fd = open(full, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x55;
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    if (keep_mtime)
        ck_assert_int_eq(futimens(fd, times), 0);
    (void)close(fd);
}

int
bench_seed(struct bench *b)
{
    b->log[0] = '\0';
    weir_err_clear(&b->err);
    int rc = (b->sync ? weir_sync : weir_seed)(&b->options, &b->ledger, &b->err);
    ck_assert_int_eq(rc, b->err.code == WEIR_OK ? 0 : -1);
    char text[1024];
    if (rc != 0)
        keep_log(b, WEIR_LOG_ERROR, weir_err_text(&b->err, text, sizeof(text)));
    return weir_exit_status(&b->err, &b->ledger);
}

int
bench_seed_child(struct bench *b)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(bench_seed(b));
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
    return BENCH_KILLED;
}

void
bench_want(struct bench *b, int status)
{
    int got = bench_seed(b);
    ck_assert_msg(got == status, "exit status %d, not %d\n%s", got, status, b->log);
}

/* ---- the check ---- */

static struct bench *checked; /* nftw has no argument for it */
static unsigned entries;

static bool
is_empty_dir(const char *path)
{
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    unsigned n = 0;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n == 2;
}

static void
crc_of(const char *path, const struct stat *st, uint64_t *out_bytes, uint64_t *out_crc)
{
    static char text[1 << 16];
    uint64_t crc = 0, bytes = 0;
    if (S_ISLNK(st->st_mode)) {
        ssize_t n = readlink(path, text, sizeof(text));
        ck_assert_int_gt(n, 0);
        *out_bytes = (uint64_t)n;
        *out_crc = weir_crc64nvme(0, text, (size_t)n);
        return;
    }
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    for (ssize_t n; (n = read(fd, text, sizeof(text))) > 0; bytes += (uint64_t)n)
        crc = weir_crc64nvme(crc, text, (size_t)n);
    (void)close(fd);
    *out_bytes = bytes;
    *out_crc = crc;
}

static int
check_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    const char *key = path + strlen(checked->lake);
    char marker[512];
    uint64_t bytes = 0, crc = 0;
    (void)at;
    if (*key == '\0')
        return 0;
    key++;
    if (kind == FTW_D || kind == FTW_DP) {
        if (!is_empty_dir(path))
            return 0;
        (void)snprintf(marker, sizeof(marker), "%s/", key);
        key = marker;
    } else {
        crc_of(path, st, &bytes, &crc);
    }
    entries++;
    const struct mem_object *o = mem_store_find(checked->store, key);
    ck_assert_msg(o != NULL, "%s is not in the store\n%s", key, checked->log);
    ck_assert_msg(o->bytes == bytes && o->crc64nvme == crc, "%s: other bytes", key);
    return 0;
}

void
bench_check(struct bench *b)
{
    const struct weir_ledger *l = &b->ledger;
    checked = b;
    entries = 0;
    ck_assert_int_eq(nftw(b->lake, check_one, 16, FTW_PHYS), 0);
    ck_assert_uint_eq(weir_ledger_pending(l), 0);
    ck_assert_uint_eq(l->count[WEIR_STATE_VERIFIED] + l->count[WEIR_STATE_UPLOADED] +
                          l->count[WEIR_STATE_UNCHANGED],
                      entries);
    ck_assert_uint_eq(mem_store_open_uploads(b->store), 0);
    ck_assert_msg(b->store->duplicates == 0, "%u objects were sent twice",
                  b->store->duplicates);
}

void
bench_good(struct bench *b)
{
    mem_store_calm(b->store);
    bench_want(b, 0);
    bench_check(b);
}

void
bench_quiet(struct bench *b)
{
    mem_store_calm(b->store);
    bench_want(b, 0);
    ck_assert_msg(b->store->calls[MEM_ANY] == 0, "%u requests for nothing",
                  b->store->calls[MEM_ANY]);
}

void
bench_plant_marker(struct bench *b, const char *key)
{
    char marker[64], body[128];
    const struct mem_object *o = mem_store_find(b->store, key);
    for (size_t i = 0; i < o->meta_count; i++)
        if (strcmp(o->meta[i].name, "weir-id") == 0) {
            (void)snprintf(marker, sizeof(marker), ".weir/job-%s", o->meta[i].value);
            int n = snprintf(body, sizeof(body), "{\"job\":\"bench\",\"id\":\"%s\"}\n",
                             o->meta[i].value);
            mem_store_plant_bytes(b->store, marker, body, (size_t)n, NULL);
        }
}

void
bench_copy_object(struct bench *b, const char *from, const char *to)
{
    const struct mem_object *o = mem_store_find(b->store, from);
    struct mem_object *copy =
        mem_store_plant_bytes(b->store, to, o->data, (size_t)o->bytes, NULL);
    memcpy(copy->meta, o->meta, sizeof(o->meta));
    copy->meta_count = o->meta_count;
}

const struct bench_kind bench_kinds[BENCH_KINDS] = {
    {"loses its reply", MEM_LOSE_REPLY, WEIR_E_NETWORK, WEIR_SCOPE_OBJECT},
    {"kills", MEM_KILL, WEIR_OK, WEIR_SCOPE_OBJECT},
    {"kills after", MEM_KILL_AFTER, WEIR_OK, WEIR_SCOPE_OBJECT},
    {"fails", MEM_FAIL, WEIR_E_NETWORK, WEIR_SCOPE_OBJECT},
    {"is refused", MEM_FAIL, WEIR_E_ACCESS, WEIR_SCOPE_OBJECT},
    {"ends the run", MEM_FAIL, WEIR_E_CREDENTIALS, WEIR_SCOPE_RUN},
    {"finds another", MEM_FAIL, WEIR_E_EXISTS, WEIR_SCOPE_OBJECT},
};

static int
read_number(void *ctx, int columns, char **value, char **name)
{
    (void)columns;
    (void)name;
    *(long *)ctx = strtol(value[0], NULL, 10);
    return 0;
}

long
bench_count_uploads(const struct bench *b)
{
    char path[160];
    sqlite3 *db = NULL;
    long n = -1;
    (void)snprintf(path, sizeof(path), "%s/catalog.db", b->state);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "SELECT count(*) FROM upload", read_number, &n, NULL),
                     SQLITE_OK);
    (void)sqlite3_close(db);
    return n;
}

void
bench_sql(const struct bench *b, const char *sql)
{
    char path[160];
    sqlite3 *db = NULL;
    (void)snprintf(path, sizeof(path), "%s/catalog.db", b->state);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

char *
bench_report(const struct bench *b)
{
    char path[160];
    char *text = calloc(1, 1 << 16);
    for (int pass = 99; pass > 0; pass--) {
        (void)snprintf(path, sizeof(path), "%s/report-%06d.ndjson", b->state, pass);
        FILE *f = fopen(path, "re");
        if (f == NULL)
            continue;
        (void)!fread(text, 1, (1 << 16) - 1, f);
        (void)fclose(f);
        return text;
    }
    return text;
}
