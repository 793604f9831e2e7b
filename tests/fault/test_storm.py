#!/usr/bin/env python3
"""503 for everything in the middle of a pass: ended in bounded time, with a message, and the next run
does the rest."""

import time
import unittest

import flowcase
from flowcase import random_bytes, write


class Storm(flowcase.Case):
    @classmethod
    def fill(cls, lake):
        for i in range(200):
            write("%s/dir%d/file%d" % (lake, i % 5, i), random_bytes(i, 100 + i))

    def test_without_end(self):
        """The retry budget of the run is used up, twenty objects in a row fail: stopped."""
        self.server.script("op=PutObject key=p/d* nth=50 times=100000 do=error:SlowDown")
        job = self.job()
        done = self.seed(job, 1, timeout=150)
        print("ended after %.1f s: %s" % (done.seconds, done.ledger))
        self.says(done.err, "SlowDown", self.server.endpoint, "fewer requests", "retry budget",
                  "objects in a row failed", "Run again to continue")
        self.says(done.err, "requests failed and wait to be repeated")
        self.assertLess(done.seconds, 90)
        self.assertEqual(done.ledger["verified"], 49)
        self.assertGreater(done.ledger["pending"], 0)
        self.server.script("")
        again = self.seed(job, 0)
        self.assertEqual(again.ledger["unchanged"], 49)
        self.check_all(again)

    def test_said_early(self):
        """A store that answers nothing but 503 is named within seconds, long before the last try."""
        self.server.script("do=error:SlowDown")
        job = self.job()
        p = job.start("seed", "--progress", "none")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        begin = time.monotonic()
        line = p.stderr.readline().decode()
        self.assertLess(time.monotonic() - begin, 15)
        self.says(line, "weir: warning:", "wait to be repeated", "SlowDown", self.server.endpoint)
        p.terminate()
        self.assertEqual(p.wait(10), 75)


if __name__ == "__main__":
    unittest.main()
