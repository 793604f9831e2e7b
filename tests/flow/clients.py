"""Other people's programs that fill buckets: aws and rclone, where scripts/setup.sh --test has put them."""

import os
import shutil
import subprocess
import unittest

CACHE = os.environ.get("WEIR_TEST_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "weir-tests")


def aws_program():
    path = os.path.join(CACHE, "venv", "bin", "aws")
    return path if os.access(path, os.X_OK) else None


def rclone_program():
    return shutil.which("rclone", path="/usr/bin:" + os.environ.get("PATH", ""))


class Clients:
    def __init__(self, endpoint, key, secret, region, home):
        self.endpoint, self.region, self.home = endpoint, region, home
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.env.update(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_REGION=region,
                        HOME=home, LC_ALL="C.UTF-8",
                        RCLONE_CONFIG_X_TYPE="s3", RCLONE_CONFIG_X_PROVIDER="Other",
                        RCLONE_CONFIG_X_FORCE_PATH_STYLE="true", RCLONE_CONFIG_X_ENDPOINT=endpoint,
                        RCLONE_CONFIG_X_ACCESS_KEY_ID=key, RCLONE_CONFIG_X_SECRET_ACCESS_KEY=secret)

    def run(self, *argv, env=None):
        p = subprocess.run(argv, env=dict(self.env, **(env or {})), capture_output=True, text=True,
                           timeout=600, errors="replace")
        assert p.returncode == 0, "%s: %s" % (argv[0], p.stderr[-2000:])

    def aws_sync(self, lake, bucket, prefix, part_mib=8, checksum=None):
        """aws s3 sync; objects from @part_mib on go in parts of that size."""
        if not aws_program():
            raise unittest.SkipTest("no aws (scripts/setup.sh --test)")
        config = os.path.join(self.home, "aws-config")
        with open(config, "w") as f:
            f.write("[default]\ns3 =\n  multipart_chunksize = %dMB\n  multipart_threshold = %dMB\n" %
                    (part_mib, part_mib))
        self.run(aws_program(), "s3", "sync", "--only-show-errors", "--no-follow-symlinks",
                 "--endpoint-url", self.endpoint, *(["--checksum-algorithm", checksum] if checksum else []),
                 lake, "s3://%s/%s" % (bucket, prefix), env={"AWS_CONFIG_FILE": config})

    def rclone_copy(self, lake, bucket, prefix, part_mib=5, cutoff_mib=None):
        if not rclone_program():
            raise unittest.SkipTest("no rclone (scripts/setup.sh --test)")
        self.run(rclone_program(), "copy", "--s3-upload-cutoff", "%dM" % (cutoff_mib or part_mib),
                 "--s3-chunk-size", "%dM" % part_mib, lake, "X:%s/%s" % (bucket, prefix))
