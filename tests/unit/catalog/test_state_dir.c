/* state_dir: private, local, one owner at a time, or a message that says what to do. */
#include "support.h"

#include <fcntl.h>
#include <signal.h>

static struct place place;

static void
setup(void)
{
    place_make(&place);
}

static void
teardown(void)
{
    place_remove(&place);
}

static mode_t
mode_of(const char *path)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

START_TEST(made_private_with_its_parents)
{
    char deep[256], parent[256];
    struct weir_state_dir d;
    mode_t old = umask(0);
    (void)snprintf(parent, sizeof(parent), "%s/a/b", place.dir);
    (void)snprintf(deep, sizeof(deep), "%s/a/b//c///", place.dir);
    ck_ok(weir_state_dir_own(deep, &d, err));
    (void)umask(old);
    ck_assert_uint_eq(mode_of(deep), 0700);
    ck_assert_uint_eq(mode_of(parent), 0700);
    struct stat st;
    ck_assert_int_eq(stat(deep, &st), 0);
    ck_assert_uint_eq(d.st.ino, st.st_ino);
    ck_assert_uint_eq(d.st.dev, st.st_dev);
    weir_state_dir_close(&d);
    weir_state_dir_close(&d);
}
END_TEST

START_TEST(symlink_is_refused)
{
    char link[256], slash[260];
    struct weir_state_dir d;
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    (void)snprintf(link, sizeof(link), "%s/link", place.dir);
    (void)snprintf(slash, sizeof(slash), "%s/", link);
    ck_assert_int_eq(symlink("state", link), 0);
    ck_fails(weir_state_dir_own(link, &d, err), WEIR_E_CONFIG, "symlink");
    ck_fails(weir_state_dir_own(slash, &d, err), WEIR_E_CONFIG, "symlink");
    ck_fails(weir_state_dir_peek(slash, &d, err), WEIR_E_CONFIG, "symlink");
}
END_TEST

static const mode_t shared_modes[] = {0720, 0702, 0777, 01777};

START_TEST(directory_that_others_may_write_is_refused)
{
    struct weir_state_dir d;
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    ck_assert_int_eq(chmod(place.state, shared_modes[_i]), 0);
    ck_fails(weir_state_dir_own(place.state, &d, err), WEIR_E_CONFIG, "chmod 700");
}
END_TEST

START_TEST(directory_of_somebody_else_is_refused)
{
    struct weir_state_dir d;
    if (geteuid() != 0)
        return; /* only root can make one */
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    ck_assert_int_eq(chown(place.state, 65534, 65534), 0);
    ck_fails(weir_state_dir_own(place.state, &d, err), WEIR_E_CONFIG, "another user");
}
END_TEST

START_TEST(something_else_in_its_place)
{
    struct weir_state_dir d;
    int fd = open(place.state, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_fails(weir_state_dir_own(place.state, &d, err), WEIR_E_CONFIG, "no directory");
    char below[200];
    (void)snprintf(below, sizeof(below), "%s/below", place.state);
    ck_fails(weir_state_dir_own(below, &d, err), WEIR_E_CONFIG, place.state);
    ck_fails(weir_state_dir_own("", &d, err), WEIR_E_CONFIG, "--state");
}
END_TEST

START_TEST(peek_makes_nothing)
{
    struct weir_state_dir d;
    ck_fails(weir_state_dir_peek(place.state, &d, err), WEIR_E_NOT_FOUND, place.state);
    ck_assert_int_ne(access(place.state, F_OK), 0);
}
END_TEST

/* Runs fn in a child; returns its exit status. */
static int
in_child(int (*fn)(void))
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(fn());
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* 0 when refused with ACCESS and a message that names the directory. */
static int
own_as_nobody(void)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_state_dir d;
    char text[2048];
    if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
        return 77;
    int rc = weir_state_dir_own(place.state, &d, &err);
    weir_err_text(&err, text, sizeof(text));
    return rc == -1 && err.code == WEIR_E_ACCESS && strstr(text, place.state) != NULL ? 0 : 1;
}

START_TEST(directory_that_cannot_be_written)
{
    if (geteuid() != 0)
        return; /* needs another user */
    ck_assert_int_eq(chmod(place.dir, 0755), 0);
    ck_assert_int_eq(in_child(own_as_nobody), 0); /* cannot be made */
    ck_assert_int_eq(mkdir(place.state, 0500), 0);
    ck_assert_int_eq(chown(place.state, 65534, 65534), 0);
    ck_assert_int_eq(in_child(own_as_nobody), 0); /* the lock file cannot be made */
}
END_TEST

