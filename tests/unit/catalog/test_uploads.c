/* catalog: uploads in flight, their parts, and the passes. */
#include "support.h"

static struct place place;
static struct weir_catalog *catalog;

static void
setup(void)
{
    place_make(&place);
    catalog = open_writer(&place);
    ck_ok(weir_catalog_begin(catalog, err));
}

static void
teardown(void)
{
    weir_catalog_close(catalog);
    place_remove(&place);
}

static void
reopen(void)
{
    ck_ok(weir_catalog_commit(catalog, err));
    weir_catalog_close(catalog);
    catalog = open_writer(&place);
    ck_ok(weir_catalog_begin(catalog, err));
}

static struct weir_catalog_upload
make_upload(const char *path, size_t path_len, const char *upload_id)
{
    uint64_t seed = path_len + 40;
    return (struct weir_catalog_upload){.path = path,
                                        .path_len = path_len,
                                        .key = "key/\xe2\x90\x9b"
                                               "0a",
                                        .upload_id = upload_id,
                                        .st = random_stat(&seed),
                                        .part_bytes = UINT64_MAX,
                                        .chunk_bytes = 1 << 20};
}

static void
ck_same_upload(const struct weir_catalog_upload *a, const struct weir_catalog_upload *b)
{
    ck_assert_int_eq(a->id, b->id);
    ck_assert_uint_eq(a->path_len, b->path_len);
    ck_assert_mem_eq(a->path, b->path, a->path_len);
    ck_assert_str_eq(a->key, b->key);
    ck_assert_str_eq(a->upload_id, b->upload_id);
    ck_same_stat(&a->st, &b->st);
    ck_assert_uint_eq(a->part_bytes, b->part_bytes);
    ck_assert_uint_eq(a->chunk_bytes, b->chunk_bytes);
    ck_assert_int_eq(a->completing, b->completing);
}

START_TEST(an_upload_is_written_before_it_is_used)
{
    struct weir_catalog_upload u = make_upload("a\n\xff", 3, ""), found;
    bool is_there = true;
    ck_ok(weir_catalog_upload_find(catalog, "a\n\xff", 3, &found, &is_there, err));
    ck_assert(!is_there);
    ck_ok(weir_catalog_upload_put(catalog, &u, &u.id, err));
    ck_assert_int_ne(u.id, 0);
    reopen();
    ck_ok(weir_catalog_upload_find(catalog, "a\n\xff", 3, &found, &is_there, err));
    ck_assert(is_there);
    ck_same_upload(&found, &u);
    char long_id[1025]; /* the longest that a store may give */
    memset(long_id, 'u', 1024);
    long_id[1024] = '\0';
    u.upload_id = long_id;
    u.completing = true;
    int64_t id = 0;
    ck_ok(weir_catalog_upload_put(catalog, &u, &id, err));
    ck_assert_int_eq(id, u.id);
    reopen();
    ck_ok(weir_catalog_upload_find(catalog, "a\n\xff", 3, &found, &is_there, err));
    ck_same_upload(&found, &u);
    found.id = 12345;
    ck_fails(weir_catalog_upload_put(catalog, &found, &id, err), WEIR_E_BUG, "12345");
}
END_TEST

struct seen {
    size_t count, stop_after;
    int64_t ids[8];
};

static int
see_upload(void *ctx, const struct weir_catalog_upload *u)
{
    struct seen *seen = ctx;
    ck_assert_uint_lt(seen->count, COUNT(seen->ids));
    seen->ids[seen->count++] = u->id;
    ck_assert_uint_eq(strlen(u->path), u->path_len); /* of these paths */
    return seen->count == seen->stop_after;
}

START_TEST(a_second_upload_of_a_path_does_not_hide_the_first)
{
    struct weir_catalog_upload old = make_upload("p", 1, "old"),
                               new = make_upload("p", 1, "new");
    struct weir_catalog_upload other = make_upload("q", 1, "other"), found;
    bool is_there = false;
    ck_ok(weir_catalog_upload_put(catalog, &old, &old.id, err));
    ck_ok(weir_catalog_upload_put(catalog, &other, &other.id, err));
    ck_ok(weir_catalog_upload_put(catalog, &new, &new.id, err));
    ck_ok(weir_catalog_upload_find(catalog, "p", 1, &found, &is_there, err));
    ck_same_upload(&found, &new); /* the latest is found, */
    struct seen seen = {0};
    ck_ok(weir_catalog_upload_each(catalog, see_upload, &seen, err)); /* all are listed */
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_int_eq(seen.ids[0], old.id);
    ck_assert_int_eq(seen.ids[2], new.id);
    seen = (struct seen){.stop_after = 2};
    ck_ok(weir_catalog_upload_each(catalog, see_upload, &seen, err));
    ck_assert_uint_eq(seen.count, 2);
    ck_ok(weir_catalog_upload_remove(catalog, new.id, err));
    ck_ok(weir_catalog_upload_find(catalog, "p", 1, &found, &is_there, err));
    ck_same_upload(&found, &old);
    ck_ok(weir_catalog_upload_remove(catalog, old.id, err));
    ck_ok(weir_catalog_upload_remove(catalog, old.id, err)); /* gone is gone */
    ck_ok(weir_catalog_upload_find(catalog, "p", 1, &found, &is_there, err));
    ck_assert(!is_there);
}
END_TEST

