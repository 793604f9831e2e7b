#!/usr/bin/env python3
"""The fake against its own rules: every refusal and every fault is provoked once.
Usage: WEIR_FAKE_S3=path/to/weir_fake_s3 python3 selftest.py [unittest options]"""
import base64
import datetime
import hashlib
import http.client
import json
import os
import socket
import tempfile
import threading
import time
import unittest
import urllib.parse
import zlib

from fakes3 import (BUCKET, Client, Fake, KEY, crc64_header, crc64nvme, program, quote, raw,
                    sign)

PART = b"p" * 2000


class Case(unittest.TestCase):
    options = ("--min-part", "1000")

    @classmethod
    def setUpClass(cls):
        cls.fake = Fake(program(), *cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.fake.__exit__()

    def setUp(self):
        self.fake.script("")
        self.c = Client(self.fake)
        self.addCleanup(self.c.close)
        self.key = self.id().rsplit(".", 1)[1]

    def refused(self, reply, status, code):
        self.assertEqual((reply.status, reply.code), (status, code), reply.body)

    def ok(self, reply, status=200):
        self.assertEqual(reply.status, status, reply.body)
        return reply

    def upload(self, parts, **create):
        """Creates an upload with these parts; its id and the ETags."""
        upload = self.c.create(self.key, **create)
        self.assertIsInstance(upload, str, upload)
        etags = []
        for i, body in enumerate(parts):
            r = self.ok(self.c.part(self.key, upload, i + 1, body))
            etags.append((i + 1, r.headers["etag"]))
        return upload, etags


class Authentication(Case):
    def test_good(self):
        self.ok(self.c.put("odd ~'()*!=+&@:,;/ü/%25/../x", b"1"))
        self.assertEqual(self.c.get("odd ~'()*!=+&@:,;/ü/%25/../x").body, b"1")

    def test_secret(self):
        self.refused(self.c.put("k", secret="no"), 403, "SignatureDoesNotMatch")

    def test_key_id(self):
        self.refused(self.c.put("k", access="AKIANO"), 403, "InvalidAccessKeyId")

    def test_region(self):
        r = self.c.put("k", region="eu-west-1")
        self.refused(r, 400, "AuthorizationHeaderMalformed")
        self.assertEqual(r.xml.findtext("Region"), "us-east-1")
        self.assertEqual(r.headers["x-amz-bucket-region"], "us-east-1")

    def test_skew(self):
        for minutes, status in ((14, 200), (-14, 200), (16, 403), (-16, 403)):
            self.c.offset = datetime.timedelta(minutes=minutes)
            r = self.c.put("k")
            self.assertEqual(r.status, status)
        self.refused(r, 403, "RequestTimeTooSkewed")
        self.assertTrue(r.xml.findtext("ServerTime"))

    def test_no_authorization(self):
        self.refused(self.c.put("k", drop=["Authorization"]), 403, "AccessDenied")

    def test_unsigned_header(self):
        r = self.c.put("k", headers={"x-amz-meta-a": "1"},
                       signed={"host", "x-amz-date", "x-amz-content-sha256"})
        self.refused(r, 403, "AccessDenied")
        self.assertEqual(r.xml.findtext("HeadersNotSigned"), "x-amz-meta-a")
        r = self.c.put("k", signed={"x-amz-date", "x-amz-content-sha256"})
        self.refused(r, 403, "AccessDenied")

    def test_no_content_hash(self):
        self.refused(self.c.put("k", drop=["x-amz-content-sha256"],
                                signed={"host", "x-amz-date"}), 400, "InvalidRequest")

    def test_wrong_content_hash(self):
        self.refused(self.c.put(self.key, b"a", payload=hashlib.sha256(b"b").hexdigest()),
                     400, "XAmzContentSHA256Mismatch")
        self.assertEqual(self.c.get(self.key).status, 404)

    def test_unsigned_payload(self):
        self.ok(self.c.put("k", payload="UNSIGNED-PAYLOAD"))

    def test_token(self):
        r = self.c.put("k", headers={"x-amz-security-token": "t"})
        self.refused(r, 400, "InvalidToken")

    def test_lower_case_escape_is_not_canonical(self):
        # S3 signs %3D; a client that sends and signs %3d, or a bare =, is refused
        for path in ("/bucket/a%3db", "/bucket/a=b", "/bucket/a(b"):
            self.refused(self.c.request("PUT", path=path), 403, "SignatureDoesNotMatch")

    def test_keys_are_not_normalised(self):
        for key in ("a//b", "a/./b", "a/../b", "/lead", "trail/"):
            self.ok(self.c.put(key, key.encode()))
        for key in ("a//b", "a/./b", "a/../b", "/lead", "trail/"):
            self.assertEqual(self.c.get(key).body, key.encode())


class Sessions(Case):
    options = ("--session-token", "tok+/=", "--region", "eu-west-1", "--region-redirect",
               "--clock-offset", "-3600")

    def test_token_redirect_and_clock(self):
        self.c.sign_options = {"region": "eu-west-1"}
        self.refused(self.c.put("k"), 403, "RequestTimeTooSkewed")
        self.c.offset = datetime.timedelta(seconds=-3600)
        self.refused(self.c.put("k"), 403, "InvalidAccessKeyId")
        self.refused(self.c.put("k", headers={"x-amz-security-token": "no"}), 400,
                     "InvalidToken")
        token = {"x-amz-security-token": "tok+/="}
        self.ok(self.c.put("k", headers=token))
        r = self.c.put("k", headers=token, region="us-east-1")
        self.refused(r, 301, "PermanentRedirect")
        self.assertEqual(r.headers["x-amz-bucket-region"], "eu-west-1")


class Rotation(Case):
    def test_rotation(self):
        self.ok(self.c.put("k"))
        self.fake.admin("POST", "credentials?secret-key=new%2B&session-token=t")
        self.refused(self.c.put("k"), 403, "InvalidAccessKeyId")
        token = {"x-amz-security-token": "t"}
        self.refused(self.c.put("k", headers=token), 403, "SignatureDoesNotMatch")
        self.ok(self.c.put("k", headers=token, secret="new+"))
        self.fake.admin("POST", "credentials?access-key=AKIATWO&session-token=")
        self.refused(self.c.put("k", secret="new+"), 403, "InvalidAccessKeyId")
        self.ok(self.c.put("k", access="AKIATWO", secret="new+"))


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

    def head_text(self, method, path, more=""):
        head = {"host": "h"}
        sign(method, path, [], head, "UNSIGNED-PAYLOAD",
             datetime.datetime.now(datetime.timezone.utc))
        lines = "".join(f"{k}: {v}\r\n" for k, v in head.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}{more}\r\n".encode()

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


class Multipart(Case):
    CRC = {"x_amz_checksum_algorithm": "CRC64NVME", "x_amz_checksum_type": "FULL_OBJECT"}
    SHA = {"x_amz_checksum_algorithm": "SHA256"}

    def test_plain(self):
        upload, etags = self.upload([PART, PART, b"end"])
        r = self.ok(self.c.complete(self.key, upload, etags))
        md5 = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in (PART, PART, b"end")))
        self.assertEqual(r.xml.findtext("ETag"), f'"{md5.hexdigest()}-3"')
        r = self.c.get(self.key, headers={"x-amz-checksum-mode": "ENABLED"})
        self.assertEqual(r.body, PART + PART + b"end")
        self.assertEqual(r.headers["x-amz-checksum-crc64nvme"], crc64_header(r.body))
        again = self.ok(self.c.complete(self.key, upload, etags))
        self.assertEqual(again.xml.findtext("ETag"), f'"{md5.hexdigest()}-3"')
        self.refused(self.c.part(self.key, upload, 1, PART), 404, "NoSuchUpload")

    def test_type_table(self):
        allowed = {"CRC64NVME": "F", "CRC32": "FC", "CRC32C": "FC", "SHA1": "C", "SHA256": "C",
                   "SHA512": "C", "MD5": "C", "XXHASH64": "C", "XXHASH3": "C", "XXHASH128": "C"}
        for name, types in allowed.items():
            for kind in ("FULL_OBJECT", "COMPOSITE"):
                r = self.c.request("POST", "k", ["uploads"], headers={
                    "x-amz-checksum-algorithm": name, "x-amz-checksum-type": kind})
                self.assertEqual(r.status, 200 if kind[0] in types else 400, (name, kind))
            r = self.c.request("POST", "k", ["uploads"],
                               headers={"x-amz-checksum-algorithm": name})
            want = "FULL_OBJECT" if types == "F" else "COMPOSITE"
            self.assertEqual(r.headers["x-amz-checksum-type"], want)
        r = self.c.create("k", x_amz_checksum_type="COMPOSITE")
        self.refused(r, 400, "InvalidRequest")
        self.refused(self.c.create("k", x_amz_checksum_algorithm="CRC65"), 400,
                     "InvalidRequest")

    def test_full_object(self):
        bodies = [os.urandom(1500), os.urandom(1001), b"z"]
        whole = b"".join(bodies)
        upload, parts = self.upload(bodies, **self.CRC)
        good = {"x_amz_checksum_crc64nvme": crc64_header(whole),
                "x_amz_checksum_type": "FULL_OBJECT", "x_amz_mp_object_size": str(len(whole))}
        for name, value, code in (
                ("x_amz_checksum_crc64nvme", crc64_header(b"no"), "BadDigest"),
                ("x_amz_checksum_type", "COMPOSITE", "BadDigest"),
                ("x_amz_mp_object_size", "1", "InvalidRequest")):
            self.refused(self.c.complete(self.key, upload, parts, **{**good, name: value}), 400,
                         code)
        self.assertEqual(self.c.get(self.key).status, 404)
        listed = [(*p, "ChecksumCRC64NVME", crc64_header(b)) for p, b in zip(parts, bodies)]
        wrong = [(*parts[0], "ChecksumCRC64NVME", crc64_header(b"no")), *listed[1:]]
        self.refused(self.c.complete(self.key, upload, wrong, **good), 400, "InvalidPart")
        self.ok(self.c.complete(self.key, upload, listed, **good))
        r = self.c.request("GET", self.key, ["attributes"], headers={
            "x-amz-object-attributes": "Checksum,ObjectParts,ObjectSize"})
        self.assertEqual(r.xml.findtext("ObjectParts/PartsCount"), "3")
        self.assertIsNone(r.xml.find("ObjectParts/Part"))
        for number, body in enumerate(bodies, 1):
            r = self.c.get(self.key, query=[("partNumber", str(number))])
            self.assertEqual((r.status, r.body), (206, body))
            self.assertEqual(r.headers["x-amz-mp-parts-count"], "3")
        self.refused(self.c.get(self.key, query=[("partNumber", "4")]), 416,
                     "InvalidPartNumber")

    def test_composite(self):
        bodies = [PART, b"end"]
        sums = [hashlib.sha256(b).digest() for b in bodies]
        text = [base64.b64encode(s).decode() for s in sums]
        upload = self.c.create(self.key, **self.SHA)
        self.refused(self.c.part(self.key, upload, 1, PART), 400, "InvalidRequest")
        self.refused(self.c.part(self.key, upload, 1, PART, x_amz_checksum_crc64nvme=crc64_header(
            PART)), 400, "InvalidRequest")
        parts = []
        for i, body in enumerate(bodies):
            r = self.ok(self.c.part(self.key, upload, i + 1, body, x_amz_checksum_sha256=text[i]))
            parts.append((i + 1, r.headers["etag"], "ChecksumSHA256", text[i]))
        self.refused(self.c.complete(self.key, upload, [p[:2] for p in parts]), 400,
                     "InvalidRequest")
        self.refused(self.c.complete(self.key, upload, [
            (*p[:3], text[0]) for p in parts]), 400, "InvalidPart")
        whole = base64.b64encode(hashlib.sha256(b"".join(sums)).digest()).decode()
        self.ok(self.c.complete(self.key, upload, parts, x_amz_checksum_sha256=whole))
        r = self.c.head(self.key, headers={"x-amz-checksum-mode": "ENABLED"})
        self.assertEqual(r.headers["x-amz-checksum-sha256"], whole + "-2")
        r = self.c.request("GET", self.key, ["attributes"], headers={
            "x-amz-object-attributes": "Checksum,ObjectParts", "x-amz-max-parts": "1"})
        self.assertEqual(r.xml.findtext("Checksum/ChecksumSHA256"), whole)
        self.assertEqual(r.xml.findtext("ObjectParts/Part/ChecksumSHA256"), text[0])
        self.assertEqual(r.xml.findtext("ObjectParts/IsTruncated"), "true")

    def test_published_composite_vector(self):
        sums = ["lcKa6Boe7a167tUCN5C4OaFygGSYD8MBnBARTrdL+1w=",
                "gHjhbUT4oo2tSCtSZJdlKi+jeNXJT+VImqdPXsXvkOc=",
                "4l9PQ3zOPZ0oGFvknFX+J4zZwE4WMzO+l3r8XrbWOeM="]
        whole = hashlib.sha256(b"".join(base64.b64decode(s) for s in sums)).digest()
        self.assertEqual(base64.b64encode(whole).decode(),
                         "rVWtNbadtsaKXJAcgWPWjifHzJaXde/iV4jaJAOdivc=")

    def test_lists_of_parts(self):
        upload, etags = self.upload([PART, PART, b"end"])
        self.refused(self.c.complete(self.key, upload, etags[::-1]), 400, "InvalidPartOrder")
        self.refused(self.c.complete(self.key, upload, [etags[0], etags[0]]), 400,
                     "InvalidPartOrder")
        self.refused(self.c.complete(self.key, upload, [(1, '"no"')]), 400, "InvalidPart")
        self.refused(self.c.complete(self.key, upload, [*etags, (4, etags[0][1])]), 400,
                     "InvalidPart")
        self.refused(self.c.complete(self.key, upload, []), 400, "MalformedXML")
        self.ok(self.c.complete(self.key, upload, [etags[0], etags[2]]))
        self.assertEqual(self.c.get(self.key).body, PART + b"end")

    def test_gaps(self):
        for create, status in (({}, 200), (self.CRC, 400)):
            upload = self.c.create(self.key, **create)
            etag = self.c.part(self.key, upload, 2, PART).headers["etag"]
            self.assertEqual(self.c.complete(self.key, upload, [(2, etag)]).status, status)

    def test_small_part(self):
        upload, etags = self.upload([b"x" * 999, b"end"])
        self.refused(self.c.complete(self.key, upload, etags), 400, "EntityTooSmall")

    def test_part_numbers(self):
        upload = self.c.create(self.key)
        for number in (0, 10001, "x"):
            self.refused(self.c.part(self.key, upload, number, PART), 400, "InvalidArgument")
        self.ok(self.c.part(self.key, upload, 10000, PART))

    def test_part_is_replaced(self):
        upload, _ = self.upload([b"first", PART])
        etag = self.c.part(self.key, upload, 1, b"second").headers["etag"]
        self.ok(self.c.complete(self.key, upload, [(1, etag)]))
        self.assertEqual(self.c.get(self.key).body, b"second")

    def test_conditional_complete(self):
        upload, etags = self.upload([b"a"])
        self.c.put(self.key)
        self.refused(self.c.complete(self.key, upload, etags, if_none_match="*"), 412,
                     "PreconditionFailed")
        self.c.delete(self.key)
        self.ok(self.c.complete(self.key, upload, etags, if_none_match="*"))
        self.ok(self.c.complete(self.key, upload, etags, if_none_match="*"))

    def test_abort(self):
        upload, etags = self.upload([b"a"])
        query = [("uploadId", upload)]
        self.ok(self.c.delete(self.key, query=query), 204)
        self.refused(self.c.delete(self.key, query=query), 404, "NoSuchUpload")
        self.refused(self.c.complete(self.key, upload, etags), 404, "NoSuchUpload")
        self.refused(self.c.part(self.key, upload, 1, b"a"), 404, "NoSuchUpload")
        self.refused(self.c.get(self.key, query=query), 404, "NoSuchUpload")

    def test_list_parts(self):
        upload, etags = self.upload([b"%d" % i for i in range(5)], **self.CRC)
        found, marker = [], "0"
        while True:
            r = self.c.get(self.key, query=[("uploadId", upload), ("max-parts", "2"),
                                            ("part-number-marker", marker)]).xml
            found += [(int(p.findtext("PartNumber")), p.findtext("ETag"),
                       p.findtext("ChecksumCRC64NVME")) for p in r.findall("Part")]
            if r.findtext("IsTruncated") == "false":
                break
            marker = r.findtext("NextPartNumberMarker")
        self.assertEqual(found, [(*e, crc64_header(b"%d" % i)) for i, e in enumerate(etags)])

    def test_list_uploads(self):
        made = sorted((k, self.c.create(k)) for k in ("lu/a", "lu/a", "lu/b c", "lu/a!"))
        found, key, upload = [], "", ""
        while True:
            r = self.c.get("", query=["uploads", ("encoding-type", "url"), ("prefix", "lu/"),
                                      ("max-uploads", "1"), ("key-marker", key),
                                      ("upload-id-marker", upload)]).xml
            found += [(urllib.parse.unquote_plus(u.findtext("Key")), u.findtext("UploadId"))
                      for u in r.findall("Upload")]
            if r.findtext("IsTruncated") == "false":
                break
            key = urllib.parse.unquote_plus(r.findtext("NextKeyMarker"))
            upload = r.findtext("NextUploadIdMarker")
        self.assertEqual(found, made)

    def test_copy(self):
        self.c.put("src", bytes(range(250)) * 10)
        source = {"x-amz-copy-source": "/bucket/src"}
        r = self.ok(self.c.put("dst", b"", headers=source))
        self.assertEqual(self.c.get("dst").body, bytes(range(250)) * 10)
        self.refused(self.c.put("src", b"", headers=source), 400, "InvalidRequest")
        self.refused(self.c.put("dst", b"", headers={"x-amz-copy-source": "bucket/no"}), 404,
                     "NoSuchKey")
        upload = self.c.create(self.key, **self.CRC)
        query = [("partNumber", "1"), ("uploadId", upload)]
        for value, status in (("bytes=0-1499", 200), ("bytes=0-", 400), ("bytes=5-4", 400),
                              ("bytes=0-2500", 400)):
            r = self.c.put(self.key, b"", query=query, headers={
                **source, "x-amz-copy-source-range": value})
            self.assertEqual(r.status, status, value)
        r = self.ok(self.c.put(self.key, b"", query=query, headers={
            **source, "x-amz-copy-source-range": "bytes=100-2400"}))
        part = (bytes(range(250)) * 10)[100:2401]
        self.assertEqual(r.xml.findtext("ChecksumCRC64NVME"), crc64_header(part))
        self.ok(self.c.complete(self.key, upload, [(1, r.xml.findtext("ETag"))],
                                x_amz_checksum_crc64nvme=crc64_header(part)))
        self.assertEqual(self.c.get(self.key).body, part)


