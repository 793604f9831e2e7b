#!/usr/bin/env python3
"""Each key of the manifest does what FORMAT.md says, seen from outside: in the store, in the requests, in the
ledger.  tests/COVERAGE.md has the list."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

import fakes3
import flowcase
from flowcase import write


class Source(flowcase.Case):
    def make(self, *paths):
        lake = self.own_lake()
        for path in paths:
            write(lake + "/" + path, path.encode())
        return lake

    def keys(self, lake, *source, status=0):
        done = self.seed(self.job(lake=lake, source=list(source)), status)
        return sorted(self.server.stored("p/")), done

    def test_include_exclude(self):
        lake = self.make("a.txt", "b.bin", "dir/c.txt", "dir/d.bin", "tmp/e.txt", "keep/tmp/f.txt")
        keys, done = self.keys(lake, 'include: ["*.txt"]', "exclude: [/tmp/, 'c.*']")
        # "dir/": nothing of this directory is taken, so it is an empty one in the store.
        self.assertEqual(keys, ["a.txt", "dir/", "keep/tmp/f.txt"])
        for path in ("b.bin", "dir/c.txt", "tmp"):
            self.assertEqual(done.record(path)["state"], "excluded")
        self.assertIn("c.*", done.record("dir/c.txt")["rule"])

    def test_files_from(self):
        lake = self.make("a", "dir/b\nwith newline", "dir/c", "d")
        with open(self.work + "/list", "wb") as f:
            f.write(b"a\0dir/b\nwith newline\0missing\0")
        keys, done = self.keys(lake, "files_from: list", status=3)
        self.assertEqual(keys, ["a", "dir/b\u241b0Awith newline"])
        self.assertEqual(done.record("missing")["state"], "failed")
        self.assertEqual((done.ledger["verified"], done.ledger["failed"]), (2, 1))
        for path in ("dir/c", "d"):  # seen and left out
            self.assertEqual(done.record(path)["state"], "excluded")

    def test_symlinks(self):
        for policy, want in (("record", ["dir/file", "inside", "outside"]),
                             ("skip", ["dir/file"]), ("follow", ["dir/file", "inside"])):
            with self.subTest(policy):
                self.server = self.start_server()
                lake = self.own_lake("lake-" + policy)
                write(lake + "/dir/file", b"content")
                os.symlink("dir/file", lake + "/inside")
                os.symlink("/etc/passwd", lake + "/outside")
                job = self.job("job-" + policy, lake=lake, source=["symlinks: " + policy])
                done = self.seed(job, None)
                stored = self.server.stored("p/")
                self.assertEqual(sorted(stored), want, done.err)
                if policy == "follow":
                    self.assertEqual(stored["inside"]["size"], len("content"))
                if policy == "record":
                    self.assertEqual(stored["inside"]["size"], len("dir/file"))

    def test_directories(self):
        for policy, want in (("empty", ["a/empty/", "a/file"]), ("skip", ["a/file"]),
                             ("all", ["a/", "a/empty/", "a/file"])):
            with self.subTest(policy):
                self.server = self.start_server()
                lake = self.own_lake("lake-" + policy)
                write(lake + "/a/file", b"x")
                os.makedirs(lake + "/a/empty")
                job = self.job("job-" + policy, lake=lake, source=["directories: " + policy])
                self.seed(job, 0)
                self.assertEqual(sorted(self.server.stored("p/")), want)
                self.check_quiet(job)

    def test_metadata(self):
        lake = self.make("file")
        os.utime(lake + "/file", ns=(5, 1234567890123456789))
        self.keys(lake)
        headers = self.server.stored("p/")["file"]["headers"]
        st = os.stat(lake + "/file")
        self.assertEqual(headers["x-amz-meta-file-mtime"], "1234567890123456789ns")
        self.assertEqual(headers["x-amz-meta-mtime"], "1234567890.123456789")
        self.assertEqual(headers["x-amz-meta-file-permissions"], "0%o" % st.st_mode)
        self.assertEqual(headers["x-amz-meta-file-owner"], str(st.st_uid))
        self.server = self.start_server()
        self.seed(self.job("none", lake=lake, source=["metadata: none"]), 0)
        names = [n for n in self.server.stored("p/")["file"]["headers"] if "-meta-" in n]
        self.assertEqual(sorted(names), ["x-amz-meta-weir-id", "x-amz-meta-weir-xxh128"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to mount a file system")
    def test_one_file_system(self):
        lake = self.make("file", "mounted/below")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", lake + "/mounted"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", lake + "/mounted"])
        write(lake + "/mounted/other", b"on another file system")
        keys, done = self.keys(lake)
        self.assertEqual(keys, ["file"])
        self.assertEqual(done.record("mounted")["state"], "excluded")
        self.server = self.start_server()
        self.seed(self.job("all", lake=lake, source=["one_file_system: false"]), 0)
        self.assertEqual(sorted(self.server.stored("p/")), ["file", "mounted/other"])


class Destination(flowcase.Case):
    def headers(self, *destination, key="dir1/file1", **job):
        done = self.seed(self.job(destination=list(destination), **job), 0)
        self.check_all(done)
        return self.server.stored("p/")[key]["headers"]

    def test_storage_class(self):
        for key in ("dir1/file1", "large"):
            self.server = self.start_server()
            got = self.headers("storage_class: STANDARD_IA", key=key, name="job-" + key[0])
            self.assertEqual(got["x-amz-storage-class"], "STANDARD_IA")

    def test_encryption(self):
        got = self.headers("encryption: {type: aws:kms, key: alias/mine}")
        self.assertEqual(got["x-amz-server-side-encryption"], "aws:kms")
        self.assertEqual(got["x-amz-server-side-encryption-aws-kms-key-id"], "alias/mine")

    def test_tags(self):
        got = self.headers('tags: {project: "a b+c", owner: me}')
        self.assertIn("owner=me", got["x-amz-tagging"])
        self.assertRegex(got["x-amz-tagging"], r"project=a(%20|\+)b%2Bc")

    def test_expected_owner(self):
        self.headers('expected_owner: "123456789012"')
        done = self.seed(self.job("other", destination=['expected_owner: "999999999999"']), 7)
        self.says(done.err, "AccessDenied")

    def test_profile(self):
        """Credentials of a section of the shared files, not of the environment."""
        write(self.work + "/credentials", ("[mine]\naws_access_key_id = %s\n"
                                           "aws_secret_access_key = %s\n"
                                           % (fakes3.KEY, fakes3.SECRET)).encode())
        job = self.job(destination=["profile: mine"], env={
            "AWS_SHARED_CREDENTIALS_FILE": self.work + "/credentials"})
        del job.env["AWS_ACCESS_KEY_ID"], job.env["AWS_SECRET_ACCESS_KEY"]
        self.check_all(self.seed(job, 0))

    def test_session_token(self):
        self.server = self.start_server("--session-token", "tok/en+")
        self.check_all(self.seed(self.job(env={"AWS_SESSION_TOKEN": "tok/en+"}), 0))
        done = self.seed(self.job("wrong", env={"AWS_SESSION_TOKEN": "old"}), 7)
        self.says(done.err, "weir: error:", self.server.endpoint)

    def test_addressing_virtual(self):
        """BUCKET.s3.localhost: resolved to the loopback address by libcurl itself."""
        endpoint = "http://s3.localhost:%d" % self.server.port
        job = self.job(destination=["endpoint: " + endpoint, "addressing: virtual"])
        self.check_all(self.seed(job, 0))

    def test_tls_and_ca_file(self):
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                "subjectAltName=IP:127.0.0.1", "-keyout", self.work + "/key", "-out",
                self.work + "/cert"]
        if shutil.which("openssl") is None:
            self.skipTest("no openssl program")
        subprocess.run(make, check=True, capture_output=True)
        self.server = self.start_server("--tls-cert", self.work + "/cert", "--tls-key",
                                        self.work + "/key")
        endpoint = "endpoint: https://127.0.0.1:%d" % self.server.port
        done = self.seed(self.job("untrusted", destination=[endpoint]), 7)
        self.says(done.err, endpoint.split()[1], "certificate", "ca_file")
        job = self.job(destination=[endpoint, "ca_file: %s/cert" % self.work])
        done = self.seed(job, 0)
        self.assertEqual(done.ledger["verified"], flowcase.count_entries(self.lake))

    def test_plain_http_on_a_tls_port(self):
        """Named as such at once: no other try would help, and nothing is sent in clear."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    c, _ = listener.accept()
                except OSError:
                    return
                c.recv(4096)
                c.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                c.close()
        threading.Thread(target=serve, daemon=True).start()
        endpoint = "https://127.0.0.1:%d" % listener.getsockname()[1]
        done = self.seed(self.job(destination=["endpoint: " + endpoint]), 7)
        self.says(done.err, endpoint)
        self.assertLess(done.seconds, 5)

    def test_file_url(self):
        """A directory as store: the same content, file by file."""
        store = self.work + "/store"
        os.makedirs(store)
        job = self.job(url="file://" + store)
        done = self.seed(job, 0)
        self.check_count(done)
        want = flowcase.contents(self.lake)
        for key, digest in want.items():
            if not key.endswith("/"):
                self.assertEqual(flowcase.weirflow.sha256_file(store + "/" + key), digest, key)
        self.check_quiet(job)


