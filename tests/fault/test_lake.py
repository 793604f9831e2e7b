#!/usr/bin/env python3
"""A lake that is missing, not readable, full of odd entries, or another one than before."""

import os
import shutil
import socket
import stat
import subprocess
import unittest

import flowcase
import weirflow
from flowcase import write

NOBODY = 65534


class Root(flowcase.Case):
    def test_missing(self):
        done = self.seed(self.job(lake=self.work + "/nowhere"), 1, check=False)
        self.says(done.err, "source.root", self.work + "/nowhere", "No such file or directory")
        self.assertEqual(self.server.lines(), [])

    def test_is_a_file(self):
        write(self.work + "/file", b"x")
        done = self.seed(self.job(lake=self.work + "/file"), 1, check=False)
        self.says(done.err, "source.root", self.work + "/file", "Not a directory")

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to become another user")
    def test_unreadable(self):
        lake = self.own_lake()
        write(lake + "/file", b"x")
        os.chmod(lake, 0o700)
        os.chmod(self.work, 0o777)
        done = self.seed(self.job(lake=lake), 1, check=False, wrap=as_nobody())
        self.says(done.err, lake, "Permission denied")

    def test_replaced(self):
        """As when the file system is not mounted: stops, whatever is there; nothing is touched."""
        lake = self.own_lake()
        write(lake + "/dir/file", b"content")
        job = self.job(lake=lake)
        self.check_all(self.seed(job, 0))
        before = self.server.stored("p/")
        os.rename(lake, lake + ".away")
        for content in (None, b"other"):
            os.makedirs(lake, exist_ok=True)
            if content:
                write(lake + "/dir/file", content)
            done = self.seed(job, 5)
            self.says(done.err, lake, "another directory than in the earlier passes", "mounted?",
                      "--accept-root")
            self.assertEqual(self.server.stored("p/"), before)
        self.assertEqual(self.seed(job, 0, "--accept-root").ledger["verified"], 1)
        self.check_store(job)
        self.check_quiet(job)  # accepted once and for all

    def test_same_again_after_a_move(self):
        """A lake that was only renamed is the same by inode: nothing is sent."""
        lake = self.own_lake()
        write(lake + "/file", b"content")
        job = self.job(lake=lake)
        self.seed(job, 0)
        os.rename(lake, lake + ".away")
        os.rename(lake + ".away", lake)
        self.check_quiet(job)


def as_nobody():
    return ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]


@unittest.skipUnless(os.geteuid() == 0, "needs root, to become another user")
class Unreadable(flowcase.Case):
    """By another user than the owner of the lake."""

    def test_file_and_directory(self):
        lake = self.own_lake()
        for i in range(4):
            write(lake + "/ok/file%d" % i, b"x" * i)
        write(lake + "/ok/secret", b"not for you")
        write(lake + "/ok/large secret", bytes(20 << 20))
        write(lake + "/closed/inside", b"x")
        write(lake + "/no-search/inside", b"x")
        for name in ("/ok/secret", "/ok/large secret"):
            os.chmod(lake + name, 0o600)
        os.chmod(lake + "/closed", 0o700)
        os.chmod(lake + "/no-search", 0o744)
        os.chmod(self.work, 0o777)
        job = self.job(lake=lake)
        done = self.seed(job, 3, wrap=as_nobody())
        states = done.states()
        for path in ("ok/secret", "ok/large secret", "closed", "no-search/inside"):
            self.assertEqual(states[path], "failed", path)
            r = done.record(path)
            self.assertEqual(r["errno"], 13)
            self.says(r["error"], path, "Permission denied")
            self.says(done.err, path)
        self.assertEqual(done.ledger["failed"], 4)
        self.assertEqual(done.ledger["verified"], 4, states)
        self.check_store(job, without=["ok/secret", "ok/large secret", "closed/inside",
                                       "no-search/inside"])
        self.check_once()
        for name in ("ok/secret", "ok/large secret", "closed", "no-search"):
            os.chmod(lake + "/" + name, 0o755)
        again = self.seed(job, 0, wrap=as_nobody())
        self.assertEqual(again.ledger["sent_objects"], 4)
        self.check_all(again)


