#!/usr/bin/env python3
"""SIGTERM and SIGINT drain, a second one stops at once; the next run goes on where this one was."""

import signal
import time
import unittest

import flowcase
from flowcase import random_bytes, wait_for, write

FILES = 300


class Signals(flowcase.Case):
    @classmethod
    def fill(cls, lake):
        for i in range(FILES):
            write("%s/dir%d/file%d" % (lake, i % 5, i), random_bytes(i, 2000 + i))
        write(lake + "/large", random_bytes("large", 40 << 20))

    def setUp(self):
        super().setUp()
        time.sleep(flowcase.QUIET_S if not getattr(type(self), "quiet", False) else 0)
        type(self).quiet = True  # the lake is the class's, and old enough from now on

    def start(self, script, **job):
        self.server.script(script)
        job = self.job(transfer=["connections: 4", "part_size: 5MiB"], **job)
        p = job.start("seed", "--json", "--progress", "none")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        return job, p

    def finish(self, job, p, begin, limit):
        out, err = p.communicate(timeout=60)
        took = time.monotonic() - begin
        done = flowcase.Pass(job, p.returncode, out.decode(), err.decode(), took, 0)
        self.assertLess(took, limit)
        self.check_pass(done)
        return done

    def drained(self, number):
        job, p = self.start("op=PutObject key=p/[dl]* do=delay:40\nop=UploadPart do=delay:150")
        self.assertTrue(wait_for(lambda: self.server.log()["objects"] >= 20))
        begin = time.monotonic()
        p.send_signal(number)
        done = self.finish(job, p, begin, 5)
        self.assertEqual(done.status, 75, done.err)
        self.says(done.err, "stopped by a signal", "run again to continue")
        self.assertEqual(done.ledger["failed"], 0)
        self.assertGreater(done.ledger["pending"], 0)
        self.assertEqual(done.ledger["verified"], len(self.server.stored("p/")))
        self.server.script("")
        heads = len(self.server.requests("HeadObject"))
        again = self.seed(job, 0)
        self.check_all(again)
        self.assertEqual(again.ledger["unchanged"], done.ledger["verified"])
        # Nothing is asked about what was recorded; a taken up upload may be looked for.
        asked = [x.key for x in self.server.requests("HeadObject")[heads:]]
        self.assertEqual([k for k in asked if k != "p/large"], [])
        self.assertEqual(again.ledger["parts_sent"] + again.ledger["parts_reused"], 8)
        return again

    def test_sigterm(self):
        self.drained(signal.SIGTERM)

    def test_sigint(self):
        self.drained(signal.SIGINT)

    def test_parts_are_kept(self):
        """Stopped inside a large file: the parts that were sent are not sent again."""
        job, p = self.start("op=UploadPart nth=4 times=1000 do=delay:700")
        self.assertTrue(wait_for(lambda: len(self.server.requests("UploadPart")) >= 3))
        begin = time.monotonic()
        p.send_signal(signal.SIGTERM)
        done = self.finish(job, p, begin, 5)
        self.assertEqual(done.status, 75, done.err)
        sent = done.ledger["parts_sent"]
        self.assertIn(sent, range(3, 8))
        self.server.script("")
        again = self.seed(job, 0)
        self.assertEqual((again.ledger["parts_reused"], again.ledger["parts_sent"]), (sent, 8 - sent))
        self.check_store(job)
        self.check_once()

    def test_second_signal(self):
        """A server that does not answer: the first signal waits for it, the second does not."""
        job, p = self.start("op=PutObject key=p/[dl]* nth=30 times=100000 do=stall")
        self.assertTrue(wait_for(lambda: self.server.log()["objects"] >= 20))
        time.sleep(0.5)
        p.send_signal(signal.SIGINT)
        time.sleep(1)
        self.assertIsNone(p.poll(), "the first signal drains")
        begin = time.monotonic()
        p.send_signal(signal.SIGINT)
        done = self.finish(job, p, begin, 2)
        self.assertIn(done.status, (75, -2, 130), done.err)
        self.server.script("")
        self.check_all(self.seed(job, 0))

    def test_drain_ends_after_ten_seconds(self):
        job, p = self.start("op=PutObject key=p/[dl]* nth=30 times=100000 do=stall")
        self.assertTrue(wait_for(lambda: self.server.log()["objects"] >= 20))
        time.sleep(0.3)
        begin = time.monotonic()
        p.send_signal(signal.SIGTERM)
        done = self.finish(job, p, begin, 12)
        self.assertEqual(done.status, 75, done.err)
        self.assertGreater(done.seconds, 8)
        self.server.script("")
        self.check_all(self.seed(job, 0))

    def test_during_a_storm(self):
        """Waiting for its next try, weir hears the signal."""
        job, p = self.start("op=PutObject key=p/[dl]* do=error:SlowDown")
        self.assertTrue(wait_for(lambda: len(self.server.requests("PutObject")) > 20))
        begin = time.monotonic()
        p.send_signal(signal.SIGTERM)
        done = self.finish(job, p, begin, 3)
        self.assertEqual(done.status, 75, done.err)
        self.assertEqual(done.ledger["failed"], 0)  # interrupted, not failed
        self.server.script("")
        self.check_all(self.seed(job, 0))


class Early(flowcase.Case):
    @classmethod
    def fill(cls, lake):
        super().fill(lake)
        time.sleep(flowcase.QUIET_S)

    def test_while_walking_and_probing(self):
        """At any moment, also before the first byte is sent: 75 or done, never another answer."""
        for ms in (1, 5, 10, 20, 40, 80, 160, 320):
            job = self.job("early%d" % ms, url="s3://bucket/%d" % ms)
            p = job.start("seed", "--json", "--progress", "none")
            time.sleep(ms / 1000)
            begin = time.monotonic()
            p.send_signal(signal.SIGTERM)
            out, err = p.communicate(timeout=60)
            self.assertLess(time.monotonic() - begin, 5)
            self.assertIn(p.returncode, (0, 75, -15), err)  # -15: before main set its handlers
            self.seed(job, 0)
            self.check_store(job, prefix="%d/" % ms)
        self.check_once()


if __name__ == "__main__":
    unittest.main()
