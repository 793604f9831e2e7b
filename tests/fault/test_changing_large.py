#!/usr/bin/env python3
"""A file that changes between its parts: the upload is given up and begun again, a mix is never published."""

import os
import unittest

import flowcase
from changing import PART, Changing
from flowcase import random_bytes, write


class Large(Changing):
    def large(self, slow, change, size=3 * PART + 9):
        lake = self.lake_with(["large"], size)
        job, p = self.start(lake, slow)
        change(lake + "/large")
        done = self.finish(job, p, 0)
        self.assertEqual(done.record("large")["state"], "verified")
        self.check_all(done)
        self.check_quiet(job)

    def test_large_grows_between_parts(self):
        def grow(path):
            with open(path, "ab") as f:
                f.write(random_bytes("more", PART))
        self.large("op=UploadPart part=1 do=delay:1000 times=1", grow)

    def test_large_rewritten_after_its_first_part(self):
        """The mix of old parts and new ones must never be published."""
        def rewrite(path):
            before = os.stat(path)
            with open(path, "r+b") as f:
                f.write(random_bytes("other", 3 * PART + 9))
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.large("op=UploadPart part=1 do=delay:1000 times=1", rewrite)

    def test_large_changed_after_its_last_part(self):
        def poke(path):
            with open(path, "r+b") as f:
                f.write(b"poked")
        self.large("op=UploadPart part=4 do=delay:1000 times=1", poke)

    def test_large_shrinks_below_one_part(self):
        self.large("op=UploadPart part=2 do=delay:1000 times=1", lambda p: os.truncate(p, 100))

    def test_large_replaced(self):
        def replace(path):
            write(path + ".new", random_bytes("new", 2 * PART))
            os.rename(path + ".new", path)
        self.large("op=UploadPart part=2 do=delay:1000 times=1", replace)

    def test_large_vanishes(self):
        lake = self.lake_with(["large"], 3 * PART)
        job, p = self.start(lake, "op=UploadPart part=1 do=delay:1000 times=1")
        os.unlink(lake + "/large")
        out, err = p.communicate(timeout=60)
        done = flowcase.Pass(job, p.returncode, out.decode(), err.decode(), 0, 0)
        # The file that was opened is still whole: sending it, or naming it, are both right.
        self.assertIn(done.status, (0, 3))
        self.check_pass(done)
        self.server.script("")
        again = self.seed(job, 0)
        self.assertEqual(again.ledger["failed"], 0)

if __name__ == "__main__":
    unittest.main()
