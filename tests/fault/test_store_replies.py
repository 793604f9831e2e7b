#!/usr/bin/env python3
"""A store that loses replies, says yes and means no, or forgets a half sent upload.  What it says is
never taken for what it did."""

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


if __name__ == "__main__":
    unittest.main()
