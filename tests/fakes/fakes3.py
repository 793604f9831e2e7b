"""A client of the fake for tests, on the standard library: signs by itself, sends exactly the
bytes it is told to, and follows nothing."""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import socket
import struct
import subprocess
import urllib.parse
import xml.etree.ElementTree as ET

KEY, SECRET, REGION, BUCKET = "AKIAFAKE", "fakesecret", "us-east-1", "bucket"


def crc64nvme(data, value=0):
    """Bit by bit: slow, and as far from the code under test as can be."""
    value ^= 0xFFFFFFFFFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x9A6C9329AC4BC9B5 if value & 1 else 0)
    return value ^ 0xFFFFFFFFFFFFFFFF


def crc64_header(data):
    return base64.b64encode(struct.pack(">Q", crc64nvme(data))).decode()


class Fake:
    """The server process; a context manager."""

    def __init__(self, program, *options):
        self.process = subprocess.Popen(
            [program, "--bucket", BUCKET, *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.stdin.close()
        status = self.process.wait(30)
        self.process.stdout.close()
        assert status == 0, f"the fake ended with {status}"

    def admin(self, method, path, body=b""):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        c.request(method, "/_fake/" + path, body)
        r = c.getresponse()
        text = r.read()
        c.close()
        return r.status, text

    def script(self, text):
        status, answer = self.admin("POST", "script", text.encode())
        assert status == 200, answer

    def log(self):
        return json.loads(self.admin("GET", "log")[1])

    def objects(self):
        return [json.loads(line) for line in self.admin("GET", "objects")[1].splitlines()]


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    @property
    def xml(self):
        text = self.body.decode().replace(' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', "")
        return ET.fromstring(text)

    @property
    def code(self):
        return self.xml.findtext("Code") if self.body else None


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-._~")


def sign(method, path, query, headers, payload, when, access=KEY, secret=SECRET, region=REGION,
         signed=None):
    """Adds authorization to @headers; @path is as sent, @query a list of pairs."""
    stamp = when.strftime("%Y%m%dT%H%M%SZ")
    headers["x-amz-date"] = stamp
    headers.setdefault("x-amz-content-sha256", payload)
    lower = {k.lower(): " ".join(v.split()) for k, v in headers.items()}
    names = sorted(n for n in lower if signed is None or n in signed)
    text = "&".join(f"{a}={b}" for a, b in sorted((quote(a), quote(b)) for a, b in query))
    canonical = "\n".join([method, path, text, *(f"{n}:{lower[n]}" for n in names), "",
                           ";".join(names), lower["x-amz-content-sha256"]])
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    k = ("AWS4" + secret).encode()
    for word in (stamp[:8], region, "s3", "aws4_request", to_sign):
        k = hmac.new(k, word.encode(), hashlib.sha256).digest()
    headers["Authorization"] = (f"AWS4-HMAC-SHA256 Credential={access}/{scope}, "
                                f"SignedHeaders={';'.join(names)}, Signature={k.hex()}")


class Client:
    def __init__(self, fake, **sign_options):
        self.fake = fake
        self.sign_options = sign_options
        self.offset = datetime.timedelta()
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def request(self, method, key="", query=(), body=b"", headers=(), bucket=BUCKET,
                payload=None, host=None, path=None, drop=(), framing=None, **sign_options):
        query = [(q, "") if isinstance(q, str) else q for q in query]
        head = {"host": host or f"127.0.0.1:{self.fake.port}", **dict(headers)}
        if path is None:
            path = "/" + (bucket + "/" if not host else "") + quote(key, "/")
        sent_path = path
        sign(method, path, query, head, payload or hashlib.sha256(body).hexdigest(),
             datetime.datetime.now(datetime.timezone.utc) + self.offset,
             **{**self.sign_options, **sign_options})
        for name in drop:
            head.pop(name)
        if query:
            sent_path += "?" + "&".join(f"{quote(a)}={quote(b)}" if b else quote(a)
                                        for a, b in query)
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.fake.port,
                                                         timeout=20)
        c = self.connection
        try:
            c.putrequest(method, sent_path, skip_host=True, skip_accept_encoding=True)
            for name, value in head.items():
                c.putheader(name, value)
            if framing:
                c.putheader(*framing.split(": "))
            elif body or method in ("PUT", "POST"):
                c.putheader("content-length", str(len(body)))
            c.endheaders(body)
            reply = Reply(c.getresponse())
        except Exception:
            self.close()
            raise
        if reply.headers.get("connection") == "close":
            self.close()
        return reply

    def put(self, key, body=b"data", **more):
        return self.request("PUT", key, body=body, **more)

    def get(self, key, **more):
        return self.request("GET", key, **more)

    def head(self, key, **more):
        return self.request("HEAD", key, **more)

    def delete(self, key, **more):
        return self.request("DELETE", key, **more)

    def list(self, *query, **more):
        return self.request("GET", "", [("list-type", "2"), *query], **more)

    def create(self, key, **headers):
        r = self.request("POST", key, ["uploads"], headers=dashes(headers))
        return r.xml.findtext("UploadId") if r.status == 200 else r

    def part(self, key, upload, number, body, **headers):
        return self.request("PUT", key, [("partNumber", str(number)), ("uploadId", upload)],
                            body=body, headers=dashes(headers))

    def complete(self, key, upload, parts, **headers):
        """@parts: (number, etag) or (number, etag, element, value)."""
        xml = "".join(
            f"<Part><PartNumber>{p[0]}</PartNumber><ETag>{p[1]}</ETag>"
            + (f"<{p[2]}>{p[3]}</{p[2]}>" if len(p) > 2 else "") + "</Part>" for p in parts)
        body = f"<CompleteMultipartUpload>{xml}</CompleteMultipartUpload>".encode()
        return self.request("POST", key, [("uploadId", upload)], body=body,
                            headers=dashes(headers))


def dashes(headers):
    """x_amz_meta_a=1 as a keyword for x-amz-meta-a: 1"""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def raw(fake, data, timeout=10):
    """What comes back for these bytes until the server closes."""
    with socket.create_connection(("127.0.0.1", fake.port), timeout) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
        return out


def program():
    return os.environ["WEIR_FAKE_S3"]
