#!/bin/sh
# Builds weir in release mode and measures it: scripts/bench.sh [--quick] [--only large,small]
# Needs about 7 GiB of free memory (2 GiB with --quick); nothing else should run meanwhile.
set -eu
cd "$(dirname "$0")/.."
cmake -G Ninja -S . -B build/release -DCMAKE_BUILD_TYPE=Release >/dev/null
targets="bench_sink bench_floor bench_make_tree"
[ -e engine/cli/main.c ] && targets="$targets weir"
# shellcheck disable=SC2086 # a list of words
ninja -C build/release $targets >&2
exec python3 tests/bench/run.py --build build/release --out build/bench.json "$@"
