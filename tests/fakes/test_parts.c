/* The small parts of the fake: ordered map, XML reader, script language, blobs. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "buf.h"
#include "map.h"
#include "script.h"
#include "text.h"
#include "xml.h"

START_TEST(map_agrees_with_a_table)
{
    struct fake_map m = {0};
    static char values[512];
    bool there[512] = {false};
    uint32_t x = 12345;
    char key[16];
    for (int step = 0; step < 20000; step++) {
        x = x * 1664525 + 1013904223;
        size_t i = x >> 20 & 511;
        snprintf(key, sizeof(key), "%03zu", i);
        void *old =
            x & 1 << 10 ? fake_map_put(&m, key, 3, &values[i]) : fake_map_remove(&m, key, 3);
        ck_assert_ptr_eq(old, there[i] ? &values[i] : NULL);
        there[i] = (x & 1 << 10) != 0;
        snprintf(key, sizeof(key), "%03zu", (size_t)(x >> 11 & 511));
        ck_assert_ptr_eq(fake_map_get(&m, key, 3),
                         there[x >> 11 & 511] ? &values[x >> 11 & 511] : NULL);
    }
    size_t i = 0;
    for (struct fake_node *n = fake_map_first(&m); n; n = n->next[0], i++) {
        while (!there[i])
            i++;
        ck_assert_ptr_eq(n->value, &values[i]);
    }
    while (fake_map_first(&m))
        fake_map_remove(&m, fake_map_first(&m)->key, 3);
    ck_assert_uint_eq(m.count, 0);
}
END_TEST

static const struct {
    const char *from;
    enum fake_seek how;
    const char *found;
} seeks[] = {
    {"", FAKE_SEEK_FROM, "a"},
    {"a", FAKE_SEEK_FROM, "a"},
    {"a", FAKE_SEEK_AFTER, "a/"},
    {"a/", FAKE_SEEK_PAST_PREFIX, "a0"},
    {"a", FAKE_SEEK_PAST_PREFIX, "b"},
    {"a/0", FAKE_SEEK_FROM, "a/b"},
    {"b", FAKE_SEEK_PAST_PREFIX, "\xff"},
    {"\xff", FAKE_SEEK_FROM, "\xff"},
    {"\xff", FAKE_SEEK_AFTER, NULL},
    {"\xff\xff", FAKE_SEEK_FROM, NULL},
};

START_TEST(map_seeks)
{
    static const char *const keys[] = {"b", "a/b", "\xff", "a", "a/", "a0", "a/c"};
    struct fake_map m = {0};
    static char value;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        fake_map_put(&m, keys[i], strlen(keys[i]), &value);
    struct fake_node *n =
        fake_map_seek(&m, seeks[_i].from, strlen(seeks[_i].from), seeks[_i].how);
    ck_assert_pstr_eq(n ? n->key : NULL, seeks[_i].found);
    while (fake_map_first(&m))
        fake_map_remove(&m, fake_map_first(&m)->key, fake_map_first(&m)->key_len);
}
END_TEST

static const struct {
    const char *document, *key; /* key NULL: must be refused */
} documents[] = {
    {"<a><Key>x</Key></a>", "x"},
    {"<?xml version=\"1.0\"?>\n<a xmlns='u'><Key >a&amp;&lt;&#65;&#x41;</Key></a>\n", "a&<AA"},
    {"<a><!-- c --><b/><Key>\r\n|\r|&#13;</Key></a>", "\n|\n|\r"},
    {"<a><Key>\xc3\xbc</Key></a>", "\xc3\xbc"},
    {"", NULL},
    {"<a>", NULL},
    {"<a></b>", NULL},
    {"<a/><b/>", NULL},
    {"<a>&nope;</a>", NULL},
    {"<a>&#0;</a>", NULL},
    {"<a>&#1114112;</a>", NULL},
    {"<a>\x01</a>", NULL},
    {"<a>\xff</a>", NULL},
    {"<!DOCTYPE a><a/>", NULL},
    {"<a b=c/>", NULL},
    {"<a><![CDATA[x]]></a>", NULL},
    {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></"
     "a>"
     "</a></a></a></a></a></a></a>",
     NULL},
};

