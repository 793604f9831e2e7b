#!/usr/bin/env python3
"""weir's benchmark: floor, curl, rsync, rclone and weir in turn against one discarding sink.

What is measured and why it is measured so: README.md in this folder.  Prints a Markdown table
and writes JSON.  A missed target is reported, never an error."""
import argparse
import json
import os
import tempfile
from dataclasses import dataclass

import host
import measure
import report
import sync
from bench import Bench
from report import Target

GIB = 2 ** 30
MIB = 2 ** 20
SECTIONS = ("large", "many", "small", "tree", "delta", "rename")


@dataclass
class Scale:
    rounds: int
    large: int         # bytes of the one large file
    many: int          # files of 64 MiB
    small: int         # files of 16 KiB
    tree: int          # files of 100 B
    changed: int       # of these
    delta: int         # bytes of the file of which one changes
    renamed: int       # files in the directory that is renamed
    ten: int           # empty files of --ten-million


FULL = Scale(5, 4 * GIB, 64, 20_000, 1_000_000, 1000, GIB, 10_000, 10_000_000)
QUICK = Scale(3, GIB, 16, 5_000, 100_000, 1000, GIB // 4, 1000, 1_000_000)


def floor(bench, *options):
    return [bench.program("bench_floor"), "--port", str(bench.sink.port), *options]


def curl(bench):
    argv = ["curl", "-sS", "--fail"]
    for number, path in enumerate(bench.paths()):
        argv += ["-T", path, f"{bench.sink.endpoint}/bench/p/{number}"]
    return argv


def large(bench, title, files, size):
    bench.make(files, size, 1)
    paths, total = bench.paths(), files * size

    def sending(argv):
        return lambda number: bench.against_sink(argv, body_bytes=total)

    got = bench.collect({
        "floor, digest in passing": sending(floor(bench, "--order", "stream", *paths)),
        "floor, digest first": sending(floor(bench, "--order", "digest-first", *paths)),
        "curl -T": sending(curl(bench)),
        "weir": lambda number: bench.seed(body_bytes=total),
    })
    bench.line(got, title, "CPU s/GiB", lambda s: s.cpu_s * GIB / total,
               Target(1.6, "floor, digest in passing", below="curl -T"))


def small(bench, files, size):
    bench.make(files, size, max(1, files // 1000))
    checks = {"objects": files, "body_bytes": files * size}
    argv = floor(bench, "--small", bench.data)
    got = bench.collect({"floor": lambda number: bench.against_sink(argv, **checks),
                         "weir": lambda number: bench.seed(**checks)})
    bench.line(got, f"{files:,} x {size // 1024} KiB", "CPU µs/file",
               lambda s: s.cpu_s * 1e6 / files, Target(2.5, "floor"))


def sections(bench, scale, only):
    if "large" in only:
        large(bench, f"1 x {scale.large // GIB} GiB", 1, scale.large)
    if "many" in only:
        large(bench, f"{scale.many} x 64 MiB", scale.many, 64 * MIB)
    if "small" in only:
        small(bench, scale.small, 16 * 1024)
    if "delta" in only:
        sync.delta(bench, scale.delta)
    if "rename" in only:
        sync.rename(bench, scale.renamed)
    if "tree" in only:
        return sync.tree(bench, scale.tree, 100, scale.changed)
    return None


def ten_million(bench, files, one_million):
    """Empty files, in a tmpfs of its own: the usual one has not so many inodes."""
    folder = os.path.join(bench.folder, "ten")
    os.mkdir(folder)
    with host.Tmpfs(folder, files * 1600):
        more = Bench(bench.build, min(bench.rounds, 3), bench.sink, folder)
        more.lines = bench.lines
        ten = sync.tree(more, files, 0, 0, peers_once=True)
        if ten is not None:
            sync.extrapolated(more, one_million, ten, files * 10)


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--out", default="build/bench.json")
    parser.add_argument("--folder", help="where data goes; else to a tmpfs, where there is room")
    parser.add_argument("--quick", action="store_true", help="less data, 3 rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default=",".join(SECTIONS),
                        help=f"comma-separated: {', '.join(SECTIONS)}")
    parser.add_argument("--ten-million", action="store_true",
                        help="passes over 10,000,000 files too (half an hour)")
    chosen = parser.parse_args()
    chosen.only = [name for name in chosen.only.split(",") if name]
    if unknown := set(chosen.only) - set(SECTIONS):
        parser.error(f"--only: no {', '.join(sorted(unknown))}")
    return chosen


def main():
    chosen = options()
    host.in_own_network()
    host.prepare_network()
    scale = QUICK if chosen.quick else FULL
    about = host.machine(chosen.build)
    needed = {"large": scale.large, "many": scale.many * 64 * MIB, "small": scale.small * 20_000,
              "tree": scale.tree * 7 * 1024, "delta": scale.delta, "rename": scale.renamed * 8192}
    room = max([needed[name] for name in chosen.only], default=0) * 5 // 4
    build = os.path.abspath(chosen.build)
    sink = measure.Sink(os.path.join(build, "tests", "bench", "bench_sink"))
    place = chosen.folder or host.folder_for(room)
    with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=place) as folder:
        about["data_on"] = host.file_system(folder)
        bench = Bench(build, chosen.rounds or scale.rounds, sink, folder)
        try:
            tree = sections(bench, scale, chosen.only)
            if chosen.ten_million:
                bench.clear()
                ten_million(bench, scale.ten, tree)
        finally:
            sink.stop()
    with open(chosen.out, "w") as out:
        json.dump({"machine": about, "lines": [l.as_json() for l in bench.lines]}, out, indent=1)
        out.write("\n")
    print(report.markdown(about, bench.lines))


if __name__ == "__main__":
    main()
