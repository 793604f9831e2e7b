#!/bin/bash
# seed.sh NAME WEIR -- tests/flow/real_seed.py on the server NAME of $WEIR_SERVERS, at a size for every day.
#
# At full size: WEIR_SEED_OPTIONS='--files 50000 --large-mib 6144 --kills 50' scripts/check.sh release servers
set -euo pipefail

server=${WEIR_SERVERS:-/nonexistent}/$1
if [ ! -f "$server/env" ]; then
    echo "left out: $1 does not run (scripts/servers.sh start all)"
    exit 77
fi
# boto3 and aws are in the environment that scripts/setup.sh made, not on the machine.
PATH=${WEIR_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-tests}/venv/bin:$PATH
# shellcheck disable=SC2086 # several options
exec python3 -B "$(dirname "$0")/../flow/real_seed.py" --weir "$2" --server "$server" \
    ${WEIR_SEED_OPTIONS:---files 4000 --large-mib 400 --kills 12}
