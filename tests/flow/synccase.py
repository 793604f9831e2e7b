"""What the tests of `weir sync` share: lakes of their own, and looks at what was asked and deleted."""

import os
import subprocess
import time
import unittest

import fakes3
import flowcase
from flowcase import write

GENEROUS = ("delete: mirror", "delete_grace: 0s", "delete_limit: {files: 1000000, percent: 100}")
DELETES = ("DeleteObject", "DeleteObjects")
BODIES = ("PutObject", "UploadPart")
MIB = 1 << 20


def patch(path, at, data):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(data)


def limits(files, percent, policy="mirror", grace="0s"):
    return ["delete: " + policy, "delete_grace: " + grace,
            "delete_limit: {files: %d, percent: %d}" % (files, percent)]


needs_root = unittest.skipUnless(os.geteuid() == 0, "needs root, to mount")


class SyncCase(flowcase.Case):
    track = GENEROUS

    @classmethod
    def fill(cls, lake):
        pass

    def sync_job(self, lake, name="job", **more):
        more.setdefault("track", list(self.track))
        return self.job(name, lake=lake, **more)

    def lake_of(self, files, name="lake"):
        """@files: {path: content}, or a number of small files over four directories."""
        lake = self.own_lake(name)
        if isinstance(files, int):
            files = {"dir%d/file%03d" % (i % 4, i): b"content %d" % i for i in range(files)}
        for path, data in files.items():
            write(os.path.join(lake, path), data)
        return lake

    def first(self, job):
        """The first pass; the files are old enough afterwards, so later passes need not wait."""
        done = self.sync(job, 0)
        self.check_store(job)
        return done

    def quiet(self, job, *options, status=0):
        """A pass that finds nothing to do and asks nothing."""
        mark = self.mark()
        done = self.sync(job, status, *options)
        # A pass that has files digested looks first whether the store is the same.
        self.assertEqual([(x.op, x.key) for x in self.asked(mark)], [])
        self.assertEqual(done.ledger["sent_objects"], 0)
        self.assertLessEqual(done.ledger["requests"], len(self.since(mark)))
        if not options:
            self.assertEqual(done.ledger["requests"], 0)
        return done

    def asked(self, mark):
        """Requests besides the look at the job's marker."""
        return [x for x in self.since(mark) if not (x.op == "HeadObject" and "/.weir/job-" in x.key)]

    def since(self, mark, *ops):
        return [x for x in self.server.lines()[mark:] if not ops or x.op in ops]

    def mark(self):
        return len(self.server.lines())

    def bodies(self, mark):
        """Keys that a body was sent for."""
        return [x.key for x in self.since(mark, *BODIES) if x.bytes_in > 0]

    def no_deletes(self):
        self.assertEqual([x.op for x in self.server.lines() if x.op in DELETES
                          and "/.weir/" not in x.key and not self.is_probe(x)], [])

    def is_probe(self, line):
        """At first contact weir tries deletes on keys of its own; a batch shows no keys."""
        return line.seconds < self.contact_over

    contact_over = 0.0

    def after_contact(self):
        self.contact_over = time.time()
        time.sleep(0.01)

    def client(self):
        client = fakes3.Client(self.server)
        self.addCleanup(client.close)
        return client

    def mount(self, *args):
        p = subprocess.run(["mount", *args], capture_output=True, text=True)
        if p.returncode != 0:
            self.skipTest("mount %s: %s" % (" ".join(args), p.stderr.strip()))
        self.addCleanup(self.umount, args[-1])

    def umount(self, where):
        """All that is mounted there; a bind mount of the same file system is no mount to os.path."""
        with open("/proc/self/mounts") as f:
            mounted = [line.split()[1] for line in f]
        for _ in range(mounted.count(where)):
            subprocess.run(["umount", where], check=True)

    def ext4(self, name, megabytes=32):
        """A file system in a file: (path of the image)."""
        image = os.path.join(self.work, name)
        with open(image, "wb") as f:
            f.truncate(megabytes << 20)
        p = subprocess.run(["mkfs.ext4", "-q", "-F", image], capture_output=True, text=True)
        if p.returncode != 0:
            self.skipTest("mkfs.ext4: " + p.stderr.strip())
        return image
