#!/usr/bin/env python3
"""How much `weir sync` may delete at once, and when."""

import os
import time
import unittest

from flowcase import write
from synccase import SyncCase, limits


class Limits(SyncCase):
    def begin(self, files, percent, count=40, policy="mirror"):
        lake = self.lake_of(count)
        job = self.sync_job(lake, track=limits(files, percent, policy))
        self.first(job)
        self.after_contact()
        return lake, job

    def drop(self, lake, first, count):
        for i in range(first, first + count):
            os.unlink("%s/dir%d/file%03d" % (lake, i % 4, i))

    def stopped(self, job, figures, *options):
        before = sorted(self.server.stored("p/"))
        done = self.sync(job, 5, *options)
        self.says(done.err, "--allow-deletes", *figures)
        self.no_deletes()
        self.assertEqual([k for k in before if k not in self.server.stored("p/")], [])
        self.assertEqual(done.ledger["deleted"], 0)
        return done

    def test_count(self):
        lake, job = self.begin(4, 100)
        self.drop(lake, 0, 5)
        write(lake + "/dir0/new", b"new")
        done = self.stopped(job, ("5", "4"))
        self.assertIn("dir0/new", self.server.stored("p/"))  # the rest of the pass is done
        self.assertEqual(done.ledger["verified"], 1)
        self.stopped(job, ("5", "4"))  # and stays stopped
        self.stopped(job, ("5",), "--allow-deletes", "4")  # fewer than are due
        done = self.sync(job, 0, "--allow-deletes", "5")
        self.assertEqual(done.ledger["deleted"], 5)
        self.check_store(job)
        self.after_contact()
        self.drop(lake, 10, 5)
        self.stopped(job, ("5", "4"))  # that was for once
        self.sync(job, 0, "--allow-deletes", "1000")
        self.check_store(job)
        self.quiet(job)

    def test_at_the_limit(self):
        lake, job = self.begin(4, 100)
        self.drop(lake, 0, 4)
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 4)
        self.check_store(job)

    def test_percent(self):
        lake, job = self.begin(1000, 10)
        self.drop(lake, 0, 5)  # 12.5 %
        self.stopped(job, ("5", "10"))
        self.sync(job, 0, "--allow-deletes", "5")
        self.check_store(job)

    def test_percent_below(self):
        lake, job = self.begin(1000, 10)
        self.drop(lake, 0, 3)
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 3)
        self.check_store(job)

    def test_in_several_passes(self):
        """Each pass under the limit: the limit is for a pass."""
        lake, job = self.begin(4, 100)
        for first in (0, 3, 6):
            self.drop(lake, first, 3)
            self.assertEqual(self.sync(job, 0).ledger["deleted"], 3)
        self.check_store(job)

    def test_quarantine_is_limited(self):
        lake, job = self.begin(4, 100, policy="quarantine")
        self.drop(lake, 0, 5)
        self.stopped(job, ("5", "4"))
        self.assertEqual(self.server.stored("p/.weir/quarantine/"), {})

    def test_keep_is_not(self):
        lake, job = self.begin(4, 1, policy="keep")
        self.drop(lake, 0, 30)
        self.assertEqual(self.sync(job, 0).ledger["kept"], 30)
        self.no_deletes()

    def test_back_before_it_is_allowed(self):
        lake, job = self.begin(2, 100)
        os.rename(lake + "/dir1", self.work + "/away")
        self.stopped(job, ("10", "2"))
        os.rename(self.work + "/away", lake + "/dir1")
        self.quiet(job)
        self.check_store(job)

    def test_renames_do_not_count(self):
        """The old keys of a renamed directory are no loss: they are not counted; with real losses beside it,
        those are."""
        lake, job = self.begin(4, 100)
        os.rename(lake + "/dir1", lake + "/renamed")
        mark = self.mark()
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 10)
        self.assertEqual(self.bodies(mark), [])
        self.check_store(job)
        self.after_contact()
        os.rename(lake + "/dir2", lake + "/renamed2")
        for i in range(0, 20, 4):
            os.unlink("%s/dir0/file%03d" % (lake, i))
        self.stopped(job, ("5", "4"))
        self.assertEqual(len([k for k in self.server.stored("p/") if k.startswith("renamed2/")]), 10)
        self.sync(job, 0, "--allow-deletes", "5")
        self.check_store(job)


class Grace(SyncCase):
    def test_grace(self):
        lake = self.lake_of(12)
        job = self.sync_job(lake, track=limits(100, 100, grace="6s"))
        self.first(job)
        self.after_contact()
        os.unlink(lake + "/dir1/file001")
        os.rename(lake + "/dir2/file002", self.work + "/away")
        begin = time.monotonic()
        done = self.sync(job, 0)
        seen = time.monotonic()
        self.assertEqual((done.ledger["kept"], done.ledger["deleted"]), (2, 0))
        os.rename(self.work + "/away", lake + "/dir2/file002")
        while time.monotonic() < begin + 5:
            done = self.sync(job, 0)
            if time.monotonic() < begin + 5:
                self.no_deletes()
            time.sleep(0.5)
        self.assertIn("dir2/file002", self.server.stored("p/"))
        time.sleep(max(0, seen + 6.5 - time.monotonic()))
        done = self.sync(job, 0)
        self.assertEqual(done.ledger["deleted"], 1)
        self.check_store(job)
        self.quiet(job)

    def test_gone_again(self):
        """Gone, back, gone: the time starts anew."""
        lake = self.lake_of(12)
        job = self.sync_job(lake, track=limits(100, 100, grace="5s"))
        self.first(job)
        self.after_contact()
        os.rename(lake + "/dir1/file001", self.work + "/away")
        self.sync(job, 0)
        time.sleep(2.5)
        os.rename(self.work + "/away", lake + "/dir1/file001")
        self.sync(job, 0)
        time.sleep(3)
        os.unlink(lake + "/dir1/file001")
        self.sync(job, 0)
        self.no_deletes()
        time.sleep(5.2)
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 1)

    def test_day(self):
        """The default is a day."""
        lake = self.lake_of(12)
        job = self.sync_job(lake, track=["delete: mirror", "delete_limit: {files: 9, percent: 100}"])
        self.first(job)
        os.unlink(lake + "/dir1/file001")
        self.assertEqual(self.sync(job, 0).ledger["kept"], 1)
        self.assertIn("dir1/file001", self.server.stored("p/"))


if __name__ == "__main__":
    unittest.main()
