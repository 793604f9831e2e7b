"""The fake against its own rules: copies, batches of deletes, versions."""
import base64
import hashlib
import os
import zlib

from fakes3 import crc64_header
from selfcase import Case

CHECKSUMS = {"x-amz-checksum-mode": "ENABLED"}


class Copies(Case):
    def copy(self, to, source="src", **more):
        headers = {"x-amz-copy-source": "/bucket/" + source, **more.pop("headers", {})}
        return self.c.put(to, b"", headers=headers, **more)

    def setUp(self):
        super().setUp()
        self.body = os.urandom(3000)
        self.etag = self.ok(self.c.put("src", self.body, headers={
            "content-type": "text/x", "x-amz-meta-a": "1", "x-amz-tagging": "t=1",
            "x-amz-storage-class": "STANDARD_IA"})).headers["etag"]

    def test_directives(self):
        self.ok(self.copy("kept", headers={"x-amz-meta-b": "2"}))
        head = self.c.head("kept").headers
        self.assertEqual((head["content-type"], head["x-amz-meta-a"], head["x-amz-tagging-count"]),
                         ("text/x", "1", "1"))
        self.assertNotIn("x-amz-meta-b", head)
        self.assertNotIn("x-amz-storage-class", head)  # never copied
        replace = {"x-amz-metadata-directive": "REPLACE", "x-amz-meta-b": "2"}
        self.ok(self.copy("replaced", headers=replace))
        head = self.c.head("replaced").headers
        self.assertEqual((head["x-amz-meta-b"], head["x-amz-tagging-count"]), ("2", "1"))
        self.assertNotIn("x-amz-meta-a", head)
        self.assertEqual(head["content-type"], "binary/octet-stream")
        self.ok(self.copy("tagged", headers={"x-amz-tagging": "t=1&u=2",
                                             "x-amz-tagging-directive": "REPLACE",
                                             "x-amz-storage-class": "GLACIER_IR"}))
        head = self.c.head("tagged").headers
        self.assertEqual((head["x-amz-tagging-count"], head["x-amz-storage-class"],
                          head["x-amz-meta-a"]), ("2", "GLACIER_IR", "1"))
        self.refused(self.copy("k", headers={"x-amz-tagging": "t=1"}), 400, "InvalidArgument")
        self.refused(self.copy("k", headers={"x-amz-metadata-directive": "MERGE"}), 400,
                     "InvalidArgument")

    def test_onto_itself(self):
        self.refused(self.copy("src"), 400, "InvalidRequest")
        self.ok(self.copy("src", headers={"x-amz-metadata-directive": "REPLACE",
                                          "x-amz-meta-new": "1"}))
        got = self.c.get("src")
        self.assertEqual((got.body, got.headers["x-amz-meta-new"]), (self.body, "1"))
        self.assertNotIn("x-amz-meta-a", got.headers)

    def test_checksum(self):
        self.c.put("src", b"123456789", headers={
            "x-amz-checksum-crc32": base64.b64encode(
                zlib.crc32(b"123456789").to_bytes(4, "big")).decode()})
        self.ok(self.copy("same"))
        self.assertIn("x-amz-checksum-crc32", self.c.head("same", headers=CHECKSUMS).headers)
        r = self.ok(self.copy("other", headers={"x-amz-checksum-algorithm": "CRC64NVME"}))
        self.assertEqual(r.xml.findtext("ChecksumCRC64NVME"), crc64_header(b"123456789"))
        self.assertEqual(r.xml.findtext("ChecksumType"), "FULL_OBJECT")
        head = self.c.head("other", headers=CHECKSUMS).headers
        self.assertEqual(head["x-amz-checksum-crc64nvme"], crc64_header(b"123456789"))
        self.assertNotIn("x-amz-checksum-crc32", head)
        self.refused(self.copy("k", headers={"x-amz-checksum-algorithm": "CRC65"}), 400,
                     "InvalidRequest")

    def test_conditions(self):
        match, none = {"x-amz-copy-source-if-match": self.etag}, {"if-none-match": "*"}
        wrong = {"x-amz-copy-source-if-match": '"other"'}
        self.ok(self.copy(self.key, headers={**match, **none}))
        self.refused(self.copy(self.key, headers=none), 412, "PreconditionFailed")
        self.refused(self.copy("k", headers=wrong), 412, "PreconditionFailed")
        self.refused(self.copy("k", source="no", headers=match), 404, "NoSuchKey")
        self.refused(self.copy("k", headers={
            "x-amz-source-expected-bucket-owner": "999999999999"}), 403, "AccessDenied")
        upload = self.c.create("k")
        query = [("partNumber", "1"), ("uploadId", upload)]
        self.refused(self.copy("k", query=query, headers=wrong), 412, "PreconditionFailed")
        self.ok(self.copy("k", query=query, headers=match))
        self.refused(self.copy("k", query=[("partNumber", "1"), ("uploadId", "no")]), 404,
                     "NoSuchUpload")

    def test_servers_that_ignore(self):
        self.fake.script("do=lenient:copy-source-match+copy-conditional+copy-metadata+copy-range")
        self.ok(self.copy("dst", headers={"x-amz-copy-source-if-match": '"other"'}))
        self.ok(self.copy("dst", headers={"if-none-match": "*", "x-amz-meta-b": "2",
                                          "x-amz-metadata-directive": "REPLACE"}))
        self.assertNotIn("x-amz-meta-b", self.c.head("dst").headers)
        upload = self.c.create("k")
        r = self.ok(self.copy("k", query=[("partNumber", "1"), ("uploadId", upload)],
                              headers={"x-amz-copy-source-range": "bytes=5-9"}))
        self.ok(self.c.complete("k", upload, [(1, r.xml.findtext("ETag"))]))
        self.assertEqual(self.c.get("k").body, self.body)

    def test_late_error(self):
        self.fake.script("op=CopyObject,UploadPartCopy do=spaces:30,ok-error:InternalError")
        r = self.copy(self.key)
        self.assertEqual((r.status, r.code), (200, "InternalError"))
        self.assertEqual(self.c.get(self.key).status, 404)
        self.fake.script("op=CopyObject do=spaces:30")
        self.assertEqual(self.ok(self.copy(self.key)).xml.tag, "CopyObjectResult")

    def test_first_part(self):
        upload, etags = self.upload([b"p" * 2000, b"p" * 2000, b"end"])
        self.ok(self.c.complete(self.key, upload, etags))
        r = self.ok(self.c.head(self.key, query=[("partNumber", "1")]), 206)
        self.assertEqual((r.headers["content-length"], r.headers["x-amz-mp-parts-count"]),
                         ("2000", "3"))
        r = self.ok(self.c.head("src", query=[("partNumber", "1")]), 206)
        self.assertNotIn("x-amz-mp-parts-count", r.headers)
        self.fake.script("do=lenient:part-number")
        r = self.ok(self.c.head(self.key, query=[("partNumber", "1")]))
        self.assertEqual(r.headers["content-length"], "4003")
        self.assertNotIn("x-amz-mp-parts-count", r.headers)


