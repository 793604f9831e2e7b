"""The fake against its own rules: who may ask."""
import datetime
import hashlib
from selfcase import Case


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
