"""Random histories of lakes, each step followed by `weir sync` and a recount that is not weir's.

Many lakes take turns: while one is synced the files of the others grow old enough to be read at once, so
that nobody waits.  A history is a function of (seed, number)."""

import hashlib
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import time

import lakeops
import weirflow

QUIET_S = 2.3
POLICIES = ("mirror", "mirror", "keep", "quarantine")
EMPTY = hashlib.sha256().hexdigest()


class Wrong(Exception):
    """What the recount found."""


def wanted(lake, directories="empty"):
    """{key: (SHA-256, lstat)} of what the store must hold for a lake."""
    root, out = os.fsencode(lake), {}
    for path, st in weirflow.walk_lake(lake):
        full, key = os.path.join(root, path), weirflow.key_of(path)
        if stat.S_ISREG(st.st_mode):
            out[key] = (weirflow.sha256_file(full), st)
        elif stat.S_ISLNK(st.st_mode):
            out[key] = (hashlib.sha256(os.readlink(full)).hexdigest(), st)
        elif stat.S_ISDIR(st.st_mode) and (directories == "all" or directories == "empty" and
                                           not takes(full)):
            out[key + "/"] = (EMPTY, st)
    return out


def takes(directory):
    """Is anything in it that becomes an object, or a directory?"""
    return any(lakeops.kind_of(os.path.join(directory, n)) != "o" for n in os.listdir(directory))


def ns_text(ns):
    return "%s%dns" % ("-" if ns < 0 else "", abs(ns))


def metadata_of(st):
    return {"file-mtime": ns_text(st.st_mtime_ns), "file-owner": str(st.st_uid),
            "file-group": str(st.st_gid), "file-permissions": "0%o" % st.st_mode}


class Options:
    """How a history is run; the rest is drawn from its seed."""

    def __init__(self, weir, command="sync", policies=POLICIES, odd=tuple(lakeops.ODD),
                 swap_types=True, kills=0.0, extras=True, env=None, destination=()):
        self.weir, self.command, self.policies = weir, command, policies
        self.odd, self.swap_types, self.kills, self.extras = odd, swap_types, kills, extras
        self.env, self.destination = env or {}, list(destination)


