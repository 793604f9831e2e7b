#!/usr/bin/env python3
"""`weir sync` from a crontab: dry runs, what is said and what is not, metrics."""

import json
import os
import re
import shutil
import stat
import subprocess
import threading
import time
import unittest

import syncmodel
from flowcase import wait_for, write
from synccase import SyncCase


class DryRun(SyncCase):
    def test_says_and_does_nothing(self):
        lake = self.lake_of({"edit": b"one", "gone": b"gone", "same": b"same", "d/moved": b"moved"})
        job = self.sync_job(lake)
        self.first(job)
        write(lake + "/edit", b"changed")
        write(lake + "/new", b"new")
        os.unlink(lake + "/gone")
        os.rename(lake + "/d", lake + "/e")
        before = syncmodel.snapshot(job.state), self.server.stored("p/"), self.mark()
        status, out, err = job.run("sync", "--dry-run")
        self.assertEqual((status, err), (0, ""))
        for words in (("send", "new"), ("replace", "edit"), ("delete", "gone"), ("delete", "d/moved"),
                      ("send", "e/moved")):
            lines = [x for x in out.splitlines() if all(w in x for w in words)]
            self.assertEqual(len(lines), 1, (words, out))
        self.assertNotIn("same", out)
        status, out, err = job.run("sync", "--dry-run", "--json")
        self.assertEqual(status, 0)
        actions = {r["path"]: r["action"] for r in map(json.loads, out.splitlines()) if "action" in r}
        self.assertEqual(actions["new"], "send")
        self.assertEqual(actions["gone"], "delete")
        after = syncmodel.snapshot(job.state), self.server.stored("p/"), self.mark()
        self.assertEqual(before, after)
        self.sync(job, 0)
        self.check_store(job)

    def test_before_the_first_pass(self):
        """Nothing is made, not even the state directory."""
        lake = self.lake_of({"a": b"a", "d/b": b"b"})
        job = self.sync_job(lake)
        status, out, err = job.run("sync", "--dry-run")
        self.assertEqual(status, 0, err)
        self.says(out, "send", "d/b")
        self.assertFalse(os.path.exists(job.state))
        self.assertEqual(self.server.lines(), [])

    def test_policies(self):
        for policy, word in (("keep", "keep"), ("quarantine", "quarantine"), ("mirror", "delete")):
            lake = self.lake_of({"gone": b"gone", "stays": b"stays"}, policy)
            job = self.sync_job(lake, policy, url="s3://bucket/" + policy,
                                track=["delete: " + policy, "delete_grace: 0s",
                                       "delete_limit: {files: 10, percent: 100}"])
            self.sync(job, 0)
            os.unlink(lake + "/gone")
            status, out, err = job.run("sync", "--dry-run")
            self.assertEqual(status, 0, err)
            self.assertTrue([x for x in out.splitlines() if word in x and "gone" in x], out)

    def test_limit_is_said(self):
        """A dry run warns of what the guard would stop."""
        lake = self.lake_of(20)
        job = self.sync_job(lake, track=["delete: mirror", "delete_grace: 0s"])
        self.first(job)
        shutil.rmtree(lake + "/dir1")
        status, out, err = job.run("sync", "--dry-run")
        self.says(out + err, "--allow-deletes")

    def test_locked(self):
        lake = self.lake_of(4)
        job = self.sync_job(lake)
        self.first(job)
        write(lake + "/new", b"x")
        self.server.script("op=PutObject key=p/new do=delay:2000")
        p = job.start("sync", "--progress", "none")
        self.addCleanup(p.communicate)
        wait_for(lambda: '"running":true' in job.run("status", "--json")[1].replace(" ", ""))
        self.assertIn(job.run("sync", "--dry-run")[0], (0, 6))


class Cron(SyncCase):
    """What a crontab line sees: nothing, unless something is wrong."""

    def test_quiet(self):
        lake = self.lake_of({"a": b"a", "d/b": b"b", "gone": b"x"})
        job = self.sync_job(lake)
        for change in (lambda: None, lambda: None, lambda: write(lake + "/new", b"new"),
                       lambda: os.unlink(lake + "/gone")):
            change()
            self.assertEqual(job.run("sync"), (0, "", ""))
        self.check_store(job)

    def test_says_what_is_wrong(self):
        lake = self.lake_of({"a": b"a", "d/b": b"b"})
        job = self.sync_job(lake)
        self.server.script("op=PutObject key=p/d/b do=error:AccessDenied")
        status, out, err = job.run("sync")
        self.assertEqual(status, 3)
        self.says(out + err, "d/b", "AccessDenied")
        self.server.script("")
        self.assertEqual(job.run("sync"), (0, "", ""))
        os.rename(lake, lake + ".away")
        os.mkdir(lake)
        status, out, err = job.run("sync")
        self.assertEqual(status, 5)
        self.says(err, "mounted?")

    def test_without_an_environment(self):
        """cron gives little: no HOME, no LANG, no terminal, another directory."""
        lake = self.lake_of({"a": b"a", "\u00e9": b"b"})
        job = self.sync_job(lake)
        env = {k: v for k, v in job.env.items() if k.startswith("AWS_") or k == "ASAN_OPTIONS"}
        p = subprocess.run(job.argv("sync"), env=env, cwd="/", capture_output=True, timeout=60,
                           stdin=subprocess.DEVNULL)
        self.assertEqual((p.returncode, p.stdout, p.stderr), (0, b"", b""))
        self.check_store(job)


