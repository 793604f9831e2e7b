/* upload: the table of states, part and chunk arithmetic, metadata texts, who may replace what.
 */
#include <string.h>

#include "../main_check.h"
#include "transfer/meta.h"
#include "transfer/settle.h"
#include "transfer/upload.h"

/* From every state every event: legal moves lead to a known state, all others are refused and
 * leave the state alone. */
START_TEST(every_state_and_event)
{
    struct weir_upload u = {0};
    int legal = 0;
    for (int s = 0; s < WEIR_UPLOAD_STATES; s++) {
        for (int e = 0; e < WEIR_UPLOAD_EVENTS; e++) {
            struct weir_err err = WEIR_ERR_INIT;
            enum weir_upload_state to =
                weir_upload_next((enum weir_upload_state)s, (enum weir_upload_event)e);
            u.state = (enum weir_upload_state)s;
            int rc = weir_upload_step(&u, (enum weir_upload_event)e, &err);
            if (to == WEIR_UPLOAD_BAD) {
                ck_assert_int_eq(rc, -1);
                ck_assert_int_eq(err.code, WEIR_E_BUG);
                ck_assert_int_eq(u.state, s);
            } else {
                ck_assert_int_eq(rc, 0);
                ck_assert_int_eq(u.state, to);
                legal++;
            }
        }
    }
    ck_assert_int_eq(legal, 14);
}
END_TEST

START_TEST(no_way_out_of_the_end)
{
    for (int e = 0; e < WEIR_UPLOAD_EVENTS; e++) {
        ck_assert_int_eq(weir_upload_next(WEIR_UPLOAD_DONE, (enum weir_upload_event)e), 0);
        ck_assert_int_eq(weir_upload_next(WEIR_UPLOAD_CLOSED, (enum weir_upload_event)e), 0);
        ck_assert_int_eq(weir_upload_next(WEIR_UPLOAD_BAD, (enum weir_upload_event)e), 0);
    }
}
END_TEST

START_TEST(chunks_and_crc_of_parts)
{
    struct weir_upload *u = NULL;
    struct weir_err err = WEIR_ERR_INIT;
    size_t n;
    static uint8_t data[2500];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 31 + i / 256);
    ck_assert_int_eq(weir_upload_create(sizeof(data), 1000, 100, &u, &err), 0);
    ck_assert_uint_eq(u->part_count, 3);
    ck_assert_uint_eq(u->chunk_count, 25);
    ck_assert_ptr_eq(weir_upload_chunks(u, 2, &n), u->chunks + 10);
    ck_assert_uint_eq(n, 10);
    ck_assert_ptr_eq(weir_upload_chunks(u, 3, &n), u->chunks + 20);
    ck_assert_uint_eq(n, 5);
    for (uint32_t i = 0; i < 3; i++) {
        u->parts[i].bytes = i == 2 ? 500 : 1000;
        u->parts[i].crc64nvme = weir_crc64nvme(0, data + i * 1000, (size_t)u->parts[i].bytes);
    }
    ck_assert_uint_eq(weir_upload_crc(u), weir_crc64nvme(0, data, sizeof(data)));
    weir_upload_free(u);
}
END_TEST

static const struct {
    struct weir_time t;
    const char *text;
} times[] = {
    {{0, 0}, "0ns"},
    {{0, 7}, "7ns"},
    {{1, 7}, "1000000007ns"},
    {{1595002920, 0}, "1595002920000000000ns"},
    {{-2, 500000000}, "-1500000000ns"},
    {{-1, 999999999}, "-1ns"},
    {{-3, 0}, "-3000000000ns"},
    {{INT64_C(16725225600), 1}, "16725225600000000001ns"}, /* year 2500: over 2^63 */
};

START_TEST(times_are_exact)
{
    char out[40];
    weir_meta_time(&times[_i].t, out);
    ck_assert_str_eq(out, times[_i].text);
}
END_TEST

START_TEST(metadata_keys)
{
    struct weir_meta m;
    struct weir_xxh128 x = {.b = {0xab, 1}};
    struct weir_stat st = {.mode = 0100640, .uid = 12, .gid = 34, .mtime = {-2, 500000000}};
    weir_meta_fill(&m, WEIR_METADATA_POSIX, &st, "0123456789abcdef0123456789abcdef", &x);
    struct weir_head head = {.meta_count = m.count};
    memcpy(head.meta, m.kv, m.count * sizeof(m.kv[0]));
    ck_assert_str_eq(weir_meta_find(&head, "file-permissions"), "0100640");
    ck_assert_str_eq(weir_meta_find(&head, "file-owner"), "12");
    ck_assert_str_eq(weir_meta_find(&head, "file-group"), "34");
    ck_assert_str_eq(weir_meta_find(&head, "mtime"), "-1.500000000");
    ck_assert_str_eq(weir_meta_find(&head, "weir-xxh128"), "ab010000000000000000000000000000");
    ck_assert(weir_meta_is_ours(&head, "0123456789abcdef0123456789abcdef"));
    ck_assert(!weir_meta_is_ours(&head, "other"));
    weir_meta_fill(&m, WEIR_METADATA_NONE, &st, "id", NULL);
    ck_assert_uint_eq(m.count, 1);
}
END_TEST

