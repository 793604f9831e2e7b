#!/usr/bin/env python3
"""SIGKILL at many moments and at many system calls of a seed: the next run goes on, loses nothing, sends no
finished object again, and leaves no upload behind."""

import os
import random
import signal
import subprocess
import time
import unittest

import flowcase
from flowcase import random_bytes, write

SEED = int(os.environ.get("WEIR_TEST_SEED", random.randrange(1 << 32)))
SECONDS = float(os.environ.get("WEIR_KILL_SECONDS", 20))  # for each test; more for a long run
# What a seed does to files and sockets: the points where its order of doing things shows.
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "openat", "openat2", "pread64", "unlink",
         "write", "sendto", "recvfrom", "poll", "fcntl", "close", "getdents64", "statx", "mmap",
         "connect", "futex")


class Kill(flowcase.Case):
    @classmethod
    def fill(cls, lake):
        for i in range(24):
            write("%s/dir%d/file%d" % (lake, i % 3, i), random_bytes(i, i * 700))
        write(lake + "/large", random_bytes("large", (11 << 20) + 5))  # three parts
        write(lake + "/dir0/larger", random_bytes("larger", 6 << 20))
        os.symlink("dir0/file0", lake + "/link")
        os.makedirs(lake + "/empty")
        time.sleep(flowcase.QUIET_S)  # old enough to be read at once

    def new_job(self, number, **env):
        return self.job("job%d" % number, url="s3://bucket/%d" % number,
                        transfer=["part_size: 5MiB", "connections: 4"], env=env)

    def settle(self, job, number):
        done = self.seed(job, 0)
        self.check_store(job, prefix="%d/" % number)
        self.assertEqual(done.ledger["failed"], 0)
        return done

    def test_at_random_moments(self):
        print("WEIR_TEST_SEED=%d" % SEED)
        rng = random.Random(SEED)
        end, kills, chains = time.monotonic() + SECONDS, 0, 0
        while time.monotonic() < end:
            chains += 1
            job = self.new_job(chains)
            # Slow enough that kills fall between requests, too.
            self.server.script("op=PutObject,UploadPart,CompleteMultipartUpload do=delay-reply:%d"
                               % rng.choice((0, 1, 4)))
            for _ in range(12):
                p = job.start("seed", "--progress", "none")
                time.sleep(rng.uniform(0.002, 0.12))
                p.send_signal(signal.SIGKILL)
                p.communicate()
                if p.returncode == 0:
                    break
                kills += 1
            self.settle(job, chains)
        self.check_once()
        print("%d kills in %d seeds" % (kills, chains))
        self.assertGreater(kills, 0)

    def test_at_system_calls(self):
        """strace kills at the Nth call of a kind (of each thread): a sample over kinds and N."""
        trace = ["strace", "-f", "-qq", "-o", "/dev/null"]
        if subprocess.run([*trace, "true"], capture_output=True).returncode != 0:
            self.skipTest("strace cannot trace here")
        print("WEIR_TEST_SEED=%d" % SEED)
        rng = random.Random(SEED)
        end, kills, number = time.monotonic() + SECONDS, 0, 0
        points = [(call, n) for n in (1, 2, 3, 4, 5, 6, 8, 11, 15, 21, 30, 45) for call in CALLS]
        rng.shuffle(points)
        for call, n in points:
            if time.monotonic() > end:
                break
            number += 1
            job = self.new_job(number, traced=True)
            with self.subTest(call=call, n=n):
                inject = ["-e", "trace=" + call, "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, n)]
                p = subprocess.run([*trace, *inject, *job.argv("seed", "--progress", "none")],
                                   env=job.env, capture_output=True, timeout=60)
                self.assertIn(p.returncode, (0, -9, 137), p.stderr)
                kills += p.returncode != 0
                self.settle(job, number)
        self.check_once()
        print("%d kills at %d points" % (kills, number))
        self.assertGreater(kills, 0)


if __name__ == "__main__":
    unittest.main()
