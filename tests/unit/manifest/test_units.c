/* units and suggest: boundaries, overflow, wrong units, and what was meant. */
#include <stdint.h>

#include "manifest/suggest.h"
#include "manifest/units.h"
#include "manifest_test.h"

#define BAD UINT64_MAX /* the text must be refused */

static const struct {
    const char *text;
    uint64_t value;
    const char *meant;
} sizes[] = {
    {"0B", 0, NULL},
    {"1B", 1, NULL},
    {"1KiB", 1024, NULL},
    {"1 KiB", 1024, NULL},
    {"007MiB", 7u << 20, NULL},
    {"3GiB", UINT64_C(3) << 30, NULL},
    {"16777215TiB", UINT64_C(16777215) << 40, NULL},
    {"16777216TiB", BAD, NULL},
    {"18446744073709551614B", UINT64_MAX - 1, NULL},
    {"18446744073709551616B", BAD, NULL},
    {"18446744073709551615KiB", BAD, NULL},
    {"", BAD, NULL},
    {"5", BAD, NULL},
    {"5 ", BAD, NULL},
    {"MiB", BAD, NULL},
    {"-1MiB", BAD, NULL},
    {"+1MiB", BAD, NULL},
    {" 1MiB", BAD, NULL},
    {"1MiB ", BAD, "MiB"},
    {"1  MiB", BAD, "MiB"},
    {"1.5MiB", BAD, NULL},
    {"0x10B", BAD, NULL},
    {"1e3B", BAD, NULL},
    {"1MB", BAD, "MiB"},
    {"1mib", BAD, "MiB"},
    {"1Mib", BAD, "MiB"},
    {"1KB", BAD, "KiB"},
    {"1b", BAD, "B"},
};

START_TEST(size)
{
    uint64_t value = 0;
    const char *meant;
    const char *wrong = weir_units_size(sizes[_i].text, &value, &meant);
    ck_assert_msg((wrong == NULL) == (sizes[_i].value != BAD), "'%s' %s", sizes[_i].text,
                  wrong != NULL ? wrong : "was taken");
    if (wrong == NULL)
        ck_assert_uint_eq(value, sizes[_i].value);
    else
        ck_assert_pstr_eq(meant, sizes[_i].meant);
}
END_TEST

static const struct {
    const char *text;
    uint64_t value;
    const char *meant;
} rates[] = {
    {"unlimited", 0, NULL},
    {"8000bit/s", 1000, NULL},
    {"7999bit/s", BAD, NULL},
    {"8kbit/s", 1000, NULL},
    {"200Mbit/s", 25000000, NULL},
    {"1Gbit/s", 125000000, NULL},
    {"1Tbit/s", UINT64_C(125000000000), NULL},
    {"1000B/s", 1000, NULL},
    {"999B/s", BAD, NULL},
    {"1kB/s", 1000, NULL},
    {"1KiB/s", 1024, NULL},
    {"25 MB/s", 25000000, NULL},
    {"1MiB/s", 1 << 20, NULL},
    {"1GB/s", 1000000000, NULL},
    {"1GiB/s", 1 << 30, NULL},
    {"1TB/s", UINT64_C(1000000000000), NULL},
    {"1TiB/s", UINT64_C(1) << 40, NULL},
    {"18446744TB/s", UINT64_C(18446744) * UINT64_C(1000000000000), NULL},
    {"18446745TB/s", BAD, NULL},
    {"0B/s", BAD, NULL},
    {"0", BAD, NULL},
    {"10", BAD, NULL},
    {"10MB", BAD, NULL},
    {"10mbit/s", BAD, "Mbit/s"},
    {"10Mb/s", BAD, "Mbit/s"},
    {"10Kbit/s", BAD, "kbit/s"},
    {"1.5MB/s", BAD, NULL},
    {"unlimitd", BAD, "unlimited"},
    {"none", BAD, NULL},
    {"", BAD, NULL},
};

START_TEST(rate)
{
    uint64_t value = 0;
    const char *meant;
    const char *wrong = weir_units_rate(rates[_i].text, &value, &meant);
    ck_assert_msg((wrong == NULL) == (rates[_i].value != BAD), "'%s' %s", rates[_i].text,
                  wrong != NULL ? wrong : "was taken");
    if (wrong == NULL)
        ck_assert_uint_eq(value, rates[_i].value);
    else
        ck_assert_pstr_eq(meant, rates[_i].meant);
}
END_TEST

static const struct {
    const char *text;
    uint64_t value;
    const char *meant;
} durations[] = {
    {"0s", 0, NULL},
    {"1s", 1, NULL},
    {"90 s", 90, NULL},
    {"15m", 900, NULL},
    {"24h", 86400, NULL},
    {"7d", 604800, NULL},
    {"007d", 604800, NULL},
    {"213503982334601d", UINT64_C(18446744073709526400), NULL},
    {"213503982334602d", BAD, NULL},
    {"18446744073709551616s", BAD, NULL},
    {"", BAD, NULL},
    {"0", BAD, NULL},
    {"24", BAD, NULL},
    {"h", BAD, NULL},
    {"-1h", BAD, NULL},
    {"1.5h", BAD, NULL},
    {"24 hours", BAD, "h"},
    {"24H", BAD, "h"},
    {"10min", BAD, "m"},
    {"2 days", BAD, "d"},
    {"30Sec", BAD, "s"},
    {"1w", BAD, NULL},
    {"1month", BAD, NULL},
    {"500ms", BAD, NULL},
    {"1h30m", BAD, "h"},
    {"never", BAD, NULL},
};

