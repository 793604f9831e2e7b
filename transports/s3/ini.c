#include "s3/ini.h"

#include <string.h>

static char *
trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t bytes = strlen(text);
    while (bytes > 0 && strchr(" \t\r", text[bytes - 1]) != NULL)
        bytes--;
    text[bytes] = '\0';
    return text;
}

static void
cut_comment(char *line)
{
    for (char *c = line; *c != '\0'; c++) {
        if ((*c == '#' || *c == ';') && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
            *c = '\0';
            return;
        }
    }
}

/* "[profile  x ]" -> "profile x"; -1 when the bracket is not closed. */
static int
read_section(const char *line, char *section)
{
    const char *end = strchr(line, ']');
    if (end == NULL)
        return -1;
    size_t used = 0;
    for (const char *c = line + 1; c < end; c++) {
        char byte = *c;
        if (byte == '\t')
            byte = ' ';
        if (byte == ' ' && (used == 0 || section[used - 1] == ' '))
            continue;
        section[used++] = byte;
    }
    if (used > 0 && section[used - 1] == ' ')
        used--;
    section[used] = '\0';
    return 0;
}

/* Handles one line, which is scratch; returns -1 when it is malformed. */
static int
read_line(char *line, char *section, weir_s3_ini_fn *fn, void *ctx)
{
    int nested = line[0] == ' ' || line[0] == '\t';
    cut_comment(line);
    char *text = trim(line);
    if (*text == '\0' || nested)
        return 0;
    if (*text == '[')
        return read_section(text, section);
    char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return -1;
    *equals = '\0';
    char *key = trim(text);
    for (char *c = key; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    fn(ctx, section, key, trim(equals + 1));
    return 0;
}

size_t
weir_s3_ini_parse(const char *text, size_t bytes, weir_s3_ini_fn *fn, void *ctx)
{
    char line[WEIR_S3_INI_LINE_MAX + 1];
    char section[WEIR_S3_INI_LINE_MAX + 1] = "";
    size_t number = 0;
    static const char bom[] = "\xef\xbb\xbf";
    if (bytes >= 3 && memcmp(text, bom, 3) == 0) {
        text += 3;
        bytes -= 3;
    }
    while (bytes > 0) {
        const char *end = memchr(text, '\n', bytes);
        size_t length = end == NULL ? bytes : (size_t)(end - text);
        number++;
        if (length > WEIR_S3_INI_LINE_MAX || memchr(text, '\0', length) != NULL)
            return number;
        memcpy(line, text, length);
        line[length] = '\0';
        if (read_line(line, section, fn, ctx) != 0)
            return number;
        size_t step = length + (end == NULL ? 0 : 1);
        text += step;
        bytes -= step;
    }
    return 0;
}
