/* delta: plans are legal for any input, send as little as a slow search does, and look as
 * expected in the cases that matter. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../main_check.h"
#include "plan/delta.h"
#include <weir/rng.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static const struct weir_limits s3 = {.part_bytes_min = 5 * MIB,
                                      .part_bytes_max = 5 * GIB,
                                      .part_count_max = 10000,
                                      .copy_bytes_max = 5 * GIB,
                                      .copy_source_bytes_min = 5 * MIB};

static uint64_t
chunk_count(const struct weir_delta_input *in)
{
    return (in->object_bytes - 1) / in->chunk_bytes + 1;
}

static void
check_copy(const struct weir_delta_input *in, const struct weir_delta_part *p)
{
    ck_assert_uint_gt(in->base_bytes, in->limits->copy_source_bytes_min);
    ck_assert_uint_le(p->bytes, in->limits->copy_bytes_max);
    ck_assert_uint_le(p->bytes, in->limits->part_bytes_max);
    ck_assert_uint_le(p->offset + p->bytes, in->base_bytes);
    uint64_t last = (p->offset + p->bytes - 1) / in->chunk_bytes;
    for (uint64_t c = p->offset / in->chunk_bytes; c <= last; c++)
        ck_assert_uint_eq(in->same[c], 1);
}

/* Every rule of the header. */
static void
check_plan(const struct weir_delta_input *in, const struct weir_delta_plan *plan)
{
    uint64_t at = 0, copied = 0, sent = 0;
    ck_assert_uint_le(plan->count, in->limits->part_count_max);
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct weir_delta_part *p = &plan->parts[i];
        ck_assert_uint_eq(p->offset, at);
        ck_assert_uint_eq(p->offset % in->chunk_bytes, 0);
        ck_assert_uint_gt(p->bytes, 0);
        if (i + 1 < plan->count) {
            ck_assert_uint_ge(p->bytes, in->limits->part_bytes_min);
            ck_assert_uint_eq(p->bytes % in->chunk_bytes, 0);
        }
        if (p->copy)
            check_copy(in, p);
        else
            ck_assert_uint_le(p->bytes, in->part_bytes);
        *(p->copy ? &copied : &sent) += p->bytes;
        at += p->bytes;
    }
    ck_assert_uint_eq(copied, plan->copied_bytes);
    ck_assert_uint_eq(sent, plan->sent_bytes);
    if (plan->count == 0) {
        ck_assert_ptr_null(plan->parts);
        ck_assert_uint_eq(copied, 0);
    } else {
        ck_assert_uint_eq(at, in->object_bytes);
        ck_assert_uint_ge(copied, in->part_bytes);
    }
}

static struct weir_delta_plan
plan_of(const struct weir_delta_input *in)
{
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_delta_plan plan, again;
    ck_assert_int_eq(weir_delta_plan(in, &plan, &err), 0);
    ck_assert_int_eq(weir_delta_plan(in, &again, &err), 0);
    check_plan(in, &plan);
    ck_assert_uint_eq(plan.count, again.count);
    for (uint32_t i = 0; i < plan.count; i++) {
        ck_assert_uint_eq(plan.parts[i].offset, again.parts[i].offset);
        ck_assert(plan.parts[i].copy == again.parts[i].copy);
    }
    weir_delta_plan_fini(&again);
    return plan;
}

/* ---- against a slow search over every cut ---- */

#define SLOW_CHUNKS 40
#define NO_WAY UINT64_MAX

/* May chunks from..to-1 be one part?  Its cost in sent bytes, or NO_WAY. */
static uint64_t
cost_of(const struct weir_delta_input *in, uint64_t from, uint64_t to, bool copy)
{
    uint64_t count = chunk_count(in), start = from * in->chunk_bytes;
    uint64_t end = to == count ? in->object_bytes : to * in->chunk_bytes;
    if (end - start < in->limits->part_bytes_min && to != count)
        return NO_WAY;
    if (!copy)
        return end - start <= in->part_bytes ? end - start : NO_WAY;
    uint64_t grid_bytes = (to - from) * in->chunk_bytes; /* also of a last chunk that is cut */
    if (grid_bytes > in->limits->copy_bytes_max || grid_bytes > in->limits->part_bytes_max)
        return NO_WAY;
    for (uint64_t c = from; c < to; c++)
        if (in->same[c] != 1)
            return NO_WAY;
    return 0;
}

