#!/usr/bin/env python3
"""System calls that fail: a sample over calls, errors and moments, played by strace.  Whatever fails, weir does
not crash or hang, its ledger adds up, and a clean run afterwards ends well without sending anything twice."""

import os
import random
import subprocess
import time
import unittest

import flowcase
from flowcase import SANITIZED, random_bytes, write

SEED = int(os.environ.get("WEIR_TEST_SEED", random.randrange(1 << 32)))
SECONDS = float(os.environ.get("WEIR_KILL_SECONDS", 20))
LAKE = [(c, e) for c in ("openat2", "statx", "pread64", "getdents64", "readlinkat")
        for e in ("EIO", "ENOMEM", "EMFILE", "EACCES", "ESTALE", "ENOENT", "EINTR")
        if (c, e) != ("getdents64", "EINTR")]
STATE = [(c, e) for c in ("pwrite64", "fdatasync", "fsync", "openat", "ftruncate", "fcntl", "write",
                          "unlink", "newfstatat", "mkdir")
         for e in ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EMFILE")]
NET = [(c, e) for c in ("connect", "socket", "sendto", "recvfrom", "poll", "setsockopt")
       for e in ("ECONNRESET", "ENOBUFS", "EMFILE", "ETIMEDOUT", "ENETUNREACH")]
MOMENTS = (1, 2, 3, 5, 9, 17, 30, "2+5")


class Syscalls(flowcase.Case):
    @classmethod
    def fill(cls, lake):
        for i in range(24):
            write("%s/dir%d/file%d" % (lake, i % 3, i), random_bytes(i, i * 700))
        write(lake + "/large", random_bytes("large", (11 << 20) + 5))
        os.symlink("dir0/file0", lake + "/link")
        os.makedirs(lake + "/empty")
        time.sleep(flowcase.QUIET_S)

    def trace(self, *more):
        return ["strace", "-f", "-qq", "-o", "/dev/null", *more]

    def setUp(self):
        super().setUp()
        if subprocess.run(self.trace("true"), capture_output=True).returncode != 0:
            self.skipTest("strace cannot trace here")

    def fail_one(self, number, call, error, when):
        job = self.job("job%d" % number, url="s3://bucket/%d" % number, env={"traced": True},
                       transfer=["part_size: 5MiB", "connections: 4"])
        inject = "inject=%s:error=%s:when=%s" % (call, error, when)
        done = self.seed(job, None, check=False, timeout=60,
                         wrap=self.trace("-e", "trace=" + call, "-e", inject))
        # 127: the loader could not map a library; before main.
        self.assertIn(done.status, (0, 1, 2, 3, 5, 6, 7, 127), done.err)
        if done.status == 0 or (done.status == 3 and done.records):
            self.check_pass(done)
        elif done.status != 127:
            self.assertTrue(done.err.strip(), "exit status %d without a word" % done.status)
        self.seed(job, 0)
        self.check_store(job, prefix="%d/" % number)

    def sample(self, points, seconds):
        print("WEIR_TEST_SEED=%d" % SEED)
        rng = random.Random(SEED)
        end, number = time.monotonic() + seconds, 0
        rng.shuffle(points)
        for call, error, when in points:
            if time.monotonic() > end:
                break
            number += 1
            with self.subTest(call=call, error=error, when=when):
                self.fail_one(number, call, error, when)
        self.check_once()
        print("%d points of %d" % (number, len(points)))

    def test_lake(self):
        self.sample([(c, e, n) for c, e in LAKE for n in MOMENTS], SECONDS / 2)

    def test_state_and_network(self):
        self.sample([(c, e, n) for c, e in STATE + NET for n in MOMENTS], SECONDS)

    @unittest.skipIf(SANITIZED, "a sanitizer ends when it gets no memory")
    def test_memory(self):
        """The main thread's mappings fail, one at a time, after the loader has made its own."""
        log = self.work + "/mmap"
        subprocess.run(["strace", "-qq", "-o", log, "-e", "trace=mmap", flowcase.WEIR, "--version"],
                       check=True, capture_output=True)
        with open(log) as f:
            loader = len(f.readlines())
        self.sample([("mmap", "ENOMEM", loader + n) for n in range(1, 60)], SECONDS / 2)


if __name__ == "__main__":
    unittest.main()
