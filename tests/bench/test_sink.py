#!/usr/bin/env python3
"""The benchmark's own programs do what its figures rely on: the sink counts what it is sent and
is strict about probe objects, the floor sends every byte once."""
import http.client
import os
import subprocess
import sys
import tempfile
import unittest

import measure

PROGRAMS = sys.argv.pop(1) if len(sys.argv) > 1 else "build/dev/tests/bench"
PROBE = "/bench/p/.weir/probe-1"
KEPT = "/bench/keep/k"
CRC_OF_DIGITS = "rosUhgp5mIg="  # CRC64NVME of "123456789": 0xae8b14860a799888
CRC_OF_NOTHING = "AAAAAAAAAAA="


class SinkTest(unittest.TestCase):
    def setUp(self):
        self.sink = measure.Sink(os.path.join(PROGRAMS, "bench_sink"))
        self.http = http.client.HTTPConnection("127.0.0.1", self.sink.port, timeout=10)

    def tearDown(self):
        self.http.close()
        self.sink.stop()

    def ask(self, method, path, body=None, **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.http.request(method, path, body, names)
        reply = self.http.getresponse()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()

    def test_bodies_are_counted_and_dropped(self):
        for size in (0, 1, 16384, 5_000_000):
            status, headers, _ = self.ask("PUT", "/bench/p/k", b"x" * size,
                                          x_amz_checksum_crc64nvme="AAAAAAAAAAB=")
            self.assertEqual(status, 200)
            self.assertIn("etag", headers)
            self.assertEqual(headers["x-amz-checksum-crc64nvme"], "AAAAAAAAAAB=")
        self.ask("PUT", "/bench/p/k?partNumber=2&uploadId=u", b"y" * 100)
        self.assertEqual(self.ask("HEAD", "/bench/p/k")[0], 404)
        stats = self.sink.stats()
        self.assertEqual(stats["put"], {"requests": 4, "bytes": 5_016_385})
        self.assertEqual(stats["part"], {"requests": 1, "bytes": 100})
        self.assertEqual(stats["requests"], 6)

    def test_every_operation_of_an_upload(self):
        for method, path, status, text in [
                ("POST", "/bench/p/k?uploads", 200, b"<UploadId>"),
                ("POST", "/bench/p/k?uploadId=u", 200, b"<CompleteMultipartUploadResult"),
                ("GET", "/bench/p/k?uploadId=u", 200, b"<ListPartsResult"),
                ("DELETE", "/bench/p/k?uploadId=u", 204, b""),
                ("DELETE", "/bench/p/k", 204, b""),
                ("HEAD", "/bench", 200, b""),
                ("GET", "/bench?list-type=2&prefix=p", 200, b"<ListBucketResult"),
                ("GET", "/bench?uploads", 200, b"<ListMultipartUploadsResult"),
                ("GET", "/bench/p/k", 404, b"NoSuchKey"),
                ("PATCH", "/bench/p/k", 400, b"InvalidRequest")]:
            with self.subTest(method=method, path=path):
                got, _, body = self.ask(method, path)
                self.assertEqual(got, status)
                self.assertIn(text, body)

    def test_expect_continue(self):
        self.http.putrequest("PUT", "/bench/p/k")
        self.http.putheader("Content-Length", "5")
        self.http.putheader("Expect", "100-continue")
        self.http.endheaders()
        self.assertTrue(self.http.sock.recv(100).startswith(b"HTTP/1.1 100 "))
        self.http.send(b"12345")
        self.assertEqual(self.http.getresponse().status, 200)

    def test_probe_objects_are_checked(self):
        digits = b"123456789"
        bad = self.ask("PUT", PROBE, digits, x_amz_checksum_crc64nvme=CRC_OF_NOTHING)
        self.assertEqual((bad[0], b"BadDigest" in bad[2]), (400, True))
        self.assertEqual(self.ask("HEAD", PROBE)[0], 404)
        good = self.ask("PUT", PROBE, digits, x_amz_checksum_crc64nvme=CRC_OF_DIGITS)
        self.assertEqual(good[0], 200)
        status, headers, _ = self.ask("HEAD", PROBE)
        self.assertEqual(status, 200)
        self.assertEqual(headers["x-amz-checksum-crc64nvme"], CRC_OF_DIGITS)
        self.assertEqual(headers["content-length"], "9")
        self.assertEqual(self.ask("PUT", PROBE, b"", If_None_Match="*")[0], 412)
        self.assertEqual(self.ask("PUT", PROBE, b"", If_Match='"no"')[0], 412)
        self.assertEqual(self.ask("PUT", PROBE, digits, If_Match=good[1]["etag"])[0], 200)
        self.ask("DELETE", PROBE)
        self.assertEqual(self.ask("HEAD", PROBE)[0], 404)

    def test_probe_uploads_are_checked(self):
        body = self.ask("POST", PROBE + "?uploads")[2].decode()
        upload = "?uploadId=" + body.split("<UploadId>")[1].split("<")[0]
        part = f"{PROBE}{upload}&partNumber="
        self.assertEqual(self.ask("PUT", part + "1", b"12345",
                                  x_amz_checksum_crc64nvme=CRC_OF_DIGITS)[0], 400)
        self.assertEqual(self.ask("PUT", part + "1", b"12345")[0], 200)
        self.assertEqual(self.ask("PUT", part + "2", b"6789")[0], 200)
        self.assertEqual(self.ask("POST", PROBE + upload, b"<x/>",
                                  x_amz_checksum_crc64nvme=CRC_OF_NOTHING)[0], 400)
        status, _, body = self.ask("POST", PROBE + upload, b"<x/>",
                                   x_amz_checksum_crc64nvme=CRC_OF_DIGITS)
        self.assertEqual((status, CRC_OF_DIGITS.encode() in body), (200, True))
        self.assertEqual(self.ask("HEAD", PROBE)[1]["x-amz-checksum-crc64nvme"], CRC_OF_DIGITS)
        self.assertEqual(self.ask("POST", PROBE + upload, b"<x/>")[0], 404)

    def test_kept_objects_are_copied(self):
        """Whole, by range, onto themselves; with the metadata and under the conditions of S3."""
        digits = {"x_amz_checksum_crc64nvme": CRC_OF_DIGITS}
        etag = self.ask("PUT", KEPT, b"123456789", x_amz_meta_a="1", **digits)[1]["etag"]

        def copy(to, **headers):
            return self.ask("PUT", to, x_amz_copy_source=KEPT, **headers)

        status, _, body = copy(KEPT + "-2", x_amz_copy_source_if_match=etag)
        self.assertEqual((status, CRC_OF_DIGITS.encode() in body), (200, True))
        head = self.ask("HEAD", KEPT + "-2")[1]
        self.assertEqual((head["x-amz-meta-a"], head["content-length"]), ("1", "9"))
        self.assertEqual(head["x-amz-checksum-crc64nvme"], CRC_OF_DIGITS)
        self.assertEqual(copy(KEPT, x_amz_metadata_directive="COPY")[0], 400)
        self.assertEqual(copy(KEPT, x_amz_metadata_directive="REPLACE", x_amz_meta_a="2")[0], 200)
        self.assertEqual(self.ask("HEAD", KEPT)[1]["x-amz-meta-a"], "2")
        self.assertEqual(copy(KEPT + "-2", If_None_Match="*")[0], 412)
        self.assertEqual(copy(KEPT + "-3", x_amz_copy_source_if_match='"no"')[0], 412)
        self.assertEqual(self.ask("PUT", KEPT + "-3", x_amz_copy_source=KEPT + "-4")[0], 404)
        self.assertEqual(self.ask("HEAD", KEPT + "-3")[0], 404)
        self.assertEqual(self.sink.stats()["copy"]["requests"], 6)

    def test_parts_are_copied(self):
        """Of a kept object only whole pieces, of weir's own ones any bytes."""
        pieces = [bytes([65 + i]) * 2 ** 20 for i in range(3)]
        for path, odd in ((KEPT, 501), (PROBE, 200)):
            with self.subTest(path=path):
                whole = self.ask("PUT", path, b"".join(pieces) + b"tail")[1]
                body = self.ask("POST", path + "?uploads")[2].decode()
                part = (f"{path}?uploadId=" + body.split("<UploadId>")[1].split("<")[0]
                        + "&partNumber=")

                def copy(number, first, last):
                    return self.ask("PUT", part + str(number), x_amz_copy_source=path,
                                    x_amz_copy_source_range=f"bytes={first}-{last}")[0]

                self.assertEqual(copy(1, 0, 2 ** 20 - 1), 200)
                self.ask("PUT", part + "2", pieces[1])
                self.assertEqual(copy(3, 2 ** 21, 3 * 2 ** 20 + 3), 200)
                self.assertEqual(copy(4, 5, 9), odd)
                self.assertEqual(copy(4, 0, 3 * 2 ** 20 + 4), 400)
                status, headers, _ = self.ask("POST", part.split("&")[0], b"<x/>")
                self.assertEqual(status, 200)
                if odd == 501:
                    self.assertEqual(headers["x-amz-checksum-crc64nvme"],
                                     whole["x-amz-checksum-crc64nvme"])
        stats = self.sink.stats()
        self.assertEqual(stats["copy_part"]["requests"], 4)
        self.assertEqual(stats["own"], {"requests": 8, "bytes": 4 * 2 ** 20 + 4 + 4})

    def test_probe_objects_can_be_read(self):
        data = bytes(range(256)) * 4
        self.ask("PUT", PROBE, data)
        self.assertEqual(self.ask("GET", PROBE)[2], data)
        self.ask("PUT", KEPT, data)
        self.assertEqual(self.ask("GET", KEPT)[0], 501)

    def test_floor_sends_everything_once(self):
        floor = [os.path.join(PROGRAMS, "bench_floor"), "--port", str(self.sink.port)]
        with tempfile.TemporaryDirectory() as folder:
            data, log = os.path.join(folder, "data"), os.path.join(folder, "log")
            subprocess.run([os.path.join(PROGRAMS, "bench_make_tree"), data, "7", "700001", "2"],
                           check=True)
            paths = [os.path.join(d, n) for d, _, names in os.walk(data) for n in names]
            self.assertEqual(len(paths), 7)
            for options in (["--order", "stream", "--part", "300000", *paths],
                            ["--order", "digest-first", "--part", "300000", *paths],
                            ["--small", data]):
                with self.subTest(options=options[:2]):
                    sample = measure.against_sink(self.sink, floor + options, log,
                                                  body_bytes=7 * 700001)
                    self.assertEqual(sample.requests, 7 if options[0] == "--small" else 21)


if __name__ == "__main__":
    unittest.main()