/* 0 when refused with LOCKED naming the parent. */
static int
own_against_parent(void)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_state_dir d;
    char text[2048], pid[32];
    (void)snprintf(pid, sizeof(pid), "process %ld:", (long)getppid());
    int rc = weir_state_dir_own(place.state, &d, &err);
    weir_err_text(&err, text, sizeof(text));
    return rc == -1 && err.code == WEIR_E_LOCKED && err.scope == WEIR_SCOPE_RUN &&
                   strstr(text, pid) != NULL
               ? 0
               : 1;
}

static int
own_freely(void)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_state_dir d;
    return weir_state_dir_own(place.state, &d, &err); /* left to the kernel to release */
}

START_TEST(one_owner_at_a_time)
{
    struct weir_state_dir d, again;
    ck_ok(weir_state_dir_own(place.state, &d, err));
    ck_assert_int_eq(in_child(own_against_parent), 0);
    ck_fails(weir_state_dir_own(place.state, &again, err), WEIR_E_LOCKED, "in use");
    ck_ok(weir_state_dir_peek(place.state, &again, err)); /* looking is allowed */
    weir_state_dir_close(&again);
    weir_state_dir_close(&d);
    ck_assert_int_eq(in_child(own_freely), 0);
    ck_ok(weir_state_dir_own(place.state, &d, err));
    weir_state_dir_close(&d);
}
END_TEST

START_TEST(a_killed_owner_leaves_no_lock)
{
    int ready[2];
    char byte;
    struct weir_state_dir d;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (own_freely() == 0)
            (void)!write(ready[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_fails(weir_state_dir_own(place.state, &d, err), WEIR_E_LOCKED, "in use");
    struct weir_state_dir look;
    ck_ok(weir_state_dir_peek(place.state, &look, err));
    ck_assert(weir_state_dir_is_locked(&look));
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(!weir_state_dir_is_locked(&look));
    weir_state_dir_close(&look);
    ck_ok(weir_state_dir_own(place.state, &d, err));
    weir_state_dir_close(&d);
    (void)close(ready[0]);
    (void)close(ready[1]);
}
END_TEST

START_TEST(locked_without_a_readable_number)
{
    char lock[200];
    struct weir_state_dir d;
    ck_assert_int_eq(mkdir(place.state, 0700), 0);
    (void)snprintf(lock, sizeof(lock), "%s/lock", place.state);
    int fd = open(lock, O_CREAT | O_RDWR, 0600);
    ck_assert_int_eq(write(fd, "rubbish that is long", 20), 20);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &whole), 0);
    ck_fails(weir_state_dir_own(place.state, &d, err), WEIR_E_LOCKED, "another weir:");
    (void)close(fd);
}
END_TEST

static const struct {
    uint64_t type;
    const char *name;
} types[] = {
    {0x6969, "NFS"},
    {0x0bd00bd0, "Lustre"},
    {0xff534d42, "SMB"},
    {UINT64_C(0xffffffffff534d42), "SMB"}, /* sign-extended, as 32-bit kernels give it */
    {0xef53, NULL},                        /* ext4 */
    {0x58465342, NULL},                    /* xfs */
    {0x01021994, NULL},                    /* tmpfs */
    {0x65735546, NULL},                    /* FUSE: may be a local disk */
};

START_TEST(network_file_systems_are_known)
{
    const char *name = weir_state_dir_network_fs(types[_i].type);
    if (types[_i].name == NULL)
        ck_assert_ptr_null(name);
    else
        ck_assert_str_eq(name, types[_i].name);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("state_dir");
    TCase *tc = tcase_create("state_dir");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, made_private_with_its_parents);
    tcase_add_test(tc, symlink_is_refused);
    tcase_add_loop_test(tc, directory_that_others_may_write_is_refused, 0, COUNT(shared_modes));
    tcase_add_test(tc, directory_of_somebody_else_is_refused);
    tcase_add_test(tc, something_else_in_its_place);
    tcase_add_test(tc, peek_makes_nothing);
    tcase_add_test(tc, directory_that_cannot_be_written);
    tcase_add_test(tc, one_owner_at_a_time);
    tcase_add_test(tc, a_killed_owner_leaves_no_lock);
    tcase_add_test(tc, locked_without_a_readable_number);
    tcase_add_loop_test(tc, network_file_systems_are_known, 0, COUNT(types));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
