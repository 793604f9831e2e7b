#!/usr/bin/env python3
"""A store that loses replies, says yes and means no, damages what it was given, or ignores parts of the
protocol.  What it says is never taken for what it did."""

import json
import unittest

import flowcase
from flowcase import random_bytes, write


class LostReply(flowcase.Case):
    """The work is done, the reply is lost: settled by asking, counted once."""

    def lost(self, script, again=0):
        self.server.script(script)
        job = self.job()
        done = self.seed(job, 0)
        self.check_all(done)
        self.assertGreater(self.server.log()["faults"], 0)
        self.check_quiet(job)
        return done

    def test_put(self):
        self.lost("op=PutObject key=p/dir*/* do=reset:after times=5")
        self.assertEqual(len([x for x in self.server.requests("PutObject") if x.status == 0]), 5)

    def test_put_with_cut_reply(self):
        self.lost("op=PutObject key=p/dir* do=reset:reply:20 times=5")

    def test_create_upload(self):
        """Leaves an upload that nobody knows; it must not stay."""
        self.lost("op=CreateMultipartUpload key=p/large do=reset:after times=2")

    def test_create_upload_cut_xml(self):
        self.lost("op=CreateMultipartUpload key=p/large do=body:cut-xml times=1")

    def test_part(self):
        self.lost("op=UploadPart key=p/large part=2 do=reset:after times=2")

    def test_part_reset_in_the_body(self):
        self.lost("op=UploadPart key=p/large do=reset:body times=3")

    def test_put_reset_in_the_body(self):
        self.lost("op=PutObject key=p/dir* do=reset:body:100 times=3")

    def test_complete(self):
        self.lost("op=CompleteMultipartUpload key=p/large do=reset:after times=1")
        self.assertEqual(len(self.server.requests("CompleteMultipartUpload")), 1,
                         "published by a Complete whose reply was lost: HEAD says so")

    def test_complete_cut_xml(self):
        self.lost("op=CompleteMultipartUpload key=p/large do=body:cut-xml times=1")

    def test_complete_truncated(self):
        self.lost("op=CompleteMultipartUpload key=p/large do=truncate:60 times=1")

    def test_head_after_lost_put(self):
        self.lost("op=PutObject key=p/dir0/file0 do=reset:after times=1\n"
                  "op=HeadObject key=p/dir0/file0 do=reset:after times=2")

    def test_closed_connections(self):
        """A server that ends each connection without saying so."""
        self.lost("key=p/[del]* every=3 do=close:silent")


class FalseReply(flowcase.Case):
    """Nothing was done, or something else: tried again, never believed."""

    def played(self, script):
        self.server.script(script)
        job = self.job()
        done = self.seed(job, 0)
        self.check_all(done)
        self.assertGreater(self.server.log()["faults"], 0)
        self.assertGreater(done.ledger["retries"] + len(self.server.requests("HeadObject")), 0)

    def test_complete_200_with_error(self):
        self.played("op=CompleteMultipartUpload key=p/large do=ok-error:InternalError times=2")

    def test_complete_200_empty(self):
        self.played("op=CompleteMultipartUpload key=p/large do=body:empty times=1")

    def test_complete_200_html(self):
        self.played("op=CompleteMultipartUpload key=p/large do=body:html times=1")

    def test_complete_200_bad_xml(self):
        self.played("op=CompleteMultipartUpload key=p/large do=body:bad-xml times=1")

    def test_complete_slow_with_blanks(self):
        self.server.script("op=CompleteMultipartUpload key=p/large do=chunked,spaces:1500")
        self.check_all(self.seed(self.job(), 0))

    def test_put_500(self):
        self.played("op=PutObject key=p/dir* do=error:InternalError times=4")

    def test_no_such_upload(self):
        """The upload is gone: that object starts over, the others do not."""
        self.server.script("op=UploadPart key=p/large part=3 do=error:NoSuchUpload times=1")
        done = self.seed(self.job(), 0)
        self.check_count(done)
        self.check_store(done.job)
        self.check_once()

    def test_put_502_html(self):
        self.played("op=PutObject key=p/dir0/* do=body:html:502 times=3")

    def test_html_for_every_put(self):
        """A proxy's page with status 200 in place of each reply of PUT: never believed."""
        self.server.script("op=PutObject key=p/dir0/* do=body:html")
        done = self.seed(self.job(), 3)
        self.check_count(done)
        bad = [r for r in done.records if r["state"] == "failed"]
        self.assertEqual(len(bad), 4)
        for r in bad:
            self.says(r["error"], self.server.endpoint, "p/" + r["path"])
        self.check_store(done.job, without=[r["path"] for r in bad])
        self.server.script("")
        self.check_all(self.seed(done.job, 0))


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

    @unittest.expectedFailure
    def test_checksums_echoed(self):
        """The client's value is shown again and nothing is checked: no proof either."""
        self.with_lenient("checksum-echo", "uploaded")

    @unittest.expectedFailure
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


class Resume(flowcase.Case):
    """What the catalog knows of a half sent upload against what the store says of it."""

    def interrupted(self):
        """The job of a pass whose large file is half sent."""
        self.server.script("op=UploadPart key=p/large part=3 do=error:AccessDenied")
        job = self.job()
        done = self.seed(job, 3)
        self.assertEqual(done.record("large")["state"], "failed")
        self.assertIn("large", self.server.uploads())
        self.server.script("")
        return job

    def test_parts_reused(self):
        job = self.interrupted()
        done = self.seed(job, 0)
        self.check_all(done)
        self.assertEqual((done.ledger["parts_reused"], done.ledger["parts_sent"]), (2, 1))

    def test_html_for_list_parts(self):
        job = self.interrupted()
        self.server.script("op=ListParts do=body:html times=1")
        self.seed(job, None)
        self.check_all(self.seed(job, 0))

    def test_upload_expired(self):
        """Somebody aborted the upload: that object starts over, from its first part."""
        job = self.interrupted()
        upload = json.loads(self.server.uploads())["upload_id"]
        client = flowcase.fakes3.Client(self.server)
        self.assertEqual(client.delete("p/large", query=[("uploadId", upload)]).status, 204)
        client.close()
        done = self.seed(job, 0)
        self.check_all(done)
        self.assertEqual((done.ledger["parts_reused"], done.ledger["parts_sent"]), (0, 3))

    def test_part_replaced_behind_our_back(self):
        """A part with other bytes than ours is sent again, not believed."""
        job = self.interrupted()
        upload = json.loads(self.server.uploads())["upload_id"]
        client = flowcase.fakes3.Client(self.server)
        foreign = b"f" * (8 << 20)
        self.assertEqual(client.part("p/large", upload, 1, foreign).status, 200)
        client.close()
        done = self.seed(job, 0)
        self.check_all(done)

    def test_file_changed_in_between(self):
        """The old upload is aborted, the file is sent as it is now."""
        lake = self.own_lake()
        write(lake + "/large", random_bytes("old", 17 << 20))
        self.server.script("op=UploadPart key=p/large part=3 do=error:AccessDenied")
        job = self.job(lake=lake)
        self.seed(job, 3)
        self.server.script("")
        write(lake + "/large", random_bytes("new", 17 << 20))
        done = self.seed(job, 0)
        self.check_all(done)
        self.assertEqual(done.ledger["parts_reused"], 0)


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