struct parts {
    size_t count, stop_after;
    struct weir_part part[16];
    size_t chunk_count[16];
    struct weir_xxh128 first_chunk[16];
};

static int
see_part(void *ctx, const struct weir_part *part, const struct weir_xxh128 *chunks,
         size_t count)
{
    struct parts *p = ctx;
    ck_assert_uint_lt(p->count, COUNT(p->part));
    p->part[p->count] = *part;
    p->chunk_count[p->count] = count;
    if (count > 0)
        p->first_chunk[p->count] = chunks[0];
    p->count++;
    return p->count == p->stop_after;
}

static struct parts
list_parts(int64_t upload)
{
    struct parts p = {0};
    ck_ok(weir_catalog_part_each(catalog, upload, see_part, &p, err));
    return p;
}

START_TEST(parts_come_in_order_with_their_digests)
{
    struct weir_catalog_upload u = make_upload("p", 1, "id"), v = make_upload("q", 1, "id");
    ck_ok(weir_catalog_upload_put(catalog, &u, &u.id, err));
    ck_ok(weir_catalog_upload_put(catalog, &v, &v.id, err));
    static const uint32_t numbers[] = {10000, 3, 1, 2, UINT32_MAX};
    static struct weir_xxh128 chunks[8];
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct weir_part part = {.number = numbers[i],
                                 .bytes = UINT64_MAX - i,
                                 .has_crc64nvme = i % 2,
                                 .crc64nvme = UINT64_MAX - i};
        memset(part.etag, 'e', i == 0 ? WEIR_ETAG_BYTES - 1 : i);
        chunks[0].b[15] = (uint8_t)i;
        ck_ok(weir_catalog_part_put(catalog, u.id, &part, i == 1 ? NULL : chunks,
                                    i == 1 ? 0 : 8, err));
    }
    reopen();
    struct parts p = list_parts(u.id);
    ck_assert_uint_eq(p.count, 5);
    static const size_t order[] = {2, 3, 1, 0, 4};
    for (size_t k = 0; k < COUNT(order); k++) {
        size_t i = order[k];
        ck_assert_uint_eq(p.part[k].number, numbers[i]);
        ck_assert_uint_eq(p.part[k].bytes, UINT64_MAX - i);
        ck_assert_uint_eq(p.part[k].crc64nvme, UINT64_MAX - i);
        ck_assert_int_eq(p.part[k].has_crc64nvme, i % 2);
        ck_assert_uint_eq(strlen(p.part[k].etag), i == 0 ? WEIR_ETAG_BYTES - 1 : i);
        ck_assert_uint_eq(p.chunk_count[k], i == 1 ? 0 : 8);
        if (i != 1)
            ck_assert_uint_eq(p.first_chunk[k].b[15], i);
    }
    struct parts two = {.stop_after = 2};
    ck_ok(weir_catalog_part_each(catalog, u.id, see_part, &two, err));
    ck_assert_uint_eq(two.count, 2);
    struct weir_part again = {.number = 3, .bytes = 7, .etag = "again"};
    ck_ok(weir_catalog_part_put(catalog, u.id, &again, chunks, 1, err)); /* replaces */
    p = list_parts(u.id);
    ck_assert_uint_eq(p.count, 5);
    ck_assert_str_eq(p.part[2].etag, "again");
    ck_assert_uint_eq(list_parts(v.id).count, 0);
}
END_TEST

START_TEST(parts_end_with_their_upload)
{
    struct weir_catalog_upload u = make_upload("p", 1, ""), v = make_upload("q", 1, "v");
    struct weir_part part = {.number = 1, .bytes = 1};
    ck_ok(weir_catalog_upload_put(catalog, &u, &u.id, err));
    ck_ok(weir_catalog_upload_put(catalog, &v, &v.id, err));
    ck_ok(weir_catalog_part_put(catalog, v.id, &part, NULL, 0, err));
    u.upload_id = "first";
    ck_ok(weir_catalog_upload_put(catalog, &u, &u.id, err));
    ck_ok(weir_catalog_part_put(catalog, u.id, &part, NULL, 0, err));
    u.completing = true; /* still the same upload */
    ck_ok(weir_catalog_upload_put(catalog, &u, &u.id, err));
    ck_assert_uint_eq(list_parts(u.id).count, 1);
    u.upload_id = "second"; /* another: its parts do not exist yet */
    ck_ok(weir_catalog_upload_put(catalog, &u, &u.id, err));
    ck_assert_uint_eq(list_parts(u.id).count, 0);
    ck_ok(weir_catalog_part_put(catalog, u.id, &part, NULL, 0, err));
    int64_t old_id = u.id;
    ck_ok(weir_catalog_upload_remove(catalog, u.id, err));
    ck_assert_uint_eq(list_parts(old_id).count, 0);
    ck_assert_uint_eq(list_parts(v.id).count, 1);
}
END_TEST

