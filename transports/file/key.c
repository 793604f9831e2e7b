#include "file/store.h"

#include <limits.h>
#include <string.h>

/* True when path is name, or lies below it. */
static bool
is_or_below(const char *path, size_t len, const char *name)
{
    size_t n = strlen(name);
    return len >= n && memcmp(path, name, n) == 0 && (len == n || path[n] == '/');
}

bool
weir_file_key_reserved(const char *path, size_t len)
{
    static const char *const own[] = {".weir/tmp", ".weir/uploads", ".weir/meta", ".weir/lock"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (is_or_below(path, len, own[i]))
            return true;
    return false;
}

int
weir_file_key_parse(const char *key, struct file_key *out, struct weir_err *err)
{
    size_t len = strlen(key);
    if (len > FILE_KEY_BYTES_MAX)
        return weir_err_set(err, WEIR_E_LIMIT, "key %.64s... has %zu bytes; the limit is %d",
                            key, len, FILE_KEY_BYTES_MAX);
    bool is_dir = len > 0 && key[len - 1] == '/';
    size_t path_len = is_dir ? len - 1 : len;
    for (size_t at = 0; at <= path_len;) { /* an empty path is one empty segment */
        const char *seg = key + at;
        const char *slash = memchr(seg, '/', path_len - at);
        size_t n = slash != NULL ? (size_t)(slash - seg) : path_len - at;
        if (n == 0 || (n == 1 && seg[0] == '.') || (n == 2 && memcmp(seg, "..", 2) == 0))
            return weir_err_set(err, WEIR_E_UNSUPPORTED,
                                "key '%s': an empty, '.' or '..' segment cannot be stored in a "
                                "directory",
                                key);
        if (n > NAME_MAX)
            return weir_err_set(err, WEIR_E_LIMIT,
                                "key %s: a segment has %zu bytes; a file name may have %d", key,
                                n, NAME_MAX);
        at += n + 1;
    }
    if (weir_file_key_reserved(key, path_len))
        return weir_err_set(err, WEIR_E_UNSUPPORTED, "key %s: weir keeps its own files there",
                            key);
    const char *slash = memrchr(key, '/', len);
    *out = (struct file_key){
        .key = key,
        .len = len,
        .dir_len = slash != NULL ? (size_t)(slash - key) : 0,
        .leaf = slash != NULL ? slash + 1 : key,
        .is_dir = is_dir,
    };
    return 0;
}
