#!/usr/bin/env python3
"""What the table says follows from the samples: ratios within rounds, verdicts, extrapolation; and
a tool that found a difference does not count."""
import os
import tempfile
import unittest

import measure
import report
from bench import Bench
from measure import Sample
from report import Line, Target


def line_of(values, *targets, **more):
    """values: program -> list, one a round; None where the program did not run."""
    line = Line("title", "s", *targets, **more)
    for program, list_ in values.items():
        for number, value in enumerate(list_):
            if value is not None:
                line.add(program, number, value, Sample(value, value, 1024))
    return line


class ReportTest(unittest.TestCase):
    def test_ratios_are_those_of_the_rounds(self):
        """A round that was slow for both does not change the ratio."""
        line = line_of({"weir": [1, 10, 1], "peer": [5, 50, None]}, Target(1 / 5, "peer"))
        self.assertEqual(line.ratios("weir", "peer"), [0.2, 0.2])
        self.assertEqual(line.verdicts(), ["<= 1/5 x peer: met"])
        self.assertEqual(Line("t", "s", Target(1, "peer")).verdicts(), ["not measured"])

    def test_every_target_has_its_verdict(self):
        line = line_of({"weir": [2.0, 2.0], "a": [9.0, 9.0], "b": [15.0, 15.0]}, Target(1.6),
                       Target(1 / 5, "a"), Target(1 / 7, "b"), Target(1, "c"), Target(3, "a", below="b"))
        self.assertEqual(line.verdicts(),
                         ["<= 1.6 s: missed", "<= 1/5 x a: missed", "<= 1/7 x b: met",
                          "against c: not measured", "<= 3 x a, below b: met"])
        self.assertEqual(line_of({"weir": [3.0], "a": [1.5]}, Target(3, "a", below="a")).verdicts(),
                         ["<= 3 x a, below a: missed"])
        self.assertEqual(line_of({"a": [1]}, Target(5)).verdicts(), ["not measured"])

    def test_rows(self):
        line = line_of({"weir": [2, 4, 3], "peer": [8, 8, 9]}, Target(1), base="weir")
        line.skip("other", "not\nbuilt|here")
        rows = {row[0]: row for row in line.rows()}
        self.assertEqual(rows["weir"][1:5], ["3.000", "2.000..4.000", "3", ""])
        self.assertEqual(rows["peer"][4], "3.00 (2.00..4.00)")
        self.assertEqual(rows["other"][1:4], ["-", "not built/here", "0"])

    def test_extrapolation(self):
        self.assertEqual(report.extrapolate((1, 3), (10, 21), 100), 201)
        self.assertEqual(report.extrapolate(None, (10, 21), 100), 210)
        self.assertEqual(report.extrapolate((1, 7), (10, 7), 100), 7)


class RoundsTest(unittest.TestCase):
    def test_programs_take_turns(self):
        """One that fails does not end the round, one whose turn it is not has no sample."""
        calls = []

        def run(name, fail=False, only=None):
            def turn(number):
                calls.append((number, name))
                if fail:
                    raise measure.BenchError("broken")
                return None if only not in (None, number) else Sample(1, 1, 1)
            return turn

        with tempfile.TemporaryDirectory() as folder:
            bench = Bench("build", 2, None, folder)
            got = bench.collect({"a": run("a"), "b": run("b", fail=True), "c": run("c", only=0)})
        self.assertEqual(calls, [(0, "a"), (0, "b"), (0, "c"), (1, "a"), (1, "b"), (1, "c")])
        self.assertEqual({name: sorted(s) for name, s in got.samples.items()},
                         {"a": [0, 1], "c": [0]})
        self.assertEqual(got.skipped, {"b": "broken"})

    def test_a_difference_is_no_sample(self):
        with tempfile.TemporaryDirectory() as folder:
            log = os.path.join(folder, "log")

            def say(text):
                return measure.no_difference(["printf", text], log, None, r"Skipped|ERROR")

            self.assertGreater(say("Checks: 5\n").wall_s, 0)
            with self.assertRaises(measure.BenchError):
                say("f: Skipped copy as --dry-run is set\n")
            with self.assertRaises(measure.BenchError):
                measure.no_difference(["false"], log, None, "x")


if __name__ == "__main__":
    unittest.main()