static const char *const bad_parts[] = {
    "UPDATE part SET number = 0",
    "UPDATE part SET number = 5000000000",
    "UPDATE part SET chunks = x'010203'",
    "UPDATE part SET etag = printf('%200s', 'x')",
};

START_TEST(damaged_parts_and_uploads_are_noticed)
{
    struct weir_catalog_upload u = make_upload("p", 1, "id"), found;
    struct weir_part part = {.number = 1, .bytes = 1};
    bool is_there = false;
    ck_ok(weir_catalog_upload_put(catalog, &u, &u.id, err));
    ck_ok(weir_catalog_part_put(catalog, u.id, &part, NULL, 0, err));
    ck_assert_int_eq(sqlite3_exec(catalog->db, bad_parts[_i], NULL, NULL, NULL), SQLITE_OK);
    struct parts p = {0};
    ck_fails(weir_catalog_part_each(catalog, u.id, see_part, &p, err), WEIR_E_CATALOG,
             place.db);
    ck_assert_uint_eq(p.count, 0);
    ck_assert_int_eq(
        sqlite3_exec(catalog->db, "UPDATE upload SET stat = x'ff'", NULL, NULL, NULL),
        SQLITE_OK);
    struct seen seen = {0};
    ck_fails(weir_catalog_upload_find(catalog, "p", 1, &found, &is_there, err), WEIR_E_CATALOG,
             place.db);
    ck_fails(weir_catalog_upload_each(catalog, see_upload, &seen, err), WEIR_E_CATALOG,
             place.db);
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST

START_TEST(passes_count_from_one)
{
    struct weir_catalog_pass last = {.pass = 55};
    bool found = true;
    int64_t pass = 0;
    ck_ok(weir_catalog_pass_last(catalog, &last, &found, err));
    ck_assert(!found);
    ck_assert_int_eq(last.pass, 55);
    ck_ok(weir_catalog_pass_begin(catalog, "seed", 1000, &pass, err));
    ck_assert_int_eq(pass, 1);
    reopen(); /* killed before its first ledger */
    ck_ok(weir_catalog_pass_last(catalog, &last, &found, err));
    ck_assert(found);
    ck_assert_int_eq(last.pass, 1);
    ck_assert_int_eq(last.started_ns, 1000);
    ck_assert_int_eq(last.updated_ns, 1000);
    ck_assert(!last.finished);
    ck_assert_str_eq(last.command, "seed");
    ck_assert_ptr_null(last.ledger_json);
    ck_ok(weir_catalog_pass_begin(catalog, "a command of many letters", -5, &pass, err));
    ck_assert_int_eq(pass, 2);
    ck_ok(weir_catalog_pass_update(catalog, 2, 7, false, 0, "{\"seen\":1}", err));
    ck_ok(weir_catalog_pass_update(catalog, 2, INT64_MAX, true, 75, "{\"seen\":2}", err));
    reopen();
    ck_ok(weir_catalog_pass_last(catalog, &last, &found, err));
    ck_assert_int_eq(last.pass, 2);
    ck_assert_int_eq(last.started_ns, -5);
    ck_assert_int_eq(last.updated_ns, INT64_MAX);
    ck_assert(last.finished);
    ck_assert_int_eq(last.exit_status, 75);
    ck_assert_str_eq(last.ledger_json, "{\"seen\":2}");
    ck_assert_str_eq(last.command, "a command of ma"); /* cut to fit */
    free(last.ledger_json);
    ck_fails(weir_catalog_pass_update(catalog, 3, 7, false, 0, NULL, err), WEIR_E_BUG, "3");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_uploads");
    TCase *tc = tcase_create("uploads");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_upload_is_written_before_it_is_used);
    tcase_add_test(tc, a_second_upload_of_a_path_does_not_hide_the_first);
    tcase_add_test(tc, parts_come_in_order_with_their_digests);
    tcase_add_test(tc, parts_end_with_their_upload);
    tcase_add_loop_test(tc, damaged_parts_and_uploads_are_noticed, 0, COUNT(bad_parts));
    tcase_add_test(tc, passes_count_from_one);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