class Listing(Case):
    KEYS = sorted(["a", "a b", "a+b", "a/", "a/b", "a/b/c", "a/c", "b", "c/d", "ctrl\x01\n",
                   "z&<>\"'", "ü", "\U0001f300", "~"], key=lambda k: k.encode())

    def setUp(self):
        super().setUp()
        for key in self.KEYS:
            self.c.put(key)

    def pages(self, *query):
        keys, prefixes, token = [], [], None
        for _ in range(100):
            more = [("continuation-token", token)] if token else []
            x = self.ok(self.c.list(("encoding-type", "url"), *query, *more)).xml
            keys += [urllib.parse.unquote_plus(k.text) for k in x.findall("Contents/Key")]
            prefixes += [urllib.parse.unquote_plus(k.text)
                         for k in x.findall("CommonPrefixes/Prefix")]
            token = x.findtext("NextContinuationToken")
            self.assertEqual(x.findtext("IsTruncated"), "true" if token else "false")
            if not token:
                return keys, prefixes
        self.fail("the listing does not end")

    def test_pages(self):
        for size in (1, 2, 3, 1000):
            self.assertEqual(self.pages(("max-keys", str(size)))[0], self.KEYS)

    def test_prefix_and_delimiter(self):
        for size in (1, 2, 1000):
            self.assertEqual(self.pages(("prefix", "a/"), ("max-keys", str(size)))[0],
                             ["a/", "a/b", "a/b/c", "a/c"])
            keys, prefixes = self.pages(("delimiter", "/"), ("max-keys", str(size)))
            self.assertEqual(prefixes, ["a/", "c/"])
            self.assertEqual(keys, [k for k in self.KEYS if "/" not in k])
            keys, prefixes = self.pages(("prefix", "a/"), ("delimiter", "/"),
                                        ("max-keys", str(size)))
            self.assertEqual((keys, prefixes), (["a/", "a/b", "a/c"], ["a/b/"]))

    def test_start_after(self):
        for i, key in enumerate(self.KEYS):
            self.assertEqual(self.pages(("start-after", key), ("max-keys", "3"))[0],
                             self.KEYS[i + 1:])

    def test_bad_requests(self):
        for query in (("max-keys", "x"), ("max-keys", "-1"), ("continuation-token", "xx"),
                      ("encoding-type", "base64")):
            self.refused(self.c.list(query), 400, "InvalidArgument")
        self.assertEqual(self.c.list(("max-keys", "0")).xml.findtext("KeyCount"), "0")

    def test_version_one(self):
        x = self.c.get("", query=[("marker", "a/b"), ("max-keys", "2")]).xml
        self.assertEqual([k.text for k in x.findall("Contents/Key")], ["a/b/c", "a/c"])

    def test_faults(self):
        def first(fault):
            self.fake.script(f"op=ListObjectsV2 times=1 do=list:{fault}")
            return self.c.list(("max-keys", "4"), ("encoding-type", "url"),
                               ("prefix", "a")).xml
        x = first("no-token")
        self.assertEqual(x.findtext("IsTruncated"), "true")
        self.assertIsNone(x.findtext("NextContinuationToken"))
        token = first("repeat-token").findtext("NextContinuationToken")
        x = self.c.list(("continuation-token", token), ("max-keys", "1")).xml
        self.assertEqual(x.findtext("Contents/Key"), "a")
        keys = [k.text for k in first("unsorted").findall("Contents/Key")]
        self.assertNotEqual(keys, sorted(keys))
        keys = [k.text for k in first("duplicate").findall("Contents/Key")]
        self.assertEqual(keys[-1], keys[-2])
        x = first("empty-page")
        self.assertEqual(x.findall("Contents"), [])
        self.assertTrue(x.findtext("NextContinuationToken"))


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
                s.sendall(Objects.head_text(self, "GET", "/bucket/k"))
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
            s.sendall(Objects.head_text(self, "GET", "/bucket/k"))
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


