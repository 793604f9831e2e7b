"""The fake against its own rules: multipart uploads."""
import base64
import hashlib
import os
import urllib.parse

from fakes3 import crc64_header
from selfcase import Case, PART


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
