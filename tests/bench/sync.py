"""Lines about a sync: what it costs to find that little or nothing changed."""
import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass

import measure
import report
from report import Target

MIB = 2 ** 20
PART = 8 * MIB


@dataclass
class Passes:
    """No-op passes over so many files."""
    files: int
    figures: object


def hard_links(bench):
    """The destination that rsync and rclone compare with: the same inodes under other names.  It
    needs little memory, and spares them the look at a second one."""
    shadow = os.path.join(bench.folder, "shadow")
    shutil.rmtree(shadow, ignore_errors=True)
    subprocess.run(["cp", "-al", bench.data, shadow], check=True)
    return shadow


def peers(bench, shadow, once):
    def turns(argv, difference):
        def turn(number):
            if once and number > 0:
                return None
            return measure.no_difference(argv, bench.log, bench.env, difference)
        return turn

    return {  # -i: a line for what differs, so none at all here
        "rsync -an": turns(["rsync", "-ani", bench.data + "/", shadow + "/"], r"\S"),
        "rclone sync --dry-run": turns(["rclone", "sync", "--dry-run", "--config", "", bench.data,
                                        shadow], r"Skipped|ERROR"),
    }


def tree(bench, files, size, changed, peers_once=False):
    """The seed of a big tree, once, for its memory; no-op passes; passes with some changes."""
    bench.make(files, size, max(1, files // 1000))
    others = peers(bench, hard_links(bench), peers_once)  # before the seed: links change ctime
    bench.settle()
    seeded = bench.collect({"weir": lambda _: bench.seed(files, files * size)}, rounds=1)
    bench.line(seeded, f"seed of {files:,} x {size} B", "peak MiB",
               lambda s: s.maxrss_kib / 1024, Target(256))
    if not seeded.has("weir"):
        return None
    passes = Passes(files, no_op(bench, files, others))
    if changed > 0:
        some_changed(bench, files, changed, size)
    return passes


def no_op(bench, files, others):
    got = bench.collect({"weir": lambda _: bench.against_sink(bench.command("sync")), **others})
    title = f"no-op sync of {files:,} files"
    bench.line(got, title, "wall s", lambda s: s.wall_s, Target(1.6 * files / 1e6),
               Target(1 / 5, "rsync -an"), Target(1 / 7, "rclone sync --dry-run"), base="weir")
    bench.line(got, title, "CPU s", lambda s: s.cpu_s, base="weir")
    bench.line(got, title, "peak MiB", lambda s: s.maxrss_kib / 1024, Target(128), base="weir")
    bench.line(only_weir(got), title, "requests", lambda s: s.requests, Target(0))
    return got


def only_weir(got):
    return type(got)({n: s for n, s in got.samples.items() if n == "weir"},
                     {n: w for n, w in got.skipped.items() if n == "weir"})


def flip(path, at):
    """Changes one byte."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 0xFF]))


def some_changed(bench, files, changed, size):
    """One file each in as many directories as there are: the worst case for what is remembered of
    whole directories."""
    folders = sorted(entry.path for entry in os.scandir(bench.data))

    def turn(number):
        for i in range(changed):
            folder = folders[i % len(folders)]
            names = sorted(os.listdir(folder))
            name = names[(number * 7919 + i // len(folders)) % len(names)]
            flip(os.path.join(folder, name), size // 2)
        bench.settle()
        return bench.against_sink(bench.command("sync"), objects=changed,
                                  body_bytes=changed * size)

    got = bench.collect({"weir": turn})
    title = f"{changed:,} changed of {files:,}"
    bench.line(got, title, "requests", lambda s: s.requests, Target(changed + 10))
    bench.line(got, title, "wall s", lambda s: s.wall_s)


def delta(bench, size):
    """One byte of a large file changes.  The sink copies by reference: the copying that a store
    does is not measured."""
    bench.make(1, size, 1, prefix="keep/delta")
    path = bench.paths()[0]
    dice = random.Random(1)
    digest = [bench.program("bench_digest"), path]

    def turn(number):
        flip(path, dice.randrange(size))
        bench.settle()
        return bench.against_sink(bench.command("sync"), body_bytes=None)

    try:
        bench.seed(body_bytes=size)
    except measure.BenchError as error:
        print(f"delta: {error}", file=sys.stderr)
        return
    got = bench.collect({"digest": lambda _: measure.timed(digest, bench.log, bench.env),
                         "weir": turn})
    title = f"1 byte changed of {size // MIB:,} MiB"
    bench.line(got, title, "wall s", lambda s: s.wall_s, Target(1.3, "digest"))
    bench.line(got, title, "CPU s", lambda s: s.cpu_s, base="digest")
    got = only_weir(got)
    bench.line(got, title, "parts sent", lambda s: s.kinds.get("part", 0), Target(2))
    bench.line(got, title, "MiB sent", lambda s: s.bytes / MIB, Target(2 * PART / MIB))


def rename(bench, files):
    bench.make(files, 1024, 1, prefix="keep/rename")
    here = os.path.join(bench.data, "d000000")
    try:
        bench.seed(files, files * 1024)
    except measure.BenchError as error:
        print(f"rename: {error}", file=sys.stderr)
        return

    def turn(number):
        nonlocal here
        there = os.path.join(bench.data, f"renamed-{number}")
        os.rename(here, there)
        here = there
        bench.settle()
        sample = bench.against_sink(bench.command("sync"))
        if sample.kinds.get("copy", 0) + sample.kinds.get("put", 0) < files:
            raise measure.BenchError(f"weir made fewer than {files} objects")
        return sample

    got = bench.collect({"weir": turn})
    title = f"directory with {files:,} files renamed"
    bench.line(got, title, "bytes sent", lambda s: s.bytes, Target(0))
    bench.line(got, title, "requests per file", lambda s: s.requests / files, Target(1.01))
    bench.line(got, title, "wall s", lambda s: s.wall_s)


def extrapolated(bench, one_million, ten_million, files):
    """On the line through both sets of passes, round by round."""
    title = f"no-op sync of {files:,} files, extrapolated"
    for unit, per in (("wall s", lambda s: s.wall_s), ("peak MiB", lambda s: s.maxrss_kib / 1024)):
        line = report.Line(title, unit)
        less = one_million.figures.samples.get("weir", {}) if one_million else {}
        for number, sample in ten_million.figures.samples.get("weir", {}).items():
            first = (one_million.files, per(less[number])) if number in less else None
            value = report.extrapolate(first, (ten_million.files, per(sample)), files)
            line.add("weir", number, value, sample)
        bench.lines.append(line)
        print(line.progress(), file=sys.stderr)