START_TEST(xml_is_strict)
{
    struct fake_xml *x = fake_xml_parse(documents[_i].document);
    if (documents[_i].key) {
        ck_assert_ptr_nonnull(x);
        ck_assert_str_eq(fake_xml_child_text(x, "Key"), documents[_i].key);
    } else {
        ck_assert_ptr_null(x);
    }
    fake_xml_free(x);
}
END_TEST

/* Every prefix of a good document: no crash, and only the whole is accepted. */
START_TEST(xml_survives_truncation)
{
    static const char whole[] =
        "<?xml version=\"1.0\"?><D xmlns=\"u\"><O><Key>a&#x41;&amp;</Key></O><!-- --><Q/></D>";
    for (size_t n = 0; n < sizeof(whole); n++) {
        char part[sizeof(whole)];
        memcpy(part, whole, n);
        part[n] = 0;
        struct fake_xml *x = fake_xml_parse(part);
        ck_assert_int_eq(x != NULL, n >= sizeof(whole) - 1);
        fake_xml_free(x);
    }
}
END_TEST

static struct fake_fault
pick(struct fake_script *s, const char *op, const char *key, uint32_t part)
{
    struct fake_fault f = {0};
    struct fake_what what = {.op = op, .bucket = "b", .key = key, .query = "", .part = part};
    fake_script_pick(s, &what, &f);
    return f;
}

static const struct {
    const char *rule, *fired; /* one digit for each of eight equal requests */
} counts[] = {
    {"do=none", "11111111"},
    {"nth=3 do=none", "00100000"},
    {"nth=3 times=2 do=none", "00110000"},
    {"nth=3 times=0 do=none", "00111111"},
    {"times=2 do=none", "11000000"},
    {"every=3 do=none", "00100100"},
    {"nth=2 every=3 do=none", "01001001"},
    {"every=2 times=2 do=none", "01010000"},
    {"prob=0 do=none", "00000000"},
    {"prob=1 do=none", "11111111"},
    {"op=GetObject do=none", "00000000"},
    {"op=Put* key=a/*.x do=none", "11111111"},
    {"op=GetObject,PutObject do=none", "11111111"},
    {"key=a do=none", "00000000"},
    {"part=7 do=none", "11111111"},
    {"part=8 do=none", "00000000"},
    {"key=nothing do=none\ntimes=3 do=none\nnth=2 times=4 do=none", "11111110"},
};

START_TEST(script_counts)
{
    struct fake_buf error = {0};
    struct fake_script *s = fake_script_parse(counts[_i].rule, &error);
    ck_assert_msg(s != NULL, "%s: %s", counts[_i].rule, fake_buf_text(&error));
    char fired[9] = "";
    for (int i = 0; i < 8; i++)
        strcat(fired, pick(s, "PutObject", "a/b.x", 7).line ? "1" : "0");
    ck_assert_str_eq(fired, counts[_i].fired);
    fake_script_free(s);
}
END_TEST

START_TEST(script_actions)
{
    struct fake_buf error = {0};
    struct fake_script *s = fake_script_parse(
        "# comment\r\n\r\n"
        "op=PutObject do=delay:20,status:503:SlowDown,header:Retry-After:%2C5,commit\n",
        &error);
    ck_assert_msg(s != NULL, "%s", fake_buf_text(&error));
    struct fake_fault f = pick(s, "PutObject", "k", 0);
    ck_assert_uint_eq(f.line, 3);
    ck_assert_uint_eq(f.delay_ms, 20);
    ck_assert_int_eq(f.status, 503);
    ck_assert_str_eq(f.code, "SlowDown");
    ck_assert_str_eq(f.headers, "Retry-After: ,5\r\n");
    ck_assert(f.commit && f.play == FAKE_PLAY_ERROR && f.truncate_bytes == FAKE_NO_LIMIT);
    fake_script_free(s);
}
END_TEST

