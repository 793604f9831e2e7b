#!/bin/bash
# quickstart.sh -- builds weir and watches it seed a lake of real files into a directory store.
#
# On a fresh Debian 12, as root or with sudo; again at any time.  The lake is a copy of /usr/share/doc
# plus one large file; lake, store and state lie in build/quickstart, which each run makes anew.
# The proof at the end uses sha256sum, cmp and find: nothing of weir's.
set -euo pipefail
cd "$(dirname "$0")/.."

LARGE_MIB=256
work=$PWD/build/quickstart
weir=$PWD/build/release/weir
lake=$work/lake store=$work/store state=$work/state manifest=$work/manifest.yaml

heading()
{
    printf '\n===== %s\n' "$*"
}

fail()
{
    printf 'quickstart: FAILED: %s\n' "$*" >&2
    exit 1
}

make_lake()
{
    rm -rf "$work"
    mkdir -p "$lake/empty directory" "$store"
    cp -a /usr/share/doc "$lake/doc"
    mkdir "$lake/odd names"
    echo odd >"$lake/odd names/"$'new\nline and \xff byte'
    ln "$lake/odd names/"* "$lake/odd names/hard link"
    ln -s ../doc "$lake/odd names/link"
    head -c "${LARGE_MIB}M" /dev/urandom >"$lake/large.bin"
    cat >"$manifest" <<Y
weir: 1
name: quickstart
source:
  root: "$lake"
destination:
  url: "file://$store"
Y
    printf '%s files, %s links, %s\n' "$(find "$lake" -type f -printf . | wc -c)" \
        "$(find "$lake" -type l -printf . | wc -c)" "$(du -sh --apparent-size "$lake" | cut -f1)"
    cat "$manifest"
}

# The name of an entry in the store: bytes that are no UTF-8, and control bytes, are escaped there.
store_name()
{
    printf '%s' "$1" | python3 -c '
import sys
out = ""
for c in sys.stdin.buffer.read().decode("utf-8", "surrogateescape"):
    plain = c >= " " and not "\x7f" <= c <= "\x9f" and c != "\u241b" and not "\udc80" <= c <= "\udcff"
    out += c if plain else "".join(f"\u241b{b:02X}" for b in c.encode("utf-8", "surrogateescape"))
print(out, end="")'
}

# Every file of the lake lies in the store with the same SHA-256; every link as a file that holds
# its target; nothing else lies there.
prove()
{
    local files links stored path name count=0
    (cd "$lake" && find . -type f -print0 | LC_ALL=C grep -zP '^[ -~]+$' | sort -z | xargs -0 sha256sum) >"$work/lake.sha256"
    (cd "$store" && sha256sum --check --quiet "$work/lake.sha256") || fail "the store's SHA-256 differ"
    while IFS= read -r -d '' path; do
        name=$(store_name "$path")
        cmp -s "$lake/$path" "$store/$name" || fail "differs: $name"
        count=$((count + 1))
    done < <(cd "$lake" && find . -type f -print0 | LC_ALL=C grep -zvP '^[ -~]+$')
    while IFS= read -r -d '' path; do
        cmp -s <(readlink -n "$lake/$path") "$store/$path" || fail "link differs: $path"
    done < <(cd "$lake" && find . -type l -print0)
    [ -d "$store/empty directory" ] || fail "the empty directory is missing"
    files=$(find "$lake" -type f -printf . | wc -c)
    links=$(find "$lake" -type l -printf . | wc -c)
    stored=$(find "$store" -path "$store/.weir" -prune -o -type f -printf . | wc -c)
    [ "$stored" -eq $((files + links)) ] || fail "$stored objects for $files files and $links links"
    printf 'proved: %d files by SHA-256, %d with odd names byte by byte, %d links; nothing else is there\n' \
        $((files - count)) $count "$links"
}

# ledger NAME: a field of the second seed's summary.
ledger()
{
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    record = json.loads(line)
    if "summary" in record:
        print(record["summary"][sys.argv[2]])' "$work/second.json" "$1"
}

heading "packages"
scripts/setup.sh --build

heading "build: build/release/weir"
mkdir -p build
cmake --preset release >build/quickstart.log 2>&1 && cmake --build --preset release --target weir >>build/quickstart.log 2>&1 ||
    { tail -n 40 build/quickstart.log >&2; fail "the build"; }
"$weir" --version

heading "a lake of real files"
make_lake

heading "weir check"
"$weir" check "$manifest" --state "$state"

heading "weir seed"
"$weir" seed "$manifest" --state "$state"

heading "proof by other tools"
prove

heading "weir seed, again: nothing is sent"
"$weir" seed "$manifest" --state "$state" --json --progress none >"$work/second.json"
sent=$(ledger sent_objects)
[ "$sent" -eq 0 ] || fail "the second seed sent $sent objects"
printf 'sent %s objects; %s of %s entries unchanged, in %.2f s\n' "$sent" "$(ledger unchanged)" "$(ledger seen)" "$(ledger seconds)"

printf '\nquickstart: done. Lake, store and state: %s\n' "$work"
