#!/bin/sh
# probe_on_fake.sh TEST_CONTRACT FAKE -- what the probe makes of stores that lie or lack something.
set -eu
contract=$1 fake=$2
here=$(dirname "$0")
dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-probe.XXXXXX")
trap 'rm -rf "$dir"' EXIT
rc=0

# try CAPABILITIES OPTIONS SCRIPT: the fake played like this is seen as that.
try() {
    printf '%s\n' "$3" >"$dir/script"
    # shellcheck disable=SC2086
    if ! WEIR_TEST_ONLY=probing "$here/run_on_fake.sh" "$contract" "$fake" --script "$dir/script" $2 \
        >"$dir/out" 2>&1; then
        echo "$2 $3: failed"
        cat "$dir/out"
        rc=1
    elif ! grep -q "capabilities $1\$" "$dir/out"; then
        echo "$2 $3: expected $1, got $(grep -o 'capabilities .*' "$dir/out")"
        rc=1
    fi
}

# COPY is 0x100, COPY_PART 0x200, COPY_IF_NONE_MATCH 0x400
try 0x7ff "" ""
try 0x7ff "--versions" ""
try 0x3ff "--lenient copy-conditional" ""
try 0x2ff "--lenient copy-metadata" ""
try 0x5ff "--lenient copy-range" ""
try 0x7ff "--lenient copy-source-match,copy-checksum" ""
try 0x2ff "" "op=CopyObject do=error:NotImplemented"
try 0x2ff "" "op=CopyObject do=error:AccessDenied"
try 0x2ff "" "op=CopyObject every=2 nth=2 do=status:400:InvalidRequest"
try 0x5ff "" "op=UploadPartCopy do=error:NotImplemented"
try 0x5ff "" "op=UploadPartCopy do=wrong-checksum"
try 0x5ff "" "op=PutObject key=*-big do=error:AccessDenied"
exit $rc