START_TEST(duration)
{
    uint64_t value = 0;
    const char *meant;
    const char *wrong = weir_units_duration(durations[_i].text, &value, &meant);
    ck_assert_msg((wrong == NULL) == (durations[_i].value != BAD), "'%s' %s",
                  durations[_i].text, wrong != NULL ? wrong : "was taken");
    if (wrong == NULL)
        ck_assert_uint_eq(value, durations[_i].value);
    ck_assert_pstr_eq(meant, durations[_i].meant);
}
END_TEST

static const struct {
    const char *text;
    int minutes; /* -1: refused */
} times[] = {
    {"00:00", 0},  {"00:01", 1},  {"08:30", 510}, {"23:59", 1439},  {"24:00", 1440},
    {"24:01", -1}, {"25:00", -1}, {"12:60", -1},  {"8:00", -1},     {"08:0", -1},
    {"0800", -1},  {"08-00", -1}, {"", -1},       {"08:00:00", -1}, {"aa:bb", -1},
    {"-1:00", -1}, {"99:99", -1},
};

START_TEST(time_of_day)
{
    uint16_t minutes = 7;
    const char *wrong = weir_units_time(times[_i].text, &minutes);
    ck_assert_msg((wrong == NULL) == (times[_i].minutes >= 0), "%s", times[_i].text);
    ck_assert_int_eq(minutes, wrong == NULL ? times[_i].minutes : 7);
}
END_TEST

static const struct {
    const char *text;
    int days; /* -1: refused */
    const char *meant;
} days[] = {
    {"mon", 0x01, NULL},     {"sun", 0x40, NULL},       {"mon-fri", 0x1f, NULL},
    {"sat,sun", 0x60, NULL}, {"sat-sun", 0x60, NULL},   {"fri-mon", 0x71, NULL},
    {"mon-sun", 0x7f, NULL}, {"mon-mon", 0x01, NULL},   {"mon,wed-thu", 0x0d, NULL},
    {"sun-sat", 0x7f, NULL}, {"mon,mon", 0x01, NULL},   {"", -1, NULL},
    {"mon,", -1, NULL},      {",mon", -1, NULL},        {"mon-", -1, NULL},
    {"-fri", -1, NULL},      {"mon-tue-wed", -1, NULL}, {"mon tue", -1, "mon"},
    {"mon, tue", -1, NULL},  {"Mon", -1, "mon"},        {"monday", -1, "mon"},
    {"Thursday", -1, "thu"}, {"mon-fry", -1, "fri"},    {"everyday", -1, NULL},
};

START_TEST(days_of_week)
{
    uint8_t set = 0x80;
    const char *meant;
    const char *wrong = weir_units_days(days[_i].text, &set, &meant);
    ck_assert_msg((wrong == NULL) == (days[_i].days >= 0), "%s", days[_i].text);
    ck_assert_int_eq(set, wrong == NULL ? days[_i].days : 0x80);
    if (days[_i].meant != NULL)
        ck_assert_pstr_eq(meant, days[_i].meant);
}
END_TEST

static const struct {
    const char *text;
    uint64_t value;
} counts[] = {
    {"0", 0},    {"256", 256}, {"18446744073709551614", UINT64_MAX - 1},
    {"", BAD},   {"-1", BAD},  {"18446744073709551616", BAD},
    {"1 ", BAD}, {"0x1", BAD}, {"1_000", BAD},
};

START_TEST(count)
{
    uint64_t value = 0;
    const char *meant = "";
    const char *wrong = weir_units_count(counts[_i].text, &value, &meant);
    ck_assert_ptr_null(meant);
    ck_assert_msg((wrong == NULL) == (counts[_i].value != BAD), "%s", counts[_i].text);
    if (wrong == NULL)
        ck_assert_uint_eq(value, counts[_i].value);
}
END_TEST

static const struct {
    const char *a, *b;
    size_t distance;
} words[] = {
    {"", "", 0},
    {"a", "", 1},
    {"", "abc", 3},
    {"root", "rot", 1},
    {"root", "orot", 1},
    {"ROOT", "root", 0},
    {"region", "regoin", 1},
    {"include", "exclude", 2},
    {"kitten", "sitting", 3},
    {"ca", "abc", 3},
};

START_TEST(distance)
{
    ck_assert_uint_eq(weir_suggest_distance(words[_i].a, words[_i].b), words[_i].distance);
    ck_assert_uint_eq(weir_suggest_distance(words[_i].b, words[_i].a), words[_i].distance);
}
END_TEST

START_TEST(nearest)
{
    static const char *const list[] = {"root", "region", "report", NULL};
    char longest[200];
    memset(longest, 'r', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    ck_assert_pstr_eq(weir_suggest_nearest("rot", list), "root");
    ck_assert_pstr_eq(weir_suggest_nearest("reigon", list), "region");
    ck_assert_ptr_null(weir_suggest_nearest("xyzzy", list));
    ck_assert_ptr_null(weir_suggest_nearest("", list));
    ck_assert_ptr_null(weir_suggest_nearest(longest, list));
}
END_TEST

#define LOOP(test, table)                                                                      \
    tcase_add_loop_test(tc, test, 0, (int)(sizeof(table) / sizeof(*table)))

int
main(void)
{
    Suite *s = suite_create("units");
    TCase *tc = tcase_create("units");
    LOOP(size, sizes);
    LOOP(rate, rates);
    LOOP(duration, durations);
    LOOP(time_of_day, times);
    LOOP(days_of_week, days);
    LOOP(count, counts);
    LOOP(distance, words);
    tcase_add_test(tc, nearest);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
