"""The machine that is measured: what it is, a network and room for data of its own."""
import datetime
import fcntl
import os
import platform
import shutil
import socket
import struct
import subprocess
import sys

GIB = 2 ** 30
OWN = "WEIR_BENCH_NETNS"


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
        "curl": first_line(["curl", "--version"]).split(" (")[0],
        "rsync": " ".join(first_line(["rsync", "--version"]).split()[:3]),
        "rclone": first_line(["rclone", "version"]),
    }


def available():
    for line in read("/proc/meminfo").split("\n"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def folder_for(needed):
    """tmpfs when it has room for data of needed bytes, else the usual place for temp files."""
    shm = "/dev/shm"
    if os.path.isdir(shm):
        free = os.statvfs(shm)
        if free.f_bavail * free.f_frsize > needed and available() > needed:
            return shm
    return None


def file_system(folder):
    return first_line(["stat", "-f", "-c", "%T", folder])


class Tmpfs:
    """Mounted over a directory, with room for any number of files, where that can be done and
    there is memory; else the directory as it is.  A context manager."""

    def __init__(self, folder, needed):
        self.folder, self.needed, self.mounted = folder, needed, False

    def __enter__(self):
        if OWN in os.environ and available() > self.needed:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={self.needed},nr_inodes=0", "weir-bench",
                     self.folder]
            self.mounted = subprocess.run(mount).returncode == 0
        return self

    def __exit__(self, *what):
        if self.mounted:
            subprocess.run(["umount", self.folder], check=True)


def in_own_network():
    """Starts this program again in a network namespace with nothing but a loopback, where no
    other traffic and no host-wide congestion control disturbs, and with mounts of its own; goes
    on as it is without one."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or OWN in os.environ:
        return
    if subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True).returncode == 0:
        os.environ[OWN] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv])


def prepare_network():
    if OWN not in os.environ:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        up = struct.pack("16sH22x", b"lo", 0x1 | 0x40)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(s, 0x8914, up)  # SIOCSIFFLAGS
    try:
        with open("/proc/sys/net/ipv4/tcp_congestion_control", "w") as out:
            out.write("reno")
    except OSError:
        pass
