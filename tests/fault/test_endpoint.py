#!/usr/bin/env python3
"""An endpoint that is down, slow or resetting, or overloaded for a while.  The waiting of the cases that end badly
is long by design (retries with jitter), so they run side by side."""

import socket
import subprocess
import threading
import time
import unittest

import flowcase


class Bad(flowcase.Case):
    """Each of these ends the pass with a message within a minute; all at once, to save time."""

    def run_all(self, cases):
        """cases: {name: (job, status, words)}; runs them side by side."""
        results = {}

        def one(name, job):
            begin = time.monotonic()
            p = subprocess.run(job.argv("seed", "--json", "--progress", "none"), env=job.env,
                               capture_output=True, timeout=150)
            results[name] = flowcase.Pass(job, p.returncode, p.stdout.decode(), p.stderr.decode(),
                                          time.monotonic() - begin, 0)
        threads = [threading.Thread(target=one, args=(n, c[0])) for n, c in cases.items()]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for name, (job, status, words) in cases.items():
            with self.subTest(name):
                done = results[name]
                print("%-12s ended with %d after %.1f s" % (name, done.status, done.seconds))
                self.assertEqual(done.status, status, done.err)
                self.says(done.err, "weir: error:", *words)
                self.check_pass(done)
                self.assertLess(done.seconds, 120)
        return results

    def test_unusable(self):
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        self.addCleanup(closed.close)
        down = "http://127.0.0.1:%d" % closed.getsockname()[1]
        resetting, failing = self.start_server(), self.start_server()
        resetting.script("do=reset:before")
        failing.script("do=error:InternalError")
        self.run_all({
            "down": (self.job("down", destination=["endpoint: " + down]), 1,
                     [down, "connect", "endpoint up"]),
            "no-name": (self.job("no-name", destination=[
                "endpoint: http://no-such-host.invalid"]), 1, ["no-such-host.invalid"]),
            "resetting": (self.job("resetting", server=resetting), 1, [resetting.endpoint]),
            "failing": (self.job("failing", server=failing), 1,
                        [failing.endpoint, "InternalError", "request"]),
        })


class Troubled(flowcase.Case):
    """Trouble that passes: the pass ends well, every byte is right, nothing is sent twice."""

    def passes(self, script):
        self.server.script(script)
        done = self.seed(self.job(), 0)
        self.check_all(done)
        return done

    def test_thirty_percent_of_503(self):
        done = self.passes("key=p/[dle]* prob=0.3 seed=5 do=error:SlowDown")
        self.assertGreater(done.ledger["throttled"], 0)
        self.assertEqual(done.ledger["throttled"], done.ledger["retries"])
        self.assertEqual(done.ledger["retries"], self.server.log()["faults"])

    def test_resets(self):
        self.passes("key=p/[dle]* prob=0.1 seed=6 do=reset:body\n"
                    "key=p/[dle]* prob=0.05 seed=7 do=reset:before\n"
                    "key=p/[dle]* prob=0.05 seed=8 do=reset:after")

    def test_internal_errors(self):
        self.passes("key=p/[dle]* prob=0.15 seed=9 do=error:InternalError")

    def test_slow_replies(self):
        self.passes("key=p/[dle]* do=delay-reply:150")

    def test_all_kinds(self):
        self.passes("key=p/[dle]* prob=0.06 seed=1 do=error:SlowDown\n"
                    "key=p/[dle]* prob=0.06 seed=2 do=reset:after\n"
                    "op=PutObject,UploadPart key=p/[dle]* prob=0.06 seed=3 do=error:RequestTimeout\n"
                    "key=p/[dle]* prob=0.06 seed=4 do=close\n"
                    "op=CompleteMultipartUpload key=p/l* prob=0.5 seed=5 do=ok-error:InternalError")

    def test_down_for_a_moment(self):
        """The server is stopped and continued while weir sends."""
        self.server.script("key=p/[dle]* do=delay:30")
        job = self.job(transfer=["connections: 2"])
        p = job.start("seed", "--json", "--progress", "none")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        self.assertTrue(flowcase.wait_for(lambda: self.server.requests("PutObject")))
        self.server.process.send_signal(19)  # SIGSTOP
        time.sleep(2)
        self.server.process.send_signal(18)  # SIGCONT
        out, err = p.communicate(timeout=60)
        self.assertEqual(p.returncode, 0, err)
        self.check_store(job)
        self.check_once()


if __name__ == "__main__":
    unittest.main()
