#!/usr/bin/env bash
# The demo behind `./dev run`: Gatehouse in a network namespace of its own, two demo servers in another one behind a
# veth pair, and a bridge that makes the site reachable from the host. The host's network and firewall are not touched.
# Nothing is left behind, however it ends: by Ctrl-C, SIGTERM, or the death of a part.
#
#     demo.sh [--port 8080] [--name gatehouse-demo]      PORT in the environment does the same as --port
set -euo pipefail

port=${PORT:-8080}
name=gatehouse-demo
build=build

die() { printf './dev run: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --port) port=${2:?--port needs a number}; shift 2 ;;
        --name) name=${2:?--name needs a name}; shift 2 ;;
        --build) build=${2:?--build needs a folder}; shift 2 ;;
        *) die "unknown option $1; it takes --port N" ;;
    esac
done
folder=/run/$name
parts=()   # process ids
declare -A part_name

# start NAME COMMAND...: a part that dies with us, however we die. Output goes to a log that is shown when it fails.
start() {
    local part=$1; shift
    setpriv --pdeathsig TERM "$@" >"$folder/$part.log" 2>&1 &
    parts+=($!)
    part_name[$!]=$part
}

# Ends what is left of namespace $1, its processes first.
remove_namespace() {
    [ -e "/run/netns/$1" ] || return 0
    ip netns pids "$1" | xargs -r kill -KILL 2>/dev/null || true
    ip netns delete "$1"
}

cleanup() {
    trap '' INT TERM HUP
    set +e
    [ ${#parts[@]} = 0 ] || kill -TERM "${parts[@]}" 2>/dev/null
    for _ in {1..100}; do # 10 s: longer than Gatehouse takes to let its sessions end
        [ -n "$(jobs -rp)" ] || break
        sleep 0.1
    done
    jobs -rp | xargs -r kill -KILL 2>/dev/null
    remove_namespace "$name"
    remove_namespace "$name-app"
    rm -rf "$folder"
}

refuse_when_taken() {
    if [ -e "/run/netns/$name" ]; then
        [ -z "$(ip netns pids "$name")" ] || die "a demo is running already (network namespace $name); end that one first"
        remove_namespace "$name"
        remove_namespace "$name-app"
    fi
    "$build/port_bridge" --free "127.0.0.1:$port" 2>/dev/null ||
        die "port $port on 127.0.0.1 is taken; choose another: ./dev run --port 8081"
}

make_network() {
    ip netns add "$name"
    ip netns add "$name-app"
    ip -n "$name" link set lo up
    ip -n "$name-app" link set lo up
    ip -n "$name" link add servers type veth peer name gate netns "$name-app"
    ip -n "$name" address add 10.80.0.1/24 dev servers
    ip -n "$name-app" address add 10.80.0.11/24 dev gate
    ip -n "$name-app" address add 10.80.0.12/24 dev gate
    ip -n "$name" link set servers up
    ip -n "$name-app" link set gate up
}

start_parts() {
    local number
    for number in 1 2; do
        start "web$number" ip netns exec "$name-app" "$build/demo_server" --name "web$number" \
            --listen "10.80.0.1$number:80" --tcp-echo "10.80.0.1$number:5222"
    done
    start gatehouse ip netns exec "$name" "$build/gatehouse" run -c "$folder/gatehouse.toml"
    start bridge "$build/port_bridge" --namespace "$name" --listen "127.0.0.1:$port" --to 127.0.0.1:8080
}

# Fails as soon as a part has ended.
check_parts() {
    local pid
    for pid in "${parts[@]}"; do
        kill -0 "$pid" 2>/dev/null && continue
        printf './dev run: %s has ended; its last words:\n' "${part_name[$pid]}" >&2
        tail -n 20 "$folder/${part_name[$pid]}.log" >&2
        exit 1
    done
}

wait_until_served() {
    for _ in {1..100}; do
        check_parts
        curl -sf -o /dev/null "http://127.0.0.1:$port/" && return
        sleep 0.1
    done
    tail -n 20 "$folder/gatehouse.log" >&2
    die "no answer from http://127.0.0.1:$port/ within 10 s; the daemon's last words are above"
}

try() { printf '  %-52s%s\n' "$1" "${2:+# $2}"; }

print_tour() {
    local site=http://127.0.0.1:$port/
    printf '\nGatehouse is serving %s in front of web1 and web2.\n' "$site"
    printf 'In another terminal, as root, from this folder:\n\n'
    try "export GATEHOUSE_SOCKET=$folder/control.sock"
    try "curl $site" 'web1, web2, web1 ...'
    try 'build/gatehouse status'
    try "build/gatehouse fence web1 --why 'new kernel'" 'only web2 answers now'
    try 'build/gatehouse rules' 'the fence in the kernel'
    try "ip netns exec $name nft list ruleset" 'the same, seen by nft'
    try "build/gatehouse fence web2 --why 'new kernel'" 'the last one, so it asks: y'
    try "curl -i $site" 'the maintenance page'
    try 'build/gatehouse unfence web1 web2' 'open after the next check'
    printf '\nThe log: tail -f %s\nCtrl-C here ends everything.\n' "$folder/gatehouse.log"
}

[ "$(id -u)" = 0 ] || die "the demo makes network namespaces and needs root"
id -u gatehouse >/dev/null 2>&1 || die "there is no user gatehouse; ./dev run makes it"
refuse_when_taken
trap cleanup EXIT
trap 'exit 0' INT TERM HUP
make_network
rm -rf "$folder"
install -d -m 0755 "$folder"
install -d -m 0750 -o gatehouse -g gatehouse "$folder/state"
sed "s|/run/gatehouse-demo|$folder|g" appliance/demo/gatehouse.toml >"$folder/gatehouse.toml"
cp appliance/demo/maintenance.html "$folder/"
start_parts
wait_until_served
print_tour
wait -n || true
check_parts
