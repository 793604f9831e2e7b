#!/usr/bin/env python3
"""SIGKILL during syncs that send, copy, rename, patch and delete; the lake goes on changing meanwhile.  The next pass
recovers, and a recount agrees.  WEIR_TEST_SEED=N replays, WEIR_KILL_SECONDS=3600 makes it a long run."""

import os
import random
import shutil
import subprocess
import tempfile
import time
import unittest

import fakes3
import flowcase
import lakeops
import syncmodel
from flowcase import random_bytes, write
from synccase import GENEROUS, MIB, SyncCase

SEED = int(os.environ.get("WEIR_TEST_SEED", random.randrange(1 << 32)))
SECONDS = float(os.environ.get("WEIR_KILL_SECONDS", 25))
CALLS = ("pwrite64", "fdatasync", "openat2", "pread64", "write", "sendto", "recvfrom", "poll", "fcntl", "close",
         "statx", "connect", "futex", "unlink", "getdents64")


class Histories(SyncCase):
    def test_histories(self):
        """Those of tests/flow/test_sync_model.py, with kills in each step."""
        print("WEIR_TEST_SEED=%d" % SEED)
        folder = tempfile.mkdtemp(prefix="weir-kill-")
        self.addCleanup(shutil.rmtree, folder, True)
        client = self.client()
        env = {"AWS_ACCESS_KEY_ID": fakes3.KEY, "AWS_SECRET_ACCESS_KEY": fakes3.SECRET, "HOME": folder}
        options = syncmodel.Options(flowcase.WEIR, kills=0.7, env=env,
                                    destination=["endpoint: " + self.server.endpoint])
        store = syncmodel.FakeStore(self.server, client)
        tally = syncmodel.Tally()
        # Slow enough that kills fall between requests, too.
        self.server.script("op=PutObject,UploadPart,UploadPartCopy,CopyObject,DeleteObjects,HeadObject,"
                           "CompleteMultipartUpload prob=0.2 seed=%d do=delay-reply:15" % SEED)
        numbers = iter(range(100000))
        syncmodel.play((syncmodel.History(folder, SEED, n, store, options) for n in numbers), tally,
                       time.monotonic() + 1.6 * SECONDS, batch=24)
        print("%d histories, %d passes besides the killed ones" % (tally.histories, tally.passes))
        self.assertEqual(len(tally.failures), 0)
        self.assertGreater(tally.histories, 0)


class SystemCalls(SyncCase):
    """strace kills at the Nth call of a kind, in a pass that has one of everything to do."""

    def before(self, lake):
        for i in range(20):
            write("%s/dir%d/file%d" % (lake, i % 4, i), random_bytes(i, i * 700))
        write(lake + "/large", random_bytes("large", 16 * MIB + 5))
        write(lake + "/goes", random_bytes("goes", 6 * MIB))
        os.symlink("dir0/file0", lake + "/link")
        os.makedirs(lake + "/empty")

    def change(self, lake):
        with open(lake + "/large", "r+b") as f:
            f.seek(7 * MIB)
            f.write(b"changed")
        os.rename(lake + "/dir1", lake + "/renamed")
        shutil.rmtree(lake + "/dir2")
        os.unlink(lake + "/goes")
        os.chmod(lake + "/dir3/file3", 0o600)
        write(lake + "/new/file", b"new")
        os.unlink(lake + "/link")
        os.symlink("elsewhere", lake + "/link")
        lakeops.exchange(os.fsencode(lake + "/dir0/file4"), os.fsencode(lake + "/dir0/file8"))
        os.rmdir(lake + "/empty")

    def test_at_system_calls(self):
        trace = ["strace", "-f", "-qq", "-o", "/dev/null"]
        if subprocess.run([*trace, "true"], capture_output=True).returncode != 0:
            self.skipTest("strace cannot trace here")
        print("WEIR_TEST_SEED=%d" % SEED)
        rng = random.Random(SEED)
        points = [(call, n) for n in (1, 2, 3, 4, 5, 6, 8, 11, 15, 21, 30, 45, 70) for call in CALLS]
        rng.shuffle(points)
        end, kills, number = time.monotonic() + SECONDS, 0, 0
        policies = ("mirror", "quarantine")
        while points and time.monotonic() < end:
            # Several lakes grow old enough together.
            lakes = []
            for call, n in points[:12]:
                number += 1
                lake = self.own_lake("lake%d" % number)
                self.before(lake)
                lakes.append((call, n, number, lake))
            del points[:12]
            time.sleep(flowcase.QUIET_S)
            jobs = {}
            for call, n, i, lake in lakes:
                track = ["delete: " + policies[i % 2], *GENEROUS[1:]]
                jobs[i] = self.sync_job(lake, "job%d" % i, url="s3://bucket/%d" % i, track=track,
                                        transfer=["part_size: 5MiB", "connections: 4"],
                                        env={"traced": True})
                self.sync(jobs[i], 0)
                self.change(lake)
            time.sleep(flowcase.QUIET_S)
            for call, n, i, lake in lakes:
                kills += self.kill(trace, jobs[i], call, n, i)
                shutil.rmtree(lake)
        print("%d kills at %d points" % (kills, number))
        self.assertGreater(kills, 0)

    def kill(self, trace, job, call, n, number):
        with self.subTest(call=call, n=n, number=number):
            inject = ["-e", "trace=" + call, "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, n)]
            p = subprocess.run([*trace, *inject, *job.argv("sync", "--progress", "none")], env=job.env,
                               capture_output=True, timeout=60)
            self.assertIn(p.returncode, (0, -9, 137), p.stderr)
            self.sync(job, 0)
            self.check_store(job, prefix="%d/" % number)
            kept = self.server.stored("%d/.weir/quarantine/" % number)
            if number % 2:
                self.assertGreaterEqual(len({k.split("/", 1)[1] for k in kept}), 12)
            self.assertEqual(self.server.uploads(), "")
            again = self.sync(job, 0)
            self.assertEqual((again.ledger["sent_objects"], again.ledger["requests"]), (0, 0))
            return p.returncode != 0
        return False


if __name__ == "__main__":
    unittest.main()
