"""The frame of the tests that run the program against the fake S3 server: a lake, a server, a job, and
the checks that hold after every pass, whatever went wrong in it.

The environment says where the programs are: WEIR, WEIR_FAKE_S3; WEIR_SANITIZED=1 for a build with
a sanitizer, whose memory and time say nothing."""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
import unittest
import urllib.parse

import fakes3
import weirflow

WEIR = os.environ["WEIR"]
FAKE = os.environ["WEIR_FAKE_S3"]
SANITIZED = os.environ.get("WEIR_SANITIZED") == "1"
SECRET = fakes3.SECRET
QUIET_S = 2.3  # a file younger than this is read later
STATES = ("verified", "uploaded", "unchanged", "excluded", "unstable", "failed", "kept", "deleted")
AWS_NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
             "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL")


def random_bytes(seed, size):
    """Repeatable, incompressible, and no two blocks alike."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


class Server(fakes3.Fake):
    """The fake, with its log as a list."""

    def __init__(self, folder, *options):
        self.log_path = os.path.join(folder, "access-%d.log" % len(os.listdir(folder)))
        super().__init__(FAKE, "--log", self.log_path, *options)
        self.endpoint = "http://127.0.0.1:%d" % self.port

    def lines(self):
        with open(self.log_path) as f:
            return [LogLine(line) for line in f]

    def requests(self, op, key="", status=None):
        """Log lines of an operation on keys that start with key; the probe's are left out."""
        return [x for x in self.lines() if x.op == op and x.key.startswith(key)
                and "/.weir/" not in x.key and (status is None or x.status == status)]

    def uploads(self):
        return self.admin("GET", "uploads")[1].decode()

    def stored(self, prefix):
        """{key below prefix: object}, without weir's own keys."""
        out = {}
        for o in self.objects():
            key = urllib.parse.unquote(o["key"])
            if key.startswith(prefix) and not key.startswith(prefix + ".weir/"):
                out[key[len(prefix):]] = o
        return out


class LogLine:
    def __init__(self, line):
        words = line.split()
        self.time, self.method, self.op, self.bucket = words[:4]
        self.key = urllib.parse.unquote(words[4])
        self.query = words[5]
        self.status = int(words[6])
        self.fault = words[-1].partition("=")[2]
        self.bytes_in = int(words[7].partition("=")[2])
        self.seconds = time_of(self.time)


def time_of(stamp):
    import datetime
    return datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%fZ").timestamp()


class Pass:
    """What one run of `weir seed` or `weir sync` left behind."""

    def __init__(self, job, status, out, err, seconds, before):
        self.job, self.status, self.out, self.err, self.seconds = job, status, out, err, seconds
        try:
            self.ledger = json.loads(out)["summary"]
        except (ValueError, KeyError):
            self.ledger = None
        self.records, self.summary = [], None
        number = latest_report(job.state)
        if self.ledger and number > before:
            for record in read_report(job, number):
                if "path" in record:
                    self.records.append(record)
                self.summary = record.get("summary", self.summary)

    def record(self, path):
        found = [r for r in self.records if r["path"] == path]
        assert len(found) == 1, "%d records of %s" % (len(found), path)
        return found[0]

    def states(self):
        return {r["path"]: r["state"] for r in self.records}


def read_report(job, number):
    """All records; a full disk may cut the last one."""
    try:
        return job.report(number)
    except ValueError:
        return []


def latest_report(state):
    if not os.path.isdir(state):
        return 0
    numbers = [int(m.group(1)) for m in
               (re.fullmatch(r"report-(\d+)\.ndjson", n) for n in os.listdir(state)) if m]
    return max(numbers, default=0)