/* best[k] = fewest bytes sent in exactly k parts. */
static void
slow_search(const struct weir_delta_input *in, uint64_t best[SLOW_CHUNKS + 1])
{
    static uint64_t table[SLOW_CHUNKS + 1][SLOW_CHUNKS + 1];
    uint64_t n = chunk_count(in);
    memset(table, 0xff, sizeof(table));
    table[0][0] = 0;
    for (uint64_t i = 1; i <= n; i++)
        for (uint64_t from = 0; from < i; from++)
            for (int copy = 0; copy < 2; copy++) {
                uint64_t cost = cost_of(in, from, i, copy == 1);
                for (uint64_t k = 0; cost != NO_WAY && k < n; k++)
                    if (table[from][k] != NO_WAY && table[from][k] + cost < table[i][k + 1])
                        table[i][k + 1] = table[from][k] + cost;
            }
    memcpy(best, table[n], sizeof(table[n]));
}

/* The best plan at the lowest price of a part at which the parts are few enough, or false when
 * there is no plan.  At price 0 that is the best of all. */
static bool
priced(const struct weir_delta_input *in, const uint64_t *by_parts, uint64_t *out_price,
       uint64_t *out_parts)
{
    for (uint64_t price = 0; price <= 2 * in->object_bytes; price++) {
        uint64_t best = NO_WAY, parts = 0;
        for (uint64_t k = 1; k <= chunk_count(in); k++)
            if (by_parts[k] != NO_WAY && by_parts[k] + price * k < best) {
                best = by_parts[k] + price * k;
                parts = k;
            }
        if (parts > 0 && parts <= in->limits->part_count_max) {
            *out_price = price;
            *out_parts = parts;
            return true;
        }
    }
    return false;
}

static void
compare_with_search(const struct weir_delta_input *in, const struct weir_delta_plan *plan)
{
    uint64_t by_parts[SLOW_CHUNKS + 1], price = 0, parts = 0, least = NO_WAY;
    slow_search(in, by_parts);
    for (uint64_t k = 1; k <= chunk_count(in) && k <= in->limits->part_count_max; k++)
        least = by_parts[k] < least ? by_parts[k] : least;
    if (!priced(in, by_parts, &price, &parts) ||
        in->base_bytes <= in->limits->copy_source_bytes_min ||
        in->object_bytes - least < in->part_bytes) {
        ck_assert_uint_eq(plan->count, 0);
    } else if (plan->count == 0) { /* the limit is near, and what may be found is too little */
        ck_assert_uint_gt(price, 0);
        ck_assert_uint_lt(in->object_bytes - by_parts[parts], in->part_bytes);
    } else {
        ck_assert_uint_ge(plan->sent_bytes, least);
        ck_assert_uint_le(plan->sent_bytes, by_parts[parts]);
        if (price == 0)
            ck_assert_uint_eq(plan->count, parts);
    }
}

static void
random_same(struct weir_rng *rng, const struct weir_delta_input *in, uint8_t *same)
{
    uint64_t style = weir_rng_below(rng, 4), odds = 1 + weir_rng_below(rng, 8);
    uint8_t value = weir_rng_below(rng, 2) == 0;
    uint64_t period = 1 + weir_rng_below(rng, 6), n = chunk_count(in);
    for (uint64_t i = 0; i < n; i++) {
        bool turn = style == 3 ? i % period == 0 : weir_rng_below(rng, odds) == 0;
        value = turn ? !value : value;
        uint64_t end = i + 1 == n ? in->object_bytes : (i + 1) * in->chunk_bytes;
        bool cut = end % in->chunk_bytes != 0 && in->base_bytes != in->object_bytes;
        same[i] = value && end <= in->base_bytes && !cut;
    }
}

