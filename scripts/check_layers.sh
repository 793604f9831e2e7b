#!/bin/bash
# check_layers.sh -- includes point downwards only (engine/DESIGN.md has the ranks).
#
# engine/M/*: "M/..." or a module of lower rank; never transports.  transports/*: <weir/...> and files of
# the same folder; the registry alone sees all of them.  include/weir/*: <weir/...> and the system.
set -euo pipefail
cd "$(dirname "$0")/.."

find engine transports include -name '*.[ch]' -print0 | sort -z |
    xargs -0 grep -HnE '^[[:space:]]*#[[:space:]]*include' | awk -F: '
BEGIN {
    split("base 0 thread 1 digest 1 manifest 1 catalog 1 lake 2 observe 2 plan 3 transfer 4 audit 4 " \
          "restore 4 job 5 cli 6", pair, " ")
    for (i = 1; i in pair; i += 2)
        rank[pair[i]] = pair[i + 1]
}
function bad(why) {
    printf "%s:%s: %s: %s\n", $1, $2, included, why
    errors++
}
{
    included = $3
    sub(/^[^"<]*/, "", included)
    sub(/[^">]*$/, "", included)
    target = substr(included, 2, length(included) - 2)
    split($1, from, "/")
    deep = split(target, to, "/")
    quoted = included ~ /^"/
    if (!quoted) {
        if (to[1] in rank || to[1] == "transports")
            bad("a file of ours is included with quotes")
    } else if (from[1] == "include") {
        bad("a public header includes <weir/...> and the system only")
    } else if (from[1] == "engine") {
        if (!(from[2] in rank))
            bad("module " from[2] " has no rank in scripts/check_layers.sh")
        else if (deep < 2 || !(to[1] in rank))
            bad("engine includes are \"module/file.h\"")
        else if (to[1] != from[2] && rank[to[1]] >= rank[from[2]])
            bad(sprintf("rank %d may not include rank %d", rank[from[2]], rank[to[1]]))
    } else if (from[1] == "transports" && from[3] != "") {
        if (deep < 2 || to[1] != from[2])
            bad("a transport includes its own folder and <weir/...> only")
    }
}
END {
    if (errors > 0) {
        print "layers: " errors " wrong includes"
        exit 1
    }
    print "layers: " NR " includes point downwards"
}'