class Case(unittest.TestCase):
    options = ()  # of the server
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.class_work = tempfile.mkdtemp(prefix="weir-flow-")
        os.chmod(cls.class_work, 0o755)
        cls.lake = os.path.join(cls.class_work, "lake")
        os.makedirs(cls.lake)
        cls.fill(cls.lake)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.class_work, ignore_errors=True)

    @classmethod
    def fill(cls, lake):
        """The lake that the tests of a class share; a test that changes it makes its own."""
        for i in range(12):
            write("%s/dir%d/file%d" % (lake, i % 3, i), random_bytes(i, i * 4000))
        write(lake + "/large", random_bytes("large", (20 << 20) + 17))  # three parts
        os.symlink("dir0/file0", lake + "/link")
        os.makedirs(lake + "/empty")

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix="weir-flow-")
        os.chmod(self.work, 0o755)
        self.addCleanup(shutil.rmtree, self.work, True)
        self.server = self.start_server(*self.options)

    def start_server(self, *options):
        server = Server(self.work, *options)
        self.addCleanup(server.__exit__)
        return server

    def own_lake(self, name="lake"):
        lake = os.path.join(self.work, name)
        os.makedirs(lake)
        return lake

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if k not in AWS_NAMES}
        env.update(AWS_ACCESS_KEY_ID=fakes3.KEY, AWS_SECRET_ACCESS_KEY=SECRET, HOME=self.work,
                   ASAN_OPTIONS="detect_leaks=%d" % (not more.pop("traced", False)))
        env.update(more)
        return env

    def job(self, name="job", lake=None, url="s3://bucket/p", destination=(), server=None, env=None,
            state=None, **more):
        server = server or self.server
        lines = list(destination)
        if url.startswith("s3:") and not any(x.startswith("endpoint:") for x in lines):
            lines.insert(0, "endpoint: " + server.endpoint)
        job = weirflow.Job(WEIR, self.work, name, lake or self.lake, url, lines, env={}, **more)
        job.env = self.environment(**(env or {}))
        job.lake = lake or self.lake
        if state:
            job.state = state
        return job

    def seed(self, job, status, *options, timeout=120, wrap=(), check=True, **run):
        """One pass; then everything that holds after any pass."""
        return self.run_pass("seed", job, status, *options, timeout=timeout, wrap=wrap, check=check, **run)

    def sync(self, job, status, *options, timeout=120, wrap=(), check=True, **run):
        return self.run_pass("sync", job, status, *options, timeout=timeout, wrap=wrap, check=check, **run)

    def run_pass(self, command, job, status, *options, timeout, wrap, check, **run):
        argv = [*wrap, *job.argv(command, "--json", "--progress", "none", *options)]
        before, begin = latest_report(job.state), time.monotonic()
        p = subprocess.run(argv, env=job.env, capture_output=True, timeout=timeout, **run)
        done = Pass(job, p.returncode, p.stdout.decode(), p.stderr.decode("utf-8", "replace"),
                    time.monotonic() - begin, before)
        if status is not None:
            self.assertEqual(done.status, status, done.err[-3000:])
        if check:
            self.check_pass(done)
        return done

    # ---- what holds after every pass ----

    def check_pass(self, done):
        self.assertNotIn(SECRET, done.out + done.err, "the secret is shown")
        self.assertNotIn("Sanitizer", done.err)
        if done.ledger is None:
            self.assertNotEqual(done.status, 0)
            return
        ledger = done.ledger
        self.assertEqual(sum(ledger.get(s, 0) for s in STATES) + ledger["pending"], ledger["seen"],
                         "the ledger does not add up: %s" % ledger)
        if done.status in (0, 3):
            self.assertEqual(ledger["pending"], 0)
            self.assertEqual(done.status, 3 if ledger["failed"] + ledger["unstable"] else 0)
        for state in ("verified", "uploaded", "excluded", "unstable", "failed"):
            mine = [r["path"] for r in done.records if r["state"] == state]
            self.assertEqual(len(mine), ledger[state], "records of state " + state)
            self.assertEqual(len(mine), len(set(mine)), "records twice")
        for r in done.records:
            if r["state"] in ("failed", "unstable"):
                self.assertTrue(r.get("error") and r.get("code"), r)
            if r["state"] == "excluded":
                self.assertTrue(r.get("rule"), r)
        if done.records:
            self.assertEqual({**done.summary, "seconds": 0}, {**ledger, "seconds": 0}, "the report's summary")

    def check_count(self, done, without=0):
        """The ledger against a count of the lake that is not weir's: what vanished is not in it."""
        vanished = done.ledger["kept"] + done.ledger["deleted"]
        self.assertEqual(done.ledger["seen"] - vanished - without, count_entries(done.job.lake),
                         "entries seen: %s" % done.ledger)

    def check_store(self, job, without=(), server=None, prefix="p/"):
        """Every entry of the lake, and nothing else, is in the store, byte by byte."""
        want, got = contents(job.lake), (server or self.server).stored(prefix)
        for path in without:
            want.pop(path)
        self.assertEqual(sorted(want), sorted(got))
        for key, digest in want.items():
            self.assertEqual(got[key]["sha256"], digest, key)

    def check_once(self, server=None):
        """No object was finished twice, and no upload is left."""
        server = server or self.server
        finished = {}
        for op in ("PutObject", "CompleteMultipartUpload"):
            for x in server.requests(op, status=200):
                if not ("error" in x.fault or "body:" in x.fault):
                    finished[x.key] = finished.get(x.key, 0) + 1
        self.assertEqual({k: n for k, n in finished.items() if n > 1}, {})
        self.assertEqual(server.uploads(), "")

    def check_all(self, done, state="verified"):
        """A pass that should have done everything did."""
        self.check_count(done)
        self.check_store(done.job)
        self.check_once()
        self.assertEqual(done.ledger[state] + done.ledger["unchanged"] + done.ledger["excluded"],
                         done.ledger["seen"])

    def check_quiet(self, job):
        """The next pass has nothing to do and asks nothing."""
        again = self.seed(job, 0)
        self.assertEqual((again.ledger["sent_objects"], again.ledger["requests"]), (0, 0))
        return again

    def says(self, text, *words):
        for word in words:
            self.assertIn(word, text)


def count_entries(lake):
    """Files, symlinks, special files, and directories with nothing in them."""
    count = 0
    for here, dirs, files in os.walk(os.fsencode(lake)):
        links = [d for d in dirs if os.path.islink(os.path.join(here, d))]
        count += len(files) + len(links) + (not dirs and not files)
    return count


def contents(lake):
    """{key: SHA-256} of what must be in the store for a lake."""
    root, out = os.fsencode(lake), {}
    empty = hashlib.sha256().hexdigest()
    for path, st in weirflow.walk_lake(lake):
        full, key = os.path.join(root, path), weirflow.key_of(path)
        if stat.S_ISREG(st.st_mode):
            out[key] = weirflow.sha256_file(full)
        elif stat.S_ISLNK(st.st_mode):
            out[key] = hashlib.sha256(os.readlink(full)).hexdigest()
        elif stat.S_ISDIR(st.st_mode) and not os.listdir(full):
            out[key + "/"] = empty
    return out


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.01)
    return False


if __name__ == "__main__":
    raise SystemExit("this is a frame; run the tests beside it")