class Batches(Case):
    def remove(self, *keys, quiet=False):
        text = "".join(f"<Object><Key>{k}</Key></Object>" for k in keys)
        body = f"<Delete>{'<Quiet>true</Quiet>' if quiet else ''}{text}</Delete>".encode()
        md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
        return self.ok(self.c.request("POST", "", ["delete"], body, headers={"content-md5": md5}))

    def test_errors_of_keys(self):
        for key in "abcd":
            self.c.put(key)
        self.fake.script("op=DeleteKey key=a do=error:SlowDown\n"
                         "op=DeleteKey key=b do=commit,error:InternalError\n"
                         "op=DeleteKey key=c do=body:empty\n"
                         "key=d do=error:AccessDenied")
        xml = self.remove(*"abcd").xml
        self.assertEqual([(e.findtext("Key"), e.findtext("Code")) for e in xml.findall("Error")],
                         [("a", "SlowDown"), ("b", "InternalError")])
        self.assertEqual([e.findtext("Key") for e in xml.findall("Deleted")], ["d"])
        self.fake.script("")
        self.assertEqual([self.c.get(k).status for k in "abcd"], [200, 404, 404, 404])

    def test_quiet(self):
        self.c.put("a")
        self.assertEqual(len(self.remove("a", quiet=True).xml), 0)
        self.assertEqual(self.c.get("a").status, 404)