class Accounting(Case):
    def test_counters(self):
        self.fake.admin("POST", "reset")
        self.c.put("n/1", b"12345")
        self.c.put("n/1", b"12345", headers={"if-none-match": "*"})
        self.c.get("n/1")
        self.fake.script("op=GetObject do=reset:before")
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            self.c.get("n/1")
        log = self.fake.log()
        self.assertEqual(log["requests"], {"PutObject": {"200": 1, "412": 1},
                                           "GetObject": {"200": 1, "0": 1}})
        self.assertEqual((log["total"], log["faults"], log["objects"]), (4, 1, 1))
        self.assertEqual((log["bytes_in"], log["bytes"]), (10, 5))
        upload = self.c.create("n/2")
        self.c.part("n/2", upload, 1, b"a")
        log = self.fake.log()
        self.assertEqual((log["uploads"], log["parts"]), (1, 1))
        entry = json.loads(self.fake.admin("GET", "uploads")[1])
        self.assertEqual((entry["key"], entry["upload_id"]), ("n/2", upload))


class Lenient(unittest.TestCase):
    def test_flags(self):
        flags = "conditional,no-replay,opaque-etag,list-raw,utf8,unknown-500,no-subset,trailer"
        with Fake(program(), "--min-part", "10", "--lenient", flags) as fake:
            c = Client(fake)
            for _ in range(2):
                r = c.put("k", b"abc", headers={"if-none-match": "*"})
                self.assertEqual(r.status, 200)
            self.assertNotEqual(r.headers["etag"], '"' + hashlib.md5(b"abc").hexdigest() + '"')
            self.assertEqual(c.request("PUT", path="/bucket/%FF").status, 200)
            upload = c.create("m")
            one = c.part("m", upload, 1, b"x" * 20).headers["etag"]
            two = c.part("m", upload, 2, b"y").headers["etag"]
            self.assertEqual(c.complete("m", upload, [(1, one)]).code, "InvalidPart")
            self.assertEqual(c.complete("m", upload, [(1, one), (2, two)]).status, 200)
            self.assertEqual(c.complete("m", upload, [(1, one), (2, two)]).code, "NoSuchUpload")
            self.assertEqual(c.complete("m", upload, [(1, one)]).status, 500)
            c.close()


class Process(unittest.TestCase):
    def test_log_file_and_signal(self):
        with tempfile.TemporaryDirectory() as d:
            fake = Fake(program(), "--log", d + "/log", "--port-file", d + "/port",
                        "--data", d)
            with open(d + "/port") as f:
                self.assertEqual(int(f.read()), fake.port)
            c = Client(fake)
            c.put("a b\n", b"x" * 100000)
            with open(d + "/log") as f:  # there as soon as the reply is
                words = f.read().split()
            self.assertEqual(words[1:7], ["PUT", "PutObject", BUCKET, "a%20b%0A", "-", "200"])
            self.assertEqual(words[7:], ["in=100000", "out=0", "part=0", "upload=-", "fault=-"])
            self.assertEqual(sorted(os.listdir(d)), ["log", "port"])
            fake.process.terminate()
            status = fake.process.wait(10)
            c.close()
            fake.process.stdin.close()
            fake.process.stdout.close()
            self.assertEqual(status, 0)

    def test_ends_with_open_connections(self):
        with Fake(program()) as fake:
            idle = [socket.create_connection(("127.0.0.1", fake.port)) for _ in range(5)]
            fake.log()
        for s in idle:
            s.close()


if __name__ == "__main__":
    unittest.main()