class Transfer(flowcase.Case):
    def test_part_size(self):
        for size, parts in (("5MiB", 5), ("10MiB", 3), ("auto", 3)):
            with self.subTest(size):
                self.server = self.start_server()
                self.seed(self.job("job-" + size.lower(), transfer=["part_size: " + size]), 0)
                self.assertEqual(self.server.stored("p/")["large"]["parts"], parts)
                self.assertEqual(len(self.server.requests("UploadPart")), parts)

    def test_connections(self):
        """One means one at a time: no two requests overlap."""
        self.server.script("op=PutObject key=p/d* do=delay:30")
        self.seed(self.job(transfer=["connections: 1"]), 0)
        self.assertLess(json.loads(self.server.admin("GET", "log")[1])["connections"]["accepted"], 5)


class Track(flowcase.Case):
    """What `weir sync` does by the section track; tests/flow/test_cron.py has metrics."""

    @classmethod
    def fill(cls, lake):
        """Lakes in store, so that one wait is enough until their files are old enough to be read."""
        cls.lakes = ["%s/lake%d" % (cls.class_work, n) for n in range(16)]
        for folder in cls.lakes:
            for i in range(20):
                write("%s/file%d" % (folder, i), b"%d" % i)

    def start(self, *track):
        """A job that was synced once, on a lake and a server of its own."""
        self.server = self.start_server()
        lake = self.lakes.pop()
        job = self.job(os.path.basename(lake), lake=lake, track=list(track))
        self.sync(job, 0)
        return job

    def remove(self, job, *numbers):
        for i in numbers:
            os.unlink("%s/file%d" % (job.lake, i))

    def test_delete(self):
        for track in ([], ["delete: keep"], ["delete: mirror"], ["delete: quarantine"]):
            with self.subTest(track):
                job = self.start("delete_grace: 0s", "delete_limit: {percent: 50}", *track)
                self.remove(job, 3)
                done = self.sync(job, 0)
                gone = track[0].split()[1] if track else "keep"
                self.assertEqual("file3" in self.server.stored("p/"), gone == "keep")
                self.assertEqual(len(self.server.stored("p/")), 20 if gone == "keep" else 19)
                self.assertEqual((done.ledger["kept"], done.ledger["deleted"], done.ledger["quarantined"]),
                                 {"keep": (1, 0, 0), "mirror": (0, 1, 0), "quarantine": (0, 1, 1)}[gone])
                moved = self.server.stored("p/.weir/quarantine/")
                self.assertEqual([o["size"] for o in moved.values()], [1] if gone == "quarantine" else [])
                for key in moved:
                    self.assertRegex(key, r"^[0-9]+/file3$")

    def test_delete_grace(self):
        job = self.start("delete: mirror", "delete_grace: 3s", "delete_limit: {percent: 50}")
        os.rename(job.lake + "/file1", self.work + "/away")
        self.remove(job, 2)
        done = self.sync(job, 0)
        self.assertEqual((done.ledger["kept"], done.ledger["deleted"]), (2, 0))
        os.rename(self.work + "/away", job.lake + "/file1")  # back in time: it was never away
        time.sleep(3.2)
        done = self.sync(job, 0)
        self.assertEqual((done.ledger["kept"], done.ledger["deleted"], done.ledger["sent_bytes"]), (0, 1, 0))
        self.assertEqual(sorted(self.server.stored("p/")), sorted("file%d" % i for i in range(20) if i != 2))

    def test_delete_limit(self):
        """The smaller of the two counts; one more than that and nothing goes."""
        for limit, most in (("{files: 2, percent: 100}", 2), ("{files: 100, percent: 15}", 3),
                            ("{percent: 0}", 0), ("{files: 0}", 0)):
            with self.subTest(limit):
                job = self.start("delete: mirror", "delete_grace: 0s", "delete_limit: " + limit)
                os.rename(job.lake + "/file19", self.work + "/away")
                self.remove(job, *range(most))
                self.assertEqual(self.sync(job, 5).ledger["kept"], most + 1)
                self.assertEqual(len(self.server.stored("p/")), 20)
                os.rename(self.work + "/away", job.lake + "/file19")
                done = self.sync(job, 0)
                self.assertEqual((done.ledger["kept"], done.ledger["deleted"]), (0, most))

    def test_metadata_changes(self):
        for policy in ("copy", "catalog"):
            with self.subTest(policy):
                job = self.start("metadata_changes: " + policy)
                os.chmod(job.lake + "/file5", 0o751)
                time.sleep(flowcase.QUIET_S)
                done = self.sync(job, 0)
                mode = self.server.stored("p/")["file5"]["headers"]["x-amz-meta-file-permissions"]
                self.assertEqual(mode == "0100751", policy == "copy", mode)
                self.assertEqual(len(self.server.requests("CopyObject")), policy == "copy")
                self.assertEqual(len(self.server.requests("PutObject", "p/file5")), 1)
                self.assertEqual(done.ledger["sent_bytes"], 0)
                again = self.sync(job, 0)
                self.assertEqual((again.ledger["unchanged"], again.ledger["requests"]), (20, 0))


if __name__ == "__main__":
    unittest.main()