START_TEST(random_plans_are_legal_and_cheapest)
{
    uint64_t seed = (uint64_t)time(NULL);
    struct weir_rng rng = {.state = seed};
    printf("delta: seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 2000; round++) {
        uint8_t same[SLOW_CHUNKS];
        uint64_t chunk = 1 + weir_rng_below(&rng, 8);
        uint64_t part = chunk * (1 + weir_rng_below(&rng, 8));
        struct weir_limits lim = {.part_bytes_min = 1 + weir_rng_below(&rng, part),
                                  .part_bytes_max = part + weir_rng_below(&rng, 100),
                                  .copy_bytes_max = 1 + weir_rng_below(&rng, 200),
                                  .copy_source_bytes_min = weir_rng_below(&rng, 30)};
        struct weir_delta_input in = {.limits = &lim,
                                      .object_bytes =
                                          1 + weir_rng_below(&rng, SLOW_CHUNKS * chunk),
                                      .part_bytes = part,
                                      .chunk_bytes = chunk,
                                      .same = same};
        in.base_bytes = weir_rng_below(&rng, 3) == 0
                            ? in.object_bytes
                            : weir_rng_below(&rng, SLOW_CHUNKS * chunk);
        lim.part_count_max =
            weir_rng_below(&rng, 2) == 0 ? 10000 : 1 + (uint32_t)weir_rng_below(&rng, 12);
        random_same(&rng, &in, same);
        struct weir_delta_plan plan = plan_of(&in);
        compare_with_search(&in, &plan);
        weir_delta_plan_fini(&plan);
    }
}
END_TEST

/* ---- what a store like S3 gets ---- */

struct given {
    const char *what;
    uint64_t object, base, part;
    uint64_t changed[8]; /* pairs: first chunk, number of chunks; ends with a number of 0 */
    uint64_t sent;       /* bytes expected */
    uint32_t count;
};

static const struct given examples[] = {
    {"one byte", GIB, GIB, 8 * MIB, {500, 1}, 5 * MIB, 6},
    {"the first byte", GIB, GIB, 8 * MIB, {0, 1}, 5 * MIB, 5},
    {"the last byte", GIB, GIB, 8 * MIB, {1023, 1}, MIB, 5},
    {"near the start", GIB, GIB, 8 * MIB, {3, 1}, 5 * MIB, 5},
    {"two bytes far apart", GIB, GIB, 8 * MIB, {100, 1, 600, 1}, 10 * MIB, 7},
    {"a gap of four", GIB, GIB, 8 * MIB, {100, 1, 105, 1}, 6 * MIB, 6},
    {"a gap of five", GIB, GIB, 8 * MIB, {100, 5, 110, 5}, 10 * MIB, 8},
    {"nine chunks", GIB, GIB, 8 * MIB, {100, 9}, 10 * MIB, 7},
    {"append, aligned", GIB + 1, GIB, 8 * MIB, {1024, 1}, 1, 5},
    {"append, not aligned", GIB + 10, GIB + 5, 8 * MIB, {1024, 1}, 10, 5},
    {"append of many parts", GIB + 20 * MIB, GIB, 8 * MIB, {1024, 20}, 20 * MIB, 7},
    {"append of one part", GIB + 5 * MIB, GIB, 8 * MIB, {1024, 5}, 5 * MIB, 5},
    {"cut at a chunk", 512 * MIB, GIB, 8 * MIB, {0, 0}, 0, 2},
    {"cut inside a chunk", 512 * MIB + 7, GIB, 8 * MIB, {512, 1}, 7, 3},
    {"all the same", 12 * GIB + 3, 12 * GIB + 3, 8 * MIB, {0, 0}, 0, 49},
    {"all different", GIB, GIB, 8 * MIB, {0, 1024}, 0, 0},
    {"all but one part", GIB, GIB, 8 * MIB, {0, 1016}, 1016 * MIB, 128},
    {"all but less than one", GIB, GIB, 8 * MIB, {0, 1017}, 0, 0},
    {"a base too short to copy from", 6 * MIB, 5 * MIB, 5 * MIB, {5, 1}, 0, 0},
    {"parts of the least size", 64 * MIB, 64 * MIB, 5 * MIB, {30, 1}, 5 * MIB, 3},
    {"parts have grown", 100 * GIB, 70 * GIB, 11 * MIB, {70 * 1024, 30 * 1024}, 30 * GIB, 0},
};

static void
mark(const struct given *g, uint8_t *same, uint64_t count)
{
    memset(same, 1, count);
    for (size_t i = 0; i + 1 < 8 && g->changed[i + 1] > 0; i += 2)
        memset(same + g->changed[i], 0, g->changed[i + 1]);
}

