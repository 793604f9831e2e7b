#!/usr/bin/env python3
"""Large files that change: what is sent by the server's log, and what the object is afterwards."""

import os
import unittest

from flowcase import random_bytes, write
from synccase import MIB, SyncCase, patch


class Delta(SyncCase):
    transfer = ["part_size: 8MiB"]

    def begin(self, files, **more):
        lake = self.lake_of(files)
        more.setdefault("transfer", self.transfer)
        job = self.sync_job(lake, **more)
        self.first(job)
        return lake, job

    def sent(self, mark, key):
        """(parts with a body, their bytes, copied parts, PUTs of the whole)"""
        lines = [x for x in self.since(mark) if x.key == "p/" + key and x.status == 200]
        parts = [x.bytes_in for x in lines if x.op == "UploadPart"]
        return (len(parts), sum(parts), len([x for x in lines if x.op == "UploadPartCopy"]),
                len([x for x in lines if x.op == "PutObject"]))

    def settled(self, job):
        self.check_store(job)
        self.assertEqual(self.server.uploads(), "")
        self.quiet(job)

    def test_one_byte(self):
        """64 MiB, one byte: at most two parts, wherever it is."""
        size = 64 * MIB + 12345
        lake, job = self.begin({"large": random_bytes("one", size)})
        for at in (0, 31 * MIB + 7, 8 * MIB - 1, 8 * MIB, size - 1):
            with self.subTest(at=at):
                patch(lake + "/large", at, bytes([open_byte(lake + "/large", at) ^ 0xFF]))
                mark = self.mark()
                done = self.sync(job, 0)
                parts, sent, copies, whole = self.sent(mark, "large")
                self.assertLessEqual(parts, 2)
                self.assertLessEqual(sent, 2 * 8 * MIB)
                self.assertGreater(copies, 0)
                self.assertEqual(whole, 0)
                self.assertEqual(done.ledger["sent_bytes"], sent)
                self.assertEqual(done.ledger["copied_bytes"], size - sent)
                self.assertEqual(done.record("large")["state"], "verified")
                self.settled(job)

    SIZE = 40 * MIB

    def test_kinds_of_edits(self):
        """(edit, most parts to be sent): all in one pass."""
        kinds = {
            "append-small": (lambda p: patch(p, self.SIZE, b"x" * 100), 1),
            "append-3M": (lambda p: patch(p, self.SIZE, random_bytes(p, 3 * MIB)), 1),
            "append-30M": (lambda p: patch(p, self.SIZE, random_bytes(p, 30 * MIB)), 4),
            "append-odd": (lambda p: patch(p, self.SIZE, random_bytes(p, MIB + 1)), 1),
            "cut-chunk": (lambda p: os.truncate(p, 33 * MIB), 1),
            "cut-part": (lambda p: os.truncate(p, 32 * MIB), 1),
            "cut-odd": (lambda p: os.truncate(p, 30 * MIB + 77), 1),
            "cut-byte": (lambda p: os.truncate(p, self.SIZE - 1), 1),
            "two-far": (lambda p: (patch(p, 2, b"##"), patch(p, 38 * MIB, b"##")), 3),
            "boundary": (lambda p: patch(p, 8 * MIB - 1, b"##"), 2),
            "hole": (lambda p: os.truncate(p, 50 * MIB), 3),
            "cut-and-grow": (lambda p: (os.truncate(p, 20 * MIB), os.truncate(p, self.SIZE)), 4),
        }
        lake, job = self.begin({k: random_bytes(k, self.SIZE) for k in kinds})
        for name, (edit, _) in kinds.items():
            edit(lake + "/" + name)
        mark = self.mark()
        done = self.sync(job, 0)
        self.assertEqual(done.ledger["verified"], len(kinds))
        for name, (_, most) in kinds.items():
            parts, sent, copies, whole = self.sent(mark, name)
            with self.subTest(name):
                self.assertLessEqual(parts, most)
                self.assertGreater(copies, 0)
                self.assertEqual(whole, 0)
        self.settled(job)

    def test_sent_whole(self):
        """Where copying wins nothing: all changed, moved by a byte, shrunk below a part, grown out of one."""
        lake, job = self.begin({"all": random_bytes(1, 20 * MIB), "moved": random_bytes(2, 20 * MIB),
                                "shrunk": random_bytes(3, 20 * MIB), "grown": random_bytes(4, 5 * MIB),
                                "to-nothing": random_bytes(5, 20 * MIB)})
        write(lake + "/all", random_bytes(11, 20 * MIB))
        write(lake + "/moved", b"x" + random_bytes(2, 20 * MIB))
        os.truncate(lake + "/shrunk", 3 * MIB)
        patch(lake + "/grown", 5 * MIB, random_bytes(14, 9 * MIB))
        os.truncate(lake + "/to-nothing", 0)
        self.sync(job, 0)
        self.settled(job)

    def test_same_bytes_written_again(self):
        lake, job = self.begin({"large": random_bytes(1, 20 * MIB)})
        write(lake + "/large", random_bytes(1, 20 * MIB))
        mark = self.mark()
        self.sync(job, 0)
        self.assertEqual(self.bodies(mark), [])
        self.settled(job)

    def test_part_size_changes(self):
        """Another part size than that of the object: still copied by ranges."""
        lake, job = self.begin({"large": random_bytes(1, 40 * MIB)})
        patch(lake + "/large", 20 * MIB, b"##")
        job = self.sync_job(lake, transfer=["part_size: 5MiB"])
        mark = self.mark()
        self.sync(job, 0)
        parts, sent, copies, whole = self.sent(mark, "large")
        self.assertLessEqual(parts, 2)
        self.settled(job)

    def test_often(self):
        """A delta upon a delta: twelve edits, one after the other."""
        lake, job = self.begin({"large": random_bytes(1, 30 * MIB)}, transfer=["part_size: 5MiB"])
        for i in range(12):
            patch(lake + "/large", (i * 7919 * 977) % (29 * MIB), random_bytes(i, 4000))
            if i % 4 == 3:
                os.truncate(lake + "/large", 30 * MIB + i * 1000)
            mark = self.mark()
            self.sync(job, 0)
            parts, sent, copies, whole = self.sent(mark, "large")
            self.assertLessEqual(parts, 4)
            self.check_store(job)
        self.settled(job)


def open_byte(path, at):
    with open(path, "rb") as f:
        f.seek(at)
        return f.read(1)[0]


class FileStore(SyncCase):
    """file:// makes the new object of the old one and the changes, too."""

    def test_edits(self):
        lake = self.lake_of({"large": random_bytes(1, 30 * MIB), "small": b"x"})
        folder = self.own_lake("store")
        job = self.sync_job(lake, url="file://" + folder, transfer=["part_size: 5MiB"])
        self.sync(job, 0)
        edits = (lambda p: patch(p, 11 * MIB, b"##"), lambda p: patch(p, 30 * MIB, b"appended"),
                 lambda p: os.truncate(p, 20 * MIB), lambda p: os.truncate(p, 26 * MIB + 1))
        for edit in edits:
            edit(lake + "/large")
            done = self.sync(job, 0)
            with open(lake + "/large", "rb") as a, open(folder + "/large", "rb") as b:
                self.assertTrue(a.read() == b.read())
            self.assertGreater(done.ledger["parts_copied"], 0)
            self.assertLessEqual(done.ledger["sent_bytes"], 11 * MIB)
        again = self.sync(job, 0)
        self.assertEqual((again.ledger["sent_objects"], again.ledger["requests"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
