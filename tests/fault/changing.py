"""The frame of the tests that change a lake while weir works on it: one connection, and a slow request
in front, so that the test knows where weir is."""

import json
import time

import flowcase
from flowcase import random_bytes, wait_for, write

PART = 5 << 20


class Changing(flowcase.Case):
    def start(self, lake, slow):
        time.sleep(flowcase.QUIET_S)  # so that nothing is put off for being new
        self.server.script(slow)
        job = self.job(lake=lake, transfer=["connections: 1", "part_size: 5MiB"])
        p = job.start("seed", "--json", "--progress", "none")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        self.assertTrue(wait_for(self.fired))
        return job, p

    def fired(self):
        """Is the slow request there?"""
        return any(r["fired"] for r in rules(self.server.admin("GET", "script")[1]))

    def finish(self, job, p, status):
        out, err = p.communicate(timeout=60)
        done = flowcase.Pass(job, p.returncode, out.decode(), err.decode(), 0, 0)
        self.assertEqual(done.status, status, done.err)
        self.check_pass(done)
        self.server.script("")
        return done

    def lake_with(self, names, size=3000):
        lake = self.own_lake()
        write(lake + "/0first", b"sent slowly")
        for name in names:
            write(lake + "/" + name, random_bytes(name, size))
        return lake


def rules(text):
    return json.loads(text)["rules"] if text.strip().startswith(b"{") else json.loads(text)
