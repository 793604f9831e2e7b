/* prometheus -- a reader of Prometheus' text format, as strict as its own linter. */
#ifndef WEIR_TESTS_PROMETHEUS_H
#define WEIR_TESTS_PROMETHEUS_H

#include <stddef.h>

/* Asserts that every metric has HELP, TYPE gauge and samples, in this order and once each, with
 * good names, labels and values.  Takes the text to pieces.  Returns the number of metrics. */
size_t prometheus_parse(char *text);

#endif
