# lib.sh -- what the server scripts share; sourced by them, never run.
#
# A server script sets NAME and ACCESS_LOG_NAME, defines server_start and server_stop, and ends with
# `server_main "$@"`.  All its data lives under the directory that the caller names.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${WEIR_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-tests}
BUCKET=weir-test
REGION=us-east-1
ACCESS_KEY=weirtestkey
SECRET_KEY=weirtestsecret0123456789

say()
{
    printf '%s: %s\n' "$NAME" "$*" >&2
}

die()
{
    say "$*"
    exit 1
}

need()
{
    command -v "$1" >/dev/null || die "not installed: $1 (scripts/setup.sh --test installs it)"
}

# free_ports N: N different free ports of 127.0.0.1, below the range that the kernel hands out to
# clients, so that nobody's outgoing connection takes one before the server binds it.
free_ports()
{
    /usr/bin/python3 - "$1" <<'PY'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randint(10000, 32000)))
        held.append(s)
    except OSError:
        s.close()
print(" ".join(str(s.getsockname()[1]) for s in held))
PY
}

# wait_for SECONDS WHAT COMMAND...: polls COMMAND until it succeeds.
wait_for()
{
    local tries=$(($1 * 5)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { say "$what: gave up waiting"; return 1; }
        sleep 0.2
    done
}

# answers URL: any HTTP reply will do, a refusal as well.
answers()
{
    curl -s -o /dev/null --max-time 2 "$1"
}

# stop_pidfile FILE: ends the process whose id is in FILE, if it is ours (its command line names
# our directory): TERM, three seconds, KILL; its data go anyway.
stop_pidfile()
{
    local pid tries=30
    [ -s "$1" ] || return 0
    pid=$(tr -dc 0-9 <"$1")
    if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$DIR"; then
        kill "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do
            tries=$((tries - 1))
            [ "$tries" -gt 0 ] || kill -9 "$pid" 2>/dev/null || true
            sleep 0.1
        done
    fi
    rm -f "$1"
}

# s3_put KEY BODY HEADER...: signed PUT of a small body; prints the HTTP status.  KEY "" makes the
# bucket.  Plain curl, so that a server can be used where the Python clients are not installed.
s3_put()
{
    local key=$1 body=$2 header args=()
    shift 2
    for header in "x-amz-content-sha256: $(printf %s "$body" | sha256sum | cut -d' ' -f1)" "$@"; do
        args+=(-H "$header")
    done
    curl -s -o "$DIR/put.reply" -w '%{http_code}' --max-time 20 --aws-sigv4 "aws:amz:$REGION:s3" \
        -u "$ACCESS_KEY:$SECRET_KEY" "${args[@]}" -H 'Content-Type: application/octet-stream' \
        -X PUT --data-binary "$body" "$ENDPOINT/$BUCKET${key:+/$key}"
}

bucket_made()
{
    case $(s3_put "" "") in
    200 | 409) return 0 ;;
    *) return 1 ;;
    esac
}

# A PUT with a wrong CRC64NVME tells whether the server's word about digests counts.
crc64nvme_checked()
{
    local algorithm='x-amz-sdk-checksum-algorithm: CRC64NVME'
    [ "$(s3_put .probe x "$algorithm" 'x-amz-checksum-crc64nvme: AAAAAAAAAAA=')" = 400 ]
}

# write_env [NAME VALUE]...: the file `env`, with what this server has beyond the others.
write_env()
{
    local crc=no
    if crc64nvme_checked; then
        crc=yes
    fi
    printf '%s=%q\n' NAME "$NAME" VERSION "$VERSION" ENDPOINT "$ENDPOINT" BUCKET "$BUCKET" \
        REGION "$REGION" AWS_ACCESS_KEY_ID "$ACCESS_KEY" AWS_SECRET_ACCESS_KEY "$SECRET_KEY" \
        CHECKS_CRC64NVME "$crc" ACCESS_LOG "$DIR/$ACCESS_LOG_NAME" "$@" >"$DIR/env.new"
    mv "$DIR/env.new" "$DIR/env"
}

server_main()
{
    [ $# -eq 2 ] || die "usage: $0 start|stop DIR"
    case $1 in
    start)
        if [ -e "$2" ] && [ -n "$(ls -A "$2")" ]; then
            die "$2 is not empty"
        fi
        mkdir -p "$2"
        DIR=$(cd "$2" && pwd)
        mkdir -p "$DIR/log" "$DIR/run"
        # In a process of its own, since `set -e` does not hold in a function that is tested; and
        # away from the caller's pipe, which a daemon would keep open.
        server_start >"$DIR/log/start.log" 2>&1 &
        trap 'kill $!; server_stop; exit 1' INT TERM
        if ! wait $!; then
            tail -n 5 "$DIR/log/start.log" >&2
            server_stop
            die "did not start; its logs are in $DIR/log"
        fi
        cat "$DIR/env"
        ;;
    stop)
        [ -d "$2" ] || exit 0
        DIR=$(cd "$2" && pwd)
        server_stop
        rm -rf "$DIR"
        ;;
    *) die "usage: $0 start|stop DIR" ;;
    esac
}
