#!/usr/bin/env python3
"""probe.py DIR... -- ask running test servers what they do, and print the table of README.md.

Each DIR is one that a server script filled (it holds `env`).  Uses botocore's signer over
http.client, so that nothing is corrected, normalised or retried on the way.
"""
import base64
import hashlib
import http.client
import os
import re
import shlex
import sys

from awscrt import checksums
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MIB = 1 << 20


def crc64nvme(data):
    return base64.b64encode(checksums.crc64nvme(data).to_bytes(8, "big")).decode()


def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


class Server:
    def __init__(self, directory):
        self.env = {}
        with open(os.path.join(directory, "env"), encoding="utf-8") as lines:
            for line in lines:
                key, value = line.rstrip("\n").split("=", 1)
                self.env[key] = "".join(shlex.split(value))
        self.secret = self.env["AWS_SECRET_ACCESS_KEY"]

    def call(self, method, key, query="", body=b"", secret=None, **headers):
        path = f"/{self.env['BUCKET']}/{key}" + (f"?{query}" if query else "")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method=method, url=self.env["ENDPOINT"] + path, data=body, headers=sent)
        credentials = Credentials(self.env["AWS_ACCESS_KEY_ID"], secret or self.secret)
        S3SigV4Auth(credentials, "s3", self.env["REGION"]).add_auth(request)
        connection = http.client.HTTPConnection(self.env["ENDPOINT"].removeprefix("http://"), timeout=60)
        connection.request(method, path, body, dict(request.headers))
        reply = connection.getresponse()
        reply.data = reply.read()
        connection.close()
        code = re.search(rb"<Code>([^<]*)</Code>", reply.data)
        reply.word = str(reply.status) + (" " + code.group(1).decode() if code else "")
        if reply.status == 200 and b"<Error>" in reply.data:
            reply.word = "200 with " + code.group(1).decode()
        return reply

    def put(self, key, body=b"hello", crc=None, **headers):
        if crc is not None:
            headers |= {"x-amz-checksum-crc64nvme": crc, "x-amz-sdk-checksum-algorithm": "CRC64NVME"}
        return self.call("PUT", key, body=body, **headers)

    def create(self, key, crc=True):
        headers = {}
        if crc:
            headers = {"x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "FULL_OBJECT"}
        reply = self.call("POST", key, "uploads=", **headers)
        found = re.search(rb"<UploadId>([^<]*)", reply.data)
        return found.group(1).decode() if found else ""

    def part(self, key, upload, number, body, crc):
        headers = {"x-amz-checksum-crc64nvme": crc, "x-amz-sdk-checksum-algorithm": "CRC64NVME"}
        return self.call("PUT", key, f"partNumber={number}&uploadId={upload}", body, **headers)

    def complete(self, key, upload, parts, **headers):
        xml = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag>"
            f"<ChecksumCRC64NVME>{crc}</ChecksumCRC64NVME></Part>" for n, etag, crc in parts)
        body = f"<CompleteMultipartUpload>{xml}</CompleteMultipartUpload>".encode()
        return self.call("POST", key, f"uploadId={upload}", body, **headers)

    def checksum(self, key):
        head = self.call("HEAD", key, x_amz_checksum_mode="ENABLED")
        return head.headers.get("x-amz-checksum-crc64nvme"), head.headers.get("x-amz-checksum-type")

    def upload(self, key, bodies):
        upload = self.create(key)
        parts = []
        for number, body in enumerate(bodies, 1):
            reply = self.part(key, upload, number, body, crc64nvme(body))
            parts.append((number, reply.headers.get("ETag", ""), crc64nvme(body)))
        return upload, parts


BODIES = [os.urandom(5 * MIB), os.urandom(5 * MIB), os.urandom(MIB)]
WHOLE = b"".join(BODIES)
WRONG = "AAAAAAAAAAA="


def stored(server, key, want):
    value, kind = server.checksum(key)
    if value is None:
        return "none"
    return ("right" if value == want else f"wrong ({value})") + (f", {kind}" if kind else ", no type")


def complete_with(server, **headers):
    upload, parts = server.upload("mpu-headers", BODIES)
    word = server.complete("mpu-headers", upload, parts, **headers).word
    server.call("DELETE", "mpu-headers", f"uploadId={upload}")
    return word


def complete_wrong_part(server):
    upload, parts = server.upload("mpu-part", BODIES)
    parts[1] = parts[1][:2] + (WRONG,)
    word = server.complete("mpu-part", upload, parts).word
    server.call("DELETE", "mpu-part", f"uploadId={upload}")
    return word


def wrong_part(server):
    upload = server.create("mpu-wrong")
    word = server.part("mpu-wrong", upload, 1, BODIES[0], WRONG).word
    server.call("DELETE", "mpu-wrong", f"uploadId={upload}")
    return word


def mpu_stored(server):
    upload, parts = server.upload("mpu", BODIES)
    whole = {"x-amz-checksum-crc64nvme": crc64nvme(WHOLE), "x-amz-checksum-type": "FULL_OBJECT",
             "x-amz-mp-object-size": str(len(WHOLE))}
    reply = server.complete("mpu", upload, parts, **whole)
    if reply.word != "200":
        return reply.word
    return stored(server, "mpu", crc64nvme(WHOLE))


