#include "lake/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEEP_ITEMS 4096 /* larger buffers are given back between directories */
#define TEXT_FIRST 4096

void
weir_names_clear(struct weir_names *n)
{
    free(n->text); /* usually handed over to a batch and NULL here */
    n->text = NULL;
    n->text_len = n->text_cap = n->count = 0;
    if (n->cap > KEEP_ITEMS) {
        free(n->item);
        n->item = NULL;
        n->cap = 0;
    }
}

void
weir_names_fini(struct weir_names *n)
{
    free(n->text);
    free(n->item);
    *n = (struct weir_names){0};
}

static int
grow_items(struct weir_names *n)
{
    size_t cap = n->cap == 0 ? KEEP_ITEMS : n->cap * 2;
    struct weir_name *item = reallocarray(n->item, cap, sizeof(*item));
    if (item == NULL)
        return ENOMEM;
    n->item = item;
    n->cap = cap;
    return 0;
}

static int
grow_text(struct weir_names *n, size_t more)
{
    size_t cap = n->text_cap == 0 ? TEXT_FIRST : n->text_cap * 2;
    while (cap - n->text_len < more)
        cap *= 2;
    char *text = realloc(n->text, cap);
    if (text == NULL)
        return ENOMEM;
    n->text = text;
    n->text_cap = cap;
    return 0;
}

int
weir_names_add(struct weir_names *n, const char *name, size_t len, uint8_t d_type,
               enum weir_name_flag flags)
{
    if (len > WEIR_NAME_BYTES_MAX)
        return ENAMETOOLONG;
    if (n->text_len > UINT32_MAX)
        return EOVERFLOW;
    if (n->count == n->cap && grow_items(n) != 0)
        return ENOMEM;
    if (n->text_cap - n->text_len < len + 1 && grow_text(n, len + 1) != 0)
        return ENOMEM;
    memcpy(n->text + n->text_len, name, len);
    n->text[n->text_len + len] = '\0';
    n->item[n->count++] = (struct weir_name){.at = (uint32_t)n->text_len,
                                             .len = (uint16_t)len,
                                             .d_type = d_type,
                                             .flags = (uint8_t)flags};
    n->text_len += len + 1;
    return 0;
}

int
weir_names_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int c = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

static int
compare_items(const void *a, const void *b, void *text)
{
    const struct weir_name *x = a, *y = b;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    const char *t = text;
    return weir_names_compare(t + x->at, x->len, t + y->at, y->len);
}

/* Length of what all names begin with: names in lakes often differ only at their ends. */
static size_t
common_prefix(const struct weir_names *n)
{
    const char *first = n->text + n->item[0].at;
    size_t common = n->item[0].len;
    for (size_t i = 1; i < n->count && common > 0; i++) {
        const char *name = n->text + n->item[i].at;
        size_t limit = n->item[i].len < common ? n->item[i].len : common, k = 0;
        while (k < limit && name[k] == first[k])
            k++;
        common = k;
    }
    return common;
}

/* Eight bytes from offset skip as a number that sorts as they do; zeros behind the end. */
static uint64_t
head_of(const char *name, size_t len, size_t skip)
{
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (skip + i < len ? (unsigned char)name[skip + i] : 0u);
    return head;
}

/* Neighbours with equal names become one, whose type is unknown when they differ. */
static void
remove_duplicates(struct weir_names *n)
{
    size_t kept = 1;
    for (size_t i = 1; i < n->count; i++) {
        struct weir_name *last = &n->item[kept - 1];
        if (compare_items(last, &n->item[i], n->text) != 0)
            n->item[kept++] = n->item[i];
        else if (last->d_type != n->item[i].d_type)
            last->d_type = DT_UNKNOWN;
    }
    n->count = kept;
}

void
weir_names_sort(struct weir_names *n)
{
    if (n->count < 2)
        return;
    size_t skip = common_prefix(n);
    for (size_t i = 0; i < n->count; i++)
        n->item[i].head = head_of(n->text + n->item[i].at, n->item[i].len, skip);
    qsort_r(n->item, n->count, sizeof(n->item[0]), compare_items, n->text);
    remove_duplicates(n);
}

static int
add_dirents(struct weir_names *n, const char *p, size_t bytes)
{
    const char *end = p + bytes;
    while (p < end) {
        const struct dirent64 *d = (const void *)p;
        size_t len = strlen(d->d_name);
        p += d->d_reclen;
        if (d->d_name[0] == '.' && (len == 1 || (len == 2 && d->d_name[1] == '.')))
            continue;
        int e = weir_names_add(n, d->d_name, len, d->d_type, 0);
        if (e != 0)
            return e;
    }
    return 0;
}

int
weir_names_list(struct weir_names *n, int dir_fd, void *buffer, size_t buffer_bytes,
                int (*stop)(void *ctx), void *ctx)
{
    for (;;) {
        long got = syscall(SYS_getdents64, dir_fd, buffer, buffer_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : 0;
        int e = add_dirents(n, buffer, (size_t)got);
        if (e != 0)
            return e;
        if (stop != NULL && stop(ctx))
            return ECANCELED;
    }
}
