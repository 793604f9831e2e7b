#!/usr/bin/env python3
"""`weir sync` case by case: edits that hide, metadata, renames."""

import mmap
import os
import shutil
import subprocess
import unittest

import lakeops
import syncmodel
from flowcase import random_bytes, write
from synccase import GENEROUS, MIB, SyncCase


class Hidden(SyncCase):
    """Edits that leave size and mtime as they were."""

    def test_without_full(self):
        files = {name: random_bytes(name, 5000) for name in
                 ("edit", "over", "x/swap", "y/swap", "impostor", "keep", "dirs1/f", "dirs2/f")}
        files["large"] = random_bytes("large", 12 * MIB)
        lake = self.lake_of(files)
        for name in files:
            os.utime(os.path.join(lake, name), ns=(10**18, 10**18))
        job = self.sync_job(lake, transfer=["part_size: 5MiB"])
        self.first(job)
        times = {"ns": (10**18, 10**18)}
        for name, at in (("edit", 2500), ("large", 7 * MIB)):
            with open(lake + "/" + name, "r+b") as f:
                f.seek(at)
                f.write(b"changed")
            os.utime(lake + "/" + name, **times)
        write(lake + "/new", random_bytes("new", 5000))
        os.utime(lake + "/new", **times)
        os.rename(lake + "/new", lake + "/over")
        lakeops.exchange(os.fsencode(lake + "/x/swap"), os.fsencode(lake + "/y/swap"))
        lakeops.exchange(os.fsencode(lake + "/dirs1"), os.fsencode(lake + "/dirs2"))
        os.unlink(lake + "/impostor")  # its inode is free for the next file
        write(lake + "/another", random_bytes("another", 5000))
        os.utime(lake + "/another", **times)
        self.sync(job, 0)
        self.check_store(job)
        self.quiet(job)

    def memory_lake(self):
        """On tmpfs: there a page that was written through mmap once is written again without moving any time."""
        lake = "/dev/shm/weir-test-%d" % os.getpid()
        if subprocess.run(["stat", "-f", "-c", "%T", "/dev/shm"], capture_output=True,
                          text=True).stdout.strip() != "tmpfs":
            self.skipTest("/dev/shm is no tmpfs")
        os.makedirs(lake)
        self.addCleanup(shutil.rmtree, lake, True)
        return lake

    def test_full(self):
        """A write through mmap moves no time: --full finds it, and sends nothing else."""
        lake = self.memory_lake()
        for i in range(6):
            write("%s/dir%d/file%d" % (lake, i % 2, i), random_bytes(i, 9000))
        write(lake + "/large", random_bytes("large", 12 * MIB))
        os.symlink("dir0/file0", lake + "/link")
        maps = []
        for name, at in (("dir1/file3", 4000), ("large", 6 * MIB)):
            with open(lake + "/" + name, "r+b") as f:
                m = mmap.mmap(f.fileno(), 0)
                self.addCleanup(m.close)
                m[at:at + 3] = b"..."
                maps.append((m, at))
        job = self.sync_job(lake, transfer=["part_size: 5MiB"])
        self.first(job)
        self.quiet(job, "--full")
        before = os.stat(lake + "/dir1/file3"), os.stat(lake + "/large")
        for m, at in maps:
            m[at:at + 3] = b"###"
        for old, name in zip(before, ("dir1/file3", "large")):
            now = os.stat(lake + "/" + name)
            self.assertEqual((old.st_mtime_ns, old.st_ctime_ns), (now.st_mtime_ns, now.st_ctime_ns))
        self.quiet(job)  # nothing shows it
        mark = self.mark()
        done = self.sync(job, 0, "--full")
        self.assertEqual(sorted(set(self.bodies(mark))), ["p/dir1/file3", "p/large"])
        self.assertEqual(done.ledger["sent_objects"], 2)
        self.check_store(job)
        self.quiet(job, "--full")
        self.quiet(job)