class History:
    def __init__(self, work, seed, number, store, options):
        self.seed, self.number, self.store, self.options = seed, number, store, options
        self.rng = random.Random("%s-%d" % (seed, number))
        self.large = number % 12 == 5
        self.steps = self.rng.randrange(4, 9)
        self.policy = self.rng.choice(options.policies)
        self.directories = self.rng.choice(("empty", "empty", "empty", "all", "skip"))
        self.metadata = self.rng.choice(("copy", "copy", "copy", "catalog"))
        self.prefix = "m%d/" % number
        self.work = os.path.join(work, "h%d" % number)
        self.root = os.path.join(self.work, "lake")
        os.makedirs(self.work)
        self.lake = lakeops.Lake(self.root, self.rng, self.large, options.swap_types, options.odd)
        self.objects = {}     # key: SHA-256 of what the store holds by the rules
        self.quarantined = set()  # (key, SHA-256)
        self.maybe = {}       # key: contents that an interrupted pass may have left
        self.events, self.passes, self.step, self.special = [], 0, 0, None
        self.changed_at = 0.0
        self.job = self.make_job("job")

    def make_job(self, name):
        job = weirflow.Job(self.options.weir, self.work, name, self.root,
                           self.store.url + "/" + self.prefix.rstrip("/"), self.options.destination,
                           source=["directories: " + self.directories],
                           transfer=["part_size: 5MiB", "connections: 4"], env=self.options.env)
        if self.options.command == "sync":
            with open(job.manifest, "a") as f:
                f.write("track:\n  delete: %s\n  delete_grace: 0s\n"
                        "  delete_limit: {files: 1000000, percent: 100}\n"
                        "  metadata_changes: %s\n" % (self.policy, self.metadata))
        return job

    def title(self):
        return "WEIR_SEED=%s WEIR_HISTORY=%d (policy %s, directories %s, metadata %s%s), step %d" % (
            self.seed, self.number, self.policy, self.directories, self.metadata,
            ", large" if self.large else "", self.step)

    # ---- changes ----

    def change(self):
        """The next step: mostly a few random changes; now and then one whose price is known."""
        self.step += 1
        self.special = None
        self.lake.note("-- step %d" % self.step)
        if self.step == 1:
            self.lake.begin()
            self.store.plant(self.prefix + "foreign object", b"somebody else's")
        else:
            draw = self.rng.random()
            if draw < 0.08 and self.lake.rename_directory(fresh=True):
                self.special = "rename"
            elif draw < 0.12:
                self.special = "nothing"
            elif draw < 0.2:
                self.special = "metadata"
                for _ in range(self.rng.randrange(1, 6)):
                    self.rng.choice((self.lake.chmod, self.lake.touch, self.lake.touch_back,
                                     self.lake.chown))()
            elif draw < 0.45 and self.large and self.edit_one_byte():
                self.special = "one byte"
            else:
                self.lake.change(self.rng.choice((1, 1, 2, 3, 5, 8)))
        self.keep_one_file()
        self.lake.remember()
        self.changed_at = time.monotonic()

    def keep_one_file(self):
        """A lake without any file looks like one that is not mounted; that is another test."""
        if not self.lake.entries("f"):
            self.lake.fill(b"last", 5)

    def edit_one_byte(self):
        big = [p for p in self.lake.entries("f") if os.path.getsize(self.lake.full(p)) >= 20 << 20]
        if not big:
            return False
        with open(self.lake.full(big[0]), "r+b") as f:
            at = self.rng.randrange(20 << 20)
            f.seek(at)
            old = f.read(1)
            f.seek(at)
            f.write(bytes([old[0] ^ 1]))
        self.lake.note("change one byte", big[0], at)
        return True

    # ---- passes ----

    def run(self, *options, command=None, status=0):
        argv = self.job.argv(command or self.options.command, "--json", "--progress", "none", *options)
        p = subprocess.run(argv, env=self.job.env, capture_output=True, timeout=300)
        out, err = p.stdout.decode(), p.stderr.decode("utf-8", "replace")
        self.events.append("%s%s: exit %d %s" % (command or self.options.command, "".join(
            " " + o for o in options), p.returncode, out.strip()[-600:]))
        self.need("Sanitizer" not in err, err[-4000:])
        self.need(p.returncode == status, "exit status %d\n%s" % (p.returncode, err[-3000:]))
        self.passes += 1
        return out

    def ledger(self, out):
        summary = [json.loads(x) for x in out.splitlines() if '"summary"' in x][-1]["summary"]
        counts = [summary.get(s, 0) for s in ("verified", "uploaded", "unchanged", "excluded", "unstable",
                                              "failed", "kept", "deleted")]
        self.need(sum(counts) + summary["pending"] == summary["seen"],
                  "the ledger does not add up: %s" % summary)
        self.need(counts[4:6] == [0, 0] and summary["pending"] == 0, "not done: %s" % summary)
        return summary

    def kill_some(self):
        """Passes that SIGKILL ends at a random moment; between them the lake goes on changing."""
        for _ in range(self.rng.randrange(1, 4)):
            self.wait()
            p = self.job.start(self.options.command, "--progress", "none")
            time.sleep(self.rng.uniform(0.002, 0.15 if not self.large else 0.5))
            p.send_signal(signal.SIGKILL)
            p.communicate()
            self.events.append("killed: %d" % p.returncode)
            self.need(p.returncode in (0, -9), "a pass that was to be killed: %d" % p.returncode)
            for key, (digest, _) in wanted(self.root, self.directories).items():
                self.maybe.setdefault(key, set()).add(digest)
            if self.rng.random() < 0.5:
                self.lake.change(self.rng.choice((1, 3)))
                self.keep_one_file()
                self.changed_at = time.monotonic()

    def wait(self):
        time.sleep(max(0.0, self.changed_at + QUIET_S - time.monotonic()))

    def check(self):
        """One pass after the change, and everything that must hold then."""
        self.wait()
        killed = self.step > 1 and self.rng.random() < self.options.kills
        if killed:
            self.kill_some()
            self.wait()
        now = wanted(self.root, self.directories)
        full = self.options.extras and self.rng.random() < 0.1
        if self.options.extras and self.rng.random() < 0.15:
            self.dry_run()
        mark = self.store.mark()
        ledger = self.ledger(self.run(*(["--full"] if full else [])))
        lines = self.store.since(mark)
        self.expect(now)
        self.recount(now)
        if lines is not None:
            self.need(ledger["requests"] == len(lines),
                      "requests by the ledger %d, by the store %d" % (ledger["requests"], len(lines)))
            self.check_price(lines, now, killed)
        self.check_quiet(full)

    def check_quiet(self, full=False):
        mark = self.store.mark()
        again = self.ledger(self.run(*(["--full"] if full else [])))
        lines = self.store.since(mark) or []
        # A pass that hands files to the workers asks first whether it is still the same store.
        asked = [x for x in lines if not (full and is_contact(x))]
        self.need(again["sent_objects"] == 0 and again["requests"] <= full and not asked,
                  "the next pass has work: %s %s" % (again, texts(lines)))

    def dry_run(self):
        before, mark = snapshot(self.job.state), self.store.mark()
        self.run("--dry-run")
        self.need(not self.store.since(mark), "a dry run asked the store")
        after = snapshot(self.job.state)
        self.need(after == before, "a dry run changed the state directory: %s" % [
            n for n in before.keys() | after.keys() if before.get(n) != after.get(n)])

    # ---- what must hold ----

    def need(self, good, text):
        if not good:
            raise Wrong(text)

    def expect(self, now):
        """The rules: what the store holds after the pass."""
        new = {key: digest for key, (digest, _) in now.items()}
        for key, digest in self.objects.items():
            if key not in new:
                if self.policy == "keep":
                    new[key] = digest
                elif self.policy == "quarantine":
                    self.quarantined.add((key, digest))
        self.objects = new

    def recount(self, now):
        stored = self.store.objects(self.prefix)
        self.need(stored.pop("foreign object", ("",))[0] == hashlib.sha256(b"somebody else's").hexdigest(),
                  "a foreign object was touched")
        own = {k: v for k, v in stored.items() if k.startswith(".weir/")}
        rest = {k: v for k, v in stored.items() if k not in own}
        for key in sorted(set(rest) | set(self.objects)):
            if key not in self.objects:  # only what an interrupted pass has sent and nobody saw vanish
                self.need(rest[key][0] in self.maybe.get(key, ()), "%r should not be there" % key)
                continue
            self.need(key in rest, "%r is not in the store" % key)
            good = {self.objects[key]} | (self.maybe.get(key, set()) if key not in now else set())
            self.need(rest[key][0] in good, "%r has other bytes" % key)
        if self.metadata == "copy":
            for key, (_, st) in now.items():
                self.check_metadata(key, rest[key], st)
        self.check_quarantine(own)
        self.need(not self.store.uploads(self.prefix), "an upload is left open")

    def check_metadata(self, key, stored, st):
        if key.endswith("/") and not self.store.keeps_directory_metadata:
            return
        for name, value in metadata_of(st).items():
            self.need(stored[1].get(name) == value, "%r: %s is %r, not %r" % (
                key, name, stored[1].get(name), value))

    def check_quarantine(self, own):
        found = set()
        for key, (digest, _) in own.items():
            if key.startswith(".weir/quarantine/"):
                found.add((key.split("/", 3)[3], digest))
            else:
                self.need(key.startswith(".weir/job-"), "left behind: %r" % key)
        # An interrupted pass may have replaced the object before its file vanished.
        missing = {(k, d) for k, d in self.quarantined - found
                   if not any((k, other) in found for other in self.maybe.get(k, ()))}
        self.need(not missing, "not in quarantine: %s" % missing)
        extra = {(k, d) for k, d in found - self.quarantined if d not in self.maybe.get(k, ())}
        self.need(not extra, "in quarantine: %s" % extra)

    def check_price(self, lines, now, killed):
        """What steps of a known kind may send."""
        if self.special is None or killed or self.options.command != "sync":
            return
        lines = [x for x in lines if not is_contact(x)]
        bodies = [x for x in lines if x.op in ("PutObject", "UploadPart") and x.bytes_in > 0]
        if self.special == "nothing":
            self.need(not lines, "nothing changed, and the store was asked: %s" % texts(lines))
        links = {self.prefix + key for key, (_, st) in now.items() if stat.S_ISLNK(st.st_mode)}
        sent = [x for x in bodies if x.key not in links]
        if self.special in ("rename", "metadata"):
            self.need(not sent, "bytes were sent: %s" % texts(sent))
        if self.special == "metadata" and self.metadata == "catalog":
            self.need(not lines, "metadata_changes: catalog, and the store was asked: %s" % texts(lines))
        if self.special == "one byte":
            # Hard links are objects of their own: two parts for each name at most.
            names = [x.key for x in sent]
            self.need(all(names.count(key) <= 2 for key in names) and
                      all(x.op == "UploadPart" for x in sent), "for one byte: %s" % texts(sent))

    # ---- the end ----

    def finish(self):
        """The catalog can be carried away, or lost."""
        if self.options.extras and not self.maybe and self.rng.random() < 0.3:
            if self.rng.random() < 0.5:
                self.move_catalog()
            else:
                self.rebuild()
        self.store.remove(self.prefix)
        shutil.rmtree(self.work, ignore_errors=True)

    def catalog(self, *words, **more):
        """weir catalog ACTION MANIFEST ..."""
        argv = [self.options.weir, "catalog", words[0], self.job.manifest, "--state", self.job.state,
                *words[1:]]
        p = subprocess.run(argv, env=self.job.env, capture_output=True, timeout=300, **more)
        self.events.append("catalog %s: exit %d" % (words[0], p.returncode))
        self.need(p.returncode == 0, "catalog %s: exit %d %s" % (words[0], p.returncode,
                                                                p.stderr.decode()[-2000:]))
        return p.stdout

    def move_catalog(self):
        lines = self.catalog("export")
        shutil.rmtree(self.job.state)
        self.catalog("import", input=lines)
        self.need(self.catalog("export") == lines, "export, import, export: not the same")
        self.check_quiet()

    def rebuild(self):
        before = self.store.objects(self.prefix)
        shutil.rmtree(self.job.state)
        self.catalog("rebuild")
        self.need(self.store.objects(self.prefix) == before, "a rebuild changed the store")
        mark = self.store.mark()
        self.ledger(self.run())
        sent = [x for x in self.store.since(mark) or [] if x.bytes_in > 0 and x.op != "DeleteObjects"]
        self.need(not [x for x in sent if "/.weir/" not in x.key], "after a rebuild bytes were sent: %s" %
                  texts(sent))
        self.recount(wanted(self.root, self.directories))


