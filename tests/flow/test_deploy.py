#!/usr/bin/env python3
"""manifests/deploy/: the units are right and tight as systemd itself sees them, offline, and what they allow is
all that weir needs; the crontab runs as it stands."""

import glob
import os
import re
import shutil
import subprocess
import unittest

import flowcase
from flowcase import WEIR, write

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "manifests", "deploy")
EXPOSURE_MAX = 2.0  # of systemd-analyze security; 10 is a service without any limit
analyze = shutil.which("systemd-analyze")


def lines_of(name):
    with open(os.path.join(DEPLOY, name)) as f:
        return f.read().splitlines()


def settings(name):
    """{key: [values]}, without sections; no key of the units stands in two."""
    out = {}
    for line in lines_of(name):
        if "=" in line and not line.startswith(("#", "[")):
            key, value = line.split("=", 1)
            out.setdefault(key, []).append(value)
    return out


@unittest.skipUnless(analyze, "SKIPPED: no systemd-analyze")
class Systemd(unittest.TestCase):
    """A copy of the units with the program that is tested, started for a job called lake."""

    def setUp(self):
        self.work = flowcase.tempfile.mkdtemp(prefix="weir-units-")
        self.addCleanup(shutil.rmtree, self.work, True)
        for name in ("weir-sync@.service", "weir-sync@.timer"):
            text = "\n".join(lines_of(name)) + "\n"
            with open(os.path.join(self.work, name), "w") as f:
                f.write(text.replace("ExecStart=weir ", "ExecStart=%s " % os.path.abspath(WEIR)))

    def analyze(self, *args):
        env = dict(os.environ, SYSTEMD_UNIT_PATH=self.work + ":", SYSTEMD_LOG_TARGET="console")
        p = subprocess.run([analyze, "--no-pager", *args], env=env, capture_output=True, text=True,
                           cwd=self.work, timeout=60)
        return p.returncode, p.stdout, p.stderr

    def test_verify(self):
        status, out, err = self.analyze("verify", "--man=no", "--recursive-errors=no",
                                        "weir-sync@lake.service", "weir-sync@lake.timer")
        self.assertEqual((status, out, err), (0, "", ""))

    def test_verify_can_fail(self):
        with open(os.path.join(self.work, "weir-sync@.service"), "a") as f:
            f.write("ProtectEverything=yes\n")
        status, out, err = self.analyze("verify", "--man=no", "--recursive-errors=no", "weir-sync@lake.service")
        self.assertIn("ProtectEverything", out + err)

    def test_security(self):
        status, out, err = self.analyze("security", "--offline=true",
                                        "--threshold=%d" % (EXPOSURE_MAX * 10), "weir-sync@.service")
        self.assertEqual(status, 0, out + err)
        exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)
        self.assertLessEqual(float(exposure[1]), EXPOSURE_MAX)

    def test_calendar(self):
        for value in settings("weir-sync@.timer")["OnCalendar"]:
            status, out, err = self.analyze("calendar", value)
            self.assertEqual(status, 0, err)