def complete_twice(server):
    upload, parts = server.upload("mpu-twice", BODIES)
    first = server.complete("mpu-twice", upload, parts).word
    return f"{first}, {server.complete('mpu-twice', upload, parts).word}"


def complete_if_none_match(server):
    server.put("mpu-cond")
    upload, parts = server.upload("mpu-cond", BODIES)
    word = server.complete("mpu-cond", upload, parts, If_None_Match="*").word
    server.call("DELETE", "mpu-cond", f"uploadId={upload}")
    return word


def if_none_match(server):
    server.put("cond")
    return server.put("cond", If_None_Match="*").word


def if_match(server):
    server.put("cond")
    absent = server.put("cond-absent", If_Match='"0123456789abcdef0123456789abcdef"').word
    return server.put("cond", If_Match='"0123456789abcdef0123456789abcdef"').word + "; absent key " + absent


def ranged_copy(server):
    upload = server.create("copy")
    source = f"/{server.env['BUCKET']}/mpu"
    reply = server.call("PUT", "copy", f"partNumber=1&uploadId={upload}", x_amz_copy_source=source,
                        x_amz_copy_source_range=f"bytes=0-{5 * MIB - 1}")
    crc = re.search(rb"<ChecksumCRC64NVME>([^<]*)", reply.data)
    word = "none" if crc is None else "right" if crc.group(1).decode() == crc64nvme(BODIES[0]) else "wrong"
    server.call("DELETE", "copy", f"uploadId={upload}")
    return f"{reply.word}, checksum {word}"


def attributes(server):
    reply = server.call("GET", "mpu", "attributes=", x_amz_object_attributes="ETag,Checksum,ObjectParts,ObjectSize")
    if b"GetObjectAttributes" not in reply.data[:500]:
        return f"{reply.word}, not an attributes reply"
    return f"{reply.word}, checksum {'yes' if crc64nvme(WHOLE).encode() in reply.data else 'no'}"


def long_name_twice(server):
    server.call("DELETE", "p" * 255)
    return f"{server.put('p' * 255).word}, {server.put('p' * 255).word}"


def names(server):
    kept = []
    for label, key in (("%01", "name%01x"), ("//", "a//b"), ("../", "a/../b"), ("+ &", "name%2B%20%26"),
                       ("1,024 bytes", "/".join(["n" * 204] * 5)), ("255-byte part", "p" * 255),
                       ("a and a/b", "both/x"), ("dir/", "folder/")):
        if label == "a and a/b":
            server.put("both")
        body = b"" if key.endswith("/") else key.encode()
        server.call("DELETE", key)
        put = server.put(key, body)
        got = server.call("GET", key)
        if put.status != 200 or got.status != 200 or got.data != body:
            kept.append(f"{label} ({put.word})")
    return "all" if not kept else "all but " + ", ".join(kept)


ROWS = (
    ("wrong secret", lambda s: s.call("PUT", "k", body=b"x", secret="wrong").word),
    ("PUT, right CRC64NVME", lambda s: s.put("crc", crc=crc64nvme(b"hello")).word),
    ("... stored value", lambda s: stored(s, "crc", crc64nvme(b"hello"))),
    ("PUT without a checksum, stored value",
     lambda s: s.put("plain").word and stored(s, "plain", crc64nvme(b"hello"))),
    ("PUT, wrong CRC64NVME", lambda s: s.put("crc-wrong", crc=WRONG).word),
    ("PUT, wrong SHA-256", lambda s: s.call("PUT", "sha", body=b"x", x_amz_checksum_sha256=sha256(b"y"),
                                            x_amz_sdk_checksum_algorithm="SHA256").word),
    ("part, wrong CRC64NVME", wrong_part),
    ("Complete, FULL_OBJECT CRC64NVME, stored value", mpu_stored),
    ("Complete, wrong value of the whole object",
     lambda s: complete_with(s, x_amz_checksum_crc64nvme=WRONG, x_amz_checksum_type="FULL_OBJECT")),
    ("Complete, wrong value of a part", complete_wrong_part),
    ("Complete, wrong x-amz-mp-object-size", lambda s: complete_with(s, x_amz_mp_object_size="7")),
    ("Complete sent twice", complete_twice),
    ("Complete, unknown upload id",
     lambda s: s.complete("nope", "0" * 32, [(1, '"x"', WRONG)]).word),
    ("PUT If-None-Match: * on a present key", if_none_match),
    ("Complete If-None-Match: * on a present key", complete_if_none_match),
    ("PUT If-Match of another ETag", if_match),
    ("UploadPartCopy of a range", ranged_copy),
    ("GetObjectAttributes", attributes),
    ("names kept (PUT, GET)", names),
    ("PUT twice of a 255-byte name", long_name_twice),
)


def main():
    servers = [Server(directory) for directory in sys.argv[1:]]
    if not servers:
        sys.exit(__doc__)
    head = [f"{s.env['NAME']} {s.env['VERSION']}" for s in servers]
    print("| probe | " + " | ".join(head) + " |")
    print("|---" * (len(servers) + 1) + "|")
    for label, probe in ROWS:
        print(f"| {label} | " + " | ".join(probe(s) for s in servers) + " |", flush=True)


if __name__ == "__main__":
    main()
