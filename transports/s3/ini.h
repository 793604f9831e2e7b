/* ini -- reader of the AWS files ~/.aws/credentials and ~/.aws/config.  Pure. */
#ifndef WEIR_S3_INI_H
#define WEIR_S3_INI_H

#include <stddef.h>

#define WEIR_S3_INI_FILE_MAX ((size_t)1024 * 1024)
#define WEIR_S3_INI_LINE_MAX 8192

/* Receives each "key = value" of a section; the texts are borrowed until it returns.  Keys come
 * in lower case. */
typedef void weir_s3_ini_fn(void *ctx, const char *section, const char *key, const char *value);

/**
 * weir_s3_ini_parse() -- read such a file from memory.
 * Sections are "[name]"; '#' and ';' begin a comment at the start of a line or after a space;
 * indented lines are settings nested in the key above them and are passed over.  Returns 0, or
 * the number of the first line that is malformed or over WEIR_S3_INI_LINE_MAX bytes.
 */
size_t weir_s3_ini_parse(const char *text, size_t bytes, weir_s3_ini_fn *fn, void *ctx);

#endif