static const char *const bad_scripts[] = {
    "op=PutObject",      "do=",
    "do=nothing",        "nth=0 do=none",
    "every=0 do=none",   "nth=-1 do=none",
    "prob=1.1 do=none",  "prob= do=none",
    "word do=none",      "do=delay",
    "do=delay:x",        "do=status:42",
    "do=error:Nothing",  "do=reset:x",
    "do=reset:before:1", "do=redirect:200",
    "do=header:x",       "do=list:true",
    "do=body:pdf",       "do=infinite:loop",
    "do=close:loudly",   "do=lenient:x",
    "key=%zz do=none",   "do=header:a:b%0d%0ac",
};

START_TEST(script_errors)
{
    struct fake_buf error = {0};
    char text[128];
    snprintf(text, sizeof(text), "do=none\n\n%s\n", bad_scripts[_i]);
    ck_assert_msg(fake_script_parse(text, &error) == NULL, "%s", bad_scripts[_i]);
    ck_assert_int_eq(strncmp(fake_buf_text(&error), "line 3: ", 8), 0);
    fake_buf_free(&error);
}
END_TEST

START_TEST(blobs_share_and_read_back)
{
    static const uint64_t sizes[] = {0, 1, FAKE_BLOB_MEMORY_BYTES, FAKE_BLOB_MEMORY_BYTES + 1,
                                     300000};
    struct fake_spool spool;
    struct fake_data all = {0}, cut = {0};
    ck_assert_int_eq(fake_spool_open(&spool, "/tmp"), 0);
    struct fake_buf model = {0};
    for (size_t i = 0; i < 5; i++) {
        struct fake_blob *b = fake_blob_create(&spool, sizes[i]);
        for (uint64_t at = 0; at < sizes[i]; at++) {
            char byte = (char)(at * 7 + i);
            fake_buf_add(&model, &byte, 1);
        }
        ck_assert_int_eq(fake_blob_write(b, 0,
                                         model.data ? model.data + model.len - sizes[i] : "",
                                         sizes[i]),
                         0);
        ck_assert_int_eq(fake_blob_write(b, sizes[i], "x", 1), -1);
        fake_data_add(&all, b, sizes[i]);
    }
    ck_assert_uint_eq(all.bytes, model.len);
    fake_data_share(&cut, &all, 65530, 70000);
    fake_data_free(&all); /* the shared pieces live on */
    char *out = fake_alloc(70000);
    ck_assert_int_eq(fake_data_read(&cut, 0, out, 70000), 0);
    ck_assert(memcmp(out, model.data + 65530, 70000) == 0);
    ck_assert_int_eq(fake_data_read(&cut, 1, out, 70000), -1);
    ck_assert_int_eq(fake_data_write(&cut, 6, "Z", 1), 0);
    ck_assert_int_eq(fake_data_read(&cut, 6, out, 1), 0);
    ck_assert_int_eq(*out, 'Z');
    fake_data_free(&cut);
    fake_buf_free(&model);
    free(out);
    close(spool.fd);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int
main(void)
{
    Suite *s = suite_create("parts");
    TCase *t = tcase_create("parts");
    tcase_add_test(t, map_agrees_with_a_table);
    tcase_add_loop_test(t, map_seeks, 0, COUNT(seeks));
    tcase_add_loop_test(t, xml_is_strict, 0, COUNT(documents));
    tcase_add_test(t, xml_survives_truncation);
    tcase_add_loop_test(t, script_counts, 0, COUNT(counts));
    tcase_add_test(t, script_actions);
    tcase_add_loop_test(t, script_errors, 0, COUNT(bad_scripts));
    tcase_add_test(t, blobs_share_and_read_back);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