def is_contact(line):
    """One look at the marker of the job."""
    return line.op == "HeadObject" and "/.weir/job-" in line.key


def texts(lines):
    return ["%s %s %d in=%d" % (x.op, x.key, x.status, x.bytes_in) for x in lines]


def snapshot(folder):
    """Everything that a dry run must leave alone."""
    out = {}
    for here, dirs, files in os.walk(folder):
        for name in files:
            full = os.path.join(here, name)
            # A reader makes these two, the second empty.
            if not name.endswith("-shm") and (not name.endswith("-wal") or os.path.getsize(full)):
                out[os.path.relpath(full, folder)] = (weirflow.sha256_file(full), os.stat(full).st_ino)
    return out


class FakeStore:
    """The fake server; digests are computed by it, now, from the bytes it holds."""

    keeps_directory_metadata = True
    url = "s3://bucket"

    def __init__(self, server, client):
        self.server, self.client, self.offset = server, client, 0

    def objects(self, prefix):
        """{key below prefix: (SHA-256, user metadata)}"""
        from urllib.parse import quote, unquote
        text = self.server.admin("GET", "objects?bucket=bucket&prefix=" + quote(prefix))[1]
        out = {}
        for o in map(json.loads, text.splitlines()):
            meta = {k[11:]: v for k, v in o["headers"].items() if k.startswith("x-amz-meta-")}
            out[unquote(o["key"])[len(prefix):]] = (o["sha256"], meta)
        return out

    def plant(self, key, data):
        assert self.client.put(key, data).status == 200

    def uploads(self, prefix):
        return [x for x in self.server.uploads().splitlines() if prefix in x]

    def remove(self, prefix):
        """Its objects go with the server."""

    def mark(self):
        return os.path.getsize(self.server.log_path)

    def since(self, mark):
        """Lines of the access log after a mark."""
        import flowcase
        with open(self.server.log_path) as f:
            f.seek(mark)
            return [flowcase.LogLine(line) for line in f]


