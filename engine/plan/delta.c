/* Dynamic programming over the chunks: cut[i] is the cheapest way to make the first i chunks of
 * legal parts, and ends with a part that was best of all lengths allowed.  The best of a range
 * of lengths is the minimum of a sliding window, so the whole takes time and memory in
 * proportion to the chunks.  Where that gives too many parts, a part is given a price in bytes,
 * which rises until they fit; and because a pattern that repeats drops all its copies at the
 * same price, the price before stays for as much of the file as the limit allows. */
#include "plan/delta.h"

#include <stdlib.h>

#define UNREACHABLE (INT64_MAX / 4)
/* Steps of bisection for the price of a part: to 1/1024 of it. */
#define PRICE_STEPS 10

struct cut {
    int64_t cost;    /* bytes sent, and the price of each part */
    uint32_t parts;  /* fewer are better at the same cost */
    uint32_t chunks; /* of the last part */
    bool copy;       /* the last part */
};

struct slot {
    int64_t cost;
    uint32_t parts;
    size_t at;
};

/* The positions at which the part that ends here may begin, the cheapest in front. */
struct window {
    struct slot *slots; /* ring */
    size_t cap, first, len;
};

struct grid {
    const struct weir_delta_input *in;
    size_t count;                       /* chunks */
    size_t least, send_most, copy_most; /* chunks of a part */
    struct window send, copy;
    struct cut *cuts;           /* [count + 1] */
    int64_t price, price_after; /* of a part that ends at turn or before, and of others */
    size_t turn;
};

static uint64_t
offset_of(const struct grid *g, size_t chunk)
{
    return chunk == g->count ? g->in->object_bytes : (uint64_t)chunk * g->in->chunk_bytes;
}

/* Says what the caller promised once more: a copy must never leave the base. */
static bool
is_same(const struct grid *g, size_t chunk)
{
    uint64_t end = offset_of(g, chunk + 1);
    bool whole = end % g->in->chunk_bytes == 0 || g->in->base_bytes == g->in->object_bytes;
    return g->in->same[chunk] == 1 && whole && end <= g->in->base_bytes;
}

static void
window_clear(struct window *w)
{
    w->first = w->len = 0;
}

static void
window_add(struct window *w, size_t at, int64_t cost, uint32_t parts)
{
    while (w->len > 0) {
        const struct slot *last = &w->slots[(w->first + w->len - 1) % w->cap];
        if (last->cost < cost || (last->cost == cost && last->parts <= parts))
            break;
        w->len--;
    }
    w->slots[(w->first + w->len++) % w->cap] =
        (struct slot){.cost = cost, .parts = parts, .at = at};
}

/* The cheapest at or behind from; NULL when there is none. */
static const struct slot *
window_best(struct window *w, size_t from)
{
    while (w->len > 0 && w->slots[w->first].at < from) {
        w->first = (w->first + 1) % w->cap;
        w->len--;
    }
    return w->len == 0 ? NULL : &w->slots[w->first];
}

static void
improve(struct grid *g, size_t i, size_t from, bool copy)
{
    const struct cut *before = &g->cuts[from];
    struct cut *best = &g->cuts[i];
    if (before->cost >= UNREACHABLE)
        return;
    uint32_t parts = before->parts + 1;
    int64_t cost = before->cost + (i <= g->turn ? g->price : g->price_after);
    if (!copy)
        cost += (int64_t)(offset_of(g, i) - offset_of(g, from));
    if (cost < best->cost || (cost == best->cost && parts < best->parts))
        *best = (struct cut){
            .cost = cost, .parts = parts, .chunks = (uint32_t)(i - from), .copy = copy};
}

static size_t
back(size_t i, size_t chunks)
{
    return i < chunks ? 0 : i - chunks;
}

