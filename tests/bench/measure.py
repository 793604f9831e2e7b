"""Starting, measuring and checking the programs of one benchmark round."""
import json
import os
import re
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field


class BenchError(Exception):
    """A run that does not count: it failed, or did not send what it should have sent."""


@dataclass
class Sample:
    wall_s: float
    cpu_s: float
    maxrss_kib: int
    requests: int = 0
    bytes: int = 0                             # of objects and parts
    kinds: dict = field(default_factory=dict)  # kind of request -> number


class Sink:
    """The discarding endpoint; one for the whole benchmark."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def stats(self):
        with urllib.request.urlopen(f"{self.endpoint}/_sink/stats", timeout=10) as reply:
            return json.load(reply)

    def stop(self):
        self.process.terminate()
        self.process.communicate()


def timed(argv, log, env=None):
    """Runs argv with both outputs in log; user and system time are those of its whole tree."""
    with open(log, "wb") as out:
        start = time.monotonic()
        child = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                 env=env)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        with open(log, errors="replace") as out:
            tail = out.read()[-600:]
        raise BenchError(f"{os.path.basename(argv[0])} ended with {child.returncode}: {tail}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def no_difference(argv, log, env, difference):
    """A timed run of a tool that compares: none of its lines may match difference."""
    sample = timed(argv, log, env)
    with open(log, errors="replace") as out:
        for line in out:
            if re.search(difference, line):
                raise BenchError(f"{argv[0]} found a difference: {line.strip()}")
    return sample


def against_sink(sink, argv, log, env=None, objects=None, body_bytes=None):
    """A timed run whose requests and body bytes at the sink are counted and checked."""
    before = sink.stats()
    sample = timed(argv, log, env)
    after = sink.stats()
    sample.requests = after["requests"] - before["requests"]

    def sent(kind, what):
        return after[kind][what] - before[kind][what]

    sample.bytes = sent("put", "bytes") + sent("part", "bytes")
    sample.kinds = {kind: sent(kind, "requests") for kind, counts in after.items()
                    if isinstance(counts, dict) and kind != "stats" and sent(kind, "requests")}
    if "bad" in sample.kinds:
        raise BenchError(f"{argv[0]} sent a request that the sink does not know")
    if body_bytes is not None and not body_bytes <= sample.bytes <= body_bytes + 2 ** 20:
        raise BenchError(f"{argv[0]} sent {sample.bytes} bytes instead of {body_bytes}")
    if objects is not None and sent("put", "requests") + sent("complete", "requests") < objects:
        raise BenchError(f"{argv[0]} made fewer than {objects} objects")
    return sample
