#!/usr/bin/env python3
"""The program's face: help, mistakes in the command line and the manifest, check, status during and after
a run, progress and messages for people and for programs."""

import json
import os
import pty
import subprocess
import time
import unittest

import flowcase
from flowcase import WEIR, wait_for

INVALID = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "manifests",
                       "invalid")


def weir(*args, **more):
    p = subprocess.run([WEIR, *args], capture_output=True, text=True, timeout=60, **more)
    return p.returncode, p.stdout, p.stderr


class Help(unittest.TestCase):
    def test_help(self):
        status, out, err = weir("--help")
        self.assertEqual((status, err), (0, ""))
        for word in ("check", "seed", "status", "usage:", "exit status", "75"):
            self.assertIn(word, out)
        for command in ("check", "seed", "status"):
            status, out, err = weir(command, "--help")
            self.assertEqual((status, err), (0, ""))
            self.assertIn("usage: weir %s MANIFEST" % command, out)
            self.assertIn("--state", out)
            self.assertEqual("--accept-root" in out, command == "seed")
            self.assertLess(max(map(len, out.splitlines())), 101)

    def test_version(self):
        status, out, err = weir("--version")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"^weir \d+\.\d+\.\d+\n$")

    def test_wrong_use(self):
        """Exit 2, a word about what is wrong on stderr, nothing on stdout."""
        for args, word in (((), "usage"), (("sed",), "'sed'"), (("seed",), "manifest"),
                           (("seed", "a", "b"), "manifest"), (("seed", "--nonsense", "m"), "nonsense"),
                           (("check", "--report", "f", "m"), "--report"),
                           (("seed", "m", "--progress", "loud"), "loud"),
                           (("seed", "m", "--log-level", "x"), "'x'"),
                           (("seed", "m", "--state"), "state")):
            with self.subTest(args=args):
                status, out, err = weir(*args)
                self.assertEqual((status, out), (2, ""), err)
                self.assertIn(word, err)


class Manifest(unittest.TestCase):
    def test_every_mistake_at_once(self):
        """Ten mistakes, each with file:line:column, the line and what was meant; by any command."""
        path = os.path.join(INVALID, "ten-mistakes.yaml")
        with open(os.path.join(INVALID, "ten-mistakes.expected")) as f:
            expected = f.read()
        for command in ("check", "seed", "status"):
            status, out, err = weir(command, "ten-mistakes.yaml", cwd=INVALID)
            self.assertEqual((status, out), (2, ""))
            self.assertEqual(err.strip(), expected.strip())
        self.assertGreaterEqual(err.count("ten-mistakes.yaml:"), 10)
        self.assertTrue(os.path.exists(path))

    def test_not_there(self):
        status, out, err = weir("check", "/no/such/manifest.yaml")
        self.assertIn(status, (1, 2))
        self.assertIn("/no/such/manifest.yaml", err)
        self.assertIn("No such file", err)
        status, _, err = weir("check", "/dev")
        self.assertIn(status, (1, 2))
        self.assertIn("/dev", err)


class Check(flowcase.Case):
    def test_check(self):
        """Looks at everything, leaves nothing behind, changes no state."""
        job = self.job()
        status, out, err = job.run("check")
        self.assertEqual((status, err), (0, ""))
        self.says(out, "ready to seed", self.lake, "s3://bucket/p/", self.server.endpoint,
                  "if_none_match")
        self.assertEqual((self.server.stored(""), self.server.uploads()), ({}, ""))
        self.assertFalse(os.path.exists(job.state))
        status, out, err = job.run("check", "--json")
        self.assertEqual(json.loads(out)["ok"], True)

    def test_check_finds(self):
        status, out, err = self.job(lake="/no/such/lake").run("check")
        self.assertEqual(status, 1)
        self.says(err, "/no/such/lake")
        self.assertNotIn("ready", out)


