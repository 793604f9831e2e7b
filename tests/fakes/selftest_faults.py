"""The fake against its own rules: every fault is provoked once."""
import hashlib
import http.client
import json
import socket
import time
import zlib

from fakes3 import BUCKET, crc64_header, crc64nvme, quote
from selfcase import Case


class Faults(Case):
    def dies(self, *exceptions, **request):
        with self.assertRaises(exceptions or (ConnectionError, http.client.HTTPException)):
            self.c.put(self.key, **request)

    def test_status_and_count(self):
        self.fake.script(f"op=PutObject key={self.key} nth=2 times=2 do=status:503:SlowDown,"
                         "header:Retry-After:1")
        status = [self.c.put(self.key).status for _ in range(5)]
        self.assertEqual(status, [200, 503, 503, 200, 200])
        self.fake.script("op=PutObject nth=3 do=error:SlowDown")
        self.assertEqual([self.c.put("k").status for _ in range(4)], [200, 200, 503, 200])
        self.fake.script("op=PutObject every=2 do=error:InternalError")
        self.assertEqual([self.c.put("k").status for _ in range(4)], [200, 500, 200, 500])

    def test_probability_repeats(self):
        runs = []
        for _ in range(2):
            self.fake.script("op=PutObject prob=0.3 seed=7 do=error:SlowDown")
            runs.append([self.c.put("k").status for _ in range(100)])
        self.assertEqual(*runs)
        self.assertTrue(15 < runs[0].count(503) < 45)

    def test_selectors(self):
        self.fake.script("op=Put*,GetObject key=x/*.bin do=error:SlowDown\n"
                         "op=UploadPart part=2 do=error:InternalError\n# comment\n\n"
                         "key=with%20space do=error:AccessDenied")
        self.assertEqual(self.c.put("x/y.bin").status, 503)
        self.assertEqual(self.c.get("x/y.bin").status, 503)
        self.assertEqual(self.c.head("x/y.bin").status, 404)
        self.assertEqual(self.c.put("x/y.txt").status, 200)
        self.assertEqual(self.c.put("with space").status, 403)
        upload = self.c.create("k")
        self.assertEqual(self.c.part("k", upload, 1, b"a").status, 200)
        self.assertEqual(self.c.part("k", upload, 2, b"a").status, 500)
        rules = json.loads(self.fake.admin("GET", "script")[1])
        self.assertEqual([r["fired"] for r in rules], [2, 1, 1])

    def test_bad_script(self):
        for text in ("op=PutObject", "do=nothing-like-that", "what=1 do=none", "word",
                     "nth=0 do=none", "do=status:99", "prob=2 do=none", "do=reset:never",
                     "do=error:NoSuchCode", "part=x do=none", "do=lenient:everything"):
            status, answer = self.fake.admin("POST", "script", b"\n" + text.encode())
            self.assertEqual(status, 400, text)
            self.assertTrue(answer.startswith(b"line 2: "), answer)

    def test_resets(self):
        before = len(self.fake.objects())
        for action in ("reset:before", "reset:body", "reset:body:1000"):
            self.fake.script(f"op=PutObject do={action}")
            self.dies(body=b"x" * 100000)
        self.assertEqual(len(self.fake.objects()), before)
        self.fake.script("op=PutObject do=reset:after")
        self.dies(body=b"kept")
        self.fake.script("")
        self.assertEqual(self.c.get(self.key).body, b"kept")
        self.fake.script("op=GetObject do=reset:reply:2")
        with self.assertRaises((ConnectionError, http.client.IncompleteRead)):
            self.c.get(self.key)

    def test_truncate(self):
        self.c.put(self.key, b"0123456789")
        self.fake.script("op=GetObject do=truncate:4")
        with self.assertRaises(http.client.IncompleteRead) as e:
            self.c.get(self.key)
        self.assertEqual(e.exception.partial, b"0123")

    def test_delays(self):
        self.c.put(self.key, b"x" * 4000)
        for action in ("delay:300", "delay-reply:300", "delay-body:300", "rate:10000"):
            self.fake.script(f"op=GetObject do={action}")
            start = time.monotonic()
            self.ok(self.c.get(self.key))
            self.assertTrue(0.25 < time.monotonic() - start < 5, action)

    def test_lies(self):
        good = crc64_header(b"abc")
        self.fake.script("op=PutObject do=wrong-checksum,wrong-etag")
        r = self.ok(self.c.put(self.key, b"abc", headers={"x-amz-checksum-crc64nvme": good}))
        self.assertNotEqual(r.headers["x-amz-checksum-crc64nvme"], good)
        self.assertNotEqual(r.headers["etag"], '"' + hashlib.md5(b"abc").hexdigest() + '"')
        self.fake.script("op=PutObject do=corrupt")
        self.ok(self.c.put(self.key, b"abc", headers={"x-amz-checksum-crc64nvme": good}))
        self.fake.script("")
        self.assertEqual(self.c.get(self.key).body, b"acc")
        entry = [o for o in self.fake.objects() if o["key"] == self.key][0]
        self.assertEqual(entry["sha256"], hashlib.sha256(b"acc").hexdigest())
        self.assertEqual(entry["crc64nvme"], f"{crc64nvme(b'acc'):016x}")
        self.fake.script("op=PutObject do=short:2")
        self.ok(self.c.put(self.key, b"abc"))
        self.assertEqual(self.c.get(self.key).body, b"a")

    def test_lenient_for_one_request(self):
        bad = {"x-amz-checksum-crc64nvme": crc64_header(b"no")}
        self.fake.script("op=PutObject times=1 do=lenient:checksum")
        self.ok(self.c.put(self.key, b"abc", headers=bad))
        self.refused(self.c.put(self.key, b"abc", headers=bad), 400, "BadDigest")
        self.fake.script("op=PutObject times=1 do=lenient:checksum-echo")
        r = self.ok(self.c.put(self.key, b"abc", headers=bad))
        self.assertEqual(r.headers["x-amz-checksum-crc64nvme"],
                         bad["x-amz-checksum-crc64nvme"])

    def test_false_bodies(self):
        upload, etags = self.upload([b"a"])
        for action, status, body in (
                ("ok-error", 200, b"<Code>InternalError</Code>"),
                ("ok-error:SlowDown", 200, b"<Code>SlowDown</Code>"),
                ("body:html", 200, b"<html>"), ("body:html:502", 502, b"<html>"),
                ("body:empty", 200, b""), ("body:bad-xml", 200, b"</Kez>"),
                ("body:doctype", 200, b"<!DOCTYPE"), ("body:deep-xml", 200, b"<a><a><a>"),
                ("gzip-bomb", 200, b"\x1f\x8b")):
            self.fake.script(f"op=CompleteMultipartUpload do={action}")
            r = self.ok(self.c.complete(self.key, upload, etags), status)
            self.assertIn(body, r.body, action)
            if action == "gzip-bomb":
                z = zlib.decompressobj(31)
                self.assertEqual(len(z.decompress(r.body, 1 << 20)), 1 << 20)
        self.assertEqual(self.c.get(self.key).status, 404)
        self.fake.script("op=CompleteMultipartUpload do=commit,ok-error")
        self.assertEqual(self.c.complete(self.key, upload, etags).code, "InternalError")
        self.assertEqual(self.c.get(self.key).body, b"a")
        self.fake.script("op=CompleteMultipartUpload do=body:cut-xml")
        r = self.c.complete(self.key, upload, etags)
        self.assertTrue(r.body.startswith(b"<?xml") and not r.body.endswith(b">\n"))
        self.assertNotIn(b"</CompleteMultipartUploadResult>", r.body)

    def test_slow_result(self):
        upload, etags = self.upload([b"a"])
        self.fake.script("op=CompleteMultipartUpload do=spaces:300")
        start = time.monotonic()
        r = self.ok(self.c.complete(self.key, upload, etags))
        self.assertGreater(time.monotonic() - start, 0.25)
        self.assertEqual(r.headers["transfer-encoding"], "chunked")
        self.assertIn(b'?>      ', r.body)
        self.assertTrue(r.xml.findtext("ETag"))
        self.fake.script("op=CompleteMultipartUpload do=ok-error,chunked,commit")
        self.assertEqual(self.c.complete(self.key, upload, etags).code, "InternalError")

    def test_redirects(self):
        self.fake.script("op=PutObject do=redirect:307:http://127.0.0.1:1/x")
        r = self.c.put(self.key)
        self.refused(r, 307, "TemporaryRedirect")
        self.assertEqual(r.headers["location"], "http://127.0.0.1:1/x")
        self.fake.script("op=PutObject do=redirect:301,header:x-amz-bucket-region:eu-west-1")
        r = self.c.put(self.key)
        self.refused(r, 301, "PermanentRedirect")
        self.assertNotIn("location", r.headers)
        self.assertEqual(r.headers["x-amz-bucket-region"], "eu-west-1")

    def test_endless(self):
        for action in ("infinite:headers", "infinite:body", "infinite:1xx"):
            self.fake.script(f"op=GetObject do={action}")
            with socket.create_connection(("127.0.0.1", self.fake.port), 10) as s:
                s.sendall(self.head_text("GET", "/bucket/k"))
                got = 0
                while got < 5_000_000:
                    chunk = s.recv(1 << 20)
                    self.assertTrue(chunk)
                    got += len(chunk)
        self.fake.script("op=GetObject do=garbage")
        with self.assertRaises(http.client.HTTPException):
            self.c.get("k")

    def test_stall_ends_with_the_client(self):
        self.fake.script("op=GetObject do=stall")
        with socket.create_connection(("127.0.0.1", self.fake.port), 0.3) as s:
            s.sendall(self.head_text("GET", "/bucket/k"))
            with self.assertRaises(TimeoutError):
                s.recv(1)
        deadline = time.monotonic() + 5
        while self.fake.log()["connections"]["open"] > 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertLessEqual(self.fake.log()["connections"]["open"], 2)

    def test_close(self):
        self.fake.script("op=PutObject times=1 do=close")
        self.assertEqual(self.c.put(self.key).headers["connection"], "close")
        self.fake.script("op=PutObject times=1 do=close:silent")
        self.assertNotIn("connection", self.c.put(self.key).headers)
        time.sleep(0.1)
        self.dies()

    def test_error_codes_of_the_body(self):
        self.fake.script("op=PutObject do=error:SlowDown")
        big = self.c.put(self.key, b"x" * 3_000_000)
        self.refused(big, 503, "SlowDown")
        self.assertEqual(big.headers["connection"], "close")

    def test_corrupt_behind_the_back(self):
        self.c.put(self.key, b"abc")
        status, _ = self.fake.admin("POST", f"corrupt?bucket={BUCKET}&key={quote(self.key)}"
                                    "&offset=2")
        self.assertEqual(status, 200)
        self.assertEqual(self.c.get(self.key).body, b"abb")
