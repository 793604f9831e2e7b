#!/bin/bash
# check_sizes.sh -- names the largest files and functions; fails over 500 lines a file.
#
# A file aims at 300 lines, a function at 50: the list is a prompt to look.
set -euo pipefail
cd "$(dirname "$0")/.."

LIMIT=500
files=$(git ls-files -co --exclude-standard -- '*.c' '*.h' '*.py' '*.sh' '*.cmake' 'CMakeLists.txt' '**/CMakeLists.txt' |
    while read -r file; do [ ! -f "$file" ] || echo "$file"; done)

echo "largest files:"
echo "$files" | tr '\n' '\0' | xargs -0 wc -l | grep -v ' total$' | sort -rn | sed -n 1,5p
echo "largest functions:"
echo "$files" | grep '\.c$' | tr '\n' '\0' | xargs -0 awk '
FNR == 1 { start = 0 }
/^[a-zA-Z_][a-zA-Z0-9_ *]*\(/ && !/;[[:space:]]*$/ { start = FNR; name = $0; sub(/\(.*/, "", name) }
/^}/ && start { printf "%6d %s (%s:%d)\n", FNR - start + 1, name, FILENAME, start; start = 0 }
' | sort -rn | sed -n 1,5p

over=$(echo "$files" | tr '\n' '\0' | xargs -0 wc -l | awk -v limit=$LIMIT '$2 != "total" && $1 > limit')
if [ -n "$over" ]; then
    printf 'sizes: over %d lines:\n%s\n' $LIMIT "$over"
    exit 1
fi
