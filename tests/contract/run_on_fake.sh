#!/bin/sh
# run_on_fake.sh TEST_CONTRACT FAKE [fake options...] -- the contract suite over S3, against a fake
# of its own.  WEIR_TEST_ONLY names one behaviour.
set -eu
contract=$1 fake=$2
shift 2
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-contract.XXXXXX")
pid=
stop() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 1' INT TERM

"$fake" --no-stdin --port-file "$dir/port" --log "$dir/log" --bucket contract "$@" >/dev/null &
pid=$!
tries=0
while [ ! -s "$dir/port" ]; do
    kill -0 "$pid" 2>/dev/null || { echo "the fake did not start" >&2; exit 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the fake printed no port" >&2; exit 1; }
    sleep 0.1
done

unset AWS_PROFILE AWS_SESSION_TOKEN
: >"$dir/aws"
export AWS_ACCESS_KEY_ID=AKIAFAKE AWS_SECRET_ACCESS_KEY=fakesecret
export AWS_CONFIG_FILE="$dir/aws" AWS_SHARED_CREDENTIALS_FILE="$dir/aws"
case " $* " in
*" --lenient "*) ;;
*) export WEIR_TEST_STRICT=1 ;;
esac
export WEIR_TEST_S3_ENDPOINT="http://127.0.0.1:$(cat "$dir/port")" WEIR_TEST_S3_BUCKET=contract
if ! "$contract" s3 ${WEIR_TEST_ONLY:+"$WEIR_TEST_ONLY"}; then
    echo "the last requests the fake has seen:" >&2
    tail -n 20 "$dir/log" >&2
    exit 1
fi
