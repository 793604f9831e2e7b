#!/usr/bin/env python3
"""What `weir sync` does with objects whose files vanished: policies, foreign objects, interrupted deletes, deletes
that fail."""

import os
import shutil
import signal
import time
import unittest

import flowcase
from flowcase import random_bytes, wait_for, write
from synccase import DELETES, MIB, SyncCase, limits


class Policies(SyncCase):
    def begin(self, policy, count=12, **more):
        lake = self.lake_of(count)
        job = self.sync_job(lake, track=limits(100, 100, policy), **more)
        self.first(job)
        self.after_contact()
        return lake, job

    def test_keep(self):
        """The default: what vanished stays, and is counted."""
        lake = self.lake_of(12)
        job = self.sync_job(lake, track=None)
        self.first(job)
        self.after_contact()
        before = self.server.stored("p/")
        os.unlink(lake + "/dir1/file001")
        shutil.rmtree(lake + "/dir2")
        done = self.sync(job, 0)
        self.assertEqual((done.ledger["kept"], done.ledger["deleted"]), (4, 0))
        self.assertEqual(self.server.stored("p/"), before)
        self.no_deletes()
        again = self.quiet(job)
        self.assertEqual(again.ledger["kept"], 4)

    def test_mirror(self):
        lake, job = self.begin("mirror")
        os.unlink(lake + "/dir1/file001")
        shutil.rmtree(lake + "/dir2")
        done = self.sync(job, 0)
        self.assertEqual((done.ledger["kept"], done.ledger["deleted"]), (0, 4))
        self.assertEqual(done.record("dir1/file001")["state"], "deleted")
        self.check_store(job)
        self.quiet(job)

    def test_quarantine(self):
        """Copied by the store, with its metadata, and only then deleted."""
        lake, job = self.begin("quarantine")
        before = self.server.stored("p/")
        mark = self.mark()
        os.unlink(lake + "/dir1/file001")
        shutil.rmtree(lake + "/dir2")
        done = self.sync(job, 0)
        self.assertEqual((done.ledger["deleted"], done.ledger["quarantined"]), (4, 4))
        self.check_store(job)
        self.assertEqual(self.bodies(mark), [])
        kept = {k.split("/", 1)[1]: o for k, o in self.server.stored("p/.weir/quarantine/").items()}
        self.assertEqual(sorted(kept), ["dir1/file001", "dir2/file002", "dir2/file006", "dir2/file010"])
        for key, o in kept.items():
            self.assertEqual(o["sha256"], before[key]["sha256"])
            for name in ("file-mtime", "file-permissions", "weir-id"):
                self.assertEqual(o["headers"]["x-amz-meta-" + name],
                                 before[key]["headers"]["x-amz-meta-" + name])
        order = [x.op for x in self.since(mark) if x.op == "CopyObject" or x.op in DELETES]
        self.assertEqual(order.index(next(o for o in order if o in DELETES)), 4, order)
        self.quiet(job)

    def test_quarantine_large(self):
        """An object in parts is copied whole."""
        lake = self.lake_of({"large": random_bytes(1, 13 * MIB), "small": b"x"})
        job = self.sync_job(lake, track=limits(100, 100, "quarantine"), transfer=["part_size: 5MiB"])
        self.first(job)
        digest = self.server.stored("p/")["large"]["sha256"]
        os.unlink(lake + "/large")
        self.sync(job, 0)
        kept = self.server.stored("p/.weir/quarantine/")
        self.assertEqual([o["sha256"] for o in kept.values()], [digest])
        self.check_store(job)

    def test_quarantine_copy_fails(self):
        """No copy, no delete."""
        lake, job = self.begin("quarantine")
        os.unlink(lake + "/dir1/file001")
        for fault in ("error:InternalError", "ok-error", "error:AccessDenied", "reset:before"):
            with self.subTest(fault):
                self.server.script("op=CopyObject do=" + fault)
                done = self.sync(job, None)
                self.assertNotEqual(done.status, 0)
                self.no_deletes()
                self.assertIn("dir1/file001", self.server.stored("p/"))
        self.server.script("")
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 1)
        self.check_store(job)

    def test_quarantine_copy_is_damaged(self):
        """The reply tells of other bytes than were to be copied: looked at, before anything is deleted."""
        lake, job = self.begin("quarantine")
        os.unlink(lake + "/dir1/file001")
        self.server.script("op=CopyObject do=wrong-etag,wrong-checksum")
        mark = self.mark()
        done = self.sync(job, None)
        if done.status == 0:
            looks = [x.op for x in self.since(mark) if "/.weir/quarantine/" in x.key and
                     x.op in ("HeadObject", "GetObject")]
            self.assertNotEqual(looks, [])
        self.server.script("")
        self.sync(job, 0)
        self.check_store(job)

    def test_types_change(self):
        """A file becomes a directory, a directory a file, a link a file, a file a pipe; case twins."""
        lake = self.lake_of({"file": b"f", "dir/a": b"a", "dir/b/c": b"c", "other": b"o", "Twin": b"T",
                             "dir2/x": b"x"})
        os.symlink("file", lake + "/link")
        os.mkdir(lake + "/empty")
        job = self.sync_job(lake, track=limits(100, 100))
        self.first(job)
        os.unlink(lake + "/file")
        write(lake + "/file/inner", b"i")
        shutil.rmtree(lake + "/dir")
        write(lake + "/dir", b"now a file")
        os.unlink(lake + "/link")
        write(lake + "/link", b"now a file, too")
        os.unlink(lake + "/other")
        os.mkfifo(lake + "/other")
        os.rename(lake + "/Twin", lake + "/twin")
        write(lake + "/empty/not", b"any more")
        os.unlink(lake + "/dir2/x")
        done = self.sync(job, 0)
        got = sorted(self.server.stored("p/"))
        self.assertEqual(got, ["dir", "dir2/", "empty/not", "file/inner", "link", "twin"])
        # file, dir/a, dir/b/c, other, Twin, empty/, dir2/x
        self.assertEqual(done.ledger["deleted"], 7)
        self.quiet(job)

    def test_excluded_now(self):
        """A new rule takes files out of the job; they did not vanish, so nothing is deleted."""
        lake, job = self.begin("mirror")
        before = sorted(self.server.stored("p/"))
        job = self.sync_job(lake, track=limits(100, 100), source=["exclude: [dir1/]"])
        self.sync(job, 0)
        self.no_deletes()
        self.assertEqual(sorted(self.server.stored("p/")), before)
        job = self.sync_job(lake, track=limits(100, 100), source=["exclude: ['file00*']"])
        self.sync(job, 0)
        self.no_deletes()
        self.assertEqual(sorted(k for k in self.server.stored("p/") if not k.endswith("/")), before)

    def test_seed_deletes_nothing(self):
        lake, job = self.begin("mirror")
        os.unlink(lake + "/dir1/file001")
        before = self.server.stored("p/")
        self.seed(job, 0)
        self.assertEqual(self.server.stored("p/"), before)
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 1)

    def test_file_store(self):
        """file:// deletes, too, and leaves no empty directories of keys that are gone."""
        lake = self.lake_of(12)
        store = self.own_lake("store")
        for policy in ("mirror", "quarantine"):
            folder = self.own_lake("store/" + policy)
            job = self.sync_job(lake, policy, url="file://" + folder, track=limits(100, 100, policy))
            self.sync(job, 0)
            os.rename(lake + "/dir1", lake + "/moved")
            done = self.sync(job, 0)
            self.assertEqual(done.ledger["deleted"], 3)
            got = sorted(os.path.relpath(os.path.join(h, f), folder)
                         for h, _, files in os.walk(folder) for f in files if "/.weir" not in h)
            want = sorted(os.path.relpath(os.path.join(h, f), lake)
                          for h, _, files in os.walk(lake) for f in files)
            self.assertEqual(got, want)
            kept = [f for h, _, files in os.walk(folder + "/.weir/quarantine") for f in files]
            self.assertEqual(len(kept), 3 if policy == "quarantine" else 0)
            os.rename(lake + "/moved", lake + "/dir1")
        del store