@unittest.skipUnless(analyze, "SKIPPED: no systemd-analyze")
class Confined(flowcase.Case):
    """What passes really call, traced, is what the service may call."""

    TRACK = ["delete: quarantine", "delete_grace: 0s", "delete_limit: {percent: 100}"]
    # SQLite gives its files to the owner of the catalog, but only as root; the service is another user.
    ONLY_AS_ROOT = {"fchown"}

    def test_system_calls(self):
        if shutil.which("strace") is None or flowcase.SANITIZED:
            self.skipTest("SKIPPED: no strace, or a build that calls more")
        service, allowed = settings("weir-sync@.service"), set()
        for value in service["SystemCallFilter"]:
            calls = self.members(value.removeprefix("~"))
            allowed = allowed - calls if value.startswith("~") else allowed | calls
        self.assertIn("openat2", allowed)
        self.assertNotIn("mount", allowed)
        os.makedirs(self.work + "/store")
        used, families = set(), set()
        for name, url in (("bucket", "s3://bucket/p"), ("disk", "file://%s/store" % self.work)):
            trace = self.traced(name, url)
            used |= set(re.findall(r"^\d+ +(\w+)\(", trace, re.M))
            families |= set(re.findall(r"^\d+ +socket\((AF_\w+)", trace, re.M))
        self.assertTrue({"openat2", "connect", "rename"} <= used, used)
        self.assertEqual(sorted(used - allowed - self.ONLY_AS_ROOT), [])
        self.assertTrue({"AF_INET"} <= families <= set(service["RestrictAddressFamilies"][0].split()))

    def members(self, group):
        p = subprocess.run([analyze, "syscall-filter", group], capture_output=True, text=True, check=True)
        found = set()
        for word in (line.strip() for line in p.stdout.splitlines()[1:]):
            if word.startswith("@"):
                found |= self.members(word)
            elif word and not word.startswith("#"):
                found.add(word)
        return found

    def traced(self, name, url):
        """The log of passes that send, copy, delete, and do nothing."""
        lake, log = self.own_lake("lake-" + name), ""
        for i in range(20):
            write("%s/dir%d/file%d" % (lake, i % 3, i), b"%d" % i)
        write(lake + "/large", flowcase.random_bytes("large", 20 << 20))
        job = self.job(name, lake=lake, url=url, track=self.TRACK,
                       metrics=["textfile: %s/%s.prom" % (self.work, name)])
        for change in (lambda: None, lambda: os.rename(lake + "/dir0", lake + "/renamed"),
                       lambda: shutil.rmtree(lake + "/dir1"), lambda: None):
            change()
            subprocess.run(["strace", "-f", "-qq", "-o", self.work + "/trace", *job.argv("sync")],
                           env=job.env, check=True, timeout=120)
            with open(self.work + "/trace", encoding="utf-8", errors="replace") as f:
                log += f.read()
        return log


class Units(unittest.TestCase):
    def test_the_lake_is_read_only(self):
        s = settings("weir-sync@.service")
        self.assertEqual(s["ProtectSystem"], ["strict"])
        self.assertEqual(s["ProtectHome"], ["read-only"])
        self.assertEqual(s["CapabilityBoundingSet"], ["CAP_DAC_READ_SEARCH"])
        self.assertEqual(s["SuccessExitStatus"], ["75"])

    def test_they_belong_together(self):
        """A timer starts the service of its own name; each is named in the text of the other."""
        names = sorted(os.path.basename(p) for p in glob.glob(DEPLOY + "/*"))
        self.assertEqual(names, ["crontab", "weir-sync@.service", "weir-sync@.timer"])
        self.assertNotIn("Unit", settings("weir-sync@.timer"))
        self.assertEqual(settings("weir-sync@.timer")["WantedBy"], ["timers.target"])


class Commands(flowcase.Case):
    """The command lines themselves, with their manifest put in its place."""

    def run_line(self, line):
        lake = self.own_lake()
        write(lake + "/file", b"content")
        job = self.job("telemetry", lake=lake, env={"XDG_STATE_HOME": self.work + "/state"})
        words = [job.manifest if w.startswith("/etc/weir/") else w for w in line.split()]
        self.assertIn(job.manifest, words)
        words = [job.state if w.startswith("%S/weir/") else w for w in words]
        self.assertEqual(os.path.basename(words[0]), "weir")
        p = subprocess.run([WEIR, *words[1:]], env=job.env, capture_output=True, timeout=60)
        self.assertEqual((p.returncode, p.stdout, p.stderr), (0, b"", b""))
        self.assertEqual(sorted(self.server.stored("p/")), ["file"])

    def test_crontab(self):
        last = lines_of("crontab")[-1]
        time_fields, command = last.split()[:5], last.split(None, 5)[5]
        for field in time_fields:
            self.assertRegex(field, r"^(\*|[0-9]+)(/[0-9]+)?$")
        self.assertNotIn("%", command)  # a new line, for cron
        self.run_line(command)
        with open(os.path.join(DEPLOY, "crontab"), "rb") as f:
            self.assertTrue(f.read().endswith(b"\n"))  # without it cron ignores the line

    def test_service(self):
        start, = settings("weir-sync@.service")["ExecStart"]
        self.run_line(start)


if __name__ == "__main__":
    unittest.main()
