#!/bin/bash
# test.sh -- sets up, builds and runs everything that CI runs (about half an hour on two cores).
#
# On a fresh Debian 12, as root or with sudo; again at any time.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "===== setup: packages, S3 servers and clients for the tests"
scripts/setup.sh --test
exec scripts/check.sh