class Foreign(SyncCase):
    """Objects that are not what weir wrote."""

    def begin(self, policy="mirror"):
        lake = self.lake_of(12)
        job = self.sync_job(lake, track=limits(100, 100, policy))
        self.first(job)
        self.after_contact()
        return lake, job

    def test_overwritten(self):
        for policy in ("mirror", "quarantine"):
            with self.subTest(policy):
                self.server = self.start_server()
                self.work = self.work + "/" + policy
                os.makedirs(self.work)
                lake, job = self.begin(policy)
                self.assertEqual(self.client().put("p/dir1/file001", b"somebody else's").status, 200)
                # The same bytes, so the same ETag, but without our name on it.
                self.assertEqual(self.client().put("p/dir1/file005", b"content 5").status, 200)
                for i in (1, 5, 9):
                    os.unlink("%s/dir1/file%03d" % (lake, i))
                done = self.sync(job, None)
                left = self.server.stored("p/")
                self.assertIn("dir1/file001", left)
                self.assertEqual(left["dir1/file001"]["size"], len("somebody else's"))
                self.assertIn("dir1/file005", left)
                self.assertNotIn("dir1/file009", left)
                self.says(done.err + str(done.records), "dir1/file001")
                print("exit %d: %s" % (done.status, done.err.strip()[-300:]))
                again = self.sync(job, None)
                self.assertEqual(again.ledger["deleted"], 0)
                self.assertEqual(self.server.stored("p/"), left)

    def test_gone_already(self):
        """Somebody deleted it before us: that is success, and forgotten."""
        lake, job = self.begin()
        self.client().delete("p/dir1/file001")
        os.unlink(lake + "/dir1/file001")
        self.sync(job, 0)
        self.check_store(job)
        self.quiet(job)

    def test_never_listed(self):
        """Objects below the prefix that weir knows nothing of are left alone."""
        lake, job = self.begin()
        self.assertEqual(self.client().put("p/dir1/foreign", b"x").status, 200)
        shutil.rmtree(lake + "/dir1")
        self.sync(job, 0)
        self.assertIn("dir1/foreign", self.server.stored("p/"))
        self.assertNotIn("dir1/file001", self.server.stored("p/"))


