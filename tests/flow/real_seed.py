#!/usr/bin/env python3
"""The main job against a real S3 server: a lake of real files and odd ones, and a large one in parts, is
seeded, killed with SIGKILL at random moments and continued each time.  Then a client that knows
nothing of weir downloads everything and `diff -r` compares; the server's log is asked whether a finished object was
sent twice; no upload may be left open.

    real_seed.py --weir build/release/weir --server build/servers/versitygw [--files 50000]
                 [--large-mib 6144] [--kills 50] [--seed N] [--keep]"""

import argparse
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

import weirflow
from weirflow import say


def read_env(folder):
    env = {}
    with open(os.path.join(folder, "env")) as f:
        for line in f:
            name, _, value = line.strip().partition("=")
            env[name] = value
    env["NAME"] = os.path.basename(folder.rstrip("/"))
    return env


def kill_at_random(job, kills, rng):
    """Starts the seed again and again, kills it after a random time.  Returns how many of the
    kills hit a running process."""
    hits = 0
    span = 0.4  # seconds; grows when the process does not get far, so that work is always done
    for _ in range(kills):
        p = job.start("seed", "--progress", "none")
        time.sleep(rng.uniform(0.02, span))
        if p.poll() is None:
            p.send_signal(signal.SIGKILL)
            hits += 1
        p.communicate()
        if p.returncode == 0:
            break  # finished before the kill: nothing is left to interrupt
        span = min(span * 1.08, 3)
    return hits


def finished_twice(env, prefix, in_parts):
    """Keys whose object was finished more than once by the server's access log."""
    finished = collections.Counter()
    with open(env["ACCESS_LOG"], errors="replace") as f:
        text = f.read()
    if env["NAME"] == "versitygw":  # the key stands raw, twice; it may hold blanks and newlines
        lines = re.finditer(r"(?s) s3_(?:PutObject|CompleteMultipartUpload) (?P<key>.{1,1100}?) "
                            r"(?P<path>/%s/(?P=key)) 200 " % re.escape(env["BUCKET"]), text)
        finished.update(m.group("path") for m in lines)
    else:  # SeaweedFS logs no query (parts look like objects) and keeps no metadata on "dir/" (so weir
        # cannot know its own after a kill): those keys are left out below
        pattern = (r'"(?:PUT|POST) (\S+) HTTP/1.1" 200 ' if env["NAME"] == "rgw" else
                   r'"[^"]*" (?:PUT|POST) "(.{1,4000}?)" 200')
        for m in re.finditer(pattern, text):
            path, _, query = m.group(1).partition("?")
            if "partNumber=" not in query and "uploads" not in query:
                finished[urllib.parse.unquote(path)] += 1
    mine = {k: n for k, n in finished.items() if "/" + prefix + "/" in k and "/.weir/" not in k
            and not (env["NAME"] == "seaweedfs" and
                     (k.endswith("/") or k.split("/" + prefix + "/", 1)[1] in in_parts))}
    return len(mine), {k: n for k, n in mine.items() if n > 1}


