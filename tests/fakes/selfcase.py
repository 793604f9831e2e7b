"""What the self tests of the fake share: a server for each class, checks of replies."""
import datetime
import unittest

from fakes3 import Client, Fake, program, sign

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

    def head_text(self, method, path, more=""):
        head = {"host": "h"}
        sign(method, path, [], head, "UNSIGNED-PAYLOAD",
             datetime.datetime.now(datetime.timezone.utc))
        lines = "".join(f"{k}: {v}\r\n" for k, v in head.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}{more}\r\n".encode()