enum who { NOBODY, OURS, OURS_OLD_META, FOREIGN };

static const struct {
    enum who who;
    enum weir_existing policy;
    unsigned caps;
    bool same_bytes, has_crc;
    enum weir_settle want;
    bool proven;
} judged[] = {
    {NOBODY, WEIR_EXISTING_REFUSE, 0, false, false, WEIR_SETTLE_ABSENT, false},
    {OURS, WEIR_EXISTING_REFUSE, WEIR_CAP_STORED_CHECKSUM, true, true, WEIR_SETTLE_SAME, true},
    {OURS, WEIR_EXISTING_REFUSE, 0, true, false, WEIR_SETTLE_SAME, false},
    {OURS, WEIR_EXISTING_REFUSE, WEIR_CAP_STORED_CHECKSUM, false, true, WEIR_SETTLE_REPLACE,
     false},
    {OURS_OLD_META, WEIR_EXISTING_REFUSE, WEIR_CAP_STORED_CHECKSUM, true, true,
     WEIR_SETTLE_REPLACE, false},
    {FOREIGN, WEIR_EXISTING_REFUSE, WEIR_CAP_STORED_CHECKSUM, true, true, WEIR_SETTLE_FOREIGN,
     false},
    {FOREIGN, WEIR_EXISTING_ADOPT, WEIR_CAP_STORED_CHECKSUM, true, true, WEIR_SETTLE_SAME,
     true},
    {FOREIGN, WEIR_EXISTING_ADOPT, WEIR_CAP_STORED_CHECKSUM, false, true, WEIR_SETTLE_FOREIGN,
     false},
    /* A server that only echoes a checksum proves nothing. */
    {FOREIGN, WEIR_EXISTING_ADOPT, 0, true, true, WEIR_SETTLE_FOREIGN, false},
    {FOREIGN, WEIR_EXISTING_REPLACE, 0, true, true, WEIR_SETTLE_REPLACE, false},
};

/* Some stores keep no metadata on "dir/": ours comes back as nobody's after a crash. */
START_TEST(empty_directory_marker_may_be_replaced)
{
    struct weir_sender s = {.job_id = "job", .existing = WEIR_EXISTING_REFUSE};
    struct weir_meta m = {.count = 0};
    struct weir_head head = {0};
    struct weir_content content = {.meta = &m, .marker = true};
    bool proven;
    ck_assert_int_eq(weir_settle_judge(&s, &head, &content, &proven), WEIR_SETTLE_REPLACE);
    head.stored.bytes = 1; /* somebody keeps bytes there */
    ck_assert_int_eq(weir_settle_judge(&s, &head, &content, &proven), WEIR_SETTLE_FOREIGN);
}
END_TEST

START_TEST(who_may_replace_what)
{
    struct weir_sender s = {
        .job_id = "job", .existing = judged[_i].policy, .caps = judged[_i].caps};
    struct weir_meta m;
    struct weir_stat st = {.mode = 0100644, .mtime = {5, 0}};
    struct weir_xxh128 x = {.b = {1}};
    weir_meta_fill(&m, WEIR_METADATA_POSIX, &st, "job", &x);
    struct weir_head head = {0};
    head.stored.bytes = 10;
    head.stored.has_crc64nvme = judged[_i].has_crc;
    head.stored.crc64nvme = judged[_i].same_bytes ? 99 : 98;
    if (judged[_i].who == OURS || judged[_i].who == OURS_OLD_META) {
        memcpy(head.meta, m.kv, m.count * sizeof(m.kv[0]));
        head.meta_count = m.count;
    }
    struct weir_meta mine;
    if (judged[_i].who == OURS_OLD_META)
        st.mode = 0100600;
    weir_meta_fill(&mine, WEIR_METADATA_POSIX, &st, "job", &x);
    struct weir_content content = {.bytes = 10, .crc64nvme = 99, .meta = &mine};
    bool proven;
    ck_assert_int_eq(
        weir_settle_judge(&s, judged[_i].who == NOBODY ? NULL : &head, &content, &proven),
        judged[_i].want);
    ck_assert_int_eq(proven, judged[_i].proven);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("upload");
    TCase *tc = tcase_create("upload");
    tcase_add_test(tc, every_state_and_event);
    tcase_add_test(tc, no_way_out_of_the_end);
    tcase_add_test(tc, chunks_and_crc_of_parts);
    tcase_add_loop_test(tc, times_are_exact, 0, sizeof(times) / sizeof(times[0]));
    tcase_add_test(tc, metadata_keys);
    tcase_add_test(tc, empty_directory_marker_may_be_replaced);
    tcase_add_loop_test(tc, who_may_replace_what, 0, sizeof(judged) / sizeof(judged[0]));
    suite_add_tcase(s, tc);
    return run_suite(s);
}
