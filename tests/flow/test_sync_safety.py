#!/usr/bin/env python3
"""Sources that are not there, or not whole: nothing is deleted, and when they are back nothing is sent again.
The limits are generous here, so that it is not they that hold."""

import os
import shutil
import subprocess
import time
import unittest

import flowcase
from flowcase import write
from synccase import GENEROUS, MIB, SyncCase, needs_root

NOBODY = 65534


def as_nobody():
    return ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"]


class Safety(SyncCase):
    def stopped(self, job, *statuses, wrap=(), **more):
        """A pass over a lake that is not whole."""
        before, mark = self.server.stored("p/"), self.mark()
        done = self.sync(job, None, wrap=wrap, **more)
        self.assertIn(done.status, statuses, done.err)
        self.no_deletes()
        after = self.server.stored("p/")
        self.assertEqual(sorted(after), sorted(before), done.err)
        self.assertEqual({k: o["sha256"] for k, o in after.items()},
                         {k: o["sha256"] for k, o in before.items()})
        self.assertEqual(self.bodies(mark), [])
        self.assertTrue(done.err.strip())
        return done

    def healthy(self, job, wrap=()):
        """Whole again: nothing is sent, nothing is asked."""
        mark = self.mark()
        done = self.sync(job, 0, wrap=wrap)
        self.assertEqual([(x.op, x.key) for x in self.since(mark)], [])
        self.assertEqual(done.ledger["sent_objects"], 0)
        self.check_store(job)
        self.no_deletes()


class Root(Safety):
    def test_replaced_directory(self):
        lake = self.lake_of(20)
        job = self.sync_job(lake)
        self.first(job)
        self.after_contact()
        os.rename(lake, lake + ".away")
        self.sync(job, 5, check=False)  # not there at all
        os.mkdir(lake)
        done = self.stopped(job, 5)
        self.says(done.err, lake, "mounted?")
        write(lake + "/dir0/file000", b"something else")
        self.stopped(job, 5)
        shutil.rmtree(lake)
        os.rename(lake + ".away", lake)
        self.healthy(job)

    @needs_root
    def test_not_mounted(self):
        """The mount point is there, and empty."""
        real = self.lake_of(20, "real")
        lake = self.own_lake()
        self.mount("--bind", real, lake)
        job = self.sync_job(lake)
        self.first(job)
        self.after_contact()
        self.umount(lake)
        done = self.stopped(job, 5)
        self.says(done.err, "mounted?")
        self.mount("--bind", real, lake)
        self.healthy(job)

    @needs_root
    def test_another_file_system_with_the_same_inode(self):
        """The root of every ext4 is inode 2."""
        lake, one = self.own_lake(), self.ext4("one")
        time.sleep(1.1)  # they tell by the second when they were made
        two = self.ext4("two")
        self.mount("-o", "loop", one, lake)
        for i in range(20):
            write("%s/dir%d/file%d" % (lake, i % 4, i), b"content %d" % i)
        os.chmod(lake, 0o755)
        shutil.rmtree(lake + "/lost+found")
        inode = os.stat(lake).st_ino
        job = self.sync_job(lake)
        self.first(job)
        self.after_contact()
        self.umount(lake)
        self.mount("-o", "loop", two, lake)
        self.assertEqual(os.stat(lake).st_ino, inode)
        self.stopped(job, 5)
        write(lake + "/dir0/file0", b"content 0")
        self.stopped(job, 5)
        self.umount(lake)
        self.mount("-o", "loop", one, lake)
        self.healthy(job)

    @needs_root
    def test_same_file_system_mounted_again(self):
        """Another device number, all else as it was: nothing to do."""
        lake, image = self.own_lake(), self.ext4("one")
        self.mount("-o", "loop", image, lake)
        write(lake + "/dir/file", b"content")
        shutil.rmtree(lake + "/lost+found")
        job = self.sync_job(lake)
        self.first(job)
        self.after_contact()
        device = os.stat(lake).st_dev
        self.umount(lake)
        self.mount("-o", "loop", self.ext4("two"), lake)  # takes the loop device
        other = self.own_lake("other")
        self.mount("-o", "loop", image, other)
        self.umount(lake)
        self.mount("--bind", other, lake)
        print("devices %d, %d" % (device, os.stat(lake).st_dev))
        self.healthy(job)


