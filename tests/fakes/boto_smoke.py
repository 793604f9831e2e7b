#!/usr/bin/env python3
"""The fake against a client we did not write.  Needs boto3 (and, for CRC64NVME, awscrt):
    python3 -m venv VENV && VENV/bin/pip install boto3 awscrt
    WEIR_FAKE_S3=path/to/weir_fake_s3 VENV/bin/python boto_smoke.py"""
import hashlib
import io
import os
import socket
import subprocess
import tempfile
import unittest
from unittest import mock

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from fakes3 import BUCKET, Fake, KEY, SECRET, program

try:
    import awscrt  # noqa: F401
    HAS_CRT = True
except ImportError:
    HAS_CRT = False


def client(fake, **more):
    config = {"retries": {"total_max_attempts": 1}, **more.pop("config", {})}
    options = {"endpoint_url": f"http://127.0.0.1:{fake.port}", "region_name": "us-east-1",
               "aws_access_key_id": KEY, "aws_secret_access_key": SECRET, **more}
    return boto3.client("s3", config=Config(**config), **options)


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fake = Fake(program())
        cls.s3 = client(cls.fake)

    @classmethod
    def tearDownClass(cls):
        cls.s3.close()
        cls.fake.__exit__()

    def fails(self, code, call, **arguments):
        with self.assertRaises(ClientError) as e:
            call(Bucket=BUCKET, **arguments)
        self.assertEqual(e.exception.response["Error"]["Code"], code)

    def test_odd_keys(self):
        keys = ["plain", "a b+c", "ü/ß", "~'()*!", "a//b", "/lead", "x/../y", "%41", "&<>\"'",
                "q?x=1#f", "tab\tnl\n", "=;:@,$"]
        for key in keys:
            self.s3.put_object(Bucket=BUCKET, Key="odd/" + key, Body=key.encode(),
                               Metadata={"name": "v  v"})
        for key in keys:
            got = self.s3.get_object(Bucket=BUCKET, Key="odd/" + key)
            self.assertEqual(got["Body"].read(), key.encode())
            self.assertEqual(got["Metadata"], {"name": "v  v"})
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix="odd/", PaginationConfig={"PageSize": 5})
        found = [o["Key"] for page in pages for o in page["Contents"]]
        self.assertEqual(found, sorted(("odd/" + k for k in keys), key=str.encode))

    def test_checksums(self):
        algorithms = ["CRC32", "SHA1", "SHA256"] + ["CRC32C", "CRC64NVME"] * HAS_CRT
        for name in algorithms:
            field = "Checksum" + name
            put = self.s3.put_object(Bucket=BUCKET, Key="sum/" + name, Body=b"data",
                                     ChecksumAlgorithm=name)
            # botocore checks the value when it reads
            got = self.s3.get_object(Bucket=BUCKET, Key="sum/" + name, ChecksumMode="ENABLED")
            self.assertEqual(got["Body"].read(), b"data")
            self.assertEqual(got[field], put[field])
        self.fails("BadDigest", self.s3.put_object, Key="sum/x", Body=b"data",
                   ChecksumCRC32="AAAAAA==")

    def test_managed_multipart(self):
        body = os.urandom(17_000_000)
        config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
        names = [None, "CRC32", "SHA256"] + ["CRC64NVME", "CRC32C"] * HAS_CRT
        for name in names:
            extra = {"ContentType": "x/y", **({"ChecksumAlgorithm": name} if name else {})}
            self.s3.upload_fileobj(io.BytesIO(body), BUCKET, "big", ExtraArgs=extra,
                                   Config=config)
            out = io.BytesIO()
            self.s3.download_fileobj(BUCKET, "big", out, Config=config)
            self.assertEqual(out.getvalue(), body)
            self.assertEqual(self.s3.head_object(Bucket=BUCKET, Key="big")["ContentType"], "x/y")
        self.s3.copy({"Bucket": BUCKET, "Key": "big"}, BUCKET, "copy", Config=config)
        entry = [o for o in self.fake.objects() if o["key"] == "copy"][0]
        self.assertEqual(entry["sha256"], hashlib.sha256(body).hexdigest())
        self.assertEqual(self.fake.log()["uploads"], 0)

    def test_multipart_by_hand(self):
        create = self.s3.create_multipart_upload(
            Bucket=BUCKET, Key="hand", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
        self.assertEqual(create["ChecksumType"], "FULL_OBJECT")
        upload = {"Key": "hand", "UploadId": create["UploadId"]}
        parts = []
        for number, body in ((1, b"a" * (5 << 20)), (2, b"b")):
            r = self.s3.upload_part(Bucket=BUCKET, PartNumber=number, Body=body,
                                    ChecksumAlgorithm="CRC32", **upload)
            parts.append({"PartNumber": number, "ETag": r["ETag"],
                          "ChecksumCRC32": r["ChecksumCRC32"]})
        listed = self.s3.list_parts(Bucket=BUCKET, **upload)["Parts"]
        self.assertEqual([p["ChecksumCRC32"] for p in listed],
                         [p["ChecksumCRC32"] for p in parts])
        uploads = self.s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
        self.assertEqual([u["UploadId"] for u in uploads], [create["UploadId"]])
        self.fails("InvalidPartOrder", self.s3.complete_multipart_upload,
                   MultipartUpload={"Parts": parts[::-1]}, **upload)
        self.fails("InvalidRequest", self.s3.complete_multipart_upload, MpuObjectSize=1,
                   MultipartUpload={"Parts": parts}, **upload)
        done = self.s3.complete_multipart_upload(
            Bucket=BUCKET, MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT",
            MpuObjectSize=(5 << 20) + 1, IfNoneMatch="*", **upload)
        head = self.s3.head_object(Bucket=BUCKET, Key="hand", ChecksumMode="ENABLED")
        self.assertEqual(head["ChecksumCRC32"], done["ChecksumCRC32"])
        attributes = self.s3.get_object_attributes(
            Bucket=BUCKET, Key="hand", ObjectAttributes=["ObjectParts", "Checksum", "ETag",
                                                         "ObjectSize", "StorageClass"])
        self.assertEqual(attributes["ObjectParts"]["TotalPartsCount"], 2)
        self.assertEqual(attributes["ObjectSize"], (5 << 20) + 1)

    def test_conditions(self):
        put = self.s3.put_object
        self.s3.delete_object(Bucket=BUCKET, Key="cond")
        etag = put(Bucket=BUCKET, Key="cond", Body=b"1", IfNoneMatch="*")["ETag"]
        self.fails("PreconditionFailed", put, Key="cond", Body=b"2", IfNoneMatch="*")
        self.fails("PreconditionFailed", put, Key="cond", Body=b"2", IfMatch='"x"')
        put(Bucket=BUCKET, Key="cond", Body=b"2", IfMatch=etag)

    def test_delete_many(self):
        for i in range(30):
            self.s3.put_object(Bucket=BUCKET, Key=f"del/{i} &", Body=b"")
        gone = self.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [
            {"Key": f"del/{i} &"} for i in range(30)]})
        self.assertEqual(len(gone["Deleted"]), 30)
        self.assertEqual(self.s3.list_objects_v2(Bucket=BUCKET, Prefix="del/")["KeyCount"], 0)

    def test_errors(self):
        self.fails("NoSuchKey", self.s3.get_object, Key="absent")
        self.fails("AccessDenied", self.s3.get_object, Key="k", ExpectedBucketOwner="1" * 12)
        with self.assertRaises(ClientError) as e:
            client(self.fake, aws_secret_access_key="no").list_buckets()
        self.assertEqual(e.exception.response["Error"]["Code"], "SignatureDoesNotMatch")
        # botocore finds the region by itself and goes there once
        other = client(self.fake, region_name="eu-west-1",
                       config={"retries": {"total_max_attempts": 2}})
        try:
            other.head_bucket(Bucket=BUCKET)
        except ClientError as error:
            self.assertEqual(error.response["ResponseMetadata"]["HTTPStatusCode"], 400)

    def test_retries(self):
        s3 = client(self.fake, config={"retries": {"total_max_attempts": 5, "mode": "standard"}})
        for rule in ("do=error:SlowDown", "do=reset:before", "do=reset:after", "do=ok-error",
                     "do=status:502,body:html:502"):
            self.fake.script(f"key=retry times=2 op=CopyObject {rule}")
            s3.put_object(Bucket=BUCKET, Key="source", Body=b"abc")
            s3.copy_object(Bucket=BUCKET, Key="retry", CopySource=f"{BUCKET}/source")
        self.fake.script("")

    def test_virtual_host(self):
        s3 = client(self.fake, endpoint_url=f"http://s3.localhost:{self.fake.port}",
                    config={"s3": {"addressing_style": "virtual"}})
        resolve = socket.getaddrinfo  # not every resolver knows *.localhost
        with mock.patch("socket.getaddrinfo", lambda host, *more: resolve("127.0.0.1", *more)):
            s3.put_object(Bucket=BUCKET, Key="vhost", Body=b"v")
        self.assertEqual(self.s3.get_object(Bucket=BUCKET, Key="vhost")["Body"].read(), b"v")


class Tls(unittest.TestCase):
    def test_https_with_trailers(self):
        with tempfile.TemporaryDirectory() as d:
            cert, key = d + "/cert.pem", d + "/key.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=x",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                            cert], check=True, capture_output=True)
            with Fake(program(), "--tls-cert", cert, "--tls-key", key) as fake:
                s3 = client(fake, endpoint_url=f"https://127.0.0.1:{fake.port}", verify=cert)
                body = os.urandom(3_000_000)
                s3.put_object(Bucket=BUCKET, Key="t", Body=io.BytesIO(body))
                self.assertEqual(s3.get_object(Bucket=BUCKET, Key="t")["Body"].read(), body)
                with self.assertRaises(Exception):
                    client(fake, endpoint_url=f"https://127.0.0.1:{fake.port}").list_buckets()
                s3.close()


if __name__ == "__main__":
    unittest.main(warnings="ignore")