class Troubled(SyncCase):
    """Deletes that fail, or are interrupted."""

    def begin(self, count, track=None, **more):
        lake = self.lake_of(count)
        job = self.sync_job(lake, track=track or limits(100000, 100), **more)
        self.first(job)
        self.after_contact()
        return lake, job

    def test_refused(self):
        lake, job = self.begin(12)
        os.unlink(lake + "/dir1/file001")
        os.unlink(lake + "/dir2/file002")
        self.server.script("op=DeleteObject,DeleteObjects do=error:AccessDenied")
        done = self.sync(job, None)
        self.assertIn(done.status, (3, 7), done.err)
        self.says(done.err, "AccessDenied")
        self.server.script("")
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 2)
        self.check_store(job)

    def test_single_keys(self):
        """Some keys of a batch are refused, or not mentioned in the reply: they stay, and are tried again."""
        lake, job = self.begin(12)
        for i in (1, 5, 9, 2, 6):
            os.unlink("%s/dir%d/file%03d" % (lake, i % 4, i))
        self.server.script("op=DeleteKey key=p/dir1/file001 do=error:AccessDenied\n"
                           "op=DeleteKey key=p/dir2/file002 do=body:empty")
        done = self.sync(job, None)
        self.assertIn(done.status, (3, 7), done.err)
        self.says(done.err, "dir1/file001", "AccessDenied")
        left = self.server.stored("p/")
        self.assertIn("dir1/file001", left)
        self.assertNotIn("dir1/file009", left)
        self.assertNotIn("dir2/file006", left)
        self.server.script("")
        self.sync(job, 0)
        self.check_store(job)
        self.quiet(job)

    def test_versions(self):
        """In a bucket with versions the objects stay behind delete markers, whose ids the report has."""
        self.server = self.start_server("--versions")
        lake, job = self.begin(12)
        os.unlink(lake + "/dir1/file001")
        os.unlink(lake + "/dir2/file002")
        done = self.sync(job, 0)
        self.check_store(job)
        r = self.client().request("GET", "", ["versions", ("prefix", "p/dir")])
        self.assertEqual(r.status, 200, r.body)
        markers = {m.findtext("Key"): m.findtext("VersionId") for m in r.xml.findall("DeleteMarker")}
        old = {v.findtext("Key") for v in r.xml.findall("Version")}
        self.assertEqual(sorted(markers), ["p/dir1/file001", "p/dir2/file002"])
        for key, version in markers.items():
            self.assertIn(key, old)
            record = done.record(key[2:])
            self.assertEqual(record["state"], "deleted")
            self.assertIn(version, [v for v in record.values() if isinstance(v, str)], record)
        self.quiet(job)

    def test_replies(self):
        """Lost, cut and empty replies are not believed, nor is 200 with an error."""
        lake, job = self.begin(40)
        faults = ("reset:after", "reset:before", "ok-error", "body:empty", "body:html", "body:cut-xml",
                  "status:503:SlowDown", "body:bad-xml", "reset:reply:20")
        for i, fault in enumerate(faults):
            with self.subTest(fault):
                os.unlink("%s/dir%d/file%03d" % (lake, i % 4, i))
                self.server.script("op=DeleteObject,DeleteObjects nth=1 do=" + fault)
                done = self.sync(job, None)
                self.assertIn(done.status, (0, 1, 3), done.err)
                if done.status != 0:
                    self.assertTrue(done.err.strip())
                    self.server.script("")
                    self.sync(job, 0)
                self.check_store(job)
        self.server.script("")
        self.quiet(job)

    def test_killed_in_the_middle(self):
        lake, job = self.begin(2600)
        for i in range(1, 4):
            shutil.rmtree("%s/dir%d" % (lake, i))
        mark = self.mark()
        self.server.script("op=DeleteObject,DeleteObjects do=delay-reply:300")
        for _ in range(6):
            p = job.start("sync", "--progress", "none")
            before = len(self.since(mark, *DELETES))
            wait_for(lambda: len(self.since(mark, *DELETES)) > before or p.poll() is not None, 20)
            p.send_signal(signal.SIGKILL)
            p.communicate()
            if p.returncode == 0:
                break
        self.server.script("")
        done = self.sync(job, 0)
        print("the last of them deleted %d" % done.ledger["deleted"])
        self.check_store(job)
        self.assertEqual(self.bodies(mark), [])
        self.quiet(job)

    def test_signal_in_the_middle(self):
        lake, job = self.begin(2600)
        for i in range(1, 4):
            shutil.rmtree("%s/dir%d" % (lake, i))
        self.server.script("op=DeleteObject,DeleteObjects do=delay-reply:400")
        p = job.start("sync", "--json", "--progress", "none")
        self.assertTrue(wait_for(lambda: [x for x in self.server.requests("DeleteObjects")
                                          if x.seconds > self.contact_over]))
        p.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        out, err = p.communicate(timeout=30)
        self.assertLess(time.monotonic() - begin, 10)
        self.assertIn(p.returncode, (0, 75), err)
        self.server.script("")
        self.sync(job, 0)
        self.check_store(job)
        self.quiet(job)

    def test_overlapping_start(self):
        lake, job = self.begin(12)
        write(lake + "/new", b"new")
        self.server.script("op=PutObject key=p/new do=delay:3000")
        p = job.start("sync", "--progress", "none")
        self.addCleanup(p.communicate)
        self.addCleanup(p.kill)
        self.assertTrue(wait_for(lambda: os.path.exists(job.state) and self.running(job)))
        begin = time.monotonic()
        for command in ("sync", "seed"):
            status, out, err = job.run(command, "--progress", "none")
            self.assertEqual((status, out), (6, ""), err)
            self.says(err, str(p.pid))
        self.assertLess(time.monotonic() - begin, 1.0 if not flowcase.SANITIZED else 10)
        p.communicate(timeout=30)
        self.assertEqual(p.returncode, 0)

    def running(self, job):
        status, out, err = job.run("status", "--json")
        return status == 0 and '"running":true' in out.replace(" ", "")

    def test_lock_is_never_stale(self):
        lake, job = self.begin(12)
        write(lake + "/new", b"new")
        self.server.script("op=PutObject key=p/new do=delay:5000")
        p = job.start("sync", "--progress", "none")
        self.assertTrue(wait_for(lambda: self.running(job)))
        p.send_signal(signal.SIGKILL)
        p.communicate()
        self.server.script("")
        self.sync(job, 0)
        self.check_store(job)


if __name__ == "__main__":
    unittest.main()