class Metadata(SyncCase):
    def begin(self, policy, **more):
        lake = self.lake_of({"mode": b"m", "owner": b"o", "time": b"t", "same": b"s", "d/back": b"b",
                             "empty": b"", "large": random_bytes(1, 12 * MIB)})
        os.symlink("mode", lake + "/link")
        os.mkdir(lake + "/hollow")
        job = self.sync_job(lake, transfer=["part_size: 5MiB"],
                            track=[*GENEROUS, "metadata_changes: " + policy], **more)
        self.first(job)
        return lake, job

    def alter(self, lake):
        os.chmod(lake + "/mode", 0o640)
        os.chmod(lake + "/large", 0o600)
        if os.geteuid() == 0:
            os.chown(lake + "/owner", 12, 34)
        else:
            os.chmod(lake + "/owner", 0o604)
        os.utime(lake + "/time", ns=(1, 1234567890123456789))
        os.utime(lake + "/empty", ns=(1, 5))
        os.utime(lake + "/link", ns=(7, 7), follow_symlinks=False)
        os.chmod(lake + "/hollow", 0o711)
        st = os.stat(lake + "/d/back")
        os.utime(lake + "/d/back")
        os.utime(lake + "/d/back", ns=(st.st_atime_ns, st.st_mtime_ns))

    def check_metadata(self, lake):
        stored = self.server.stored("p/")
        for key, (_, st) in syncmodel.wanted(lake).items():
            for name, value in syncmodel.metadata_of(st).items():
                self.assertEqual(stored[key]["headers"].get("x-amz-meta-" + name), value,
                                 "%s of %s" % (name, key))

    def test_copy(self):
        """One copy of each onto itself, no byte sent; a touch that was taken back costs nothing."""
        lake, job = self.begin("copy")
        self.alter(lake)
        mark = self.mark()
        done = self.sync(job, 0)
        self.assertEqual(self.bodies(mark), [])
        copies = sorted(x.key for x in self.since(mark, "CopyObject"))
        for key in ("p/large", "p/mode", "p/owner", "p/time"):
            self.assertEqual(copies.count(key), 1, copies)
        self.assertNotIn("p/d/back", [x.key for x in self.since(mark)])
        self.assertEqual((done.ledger["sent_bytes"], done.ledger["failed"]), (0, 0))
        self.check_store(job)
        self.check_metadata(lake)
        self.quiet(job)

    def test_catalog(self):
        """No request; a later change of the bytes brings the metadata along."""
        lake, job = self.begin("catalog")
        self.alter(lake)
        mark = self.mark()
        self.sync(job, 0)
        self.assertEqual([(x.op, x.key) for x in self.asked(mark)], [])
        self.quiet(job)
        for name in ("mode", "owner", "time"):
            with open(lake + "/" + name, "ab") as f:
                f.write(b"more")
        self.sync(job, 0)
        self.check_store(job)
        stored = self.server.stored("p/")
        self.assertEqual(stored["mode"]["headers"]["x-amz-meta-file-permissions"], "0100640")

    def test_none(self):
        """metadata: none keeps no metadata, so there is nothing to renew."""
        lake, job = self.begin("copy", source=["metadata: none"])
        self.alter(lake)
        mark = self.mark()
        self.sync(job, 0)
        self.assertEqual([(x.op, x.key) for x in self.asked(mark)], [])
        self.quiet(job)

    def test_object_is_not_ours_any_more(self):
        """The copy must not bless what another writer put there."""
        lake, job = self.begin("copy")
        client = self.client()
        self.assertEqual(client.put("p/mode", b"x").status, 200)
        self.assertEqual(client.put("p/owner", b"foreign").status, 200)
        client.delete("p/time")
        os.chmod(lake + "/mode", 0o640)
        os.chmod(lake + "/owner", 0o640)
        os.utime(lake + "/time", ns=(1, 5))
        done = self.sync(job, 3)
        stored = self.server.stored("p/")
        self.assertEqual(done.states()["mode"], "failed")
        self.assertEqual(done.states()["owner"], "failed")
        self.assertEqual((stored["mode"]["size"], stored["owner"]["size"]), (1, 7))
        self.assertNotIn("x-amz-meta-weir-id", stored["mode"]["headers"])
        self.assertEqual(done.states()["time"], "verified")  # lost: sent again
        self.assertEqual(stored["time"]["size"], 1)

    def test_copy_is_refused(self):
        """Where the store does not copy, the file is sent."""
        lake, job = self.begin("copy")
        self.alter(lake)
        self.server.script("op=CopyObject do=error:NotImplemented")
        self.sync(job, 0)
        self.check_store(job)
        self.check_metadata(lake)

    def test_metadata_is_kept_by_the_store(self):
        """A store whose copies never take the new metadata: found out, and the files sent."""
        self.server = self.start_server("--lenient", "copy-metadata")
        lake, job = self.begin("copy")
        self.alter(lake)
        self.sync(job, 0)
        self.check_store(job)
        self.check_metadata(lake)
        self.quiet(job)

    def test_copy_lies(self):
        """200 with an error inside, a reply that is lost, one of other bytes."""
        lake, job = self.begin("copy")
        for i, fault in enumerate(("ok-error", "reset:after", "reset:before", "body:empty",
                                   "error:InternalError", "error:SlowDown", "wrong-etag,wrong-checksum")):
            with self.subTest(fault):
                os.chmod(lake + "/mode", 0o600 + i)
                os.chmod(lake + "/large", 0o600 + i)
                self.server.script("op=CopyObject nth=1 do=" + fault)
                done = self.sync(job, None)
                self.server.script("")
                if done.status != 0:
                    self.assertEqual(done.status, 3, done.err)
                    self.sync(job, 0)
                self.check_store(job)
                self.check_metadata(lake)
                self.quiet(job)


