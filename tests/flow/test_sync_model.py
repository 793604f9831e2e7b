#!/usr/bin/env python3
"""Random histories of lakes: after every step `weir sync`, then a recount of lake and store that is not weir's.

For WEIR_MODEL_SECONDS (60), or WEIR_HISTORIES=N of them.  WEIR_SEED=S replays; WEIR_HISTORY=N only that one.
WEIR_KEEP=1 leaves the lakes of those that failed.  WEIR_MODEL_COMMAND=seed plays the policy keep with `weir seed`."""

import itertools
import multiprocessing
import os
import random
import shutil
import tempfile
import time
import unittest

import fakes3
import flowcase
import syncmodel

SEED = os.environ.get("WEIR_SEED") or str(random.randrange(1 << 32))
COUNT = int(os.environ.get("WEIR_HISTORIES", 0))
ONLY = os.environ.get("WEIR_HISTORY")
SECONDS = float(os.environ.get("WEIR_MODEL_SECONDS", 60))
COMMAND = os.environ.get("WEIR_MODEL_COMMAND", "sync")
KEEP = os.environ.get("WEIR_KEEP")
WORKERS = 2


def numbers(worker):
    if ONLY:
        return iter([int(ONLY)] if worker == 0 else [])
    if COUNT:
        return iter(range(worker, COUNT, WORKERS))
    return itertools.count(worker, WORKERS)


def work(worker, kills, first, connection):
    """One process with a server of its own, so that its log is of one pass at a time."""
    folder = tempfile.mkdtemp(prefix="weir-model-")
    tally = syncmodel.Tally()
    deadline = None if COUNT or ONLY else time.monotonic() + SECONDS
    env = {"AWS_ACCESS_KEY_ID": fakes3.KEY, "AWS_SECRET_ACCESS_KEY": fakes3.SECRET, "HOME": folder}
    try:
        for group in groups(numbers(worker), 240):
            server = flowcase.Server(folder)
            client = fakes3.Client(server)
            options = syncmodel.Options(
                flowcase.WEIR, COMMAND, kills=kills, extras=COMMAND == "sync", env=env,
                policies=syncmodel.POLICIES if COMMAND == "sync" else ("keep",),
                destination=["endpoint: " + server.endpoint])
            store = syncmodel.FakeStore(server, client)
            syncmodel.play((syncmodel.History(folder, SEED, first + n, store, options)
                            for n in group), tally, deadline, keep_failed=KEEP)
            client.close()
            server.__exit__()
            os.unlink(server.log_path)
            if deadline and time.monotonic() > deadline:
                break
    finally:
        connection.send((tally.histories, tally.passes, tally.failures))
        if not (KEEP and tally.failures):
            shutil.rmtree(folder, ignore_errors=True)


def groups(items, size):
    """The disk of a server is freed when it ends."""
    while True:
        group = list(itertools.islice(items, size))
        if not group:
            return
        yield group


class Model(unittest.TestCase):
    def play(self, kills, first=0):
        print("WEIR_SEED=%s" % SEED)
        ends = []
        for worker in range(WORKERS):
            mine, theirs = multiprocessing.Pipe(False)
            p = multiprocessing.Process(target=work, args=(worker, kills, first, theirs))
            p.start()
            theirs.close()
            ends.append((p, mine))
        histories = passes = 0
        failures = []
        for p, mine in ends:
            try:
                h, n, f = mine.recv()
            except EOFError:
                h, n, f = 0, 0, ["a process of the test ended early"]
            p.join()
            histories, passes, failures = histories + h, passes + n, failures + f
        print("%d histories, %d passes, %d failed" % (histories, passes, len(failures)))
        self.assertEqual(len(failures), 0, "\n".join(f.splitlines()[0] for f in failures))
        self.assertGreater(passes, 0)

    def test_histories(self):
        self.play(kills=0.0)


if __name__ == "__main__":
    unittest.main()
