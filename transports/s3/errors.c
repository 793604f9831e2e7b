#include "s3/errors.h"

#include <stddef.h>
#include <string.h>

#define OBJECT WEIR_SCOPE_OBJECT
#define RUN WEIR_SCOPE_RUN

static const char check_keys[] = "check access key and secret";
static const char renew_keys[] = "renew the temporary credentials and run again";
static const char check_region[] = "set destination.region to the bucket's region";
static const char check_kms[] = "check destination.encryption and the state of the KMS key";
static const char refuses[] = "the store refuses this key or a setting of destination (region, "
                              "encryption, storage_class)";
static const char shorter[] = "the object is shorter than it was";
static const char start_over[] = "the upload has to start over";
static const char damaged[] = "bytes were damaged on the way";
static const char slow_down[] = "the store asked for fewer requests";

static const struct weir_s3_verdict by_code[] = {
    {"AccessDenied", 0, WEIR_E_ACCESS, OBJECT, false,
     "allow s3:PutObject, GetObject, ListBucket, AbortMultipartUpload and "
     "ListMultipartUploadParts"},
    {"AccountProblem", 0, WEIR_E_ACCESS, RUN, false, "ask the owner of the account"},
    {"AllAccessDisabled", 0, WEIR_E_ACCESS, RUN, false, "ask the owner of the bucket"},
    {"AuthorizationHeaderMalformed", 0, WEIR_E_CONFIG, RUN, false, check_region},
    {"BadDigest", 0, WEIR_E_DIGEST, OBJECT, true, damaged},
    {"BandwidthLimitExceeded", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"ConditionalRequestConflict", 0, WEIR_E_SERVER, OBJECT, true,
     "another writer was at the same key"},
    {"EntityTooLarge", 0, WEIR_E_LIMIT, OBJECT, false, "the object is too large for the store"},
    {"EntityTooSmall", 0, WEIR_E_LIMIT, OBJECT, false, "raise transfer.part_size"},
    {"ExpiredToken", 0, WEIR_E_CREDENTIALS, RUN, false, renew_keys},
    {"ExpiredTokenException", 0, WEIR_E_CREDENTIALS, RUN, false, renew_keys},
    {"IllegalLocationConstraintException", 0, WEIR_E_CONFIG, RUN, false, check_region},
    {"InsufficientStorage", 0, WEIR_E_LIMIT, RUN, false, "the store is full"},
    {"InternalError", 0, WEIR_E_SERVER, OBJECT, true, NULL},
    {"InvalidAccessKeyId", 0, WEIR_E_CREDENTIALS, RUN, false, check_keys},
    {"InvalidBucketName", 0, WEIR_E_CONFIG, RUN, false, "correct destination.url"},
    {"InvalidEncryptionAlgorithmError", 0, WEIR_E_CONFIG, RUN, false, check_kms},
    {"InvalidObjectState", 0, WEIR_E_ACCESS, OBJECT, false,
     "the object is archived; restore it first"},
    {"InvalidPart", 0, WEIR_E_PROTOCOL, OBJECT, false, start_over},
    {"InvalidPartOrder", 0, WEIR_E_PROTOCOL, OBJECT, false, start_over},
    {"InvalidRange", 0, WEIR_E_PROTOCOL, OBJECT, false, shorter},
    {"InvalidRequest", 0, WEIR_E_UNSUPPORTED, OBJECT, false, refuses},
    {"InvalidSecurity", 0, WEIR_E_CREDENTIALS, RUN, false, check_keys},
    {"InvalidStorageClass", 0, WEIR_E_CONFIG, RUN, false, "correct destination.storage_class"},
    {"InvalidTag", 0, WEIR_E_CONFIG, RUN, false, "correct destination.tags"},
    {"InvalidToken", 0, WEIR_E_CREDENTIALS, RUN, false, renew_keys},
    {"KMS.DisabledException", 0, WEIR_E_CONFIG, RUN, false, check_kms},
    {"KMS.KMSInvalidStateException", 0, WEIR_E_CONFIG, RUN, false, check_kms},
    {"KMS.NotFoundException", 0, WEIR_E_CONFIG, RUN, false, check_kms},
    {"KMS.ThrottlingException", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"KeyTooLongError", 0, WEIR_E_LIMIT, OBJECT, false, "a key has at most 1,024 bytes"},
    {"MetadataTooLarge", 0, WEIR_E_LIMIT, OBJECT, false, "metadata has at most 2 KiB"},
    {"NoSuchBucket", 0, WEIR_E_NOT_FOUND, RUN, false,
     "create the bucket, or correct destination.url"},
    {"NoSuchKey", 0, WEIR_E_NOT_FOUND, OBJECT, false, NULL},
    {"NoSuchUpload", 0, WEIR_E_NO_UPLOAD, OBJECT, false, start_over},
    {"NoSuchVersion", 0, WEIR_E_NOT_FOUND, OBJECT, false, NULL},
    {"NotImplemented", 0, WEIR_E_UNSUPPORTED, OBJECT, false, "the store lacks this feature"},
    {"OperationAborted", 0, WEIR_E_SERVER, OBJECT, true, "another request was in the way"},
    {"PermanentRedirect", 0, WEIR_E_CONFIG, RUN, false, check_region},
    {"PreconditionFailed", 0, WEIR_E_EXISTS, OBJECT, false, NULL},
    {"PriorRequestNotComplete", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"QuotaExceeded", 0, WEIR_E_LIMIT, RUN, false, "raise the quota of the bucket or user"},
    {"RequestExpired", 0, WEIR_E_CREDENTIALS, RUN, false, "set this machine's clock"},
    {"RequestLimitExceeded", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"RequestThrottled", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"RequestThrottledException", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"RequestTimeTooSkewed", 0, WEIR_E_CREDENTIALS, RUN, false, "set this machine's clock"},
    {"RequestTimeout", 0, WEIR_E_NETWORK, OBJECT, true, NULL},
    {"ServiceUnavailable", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"SignatureDoesNotMatch", 0, WEIR_E_CREDENTIALS, RUN, false, check_keys},
    {"SlowDown", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"TemporaryRedirect", 0, WEIR_E_SERVER, OBJECT, true, "the bucket is new or being moved"},
    {"Throttling", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"ThrottlingException", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"TokenRefreshRequired", 0, WEIR_E_CREDENTIALS, RUN, false, renew_keys},
    {"TooManyRequests", 0, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {"XAdminUserNotFound", 0, WEIR_E_CREDENTIALS, RUN, false, check_keys},
    {"XAmzContentChecksumMismatch", 0, WEIR_E_DIGEST, OBJECT, true, damaged},
    {"XAmzContentSHA256Mismatch", 0, WEIR_E_DIGEST, OBJECT, true, damaged},
    {"XMinioStorageFull", 0, WEIR_E_LIMIT, RUN, false, "the store is full"},
};

static const struct weir_s3_verdict by_status[] = {
    {NULL, 301, WEIR_E_CONFIG, RUN, false, check_region},
    {NULL, 302, WEIR_E_CONFIG, RUN, false, "correct destination.endpoint"},
    {NULL, 307, WEIR_E_SERVER, OBJECT, true, "the bucket is new or being moved"},
    {NULL, 308, WEIR_E_CONFIG, RUN, false, "correct destination.endpoint"},
    {NULL, 400, WEIR_E_UNSUPPORTED, OBJECT, false, refuses},
    {NULL, 401, WEIR_E_CREDENTIALS, RUN, false, check_keys},
    {NULL, 403, WEIR_E_ACCESS, OBJECT, false, "check the permissions of the key in use"},
    {NULL, 404, WEIR_E_NOT_FOUND, OBJECT, false, NULL},
    {NULL, 405, WEIR_E_UNSUPPORTED, OBJECT, false, "is destination.endpoint an S3 endpoint?"},
    {NULL, 408, WEIR_E_NETWORK, OBJECT, true, NULL},
    {NULL, 409, WEIR_E_SERVER, OBJECT, true, "another request was in the way"},
    {NULL, 412, WEIR_E_EXISTS, OBJECT, false, NULL},
    {NULL, 413, WEIR_E_LIMIT, OBJECT, false, "a server or proxy limits the request's size"},
    {NULL, 416, WEIR_E_PROTOCOL, OBJECT, false, shorter},
    {NULL, 429, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {NULL, 501, WEIR_E_UNSUPPORTED, OBJECT, false, "the store lacks this feature"},
    {NULL, 503, WEIR_E_THROTTLED, OBJECT, true, slow_down},
    {NULL, 507, WEIR_E_LIMIT, RUN, false, "the store is full"},
};

static const struct weir_s3_verdict other_5xx = {NULL, 0, WEIR_E_SERVER, OBJECT, true, NULL};
static const struct weir_s3_verdict other = {
    NULL, 0, WEIR_E_PROTOCOL, OBJECT, false, "is destination.endpoint an S3 endpoint?"};

const struct weir_s3_verdict *
weir_s3_errors_find(int status, const char *s3_code)
{
    for (size_t i = 0; s3_code[0] != '\0' && i < sizeof(by_code) / sizeof(by_code[0]); i++)
        if (strcmp(by_code[i].s3_code, s3_code) == 0)
            return &by_code[i];
    for (size_t i = 0; i < sizeof(by_status) / sizeof(by_status[0]); i++)
        if (by_status[i].status == status)
            return &by_status[i];
    return status >= 500 && status <= 599 ? &other_5xx : &other;
}
