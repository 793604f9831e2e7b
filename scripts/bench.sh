#!/bin/sh
# Builds weir in release mode and measures it: scripts/bench.sh [--quick] [--only large,small]
# Needs about 9 GiB of free memory (2 GiB with --quick, 18 GiB with --ten-million); nothing else
# should run meanwhile.
set -eu
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
cmake --build --preset release --target bench_sink bench_floor bench_digest bench_make_tree weir >&2
exec python3 tests/bench/run.py --build build/release --out build/bench.json "$@"