class Emptied(Safety):
    track = GENEROUS[:2]  # the limits as they are without a word

    def test_emptied(self):
        """The same directory, and nothing in it: by the usual limits that is too much."""
        lake = self.lake_of(40)
        job = self.sync_job(lake)
        self.first(job)
        self.after_contact()
        for name in os.listdir(lake):
            os.rename(lake + "/" + name, self.work + "/" + name)
        done = self.stopped(job, 5)
        self.says(done.err, "40", "is empty", "mounted?", "--accept-root")
        self.stopped(job, 5)  # and again
        for i in range(4):
            os.rename(self.work + "/dir%d" % i, lake + "/dir%d" % i)
        self.healthy(job)

    def test_half_emptied(self):
        lake = self.lake_of(40)
        job = self.sync_job(lake)
        self.first(job)
        self.after_contact()
        os.rename(lake + "/dir1", self.work + "/dir1")
        done = self.stopped(job, 5)
        self.says(done.err, "10", "--allow-deletes")
        os.rename(self.work + "/dir1", lake + "/dir1")
        self.healthy(job)


@needs_root
class HalfMounted(Safety):
    def make(self, source, where="part", track=None):
        """A lake with another file system below; held elsewhere, too, so that it can come back."""
        lake = self.lake_of(8)
        held = self.own_lake("held")
        self.mount("-t", "tmpfs", "tmpfs", held)
        for i in range(6):
            write("%s/inner%d/file%d" % (held, i % 2, i), b"mounted %d" % i)
        os.makedirs(os.path.join(lake, where))
        self.mount("--bind", held, os.path.join(lake, where))
        job = self.sync_job(lake, source=source)
        return lake, held, job

    def test_nested_mount_vanishes(self):
        for where in ("part", "deep/down/part"):
            with self.subTest(where):
                self.server = self.start_server()
                self.work = self.work + "/" + where[0]
                os.makedirs(self.work)
                lake, held, job = self.make(["one_file_system: false"], where)
                self.first(job)
                self.after_contact()
                self.umount(os.path.join(lake, where))
                done = self.stopped(job, 5, 3)
                self.says(done.err, where)
                self.stopped(job, 5, 3)
                self.mount("--bind", held, os.path.join(lake, where))
                self.healthy(job)

    def test_mount_point_vanishes_too(self):
        lake, held, job = self.make(["one_file_system: false"])
        self.first(job)
        self.after_contact()
        self.umount(lake + "/part")
        os.rmdir(lake + "/part")
        self.stopped(job, 5, 3)
        os.mkdir(lake + "/part")
        self.mount("--bind", held, lake + "/part")
        self.healthy(job)

    def test_something_is_mounted_over(self):
        """one_file_system: true, and a mount hides files that were sent: they did not vanish."""
        lake = self.lake_of(12)
        job = self.sync_job(lake)
        self.first(job)
        self.after_contact()
        self.mount("-t", "tmpfs", "tmpfs", lake + "/dir1")
        before = sorted(self.server.stored("p/"))
        done = self.sync(job, None)
        self.assertIn(done.status, (0, 3, 5), done.err)
        self.no_deletes()
        self.assertEqual(sorted(self.server.stored("p/")), before)
        self.umount(lake + "/dir1")
        self.healthy(job)

    def test_something_is_mounted_over_and_entered(self):
        """one_file_system: false, and an empty file system hides a directory."""
        lake = self.lake_of(12)
        job = self.sync_job(lake, source=["one_file_system: false"])
        self.first(job)
        self.after_contact()
        self.mount("-t", "tmpfs", "tmpfs", lake + "/dir1")
        self.stopped(job, 3, 5)
        self.umount(lake + "/dir1")
        self.healthy(job)


