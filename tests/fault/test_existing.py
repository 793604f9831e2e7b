#!/usr/bin/env python3
"""Objects that are there before weir is: destination.existing refuse, replace and adopt, on stores that
help and stores that do not."""

import shutil
import unittest

import fakes3
import flowcase


class Existing(flowcase.Case):
    EQUAL = "dir1/file4"  # the same bytes as the lake's
    OTHER = "dir1/file7"  # same length, other bytes
    SHORT = "dir2/file5"
    LARGE = "large"       # same bytes, in one PUT

    def foreign(self):
        """Puts objects of somebody else; returns their ETags."""
        client = fakes3.Client(self.server)
        data = {}
        for path in (self.EQUAL, self.OTHER, self.SHORT, self.LARGE):
            with open(self.lake + "/" + path, "rb") as f:
                data[path] = f.read()
        data[self.OTHER] = bytes(len(data[self.OTHER]))
        data[self.SHORT] = b"short"
        for path, body in data.items():
            headers = {"x-amz-checksum-crc64nvme": fakes3.crc64_header(body)} if len(body) < 1 << 20 else {
                "x-amz-checksum-algorithm": "CRC64NVME"}
            r = client.put("p/" + path, body, headers={**headers, "x-amz-meta-owner": "somebody"})
            self.assertEqual(r.status, 200, r.body)
        client.close()
        return {k: o["etag"] for k, o in self.server.stored("p/").items()}

    def pass_with(self, existing, status):
        before = self.foreign()
        job = self.job(destination=["existing: " + existing] if existing else [])
        done = self.seed(job, status)
        self.check_count(done)
        return job, done, before, self.server.stored("p/")

    def still_foreign(self, paths, before, stored):
        for path in paths:
            self.assertEqual(stored[path]["etag"], before[path], path)
            self.assertEqual(stored[path]["headers"].get("x-amz-meta-owner"), "somebody")

    def test_refuse(self):
        """The default: named, left alone, the others are sent; and again in the next pass."""
        job, done, before, stored = self.pass_with(None, 3)
        failed = [r for r in done.records if r["state"] == "failed"]
        self.assertEqual(sorted(r["path"] for r in failed), sorted(before))
        for r in failed:
            self.assertEqual(r["code"], "exists")
            self.says(r["error"], r["path"], "did not write", "destination.existing", "adopt",
                      "replace")
        self.still_foreign(before, before, stored)
        self.assertEqual(done.ledger["verified"], len(stored) - len(before))
        again = self.seed(job, 3)
        self.assertEqual((again.ledger["failed"], again.ledger["sent_objects"]), (len(before), 0))
        self.still_foreign(before, before, self.server.stored("p/"))

    def test_replace(self):
        job, done, before, stored = self.pass_with("replace", 0)
        self.check_store(job)
        self.assertEqual(done.ledger["verified"], done.ledger["seen"])
        for path in before:
            self.assertIn("x-amz-meta-weir-id", stored[path]["headers"])
        self.check_quiet(job)

    def test_adopt(self):
        """Equal bytes, proven by the store's digest: taken over, not sent; others refused."""
        job, done, before, stored = self.pass_with("adopt", 3)
        self.assertEqual(done.record(self.EQUAL)["state"], "verified")
        self.assertTrue(done.record(self.EQUAL)["found"])
        for path in (self.OTHER, self.SHORT):
            r = done.record(path)
            self.assertEqual((r["state"], r["code"]), ("failed", "exists"))
            self.says(r["error"], path, "not adopted", "replace")
        self.still_foreign((self.EQUAL, self.OTHER, self.SHORT), before, stored)
        again = self.seed(job, 3)
        self.assertEqual(again.ledger["unchanged"], done.ledger["verified"])

    def test_adopt_large(self):
        """A multipart object of another job, adopted by its digest without sending a byte."""
        first = self.seed(self.job("first"), 0)
        objects = self.server.stored("p/")
        before = len(self.server.requests("UploadPart")) + len(self.server.requests("PutObject"))
        job = self.job("second", destination=["existing: adopt"])
        done = self.seed(job, 0)
        # The marker of an empty directory holds nothing but metadata: it is written anew.
        self.assertEqual((done.ledger["found"], done.ledger["sent_objects"]),
                         (first.ledger["seen"] - 1, 1))
        self.assertEqual(done.ledger["sent_bytes"], 0)
        self.assertEqual({k: o["etag"] for k, o in objects.items()},
                         {k: o["etag"] for k, o in self.server.stored("p/").items()})
        self.assertEqual(len([x for op in ("UploadPart", "PutObject")
                              for x in self.server.requests(op, status=200)]), before + 1)
        self.check_quiet(job)

    def test_two_jobs_one_prefix(self):
        """The second job refuses what the first one wrote: it is not its own."""
        self.seed(self.job("first"), 0)
        before = self.server.stored("p/")
        done = self.seed(self.job("second"), 3)
        self.assertEqual(done.ledger["failed"], done.ledger["seen"] - 1)  # but "empty/"
        for path, o in self.server.stored("p/").items():
            if path != "empty/":
                self.assertEqual(o["etag"], before[path]["etag"])

    def test_adopt_by_md5(self):
        """A store without checksums, whose ETags are MD5: they are the proof."""
        self.server = self.start_server("--lenient", "checksum")
        _, done, before, stored = self.pass_with("adopt", 3)
        self.assertEqual(done.record(self.EQUAL)["state"], "verified")
        self.assertTrue(done.record(self.EQUAL)["found"])
        self.says(done.record(self.OTHER)["error"], self.OTHER, "not adopted")
        self.still_foreign((self.EQUAL, self.OTHER, self.SHORT), before, stored)

    def test_adopt_where_nothing_is_proven(self):
        """A store without checksums, whose ETags are no MD5: equal size is no proof."""
        self.server = self.start_server("--lenient", "checksum,opaque-etag")
        self.foreign()
        done = self.seed(self.job(destination=["existing: adopt"]), 3)
        self.assertEqual(done.record(self.EQUAL)["state"], "failed")
        self.says(done.record(self.EQUAL)["error"], "cannot be shown to hold the same bytes")

    def test_lost_catalog(self):
        """The state is gone: with adopt, a new catalog takes over what is there and sends nothing."""
        job = self.job()
        self.seed(job, 0)
        shutil.rmtree(job.state)
        again = self.job(destination=["existing: adopt"])
        done = self.seed(again, 0)
        self.assertEqual(done.ledger["sent_objects"], 1)  # "empty/"
        self.check_store(job)


