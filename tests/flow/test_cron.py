#!/usr/bin/env python3
"""The face of `weir sync`: silent in a crontab while all is well, loud when not; dry runs; metrics."""

import base64
import json
import os
import pty
import re
import subprocess
import time
import unittest

import flowcase
from flowcase import WEIR, wait_for, write


def metrics_of(path):
    """{name or name{state}: value}."""
    out = {}
    with open(path) as f:
        for line in f:
            m = re.fullmatch(r'(\w+)\{job="job"(?:,state="(\w+)")?\} (\S+)\n', line)
            if m:
                out[m[1] + ("{%s}" % m[2] if m[2] else "")] = float(m[3])
            else:
                assert line.startswith("# "), line
    return out


def on_terminal(argv, env):
    """(exit status, all that a terminal got on stdout and stderr)."""
    master, slave = pty.openpty()
    p = subprocess.Popen(argv, env=env, stdout=slave, stderr=slave)
    os.close(slave)
    text = b""
    while True:
        try:
            block = os.read(master, 4096)
        except OSError:
            break
        if not block:
            break
        text += block
    os.close(master)
    return p.wait(timeout=60), text.decode("utf-8", "replace")


class Cron(flowcase.Case):
    def test_not_a_word(self):
        """The first pass, one with nothing to do, one that sends, copies and deletes: all silent."""
        lake = self.own_lake()
        for i in range(5):
            write("%s/dir/file%d" % (lake, i), b"%d" % i)
        job = self.job(lake=lake, track=["delete: mirror", "delete_grace: 0s",
                                         "delete_limit: {percent: 100}"])
        self.assertEqual(job.run("sync"), (0, "", ""))
        self.assertEqual(job.run("sync"), (0, "", ""))
        write(lake + "/dir/new", b"new")
        os.rename(lake + "/dir/file1", lake + "/dir/renamed")
        os.unlink(lake + "/dir/file2")
        self.assertEqual(job.run("sync"), (0, "", ""))
        self.assertEqual(sorted(self.server.stored("p/")),
                         ["dir/file0", "dir/file3", "dir/file4", "dir/new", "dir/renamed"])
        self.assertEqual(job.run("sync"), (0, "", ""))

    def test_json_is_a_result(self):
        job = self.job()
        status, out, err = job.run("sync", "--json")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(json.loads(out)["exit_status"], 0)
        self.assertEqual(json.loads(out)["summary"]["verified"], flowcase.count_entries(self.lake))

    def test_failures_are_told(self):
        self.server.script("op=PutObject key=p/dir1/file1 do=error:AccessDenied")
        status, out, err = self.job().run("sync")
        self.assertEqual(status, 3)
        self.assertRegex(out, r"failed +1 ")
        self.says(err, "dir1/file1", "AccessDenied", "report-000001.ndjson")
        self.assertNotIn('"event"', err)
        self.assertNotIn("weir: info", err)

    def test_warnings_are_told(self):
        """Status 0 all the same: the data is where it belongs."""
        job = self.job(metrics=["textfile: %s/no/such/directory/m.prom" % self.work])
        status, out, err = job.run("sync")
        self.assertEqual((status, out), (0, ""))
        self.says(err, "weir: warning: ", "/no/such/directory/m.prom", "No such file")

    def test_on_a_terminal(self):
        status, text = on_terminal(self.job().argv("sync"), self.job().env)
        self.assertEqual(status, 0)
        self.says(text, "ETA", "verified", "sum", "requests")

    def test_overlapping_starts(self):
        """Status 6 at once; the metrics are those of the pass that works."""
        self.server.script("op=PutObject key=p/[dle]* do=delay:400")
        path = self.work + "/job.prom"
        job = self.job(transfer=["connections: 1"], metrics=["textfile: " + path])
        p = job.start("sync")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        self.assertTrue(wait_for(lambda: self.server.requests("PutObject")))
        begin = time.monotonic()
        status, out, err = job.run("sync")
        self.assertEqual((status, out), (6, ""))
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertFalse(os.path.exists(path))
        self.server.script("")
        self.assertEqual(p.communicate(timeout=60), (b"", b""))
        self.assertEqual(p.returncode, 0)
        self.assertEqual(metrics_of(path)["weir_pass_exit_status"], 0)


