#!/usr/bin/env python3
"""Buckets that other tools filled are taken over without sending a byte; a catalog that was lost is made again from
lake and store; one is exported and imported."""

import json
import os
import shutil
import subprocess
import unittest

import clients
import fakes3
import flowcase
import syncmodel
from flowcase import random_bytes, write
from synccase import MIB, SyncCase


class Adopt(SyncCase):
    LARGE = 21 * MIB + 99

    def make(self, *options):
        self.server = self.start_server(*options)
        shutil.rmtree(self.work + "/lake", True)
        lake = self.lake_of({"small": b"hello", "d/mid": random_bytes("mid", 3 * MIB), "empty": b"",
                             "large": random_bytes("large", self.LARGE), "d/e/exact": random_bytes("x", 16 * MIB),
                             "d/planted": b"right bytes", "sp ace+%41\u00e9": b"odd"})
        tools = clients.Clients(self.server.endpoint, fakes3.KEY, fakes3.SECRET, fakes3.REGION, self.work)
        return lake, tools

    def take_over(self, name, lake, **more):
        """Everything is adopted, no byte sent; then a difference is planted and found."""
        before = {k: (o["etag"], o["sha256"]) for k, o in self.server.stored("p/").items()}
        job = self.sync_job(lake, name, destination=["existing: adopt"], **more)
        mark = self.mark()
        done = self.sync(job, 0)
        sent = [k for k in self.bodies(mark) if "/.weir/" not in k]
        self.assertEqual(sent, [])
        self.assertEqual((done.ledger["found"], done.ledger["sent_bytes"]), (len(before), 0))
        self.check_store(job)
        self.assertEqual({k: (o["etag"], o["sha256"]) for k, o in self.server.stored("p/").items()}, before)
        self.quiet(job)
        return job

    def planted(self, lake, job):
        """The same with one object of the same size and other bytes."""
        shutil.rmtree(job.state)
        client = self.client()
        self.assertEqual(client.put("p/d/planted", b"WRONG bytes").status, 200)
        large = random_bytes("large", self.LARGE)
        id = client.create("p/large")
        parts = []
        for n in range(3):
            body = bytearray(large[n * 8 * MIB:(n + 1) * 8 * MIB])
            body[1000] ^= 1 if n == 1 else 0
            r = client.part("p/large", id, n + 1, bytes(body))
            parts.append((n + 1, r.headers["etag"]))
        self.assertEqual(client.complete("p/large", id, parts).status, 200)
        done = self.sync(job, 3)
        bad = sorted(r["path"] for r in done.records if r["state"] == "failed")
        self.assertEqual(bad, ["d/planted", "large"])
        for path in bad:
            self.assertEqual(done.record(path)["code"], "exists")
        stored = self.server.stored("p/")
        self.assertEqual(stored["d/planted"]["size"], len(b"WRONG bytes"))
        self.assertNotIn("x-amz-meta-weir-id", stored["d/planted"]["headers"])
        mark = self.mark()
        again = self.sync(job, 3)  # found again, and only they are asked about
        self.assertEqual(again.ledger["failed"], 2)
        self.assertEqual({x.key for x in self.asked(mark)} - {"p/d/planted", "p/large"}, set())
        self.assertEqual(self.bodies(mark), [])

    SERVERS = ((), ("--lenient", "checksum"))  # the second keeps no checksums but MD5 in ETags

    def each(self):
        for i, options in enumerate(self.SERVERS):
            yield "job%d" % i, *self.make(*options)

    def test_aws_sync(self):
        for name, lake, tools in self.each():
            tools.aws_sync(lake, "bucket", "p")
            self.planted(lake, self.take_over(name, lake))

    def test_aws_sync_part_sizes(self):
        for part in (5, 7, 16):
            lake, tools = self.make()
            with self.subTest(part=part):
                tools.aws_sync(lake, "bucket", "p", part)
                self.take_over("job%d" % part, lake)

    def test_aws_sync_checksums(self):
        for name in ("SHA256", "SHA1", "CRC32C", "CRC32", "CRC64NVME"):
            lake, tools = self.make()
            with self.subTest(name):
                tools.aws_sync(lake, "bucket", "p", checksum=name)
                self.take_over(name.lower(), lake)

    def test_rclone(self):
        for name, lake, tools in self.each():
            tools.rclone_copy(lake, "bucket", "p", part_mib=5)
            self.planted(lake, self.take_over(name, lake))

    def test_rclone_single(self):
        for name, lake, tools in self.each():
            tools.rclone_copy(lake, "bucket", "p", part_mib=5, cutoff_mib=200)
            self.take_over(name, lake)

    def test_other_client(self):
        """A client of the test's own, so that something runs where neither tool is: parts of one size, and of
        several sizes, which no guess can find."""
        for name, lake, tools in self.each():
            client = self.client()
            for key, (_, st) in syncmodel.wanted(lake).items():
                with open(os.path.join(lake, key), "rb") as f:
                    data = f.read()
                if len(data) < 6 * MIB:
                    self.assertEqual(client.put("p/" + key, data).status, 200)
                    continue
                id = client.create("p/" + key)
                cuts = [data[i:i + 6 * MIB] for i in range(0, len(data), 6 * MIB)]
                parts = [(n + 1, client.part("p/" + key, id, n + 1, c).headers["etag"])
                         for n, c in enumerate(cuts)]
                self.assertEqual(client.complete("p/" + key, id, parts).status, 200)
            self.take_over(name, lake)

    def test_then_it_is_ours(self):
        """After the take-over the lake goes on: edits, renames, new metadata, deletes."""
        lake, tools = self.make()
        client = self.client()
        for path in ("small", "d/mid", "empty", "d/planted", "sp ace+%41\u00e9", "large", "d/e/exact"):
            with open(lake + "/" + path, "rb") as f:
                self.assertEqual(client.put("p/" + path, f.read()).status, 200)
        job = self.take_over("job", lake)
        with open(lake + "/large", "r+b") as f:
            f.seek(10 * MIB)
            f.write(b"changed")
        write(lake + "/small", b"HELLO")
        os.rename(lake + "/d/mid", lake + "/moved")
        os.chmod(lake + "/empty", 0o600)
        mark = self.mark()
        done = self.sync(job, None)
        self.assertEqual(done.status, 0, done.err)
        os.unlink(lake + "/d/planted")
        self.assertEqual(self.sync(job, 0).ledger["deleted"], 1)  # taken over is ours
        stored = self.server.stored("p/")
        for key, (digest, _) in syncmodel.wanted(lake).items():
            self.assertEqual(stored[key]["sha256"], digest, key)
        self.assertNotIn("p/moved", self.bodies(mark))

    def test_refuse_stays_the_default(self):
        lake, tools = self.make()
        self.assertEqual(self.client().put("p/small", b"hello").status, 200)
        done = self.sync(self.sync_job(lake), 3)
        self.assertEqual(done.record("small")["code"], "exists")


