#!/usr/bin/env python3
"""Little memory, few descriptors, a bandwidth window: kept, and the pass still ends well."""

import datetime
import os
import resource
import subprocess
import time
import unittest

import flowcase
from flowcase import SANITIZED, random_bytes, write


def run_measured(argv, env, limits=()):
    """(exit status, stdout, stderr, peak RSS in bytes)."""
    def apply():
        for what, value in limits:
            resource.setrlimit(what, (value, value))
    p = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         preexec_fn=apply)
    out, err = p.stdout.read(), p.stderr.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    p.stdout.close()
    p.stderr.close()
    return p.returncode, out.decode(), err.decode(), usage.ru_maxrss * 1024


class Memory(flowcase.Case):
    @classmethod
    def fill(cls, lake):
        for i in range(3000):
            write("%s/dir%d/%s%d" % (lake, i % 20, "n" * 100, i), random_bytes(i, 900))
        write(lake + "/large", random_bytes("large", 160 << 20))
        time.sleep(flowcase.QUIET_S)

    @unittest.skipIf(SANITIZED, "a sanitizer's memory says nothing")
    def test_peak(self):
        """The smallest memory with the largest part that goes with it."""
        for memory, part, most in (("64MiB", "32MiB", 128), ("64MiB", "auto", 128)):
            with self.subTest(part=part):
                job = self.job("m" + part.lower(), url="s3://bucket/" + part,
                               transfer=["memory: " + memory, "part_size: " + part])
                status, out, err, peak = run_measured(
                    job.argv("seed", "--json", "--progress", "none"), job.env)
                self.assertEqual(status, 0, err)
                print("memory %s, parts %s: peak %d MiB" % (memory, part, peak >> 20))
                self.assertLess(peak >> 20, most)
                self.check_store(job, prefix=part + "/")

    def test_part_too_large_for_memory(self):
        """A file that needs larger parts than the memory allows is refused by name, with the figure."""
        lake = self.own_lake()
        write(lake + "/small", b"x")
        with open(lake + "/huge", "wb") as f:
            f.truncate(400 << 30)  # parts of 41 MiB
        job = self.job(lake=lake, transfer=["memory: 64MiB"])
        done = self.seed(job, 3)
        r = done.record("huge")
        self.assertEqual((r["state"], r["code"]), ("failed", "limit"))
        self.says(r["error"], "transfer.memory to at least")
        self.assertEqual(done.record("small")["state"], "verified")
        self.assertEqual(self.server.uploads(), "")


class Descriptors(flowcase.Case):
    def test_ulimit(self):
        """With 32 descriptors: done, or ended with a message that names the limit; nothing wrong stored."""
        for limit in (128, 64, 32):
            with self.subTest(limit=limit):
                job = self.job("fd%d" % limit, url="s3://bucket/%d" % limit)
                status, out, err, _ = run_measured(
                    job.argv("seed", "--json", "--progress", "none"), job.env,
                    [(resource.RLIMIT_NOFILE, limit)])
                print("%d descriptors: exit status %d %s" % (limit, status, err[:300]))
                if status != 0:
                    self.assertIn(status, (1, 3))
                    self.says(err, "Too many open files")
                self.seed(job, 0)
                self.check_store(job, prefix="%d/" % limit)
        self.check_once()


class Bandwidth(flowcase.Case):
    @classmethod
    def fill(cls, lake):
        write(lake + "/large", random_bytes("large", 24 << 20))
        for i in range(40):
            write("%s/file%d" % (lake, i), random_bytes(i, 100000))
        time.sleep(flowcase.QUIET_S)

    def test_window(self):
        """6 MB/s: the bytes that arrive in any three seconds stay below it, with one second's burst."""
        rate = 6000000
        job = self.job(transfer=["bandwidth:", "  - limit: 6MB/s"])
        done = self.seed(job, 0)
        self.check_all(done)
        total = done.ledger["sent_bytes"]
        least = total / rate - 2.5
        print("%d bytes in %.1f s, at least %.1f s wanted" % (total, done.seconds, least))
        self.assertGreater(done.seconds, least)
        arrived = [(x.seconds, x.bytes_in) for op in ("PutObject", "UploadPart")
                   for x in self.server.requests(op)]
        part = 8 << 20  # a part is logged as a whole when it has arrived
        for begin, _ in arrived:
            window = sum(n for at, n in arrived if begin <= at < begin + 3)
            self.assertLess(window, 3 * rate + rate + 2 * part)

    def test_window_that_is_closed(self):
        """Outside of its hours a window does not count."""
        now = datetime.datetime.now(datetime.timezone.utc)
        begin = now + datetime.timedelta(hours=3)
        end = now + datetime.timedelta(hours=5)
        job = self.job(transfer=["bandwidth:", "  - from: \"%s\"" % begin.strftime("%H:%M"),
                                 "    to: \"%s\"" % end.strftime("%H:%M"), "    limit: 100kB/s"])
        done = self.seed(job, 0)
        self.assertLess(done.seconds, 20)  # 280 s with the limit


if __name__ == "__main__":
    unittest.main()
