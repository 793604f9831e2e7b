"""What all lines have in common: data, a manifest, rounds in which the programs take turns."""
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field

import measure
import report

QUIET_S = 3  # weir does not trust a file that changed less than 2 s ago


@dataclass
class Figures:
    """Samples of one set of rounds; several lines may be drawn from them."""
    samples: dict = field(default_factory=dict)  # program -> {round: Sample}
    skipped: dict = field(default_factory=dict)  # program -> why

    def has(self, program):
        return program in self.samples


class Bench:
    def __init__(self, build, rounds, sink, folder):
        self.build, self.rounds, self.sink, self.folder = build, rounds, sink, folder
        self.programs = os.path.join(build, "tests", "bench")
        self.weir = os.path.join(build, "weir")
        self.log = os.path.join(folder, "log")
        self.data = os.path.join(folder, "data")
        self.state = os.path.join(folder, "state")
        self.manifest = os.path.join(folder, "bench.yaml")
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C",
                    "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret"}
        self.lines = []

    def program(self, name):
        return os.path.join(self.programs, name)

    def make(self, files, size, folders, prefix="p"):
        """Data, a manifest for it and no state.  Below "keep/" the sink keeps it."""
        for folder in (self.data, self.state):
            shutil.rmtree(folder, ignore_errors=True)
        maker = self.program("bench_make_tree")
        subprocess.run([maker, self.data, str(files), str(size), str(folders)], check=True)
        with open(self.manifest, "w") as out:
            out.write(f"weir: 1\nname: bench\nsource: {{root: {self.data}}}\n"
                      f"destination:\n  url: s3://bench/{prefix}\n"
                      f"  endpoint: {self.sink.endpoint}\n"
                      "  region: us-east-1\n  addressing: path\n")
        self.settle()

    def clear(self):
        for name in os.listdir(self.folder):
            shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)

    def settle(self):
        time.sleep(QUIET_S)

    def paths(self):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.data)
                      for name in names)

    def command(self, name):
        return [self.weir, name, self.manifest, "--state", self.state]

    def against_sink(self, argv, objects=None, body_bytes=None):
        return measure.against_sink(self.sink, argv, self.log, self.env, objects, body_bytes)

    def seed(self, objects=None, body_bytes=None):
        """From nothing."""
        shutil.rmtree(self.state, ignore_errors=True)
        return self.against_sink(self.command("seed"), objects, body_bytes)

    def collect(self, programs, rounds=None):
        """Runs every program once a round, in turn.  programs: name -> function of the number of
        the round that returns a Sample, or None when it is not its turn."""
        got = Figures()
        for number in range(rounds or self.rounds):
            for name, run in programs.items():
                try:
                    sample = run(number)
                except (measure.BenchError, FileNotFoundError) as error:
                    got.skipped[name] = str(error)
                    continue
                if sample is not None:
                    got.samples.setdefault(name, {})[number] = sample
        return got

    def line(self, figures, title, unit, per, *targets, base=None):
        line = report.Line(title, unit, *targets, base=base)
        for name, by_round in figures.samples.items():
            for number, sample in by_round.items():
                line.add(name, number, per(sample), sample)
        for name, why in figures.skipped.items():
            line.skip(name, why)
        self.lines.append(line)
        print(line.progress(), file=sys.stderr)
        return line
