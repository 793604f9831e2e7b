#!/usr/bin/env python3
"""A store that says no: wrong bucket, region, secret, clock, permission.  The pass ends at once with a message that
says what and where, or names the entries that were refused and sends the others."""

import unittest

import flowcase


class Refused(flowcase.Case):
    """Refusals that end the pass."""

    def refused(self, status, words, job):
        done = self.seed(job, status)
        self.says(done.err, "weir: error:", *words)
        self.assertLess(done.seconds, 10)
        self.assertEqual(self.server.stored(""), {})
        self.assertEqual(self.server.uploads(), "")
        checked, _, err = job.run("check")
        self.assertEqual(checked, status, err)
        self.says(err, *words)
        return done

    def test_wrong_bucket(self):
        self.refused(1, ["s3://other/", self.server.endpoint, "NoSuchBucket", "request",
                         "create the bucket, or correct destination.url"],
                     self.job(url="s3://other"))

    def test_wrong_secret(self):
        self.refused(7, ["s3://bucket/p/", self.server.endpoint, "SignatureDoesNotMatch", "request",
                         "check access key and secret"],
                     self.job(env={"AWS_SECRET_ACCESS_KEY": "wrong"}))

    def test_wrong_access_key(self):
        self.refused(7, ["InvalidAccessKeyId", self.server.endpoint, "check access key and secret"],
                     self.job(env={"AWS_ACCESS_KEY_ID": "AKIANOBODY"}))

    def test_no_credentials(self):
        job = self.job()
        del job.env["AWS_ACCESS_KEY_ID"], job.env["AWS_SECRET_ACCESS_KEY"]
        job.env["AWS_CONFIG_FILE"] = job.env["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent"
        self.refused(7, ["AWS_ACCESS_KEY_ID"], job)

    def test_expired_token(self):
        self.server.script("do=error:ExpiredToken")
        self.refused(7, ["ExpiredToken", self.server.endpoint, "request",
                         "renew the temporary credentials"], self.job())

    def test_access_denied_everywhere(self):
        self.server.script("do=error:AccessDenied")
        self.refused(7, ["AccessDenied", self.server.endpoint, "s3:PutObject"], self.job())

    def test_html_instead_of_s3(self):
        self.server.script("do=body:html")
        self.refused(1, [self.server.endpoint, "<html>"], self.job())

    def test_redirect_is_not_followed(self):
        other = self.start_server()
        self.server.script("do=redirect:301:%s/bucket/" % other.endpoint.replace(":", "%3A"))
        done = self.seed(self.job(), 2)
        self.says(done.err, self.server.endpoint)
        self.assertEqual(other.lines(), [], "followed to another host")


class Region(flowcase.Case):
    options = ("--region", "eu-west-7")

    def test_told_by_error(self):
        """The server names the region in its error: weir takes it, or says what to set."""
        done = self.seed(self.job(), 0)
        self.check_all(done)

    def test_redirect_with_region(self):
        self.server = self.start_server("--region", "eu-west-7", "--region-redirect")
        done = self.seed(self.job(), 0)
        self.check_all(done)


class Partly(flowcase.Case):
    """Refusals of some keys: the others go on."""

    def test_access_denied_on_a_prefix(self):
        self.server.script("op=PutObject key=p/dir1/* do=error:AccessDenied")
        job = self.job()
        done = self.seed(job, 3)
        self.check_count(done)
        denied = ["dir1/file%d" % i for i in range(1, 12, 3)]
        self.assertEqual(sorted(p for p, s in done.states().items() if s == "failed"),
                         sorted(denied))
        for path in denied:
            r = done.record(path)
            self.assertEqual((r["s3_code"], r["http_status"], r["code"]),
                             ("AccessDenied", 403, "access"))
            self.assertTrue(r["request_id"])
            self.says(r["error"], "p/" + path, self.server.endpoint, "AccessDenied", "s3:PutObject",
                      r["request_id"])
            self.says(done.err, path)
        self.check_store(job, without=denied)
        self.check_once()
        self.server.script("")
        again = self.seed(job, 0)
        self.assertEqual(again.ledger["sent_objects"], len(denied))
        self.check_all(again)

    def test_token_expires_in_the_middle(self):
        """Ends with 7, nothing is lost; with new credentials it goes on."""
        self.server.script("op=PutObject nth=9 times=1000 do=error:ExpiredToken\n"
                           "op=UploadPart nth=3 times=1000 do=error:ExpiredToken")
        job = self.job()
        done = self.seed(job, 7)
        self.says(done.err, "ExpiredToken", "renew the temporary credentials")
        self.assertGreater(done.ledger["pending"] + done.ledger["failed"], 0)
        self.server.script("")
        self.check_all(self.seed(job, 0))

    def test_invalid_storage_class(self):
        self.server.script("op=PutObject,CreateMultipartUpload key=p/[!.]* do=error:InvalidStorageClass")
        done = self.seed(self.job(destination=["storage_class: NONSENSE"]), 2)
        self.says(done.err, "InvalidStorageClass", "correct destination.storage_class")


class Skew(flowcase.Case):
    def test_clock_twenty_minutes_off(self):
        for offset in ("1200", "-1200"):
            with self.subTest(offset=offset):
                self.server = self.start_server("--clock-offset", offset)
                self.check_all(self.seed(self.job("skew" + offset.replace("-", "m")), 0))

    def test_server_insists_on_skew(self):
        self.server.script("do=error:RequestTimeTooSkewed")
        done = self.seed(self.job(), 7)
        self.says(done.err, "RequestTimeTooSkewed", "clock", self.server.endpoint)


if __name__ == "__main__":
    unittest.main()
