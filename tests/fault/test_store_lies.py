#!/usr/bin/env python3
"""A store that damages what it was given, ignores parts of the protocol, or answers without end."""

import unittest

import flowcase


class Damage(flowcase.Case):
    """Bytes that are not ours in the store are never called verified."""

    def test_corrupt_in_flight_is_refused(self):
        """The server finds a wrong digest: sent again, and right."""
        self.server.script("op=PutObject,UploadPart key=p/[dl]* do=error:BadDigest times=3")
        self.check_all(self.seed(self.job(), 0))

    def test_wrong_checksum_in_reply(self):
        """The reply names another digest than was sent: failed by name; the next pass settles it."""
        self.server.script("op=PutObject key=p/dir1/file1 do=wrong-checksum times=1\n"
                           "op=UploadPart key=p/large part=1 do=wrong-checksum times=1")
        job = self.job()
        done = self.seed(job, 3)
        for path in ("dir1/file1", "large"):
            r = done.record(path)
            self.assertEqual((r["state"], r["code"]), ("failed", "digest"))
            self.says(r["error"], "p/" + path, "CRC64NVME", self.server.endpoint, r["request_id"])
        self.assertEqual(self.server.uploads(), "")
        again = self.seed(job, 0)
        self.assertEqual(again.ledger["found"], 1)  # the object was there and right
        self.check_all(again)

    def test_wrong_checksum_of_complete(self):
        self.server.script("op=CompleteMultipartUpload key=p/large do=wrong-checksum times=1")
        job = self.job()
        done = self.seed(job, None, check=False)
        self.check_pass(done)
        self.check_never_verified_wrongly(done)
        self.server.script("")
        self.seed(job, 0)
        self.check_store(job)
        self.assertEqual(self.server.uploads(), "")

    def test_unchecking_store_that_damages(self):
        """Damaged by a store that compares nothing: weir cannot know, and does not say verified."""
        self.server = self.start_server("--lenient", "checksum")
        self.server.script("op=PutObject key=p/dir2/* do=corrupt\n"
                           "op=PutObject key=p/dir0/* do=short:3\n"
                           "op=UploadPart key=p/large part=2 do=corrupt")
        done = self.seed(self.job(), None, check=False)
        self.check_pass(done)
        self.assertEqual(done.ledger["verified"], 0)

    def check_never_verified_wrongly(self, done):
        want, got = flowcase.contents(self.lake), self.server.stored("p/")
        for r in done.records:
            key = r.get("key", r["path"])
            if r["state"] == "verified":
                self.assertEqual(got[key]["sha256"], want[key], "%s is not what was verified" % key)

    def test_store_damages_behind_our_back(self):
        """After the pass: the next one asks nothing (audit is another command), and changes nothing."""
        job = self.job()
        self.seed(job, 0)
        self.server.admin("POST", "corrupt?bucket=bucket&key=p/large&offset=3")
        self.check_quiet(job)


class Lenient(flowcase.Case):
    """Stores that ignore parts of the protocol (engine/DESIGN.md section 8)."""

    def with_lenient(self, flags, state):
        self.server = self.start_server("--lenient", flags)
        job = self.job()
        done = self.seed(job, 0)
        self.check_all(done, state)
        self.check_quiet(job)
        return done

    def test_checksums_ignored(self):
        """Not compared by anybody: uploaded, not verified, and said so."""
        done = self.with_lenient("checksum", "uploaded")
        self.says(done.err, self.server.endpoint, "does not check CRC64NVME", "uploaded")
        checked, out, _ = done.job.run("check")
        self.assertEqual(checked, 0)
        self.says(out, "`uploaded`, not `verified`")

    def test_checksums_echoed(self):
        """The client's value is shown again and nothing is checked: no proof either."""
        self.with_lenient("checksum-echo", "uploaded")

    def test_checksum_echo_with_damage(self):
        self.server = self.start_server("--lenient", "checksum-echo")
        self.server.script("op=PutObject,UploadPart key=p/[dl]* do=corrupt")
        done = self.seed(self.job(), 0)
        self.assertEqual(done.ledger["verified"], 0)

    def test_like_ceph_16(self):
        self.with_lenient("checksum,complete-conditional,complete-checks,unknown-500,no-subset,"
                          "attributes,trailer,owner", "uploaded")

    def test_like_ceph_20(self):
        self.with_lenient("checksum-marker,complete-conditional,complete-checks,unknown-500,"
                          "no-subset,attributes,trailer,owner", "verified")

    def test_opaque_etags(self):
        self.with_lenient("opaque-etag", "verified")

    def test_conditions_ignored(self):
        """A store that would overwrite: weir asks with HEAD, and a foreign object stays."""
        for flags in ("conditional", "conditional-501"):
            with self.subTest(flags):
                self.server = self.start_server("--lenient", flags)
                self.put_foreign("p/dir1/file1", b"not weir's")
                self.put_foreign("p/large", b"not weir's either")
                job = self.job("job-" + flags)
                done = self.seed(job, 3)
                self.check_count(done)
                stored = self.server.stored("p/")
                for path in ("dir1/file1", "large"):
                    self.assertEqual(done.record(path)["state"], "failed")
                    self.assertNotIn("x-amz-meta-weir-id", stored[path]["headers"])
                self.assertEqual(stored["dir1/file1"]["size"], 10)
                for key in ("dir0/file0", "dir1/file4"):
                    self.assertEqual(len(self.server.requests("HeadObject", "p/" + key)), 1)

    def put_foreign(self, key, data):
        client = flowcase.fakes3.Client(self.server)
        self.assertEqual(client.put(key, data).status, 200)
        client.close()


class Hostile(flowcase.Case):
    """Replies without end, or not HTTP at all: caps are met, memory stays small."""

    def test_hostile_replies(self):
        for what in ("infinite:headers", "infinite:1xx", "infinite:body", "garbage", "gzip-bomb",
                     "body:deep-xml", "body:doctype"):
            with self.subTest(what):
                self.server.script("do=" + what)
                job = self.job("job-" + what.replace(":", "-"))
                # One try is enough to see: stopped by a signal after a few seconds at most.
                done = self.seed(job, None, "--log-level", "info", check=False, timeout=100,
                                 wrap=["timeout", "-s", "TERM", "4"])
                self.check_pass(done)
                self.assertIn(done.status, (1, 75, 124), done.err)
                self.assertNotIn("bug", done.err)


if __name__ == "__main__":
    unittest.main()
