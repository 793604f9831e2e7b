#!/usr/bin/env python3
"""Files that are written all the time."""

import threading
import unittest

import flowcase
from flowcase import write


class NeverQuiet(flowcase.Case):
    def test_never_quiet(self):
        """A file that is always written ends as unstable; never as a mix of two states."""
        lake = self.own_lake()
        write(lake + "/still", b"x")
        sizes = {"small": 1 << 20, "large": 11 << 20}
        for name, size in sizes.items():
            write(lake + "/" + name, bytes(size))
        stop = threading.Event()

        def churn():
            """Each state of a file is one byte value all over."""
            value = 0
            while not stop.wait(0.05):
                value = (value + 1) % 256
                for name, size in sizes.items():
                    with open(lake + "/" + name, "r+b") as f:
                        f.write(bytes([value]) * size)
        thread = threading.Thread(target=churn)
        thread.start()
        try:
            job = self.job(lake=lake, transfer=["part_size: 5MiB"])
            done = self.seed(job, 3)
        finally:
            stop.set()
            thread.join()
        self.check_count(done)
        for name in sizes:
            r = done.record(name)
            self.assertEqual((r["state"], r["code"]), ("unstable", "changed"))
            self.says(done.err, name, "unstable", "5 tries")
        self.assertEqual(sorted(self.server.stored("p/")), ["still"])
        self.assertEqual(self.server.uploads(), "")
        self.assertLess(done.seconds, 45)
        self.seed(job, 0)
        self.check_store(job)

if __name__ == "__main__":
    unittest.main()
