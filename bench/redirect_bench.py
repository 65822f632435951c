#!/usr/bin/env python3
"""The cost of a TCP pool through HAProxy, through Gatehouse's proxy and through the kernel (plane = "kernel"). Echoes
messages of 64 bytes through three network namespaces (client, gate, servers). The three ways are interleaved.

    GATEHOUSE_BUILD=build/bench python3 bench/redirect_bench.py          as root, about a minute

Needs haproxy. Both ends are bench/ping_pong, which costs little. All programs share this machine's cores, and none is
pinned: compare the lines, not this machine with another one.
"""

import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "system"))
import house  # noqa: E402
from house import TIED, House, run, wait_until  # noqa: E402

ROUNDS, SECONDS = 7, 1
CONNECTIONS = (1, 8, 32, 128)  # with one message in flight on each
GATE = "10.82.0.1"
PORTS = {"HAProxy, mode tcp": 7001, "Gatehouse, plane = proxy": 7002, "Gatehouse, plane = kernel": 7003}

GATEHOUSE = """\
[listen.copied]
address = "0.0.0.0:7002"
mode = "tcp"
pool = "copied"

[listen.redirected]
address = "0.0.0.0:7003"
mode = "tcp"
pool = "redirected"

[server.web1]
host = "10.80.0.11"

[server.web2]
host = "10.80.0.12"

[pool.copied]
port = 80
servers = ["web1", "web2"]
check = {{ type = "tcp" }}

[pool.redirected]
port = 80
plane = "kernel"
servers = ["web1", "web2"]
check = {{ type = "tcp" }}

[control]
socket = "{folder}/control.sock"
state = "{folder}/state"

[proxy]
user = "gatehouse"

[log]
exchanges = false
"""

# Its defaults (a thread per core), with the limits that it requires.
HAPROXY = """\
defaults
    mode tcp
    timeout connect 3s
    timeout client 1h
    timeout server 1h
listen chat
    bind 0.0.0.0:7001
    balance roundrobin
    server web1 10.80.0.11:80 check
    server web2 10.80.0.12:80 check
"""


def make_client(gatehouse):
    """A third namespace in front of the gate, and a gate that forwards."""
    client = gatehouse.name + "-client"
    run("ip", "netns", "add", client)
    run("ip", "link", "add", "clients", "type", "veth", "peer", "name", "gate", "netns", client)
    for namespace, device, number in ((gatehouse.name, "clients", 1), (client, "gate", 2)):
        run("ip", "-n", namespace, "address", "add", f"10.82.0.{number}/24", "dev", device)
        run("ip", "-n", namespace, "link", "set", device, "up")
    run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    return client


def start_haproxy(gatehouse):
    file = gatehouse.folder / "haproxy.cfg"
    file.write_text(HAPROXY)
    process = subprocess.Popen(TIED + ["haproxy", "-db", "-q", "-f", str(file)])
    wait_until(lambda: ":7001" in run("ss", "-Hltn").stdout, 10, "haproxy listens")
    return process


def start_servers(gatehouse):
    command = ["ip", "netns", "exec", gatehouse.app, house.BUILD / "ping_pong", "serve", "10.80.0.11:80", "10.80.0.12:80"]
    return subprocess.Popen(TIED + [str(word) for word in command])


def measure(client, port, connections):
    """Exchanges per second of one short run."""
    command = ["ip", "netns", "exec", client, house.BUILD / "ping_pong", "load", f"{GATE}:{port}", connections, SECONDS]
    return float(run(*map(str, command)).stdout)


def print_table(figures):
    print(f"\n{os.cpu_count()} cores, Linux {platform.release()}, {run('haproxy', '-v').stdout.splitlines()[0]}")
    print(f"Exchanges of 64 bytes per second, median (lowest to highest) of {ROUNDS} runs of {SECONDS} s\n")
    print("| connections | way | exchanges/s | ratio to HAProxy |")
    print("|---|---|---|---|")
    for connections, ways in figures.items():
        base = statistics.median(ways["HAProxy, mode tcp"])
        for name, found in ways.items():
            median = statistics.median(found)
            spread = f"{median:.0f} ({min(found):.0f} to {max(found):.0f})"
            print(f"| {connections} | {name} | {spread} | {median / base:.2f} |")


def compare(gatehouse):
    gatehouse.make(GATEHOUSE)
    servers = start_servers(gatehouse)
    client = make_client(gatehouse)
    haproxy = start_haproxy(gatehouse)
    try:
        gatehouse.start_daemon()
        for pool in ("copied", "redirected"):
            wait_until(lambda: gatehouse.states(pool) == {"web1": "up", "web2": "up"}, 10, f"{pool}: both servers up")
        wait_until(lambda: gatehouse.backends("redirected")["web1"].get("slots") == 128, 10, "the kernel has its slots")
        figures = {connections: {name: [] for name in PORTS} for connections in CONNECTIONS}
        for port in PORTS.values():
            measure(client, port, 8)  # to warm up
        for number in range(ROUNDS):
            # Each is first once in three rounds, so that a drift of the machine affects all.
            names = list(PORTS)[number % 3 :] + list(PORTS)[: number % 3]
            for connections in CONNECTIONS:
                for name in names:
                    figures[connections][name].append(measure(client, PORTS[name], connections))
        print_table(figures)
    finally:
        for process in (haproxy, servers):
            process.terminate()
            process.wait()
        run("ip", "netns", "delete", client, check=False)


def main():
    missing = [tool for tool in ("ip", "haproxy", "nft") if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print(f"SKIPPED: needs root and {', '.join(missing) or 'its network namespaces'}")
        sys.exit(house.SKIPPED)
    gatehouse = House()
    try:
        compare(gatehouse)
    finally:
        gatehouse.stop()


if __name__ == "__main__":
    main()