@needs_root
class Unreadable(Safety):
    """By an ordinary user."""

    def make(self):
        lake = self.lake_of(16)
        os.chmod(self.work, 0o777)
        job = self.sync_job(lake)
        self.sync(job, 0, wrap=as_nobody())
        self.check_store(job)
        self.after_contact()
        return lake, job

    def test_directory(self):
        """One directory cannot be listed; another lost a file: nothing is deleted now."""
        lake, job = self.make()
        os.chmod(lake + "/dir1", 0)
        os.rename(lake + "/dir2/file002", self.work + "/kept")
        done = self.stopped(job, 3, 5, wrap=as_nobody())
        self.says(done.err, "dir1", "Permission denied")
        os.chmod(lake + "/dir1", 0o755)
        os.rename(self.work + "/kept", lake + "/dir2/file002")
        mark = self.mark()
        self.sync(job, 0, wrap=as_nobody())
        self.assertEqual(self.bodies(mark), [])
        self.check_store(job)

    def test_not_searchable(self):
        """Names can be read, the files cannot be looked at."""
        lake, job = self.make()
        os.chmod(lake + "/dir1", 0o744)
        self.stopped(job, 3, 5, wrap=as_nobody())
        os.chmod(lake + "/dir1", 0o755)
        self.healthy(job, wrap=as_nobody())

    def test_root(self):
        lake, job = self.make()
        os.chmod(lake, 0)
        self.stopped(job, 1, 3, 5, wrap=as_nobody(), check=False)
        os.chmod(lake, 0o744)
        self.stopped(job, 1, 3, 5, wrap=as_nobody(), check=False)
        os.chmod(lake, 0o755)
        self.healthy(job, wrap=as_nobody())

    def test_deletes_come_later(self):
        """What vanished while something could not be read goes when all can be read."""
        lake, job = self.make()
        os.chmod(lake + "/dir1", 0)
        os.unlink(lake + "/dir2/file002")
        self.stopped(job, 3, 5, wrap=as_nobody())
        os.chmod(lake + "/dir1", 0o755)
        mark = self.mark()
        done = self.sync(job, 0, wrap=as_nobody())
        self.assertEqual((done.ledger["deleted"], self.bodies(mark)), (1, []))
        self.check_store(job)


