/* The one list to edit when weir learns another kind of store. */
#include <weir/transport.h>

#include <string.h>

#include "file/file.h"
#include "s3/s3.h"

static const struct {
    const char *prefix;
    int (*open)(const struct weir_transport_options *options, struct weir_transport **out,
                struct weir_err *err);
} kinds[] = {
    {"file://", weir_file_open},
    {"s3://", weir_s3_open},
};

int
weir_transport_open(const struct weir_transport_options *options, struct weir_transport **out,
                    struct weir_err *err)
{
    const char *url = options->destination->url;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(url, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return kinds[i].open(options, out, err);
    weir_err_set(err, WEIR_E_CONFIG,
                 "%s: not a store; expected s3://bucket/prefix or "
                 "file:///directory",
                 url);
    if (err != NULL)
        err->scope = WEIR_SCOPE_RUN;
    return -1;
}