/* Fills cuts.  Returns the number of parts of the whole. */
static size_t
solve(struct grid *g)
{
    size_t run = 0; /* where the run of same chunks began that ends here */
    window_clear(&g->send);
    window_clear(&g->copy);
    g->cuts[0] = (struct cut){0};
    for (size_t i = 1; i <= g->count; i++) {
        g->cuts[i] = (struct cut){.cost = UNREACHABLE};
        if (!is_same(g, i - 1))
            run = i;
        if (i >= g->least && g->cuts[i - g->least].cost < UNREACHABLE) {
            size_t from = i - g->least;
            const struct cut *before = &g->cuts[from];
            int64_t sent = (int64_t)offset_of(g, from); /* what a longer part saves */
            window_add(&g->send, from, before->cost - sent, before->parts);
            window_add(&g->copy, from, before->cost, before->parts);
        }
        size_t copy_from = back(i, g->copy_most);
        const struct slot *copy = window_best(&g->copy, copy_from > run ? copy_from : run);
        const struct slot *send = window_best(&g->send, back(i, g->send_most));
        if (copy != NULL)
            improve(g, i, copy->at, true);
        if (send != NULL)
            improve(g, i, send->at, false);
    }
    for (size_t l = 1; l < g->least && l <= g->count; l++) { /* the last part may be short */
        if (l <= g->copy_most && g->count - l >= run)
            improve(g, g->count, g->count - l, true);
        improve(g, g->count, g->count - l, false); /* least <= send_most */
    }
    const struct cut *whole = &g->cuts[g->count];
    return whole->cost >= UNREACHABLE ? SIZE_MAX : whole->parts;
}

static size_t
solve_at(struct grid *g, int64_t price, int64_t price_after, size_t turn)
{
    g->price = price;
    g->price_after = price_after;
    g->turn = turn;
    return solve(g);
}

/* The parts are too many at price low, few enough at high: as much of the file at low as can
 * be. */
static size_t
solve_mixed(struct grid *g, int64_t low, int64_t high, size_t parts_max)
{
    size_t fits = 0, too_far = g->count;
    while (too_far - fits > 1) {
        size_t middle = fits + (too_far - fits) / 2;
        if (solve_at(g, low, high, middle) > parts_max)
            too_far = middle;
        else
            fits = middle;
    }
    return solve_at(g, low, high, fits);
}

/* A plan of the fewest bytes, nearly, that has few enough parts; SIZE_MAX when there is none.
 */
static size_t
solve_within(struct grid *g, size_t parts_max)
{
    int64_t low = 0, high = 0;
    size_t parts = solve_at(g, 0, 0, 0);
    if (parts == SIZE_MAX || parts <= parts_max)
        return parts;
    while (parts > parts_max) {
        if ((uint64_t)high > g->in->object_bytes)
            return SIZE_MAX; /* the fewest parts that there can be */
        low = high;
        high = high == 0 ? (int64_t)g->in->chunk_bytes : high * 2;
        parts = solve_at(g, high, high, 0);
    }
    for (int step = 0; step < PRICE_STEPS && high - low > 1; step++) {
        int64_t middle = low + (high - low) / 2;
        if (solve_at(g, middle, middle, 0) > parts_max)
            low = middle;
        else
            high = middle;
    }
    return solve_mixed(g, low, high, parts_max);
}

/* In how many pieces a copy goes. */
static size_t
pieces_of(const struct grid *g, size_t chunks, size_t spare)
{
    size_t most = (size_t)(WEIR_DELTA_COPY_BYTES / g->in->chunk_bytes);
    most = most < 2 * g->least ? 2 * g->least : most; /* no piece may be too short */
    size_t pieces = (chunks - 1) / most + 1;
    return pieces - 1 > spare ? spare + 1 : pieces;
}

static void
add_part(const struct grid *g, struct weir_delta_plan *plan, size_t from, size_t to, bool copy)
{
    uint64_t offset = offset_of(g, from), bytes = offset_of(g, to) - offset;
    plan->parts[plan->count++] =
        (struct weir_delta_part){.offset = offset, .bytes = bytes, .copy = copy};
    *(copy ? &plan->copied_bytes : &plan->sent_bytes) += bytes;
}