START_TEST(plans_are_as_expected)
{
    const struct given *g = &examples[_i];
    struct weir_delta_input in = {.limits = &s3,
                                  .object_bytes = g->object,
                                  .base_bytes = g->base,
                                  .part_bytes = g->part,
                                  .chunk_bytes = MIB};
    uint8_t *same = malloc(chunk_count(&in));
    mark(g, same, chunk_count(&in));
    in.same = same;
    struct weir_delta_plan plan = plan_of(&in);
    ck_assert_msg(plan.sent_bytes == g->sent, "%s: %llu bytes sent", g->what,
                  (unsigned long long)plan.sent_bytes);
    if (g->count > 0 || g->sent == 0)
        ck_assert_msg(plan.count == g->count, "%s: %u parts", g->what, plan.count);
    weir_delta_plan_fini(&plan);
    free(same);
}
END_TEST

START_TEST(one_changed_byte_is_one_sent_part)
{
    static uint8_t same[1024];
    struct weir_delta_input in = {.limits = &s3,
                                  .object_bytes = GIB,
                                  .base_bytes = GIB,
                                  .part_bytes = 8 * MIB,
                                  .chunk_bytes = MIB,
                                  .same = same};
    for (uint64_t at = 0; at < 1024; at++) {
        uint32_t sent = 0;
        memset(same, 1, sizeof(same));
        same[at] = 0;
        struct weir_delta_plan plan = plan_of(&in);
        for (uint32_t i = 0; i < plan.count; i++)
            sent += !plan.parts[i].copy;
        ck_assert_uint_eq(sent, 1);
        ck_assert_uint_le(plan.sent_bytes, 5 * MIB);
        weir_delta_plan_fini(&plan);
    }
}
END_TEST

/* Patterns that would give far more parts than a store takes: the most expensive gaps are sent.
 */
START_TEST(count_limit_holds_against_any_pattern)
{
    const uint64_t n = 50 * 1024; /* 50 GiB: 2,500 parts of 20.48 MiB */
    struct weir_limits lim = s3;
    static const uint64_t periods[] = {2, 5, 6, 10, 11, 40};
    struct weir_delta_input in = {.limits = &lim,
                                  .object_bytes = n * MIB,
                                  .base_bytes = n * MIB,
                                  .part_bytes = 21 * MIB,
                                  .chunk_bytes = MIB};
    lim.part_count_max = 2500;
    uint8_t *same = malloc(n);
    for (size_t p = 0; p < sizeof(periods) / sizeof(periods[0]); p++) {
        for (uint64_t i = 0; i < n; i++)
            same[i] = i / periods[p] % 2 == 0;
        in.same = same;
        struct weir_delta_plan plan = plan_of(&in);
        if (periods[p] == 40) /* copies and parts of 40 MiB: they fit, and half is copied */
            ck_assert_uint_eq(plan.sent_bytes, n * MIB / 2);
        weir_delta_plan_fini(&plan);
    }
    free(same);
}
END_TEST

/* One part too many for a pattern of equal runs: hardly a copy less. */
START_TEST(equal_runs_are_not_dropped_all_at_once)
{
    static uint8_t same[2560];
    struct weir_limits lim = s3;
    struct weir_delta_input in = {.limits = &lim,
                                  .object_bytes = 2560 * MIB,
                                  .base_bytes = 2560 * MIB,
                                  .part_bytes = 8 * MIB,
                                  .chunk_bytes = MIB,
                                  .same = same};
    for (size_t i = 0; i < sizeof(same); i++)
        same[i] = i / 5 % 2 == 0; /* 512 runs */
    lim.part_count_max = 511;
    struct weir_delta_plan plan = plan_of(&in);
    ck_assert_uint_le(plan.sent_bytes, 1280 * MIB + 5 * 5 * MIB);
    weir_delta_plan_fini(&plan);
    lim.part_count_max = 400;
    plan = plan_of(&in);
    ck_assert_uint_ge(plan.copied_bytes, 300 * MIB);
    weir_delta_plan_fini(&plan);
}
END_TEST

