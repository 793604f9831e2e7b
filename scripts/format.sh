#!/bin/bash
# format.sh [--fix] [FILE...] -- C sources look as .clang-format says; --fix makes them so.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(--dry-run -Werror)
if [ "${1-}" = --fix ]; then
    mode=(-i)
    shift
fi
if [ $# -eq 0 ]; then
    mapfile -t files < <(git ls-files -co --exclude-standard -- '*.c' '*.h')
    set -- "${files[@]}"
fi
present=()
for file in "$@"; do
    [ ! -f "$file" ] || present+=("$file")
done
[ ${#present[@]} -gt 0 ] || exit 0
printf '%s\0' "${present[@]}" | xargs -0 -P 2 -n 16 clang-format "${mode[@]}" ||
    { echo "format: run scripts/format.sh --fix"; exit 1; }
echo "format: ${#present[@]} files"
