#!/bin/bash
# rgw.sh start|stop DIR -- Ceph's RADOS gateway: one monitor, one OSD on a sparse file, no systemd.
NAME=rgw
ACCESS_LOG_NAME=log/ceph-client.rgw.a.log
. "$(dirname "$0")/lib.sh"

# The store is a sparse file: it takes disk only for what is written.
STORE_BYTES=$((40 << 30))

write_config()
{
    local fsid=$1 mon2=$2 mon1=$3 http=$4 https=$5
    cat >"$DIR/ceph.conf" <<C
[global]
fsid = $fsid
mon host = [v2:127.0.0.1:$mon2,v1:127.0.0.1:$mon1]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = $DIR/keyring
run dir = $DIR/run
admin socket =
pid file = $DIR/run/\$name.pid
log file = $DIR/log/\$cluster-\$name.log
crash dir = $DIR/run
mon data = $DIR/mon
mon data avail crit = 1
mon data avail warn = 1
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd data = $DIR/osd
osd objectstore = bluestore
osd memory target = 939524096
bluestore block size = $STORE_BYTES
bluestore fsck on mkfs = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd class load list = *
osd class default list = *
[client.rgw.a]
rgw frontends = beast tcp_nodelay=1 endpoint=127.0.0.1:$http ssl_endpoint=127.0.0.1:$https ssl_certificate=$DIR/cert.pem ssl_private_key=$DIR/key.pem
rgw dns name = s3.localhost
rgw gc obj min wait = 5
rgw gc processor period = 10
rgw gc processor max time = 10
C
}

# One certificate, its own authority, also for virtual-style names (BUCKET.s3.localhost).
make_certificate()
{
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
        -addext 'subjectAltName=DNS:localhost,DNS:s3.localhost,DNS:*.s3.localhost,IP:127.0.0.1' \
        -keyout "$DIR/key.pem" -out "$DIR/cert.pem"
}

make_keys()
{
    local keys=$DIR/keyring
    ceph-authtool --create-keyring "$keys" --gen-key -n mon. --cap mon 'allow *'
    ceph-authtool "$keys" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
    ceph-authtool "$keys" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow profile osd'
    ceph-authtool "$keys" --gen-key -n client.rgw.a --cap mon 'allow rw' --cap osd 'allow rwx'
}

server_start()
{
    local fsid osd ports c=(-c "$DIR/ceph.conf")
    need ceph-mon
    need ceph-osd
    need radosgw
    fsid=$(cat /proc/sys/kernel/random/uuid)
    osd=$(cat /proc/sys/kernel/random/uuid)
    read -r -a ports <<<"$(free_ports 4)"
    ENDPOINT=http://127.0.0.1:${ports[2]}
    ENDPOINT_TLS=https://localhost:${ports[3]}
    VERSION=$(radosgw --version | sed 's/ceph version \([^ ]*\).*/\1/')
    mkdir -p "$DIR/mon" "$DIR/osd"
    make_certificate
    write_config "$fsid" "${ports[@]}"
    make_keys
    monmaptool --create --fsid "$fsid" --addv a \
        "[v2:127.0.0.1:${ports[0]},v1:127.0.0.1:${ports[1]}]" "$DIR/monmap"
    ceph-mon "${c[@]}" -i a --mkfs --monmap "$DIR/monmap" --keyring "$DIR/keyring"
    ceph-mon "${c[@]}" -i a
    timeout 60 ceph "${c[@]}" osd new "$osd" 0
    ceph-osd "${c[@]}" -i 0 --mkfs --osd-uuid "$osd"
    ceph-osd "${c[@]}" -i 0
    timeout 60 ceph "${c[@]}" osd crush add osd.0 1.0 host=localhost root=default
    timeout 60 radosgw-admin "${c[@]}" -n client.rgw.a user create --uid=weir --display-name=weir \
        --access-key="$ACCESS_KEY" --secret-key="$SECRET_KEY"
    radosgw "${c[@]}" -n client.rgw.a
    wait_for 60 "gateway" answers "$ENDPOINT/"
    wait_for 20 "bucket" bucket_made
    write_env ENDPOINT_TLS "$ENDPOINT_TLS" CA_FILE "$DIR/cert.pem"
}

# In this order: an OSD whose monitor is gone does not end by itself.
server_stop()
{
    stop_pidfile "$DIR/run/client.rgw.a.pid"
    stop_pidfile "$DIR/run/osd.0.pid"
    stop_pidfile "$DIR/run/mon.a.pid"
}

server_main "$@"