class Status(flowcase.Case):
    def test_before_during_after(self):
        job = self.job()
        status, out, err = job.run("status")
        self.assertEqual(status, 1, out)
        self.says(err, job.state)
        self.server.script("op=PutObject key=p/[dle]* do=delay:400")
        job = self.job(transfer=["connections: 1"])
        p = job.start("seed", "--progress", "none")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        self.assertTrue(wait_for(lambda: len(self.server.requests("PutObject")) >= 4))
        time.sleep(1.1)  # what is written once a second
        status, out, err = job.run("status", "--json")
        self.assertEqual(status, 0, err)
        during = json.loads(out)
        self.assertTrue(during["running"])
        self.assertEqual(during["phase"], "seeding")
        self.assertFalse(during["last_pass"]["finished"])
        self.assertGreater(during["entries"], 0)
        self.server.script("")
        p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0)
        status, out, err = job.run("status", "--json")
        after = json.loads(out)
        self.assertFalse(after["running"])
        self.assertEqual((after["phase"], after["open_uploads"]), ("seeded", 0))
        self.assertEqual(after["entries"], flowcase.count_entries(self.lake))
        self.assertEqual(after["last_pass"]["exit_status"], 0)
        status, out, err = job.run("status")
        self.says(out, "seeded", self.lake, "s3://bucket/p", "0 uploads open", "verified")
        self.check_quiet(job)  # looking changed nothing


    def test_after_a_pass_that_failed(self):
        """The reason is kept, also when the pass ended before anything was sent."""
        job = self.job(env={"AWS_SECRET_ACCESS_KEY": "wrong"})
        self.assertEqual(job.run("seed")[0], 7)
        last = json.loads(job.run("status", "--json")[1])["last_pass"]
        self.assertEqual((last["finished"], last["exit_status"]), (False, 7))
        self.says(job.run("status")[1], "ended with status 7")
        taken = os.path.join(self.work, "precious")
        with open(taken, "w") as f:
            f.write("not a report")
        self.assertEqual(self.job().run("seed", "--report", taken)[0], 2)
        self.says(job.run("status")[1], "ended with status 2")
        p = self.job().start("seed", "--progress", "none")
        p.kill()
        p.communicate()
        self.assertEqual(self.job().run("seed")[0], 0)
        self.says(job.run("status")[1], "ended with status 0")


class Output(flowcase.Case):
    def test_for_people(self):
        job = self.job()
        status, out, err = job.run("seed")
        self.assertEqual(status, 0, err)
        for word in ("verified", "sum", "requests"):
            self.assertIn(word, out)
        numbers = [line.split() for line in out.splitlines() if line.startswith("  ")]
        ledger = {w[0]: int(w[1].replace(",", "")) for w in numbers}
        self.assertEqual(sum(n for s, n in ledger.items() if s != "sum"), ledger["sum"])
        self.assertEqual(ledger["sum"], flowcase.count_entries(self.lake))

    def test_on_a_terminal(self):
        """A line that is repainted, and gone at the end; nothing of it when stderr is no terminal."""
        self.server.script("op=PutObject key=p/[dle]* do=delay:60")
        job = self.job(transfer=["connections: 1"])
        master, slave = pty.openpty()
        p = subprocess.Popen(job.argv("seed"), env=job.env, stdout=subprocess.PIPE, stderr=slave)
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
        out = p.communicate(timeout=60)[0].decode()
        self.assertEqual(p.returncode, 0)
        self.assertIn(b"\r", text)
        self.says(text.decode(), "files", "ETA", "0 failed")
        self.assertIn("verified", out)

    def test_for_programs(self):
        self.server.script("op=PutObject key=p/dir1/file1 do=error:AccessDenied")
        job = self.job()
        status, out, err = job.run("seed", "--json", "--log-format", "json", "--progress", "json")
        self.assertEqual(status, 3)
        ledger = json.loads(out)["summary"]
        self.assertEqual(ledger["failed"], 1)
        lines = [json.loads(line) for line in err.splitlines()]
        warning = [x for x in lines if x.get("level") == "warning"]
        self.assertEqual(len(warning), 2)
        self.says(warning[0]["message"], "dir1/file1", "AccessDenied")
        self.says(warning[1]["message"], "report-000001.ndjson")

    def test_report_options(self):
        job = self.job()
        report = self.work + "/here.ndjson"
        self.assertEqual(job.run("seed", "--report", report)[0], 0)
        with open(report) as f:
            first = [json.loads(line) for line in f]
        self.assertEqual(len(first) - 2, flowcase.count_entries(self.lake))
        self.assertEqual(os.stat(report).st_mode & 0o777, 0o600)
        self.assertEqual(job.run("seed", "--report", report, "--report-all")[0], 0)
        with open(report) as f:
            second = [json.loads(line) for line in f]
        self.assertEqual({r["state"] for r in second if "path" in r}, {"unchanged"})
        self.assertEqual({r["path"] for r in second if "path" in r},
                         {r["path"] for r in first if "path" in r})

    def test_directory_of_reports(self):
        os.makedirs(self.work + "/reports")
        job = self.job()
        with open(job.manifest, "a") as f:
            f.write("report:\n  directory: %s/reports\n" % self.work)
        self.assertEqual(job.run("seed")[0], 0)
        self.assertEqual(os.listdir(self.work + "/reports"), ["report-000001.ndjson"])


if __name__ == "__main__":
    unittest.main()