/* More parts would send the least than are allowed. */
START_TEST(count_limit_keeps_the_copies_that_save_most)
{
    const uint64_t n = 25 * 1024;
    struct weir_limits lim = s3;
    struct weir_delta_input in = {.limits = &lim,
                                  .object_bytes = n * MIB,
                                  .base_bytes = n * MIB,
                                  .part_bytes = 11 * MIB,
                                  .chunk_bytes = MIB};
    lim.part_count_max = 2500;
    uint8_t *same = malloc(n);
    for (uint64_t i = 0; i < n; i++) /* half of it has long runs, half of it short ones */
        same[i] = i < n / 2 ? i % 200 >= 5 : i % 11 >= 5;
    in.same = same;
    struct weir_delta_plan plan = plan_of(&in);
    uint64_t long_runs = 0;
    for (uint32_t i = 0; i < plan.count; i++)
        if (plan.parts[i].copy && plan.parts[i].offset < n / 2 * MIB)
            long_runs += plan.parts[i].bytes;
    ck_assert_uint_ge(long_runs, n / 2 * MIB / 200 * 194);
    ck_assert_uint_gt(plan.copied_bytes - long_runs, 0);
    weir_delta_plan_fini(&plan);
    free(same);
}
END_TEST

/* A long copy goes in several parts, as far as parts are left and none gets too short. */
START_TEST(long_copies_are_cut)
{
    static uint8_t same[4096];
    struct weir_limits lim = s3;
    struct weir_delta_input in = {.limits = &lim,
                                  .object_bytes = 4096 * MIB - 1,
                                  .base_bytes = 4096 * MIB - 1,
                                  .part_bytes = 1024 * MIB,
                                  .chunk_bytes = MIB,
                                  .same = same};
    static const struct {
        uint64_t least;
        uint32_t count_max, count;
    } ways[] = {{5 * MIB, 10000, 16},  {5 * MIB, 5, 5},        {5 * MIB, 1, 1},
                {300 * MIB, 10000, 7}, {1000 * MIB, 10000, 3}, {128 * MIB, 16, 16}};
    memset(same, 1, sizeof(same));
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        lim.part_bytes_min = ways[i].least;
        lim.part_count_max = ways[i].count_max;
        struct weir_delta_plan plan = plan_of(&in);
        ck_assert_uint_eq(plan.sent_bytes, 0);
        ck_assert_uint_eq(plan.count, ways[i].count);
        weir_delta_plan_fini(&plan);
    }
}
END_TEST

/* What the caller promises about same[] is not believed where a copy would leave the base. */
START_TEST(copies_stay_inside_the_base)
{
    static uint8_t same[64];
    struct weir_err err = WEIR_ERR_INIT;
    struct weir_delta_plan plan;
    struct weir_delta_input in = {.limits = &s3,
                                  .object_bytes = 64 * MIB - 3,
                                  .base_bytes = 32 * MIB + 5,
                                  .part_bytes = 8 * MIB,
                                  .chunk_bytes = MIB,
                                  .same = same};
    memset(same, 1, sizeof(same));
    ck_assert_int_eq(weir_delta_plan(&in, &plan, &err), 0);
    ck_assert_uint_eq(plan.copied_bytes, 32 * MIB);
    check_plan(&in, &plan);
    weir_delta_plan_fini(&plan);
    in.base_bytes = 64 * MIB; /* the cut last chunk cannot be the base's whole one */
    ck_assert_int_eq(weir_delta_plan(&in, &plan, &err), 0);
    ck_assert_uint_eq(plan.copied_bytes, 63 * MIB);
    weir_delta_plan_fini(&plan);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("delta");
    TCase *tc = tcase_create("delta");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, random_plans_are_legal_and_cheapest);
    tcase_add_loop_test(tc, plans_are_as_expected, 0, sizeof(examples) / sizeof(examples[0]));
    tcase_add_test(tc, one_changed_byte_is_one_sent_part);
    tcase_add_test(tc, count_limit_holds_against_any_pattern);
    tcase_add_test(tc, equal_runs_are_not_dropped_all_at_once);
    tcase_add_test(tc, count_limit_keeps_the_copies_that_save_most);
    tcase_add_test(tc, long_copies_are_cut);
    tcase_add_test(tc, copies_stay_inside_the_base);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
