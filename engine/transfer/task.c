#include "transfer/task.h"

#include <stdlib.h>

#include "transfer/remove.h"
#include "transfer/upload.h"

const char *
weir_item_etag(const struct weir_item *item)
{
    return item->base != NULL && item->base->self ? item->base->etag : NULL;
}

const char *
weir_item_known_etag(const struct weir_item *item)
{
    return item->maybe_sent ? NULL : weir_item_etag(item);
}

void
weir_item_free(struct weir_item *item)
{
    if (item == NULL)
        return;
    weir_upload_free(item->upload);
    free(item->path);
    free(item->key);
    weir_base_free(item->base);
    free(item->fate_err);
    free(item);
}

void
weir_task_free(struct weir_task *task)
{
    if (task == NULL)
        return;
    if (task->kind == WEIR_TASK_SEND)
        free(task->chunks);
    weir_removal_batch_free(task->removals);
    free(task->err);
    free(task);
}