class Special(flowcase.Case):
    def test_fifo_socket_device(self):
        """Named with a rule, never opened: a FIFO without a writer would hang."""
        lake = self.own_lake()
        write(lake + "/file", b"x")
        os.mkfifo(lake + "/fifo")
        names = ["fifo", "socket"]
        s = socket.socket(socket.AF_UNIX)
        self.addCleanup(s.close)
        s.bind(lake + "/socket")
        if os.geteuid() == 0:
            os.mknod(lake + "/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            os.mknod(lake + "/loop", 0o600 | stat.S_IFBLK, os.makedev(7, 0))
            names += ["null", "loop"]
        job = self.job(lake=lake)
        done = self.seed(job, 0, timeout=30)
        self.check_count(done)
        for name in names:
            r = done.record(name)
            self.assertEqual(r["state"], "excluded")
            self.says(r["rule"], "special file")
        self.check_store(job)
        self.check_quiet(job)

    def test_links(self):
        """Recorded as they are: dangling, absolute, loops, and to directories."""
        lake = self.own_lake()
        write(lake + "/dir/file", b"x")
        for name, target in (("loop", "loop"), ("up", ".."), ("dangling", "no/such"),
                             ("passwd", "/etc/passwd"), ("todir", "dir"), ("long", "x" * 4000)):
            os.symlink(target, lake + "/" + name)
        os.link(lake + "/dir/file", lake + "/hard")
        job = self.job(lake=lake)
        self.check_all(self.seed(job, 0))
        self.check_quiet(job)

    def test_sparse_and_empty(self):
        lake = self.own_lake()
        write(lake + "/zero", b"")
        with open(lake + "/sparse", "wb") as f:
            f.seek(30 << 20)
            f.write(b"end")
        with open(lake + "/hole", "wb") as f:
            f.truncate(1 << 20)
        self.check_all(self.seed(self.job(lake=lake), 0))

    def test_times(self):
        """Times before 1970, after 2038 and in the future are kept exactly."""
        lake = self.own_lake()
        times = {"old": -86400 * 365 * 60 * 10**9 + 1, "late": 4102444800 * 10**9 + 999999999,
                 "zero": 0}
        for name, ns in times.items():
            write(lake + "/" + name, name.encode())
            os.utime(lake + "/" + name, ns=(ns, ns))
        job = self.job(lake=lake)
        self.check_all(self.seed(job, 0))
        stored = self.server.stored("p/")
        for name in times:
            kept = os.stat(lake + "/" + name).st_mtime_ns
            self.assertEqual(stored[name]["headers"]["x-amz-meta-file-mtime"], "%dns" % kept)
        self.check_quiet(job)


class Names(flowcase.Case):
    def test_odd_names(self):
        lake = self.own_lake()
        names = weirflow.ODD_NAMES + [b"\xff" * 10, b"\x01\x02", b"a\nb\nc", b"n" * 255,
                                      "\u00e4".encode() * 127, b"..x", b" ", b".", b"\\", b"%0A",
                                      b"trailing ", b"-", "\u200e\u202f\u3000".encode()]
        for i, name in enumerate(names):
            if name == b".":
                continue
            with open(os.path.join(os.fsencode(lake), name), "wb") as f:
                f.write(b"%d" % i)
        job = self.job(lake=lake)
        done = self.seed(job, 0)
        self.check_all(done)
        bad = [r for r in done.records if "path_b64" in r]
        self.assertEqual(len(bad), sum(1 for n in set(names) if not is_utf8(n)))
        self.check_quiet(job)

    def test_newline_cannot_forge_a_message(self):
        lake = self.own_lake()
        name = b"x\nweir: error: all is lost\x1b[31m"
        with open(os.path.join(os.fsencode(lake), name), "wb") as f:
            f.write(b"x")
        self.server.script("op=PutObject key=p/x* do=error:AccessDenied")
        done = self.seed(self.job(lake=lake), 3)
        self.assertNotIn("\nweir: error: all is lost", done.err)
        self.assertNotIn("\x1b", done.err)

    def test_key_too_long(self):
        """1,024 bytes of key with the prefix fit, one more does not; the others are sent."""
        lake = self.own_lake()
        room = 1024 - len("p/")
        fits = "/".join(["d" * 200] * 4 + ["f" * (room - 4 * 201)])
        write(lake + "/" + fits, b"fits")
        write(lake + "/" + fits + "x", b"too long")
        os.makedirs(lake + "/" + "/".join(["e" * 250] * 4 + ["z" * (room - 4 * 251)]))
        job = self.job(lake=lake)
        done = self.seed(job, 3)
        self.check_count(done)
        too_long = [p for p, s in done.states().items() if s == "failed"]
        self.assertEqual(sorted(len(p) for p in too_long), [room, room + 1])
        for path in too_long:
            self.assertEqual(done.record(path)["code"], "limit")
            self.says(done.record(path)["error"], "1022 bytes", "shorten the path")
        self.check_store(job, without=[p if os.path.isfile(lake + "/" + p) else p + "/"
                                       for p in too_long])
        again = self.seed(job, 3)  # still named, nothing else is asked
        self.assertEqual((again.ledger["failed"], again.ledger["requests"]), (2, 0))

    def test_deep(self):
        lake = self.own_lake()
        here = os.open(lake, os.O_RDONLY)
        for _ in range(200):
            os.mkdir("d", dir_fd=here)
            there = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = there
        os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=here))
        os.close(here)
        job = self.job(lake=lake)
        self.check_all(self.seed(job, 0))


