#include "lake/batch_build.h"

#include <stdlib.h>
#include <string.h>

/* One allocation holds all but the names and the (rare) error. */
struct box {
    struct weir_lake_batch batch; /* first: the public part */
    char *names;                  /* owned; entries point into it */
};

struct weir_lake_batch *
weir_batch_create(struct weir_names *names, const char *path, size_t path_len)
{
    size_t room = names->count * sizeof(struct weir_lake_entry);
    struct box *x = malloc(sizeof(*x) + room + path_len + 1);
    if (x == NULL)
        return NULL;
    char *text = realloc(names->text, names->text_len + 1); /* give back what is not used */
    x->names = text == NULL ? names->text : text;
    struct weir_lake_batch *b = &x->batch;
    *b = (struct weir_lake_batch){
        .entries = (void *)(x + 1),
        .path = (char *)(x + 1) + room,
        .path_len = path_len,
        .complete = true,
        .heap_bytes = sizeof(*x) + room + path_len + names->text_len + 2,
    };
    memcpy(b->path, path, path_len);
    b->path[path_len] = '\0';
    names->text = NULL;
    names->text_cap = names->text_len = 0;
    return b;
}

const char *
weir_batch_name(const struct weir_lake_batch *b, const struct weir_name *name)
{
    const struct box *x = (const void *)b;
    return x->names + name->at;
}

int
weir_batch_fail(struct weir_lake_batch *b, const struct weir_err *cause)
{
    b->complete = false;
    if (b->err != NULL)
        return 0;
    b->err = malloc(sizeof(*b->err));
    if (b->err == NULL)
        return -1;
    *b->err = *cause;
    b->heap_bytes += sizeof(*b->err);
    return 0;
}

void
weir_lake_batch_free(struct weir_lake_batch *b)
{
    if (b == NULL)
        return;
    struct box *x = (void *)b;
    free(b->err);
    free(x->names);
    free(x);
}
