"""The fake against its own rules: objects."""
import base64
import hashlib
import os
import threading

from fakes3 import Client, crc64_header, raw
from selfcase import Case


class Objects(Case):
    def test_round_trip(self):
        for size in (0, 1, 65536, 65537, 3_000_000):
            body = os.urandom(size)
            r = self.ok(self.c.put(self.key, body))
            self.assertEqual(r.headers["etag"], '"' + hashlib.md5(body).hexdigest() + '"')
            r = self.ok(self.c.get(self.key))
            self.assertEqual(r.body, body)
            r = self.ok(self.c.head(self.key))
            self.assertEqual(int(r.headers["content-length"]), size)

    def test_default_checksum(self):
        self.c.put(self.key, b"123456789")
        r = self.c.head(self.key, headers={"x-amz-checksum-mode": "ENABLED"})
        self.assertEqual(base64.b64decode(r.headers["x-amz-checksum-crc64nvme"]).hex(),
                         "ae8b14860a799888")
        self.assertEqual(r.headers["x-amz-checksum-type"], "FULL_OBJECT")
        self.assertNotIn("x-amz-checksum-crc64nvme", self.c.head(self.key).headers)

    def test_checksum_is_checked(self):
        good, bad = crc64_header(b"abc"), crc64_header(b"abd")
        name = "x-amz-checksum-crc64nvme"
        self.ok(self.c.put("k", b"abc", headers={name: good}))
        self.refused(self.c.put("k2", b"abc", headers={name: bad}), 400, "BadDigest")
        self.assertEqual(self.c.get("k2").status, 404)
        for value in ("", "AAAA", "!!!!", good[:-1]):
            self.refused(self.c.put("k", b"abc", headers={name: value}), 400, "InvalidRequest")
        marker = "x-amz-sdk-checksum-algorithm"
        self.ok(self.c.put("k", b"abc", headers={name: good, marker: "CRC64NVME"}))
        self.refused(self.c.put("k", b"abc", headers={name: good, marker: "CRC32"}), 400,
                     "InvalidRequest")
        self.refused(self.c.put("k", b"abc", headers={marker: "CRC32"}), 400, "InvalidRequest")
        self.refused(self.c.put("k", b"abc", headers={
            name: good, "x-amz-checksum-sha1": "x"}), 400, "InvalidRequest")

    def test_content_md5(self):
        md5 = base64.b64encode(hashlib.md5(b"abc").digest()).decode()
        self.ok(self.c.put("k", b"abc", headers={"content-md5": md5}))
        self.refused(self.c.put("k", b"abd", headers={"content-md5": md5}), 400, "BadDigest")
        self.refused(self.c.put("k", b"abd", headers={"content-md5": "x"}), 400, "InvalidDigest")

    def test_trailer(self):
        def chunked(data, name, value):
            return (b"%x\r\n%b\r\n0\r\n%b:%b\r\n\r\n" % (len(data), data, name, value)
                    if data else b"0\r\n%b:%b\r\n\r\n" % (name, value))
        name = "x-amz-checksum-crc64nvme"
        for data, claim, status in ((b"abc", b"abc", 200), (b"", b"", 200), (b"abc", b"x", 400)):
            body = chunked(data, name.encode(), crc64_header(claim).encode())
            r = self.c.put(self.key, body, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                           headers={"content-encoding": "aws-chunked", "x-amz-trailer": name,
                                    "x-amz-decoded-content-length": str(len(data))})
            self.ok(r, status)
        self.assertEqual(self.c.get(self.key).body, b"")
        inner = chunked(b"abc", name.encode(), crc64_header(b"abc").encode())
        outer = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (inner[:4], inner[4:])) + b"0\r\n\r\n"
        self.ok(self.c.put("te", outer, payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                           headers={"x-amz-trailer": name, "x-amz-decoded-content-length": "3"},
                           framing="transfer-encoding: chunked"))
        self.assertEqual(self.c.get("te").body, b"abc")
        self.assertNotIn("content-encoding", self.c.head(self.key).headers)

    def test_ranges(self):
        self.c.put(self.key, b"0123456789")
        for value, status, body in (
                ("bytes=0-3", 206, b"0123"), ("bytes=8-", 206, b"89"), ("bytes=-3", 206, b"789"),
                ("bytes=5-99", 206, b"56789"), ("bytes=10-", 416, None), ("bytes=-0", 416, None),
                ("bytes=3-2", 200, b"0123456789"), ("lines=1-2", 200, b"0123456789")):
            r = self.c.get(self.key, headers={"range": value})
            self.assertEqual(r.status, status, value)
            if body is not None:
                self.assertEqual(r.body, body, value)
        r = self.c.get(self.key, headers={"range": "bytes=2-4",
                                          "x-amz-checksum-mode": "ENABLED"})
        self.assertEqual(r.headers["content-range"], "bytes 2-4/10")
        self.assertNotIn("x-amz-checksum-crc64nvme", r.headers)

    def test_conditional_writes(self):
        none = {"if-none-match": "*"}
        etag = self.ok(self.c.put(self.key, headers=none)).headers["etag"]
        self.refused(self.c.put(self.key, headers=none), 412, "PreconditionFailed")
        self.ok(self.c.put(self.key, headers={"if-match": etag}))
        self.refused(self.c.put(self.key, headers={"if-match": '"no"'}), 412,
                     "PreconditionFailed")
        self.refused(self.c.put("absent", headers={"if-match": etag}), 404, "NoSuchKey")

    def test_conditional_race(self):
        results = []

        def one(i):
            c = Client(self.fake)
            results.append(c.put(self.key, b"%d" % i, headers={"if-none-match": "*"}).status)
            c.close()
        threads = [threading.Thread(target=one, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(results), [200] + [412] * 7)

    def test_reads_with_conditions(self):
        etag = self.c.put(self.key).headers["etag"]
        self.assertEqual(self.c.get(self.key, headers={"if-none-match": etag}).status, 304)
        self.refused(self.c.get(self.key, headers={"if-match": '"x"'}), 412,
                     "PreconditionFailed")

    def test_metadata(self):
        headers = {"x-amz-meta-mtime": "1.5", "content-type": "text/plain",
                   "cache-control": "no-store", "x-amz-storage-class": "STANDARD_IA"}
        self.ok(self.c.put(self.key, headers=headers))
        r = self.c.head(self.key)
        for name, value in headers.items():
            self.assertEqual(r.headers[name], value)
        self.ok(self.c.put("k", headers={"x-amz-meta-a": "x" * 2047}))
        self.refused(self.c.put("k", headers={"x-amz-meta-a": "x" * 2048}), 400,
                     "MetadataTooLarge")
        self.refused(self.c.put("k", headers={"x-amz-storage-class": "GOLD"}), 400,
                     "InvalidStorageClass")

    def test_names(self):
        self.ok(self.c.put("k" * 1024))
        self.refused(self.c.put("k" * 1025), 400, "KeyTooLongError")
        self.refused(self.c.request("PUT", path="/bucket/%FF"), 400, "InvalidURI")
        self.refused(self.c.put("k", bucket="absent"), 404, "NoSuchBucket")
        self.refused(self.c.get("absent"), 404, "NoSuchKey")
        self.refused(self.c.put("k", query=["acl"]), 501, "NotImplemented")

    def test_owner(self):
        name = "x-amz-expected-bucket-owner"
        self.ok(self.c.put("k", headers={name: "123456789012"}))
        self.refused(self.c.put("k", headers={name: "210987654321"}), 403, "AccessDenied")

    def test_length_is_required(self):
        r = raw(self.fake, self.head_text("PUT", "/bucket/k"))
        self.assertIn(b" 411 ", r.split(b"\r\n")[0])
        r = raw(self.fake, self.head_text("PUT", "/bucket/k", "transfer-encoding: chunked\r\n"))
        self.assertIn(b" 501 ", r.split(b"\r\n")[0])

    def test_short_body(self):
        r = raw(self.fake, self.head_text("PUT", "/bucket/k5", "content-length: 9\r\n") + b"ab")
        self.assertIn(b"IncompleteBody", r)
        self.assertEqual(self.c.get("k5").status, 404)

    def test_expect_continue(self):
        good = self.head_text("PUT", "/bucket/k6",
                              "content-length: 2\r\nexpect: 100-continue\r\n")
        r = raw(self.fake, good + b"ab")
        self.assertTrue(r.startswith(b"HTTP/1.1 100 "), r)
        self.assertIn(b"HTTP/1.1 200 ", r)
        bad = self.head_text("PUT", "/absent/k6",
                             "content-length: 2\r\nexpect: 100-continue\r\n")
        self.assertTrue(raw(self.fake, bad).startswith(b"HTTP/1.1 404 "))

    def test_virtual_host(self):
        self.ok(self.c.put("vh/k", b"v", host="bucket.s3.localhost:1"))
        self.assertEqual(self.c.get("vh/k").body, b"v")

    def test_delete(self):
        self.c.put(self.key)
        self.ok(self.c.delete(self.key), 204)
        self.ok(self.c.delete(self.key), 204)

    def test_delete_many(self):
        keys = ["d/a&b", "d/\r\n", "d/ü"]
        for key in keys:
            self.ok(self.c.put(key))
        text = "".join(f"<Object><Key>{k}</Key></Object>" for k in ("d/a&amp;b", "d/&#13;&#10;",
                                                                    "d/ü", "d/never"))
        body = f"<Delete>{text}</Delete>".encode()
        self.refused(self.c.request("POST", "", ["delete"], body), 400, "InvalidRequest")
        md5 = {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}
        r = self.ok(self.c.request("POST", "", ["delete"], body, headers=md5))
        self.assertEqual(len(r.xml.findall("Deleted")), 4)
        for key in keys:
            self.assertEqual(self.c.get(key).status, 404)
        for body in (b"<Delete/>", b"<Delete><Object></Object></Delete>", b"<Delete>", b"\xff",
                     b"<!DOCTYPE x><Delete><Object><Key>a</Key></Object></Delete>",
                     b"<Delete>" + b"<Object><Key>a</Key></Object>" * 1001 + b"</Delete>"):
            crc = {"x-amz-checksum-crc64nvme": crc64_header(body)}
            self.refused(self.c.request("POST", "", ["delete"], body, headers=crc), 400,
                         "MalformedXML")

    def test_http_nonsense(self):
        for text in (b"GET / HTTP/1.0\r\nhost: h\r\n\r\n", b"GET /\r\n\r\n", b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
                     b"GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n",
                     b"GET /\x80 HTTP/1.1\r\nhost: a\r\n\r\n",
                     b"PUT /b/k HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
                     b"PUT /b/k HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n"
                     b"content-length: 1\r\n\r\n",
                     b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nhost: a\r\n\r\n"):
            self.assertIn(b" 400 ", raw(self.fake, text).split(b"\r\n")[0], text[:60])
        self.assertEqual(raw(self.fake, b""), b"")
