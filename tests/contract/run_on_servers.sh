#!/bin/sh
# run_on_servers.sh TEST_CONTRACT -- the contract suite on every server in $WEIR_SERVERS/*/env, but
# for the known differences (known.txt).
set -eu
contract=$1
here=$(dirname "$0")
if [ -z "${WEIR_SERVERS:-}" ]; then
    echo "left out: WEIR_SERVERS names no folder with servers (scripts/servers.sh start all DIR)"
    exit 77
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-contract.XXXXXX")
trap 'rm -rf "$dir"' EXIT
: >"$dir/aws"

run_one() (
    set -a
    . "$1"
    set +a
    echo "== $NAME $VERSION"
    known=$(awk -v name="$NAME" '$1 == name { printf "%s ", $2 }' "$here/known.txt")
    unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CA_BUNDLE
    export AWS_CONFIG_FILE="$dir/aws" AWS_SHARED_CREDENTIALS_FILE="$dir/aws"
    export WEIR_TEST_S3_ENDPOINT="$ENDPOINT" WEIR_TEST_S3_BUCKET="$BUCKET"
    export WEIR_TEST_S3_REGION="$REGION" WEIR_TEST_LEAVE_OUT="${known% }"
    exec "$contract" s3
)

rc=0 count=0
for env in "$WEIR_SERVERS"/*/env; do
    [ -f "$env" ] || continue
    count=$((count + 1))
    run_one "$env" || rc=1
done
[ "$count" -gt 0 ] || { echo "no server in $WEIR_SERVERS" >&2; exit 1; }
exit $rc