class Tally:
    def __init__(self):
        self.histories, self.passes, self.failures = 0, 0, []


def play(histories, tally, deadline=None, batch=48, keep_failed=None):
    """Takes histories from an iterator and plays @batch of them in turns.  A history that fails is
    reported with everything that happened in it."""
    open_ones = []
    while True:
        while len(open_ones) < batch and (deadline is None or time.monotonic() < deadline):
            history = next(histories, None)
            if history is None:
                break
            open_ones.append(history)
            turn(history, history.change, tally, keep_failed)
        open_ones = [h for h in open_ones if h.work]
        if not open_ones:
            return
        for history in open_ones:
            turn(history, history.check, tally, keep_failed)
            if history.work and (history.step >= history.steps or
                                 deadline is not None and time.monotonic() > deadline):
                if turn(history, history.finish, tally, keep_failed):
                    tally.histories += 1
                    tally.passes += history.passes
                history.work = None
            elif history.work:
                turn(history, history.change, tally, keep_failed)
        open_ones = [h for h in open_ones if h.work]


def turn(history, what, tally, keep_failed):
    try:
        what()
        return True
    except (Wrong, subprocess.TimeoutExpired, AssertionError, OSError) as e:
        text = "%s\n%s: %s\n  %s\n  %s" % (history.title(), type(e).__name__, e,
                                          "\n  ".join(history.lake.done[-60:]),
                                          "\n  ".join(history.events[-12:]))
        tally.failures.append(text)
        print(text, flush=True)
        if keep_failed is None:
            shutil.rmtree(history.work, ignore_errors=True)
        history.work = None
        return False