class Catalog(SyncCase):
    def begin(self):
        lake = self.lake_of({"a": b"a", "d/b": b"bb", "d/large": random_bytes(1, 21 * MIB),
                             "d/mid": random_bytes(2, 2 * MIB), "e/gone": b"gone", "empty": b""})
        os.symlink("a", lake + "/link")
        os.mkdir(lake + "/hollow")
        with open(os.path.join(os.fsencode(lake), b"not-utf8-\xff"), "wb") as f:
            f.write(b"odd")
        job = self.sync_job(lake, track=["delete: keep"])
        self.first(job)
        os.unlink(lake + "/e/gone")  # a row of something that vanished
        self.sync(job, 0)
        return lake, job

    def catalog(self, job, status, *words, **more):
        p = subprocess.run([flowcase.WEIR, "catalog", words[0], job.manifest, "--state", job.state, *words[1:]],
                           env=job.env, capture_output=True, timeout=120, **more)
        self.assertEqual(p.returncode, status, p.stderr.decode("utf-8", "replace")[-2000:])
        self.assertNotIn(b"Sanitizer", p.stderr)
        return p

    def nothing_sent(self, job):
        before, mark = self.server.stored("p/"), self.mark()
        done = self.sync(job, 0)
        sent = [k for k in self.bodies(mark) if "/.weir/" not in k]
        self.assertEqual((sent, done.ledger["sent_objects"]), ([], 0))
        self.assertEqual(self.server.stored("p/"), before)
        return done

    def test_rebuild(self):
        lake, job = self.begin()
        shutil.rmtree(job.state)
        before, mark = self.server.stored(""), self.mark()
        self.catalog(job, 0, "rebuild")
        self.assertEqual(self.server.stored(""), before)
        self.assertEqual([x.op for x in self.since(mark, "PutObject", "CopyObject", "DeleteObject",
                                                   "DeleteObjects") if "/.weir/" not in x.key], [])
        self.nothing_sent(job)
        self.quiet(job)
        # and the delta works, so the chunk digests are there
        with open(lake + "/d/large", "r+b") as f:
            f.seek(10 * MIB)
            f.write(b"##")
        mark = self.mark()
        self.sync(job, 0)
        self.assertLessEqual(len([k for k in self.bodies(mark)]), 2)

    def test_rebuild_sends_what_is_missing(self):
        lake, job = self.begin()
        shutil.rmtree(job.state)
        self.client().delete("p/d/b")
        write(lake + "/new", b"new")
        with open(lake + "/a", "wb") as f:
            f.write(b"A")
        p = self.catalog(job, 3, "rebuild")
        for path in ("a", "d/b", "new"):
            self.assertIn(b": %s: " % path.encode(), p.stderr)
        mark = self.mark()
        self.sync(job, 0)
        self.assertEqual(sorted(k for k in self.bodies(mark) if "/.weir/" not in k),
                         ["p/a", "p/d/b", "p/new"])
        stored = self.server.stored("p/")
        for key, (digest, _) in syncmodel.wanted(lake).items():
            self.assertEqual(stored[key]["sha256"], digest, key)

    def test_rebuild_needs_no_catalog_there(self):
        lake, job = self.begin()
        p = self.catalog(job, 5, "rebuild")
        self.assertTrue(p.stderr)
        self.nothing_sent(job)

    def test_rebuild_finds_foreign_objects(self):
        """Replaced by another writer meanwhile: not taken for ours."""
        lake, job = self.begin()
        shutil.rmtree(job.state)
        self.assertEqual(self.client().put("p/a", b"X").status, 200)
        self.catalog(job, 3, "rebuild")
        done = self.sync(job, 3)
        self.assertEqual(done.record("a")["code"], "exists")

    def test_export_import(self):
        lake, job = self.begin()
        lines = self.catalog(job, 0, "export").stdout
        for line in lines.splitlines():
            json.loads(line)
        shutil.rmtree(job.state)
        self.catalog(job, 0, "import", input=lines)
        self.assertEqual(self.catalog(job, 0, "export").stdout, lines)
        self.quiet(job)
        self.nothing_sent(job)
        os.rename(lake + "/d/mid", lake + "/moved")
        mark = self.mark()
        self.sync(job, 0)
        self.assertEqual(self.bodies(mark), [])

    def test_import_refuses(self):
        """A cut, a changed or a foreign file, and a state directory that has a catalog."""
        lake, job = self.begin()
        lines = self.catalog(job, 0, "export").stdout
        self.assertTrue(self.catalog(job, 5, "import", input=lines).stderr)
        self.quiet(job)
        shutil.rmtree(job.state)
        whole = lines.splitlines(True)
        for bad in (b"", b"\n", b"not json\n", b"".join(whole[:-1]), b"".join(whole[:3] + whole[4:]),
                    whole[0], b"".join(whole[1:]), lines + whole[-1], lines.replace(b'"', b"'", 40)):
            p = subprocess.run([flowcase.WEIR, "catalog", "import", job.manifest, "--state", job.state],
                               env=job.env, capture_output=True, timeout=60, input=bad)
            self.assertIn(p.returncode, (1, 2, 5), bad[:80])
            self.assertTrue(p.stderr)
            self.assertNotIn(b"Sanitizer", p.stderr)
        self.catalog(job, 0, "import", input=lines)  # none of them left anything
        self.quiet(job)

    def test_export_beside_a_pass(self):
        lake, job = self.begin()
        write(lake + "/new", b"new")
        self.server.script("op=PutObject key=p/new do=delay:2500")
        p = job.start("sync", "--progress", "none")
        self.addCleanup(p.communicate)
        flowcase.wait_for(lambda: '"running":true' in job.run("status", "--json")[1].replace(" ", ""))
        out = self.catalog(job, 0, "export").stdout
        self.assertGreater(len(out.splitlines()), 8)
        self.assertEqual(p.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
