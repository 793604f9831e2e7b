#!/bin/bash
# seaweedfs.sh start|stop DIR -- SeaweedFS: master, volume server, filer and S3 gateway in one process.
NAME=seaweedfs
ACCESS_LOG_NAME=log/server.log
. "$(dirname "$0")/lib.sh"

write_config()
{
    cat >"$DIR/s3.json" <<J
{"identities": [{"name": "weir",
  "credentials": [{"accessKey": "$ACCESS_KEY", "secretKey": "$SECRET_KEY"}],
  "actions": ["Admin", "Read", "List", "Tagging", "Write"]}]}
J
}

server_start()
{
    local p program=$cache/venv/bin/weed
    [ -x "$program" ] || die "not installed: $program (scripts/setup.sh --test installs it)"
    read -r -a p <<<"$(free_ports 8)"
    ENDPOINT=http://127.0.0.1:${p[0]}
    VERSION=$("$program" version | sed -n 's/^version [^ ]* \([^ ]*\).*/\1/p')
    mkdir -p "$DIR/data"
    echo "${p[@]}" >"$DIR/run/ports"
    write_config
    cd "$DIR" # where it looks for configuration of its own
    setsid "$program" -logtostderr -vmodule=stats=3,s3api_object_handlers_multipart=2 \
        server -dir="$DIR/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
        -master.telemetry=false -master.port="${p[1]}" -master.port.grpc="${p[2]}" \
        -master.volumeSizeLimitMB=1024 -volume.max=64 -volume.port="${p[3]}" \
        -volume.port.grpc="${p[4]}" -filer -filer.port="${p[5]}" -filer.port.grpc="${p[6]}" \
        -s3 -s3.port="${p[0]}" -s3.port.grpc="${p[7]}" -s3.port.iceberg=0 -s3.port.lance=0 \
        -s3.iam=false -s3.autoCreateBucket=false \
        -s3.config="$DIR/s3.json" >"$DIR/log/server.log" 2>&1 &
    echo $! >"$DIR/run/server.pid"
    wait_for 60 "gateway" answers "$ENDPOINT/"
    wait_for 30 "bucket" bucket_made
    write_env
}

server_stop()
{
    local port
    stop_pidfile "$DIR/run/server.pid"
    # It keeps sockets outside our directory and does not remove them.
    for port in $(cat "$DIR/run/ports" 2>/dev/null); do
        rm -f /tmp/seaweedfs-*-"$port".sock
    done
}

server_main "$@"