class Changed(flowcase.Case):
    """Our own objects, and somebody else who writes to the same keys."""

    def test_replaced_between_passes(self):
        """Ours was replaced by another writer, then the file changes: If-Match sees it."""
        lake = self.own_lake()
        flowcase.write(lake + "/file", b"one")
        job = self.job(lake=lake)
        self.seed(job, 0)
        client = fakes3.Client(self.server)
        self.assertEqual(client.put("p/file", b"foreign").status, 200)
        client.close()
        flowcase.write(lake + "/file", b"second")
        done = self.seed(job, 3)
        self.assertEqual(done.record("file")["code"], "exists")
        self.assertEqual(self.server.stored("p/")["file"]["size"], len("foreign"))

    def test_changed_file_replaces_ours(self):
        lake = self.own_lake()
        flowcase.write(lake + "/file", b"one")
        flowcase.write(lake + "/large", flowcase.random_bytes(1, 17 << 20))
        flowcase.write(lake + "/grows", b"small")
        job = self.job(lake=lake)
        self.seed(job, 0)
        flowcase.write(lake + "/file", b"two")
        flowcase.write(lake + "/large", flowcase.random_bytes(2, 17 << 20))
        flowcase.write(lake + "/grows", flowcase.random_bytes(3, 18 << 20))
        flowcase.write(lake + "/new", b"new")
        done = self.seed(job, 0)
        self.assertEqual(done.ledger["verified"], 4)
        self.check_store(job)
        flowcase.write(lake + "/grows", b"small again")
        self.seed(job, 0)
        self.check_store(job)
        self.check_quiet(job)
        self.assertEqual(self.server.uploads(), "")


if __name__ == "__main__":
    unittest.main()
