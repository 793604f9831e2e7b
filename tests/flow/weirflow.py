"""What the flow tests share: lakes to seed, an independent map of names to keys, the program.

Nothing here uses weir's own code: the key mapping and the digests are written again, from the
text of engine/DESIGN.md, so that a mistake on one side shows."""

import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys

ESCAPE = "\u241b"


def say(text):
    print(text, flush=True)


def key_of(path):
    """The key of a relative path (bytes), without the prefix of the store."""
    out = []
    reserved = path == b".weir" or path.startswith(b".weir/")
    i = 0
    while i < len(path):
        char, size = None, 1
        for n in (1, 2, 3, 4):
            try:
                char, size = path[i:i + n].decode("utf-8"), n
                break
            except UnicodeDecodeError:
                continue
        code = ord(char) if char is not None and len(char) == 1 else None
        plain = (code is not None and code >= 0x20 and not 0x7F <= code <= 0x9F
                 and code not in (0x241B, 0xFFFE, 0xFFFF) and not (i == 0 and reserved))
        if plain:
            out.append(char)
        else:
            out.extend("%s%02X" % (ESCAPE, b) for b in path[i:i + size])
        i += size
    return "".join(out)


def sha256_file(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def walk_lake(lake):
    """(relative path, lstat) of everything below lake, as bytes, in no order."""
    root = os.fsencode(lake)
    for here, dirs, files in os.walk(root):
        for name in dirs + files:
            full = os.path.join(here, name)
            yield os.path.relpath(full, root), os.lstat(full)


def mirror(lake, tree, skip=()):
    """Builds what a client that knows nothing of weir must get: keys as file names, the target of
    a symlink as content.  Directories and special files are left out."""
    wanted = 0
    for path, st in walk_lake(lake):
        if path in skip:
            continue
        to = os.path.join(os.fsencode(tree), key_of(path).encode())
        source = os.path.join(os.fsencode(lake), path)
        if stat.S_ISREG(st.st_mode) or stat.S_ISLNK(st.st_mode):
            os.makedirs(os.path.dirname(to), exist_ok=True)
        if stat.S_ISREG(st.st_mode):
            os.link(source, to)
            wanted += 1
        elif stat.S_ISLNK(st.st_mode):
            with open(to, "wb") as f:
                f.write(os.readlink(source))
            wanted += 1
    return wanted


ODD_NAMES = [
    b"new\nline", b"tab\there", b"bell\x07", b"not-utf8-\xff\xfe", b"latin-\xe9", b"  spaces  ",
    b"plus+percent%41&equals=", b"quote'\"back\\slash", b"-rf", b"~tilde", b"#hash?query",
    "snow\u2603man".encode(), "escape\u241bsymbol".encode(), "e\u0301 decomposed".encode(),
    "\u00e9 composed".encode(), "\U0001f600".encode(), b"c1-\xc2\x85-control", b"semi;colon:",
    b"a" * 200, b"[glob]*{x}", b"$HOME", b"dot.", b"...", b"%2F", b"CON",
]


def add_odd(lake, large_bytes, rng, skip=None):
    """Names, types and shapes that break tools; one large file; returns what is no object."""
    odd = os.path.join(lake, "odd names")
    os.makedirs(odd)
    for i, name in enumerate(ODD_NAMES):
        if skip is not None and skip in name:
            continue
        with open(os.path.join(os.fsencode(odd), name), "wb") as f:
            f.write(rng.randbytes(i * 37))
    os.makedirs(os.path.join(lake, "empty dir"))
    os.makedirs(os.path.join(lake, ".weir"))
    with open(os.path.join(lake, ".weir", "mine"), "w") as f:
        f.write("a lake may have a directory of this name\n")
    os.mkfifo(os.path.join(lake, "odd names", "fifo"))
    os.symlink("no/such/target", os.path.join(odd, "dangling"))
    os.symlink("..", os.path.join(odd, "loop"))
    os.symlink("/etc/passwd", os.path.join(odd, "absolute"))
    os.link(os.path.join(os.fsencode(odd), ODD_NAMES[3]), os.path.join(odd, "hard link"))
    with open(os.path.join(odd, "zero bytes"), "wb"):
        pass
    with open(os.path.join(odd, "sparse"), "wb") as f:
        f.seek(20 << 20)
        f.write(b"end")
    deep = odd
    for i in range(30):
        deep = os.path.join(deep, "deep%d" % i)
    os.makedirs(deep)
    with open(os.path.join(deep, "leaf"), "wb") as f:
        f.write(b"leaf")
    with open(os.path.join(lake, "large.bin"), "wb") as f:
        block = bytearray(rng.randbytes(1 << 20))
        for i in range(large_bytes >> 20):
            block[0:8] = i.to_bytes(8, "little")  # no two chunks are equal
            f.write(block)
        f.write(rng.randbytes(large_bytes & 0xFFFFF))


def copy_real_files(lake, count):
    """Real files of this machine, with their links and times."""
    for source in ("/usr/share", "/usr/include", "/usr/lib"):
        done = 0
        for here, dirs, files in os.walk(source):
            dirs.sort()
            to = os.path.join(lake, os.path.relpath(here, "/usr"))
            os.makedirs(to, exist_ok=True)
            for name in sorted(files):
                full = os.path.join(here, name)
                st = os.lstat(full)
                if stat.S_ISREG(st.st_mode) and st.st_size > 32 << 20:
                    continue
                shutil.copy2(full, os.path.join(to, name), follow_symlinks=False)
                done += 1
                if done >= count:
                    return
            if done >= count:
                break
        count -= done


class Job:
    """One manifest with its state directory, and the program on it."""

    def __init__(self, weir, work, name, lake, url, destination=None, source=None, transfer=None,
                 env=None, track=None, metrics=None):
        self.weir, self.work, self.name = weir, work, name
        self.state = os.path.join(work, name + ".state")
        self.manifest = os.path.join(work, name + ".yaml")
        self.env = dict(os.environ, **(env or {}))
        lines = ["weir: 1", "name: " + name, "source:", "  root: " + json.dumps(lake)]
        lines += ["  " + s for s in source or []]
        lines += ["destination:", "  url: " + json.dumps(url)]
        lines += ["  " + s for s in destination or []]
        for section, more in (("transfer", transfer), ("track", track), ("metrics", metrics)):
            if more:
                lines += [section + ":"] + ["  " + s for s in more]
        with open(self.manifest, "w") as f:
            f.write("\n".join(lines) + "\n")

    def argv(self, command, *more):
        return [self.weir, command, self.manifest, "--state", self.state, *more]

    def start(self, command, *more):
        return subprocess.Popen(self.argv(command, *more), env=self.env, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def run(self, command, *more, timeout=600):
        """(exit status, stdout, stderr)."""
        p = subprocess.run(self.argv(command, *more), env=self.env, capture_output=True,
                           timeout=timeout)
        return p.returncode, p.stdout.decode(), p.stderr.decode("utf-8", "replace")

    def seed(self, *more, timeout=600):
        """(exit status, ledger, stderr)."""
        status, out, err = self.run("seed", "--json", "--progress", "none", *more, timeout=timeout)
        try:
            ledger = json.loads(out)["summary"]
        except (ValueError, KeyError):
            ledger = None
        return status, ledger, err

    def report(self, number):
        """All records of the report of a pass."""
        with open(os.path.join(self.state, "report-%06d.ndjson" % number)) as f:
            return [json.loads(line) for line in f]


class Failures:
    """Checks that go on after one failed, and count."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, good, text):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            say("FAILED: " + text)
        return good

    def equal(self, got, want, text):
        return self.check(got == want, "%s: got %r, want %r" % (text, got, want))

    def end(self):
        say("%d passed, %d failed" % (self.passed, self.failed))
        sys.exit(0 if self.failed == 0 else 1)


def seeded_random(seed):
    seed = seed if seed is not None else random.randrange(1 << 32)
    say("seed %d" % seed)
    return random.Random(seed)
