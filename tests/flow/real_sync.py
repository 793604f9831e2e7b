#!/usr/bin/env python3
"""Random histories of lakes with `weir sync` on a real S3 server; after each step boto3 downloads every object and
compares it with the lake.  Then the buckets that aws and rclone filled, and deletes in a bucket with versions.

    real_sync.py --weir build/release/weir --server build/servers/versitygw [--histories 40]
                 [--kills 0.2] [--seed S] [--history N] [--keep]"""

import argparse
import hashlib
import os
import random
import shutil
import tempfile

import clients
import lakeops
import syncmodel
import weirflow
from real_seed import read_env
from weirflow import say


class RealStore:
    """What boto3 sees."""

    def __init__(self, env):
        import boto3
        import botocore.config
        self.env, self.bucket = env, env["BUCKET"]
        self.client = boto3.client(
            "s3", endpoint_url=env["ENDPOINT"], region_name=env["REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"max_attempts": 5}))
        self.base = "sync-" + os.urandom(4).hex()  # never one of an earlier run
        self.url = "s3://%s/%s" % (self.bucket, self.base)
        # SeaweedFS keeps none on any "dir/" (tests/servers/README.md).
        self.keeps_directory_metadata = env["NAME"] != "seaweedfs"

    def keys(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [o["Key"] for page in pages for o in page.get("Contents", [])]

    def objects(self, prefix):
        prefix, out = self.base + "/" + prefix, {}
        for key in self.keys(prefix):
            r = self.client.get_object(Bucket=self.bucket, Key=key)
            digest = hashlib.sha256()
            for block in iter(lambda: r["Body"].read(1 << 20), b""):
                digest.update(block)
            meta = {k.lower(): v for k, v in r["Metadata"].items()}
            out[key[len(prefix):]] = (digest.hexdigest(), meta)
        return out

    def plant(self, key, data):
        self.client.put_object(Bucket=self.bucket, Key=self.base + "/" + key, Body=data)

    def uploads(self, prefix):
        r = self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.base + "/" + prefix)
        return [u["Key"] for u in r.get("Uploads", [])]

    def mark(self):
        return None

    def since(self, mark):
        return None  # their logs are too different; the ledger's requests are looked at

    def remove(self, prefix):
        for key in self.keys(self.base + "/" + prefix):
            self.client.delete_object(Bucket=self.bucket, Key=key)


def model_options(args, env, secrets):
    """What a server cannot hold is left out of the histories."""
    odd = [n for n in lakeops.ODD]
    swap = True
    if env["NAME"] == "seaweedfs":
        odd = [n for n in odd if b"\\" not in n and b".." not in n]
    if env["NAME"] in ("versitygw", "seaweedfs"):
        swap = False  # keys are files: a/b and a do not go together
    return syncmodel.Options(
        args.weir, args.command, extras=args.command == "sync",
        policies=syncmodel.POLICIES if args.command == "sync" else ("keep",), swap_types=swap, odd=odd, kills=args.kills, env=secrets,
        destination=["endpoint: " + env["ENDPOINT"], "region: " + env["REGION"], "addressing: path"])


class Bench:
    """A lake and a job for the single cases."""

    def __init__(self, args, env, secrets, store, work, checks):
        self.args, self.env, self.secrets, self.store, self.work = args, env, secrets, store, work
        self.checks = checks
        self.tools = clients.Clients(env["ENDPOINT"], secrets["AWS_ACCESS_KEY_ID"],
                                     secrets["AWS_SECRET_ACCESS_KEY"], env["REGION"], work)

    def lake(self, name):
        lake = os.path.join(self.work, name)
        rng = random.Random(name)
        for path, size in (("small", 5), ("d/mid", 3 << 20), ("d/large", (21 << 20) + 99), ("d/exact", 16 << 20),
                           ("sp ace+%41\u00e9", 77), ("d/planted", 11)):
            full = os.path.join(lake, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as f:
                f.write(rng.randbytes(size))
        return lake

    def job(self, name, lake, prefix, *destination, bucket=None, track=None):
        url = "s3://%s/%s/%s" % (bucket or self.store.bucket, self.store.base, prefix)
        return weirflow.Job(self.args.weir, self.work, name, lake, url,
                            ["endpoint: " + self.env["ENDPOINT"], "region: " + self.env["REGION"],
                             "addressing: path", *destination], env=self.secrets, track=track)

    def sync(self, job, *options):
        status, out, err = job.run("sync", "--json", "--progress", "none", *options)
        try:
            import json
            ledger = [json.loads(x) for x in out.splitlines() if '"summary"' in x][-1]["summary"]
        except (ValueError, IndexError):
            ledger = {}
        return status, ledger, err

    def adopt(self, name, fill):
        """A bucket that another tool filled: nothing sent; a planted difference is found."""
        lake, prefix = self.lake(name), "adopt-" + name
        fill(lake, self.store.bucket, self.store.base + "/" + prefix)
        job = self.job("adopt-" + name, lake, prefix, "existing: adopt")
        status, ledger, err = self.sync(job)
        self.checks.equal((status, ledger.get("sent_bytes"), ledger.get("found")), (0, 0, 6),
                          "%s adopted without sending (%s)" % (name, err[-1500:]))
        status, again, err = self.sync(job)
        self.checks.equal((status, again.get("requests")), (0, 0), name + ": the next sync asks nothing")
        shutil.rmtree(job.state)
        key = "%s/%s/d/planted" % (self.store.base, prefix)
        self.store.client.put_object(Bucket=self.store.bucket, Key=key, Body=b"WRONG bytes")
        status, ledger, err = self.sync(job)
        self.checks.equal((status, ledger.get("failed"), ledger.get("sent_bytes")), (3, 1, 0),
                          name + ": the planted difference")
        self.checks.check("d/planted" in err, name + ": the planted difference is named: " + err[-500:])
        body = self.store.client.get_object(Bucket=self.store.bucket, Key=key)["Body"].read()
        self.checks.equal(body, b"WRONG bytes", name + ": the foreign object is left alone")
        self.store.remove(prefix)

    def versions(self):
        """Delete markers, and their ids in the report."""
        bucket = self.store.bucket + "-versions"
        client = self.store.client
        try:
            client.create_bucket(Bucket=bucket)
        except client.exceptions.BucketAlreadyOwnedByYou:
            pass
        try:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        except Exception as e:
            say("left out: no versions here (%s)" % e)
            return
        lake = self.lake("versions")
        job = self.job("versions", lake, "v", bucket=bucket, track=[
            "delete: mirror", "delete_grace: 0s", "delete_limit: {files: 100, percent: 100}"])
        self.checks.equal(self.sync(job)[0], 0, "versions: first sync")
        os.unlink(lake + "/small")
        os.unlink(lake + "/d/large")
        status, ledger, err = self.sync(job)
        self.checks.equal((status, ledger.get("deleted")), (0, 2), "versions: deletes (%s)" % err[-1000:])
        r = client.list_object_versions(Bucket=bucket, Prefix=self.store.base + "/v/")
        markers = {m["Key"].split("/", 2)[2]: m["VersionId"] for m in r.get("DeleteMarkers", [])
                   if "/.weir/" not in m["Key"]}
        self.checks.equal(sorted(markers), ["d/large", "small"], "versions: delete markers")
        records = {x["path"]: x for x in job.report(2) if "path" in x}
        for path, version in markers.items():
            self.checks.check(version in records.get(path, {}).values(),
                              "versions: the id of the marker is in the report: %s" % records.get(path))


def histories(args, env, secrets, store, work):
    seed = args.seed or str(random.randrange(1 << 32))
    say("WEIR_SEED=%s" % seed)
    options = model_options(args, env, secrets)
    numbers = [args.history] if args.history is not None else range(args.histories)
    tally = syncmodel.Tally()

    syncmodel.play((syncmodel.History(work, seed, n, store, options) for n in numbers), tally, batch=16,
                   keep_failed=args.keep)
    return tally


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--weir", required=True)
    a.add_argument("--server", required=True, help="folder with env, made by scripts/servers.sh")
    a.add_argument("--histories", type=int, default=40)
    a.add_argument("--history", type=int, help="only this one")
    a.add_argument("--kills", type=float, default=0.2, help="share of steps with passes that are killed")
    a.add_argument("--seed")
    a.add_argument("--command", default="sync", help="seed: histories of the policy keep only")
    a.add_argument("--no-cases", action="store_true", help="histories only")
    a.add_argument("--keep", action="store_true")
    args = a.parse_args()
    args.weir = os.path.abspath(args.weir)
    env = read_env(args.server)
    secrets = {n: env[n] for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    work = tempfile.mkdtemp(prefix="weir-real-")
    checks = weirflow.Failures()
    store = RealStore(env)
    try:
        tally = histories(args, env, secrets, store, work)
        say("%s: %d histories, %d passes, %d failed" % (env["NAME"], tally.histories, tally.passes,
                                                       len(tally.failures)))
        checks.equal(len(tally.failures), 0, "histories that failed")
        if not args.no_cases:
            bench = Bench(args, env, secrets, store, work, checks)
            bench.adopt("aws", bench.tools.aws_sync)
            bench.adopt("rclone", bench.tools.rclone_copy)
            bench.adopt("rclone-single", lambda l, b, p: bench.tools.rclone_copy(l, b, p, 5, 200))
            bench.versions()
    finally:
        if not args.keep:
            store.remove("")
            shutil.rmtree(work, ignore_errors=True)
    checks.end()


if __name__ == "__main__":
    main()
