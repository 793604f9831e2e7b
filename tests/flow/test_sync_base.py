#!/usr/bin/env python3
"""The object that the unchanged parts of a changed file are copied from: lost, foreign, replaced meanwhile, on stores
that look and stores that do not; copies that lie; files that go on changing; kills."""

import hashlib
import os
import threading
import time
import unittest

import flowcase
import weirflow
from flowcase import random_bytes
from synccase import MIB, SyncCase, patch


class Base(SyncCase):
    """The object that unchanged parts would come from."""

    def begin(self, server=(), **more):
        if server:
            self.server = self.start_server(*server)
        lake = self.lake_of({"large": random_bytes("base", 30 * MIB)})
        job = self.sync_job(lake, transfer=["part_size: 5MiB"], **more)
        self.first(job)
        patch(lake + "/large", 12 * MIB, b"changed")
        return lake, job

    def foreign(self, data=None):
        data = data or random_bytes("foreign", 30 * MIB)
        r = self.client().put("p/large", data, headers={"x-amz-checksum-algorithm": "CRC64NVME"})
        self.assertEqual(r.status, 200, r.body)

    def untouched(self):
        o = self.server.stored("p/")["large"]
        self.assertNotIn("x-amz-meta-weir-id", o["headers"])

    def test_lost(self):
        lake, job = self.begin()
        self.client().delete("p/large")
        self.sync(job, 0)
        self.check_store(job)
        self.quiet(job)
        self.assertEqual(self.server.uploads(), "")

    def test_foreign(self):
        lake, job = self.begin()
        self.foreign()
        done = self.sync(job, 3)
        self.assertEqual(done.record("large")["code"], "exists")
        self.says(done.err, "large")
        self.untouched()
        self.assertEqual(self.server.uploads(), "")

    def test_foreign_replaced(self):
        lake, job = self.begin(destination=["existing: replace"])
        self.foreign()
        self.sync(job, 0)
        self.check_store(job)

    def test_lost_in_the_middle(self):
        """Deleted after the copying began."""
        lake, job = self.begin()
        self.server.script("op=UploadPartCopy nth=1 do=delay:1500")
        t = self.later(0.5, lambda: self.client().delete("p/large"))
        done = self.sync(job, None)
        t.join()
        self.assertIn(done.status, (0, 3), done.err)
        if done.status != 0:
            self.server.script("")
            self.sync(job, 0)
        self.check_store(job)
        self.assertEqual(self.server.uploads(), "")

    def test_replaced_in_the_middle(self):
        """By another writer: never a mix of both, and theirs is not overwritten."""
        lake, job = self.begin()
        self.server.script("op=UploadPartCopy nth=1 do=delay:1500")
        t = self.later(0.5, self.foreign)
        done = self.sync(job, 3)
        t.join()
        self.assertEqual(done.record("large")["state"], "failed")
        self.untouched()

    def test_replaced_in_the_middle_of_a_store_that_does_not_look(self):
        """The store ignores what the copy says about its source, and another writer was quicker: their object
        has the same size, so every range can be copied."""
        lake, job = self.begin(["--lenient", "copy-source-match"])
        self.server.script("op=UploadPartCopy nth=1 do=delay:1500")
        t = self.later(0.5, self.foreign)
        done = self.sync(job, 3)
        t.join()
        self.assertEqual(done.record("large")["state"], "failed")
        self.untouched()

    def test_replaced_in_the_middle_of_a_store_that_checks_nothing(self):
        """As before, on one that neither compares checksums nor honours conditions: what is published at
        the end is not a mix."""
        flags = "copy-source-match,conditional,complete-conditional,checksum,complete-checks"
        lake, job = self.begin(["--lenient", flags])
        self.server.script("op=UploadPartCopy nth=1 do=delay:1500")
        t = self.later(0.5, self.foreign)
        done = self.sync(job, None)
        t.join()
        digest = self.server.stored("p/")["large"]["sha256"]
        good = {weirflow.sha256_file(lake + "/large"),
                hashlib.sha256(random_bytes("foreign", 30 * MIB)).hexdigest()}
        self.assertIn(digest, good, "a mix, and exit %d" % done.status)

    def later(self, seconds, what):
        """Once the pass has begun to copy."""
        def run():
            flowcase.wait_for(lambda: self.server.requests("CreateMultipartUpload", "p/large")[1:], 20)
            time.sleep(seconds)
            what()
        t = threading.Thread(target=run)
        t.start()
        return t

    def many(self, names, server=()):
        """A lake and a job for each name, all old enough at the same time: [(name, lake, job, prefix)]."""
        if server:
            self.server = self.start_server(*server)
        out = []
        for i, name in enumerate(names):
            lake = self.lake_of({"large": random_bytes("base", 30 * MIB)}, "lake%d" % i)
            job = self.sync_job(lake, "job%d" % i, url="s3://bucket/f%d" % i, transfer=["part_size: 5MiB"])
            out.append((name, lake, job, "f%d/" % i))
        time.sleep(flowcase.QUIET_S)
        for name, lake, job, prefix in out:
            self.sync(job, 0)
            patch(lake + "/large", 12 * MIB, b"changed")
        time.sleep(flowcase.QUIET_S)
        return out

    def test_copies_that_lie(self):
        """Replies that are lost, wrong, empty or refuse: the object is right at the end, or the old one."""
        for fault, lake, job, prefix in self.many((
                "ok-error", "reset:after", "reset:before", "body:empty", "error:InternalError",
                "error:NotImplemented", "wrong-etag", "wrong-checksum", "error:AccessDenied",
                "error:NoSuchKey", "error:PreconditionFailed", "error:InvalidRequest")):
            with self.subTest(fault):
                self.server.script("op=UploadPartCopy key=%s* nth=2 do=%s" % (prefix, fault))
                done = self.sync(job, None)
                self.server.script("")
                if done.status != 0:
                    self.assertIn(done.status, (3, 7), done.err)
                    print("%s: exit %d" % (fault, done.status))
                    self.sync(job, 0)
                self.check_store(job, prefix=prefix)
                self.assertEqual(self.server.uploads(), "")
                self.quiet(job)

    def test_no_ranged_copy(self):
        """The store does not know it: sent whole."""
        lake, job = self.begin()
        self.server.script("op=UploadPartCopy do=error:NotImplemented")
        self.sync(job, 0)
        self.check_store(job)
        self.assertEqual(self.server.uploads(), "")

    def test_stores_that_check_less(self):
        for flags in ("copy-checksum", "copy-range", "copy-metadata", "copy-source-match", "conditional", "complete-conditional", "checksum-marker",
                      "checksum,complete-conditional,complete-checks,unknown-500,no-subset,attributes,"
                      "trailer,owner", "opaque-etag"):
            with self.subTest(flags):
                self.work = self.work + "/x"
                os.makedirs(self.work)
                lake, job = self.begin(["--lenient", flags])
                self.sync(job, 0)
                self.check_store(job)
                self.quiet(job)

    def test_foreign_where_conditions_are_ignored(self):
        lake, job = self.begin(["--lenient", "conditional"])
        self.foreign()
        done = self.sync(job, 3)
        self.assertEqual(done.record("large")["code"], "exists")
        self.untouched()

    def test_changes_while_it_is_sent(self):
        """The file goes on changing: no mix is published."""
        lake, job = self.begin()
        time.sleep(flowcase.QUIET_S)
        self.server.script("op=UploadPart,UploadPartCopy key=p/large do=delay:400")
        stop = threading.Event()

        def write_on():
            for i in range(4):
                if stop.wait(0.5):
                    return
                patch(lake + "/large", i * 5 * MIB + 99, b"again %d" % i)
        t = threading.Thread(target=write_on)
        t.start()
        done = self.sync(job, None)
        stop.set()
        t.join()
        self.assertIn(done.status, (0, 3), done.err)
        self.server.script("")
        self.sync(job, 0)
        self.check_store(job)
        self.assertEqual(self.server.uploads(), "")

    def test_killed(self):
        """Killed while parts are copied: continued, what is there is not sent again."""
        lake, job = self.begin()
        for i in range(6):
            patch(lake + "/large", i * 5 * MIB, b"changed %d" % i)
        time.sleep(flowcase.QUIET_S)
        self.server.script("op=UploadPart,UploadPartCopy do=delay-reply:100")
        for ms in (150, 300, 450, 600):
            p = job.start("sync", "--progress", "none")
            time.sleep(ms / 1000)
            p.kill()
            p.communicate()
        self.server.script("")
        self.sync(job, 0)
        self.check_store(job)
        self.assertEqual(self.server.uploads(), "")
        self.quiet(job)


if __name__ == "__main__":
    unittest.main()
