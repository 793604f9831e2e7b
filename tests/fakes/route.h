/* route -- which S3 operation a request is, and on which bucket and key. */
#ifndef FAKE_ROUTE_H
#define FAKE_ROUTE_H

#include "server.h"

enum fake_op {
    FAKE_OP_UNKNOWN,
    FAKE_OP_LIST_BUCKETS,
    FAKE_OP_CREATE_BUCKET,
    FAKE_OP_HEAD_BUCKET,
    FAKE_OP_DELETE_BUCKET,
    FAKE_OP_BUCKET_LOCATION,
    FAKE_OP_GET_VERSIONING,
    FAKE_OP_PUT_VERSIONING,
    FAKE_OP_LIST_VERSIONS,
    FAKE_OP_LIST_OBJECTS,
    FAKE_OP_LIST_OBJECTS_V2,
    FAKE_OP_LIST_UPLOADS,
    FAKE_OP_DELETE_OBJECTS,
    FAKE_OP_PUT_OBJECT,
    FAKE_OP_GET_OBJECT,
    FAKE_OP_HEAD_OBJECT,
    FAKE_OP_DELETE_OBJECT,
    FAKE_OP_COPY_OBJECT,
    FAKE_OP_ATTRIBUTES,
    FAKE_OP_CREATE_UPLOAD,
    FAKE_OP_UPLOAD_PART,
    FAKE_OP_UPLOAD_PART_COPY,
    FAKE_OP_COMPLETE_UPLOAD,
    FAKE_OP_ABORT_UPLOAD,
    FAKE_OP_LIST_PARTS,
    FAKE_OP_COUNT
};
_Static_assert(FAKE_OP_COUNT <= FAKE_OPS_MAX, "the log has a row for each operation");

const char *fake_route_name(int op); /* PutObject; "Unknown" outside of the table */
/* Fills bucket, key and op.  Returns 0, or -1 with an error as the reply. */
int fake_route_find(struct fake_call *c);
/* Does the operation; the reply is in @c, whatever comes out. */
void fake_route_do(struct fake_call *c);

#endif