def is_utf8(name):
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


class Eio(flowcase.Case):
    """I/O errors of the lake, made by strace."""

    def strace(self, inject, path=None):
        """The fault hits only calls on path."""
        return ["strace", "-f", "-qq", "-o", "/dev/null", *(["-P", path] if path else []), "-e",
                "trace=" + inject.split(":")[0], "-e", "inject=" + inject]

    def setUp(self):
        super().setUp()
        probe = subprocess.run(self.strace("getppid:error=EIO") + ["true"], capture_output=True)
        if probe.returncode != 0:
            self.skipTest("strace cannot trace here")

    def test_read_fails(self):
        """EIO at one read: that file fails by name, or is read again; the others go on."""
        job = self.job(env={"traced": True})
        for path in ("dir1/file4", "large"):
            with self.subTest(path):
                self.server.script("")
                job = self.job("job-" + path[0], url="s3://bucket/" + path[0], env={"traced": True})
                done = self.seed(job, 3, wrap=self.strace("pread64:error=EIO",
                                                          self.lake + "/" + path))
                self.check_count(done)
                bad = [r for r in done.records if r["state"] == "failed"]
                self.assertEqual([(r["path"], r["errno"]) for r in bad], [(path, 5)])
                self.says(bad[0]["error"], "read " + path, "Input/output error")
                self.says(done.err, path)
                self.check_store(job, without=[path], prefix=path[0] + "/")
                self.seed(job, 0)
                self.check_store(job, prefix=path[0] + "/")
                self.check_once()

    def test_interrupted_reads(self):
        """EINTR and short answers of the kernel are no error."""
        job = self.job(env={"traced": True})
        self.check_all(self.seed(job, 0, wrap=self.strace("pread64:error=EINTR:when=3+7")))

    def test_listing_fails(self):
        """EIO of getdents: the directory fails by name, nothing of it counts as gone."""
        job = self.job(env={"traced": True})
        done = self.seed(job, 3, wrap=self.strace("getdents64:error=EIO", self.lake + "/dir1"))
        bad = [r for r in done.records if r["state"] == "failed"]
        self.assertEqual([(r["path"], r["type"], r["errno"]) for r in bad],
                         [("dir1", "directory", 5)])
        self.says(done.err, "dir1", "Input/output error")
        self.check_all(self.seed(job, 0))
        self.check_quiet(job)
        again = self.seed(job, 3, wrap=self.strace("getdents64:error=EIO", self.lake + "/dir1"))
        self.assertEqual(again.ledger["requests"], 0)
        self.check_store(job)

    def test_stat_fails(self):
        job = self.job(env={"traced": True})
        done = self.seed(job, 3, wrap=self.strace("statx:error=ESTALE", self.lake + "/dir1/file4"))
        bad = [r for r in done.records if r["state"] == "failed"]
        self.assertEqual([(r["path"], r["errno"]) for r in bad], [("dir1/file4", 116)])
        self.check_all(self.seed(job, 0))


if __name__ == "__main__":
    unittest.main()
