/* file/: killed at any moment, the store holds whole objects with the right record, and at
 * least what was acknowledged. */
#include "file_bench.h"

#include <signal.h>
#include <sys/wait.h>

#define KEYS 4
#define ROUNDS 30
#define BODY_MAX 60000

/* The body of version n: its number, then bytes that follow from it. */
static size_t
body_of(uint32_t n, unsigned char out[BODY_MAX])
{
    struct weir_rng rng = {.state = n};
    size_t bytes = sizeof(n) + weir_rng_below(&rng, BODY_MAX - sizeof(n));
    memcpy(out, &n, sizeof(n));
    for (size_t i = sizeof(n); i < bytes; i++)
        out[i] = (unsigned char)(i * 31 + n);
    return bytes;
}

static int
send_version(struct bench *b, uint32_t n)
{
    static unsigned char body[BODY_MAX];
    char key[32], id[WEIR_UPLOAD_ID_BYTES];
    struct weir_stored stored;
    struct weir_part parts[2];
    size_t bytes = body_of(n, body);
    uint64_t crc = weir_crc64nvme(0, body, bytes);
    (void)snprintf(key, sizeof(key), "d%u/key", (unsigned)(n % KEYS));
    const struct weir_object object = {.key = key};
    if (n % 3 != 0)
        return b->ops->put(b->t, &object, body, bytes, crc, &stored, &b->err);
    size_t half = bytes / 2 + 1;
    if (b->ops->create_upload(b->t, &object, id, &b->err) != 0 ||
        b->ops->put_part(b->t, key, id, 1, body, half, weir_crc64nvme(0, body, half), &parts[0],
                         &b->err) != 0 ||
        b->ops->put_part(b->t, key, id, 2, body + half, bytes - half,
                         weir_crc64nvme(0, body + half, bytes - half), &parts[1], &b->err) != 0)
        return -1;
    return b->ops->complete_upload(b->t, &object, id, parts, 2, bytes, crc, &stored, &b->err);
}

/* The object gets other metadata, by a copy onto itself: its record is written anew. */
static int
describe(struct bench *b, uint32_t n)
{
    char key[32], value[16];
    struct weir_stored stored;
    (void)snprintf(key, sizeof(key), "d%u/key", (unsigned)(n % KEYS));
    (void)snprintf(value, sizeof(value), "%u", (unsigned)n);
    const struct weir_kv meta = {"version", value};
    const struct weir_object object = {.key = key, .meta = &meta, .meta_count = 1};
    return b->ops->copy(b->t, key, "", &object, &stored, &b->err);
}

/* Sends versions from first on until it is killed; each acknowledged one goes to the pipe. */
static void
child(struct bench *b, enum file_keep keep, uint32_t first, int ack_fd)
{
    b->options.seed = first; /* another process has other names */
    bench_open(b, keep);
    for (uint32_t n = first;; n++)
        if (send_version(b, n) != 0 || describe(b, n) != 0 ||
            write(ack_fd, &n, sizeof(n)) != sizeof(n)) {
            (void)fprintf(stderr, "version %u: %s\n", (unsigned)n, bench_text(b));
            _exit(1);
        }
}

struct got {
    unsigned char data[BODY_MAX + 1];
    size_t bytes;
};

static int
keep_bytes(void *ctx, const void *data, size_t bytes)
{
    struct got *g = ctx;
    ck_assert_uint_le(g->bytes + bytes, BODY_MAX);
    memcpy(g->data + g->bytes, data, bytes);
    g->bytes += bytes;
    return 0;
}

static void
check_key(struct bench *b, unsigned k, uint32_t acked)
{
    static struct got got;
    static unsigned char body[BODY_MAX];
    static struct weir_head head;
    char key[32];
    (void)snprintf(key, sizeof(key), "d%u/key", k);
    got.bytes = 0;
    weir_err_clear(&b->err);
    int rc = b->ops->get(b->t, key, 0, UINT64_MAX, keep_bytes, &got, &b->err);
    if (rc != 0 && b->err.code == WEIR_E_NOT_FOUND && acked == 0)
        return;
    ck_assert_msg(rc == 0, "%s: %s", key, bench_text(b));
    uint32_t n;
    memcpy(&n, got.data, sizeof(n));
    ck_assert_msg(n >= acked, "%s: version %u was acknowledged, %u is there", key,
                  (unsigned)acked, (unsigned)n);
    ck_assert_uint_eq(got.bytes, body_of(n, body));
    ck_assert_mem_eq(got.data, body, got.bytes);
    ck_assert_int_eq(bench_head(b, key, &head), 0);
    ck_assert_msg(head.stored.has_crc64nvme, "%s: version %u has no record", key, (unsigned)n);
    ck_assert_uint_eq(head.stored.crc64nvme, weir_crc64nvme(0, body, got.bytes));
}

START_TEST(killed_at_any_moment)
{
    struct bench b;
    enum file_keep keep = (enum file_keep)_i;
    struct weir_rng rng = {.state = (uint64_t)_i};
    uint32_t acked[KEYS] = {0}, next = 1;
    unsigned total = 0;
    bench_setup(&b, keep);
    for (unsigned round = 0; round < ROUNDS; round++) {
        int fds[2];
        ck_assert_int_eq(pipe(fds), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            child(&b, keep, next, fds[1]);
        (void)close(fds[1]);
        (void)usleep((useconds_t)weir_rng_below(&rng, 60000));
        int status = 0;
        (void)kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSIGNALED(status), "the writer failed by itself");
        for (uint32_t n; read(fds[0], &n, sizeof(n)) == sizeof(n); next = n + 1, total++)
            acked[n % KEYS] = n;
        (void)close(fds[0]);
        next += KEYS; /* versions that may have been under way */
        for (unsigned k = 0; k < KEYS; k++)
            check_key(&b, k, acked[k]);
    }
    ck_assert_uint_gt(total, 0); /* the test did something */
    /* what is left over is known to list_uploads and the sweep, and is no object */
    for (const char *at = bench_list(&b); *at != '\0'; at = strchr(at, '|') + 1)
        ck_assert_msg(at[0] == 'd' && strncmp(at + 2, "/key|", 5) == 0, "%s", at);
    bench_teardown(&b);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("file_crash");
    TCase *tc = tcase_create("file_crash");
    tcase_set_timeout(tc, 100);
    tcase_add_loop_test(tc, killed_at_any_moment, FILE_KEEP_XATTR, FILE_KEEP_SIDECAR + 1);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
