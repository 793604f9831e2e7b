"""Random changes of a lake, as people and programs make them, and as tools do not expect them.

Every choice comes from the given generator and from sorted listings, so that a seed repeats a history.
Paths are bytes, relative to the lake."""

import ctypes
import os
import shutil
import stat

NAMES = [b"a", b"b", b"c", b"d", b"a.b", b"a-", b"a0", b"A", b"B", b"e", b"f", b"g"]
ODD = [b"not-utf8-\xff\xfe", b"new\nline", b"  spaces  ", b"plus+percent%41&=", "\u2603\u241b".encode(),
       b"quote'\"", b"...", b"n" * 200, "e\u0301".encode(), "\u00e9".encode(), b"\x01\x7f", b"*?[x]"]
MIB = 1 << 20
RENAME_EXCHANGE = 2
AT_FDCWD = -100
libc = ctypes.CDLL(None, use_errno=True)


def exchange(a, b):
    if libc.renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2", a)


class Lake:
    """@swap_types: may a name change between file and directory?  @large: sizes of several parts."""

    def __init__(self, root, rng, large=False, swap_types=True, odd=tuple(ODD), used=None):
        self.root, self.rng, self.large = os.fsencode(root), rng, large
        self.swap_types, self.odd = swap_types, list(odd)
        self.done = []      # what was done, for people
        self.fresh = 0      # names that were never used before
        self.used = {} if used is None else used  # path: the type it had last
        os.makedirs(self.root, exist_ok=True)

    # ---- what is there ----

    def full(self, path):
        return os.path.join(self.root, path) if path else self.root

    def entries(self, *kinds):
        """Sorted relative paths of files 'f', links 'l', directories 'd' and others 'o'."""
        out = []
        for here, dirs, files in os.walk(self.root):
            for name in dirs + files:
                full = os.path.join(here, name)
                if kind_of(full) in kinds:
                    out.append(os.path.relpath(full, self.root))
        return sorted(out)

    def pick(self, *kinds):
        found = self.entries(*kinds)
        return self.rng.choice(found) if found else None

    def place(self, kind, parent=None, fresh=False):
        """A free path of a name that may have been used before, in a directory that is there; None
        where the name is taken or may not become what it was not."""
        if parent is None:
            parent = self.rng.choice([b""] + self.entries("d"))
        if fresh:
            self.fresh += 1
            name = b"new%d" % self.fresh
        else:
            name = self.rng.choice(self.odd if self.odd and self.rng.random() < 0.25 else NAMES)
        path = os.path.join(parent, name)
        if os.path.lexists(self.full(path)) or path.count(b"/") > 6 or not self.may(path, kind):
            return None
        return path

    def may(self, path, kind):
        return self.swap_types or (self.used.get(path, kind) == "d") == (kind == "d")

    def note(self, what, *paths):
        self.done.append(what + " " + " ".join(repr(p)[1:] if isinstance(p, bytes) else str(p)
                                               for p in paths))

    def remember(self):
        for path in self.entries("f", "l", "d", "o"):
            self.used[path] = kind_of(self.full(path))

    # ---- contents ----

    def size(self):
        r = self.rng
        if self.large and r.random() < 0.3:
            return r.choice((6, 10, 11, 15, 20, 30)) * MIB + r.choice((0, 0, 1, -1, 4097, 777777))
        return r.choice((0, 1, 10, 100, 999, 4096, r.randrange(20000), r.randrange(200000)))

    def fill(self, path, size):
        with open(self.full(path), "wb") as f:
            f.write(self.rng.randbytes(size))

    def create(self):
        path = self.place("f")
        if path:
            size = self.size()
            self.fill(path, size)
            self.note("create", path, size)

    def create_deep(self):
        path = self.place("d")
        if path:
            os.makedirs(self.full(path))
            for _ in range(self.rng.randrange(1, 4)):
                inner = self.place("f", path)
                if inner:
                    self.fill(inner, self.size())
            self.note("create directory with files", path)

    def edit(self, back=False):
        path = self.pick("f")
        size = path and os.path.getsize(self.full(path))
        if not size:
            return
        st = os.stat(self.full(path))
        with open(self.full(path), "r+b") as f:
            for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
                at = self.rng.randrange(size)
                f.seek(at)
                f.write(self.rng.randbytes(min(self.rng.choice((1, 100, 5000)), size - at)))
        if back:
            os.utime(self.full(path), ns=(st.st_atime_ns, st.st_mtime_ns))
        self.note("edit, times restored" if back else "edit", path)

    def edit_stealthily(self):
        self.edit(back=True)

    def append(self):
        path = self.pick("f")
        if path:
            size = self.rng.choice((1, 100, 9999, 3 * MIB + 5 if self.large else 70000))
            with open(self.full(path), "ab") as f:
                f.write(self.rng.randbytes(size))
            self.note("append", path, size)

    def truncate(self):
        path = self.pick("f")
        size = path and os.path.getsize(self.full(path))
        if not size:
            return
        if size > MIB:
            to = self.rng.choice((size // MIB * MIB, self.rng.randrange(size // MIB + 1) * MIB,
                                  self.rng.randrange(size), size - 1, 5 * MIB, size + 2 * MIB, size + 1))
        else:
            to = self.rng.choice((0, size // 2, size - 1, size + 100))
        os.truncate(self.full(path), to)
        self.note("truncate", path, size, to)

    def insert(self):
        """Everything behind it moves: no chunk is where it was."""
        path = self.pick("f")
        if path:
            with open(self.full(path), "rb") as f:
                data = f.read()
            at = self.rng.randrange(len(data) + 1)
            with open(self.full(path), "r+b") as f:
                f.write(data[:at] + self.rng.randbytes(7) + data[at:])
            self.note("insert", path, at)

    def repeat_block(self):
        """A block of the file again at another place."""
        path = self.pick("f")
        blocks = path and os.path.getsize(self.full(path)) // MIB
        if not blocks:
            return
        a, b = self.rng.randrange(blocks), self.rng.randrange(blocks)
        with open(self.full(path), "r+b") as f:
            f.seek(a * MIB)
            data = f.read(MIB)
            f.seek(b * MIB)
            f.write(data)
        self.note("repeat block", path, a, b)

    def rewrite(self):
        """The same bytes written again, or others."""
        path = self.pick("f")
        if not path:
            return
        with open(self.full(path), "rb") as f:
            data = f.read()
        same = self.rng.random() < 0.5
        with open(self.full(path), "wb") as f:
            f.write(data if same else self.rng.randbytes(self.size()))
        self.note("rewrite, " + ("same" if same else "other"), path)

    # ---- metadata ----

    def chmod(self):
        path = self.pick("f", "d")
        if path:
            mode = self.rng.choice((0o644, 0o600, 0o755, 0o640, 0o444, 0o2755, 0o700))
            if os.path.isdir(self.full(path)):
                mode |= 0o700
            os.chmod(self.full(path), mode)
            self.note("chmod %o" % mode, path)

    def chown(self):
        path = self.pick("f", "l", "d")
        if path and os.geteuid() == 0:
            who = self.rng.randrange(3000)
            os.chown(self.full(path), who, self.rng.randrange(3000), follow_symlinks=False)
            self.note("chown", path, who)

    def touch(self):
        path = self.pick("f", "l", "d")
        if path:
            ns = self.rng.randrange(10**18, 2 * 10**18)
            os.utime(self.full(path), ns=(ns, ns), follow_symlinks=False)
            self.note("touch", path)

    def touch_back(self):
        path = self.pick("f", "d")
        if path:
            st = os.stat(self.full(path))
            os.utime(self.full(path))
            os.utime(self.full(path), ns=(st.st_atime_ns, st.st_mtime_ns))
            self.note("touch and touch back", path)

    # ---- names ----

    def rename(self):
        path = self.pick("f", "l")
        to = path and self.place(kind_of(self.full(path)))
        if to:
            os.rename(self.full(path), self.full(to))
            self.note("rename", path, to)

    def rename_directory(self, fresh=False):
        path = self.pick("d")
        # Where types may not change, what is inside must get names that were never used.
        to = path and self.place("d", fresh=fresh or not self.swap_types)
        if not to or (to + b"/").startswith(path + b"/"):
            return False
        os.rename(self.full(path), self.full(to))
        self.note("rename directory", path, to)
        return True

    def rename_up(self):
        """Everything at the top is renamed at once."""
        for name in sorted(os.listdir(self.root)):
            kind = kind_of(self.full(name))
            to = self.place(kind, b"", fresh=self.rng.random() < 0.5 or (kind == "d" and not self.swap_types))
            if to and kind != "o":
                os.rename(self.full(name), self.full(to))
                self.note("rename", name, to)

    def exchange(self):
        kind = self.rng.choice("fd" if self.swap_types else "f")
        a, b = self.pick(kind), self.pick(kind)
        if a and not (a + b"/").startswith(b + b"/") and not (b + b"/").startswith(a + b"/"):
            exchange(self.full(a), self.full(b))
            self.note("exchange", a, b)

    def exchange_alike(self):
        """Two files of one size and one mtime change places."""
        a, b = self.pick("f"), self.place("f")
        if a and b:
            st = os.stat(self.full(a))
            self.fill(b, st.st_size)
            os.utime(self.full(b), ns=(st.st_atime_ns, st.st_mtime_ns))
            if self.rng.random() < 0.5:
                exchange(self.full(a), self.full(b))
            self.note("a twin by size and mtime, perhaps exchanged", a, b)

    def exchange_types(self):
        """A file and a directory change places."""
        a, b = self.pick("f"), self.pick("d")
        if self.swap_types and a and b and not a.startswith(b + b"/"):
            exchange(self.full(a), self.full(b))
            self.note("exchange", a, b)

    def move_over(self):
        a, b = self.pick("f", "l"), self.pick("f", "l")
        if a and a != b:
            os.rename(self.full(a), self.full(b))
            self.note("move over", a, b)

    def move_over_stealthily(self):
        """Another file of the same size and mtime takes the name."""
        path = self.pick("f")
        if path:
            st = os.stat(self.full(path))
            temporary = self.full(path) + b"~"[:255 - len(os.path.basename(path))]
            if os.path.lexists(temporary):
                return
            with open(temporary, "wb") as f:
                f.write(self.rng.randbytes(st.st_size))
            os.utime(temporary, ns=(st.st_atime_ns, st.st_mtime_ns))
            os.chmod(temporary, stat.S_IMODE(st.st_mode))
            os.rename(temporary, self.full(path))
            self.note("move over, same size and mtime", path)

    def impostor(self):
        """Gone; another file, perhaps of the same inode number, has its size and mtime."""
        path = self.pick("f")
        to = path and self.place("f")
        if to:
            st = os.stat(self.full(path))
            os.unlink(self.full(path))
            if os.path.isdir(os.path.dirname(self.full(to))):
                self.fill(to, st.st_size)
                os.utime(self.full(to), ns=(st.st_atime_ns, st.st_mtime_ns))
            self.note("impostor", path, to)

    # ---- more and less ----

    def delete(self):
        path = self.pick("f", "l", "o")
        if path:
            os.unlink(self.full(path))
            self.note("delete", path)

    def delete_tree(self):
        path = self.pick("d")
        if path:
            shutil.rmtree(self.full(path))
            self.note("delete tree", path)

    def directory_to_file(self):
        path = self.pick("d")
        if path and self.swap_types:
            shutil.rmtree(self.full(path))
            self.fill(path, self.size())
            self.note("directory becomes file", path)

    def file_to_directory(self):
        path = self.pick("f", "l")
        if path and self.swap_types:
            os.unlink(self.full(path))
            os.mkdir(self.full(path))
            inner = self.place("f", path)
            if inner:
                self.fill(inner, self.size())
            self.note("file becomes directory", path)

    def to_link(self):
        path = self.pick("f")
        if path:
            os.unlink(self.full(path))
            os.symlink(self.rng.choice((b"a", b"no/such", b"..")), self.full(path))
            self.note("file becomes link", path)

    def to_fifo(self):
        path = self.pick("f")
        if path:
            os.unlink(self.full(path))
            os.mkfifo(self.full(path))
            self.note("file becomes fifo", path)

    def hard_link(self):
        path = self.pick("f")
        to = path and self.place("f")
        if to:
            os.link(self.full(path), self.full(to))
            self.note("hard link", path, to)

    def symlink(self):
        path = self.place("l")
        if path:
            target = self.rng.choice((b"a", b"../b", b"/etc/passwd", b"dangling/x", b"t" * 999))
            os.symlink(target, self.full(path))
            self.note("symlink", path)

    def relink(self):
        path = self.pick("l")
        if path:
            os.unlink(self.full(path))
            os.symlink(self.rng.randbytes(4).hex(), self.full(path))
            self.note("link to another target", path)

    def make_directory(self):
        path = self.place("d")
        if path:
            os.mkdir(self.full(path))
            self.note("empty directory", path)

    def empty_directory(self):
        path = self.pick("d")
        if path:
            for name in os.listdir(self.full(path)):
                inner = os.path.join(self.full(path), name)
                shutil.rmtree(inner) if kind_of(inner) == "d" else os.unlink(inner)
            self.note("directory emptied", path)

    def copy(self):
        path = self.pick("f")
        to = path and self.place("f")
        if to:
            (shutil.copy2 if self.rng.random() < 0.5 else shutil.copy)(self.full(path), self.full(to))
            self.note("copy", path, to)

    def delete_and_restore(self):
        """Away and back, as a restore from a backup does it: other inode, same bytes and mtime."""
        path = self.pick("f")
        if path:
            keep = self.root + b".keep"
            shutil.copy2(self.full(path), keep)
            os.unlink(self.full(path))
            shutil.copy2(keep, self.full(path))
            os.unlink(keep)
            self.note("restore from a copy", path)

    # ---- a step ----

    WEIGHTS = {
        "create": 6, "create_deep": 3, "edit": 4, "edit_stealthily": 3, "append": 3, "truncate": 3, "insert": 1,
        "repeat_block": 1, "rewrite": 2, "chmod": 2, "chown": 1, "touch": 2, "touch_back": 2, "rename": 4,
        "rename_directory": 3, "rename_up": 0.4, "exchange": 2, "exchange_alike": 1, "exchange_types": 1,
        "move_over": 2, "move_over_stealthily": 2, "impostor": 2, "delete": 4, "delete_tree": 1,
        "directory_to_file": 1, "file_to_directory": 1, "to_link": 1, "to_fifo": 0.4, "hard_link": 2,
        "symlink": 1, "relink": 1, "make_directory": 2, "empty_directory": 0.7, "copy": 2,
        "delete_and_restore": 1}

    def begin(self):
        for _ in range(self.rng.randrange(8, 25)):
            self.rng.choice((self.create, self.create, self.create_deep, self.symlink, self.hard_link,
                             self.make_directory))()
        if self.large:
            self.fill(b"large", self.rng.randrange(20, 31) * MIB + self.rng.randrange(MIB))
        self.remember()

    def change(self, count):
        self.remember()
        names, weights = list(self.WEIGHTS), list(self.WEIGHTS.values())
        for _ in range(count):
            getattr(self, self.rng.choices(names, weights)[0])()
            self.remember()


def kind_of(full):
    mode = os.lstat(full).st_mode
    return ("d" if stat.S_ISDIR(mode) else "l" if stat.S_ISLNK(mode) else
            "f" if stat.S_ISREG(mode) else "o")
