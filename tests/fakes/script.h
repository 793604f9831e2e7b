/* script -- the faults a test asks for: one rule a line, see README.md for the language. */
#ifndef FAKE_SCRIPT_H
#define FAKE_SCRIPT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* Parts of the protocol that the server is told to ignore or to play differently. */
#define FAKE_LENIENT(X)                                                                        \
    X(CHECKSUM, "checksum")           /* x-amz-checksum-*: neither checked, kept nor shown */  \
    X(CHECKSUM_ECHO, "checksum-echo") /* not checked, but the client's value is shown */       \
    X(CHECKSUM_MARKER, "checksum-marker") /* checked only with x-amz-sdk-checksum-algorithm */ \
    X(MD5, "md5")                         /* Content-MD5 is not checked */                     \
    X(SHA256, "sha256")           /* x-amz-content-sha256 is not compared to the body */       \
    X(SIGNATURE, "signature")     /* no authentication at all */                               \
    X(CONDITIONAL, "conditional") /* If-Match and If-None-Match of writes are ignored */       \
    X(CONDITIONAL_501, "conditional-501")           /* 501 NotImplemented for them */          \
    X(COMPLETE_CONDITIONAL, "complete-conditional") /* ignored on Complete only */             \
    X(COMPLETE_CHECKS, "complete-checks") /* object checksum and size of Complete: ignored */  \
    X(NO_REPLAY, "no-replay")             /* second Complete: NoSuchUpload */                  \
    X(REPLAY_412, "replay-412")           /* second Complete with If-None-Match: 412 */        \
    X(UNKNOWN_500, "unknown-500")         /* Complete of an unknown upload: 500 */             \
    X(NO_SUBSET, "no-subset")             /* Complete must name every uploaded part */         \
    X(OPAQUE_ETAG, "opaque-etag")         /* ETags are not MD5, as with KMS */                 \
    X(LIST_RAW, "list-raw")               /* encoding-type is ignored */                       \
    X(OWNER, "owner")                     /* x-amz-expected-bucket-owner is ignored */         \
    X(UTF8, "utf8")                       /* keys may hold any bytes */                        \
    X(COPY_CHECKSUM, "copy-checksum")     /* no checksum in CopyPartResult */                  \
    X(COPY_SOURCE_MATCH, "copy-source-match") /* x-amz-copy-source-if-* are ignored */         \
    X(COPY_CONDITIONAL, "copy-conditional")   /* If-None-Match of CopyObject is ignored */     \
    X(COPY_METADATA, "copy-metadata") /* CopyObject keeps the metadata whatever is asked */    \
    X(COPY_RANGE, "copy-range")       /* UploadPartCopy copies all of the source */            \
    X(PART_NUMBER, "part-number")     /* partNumber of HEAD and GET is ignored */              \
    X(ATTRIBUTES, "attributes")       /* GetObjectAttributes: 501 */                           \
    X(TRAILER, "trailer")             /* aws-chunked bodies are refused */

enum fake_lenient_index {
#define X(name, text) FAKE_LENIENT_INDEX_##name,
    FAKE_LENIENT(X)
#undef X
};
enum fake_lenient {
#define X(name, text) FAKE_LENIENT_##name = 1 << FAKE_LENIENT_INDEX_##name,
    FAKE_LENIENT(X)
#undef X
};
/* A comma separated list; returns 0, or -1 for an unknown name. */
int fake_script_lenient(const char *list, unsigned *out);

enum fake_reset { FAKE_RESET_NONE, FAKE_RESET_BEFORE, FAKE_RESET_BODY, FAKE_RESET_AFTER };
/* What is sent instead of the true reply. */
enum fake_play {
    FAKE_PLAY_TRUE,
    FAKE_PLAY_ERROR,    /* status, code */
    FAKE_PLAY_OK_ERROR, /* 200 with an <Error> body */
    FAKE_PLAY_HTML,
    FAKE_PLAY_EMPTY,
    FAKE_PLAY_BAD_XML,
    FAKE_PLAY_DOCTYPE,
    FAKE_PLAY_DEEP_XML,
    FAKE_PLAY_CUT_XML, /* the true body, cut in half, with a matching Content-Length */
    FAKE_PLAY_GARBAGE, /* not HTTP at all */
    FAKE_PLAY_REDIRECT,
    FAKE_PLAY_INFINITE_HEADERS,
    FAKE_PLAY_INFINITE_BODY,
    FAKE_PLAY_INFINITE_1XX,
    FAKE_PLAY_GZIP_BOMB,
    FAKE_PLAY_STALL /* no reply, until the client goes away */
};
enum fake_list_fault {
    FAKE_LIST_TRUE,
    FAKE_LIST_NO_TOKEN,
    FAKE_LIST_REPEAT_TOKEN,
    FAKE_LIST_UNSORTED,
    FAKE_LIST_DUPLICATE,
    FAKE_LIST_EMPTY_PAGE
};
enum fake_close { FAKE_CLOSE_NO, FAKE_CLOSE_ANNOUNCED, FAKE_CLOSE_SILENT };

#define FAKE_NO_LIMIT UINT64_MAX

struct fake_fault { /* plain data, copied out of the rule that fired */
    unsigned line;  /* of the rule; 0: no fault */
    enum fake_play play;
    bool commit; /* do what was asked before playing the false reply */
    int status;
    char code[64];
    char location[256];
    enum fake_reset reset;
    uint64_t reset_body_bytes;  /* RESET_BODY: after so many; NO_LIMIT: half of the body */
    uint64_t truncate_bytes;    /* reply body is cut after so many, FIN follows */
    uint64_t reset_reply_bytes; /* the same with a RST */
    uint32_t delay_ms, delay_reply_ms, delay_body_ms;
    uint32_t bytes_per_s; /* of the reply body, 0: no limit */
    bool chunked;         /* reply in HTTP chunks */
    uint32_t spaces_ms;   /* and blanks for so long behind the XML declaration, as S3 does */
    bool wrong_checksum, wrong_etag, corrupt;
    uint64_t short_bytes; /* stored object lacks its last bytes */
    unsigned lenient;
    enum fake_list_fault list;
    enum fake_close close;
    char headers[512]; /* added to the reply */
    char text[160];    /* the do= of the rule, for the log */
};
struct fake_what { /* what rules select on */
    const char *op, *bucket, *key, *query;
    uint32_t part;
    bool inner; /* no request of its own: rules without op= do not count it */
};

struct fake_script;
/* NULL with the reason in @error ("line 3: ..."). */
struct fake_script *fake_script_parse(const char *text, struct fake_buf *error);
void fake_script_free(struct fake_script *s);
/* Counts @what in every rule it matches; the first rule that fires fills @out.  The caller
 * serialises calls. */
void fake_script_pick(struct fake_script *s, const struct fake_what *what,
                      struct fake_fault *out);
/* Lines of rules with how often each matched and fired, as JSON. */
void fake_script_report(const struct fake_script *s, struct fake_buf *out);

#endif
