#!/usr/bin/env python3
"""weir's benchmark: floor, curl and weir in turn against one discarding sink.

What is measured and why it is measured so: README.md in this folder.  Prints a Markdown table
and writes JSON.  A missed target is reported, never an error."""
import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

import measure
import report

GIB = 2 ** 30
MIB = 2 ** 20
QUIET_S = 3  # weir does not trust a file that changed less than 2 s ago

FULL = {"rounds": 5, "large": (1, 4 * GIB), "many": (64, 64 * MIB), "small": 20_000,
        "tree": 1_000_000}
QUICK = {"rounds": 3, "large": (1, GIB), "many": (16, 64 * MIB), "small": 5_000,
         "tree": 100_000}


class Bench:
    def __init__(self, build, scale, sink, folder):
        self.build, self.scale, self.sink, self.folder = build, scale, sink, folder
        self.programs = os.path.join(build, "tests", "bench")
        self.weir = os.path.join(build, "weir")
        self.log = os.path.join(folder, "log")
        self.data = os.path.join(folder, "data")
        self.state = os.path.join(folder, "state")
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C",
                    "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret"}
        self.lines = []

    def make(self, files, size, folders):
        shutil.rmtree(self.data, ignore_errors=True)
        maker = os.path.join(self.programs, "bench_make_tree")
        subprocess.run([maker, self.data, str(files), str(size), str(folders)], check=True)
        manifest = os.path.join(self.folder, "bench.yaml")
        with open(manifest, "w") as out:
            out.write(f"weir: 1\nname: bench\nsource: {{root: {self.data}}}\n"
                      f"destination:\n  url: s3://bench/p\n  endpoint: {self.sink.endpoint}\n"
                      "  region: us-east-1\n  addressing: path\n")
        self.manifest = manifest
        time.sleep(QUIET_S)

    def paths(self):
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.data)
                      for name in names)

    def floor(self, *options):
        return [os.path.join(self.programs, "bench_floor"), "--port", str(self.sink.port),
                *options]

    def curl(self):
        argv = ["curl", "-sS", "--fail"]
        for number, path in enumerate(self.paths()):
            argv += ["-T", path, f"{self.sink.endpoint}/bench/p/{number}"]
        return argv

    def seed(self):
        return [self.weir, "seed", self.manifest, "--state", self.state]

    def rounds(self, title, unit, per, runs, target, objects=None, body_bytes=None):
        """Runs every program once a round, in turn; runs: name -> (argv, fresh state?)."""
        line = report.Line(title, unit, target)
        for number in range(self.scale["rounds"]):
            for name, (argv, fresh) in runs.items():
                if fresh:
                    shutil.rmtree(self.state, ignore_errors=True)
                if not os.path.exists(argv[0]) and shutil.which(argv[0]) is None:
                    line.skip(name, "not built")
                    continue
                try:
                    sample = measure.against_sink(self.sink, argv, self.log, self.env, objects,
                                                  body_bytes)
                except measure.BenchError as error:
                    line.skip(name, str(error))
                    continue
                line.add(name, number, per(sample), sample)
        self.lines.append(line)
        print(line.progress(), file=sys.stderr)
        return line

    def large(self, title, files, size):
        self.make(files, size, 1)
        paths = self.paths()
        total = files * size
        self.rounds(title, "CPU s/GiB", lambda s: s.cpu_s * GIB / total, {
            "floor, digest in passing": (self.floor("--order", "stream", *paths), False),
            "floor, digest first": (self.floor("--order", "digest-first", *paths), False),
            "curl -T": (self.curl(), False),
            "weir": (self.seed(), True),
        }, report.Target(1.6, "floor, digest in passing", below="curl -T"), body_bytes=total)

    def small(self, files, size):
        self.make(files, size, max(1, files // 1000))
        self.rounds(f"{files:,} x {size // 1024} KiB", "CPU µs/file",
                    lambda s: s.cpu_s * 1e6 / files, {
                        "floor": (self.floor("--small", self.data), False),
                        "weir": (self.seed(), True),
                    }, report.Target(2.5, "floor"), objects=files, body_bytes=files * size)

    def tree(self, files, size):
        """The seed of a big tree, once, for its memory; then passes over it unchanged."""
        self.make(files, size, max(1, files // 1000))
        rounds, self.scale["rounds"] = self.scale["rounds"], 1
        seeded = self.rounds(f"seed of {files:,} x {size} B: peak memory", "MiB",
                             lambda s: s.maxrss_kib / 1024, {"weir": (self.seed(), True)},
                             report.Target(256), objects=files, body_bytes=files * size)
        self.scale["rounds"] = rounds
        if not seeded.has("weir"):
            return
        title = f"pass over {files:,} unchanged files"
        passes = self.rounds(title, "wall µs/file", lambda s: s.wall_s * 1e6 / files,
                             {"weir": (self.seed(), False)}, report.Target(2.0))
        requests = report.Line(title, "requests", report.Target(0))
        for number, sample in enumerate(passes.samples.get("weir", [])):
            requests.add("weir", number, sample.requests, sample)
        self.lines.append(requests)

    def run(self, only):
        scale = self.scale
        if "large" in only:
            count, size = scale["large"]
            self.large(f"{count} x {size // GIB} GiB", count, size)
        if "many" in only:
            count, size = scale["many"]
            self.large(f"{count} x {size // MIB} MiB", count, size)
        if "small" in only:
            self.small(scale["small"], 16 * 1024)
        if "tree" in only:
            self.tree(scale["tree"], 100)


def first_line(argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True).stdout.split("\n")[0]
    except OSError:
        return "not there"


def read(path):
    try:
        with open(path) as text:
            return text.read().strip()
    except OSError:
        return ""


def machine(build):
    cpus = [l.split(":")[1].strip() for l in read("/proc/cpuinfo").split("\n")
            if l.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": f"{os.cpu_count()} x {cpus[0] if cpus else platform.machine()}",
        "memory_gib": round(memory, 1),
        "kernel": platform.release(),
        "congestion_control": read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "load_before": os.getloadavg()[0],
        "weir": first_line([os.path.join(build, "weir"), "--version"]),
        "commit": first_line(["git", "rev-parse", "--short", "HEAD"]),
        "curl": first_line(["curl", "--version"]),
    }


def folder_for(needed):
    """tmpfs when it has room for data of needed bytes, else the usual place for temp files."""
    shm = "/dev/shm"
    if os.path.isdir(shm):
        free = os.statvfs(shm)
        if free.f_bavail * free.f_frsize > needed and read_available() > needed:
            return shm
    return None


def read_available():
    for line in read("/proc/meminfo").split("\n"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def in_own_network():
    """Starts this program again in a network namespace with nothing but a loopback, where no
    other traffic and no host-wide congestion control disturbs; goes on as it is without one."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or "WEIR_BENCH_NETNS" in os.environ:
        return
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0:
        os.environ["WEIR_BENCH_NETNS"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])


def prepare_network():
    import fcntl
    import socket
    import struct
    if "WEIR_BENCH_NETNS" not in os.environ:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        up = struct.pack("16sH22x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(s, 0x8914, up)  # SIOCSIFFLAGS
    try:
        with open("/proc/sys/net/ipv4/tcp_congestion_control", "w") as out:
            out.write("reno")
    except OSError:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--out", default="build/bench.json")
    parser.add_argument("--quick", action="store_true", help="a quarter of the data, 3 rounds")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", default="large,many,small,tree",
                        help="comma-separated: large, many, small, tree")
    options = parser.parse_args()
    in_own_network()
    prepare_network()
    scale = dict(QUICK if options.quick else FULL)
    if options.rounds:
        scale["rounds"] = options.rounds
    about = machine(options.build)
    needed = max(scale["large"][1], scale["many"][0] * scale["many"][1],
                 scale["tree"] * 6 * 1024) * 5 // 4
    sink = measure.Sink(os.path.join(options.build, "tests", "bench", "bench_sink"))
    with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=folder_for(needed)) as folder:
        bench = Bench(os.path.abspath(options.build), scale, sink, folder)
        try:
            bench.run(options.only.split(","))
        finally:
            sink.stop()
    with open(options.out, "w") as out:
        json.dump({"machine": about, "lines": [l.as_json() for l in bench.lines]}, out, indent=1)
        out.write("\n")
    print(report.markdown(about, bench.lines))


if __name__ == "__main__":
    main()
