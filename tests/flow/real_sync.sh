#!/bin/bash
# real_sync.sh NAME WEIR -- real_sync.py on the server NAME of $WEIR_SERVERS, at a size for every day.
#
# More of it: WEIR_SYNC_OPTIONS='--histories 500 --kills 0.5' scripts/check.sh release servers
set -euo pipefail

server=${WEIR_SERVERS:-/nonexistent}/$1
if [ ! -f "$server/env" ]; then
    echo "left out: $1 does not run (scripts/servers.sh start all)"
    exit 77
fi
# boto3 and aws are in the environment that scripts/setup.sh made, not on the machine.
PATH=${WEIR_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-tests}/venv/bin:$PATH
# shellcheck disable=SC2086 # several options
exec python3 -B "$(dirname "$0")/real_sync.py" --weir "$2" --server "$server" ${WEIR_SYNC_OPTIONS:---histories 24}
