/* The end of every unit test: run the suite, exit with its outcome. */
#ifndef WEIR_TESTS_MAIN_CHECK_H
#define WEIR_TESTS_MAIN_CHECK_H

#include <check.h>
#include <stdlib.h>

static inline int
run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