class Renames(SyncCase):
    def test_directory(self):
        """No body goes out; the old keys go by the policy."""
        lake = self.lake_of({"old/sub%d/file%03d" % (i % 7, i): b"%d" % i for i in range(500)})
        write(lake + "/old/large", random_bytes(1, 12 * MIB))
        job = self.sync_job(lake, transfer=["part_size: 5MiB"])
        self.first(job)
        os.rename(lake + "/old", lake + "/new")
        mark = self.mark()
        done = self.sync(job, 0)
        self.assertEqual(self.bodies(mark), [])
        self.assertEqual(len(self.since(mark, "CopyObject")), 501)
        self.assertEqual((done.ledger["copied_objects"], done.ledger["sent_bytes"]), (501, 0))
        self.check_store(job)
        self.quiet(job)
        os.rename(lake + "/new", lake + "/old")
        mark = self.mark()
        self.sync(job, 0)
        self.assertEqual(self.bodies(mark), [])
        self.check_store(job)

    def test_back_under_keep(self):
        """There and back, with the old objects kept: they are simply current again."""
        lake = self.lake_of(20)
        job = self.sync_job(lake, track=["delete: keep"])
        self.first(job)
        os.rename(lake + "/dir1", lake + "/moved")
        self.sync(job, 0)
        os.rename(lake + "/moved", lake + "/dir1")
        mark = self.mark()
        done = self.sync(job, 0)
        self.assertEqual([(x.op, x.key) for x in self.since(mark)], [])
        self.assertEqual((done.ledger["kept"], done.ledger["sent_objects"]), (5, 0))

    def test_file(self):
        """A renamed file has a new ctime: its digest is compared, and no byte sent."""
        lake = self.lake_of({"a": random_bytes(1, 50000), "b": random_bytes(2, 12 * MIB)})
        job = self.sync_job(lake, transfer=["part_size: 5MiB"])
        self.first(job)
        os.rename(lake + "/a", lake + "/c")
        os.rename(lake + "/b", lake + "/d")
        os.link(lake + "/c", lake + "/hard")
        mark = self.mark()
        self.sync(job, 0)
        self.assertEqual(self.bodies(mark), [])
        self.check_store(job)
        self.quiet(job)

    def test_impostor(self):
        """Another file got the inode number, the size and the mtime of one that is gone."""
        lake = self.lake_of({"pad%02d" % i: b"pad" for i in range(8)})
        hits = 0
        write(lake + "/old", random_bytes(1, 6000))
        os.utime(lake + "/old", ns=(10**18, 10**18))
        job = self.sync_job(lake)
        self.first(job)
        inode = os.stat(lake + "/old").st_ino
        os.unlink(lake + "/old")
        for i in range(200):  # until the number is given again
            write("%s/new%d" % (lake, i), random_bytes(i + 5, 6000))
            if os.stat("%s/new%d" % (lake, i)).st_ino == inode:
                hits += 1
                break
        os.utime("%s/new%d" % (lake, i), ns=(10**18, 10**18))
        print("the inode number came back: %s" % bool(hits))
        self.sync(job, 0)
        self.check_store(job)

    def test_source_is_gone(self):
        """The object that a rename would copy was deleted, or replaced, by somebody."""
        lake = self.lake_of({"a/%d" % i: random_bytes(i, 3000) for i in range(4)})
        job = self.sync_job(lake, track=["delete: keep"])
        self.first(job)
        client = self.client()
        client.delete("p/a/0")
        self.assertEqual(client.put("p/a/1", random_bytes(99, 3000)).status, 200)
        os.rename(lake + "/a", lake + "/b")
        self.sync(job, 0)
        stored = self.server.stored("p/")
        for i in range(4):
            self.assertEqual(stored["b/%d" % i]["sha256"], syncmodel.wanted(lake)["b/%d" % i][0])

    def test_target_is_taken(self):
        """A foreign object at the new key is not overwritten by a copy."""
        lake = self.lake_of({"a": b"content"})
        job = self.sync_job(lake, track=["delete: keep"])
        self.first(job)
        self.assertEqual(self.client().put("p/b", b"foreign").status, 200)
        os.rename(lake + "/a", lake + "/b")
        done = self.sync(job, 3)
        self.assertEqual(done.record("b")["code"], "exists")
        self.assertEqual(self.server.stored("p/")["b"]["size"], len("foreign"))
        self.assertNotIn("x-amz-meta-weir-id", self.server.stored("p/")["b"]["headers"])

    def test_target_is_taken_where_conditions_are_ignored(self):
        self.server = self.start_server("--lenient", "copy-conditional,conditional,copy-source-match")
        self.test_target_is_taken()

    def test_source_is_gone_where_conditions_are_ignored(self):
        self.server = self.start_server("--lenient", "copy-conditional,conditional,copy-source-match")
        self.test_source_is_gone()

    def test_everything_at_once(self):
        """Names in a ring: every file has the name of another."""
        lake = self.lake_of({"d/%d" % i: random_bytes(i, 3000) for i in range(10)})
        os.mkdir(lake + "/tmp")
        job = self.sync_job(lake)
        self.first(job)
        for i in range(10):
            os.rename("%s/d/%d" % (lake, i), "%s/tmp/%d" % (lake, (i + 1) % 10))
        os.rmdir(lake + "/d")
        os.rename(lake + "/tmp", lake + "/d")
        self.sync(job, 0)
        self.check_store(job)
        self.quiet(job)


if __name__ == "__main__":
    unittest.main()
