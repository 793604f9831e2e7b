/* exchange: lines that export would not have written.  Whatever they are, an import of them
 * ends in an error that names a line, the catalog is as it was, and a good import still works.
 */
#include "exchange_support.h"

static struct place from, to;
static struct weir_catalog *target;
static struct weir_buf good; /* an export */
static uint64_t seed;

static void
setup(void)
{
    place_make(&from);
    place_make(&to);
    target = open_other(&to);
}

static void
teardown(void)
{
    weir_catalog_close(target);
    weir_buf_fini(&good);
    place_remove(&to);
    place_remove(&from);
}

static void
make_good(int i)
{
    seed = begin_random("damage", i);
    struct weir_catalog *c = open_writer(&from);
    fill_random(c, &seed, 8);
    good = export_of(c);
    weir_catalog_close(c);
}

static void
check_untouched(const char *id)
{
    uint64_t entries = 1;
    int64_t last = 1;
    ck_ok(weir_catalog_entry_count(target, &entries, err));
    ck_ok(weir_catalog_dir_last(target, &last, err));
    ck_assert(entries == 0 && last == 0);
    ck_assert_str_eq(weir_catalog_job_id(target), id);
    ck_assert(!target->in_transaction && !target->failed);
}

/* Refused, and with a number where the fault is one of lines. */
static void
check_refused(const struct weir_buf *text, const char *part)
{
    struct weir_err why = WEIR_ERR_INIT;
    char id[33], told[WEIR_ERR_FRAMES * WEIR_ERR_TEXT];
    (void)snprintf(id, sizeof(id), "%s", weir_catalog_job_id(target));
    int rc = import_text(target, text->data, text->len, &why);
    (void)weir_err_text(&why, told, sizeof(told));
    ck_assert_msg(rc == -1, "taken: %s", part);
    ck_assert_msg(why.code == WEIR_E_CONFIG || why.code == WEIR_E_SAFETY, "%s", told);
    ck_assert_msg(why.code != WEIR_E_CONFIG || strncmp(told, "line ", 5) == 0, "%s", told);
    ck_assert_msg(strstr(told, part) != NULL, "\"%s\" does not say \"%s\"", told, part);
    check_untouched(id);
}

/* ---- damage as disks and editors do it: the checksum tells ---- */

/* Start of the line that byte `at` is in, and of the one behind it. */
static void
line_at(const struct weir_buf *b, size_t at, size_t *out_start, size_t *out_end)
{
    const char *end = memchr(b->data + at, '\n', b->len - at);
    size_t start = at;
    while (start > 0 && b->data[start - 1] != '\n')
        start--;
    *out_start = start;
    *out_end = end != NULL ? (size_t)(end - b->data) + 1 : b->len;
}

static void
flip_bit(struct weir_buf *b)
{
    b->data[next_random(&seed) % b->len] ^= (char)(1 << next_random(&seed) % 8);
}

static void
cut_end(struct weir_buf *b)
{
    b->len = next_random(&seed) % (b->len - 1); /* more than the last newline */
}

static void
remove_range(struct weir_buf *b, size_t start, size_t end)
{
    memmove(b->data + start, b->data + end, b->len - end);
    b->len -= end - start;
}

static void
cut_line(struct weir_buf *b)
{
    size_t start, end;
    line_at(b, next_random(&seed) % b->len, &start, &end);
    start += next_random(&seed) % (end - start);
    remove_range(b, start, end - 1 > start ? end - 1 : end);
}

static void
remove_line(struct weir_buf *b)
{
    size_t start, end;
    line_at(b, next_random(&seed) % b->len, &start, &end);
    remove_range(b, start, end);
}

static void
insert(struct weir_buf *b, size_t at, const char *bytes, size_t len)
{
    char *rest = malloc(b->len - at + 1);
    size_t rest_len = b->len - at;
    ck_assert_ptr_nonnull(rest);
    memcpy(rest, b->data + at, rest_len);
    b->len = at;
    weir_buf_bytes(b, bytes, len);
    weir_buf_bytes(b, rest, rest_len);
    free(rest);
}

/* Copies the line at `from_at` in front of the line at `to_at`. */
static void
copy_line(struct weir_buf *b, size_t from_at, size_t to_at)
{
    size_t start, end, to_start, to_end;
    line_at(b, from_at, &start, &end);
    line_at(b, to_at, &to_start, &to_end);
    char *line = strndup(b->data + start, end - start);
    ck_assert_ptr_nonnull(line);
    insert(b, to_start, line, end - start);
    free(line);
}

static void
double_line(struct weir_buf *b)
{
    size_t at = next_random(&seed) % b->len;
    copy_line(b, at, at);
}

static void
repeat_line_elsewhere(struct weir_buf *b)
{
    copy_line(b, next_random(&seed) % b->len, next_random(&seed) % b->len);
}

/* Swaps the line at `at` with the next one; false when it is the last. */
static bool
swap_at(struct weir_buf *b, size_t at)
{
    size_t start, middle, again, end;
    line_at(b, at, &start, &middle);
    if (middle >= b->len)
        return false;
    line_at(b, middle, &again, &end);
    copy_line(b, middle, start);
    remove_range(b, middle + (end - middle), end + (end - middle));
    return true;
}

