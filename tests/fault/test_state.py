#!/usr/bin/env python3
"""Trouble with the state directory, the report and stdout: weir stops before it loses what it knows, says
what is wrong, and goes on when it is put right."""

import os
import shutil
import signal
import sqlite3
import subprocess
import unittest

import flowcase
from flowcase import wait_for, write

ROOT = os.geteuid() == 0


class State(flowcase.Case):
    def seeded(self):
        job = self.job()
        self.seed(job, 0)
        return job

    def refused(self, job, status, *words, **run):
        """The pass ends, the store is asked nothing that changes it, and stays as it is."""
        before = self.server.stored("p/")
        done = self.seed(job, status, **run)
        self.says(done.err, "weir: error:", *words)
        self.assertEqual(self.server.stored("p/"), before)
        return done

    # ---- whose is it? ----

    def test_other_bucket_prefix_endpoint(self):
        lake = self.own_lake()
        write(lake + "/file", b"first")
        job = self.job(lake=lake)
        self.seed(job, 0)
        write(lake + "/new", b"second")
        elsewhere = self.start_server("--bucket", "other")
        for url, server in (("s3://bucket/q", self.server), ("s3://other/p", elsewhere),
                            ("s3://bucket/p", elsewhere)):
            with self.subTest(url=url, same=server is self.server):
                self.refused(self.job(lake=lake, url=url, server=server), 5, "s3://")
        self.assertEqual((self.server.stored("q/"), elsewhere.stored("")), ({}, {}))
        self.seed(self.job(lake=lake), 0)  # nothing happened to the job itself
        self.check_store(job)

    def test_other_job(self):
        job = self.seeded()
        self.refused(self.job("another", state=job.state), 5, job.state, "job", "another")

    def test_state_inside_the_lake(self):
        """Works, and the state is never walked into nor sent."""
        lake = self.own_lake()
        write(lake + "/file", b"content")
        job = self.job(lake=lake, state=lake + "/state")
        done = self.seed(job, 0)
        self.assertEqual(sorted(self.server.stored("p/")), ["file"])
        self.assertEqual(done.ledger["verified"], 1)
        self.assertNotIn("state", [p.split("/")[0] for p, s in done.states().items()
                                   if s != "excluded"])
        again = self.seed(job, 0)
        self.assertEqual((again.ledger["unchanged"], again.ledger["requests"]), (1, 0))

    def test_permissions(self):
        job = self.seeded()
        self.assertEqual(os.stat(job.state).st_mode & 0o777, 0o700)
        for name in os.listdir(job.state):
            self.assertEqual(os.stat(os.path.join(job.state, name)).st_mode & 0o177, 0, name)
            with open(os.path.join(job.state, name), "rb") as f:
                self.assertNotIn(flowcase.SECRET.encode(), f.read(), name)
        os.chmod(job.state, 0o777)
        self.refused(job, 2, job.state, "chmod 700")

    @unittest.skipUnless(ROOT, "needs root, to become another user")
    def test_of_another_user(self):
        job = self.seeded()
        os.chown(job.state, 65534, 65534)
        self.refused(job, 2, job.state, "another user")

    def test_symlink(self):
        job = self.seeded()
        os.symlink(job.state, self.work + "/link")
        self.refused(self.job(state=self.work + "/link"), 2, "symlink")

    # ---- damage ----

    def test_truncated(self):
        job = self.seeded()
        path = job.state + "/catalog.db"
        size = os.path.getsize(path)
        for at in (0, 1, 100, size // 2, size - 1):
            with self.subTest(at=at):
                damaged = self.job("job", state="%s.%d" % (job.state, at))
                shutil.copytree(job.state, damaged.state)
                os.truncate(damaged.state + "/catalog.db", at)
                if at == 0:  # an empty file is what a killed first start leaves: a new catalog
                    self.seed(damaged, 3, check=False)
                else:
                    self.refused(damaged, 1, "catalog.db", "existing: adopt")
        again = self.job("job", state=self.work + "/new", destination=["existing: adopt"])
        done = self.seed(again, 0)  # what the message says works
        self.assertEqual(done.ledger["found"], done.ledger["seen"] - 1)

    def test_page_overwritten(self):
        job = self.seeded()
        path = job.state + "/catalog.db"
        with open(path, "r+b") as f:
            f.seek(8192 * 2)
            f.write(b"\xde\xad" * 4096)
        done = self.seed(job, None)
        self.assertIn(done.status, (0, 1), done.err)
        if done.status == 1:
            self.says(done.err, "catalog.db")

    def test_foreign_database(self):
        state = self.work + "/job.state"
        os.mkdir(state, 0o700)
        db = sqlite3.connect(state + "/catalog.db")
        db.execute("CREATE TABLE somebody(t)")
        db.commit()
        db.close()
        with open(state + "/catalog.db", "rb") as f:
            before = f.read()
        self.refused(self.job(state=state), 1, "catalog.db")
        with open(state + "/catalog.db", "rb") as f:
            self.assertEqual(f.read(), before, "a foreign file was changed")

    def test_no_database(self):
        state = self.work + "/job.state"
        os.mkdir(state, 0o700)
        write(state + "/catalog.db", b"not a database " * 1000)
        self.refused(self.job(state=state), 1, "catalog.db")

    def test_newer_version(self):
        job = self.seeded()
        db = sqlite3.connect(job.state + "/catalog.db")
        db.execute("PRAGMA user_version = 999")
        db.close()
        self.refused(job, 1, "catalog.db", "version")

    # ---- no room, no permission ----

    def mount(self, size, name="disk"):
        folder = self.work + "/" + name
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%s,mode=700" % size, "tmpfs", folder],
                       check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", folder])
        return folder

    @unittest.skipUnless(ROOT, "needs root, to mount a small file system")
    def test_disk_full(self):
        """Stops with the reason; after room is made, goes on without sending anything twice."""
        lake = self.own_lake()
        for i in range(1500):
            write("%s/%s/%s" % (lake, "d" * 100 + str(i % 7), "f" * 200 + str(i)), b"%d" % i)
        for size in ("64k", "256k", "700k"):
            with self.subTest(size=size):
                disk = self.mount(size, "disk" + size)
                job = self.job("full" + size, lake=lake, url="s3://bucket/" + size,
                               state=disk + "/state")
                done = self.seed(job, 1, check=False)
                self.says(done.err, "weir: error:", disk + "/state")
                self.assertTrue("No space left" in done.err or "full" in done.err, done.err)
                subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
                self.seed(job, 0)
                self.check_store(job, prefix=size + "/")
                self.check_once()

    @unittest.skipUnless(ROOT, "needs root, to mount a file system read-only")
    def test_read_only(self):
        disk = self.mount("16m")
        job = self.job(state=disk + "/state")
        self.seed(job, 0)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        self.refused(job, 1, disk + "/state")
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        self.check_quiet(job)

    @unittest.skipUnless(ROOT, "needs root, to mount a small file system")
    def test_report_on_a_full_disk(self):
        """The transfer is not affected; the report says that it is incomplete."""
        lake = self.own_lake()
        for i in range(2000):
            write("%s/%d/file%d" % (lake, i % 7, i), b"%d" % i)
        disk = self.mount("64k")
        job = self.job(lake=lake)
        done = self.seed(job, 1, "--report", disk + "/report", check=False)
        self.says(done.err, disk + "/report", "incomplete", "No space left")
        self.check_store(job)
        self.check_quiet(job)

    def test_report_directory_missing(self):
        job = self.job(transfer=None)
        done = self.seed(job, 1, "--report", self.work + "/no/such/report", check=False)
        self.says(done.err, self.work + "/no/such/report")
        self.assertEqual(self.server.stored("p/"), {})

    def test_stdout_closed_or_full(self):
        for target, name in (("/dev/full", "full"), (None, "closed")):
            with self.subTest(name):
                job = self.job(name, url="s3://bucket/" + name)
                argv = job.argv("seed", "--progress", "none")
                if target:
                    with open(target, "w") as out:
                        p = subprocess.run(argv, env=job.env, stdout=out, stderr=subprocess.PIPE)
                else:
                    p = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *argv], env=job.env,
                                       stderr=subprocess.PIPE)
                self.assertIn(p.returncode, (0, 1))
                if target:
                    self.assertEqual(p.returncode, 1)
                    self.assertIn(b"stdout", p.stderr)
                self.check_store(job, prefix=name + "/")

    def test_reader_of_stderr_goes_away(self):
        """`weir seed | head` and a closed terminal do not kill the transfer."""
        job = self.job()
        argv = job.argv("seed", "--progress", "json", "--log-level", "debug")
        read, out = os.pipe()
        os.close(read)
        p = subprocess.run(argv, env=job.env, stdout=subprocess.PIPE, stderr=out)
        os.close(out)
        self.assertEqual(p.returncode, 0)
        self.check_store(job)

    # ---- two at once ----

    def test_second_instance(self):
        self.server.script("op=PutObject key=p/[dle]* do=delay:300")
        job = self.job(transfer=["connections: 1"])
        first = job.start("seed", "--progress", "none")
        self.addCleanup(first.communicate)
        self.addCleanup(first.kill)
        self.assertTrue(wait_for(lambda: os.path.exists(job.state + "/catalog.db")))
        self.assertTrue(wait_for(lambda: self.server.requests("PutObject")))
        done = self.seed(job, 6, check=False)
        self.says(done.err, job.state, "in use by another weir", str(first.pid))
        status, out, err = job.run("status", "--json")
        self.assertEqual(status, 0, err)
        self.assertIn('"running":true', out)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        self.server.script("")
        self.seed(job, 0)  # the lock went with the process
        self.check_store(job)
        self.check_once()


if __name__ == "__main__":
    unittest.main()
