#!/bin/bash
# check.sh [STEP...] -- everything that CI runs, or only the named steps.
#
# A step that fails does not stop those that do not need it; the table at the end names it.  Builds are
# kept in build/<preset>, so a second run compiles only what changed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

STEPS="format layers sizes filemap scripts coverage report fuzz tsan release servers"
COVERAGE_MIN=80

# Debian's tools before those of anything else that is installed.
export PATH=/usr/bin:/bin:$PATH
logs=$PWD/build/check
servers_dir=$PWD/build/servers
passed=0 failed=0 table=""

# build PRESET: configures and builds; prints the compiler's words only when they matter.
build()
{
    if cmake --preset "$1" >"$logs/build-$1.log" 2>&1 && cmake --build --preset "$1" >>"$logs/build-$1.log" 2>&1; then
        echo "built build/$1"
        return 0
    fi
    tail -n 80 "$logs/build-$1.log"
    return 1
}

# tests PRESET: runs ctest and counts what it says at its end.
tests()
{
    local rc=0 last wrong all
    ctest --preset "$1" 2>&1 | tee "$logs/test-$1.log" || rc=1
    last=$(grep -E 'tests passed, [0-9]+ tests failed out of [0-9]+' "$logs/test-$1.log" | tail -n 1)
    if [ -n "$last" ]; then
        wrong=$(sed -E 's/.* ([0-9]+) tests failed.*/\1/' <<<"$last")
        all=$(sed -E 's/.*out of ([0-9]+).*/\1/' <<<"$last")
        passed=$((passed + all - wrong))
        failed=$((failed + wrong))
    fi
    return $rc
}

build_and_test()
{
    build "$1" && tests "$1"
}

step_format() { scripts/format.sh; }
step_layers() { scripts/check_layers.sh; }
step_sizes() { scripts/check_sizes.sh; }
step_filemap() { scripts/check_filemap.sh; }

step_scripts()
{
    local script rc=0
    while read -r script; do
        bash -n "$script" || rc=1
    done < <(git ls-files -- '*.sh' scripts/hooks .ci/run)
    git ls-files -z -- '*.py' | xargs -0 -r python3 -c '
import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)' || rc=1
    return $rc
}

# gcc, debug; the same run counts lines.
step_coverage()
{
    find build/coverage -name '*.gcda' -delete 2>/dev/null
    build_and_test coverage
}

# A line for each folder; build/check/coverage.txt names the lines that no test reached.
step_report()
{
    timeout 300 gcovr --root . --filter engine/ --filter transports/ --gcov-ignore-parse-errors --json-summary "$logs/coverage.json" \
        --txt "$logs/coverage.txt" build/coverage >"$logs/gcovr.log" 2>&1 ||
        { tail -n 20 "$logs/gcovr.log"; return 1; }
    python3 - "$logs/coverage.json" "$COVERAGE_MIN" <<'PY'
import collections, json, sys
report = json.load(open(sys.argv[1]))
folders = collections.defaultdict(lambda: [0, 0])
for file in report["files"]:
    name = file["filename"].rsplit("/", 1)[0]
    folders[name][0] += file["line_covered"]
    folders[name][1] += file["line_total"]
folders["lines of engine/ and transports/"] = [report["line_covered"], report["line_total"]]
for name, (covered, total) in folders.items():
    print(f"{100 * covered / max(total, 1):6.1f} %  {covered:6d} of {total:6d}  {name}")
if 100 * report["line_covered"] < int(sys.argv[2]) * report["line_total"]:
    sys.exit(f"coverage: under {sys.argv[2]} %")
PY
}

# clang with ASan and UBSan; the fuzz targets replay their corpus and search for a moment.
step_fuzz() { build_and_test fuzz; }
step_tsan() { build_and_test tsan; }
step_release() { build release; }

# The flow tests against real servers, with the binary that users get.
step_servers()
{
    local rc=0
    scripts/servers.sh start all "$servers_dir" || rc=1
    if [ $rc -eq 0 ]; then
        WEIR_SERVERS=$servers_dir tests servers || rc=1
    fi
    scripts/servers.sh stop all "$servers_dir"
    return $rc
}

describe()
{
    case $1 in
    format) echo "format: clang-format" ;;
    layers) echo "layers: includes point downwards" ;;
    sizes) echo "sizes: files and functions" ;;
    filemap) echo "filemap: the trees in the documents" ;;
    scripts) echo "scripts: syntax" ;;
    coverage) echo "coverage: gcc debug build, all tests, lines counted" ;;
    report) echo "report: line coverage of engine/ and transports/" ;;
    fuzz) echo "fuzz: clang build with ASan and UBSan, all tests, fuzz targets" ;;
    tsan) echo "tsan: clang build with TSan, tests with threads" ;;
    release) echo "release: optimised, hardened build" ;;
    servers) echo "servers: the release against real S3 servers" ;;
    esac
}

# A step that runs no ctest counts as one test.
run()
{
    local step=$1 begin=$SECONDS result=passed passed_before=$passed failed_before=$failed
    printf '\n===== %s  [%s]\n' "$(describe "$step")" "$(date +%T)"
    if ! "step_$step"; then
        result=FAILED
        failed_steps="$failed_steps $step"
        [ "$failed" -gt "$failed_before" ] || failed=$((failed + 1))
    elif [ "$passed" -eq "$passed_before" ]; then
        passed=$((passed + 1))
    fi
    table+=$(printf '%-8s %5d s  %s' "$result" $((SECONDS - begin)) "$(describe "$step")")$'\n'
}

steps=${*:-$STEPS}
for step in $steps; do
    case " $STEPS " in
    *" $step "*) ;;
    *)
        echo "usage: $0 [STEP...]   STEP: $STEPS" >&2
        exit 2
        ;;
    esac
done

mkdir -p "$logs"
failed_steps=""
trap 'scripts/servers.sh stop all "$servers_dir"; exit 130' INT TERM
for step in $steps; do
    run "$step"
done

printf '\n===== all steps, %d s\n%s' "$SECONDS" "$table"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ -z "$failed_steps" ]