static void
swap_lines(struct weir_buf *b)
{
    if (!swap_at(b, next_random(&seed) % b->len))
        flip_bit(b);
}

static void (*const damages[])(struct weir_buf *) = {
    flip_bit, cut_end, cut_line, remove_line, double_line, swap_lines, repeat_line_elsewhere,
};

static struct weir_buf
copy_of(const struct weir_buf *b)
{
    struct weir_buf copy = {0};
    weir_buf_bytes(&copy, b->data, b->len);
    ck_assert(!copy.failed);
    return copy;
}

START_TEST(damaged_exports)
{
    make_good(_i);
    for (int i = 0; i < 200; i++) {
        struct weir_buf bad = copy_of(&good);
        damages[next_random(&seed) % COUNT(damages)](&bad);
        check_refused(&bad, "");
        weir_buf_fini(&bad);
    }
    ck_ok(import_text(target, good.data, good.len, err));
}
END_TEST

/* ---- damage that somebody covered up: counts and checksum fit ---- */

/* How a line of a kind begins; "-----" for others. */
static const char *
line_kind(const struct weir_buf *b, size_t start)
{
    static const char *const kinds[] = {"{\"fact", "{\"dir", "{\"name", "{\"digests"};
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strncmp(b->data + start, kinds[i], strlen(kinds[i])) == 0)
            return kinds[i];
    return "-----";
}

static void
cover_up(struct weir_buf *b)
{
    unsigned facts = 0, dirs = 0, entries = 0, digests = 0;
    size_t start, end;
    for (size_t at = 0; at < b->len; at = end) {
        line_at(b, at, &start, &end);
        facts += line_kind(b, start)[2] == 'f';
        dirs += strcmp(line_kind(b, start), "{\"dir") == 0;
        entries += line_kind(b, start)[2] == 'n';
        if (line_kind(b, start)[4] == 'g' && end - start > 20) { /* {"digests":"..."} */
            size_t text = end - start - strlen("{\"digests\":\"\"}\n");
            const char *last = b->data + end - 4;
            digests += (unsigned)((text / 4 * 3 - (last[0] == '=') - (last[-1] == '=')) / 16);
        }
        if (strncmp(b->data + start, "{\"summary", 9) == 0) {
            b->len = start;
            break;
        }
    }
    add_summary(b, facts, dirs, entries, digests);
}

/* A text that is taken comes out again, and that comes back the same. */
static void
check_stable(const struct weir_buf *text)
{
    struct place p;
    struct weir_err why = WEIR_ERR_INIT;
    place_make(&p);
    struct weir_catalog *c = open_other(&p);
    if (import_text(c, text->data, text->len, &why) == 0) {
        struct weir_buf out = export_of(c);
        weir_catalog_close(c);
        place_remove(&p);
        place_make(&p);
        c = open_other(&p);
        ck_ok(import_text(c, out.data, out.len, err));
        struct weir_buf again = export_of(c);
        ck_assert_str_eq(out.data, again.data);
        weir_buf_fini(&out);
        weir_buf_fini(&again);
    }
    weir_catalog_close(c);
    place_remove(&p);
}

START_TEST(damage_that_was_covered_up)
{
    make_good(_i);
    struct weir_buf same = copy_of(&good);
    cover_up(&same);
    ck_assert_str_eq(same.data, good.data); /* the test itself counts well */
    weir_buf_fini(&same);
    for (int i = 0; i < 40; i++) {
        struct weir_buf bad = copy_of(&good);
        damages[next_random(&seed) % COUNT(damages)](&bad);
        cover_up(&bad);
        check_stable(&bad);
        weir_buf_fini(&bad);
    }
}
END_TEST

/* Rows twice, and rows in another order, with a summary that fits. */
START_TEST(lines_out_of_order)
{
    make_good(_i);
    int swapped = 0;
    size_t start, end;
    for (size_t at = 0; at < good.len; at = end) {
        line_at(&good, at, &start, &end);
        const char *kind = line_kind(&good, start);
        if (kind[0] == '-')
            continue;
        struct weir_buf bad = copy_of(&good);
        copy_line(&bad, start, start);
        cover_up(&bad);
        check_refused(&bad, "");
        weir_buf_fini(&bad);
        if (end < good.len && strcmp(kind, line_kind(&good, end)) == 0 && kind[4] != 'g') {
            bad = copy_of(&good);
            ck_assert(swap_at(&bad, start));
            cover_up(&bad);
            check_refused(&bad, "");
            weir_buf_fini(&bad);
            swapped++;
        }
    }
    ck_assert_int_gt(swapped, 2);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("catalog_exchange_damage");
    TCase *tc = tcase_create("damage");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, damaged_exports, 0, 8);
    tcase_add_loop_test(tc, damage_that_was_covered_up, 0, 3);
    tcase_add_loop_test(tc, lines_out_of_order, 0, 2);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
