#!/bin/bash
# servers.sh start|stop|list NAME|all [DIR] -- the real S3 servers that the tests run against.
#
# Each server lives in DIR/NAME (DIR is build/servers unless named) and DIR/NAME/env holds its
# endpoint, bucket and credentials as KEY=VALUE lines.  `start all` succeeds when at least two
# servers run and at least one of them checks CRC64NVME; it names those that do not run.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
known="rgw versitygw seaweedfs"

usage()
{
    echo "usage: $0 start|stop|list NAME|all [DIR]   NAME: $known" >&2
    exit 2
}

running()
{
    local pid file
    [ -f "$dir/$1/env" ] || return 1
    for file in "$dir/$1"/run/*.pid; do
        pid=$(cat "$file" 2>/dev/null) && kill -0 "$pid" 2>/dev/null || return 1
    done
}

list()
{
    local name
    for name in $names; do
        if running "$name"; then
            (. "$dir/$name/env"
                printf '%-10s %-8s %s  CRC64NVME checked: %s\n' "$name" "$VERSION" "$ENDPOINT" "$CHECKS_CRC64NVME")
        else
            printf '%-10s does not run\n' "$name"
        fi
    done
}

start_all()
{
    local name count=0 crc=no
    mkdir -p "$dir"
    for name in $names; do
        running "$name" || {
            "$root/tests/servers/$name.sh" stop "$dir/$name"
            "$root/tests/servers/$name.sh" start "$dir/$name" >/dev/null &
        }
    done
    wait
    list
    for name in $names; do
        running "$name" || continue
        count=$((count + 1))
        if grep -q '^CHECKS_CRC64NVME=yes' "$dir/$name/env"; then
            crc=yes
        fi
    done
    if [ "$count" -lt 2 ] || [ "$crc" = no ]; then
        echo "servers: too few: at least two must run, one of which checks CRC64NVME" >&2
        return 1
    fi
}

[ $# -eq 2 ] || [ $# -eq 3 ] || usage
names=$2
if [ "$names" = all ]; then
    names=$known
fi
case " $known " in
*" $names "*) ;;
*) usage ;;
esac
dir=${3:-$root/build/servers}

case $1 in
start)
    if [ "$2" = all ]; then
        start_all
    else
        mkdir -p "$dir"
        exec "$root/tests/servers/$2.sh" start "$dir/$2"
    fi
    ;;
stop)
    for name in $names; do
        "$root/tests/servers/$name.sh" stop "$dir/$name" &
    done
    wait
    ;;
list) list ;;
*) usage ;;
esac
