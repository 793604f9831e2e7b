#!/usr/bin/env python3
"""`weir catalog export`, `import`, `rebuild`: out of a job, into another state directory, or made anew from
lake and store; and what they refuse."""

import json
import os
import shutil
import subprocess
import unittest

import flowcase
from flowcase import WEIR, write


def catalog(job, command, *options, state=None, **run):
    """(exit status, stdout, stderr) of weir catalog COMMAND."""
    argv = [WEIR, "catalog", command, job.manifest, "--state", state or job.state, *options]
    p = subprocess.run(argv, env=job.env, capture_output=True, timeout=60, **run)
    return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


class Use(unittest.TestCase):
    def weir(self, *args):
        p = subprocess.run([WEIR, *args], capture_output=True, text=True, timeout=60)
        return p.returncode, p.stdout, p.stderr

    def test_help(self):
        status, out, err = self.weir("catalog", "--help")
        self.assertEqual((status, err), (0, ""))
        for command, option in (("export", "--output FILE"), ("import", "--input FILE"),
                                ("rebuild", "--progress")):
            self.assertIn("catalog " + command, out)
            status, text, err = self.weir("catalog", command, "--help")
            self.assertEqual((status, err), (0, ""))
            self.assertIn("usage: weir catalog %s MANIFEST" % command, text)
            self.assertIn(option, text)
            self.assertNotIn("--dry-run", text)
            self.assertLess(max(map(len, text.splitlines())), 101)

    def test_wrong_use(self):
        for args, word in ((("catalog",), "second word"), (("catalog", "expert", "m"), "'catalog expert'"),
                           (("catalog", "export"), "manifest"), (("export", "m"), "'export'"),
                           (("catalog", "export", "m", "--input", "f"), "--input"),
                           (("catalog", "import", "m", "--output", "f"), "--output"),
                           (("sync", "m", "--output", "f"), "--output")):
            with self.subTest(args=args):
                status, out, err = self.weir(*args)
                self.assertEqual((status, out), (2, ""))
                self.assertIn(word, err)


class Exchange(flowcase.Case):
    def seeded(self):
        job = self.job()
        self.seed(job, 0)
        return job

    def test_round(self):
        """Out, in, and the next sync has nothing to do."""
        job = self.seeded()
        status, lines, err = catalog(job, "export")
        self.assertEqual((status, err), (0, ""))
        self.assertGreater(len([json.loads(line) for line in lines.splitlines()]),
                           flowcase.count_entries(self.lake))
        copy = self.work + "/copy.state"
        status, out, err = catalog(job, "import", state=copy, input=lines)
        self.assertEqual((status, err), (0, ""))
        self.assertIn(b"in the store: %d entries" % flowcase.count_entries(self.lake), out)
        self.assertEqual(catalog(job, "export", state=copy)[1], lines)
        job.state = copy
        done = self.sync(job, 0)
        self.assertEqual((done.ledger["unchanged"], done.ledger["sent_objects"]), (done.ledger["seen"], 0))

    def test_files(self):
        """The output is replaced when the new one is whole; the input may be a file too."""
        job = self.seeded()
        path = self.work + "/export.ndjson"
        lines = catalog(job, "export")[1]
        write(path, b"an older one")
        self.assertEqual(catalog(job, "export", "--output", path), (0, b"", ""))
        with open(path, "rb") as f:
            self.assertEqual(f.read(), lines)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(catalog(job, "export", "--output", "-"), (0, lines, ""))
        self.assertEqual(catalog(job, "import", "--input", path, state=self.work + "/copy")[0], 0)
        self.assertEqual([n for n in os.listdir(self.work) if "export" in n], ["export.ndjson"])

    def test_output_that_cannot_be_written(self):
        lake = self.own_lake()
        for i in range(300):
            write("%s/file%d" % (lake, i), b"")
        job = self.job(lake=lake)
        self.seed(job, 0)
        with open("/dev/full", "wb") as full:
            p = subprocess.run([WEIR, "catalog", "export", job.manifest, "--state", job.state], env=job.env,
                               stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(p.returncode, 1)
        self.says(p.stderr.decode(), "export to stdout", "No space left on device")
        status, out, err = catalog(job, "export", "--output", self.work + "/no/such/file")
        self.assertEqual(status, 1)
        self.says(err, "/no/such/file", "No such file")
        path = self.work + "/old.ndjson"
        write(path, b"old")
        limit = "ulimit -f 40; trap '' XFSZ; exec \"$@\""  # KiB: SQLite needs 32, the export more
        p = subprocess.run(["bash", "-c", limit, "-", WEIR, "catalog", "export", job.manifest, "--state",
                            job.state, "--output", path], env=job.env, capture_output=True, timeout=60)
        self.assertEqual(p.returncode, 1)
        self.says(p.stderr.decode(), "old.ndjson", "File too large")
        with open(path, "rb") as f:
            self.assertEqual(f.read(), b"old")
        self.assertFalse(os.path.exists(path + ".tmp"))

    def test_nothing_to_export(self):
        job = self.job()
        status, out, err = catalog(job, "export")
        self.assertEqual((status, out), (1, b""))
        self.says(err, job.state, "No such file")

    def test_refused_input(self):
        job = self.seeded()
        lines = catalog(job, "export")[1]
        status, out, err = catalog(job, "import", input=lines)
        self.assertEqual((status, out), (5, b""), err)
        for n, text in enumerate((b"", lines[:len(lines) // 2], lines.replace(b"{", b"[", 1), b"\xff\n",
                                  lines[:lines[:-1].rindex(b"\n") + 1])):
            with self.subTest(n):
                state = "%s/bad%d" % (self.work, n)
                status, out, err = catalog(job, "import", state=state, input=text)
                self.assertEqual((status, out), (2, b""), err)
                self.assertEqual(err.count("weir: error: "), 1)
                self.assertEqual(catalog(job, "import", state=state, input=lines)[0], 0, "rows were left")
        status, out, err = catalog(job, "import", "--input", "/no/such/file", state=self.work + "/new")
        self.assertEqual(status, 1)
        self.says(err, "/no/such/file")


class Rebuild(flowcase.Case):
    def test_rebuild(self):
        """The state directory is lost: nothing is sent again."""
        job = self.job()
        self.seed(job, 0)
        shutil.rmtree(job.state)
        before = len(self.server.requests("PutObject"))
        status, out, err = catalog(job, "rebuild", "--progress", "none")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out.decode(), r"verified +%d " % flowcase.count_entries(self.lake))
        self.assertEqual(len(self.server.requests("PutObject")), before)
        self.assertEqual(len(self.server.requests("CreateMultipartUpload")), 1)
        self.check_quiet(job)
        status, out, err = catalog(job, "rebuild")
        self.assertEqual((status, out), (5, b""))
        self.says(err, job.state)

    def test_no_such_job(self):
        status, out, err = catalog(self.job(), "rebuild", "--json")
        self.assertEqual(status, 1)
        self.assertEqual(json.loads(out)["exit_status"], 1)
        self.says(err, "marker")


if __name__ == "__main__":
    unittest.main()
