/* check -- is this text fit for its field?  Pure.
 *
 * Each returns NULL when it is, or what is wrong as the end of a sentence that starts with the
 * text itself ("'Foo' ..."): a static string.  Texts hold no NUL and are valid UTF-8. */
#ifndef WEIR_MANIFEST_CHECK_H
#define WEIR_MANIFEST_CHECK_H

#define WEIR_CHECK_PREFIX_MAX 512 /* bytes; keys have 1024 with it */

/* What weir_check_endpoint() and weir_check_url() return for "user:password@host": the text
 * must not be shown. */
extern const char weir_check_user_name[];

const char *weir_check_name(const char *text);
const char *weir_check_path(const char *text);     /* absolute, no "." and ".." in it */
const char *weir_check_file(const char *text);     /* the same, and no slash at the end */
const char *weir_check_path_any(const char *text); /* relative too */
const char *weir_check_url(const char *text);      /* s3://bucket[/prefix], file:///dir */
const char *weir_check_endpoint(const char *text); /* http(s)://host[:port][/base] */
const char *weir_check_region(const char *text);
const char *weir_check_profile(const char *text);
const char *weir_check_storage_class(const char *text);
const char *weir_check_kms_key(const char *text);
const char *weir_check_owner(const char *text); /* 12 digits */
const char *weir_check_tag_name(const char *text);
const char *weir_check_tag_value(const char *text);

#endif
