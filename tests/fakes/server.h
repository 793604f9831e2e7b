/* server -- state of the program and of one request in work. */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include "accesslog.h"
#include "script.h"
#include "sigv4.h"
#include "store.h"

struct fake_options {
    struct fake_creds creds;
    const char *owner;  /* account id that owns every bucket */
    const char *domain; /* BUCKET.domain is virtual-host style */
    const char *data_dir, *log_path, *script_path, *port_file;
    const char *tls_cert, *tls_key;
    const char *bucket[16];
    size_t bucket_count;
    uint64_t min_part_bytes, port, replay_ms;
    int64_t clock_offset_s;
    unsigned lenient;
    bool versions;        /* the buckets made at the start keep versions */
    bool region_redirect; /* wrong region: 301 instead of 400 */
    bool watch_stdin;
};

struct fake_server {
    struct fake_options opt; /* fixed after start */
    SSL_CTX *tls;
    struct fake_store store;   /* own lock */
    struct fake_accesslog log; /* own lock */
    atomic_uint_fast64_t next_id;

    pthread_mutex_t script_lock; /* guards script and creds */
    struct fake_script *script;
    struct fake_creds creds; /* owned texts; region aside, they can be changed by a test */

    pthread_mutex_t conn_lock; /* guards what follows */
    pthread_cond_t conn_gone;
    struct fake_worker *workers; /* doubly linked */
    uint64_t conn_open, conn_accepted;
    bool stopping;
};

struct fake_body {       /* the part of the request that is still to be read; see framing.h */
    uint64_t left;       /* payload bytes */
    uint64_t read_bytes; /* payload bytes so far */
    uint64_t outer_left; /* of the HTTP body, or of its current chunk */
    bool outer_chunked, outer_begun, outer_ended;
    uint64_t chunk_left; /* aws-chunked: of the current chunk */
    bool chunked, ended; /* aws-chunked: the last chunk and the trailer were read */
    bool expect_100;     /* the client waits for our go */
    char trailer[256];   /* "name:value" */
};

struct fake_reply {
    int status; /* 0: nothing decided yet */
    struct fake_buf headers, body;
    struct fake_buf detail;     /* XML elements to go into an error */
    struct fake_object *object; /* stream a range of it as the body; owned reference */
    uint64_t offset, bytes;
    bool has_object;
};

struct fake_call {
    struct fake_server *server;
    struct fake_conn *conn;
    struct fake_request req;
    int op;             /* enum fake_op */
    char *bucket, *key; /* decoded, owned, "" when there is none */
    struct fake_auth auth;
    struct fake_fault fault;
    unsigned lenient; /* of the server and of the fault */
    struct fake_body body;
    struct fake_reply reply;
    uint64_t id;
    int64_t now_ms;
    uint32_t part_number;  /* for the log, 0: none */
    const char *upload_id; /* for the log, borrowed */
    char new_upload_id[40];
    bool logged, close;
};

/* Serves until stdin closes or a signal comes; the exit status. */
int fake_server_run(struct fake_server *s);
int64_t fake_server_now_ms(const struct fake_server *s);
/* Replaces the texts that are not NULL; an empty token means that none is wanted. */
void fake_server_set_creds(struct fake_server *s, const char *access_key,
                           const char *secret_key, const char *session_token);

#endif