class Metrics(flowcase.Case):
    def test_good_and_bad_passes(self):
        path = self.work + "/job.prom"
        lake = self.own_lake()
        for i in range(5):
            write("%s/file%d" % (lake, i), b"%d" % i)
        job = self.job(lake=lake, metrics=["textfile: " + path])
        begin = time.time()
        done = self.sync(job, 0)
        good = metrics_of(path)
        ledger = done.ledger
        for name, want in (("exit_status", 0), ("seen_entries", ledger["seen"]),
                           ("entries{verified}", ledger["verified"]), ("entries{pending}", 0),
                           ("bytes{verified}", ledger["bytes"]["verified"]),
                           ("sent_bytes", ledger["sent_bytes"]), ("sent_objects", ledger["sent_objects"]),
                           ("requests", ledger["requests"]), ("retries", 0)):
            self.assertEqual(good["weir_pass_" + name], want, name)
        last = good["weir_last_success_timestamp_seconds"]
        self.assertGreaterEqual(last, int(begin))
        self.assertLessEqual(last, time.time())
        self.assertAlmostEqual(good["weir_lag_seconds"],
                               good["weir_pass_end_timestamp_seconds"] - last, places=2)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644)
        self.assertEqual([n for n in os.listdir(self.work) if "prom" in n], ["job.prom"])
        self.failing_pass_keeps_the_last_success(job, path, last)

    def failing_pass_keeps_the_last_success(self, job, path, last):
        """Another directory in the place of the lake: the pass sees nothing and stops."""
        os.rename(job.lake, job.lake + ".away")
        os.makedirs(job.lake)
        time.sleep(0.05)
        self.sync(job, 5)
        bad = metrics_of(path)
        self.assertEqual(bad["weir_pass_exit_status"], 5)
        self.assertEqual(bad["weir_last_success_timestamp_seconds"], last)
        self.assertGreaterEqual(bad["weir_lag_seconds"], 0.05)
        self.assertEqual(bad["weir_pass_seen_entries"], 0)
        os.rmdir(job.lake)
        os.rename(job.lake + ".away", job.lake)
        self.sync(job, 0)
        self.assertGreater(metrics_of(path)["weir_last_success_timestamp_seconds"], last)


