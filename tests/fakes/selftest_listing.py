"""The fake against its own rules: listings and its own counts."""
import hashlib
import http.client
import json
import os
import socket
import tempfile
import unittest
import urllib.parse

from fakes3 import BUCKET, Client, Fake, program
from selfcase import Case


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