class Versions(Batches):
    options = ("--min-part", "1000", "--versions")

    def versions(self, prefix):
        r = self.ok(self.c.request("GET", "", ["versions", ("prefix", prefix)]))
        return [(e.tag, e.findtext("Key"), e.findtext("VersionId"), e.findtext("IsLatest"))
                for e in r.xml if e.tag in ("Version", "DeleteMarker")]

    def put_version(self, body):
        return self.ok(self.c.put(self.key, body)).headers["x-amz-version-id"]

    def test_history(self):
        first, second = self.put_version(b"one"), self.put_version(b"two")
        self.assertNotEqual(first, second)
        marker = self.ok(self.c.delete(self.key), 204).headers
        self.assertEqual(marker["x-amz-delete-marker"], "true")
        gone = self.c.get(self.key)
        self.refused(gone, 404, "NoSuchKey")
        self.assertEqual(gone.headers["x-amz-version-id"], marker["x-amz-version-id"])
        self.assertEqual(self.c.get(self.key, query=[("versionId", first)]).body, b"one")
        self.refused(self.c.get(self.key, query=[("versionId", marker["x-amz-version-id"])]), 405,
                     "MethodNotAllowed")
        self.refused(self.c.get(self.key, query=[("versionId", "no")]), 404, "NoSuchVersion")
        self.assertEqual(self.versions(self.key), [
            ("DeleteMarker", self.key, marker["x-amz-version-id"], "true"),
            ("Version", self.key, second, "false"), ("Version", self.key, first, "false")])
        self.ok(self.c.put("back", b"", headers={
            "x-amz-copy-source": f"/bucket/{self.key}?versionId={first}"}))
        self.assertEqual(self.c.get("back").body, b"one")
        self.ok(self.c.delete(self.key, query=[("versionId", marker["x-amz-version-id"])]), 204)
        self.assertEqual(self.c.get(self.key).body, b"two")
        self.ok(self.c.delete(self.key, query=[("versionId", second)]), 204)
        self.assertEqual(self.c.get(self.key).body, b"one")

    def test_batch_leaves_markers(self):
        self.put_version(b"one")
        deleted = self.remove(self.key, "never").xml.findall("Deleted")
        marker = deleted[0].findtext("DeleteMarkerVersionId")
        self.assertEqual([d.findtext("DeleteMarker") for d in deleted], ["true", "true"])
        self.assertEqual(self.versions(self.key)[0], ("DeleteMarker", self.key, marker, "true"))

    def test_every_write_has_one(self):
        upload, etags = self.upload([b"p" * 2000, b"end"])
        done = self.ok(self.c.complete(self.key, upload, etags))
        again = self.ok(self.c.complete(self.key, upload, etags))
        self.assertEqual(done.headers["x-amz-version-id"], again.headers["x-amz-version-id"])
        copied = self.ok(self.c.put("copy", b"", headers={
            "x-amz-copy-source": "/bucket/" + self.key}))
        self.assertEqual(copied.headers["x-amz-version-id"],
                         self.c.head("copy").headers["x-amz-version-id"])


class Switch(Case):
    def test_switching_versions_on(self):
        self.assertEqual(len(self.ok(self.c.request("GET", "", ["versioning"])).xml), 0)
        self.assertNotIn("x-amz-version-id", self.ok(self.c.put(self.key, b"0")).headers)
        for status, want in (("Suspended", 501), ("Enabled", 200)):
            body = ("<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>"
                    % status).encode()
            self.ok(self.c.request("PUT", "", ["versioning"], body), want)
        r = self.ok(self.c.request("GET", "", ["versioning"]))
        self.assertEqual(r.xml.findtext("Status"), "Enabled")
        self.assertIn("x-amz-version-id", self.ok(self.c.put(self.key, b"1")).headers)
        self.assertEqual(self.c.get(self.key, query=[("versionId", "null")]).body, b"0")