class DryRun(flowcase.Case):
    TRACK = ["delete: quarantine", "delete_grace: 0s", "delete_limit: {percent: 100}"]

    def test_lines(self):
        lake = self.own_lake()
        write(lake + "/dir/file", b"12345")
        write(os.fsencode(lake) + b"/bad\xff\x1b[2J\n", b"1")
        job = self.job(lake=lake, track=self.TRACK)
        status, out, err = job.run("sync", "--dry-run")
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        self.assertEqual(sorted(lines[:2]), ["send bad\\xff\\x1b[2J\\x0a (1 B)", "send dir/file (5 B)"])
        self.assertRegex(lines[3], r"^  send +2  6 B$")
        self.assertFalse(os.path.exists(job.state))
        self.assertEqual(self.server.stored("p/"), {})

    def test_json(self):
        """Exact names, and what the next pass really does."""
        lake = self.own_lake()
        write(lake + "/same", b"same")
        write(lake + "/gone", b"gone")
        write(lake + "/old", b"old")
        job = self.job(lake=lake, track=self.TRACK)
        self.sync(job, 0)
        os.unlink(lake + "/gone")
        write(lake + "/old", b"other")
        odd = b"odd\xff\n"
        write(os.path.join(os.fsencode(lake), odd), b"")
        before = len(self.server.lines()), self.state_files(job)
        status, out, err = job.run("sync", "--dry-run", "--json")
        self.assertEqual((status, err), (0, ""))
        *told, last = [json.loads(line) for line in out.splitlines()]
        names = {base64.b64decode(t["path_b64"]) if "path_b64" in t else t["path"].encode(): t for t in told}
        self.assertEqual({k: (t["action"], t["type"], t["bytes"]) for k, t in names.items()},
                         {b"gone": ("quarantine", "file", 4), b"old": ("replace", "file", 5),
                          odd: ("send", "file", 0)})
        self.assertEqual(last["planned"]["replace"], {"count": 1, "bytes": 5})
        self.assertEqual(last["summary"]["unchanged"], 1)
        self.assertEqual((len(self.server.lines()), self.state_files(job)), before)
        done = self.sync(job, 0)
        self.assertEqual((done.ledger["sent_objects"], done.ledger["quarantined"]), (2, 1))

    def state_files(self, job):
        """{name: content}, without what SQLite needs to read beside a writer."""
        out = {}
        for name in os.listdir(job.state):
            if not name.endswith(("-shm", "-wal")):
                with open(os.path.join(job.state, name), "rb") as f:
                    out[name] = f.read()
        return out

    def test_nobody_listens(self):
        """`| head` ends it early, and is no way to lose anything."""
        lake = self.own_lake()
        for i in range(3000):
            write("%s/%d/%s%d" % (lake, i % 50, "long" * 30, i), b"")
        p = self.job(lake=lake).start("sync", "--dry-run")
        self.assertTrue(p.stdout.readline().startswith(b"send "))
        p.stdout.close()
        self.assertIn(p.wait(timeout=30), (1, 75))
        p.stderr.close()


class Options(flowcase.Case):
    def test_wrong_use(self):
        for args, word in ((("sync", "m", "--allow-deletes", "0"), "allow-deletes"),
                           (("sync", "m", "--allow-deletes", "-1"), "allow-deletes"),
                           (("sync", "m", "--allow-deletes", "9x"), "9x"),
                           (("sync", "m", "--allow-deletes", "99999999999999999999"), "allow-deletes"),
                           (("seed", "m", "--dry-run"), "--dry-run"),
                           (("seed", "m", "--full"), "--full"),
                           (("sync",), "manifest")):
            with self.subTest(args=args):
                p = subprocess.run([WEIR, *args], capture_output=True, text=True)
                self.assertEqual((p.returncode, p.stdout), (2, ""), p.stderr)
                self.assertIn(word, p.stderr)

    def test_help(self):
        p = subprocess.run([WEIR, "sync", "--help"], capture_output=True, text=True)
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        for option in ("--dry-run", "--full", "--allow-deletes N", "--report", "--report-all",
                       "--accept-root", "--progress", "--json", "--state"):
            self.assertIn("  %s " % option, p.stdout)
        self.assertLess(max(map(len, p.stdout.splitlines())), 101)

    def test_allow_deletes(self):
        """A tripped guard says what it would have taken; the option lets so many through once."""
        lake = self.own_lake()
        for i in range(20):
            write("%s/file%d" % (lake, i), b"%d" % i)
        job = self.job(lake=lake, track=["delete: mirror", "delete_grace: 0s",
                                         "delete_limit: {files: 4, percent: 100}"])
        self.sync(job, 0)
        for i in range(5):
            os.unlink("%s/file%d" % (lake, i))
        for options in ((), ("--allow-deletes", "4")):
            status, out, err = job.run("sync", *options)
            self.assertEqual(status, 5, err)
            self.says(err, "weir: error: ", "5", "--allow-deletes")
            self.assertRegex(out, r"kept +5 ")
            self.assertEqual(len(self.server.stored("p/")), 20)
        self.assertEqual(job.run("sync", "--allow-deletes", "5"), (0, "", ""))
        self.assertEqual(len(self.server.stored("p/")), 15)


if __name__ == "__main__":
    unittest.main()
