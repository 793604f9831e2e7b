/* fuzz: a pattern and a path, cut at the first NUL; both ways of matching must agree. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void
check_pair(char *pattern, const char *path, bool is_dir)
{
    bool hit = weir_rules_glob(pattern, path, is_dir);
    struct weir_strings none = {NULL, 0}, one = {&pattern, 1};
    struct weir_rules *r = NULL;
    if (pattern[0] == '!' || weir_rules_create(&none, &one, &r, NULL) != 0)
        return;
    bool out = weir_rules_match(r, path, strlen(path), is_dir) != NULL;
    if (out != hit)
        __builtin_trap();
    weir_rules_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char *text = malloc(bytes + 2);
    if (text == NULL)
        return 0;
    if (bytes > 0)
        memcpy(text, data, bytes);
    text[bytes] = text[bytes + 1] = '\0';
    const char *path = text + strlen(text) + 1;
    check_pair(text, path, false);
    check_pair(text, path, true);
    free(text);
    return 0;
}