class Metrics(SyncCase):
    def begin(self, **more):
        lake = self.lake_of({"a": b"a", "d/b": b"bb", "c": b"ccc"})
        self.path = os.path.join(self.work, "weir.prom")
        return lake, self.sync_job(lake, metrics=["textfile: " + self.path], **more)

    def read(self):
        """{name: value}; the format is checked."""
        with open(self.path) as f:
            text = f.read()
        self.assertTrue(text.endswith("\n"))
        out, helped, typed = {}, set(), set()
        for line in text.splitlines():
            m = re.fullmatch(r"# (HELP|TYPE) ([a-z_0-9]+) (.+)", line)
            if m:
                (helped if m.group(1) == "HELP" else typed).add(m.group(2))
                continue
            m = re.fullmatch(r'([a-z_0-9]+)\{([^}]*)\} ([0-9.eE+-]+)', line)
            self.assertTrue(m, line)
            self.assertIn('job="job"', m.group(2))
            self.assertIn(m.group(1), typed)
            self.assertIn(m.group(1), helped)
            self.assertTrue(m.group(1).startswith("weir_"), line)
            out[(m.group(1), m.group(2))] = float(m.group(3))
        return out

    def one(self, word, *more):
        found = {k: v for k, v in self.read().items() if all(w in k[0] + k[1] for w in (word, *more))}
        self.assertEqual(len(found), 1, (word, found))
        return next(iter(found.values()))

    def test_textfile(self):
        lake, job = self.begin()
        begin = time.time()
        self.first(job)
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o644)
        self.assertEqual(self.one("exit_status"), 0)
        good = self.one("last_success")
        self.assertTrue(begin - 1 <= good <= time.time() + 1, good)
        self.assertLess(self.one("lag"), 60)
        self.assertEqual(self.one("verified", "entries"), 3)
        self.assertGreater(self.one("requests"), 2)
        if shutil.which("promtool"):
            with open(self.path) as f:
                subprocess.run(["promtool", "check", "metrics"], stdin=f, check=True)
        self.server.script("op=PutObject key=p/new do=error:AccessDenied")
        write(lake + "/new", b"new")
        self.sync(job, 3)
        self.assertEqual(self.one("exit_status"), 3)
        self.assertEqual(self.one("last_success"), good)  # the last good one stays
        self.server.script("")
        self.sync(job, 0)
        self.assertGreater(self.one("last_success"), good)
        inode = os.stat(self.path).st_ino
        self.quiet(job)
        self.assertNotEqual(os.stat(self.path).st_ino, inode)  # made anew, renamed
        self.assertEqual(os.listdir(self.work).count("weir.prom"), 1)
        self.assertEqual([n for n in os.listdir(self.work) if n.startswith("weir.prom") and
                          n != "weir.prom" or n.startswith(".weir.prom")], [])

    def test_after_a_stop(self):
        """A pass that could not begin is seen, too: the exit status and the age of the last good one."""
        lake, job = self.begin()
        self.first(job)
        os.rename(lake, lake + ".away")
        os.mkdir(lake)
        self.sync(job, 5)
        self.assertEqual(self.one("exit_status"), 5)

    def test_never_half(self):
        """Whoever reads at any moment has a whole file."""
        lake, job = self.begin()
        self.first(job)
        stop, bad = threading.Event(), []

        def read():
            while not stop.is_set():
                with open(self.path) as f:
                    text = f.read()
                if not text.endswith("\n") or "exit_status" not in text:
                    bad.append(text)
        t = threading.Thread(target=read)
        t.start()
        for _ in range(8):
            self.sync(job, 0)
        stop.set()
        t.join()
        self.assertEqual(bad, [])

    def test_cannot_be_written(self):
        """The pass is done all the same, and says it."""
        lake, job = self.begin()
        os.mkdir(self.path)
        done = self.sync(job, None)
        self.says(done.err, self.path)
        self.check_store(job)


if __name__ == "__main__":
    unittest.main()
