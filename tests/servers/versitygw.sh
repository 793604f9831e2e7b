#!/bin/bash
# versitygw.sh start|stop DIR -- Versity's S3 gateway over a directory.
NAME=versitygw
ACCESS_LOG_NAME=log/access.log
. "$(dirname "$0")/lib.sh"

server_start()
{
    local port program=$cache/bin/versitygw
    [ -x "$program" ] || die "not installed: $program (scripts/setup.sh --test installs it)"
    port=$(free_ports 1)
    ENDPOINT=http://127.0.0.1:$port
    VERSION=$(cat "$cache/bin/versitygw.version")
    # Metadata beside the data: as xattrs of ext4 the list of a few hundred parts does not fit, and
    # Complete fails with 500.
    mkdir -p "$DIR/data" "$DIR/meta"
    ROOT_ACCESS_KEY=$ACCESS_KEY ROOT_SECRET_KEY=$SECRET_KEY setsid "$program" \
        --port "127.0.0.1:$port" --region "$REGION" --quiet --keep-alive \
        --access-log "$DIR/$ACCESS_LOG_NAME" posix --sidecar "$DIR/meta" "$DIR/data" >"$DIR/log/server.log" 2>&1 &
    echo $! >"$DIR/run/server.pid"
    wait_for 30 "gateway" answers "$ENDPOINT/"
    wait_for 20 "bucket" bucket_made
    write_env
}

server_stop()
{
    stop_pidfile "$DIR/run/server.pid"
}

server_main "$@"
