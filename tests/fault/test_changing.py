#!/usr/bin/env python3
"""Small files that change, vanish or become something else while weir works on them: what is stored is one
state of the file, or nothing."""

import os
import shutil
import unittest

import flowcase
from changing import PART, Changing
from flowcase import random_bytes, write


class Small(Changing):
    def test_small_files(self):
        """Between walk and read: read again when quiet; what is no file any more is named."""
        lake = self.lake_with(["grow", "shrink", "rewrite", "rename", "vanish", "tolink", "tofifo",
                               "todir", "same"])
        outside = self.work + "/outside"
        write(outside, b"secret of somebody")
        job, p = self.start(lake, "op=PutObject key=p/0first do=delay:1500")
        with open(lake + "/grow", "ab") as f:
            f.write(b"more")
        os.truncate(lake + "/shrink", 10)
        before = os.stat(lake + "/rewrite")
        write(lake + "/rewrite", random_bytes("other", 3000))
        os.utime(lake + "/rewrite", ns=(before.st_atime_ns, before.st_mtime_ns))
        write(lake + "/new", b"another file")
        os.rename(lake + "/new", lake + "/rename")
        for name in ("vanish", "tolink", "tofifo", "todir"):
            os.unlink(lake + "/" + name)
        os.symlink(outside, lake + "/tolink")
        os.mkfifo(lake + "/tofifo")
        os.makedirs(lake + "/todir/inside")
        done = self.finish(job, p, 3)
        states = done.states()
        for name in ("grow", "shrink", "rewrite", "rename", "same", "0first"):
            self.assertEqual(states[name], "verified", name)
        self.assertEqual((states["vanish"], done.record("vanish")["errno"]), ("failed", 2))
        for name in ("tolink", "tofifo", "todir"):
            self.assertEqual(states[name], "failed", name)
            self.says(done.record(name)["error"], name, "regular file")
        self.assertEqual(done.ledger["seen"], 10)
        want, got = flowcase.contents(lake), self.server.stored("p/")
        self.assertEqual(sorted(got), sorted(n for n, s in states.items() if s == "verified"))
        for name, o in got.items():
            self.assertEqual(o["sha256"], want[name], name)
        again = self.seed(job, 0)
        self.check_count(again)
        self.check_store(job)
        self.assertEqual(again.ledger["sent_objects"], 2)  # the link, and the directory inside

    def test_directory_swapped_for_a_link(self):
        """A directory becomes a link to another place in the middle: nothing from there is sent."""
        lake = self.lake_with(["dir/file", "dir/large"], 2 * PART + 7)
        outside = self.work + "/outside"
        write(outside + "/file", b"secret")
        write(outside + "/large", random_bytes("secret", 2 * PART + 7))
        job, p = self.start(lake, "op=PutObject key=p/0first do=delay:1500")
        os.rename(lake + "/dir", self.work + "/moved")
        os.symlink(outside, lake + "/dir")
        done = self.finish(job, p, 3)
        self.assertEqual(sorted(self.server.stored("p/")), ["0first"])
        self.assertEqual(done.ledger["failed"] + done.ledger["unstable"], 2)


class Between(flowcase.Case):
    def test_vanished_between_passes(self):
        """Nothing is deleted: the objects of what is gone stay."""
        lake = self.own_lake()
        for name in ("keep", "gone", "dir/gone"):
            write(lake + "/" + name, name.encode())
        job = self.job(lake=lake)
        self.seed(job, 0)
        os.unlink(lake + "/gone")
        shutil.rmtree(lake + "/dir")
        done = self.seed(job, 0)
        self.check_count(done)
        self.assertEqual(sorted(self.server.stored("p/")), ["dir/gone", "gone", "keep"])

if __name__ == "__main__":
    unittest.main()