def open_uploads(client, bucket, prefix):
    pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
    return [u["Key"] for page in pages for u in page.get("Uploads", [])]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--weir", required=True)
    a.add_argument("--server", required=True, help="folder with env, made by scripts/servers.sh")
    a.add_argument("--files", type=int, default=50000)
    a.add_argument("--large-mib", type=int, default=6144)
    a.add_argument("--kills", type=int, default=50)
    a.add_argument("--seed", type=int)
    a.add_argument("--work", help="folder for lake and download; default: a temporary one")
    a.add_argument("--keep", action="store_true")
    args = a.parse_args()

    import boto3
    rng = weirflow.seeded_random(args.seed)
    env = read_env(args.server)
    work = args.work or tempfile.mkdtemp(prefix="weir-real-")
    lake = os.path.join(work, "lake")
    prefix = "seed-" + os.urandom(4).hex()  # never one of an earlier run
    checks = weirflow.Failures()
    secrets = {n: env[n] for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    client = boto3.client("s3", endpoint_url=env["ENDPOINT"], region_name=env["REGION"],
                          aws_access_key_id=secrets["AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=secrets["AWS_SECRET_ACCESS_KEY"])
    try:
        begin = time.monotonic()
        if not os.path.isdir(lake):
            os.makedirs(lake)
            weirflow.copy_real_files(lake, args.files)
            # SeaweedFS takes a backslash in a key for a slash.
            weirflow.add_odd(lake, args.large_mib << 20, rng,
                             skip=b"\\" if env["NAME"] == "seaweedfs" else None)
        say("%s: lake made in %.0f s" % (env["NAME"], time.monotonic() - begin))
        job = weirflow.Job(os.path.abspath(args.weir), work, "real-" + env["NAME"], lake,
                           "s3://%s/%s" % (env["BUCKET"], prefix),
                           ["endpoint: " + env["ENDPOINT"], "region: " + env["REGION"],
                            "addressing: path"], env=secrets)
        shutil.rmtree(job.state, ignore_errors=True)

        begin = time.monotonic()
        hits = kill_at_random(job, args.kills, rng)
        say("killed %d times in %.0f s" % (hits, time.monotonic() - begin))
        checks.check(hits >= args.kills, "only %d of %d kills hit a running seed: the lake is too "
                     "small for so many" % (hits, args.kills))
        begin = time.monotonic()
        status, ledger, err = job.seed(timeout=3600)
        say("finished in %.1f s: %s" % (time.monotonic() - begin, ledger))
        checks.equal(status, 0, "exit status of the last run (%s)" % err[-2000:])
        checks.equal(ledger and ledger["failed"] + ledger["unstable"] + ledger["pending"], 0,
                     "entries without success")
        state = "verified" if env["CHECKS_CRC64NVME"] == "yes" else "uploaded"
        checks.check(ledger and ledger[state] > 0 and
                     ledger["verified" if state == "uploaded" else "uploaded"] == 0,
                     "every sent entry is '%s' on this server" % state)

        status, again, err = job.seed()
        checks.equal((status, again and again["sent_objects"], again and again["requests"]),
                     (0, 0, 0), "a second run sends and asks nothing")

        begin = time.monotonic()
        tree, got = os.path.join(work, "expected"), os.path.join(work, "download")
        for folder in (tree, got):
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
        wanted = weirflow.mirror(lake, tree)
        aws = subprocess.run(
            [os.path.join(os.path.dirname(sys.executable), "aws"), "s3", "cp", "--recursive",
             "--only-show-errors", "--endpoint-url", env["ENDPOINT"], "--region", env["REGION"],
             "s3://%s/%s/" % (env["BUCKET"], prefix), got],
            env=dict(os.environ, **secrets, LC_ALL="C.UTF-8"), capture_output=True, text=True)
        checks.equal(aws.returncode, 0, "aws s3 cp (%s)" % aws.stderr[-2000:])
        shutil.rmtree(os.path.join(got, ".weir"), ignore_errors=True)  # the marker of the job
        diff = subprocess.run(["diff", "-r", "--no-dereference", tree, got], capture_output=True,
                              text=True, errors="replace")
        checks.equal(diff.returncode, 0, "diff -r (%s)" % diff.stdout[-2000:])
        say("downloaded %d objects with aws s3 cp and compared with diff -r in %.0f s" %
            (wanted, time.monotonic() - begin))

        in_parts = {weirflow.key_of(path) for path, st in weirflow.walk_lake(lake)
                    if st.st_size > 8 << 20}
        count, twice = finished_twice(env, prefix, in_parts)
        # A reply that a kill cut off is logged as an error by some servers, though it was stored.
        checks.check(count >= wanted * 0.9, "the server's log has only %d of %d finished objects" %
                     (count, wanted))
        checks.equal(twice, {}, "objects finished more than once by the server's log")
        say("the server's log: %d objects finished, %d of them twice" % (count, len(twice)))
        checks.equal(open_uploads(client, env["BUCKET"], prefix), [], "open multipart uploads")
    finally:
        if not args.keep and not args.work:
            shutil.rmtree(work, ignore_errors=True)
    checks.end()


if __name__ == "__main__":
    main()