/* Writes the parts, last first, then turns them round. */
static int
write_plan(const struct grid *g, size_t parts, struct weir_delta_plan *out,
           struct weir_err *err)
{
    size_t spare = g->in->limits->part_count_max - parts, total = 0;
    struct weir_delta_plan plan = {0};
    for (size_t i = g->count, left = spare; i > 0; i -= g->cuts[i].chunks) {
        size_t pieces = g->cuts[i].copy ? pieces_of(g, g->cuts[i].chunks, left) : 1;
        left -= pieces - 1;
        total += pieces;
    }
    plan.parts = calloc(total, sizeof(*plan.parts));
    if (plan.parts == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "plan of %zu parts", total);
    for (size_t i = g->count; i > 0; i -= g->cuts[i].chunks) {
        size_t chunks = g->cuts[i].chunks, from = i - chunks;
        bool copy = g->cuts[i].copy;
        size_t pieces = copy ? pieces_of(g, chunks, spare) : 1;
        spare -= pieces - 1;
        for (size_t k = pieces; k > 0; k--)
            add_part(g, &plan, from + chunks * (k - 1) / pieces, from + chunks * k / pieces,
                     copy);
    }
    for (size_t a = 0, b = total - 1; a < b; a++, b--) {
        struct weir_delta_part part = plan.parts[a];
        plan.parts[a] = plan.parts[b];
        plan.parts[b] = part;
    }
    *out = plan;
    return 0;
}

static int
prepare(struct grid *g, const struct weir_delta_input *in, struct weir_err *err)
{
    const struct weir_limits *lim = in->limits;
    uint64_t copy_max =
        lim->copy_bytes_max < lim->part_bytes_max ? lim->copy_bytes_max : lim->part_bytes_max;
    g->in = in;
    g->count = (size_t)((in->object_bytes - 1) / in->chunk_bytes + 1);
    g->least = lim->part_bytes_min == 0
                   ? 1
                   : (size_t)((lim->part_bytes_min - 1) / in->chunk_bytes + 1);
    g->send_most = (size_t)(in->part_bytes / in->chunk_bytes);
    copy_max /= in->chunk_bytes;
    g->copy_most = copy_max < g->count ? (size_t)copy_max : g->count;
    /* One more than a window holds: the new one comes before the old one goes. */
    g->send.cap = (g->send_most < g->count ? g->send_most : g->count) + 2;
    g->copy.cap = g->copy_most + 2;
    g->cuts = calloc(g->count + 1, sizeof(*g->cuts));
    g->send.slots = calloc(g->send.cap, sizeof(*g->send.slots));
    g->copy.slots = calloc(g->copy.cap, sizeof(*g->copy.slots));
    if (g->cuts == NULL || g->send.slots == NULL || g->copy.slots == NULL)
        return weir_err_set(err, WEIR_E_NOMEM, "plan for %zu chunks", g->count);
    return 0;
}

/* Is there enough that is the same for any plan to be worth it? */
static bool
is_hopeful(const struct weir_delta_input *in)
{
    uint64_t left = in->object_bytes, same = 0;
    if (in->base_bytes <= in->limits->copy_source_bytes_min ||
        in->part_bytes < in->limits->part_bytes_min || in->limits->part_count_max == 0)
        return false;
    for (size_t i = 0; left > 0; i++) {
        uint64_t bytes = left < in->chunk_bytes ? left : in->chunk_bytes;
        same += in->same[i] == 1 ? bytes : 0;
        left -= bytes;
    }
    return same >= in->part_bytes;
}

int
weir_delta_plan(const struct weir_delta_input *in, struct weir_delta_plan *out,
                struct weir_err *err)
{
    struct grid g = {0};
    struct weir_delta_plan plan = {0};
    int rc = 0;
    if (is_hopeful(in)) {
        rc = prepare(&g, in, err);
        size_t parts = rc == 0 ? solve_within(&g, in->limits->part_count_max) : SIZE_MAX;
        if (rc == 0 && parts <= in->limits->part_count_max)
            rc = write_plan(&g, parts, &plan, err);
    }
    free(g.cuts);
    free(g.send.slots);
    free(g.copy.slots);
    if (rc != 0)
        return -1;
    if (plan.copied_bytes < in->part_bytes)
        weir_delta_plan_fini(&plan);
    *out = plan;
    return 0;
}

void
weir_delta_plan_fini(struct weir_delta_plan *p)
{
    free(p->parts);
    *p = (struct weir_delta_plan){0};
}