class Eio(Safety):
    """Errors of the disk, made by strace."""

    def setUp(self):
        super().setUp()
        if subprocess.run(self.strace("getppid:error=EIO") + ["true"], capture_output=True).returncode:
            self.skipTest("strace cannot trace here")

    def strace(self, inject, path=None):
        return ["strace", "-f", "-qq", "-o", "/dev/null", *(["-P", path] if path else []), "-e",
                "trace=" + inject.split(":")[0], "-e", "inject=" + inject]

    def test_calls(self):
        lake = self.lake_of(16)
        job = self.sync_job(lake, env={"traced": True})
        self.first(job)
        self.after_contact()
        os.rename(lake + "/dir2/file002", self.work + "/kept")
        for inject, path in (("getdents64:error=EIO", "/dir1"), ("getdents64:error=EIO:when=2", "/dir1"),
                             ("getdents64:error=ENOENT", "/dir1"), ("getdents64:error=ESTALE", "")):
            with self.subTest(inject=inject, path=path):
                self.stopped(job, 3, 5, 1, wrap=self.strace(inject, lake + path))
        os.rename(self.work + "/kept", lake + "/dir2/file002")
        self.sync(job, 0)
        self.check_store(job)
        self.no_deletes()

    def test_any_look_fails(self):
        """Calls that look at the lake fail, with each error: what is there is never deleted, unless the kernel
        says again and again that it does not exist; the one file that is gone may be."""
        lake = self.lake_of(16)
        job = self.sync_job(lake, env={"traced": True})
        self.first(job)
        self.after_contact()
        os.unlink(lake + "/dir2/file002")
        there = set(self.server.stored("p/")) - {"dir2/file002"}
        ends = set()
        for call in ("statx", "openat2", "getdents64"):
            for error in ("EIO", "ESTALE", "EACCES", "ENOTDIR", "ELOOP", "ENOENT"):
                if call == "openat2" and error in ("ENOTDIR", "ELOOP", "ENOENT"):
                    continue
                for when in ("2+3", "3+4", "5+7", "1", "4", "9"):
                    wrap = self.strace("%s:error=%s:when=%s" % (call, error, when))
                    done = self.sync(job, None, wrap=wrap, check=False)
                    ends.add(done.status)
                    missing = there - set(self.server.stored("p/"))
                    self.assertEqual(missing, set(), "%s: deleted, exit %d" % (wrap[-1], done.status))
        print("ended with %s" % sorted(ends))
        self.sync(job, 0)
        self.check_store(job)

    def test_listing_lies(self):
        """Listings that end early without an error, as buggy file systems have them: each file that seems to be
        gone is looked for, and found."""
        lake = self.lake_of(16)
        job = self.sync_job(lake, env={"traced": True})
        self.first(job)
        self.after_contact()
        for path in ("/dir1", ""):
            for when in ("1", "1+2"):
                wrap = self.strace("getdents64:retval=0:when=" + when, lake + path)
                done = self.sync(job, None, wrap=wrap, check=False)
                self.assertIn(done.status, (0, 3, 5), done.err)
                # A directory that looks empty may get its marker, which goes again.
                files = [k for k in self.server.stored("p/") if not k.endswith("/")]
                self.assertEqual(len(files), 16, done.err)
        mark = self.mark()
        self.sync(job, 0)
        self.check_store(job)
        self.assertEqual(self.bodies(mark), [])

    def test_looking_again_fails(self):
        """The file vanished from the listing, and the second look at it gives an error: no evidence."""
        lake = self.lake_of(16)
        job = self.sync_job(lake, env={"traced": True})
        self.first(job)
        self.after_contact()
        os.unlink(lake + "/dir2/file002")
        calls = subprocess.run([*self.strace("openat2:error=EIO:when=1000")[:3], "-o", self.work + "/calls", "-e",
                                "trace=openat2", *job.argv("sync", "--dry-run")], env=job.env,
                               capture_output=True)
        self.assertEqual(calls.returncode, 0)
        for error in ("EIO", "ESTALE", "EACCES", "ENOMEM"):
            with self.subTest(error):
                # The looks come last, by the main thread, whose calls strace counts apart.
                for when in range(2, 8):
                    if "dir2/file002" not in self.server.stored("p/"):
                        break  # no call was hit, and it was deleted as it should be
                    done = self.sync(job, None, wrap=self.strace("openat2:error=%s:when=%d" % (error, when)),
                                     check=False)
                    if done.status in (3, 5):
                        self.assertIn("dir2/file002", self.server.stored("p/"))

    def test_large_file_unreadable(self):
        """A changed file that cannot be read keeps its object."""
        lake = self.lake_of({"large": flowcase.random_bytes(1, 12 * MIB), "small": b"x"})
        job = self.sync_job(lake, env={"traced": True}, transfer=["part_size: 5MiB"])
        self.first(job)
        self.after_contact()
        with open(lake + "/large", "r+b") as f:
            f.write(b"changed")
        before = self.server.stored("p/")
        done = self.sync(job, 3, wrap=self.strace("pread64:error=EIO", lake + "/large"))
        self.assertEqual(done.record("large")["state"], "failed")
        self.assertEqual(self.server.stored("p/"), before)
        self.sync(job, 0)
        self.check_store(job)


if __name__ == "__main__":
    unittest.main()
