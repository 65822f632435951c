#!/usr/bin/env python3
"""The cost of 1,000 servers in four pools for Gatehouse and HAProxy: the time until all are checked, a reload, a
quarter of them removed and added again, and one check a second for each. Interleaved, in one network namespace.

    GATEHOUSE_BUILD=build/bench python3 bench/servers_bench.py          as root, about two minutes

Needs haproxy, and nginx, which runs all servers. All share this machine's cores: compare the columns.
"""

import csv
import http.client
import json
import os
import pathlib
import platform
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "system"))
import load  # noqa: E402
import house  # noqa: E402
from house import House, run, wait_until  # noqa: E402
from proxies import Process  # noqa: E402

POOLS, EACH = 4, 250
OUT = 249  # of the first pool: one must be left
ROUNDS, CHECKS_SECONDS = 3, 10
CORES = f"0-{os.cpu_count() - 1}"
DONE = {"all checked and up": "ms", "reload": "ms", f"{OUT} taken out": "ms", f"{OUT} back": "ms",
        "checks": "% of a core"}


def address_of(pool, number):
    return f"127.8.{pool}.{number + 1}"


def configure_gatehouse(count):
    """count: servers of the last pool."""
    text = ""
    for pool in range(POOLS):
        numbers = range(count if pool == POOLS - 1 else EACH)
        text += f'[listen.l{pool}]\naddress = "127.0.0.1:{8100 + pool}"\npool = "p{pool}"\n'
        text += "".join(f'[server.s{pool}-{number}]\nhost = "{address_of(pool, number)}"\n' for number in numbers)
        text += f"[pool.p{pool}]\nport = 80\nservers = [" + ", ".join(f'"s{pool}-{number}"' for number in numbers)
        text += ']\ncheck = {{ path = "/", interval = "1s", timeout = "900ms" }}\n'
    return text + ('[control]\nsocket = "{folder}/control.sock"\nstate = "{folder}/state"\n[proxy]\nworkers = 1\n'
                   'user = "gatehouse"\n[log]\nexchanges = false\n')


def configure_haproxy(folder, count):
    text = (f"global\n    nbthread 1\n    stats socket {folder}/haproxy.sock level admin\n    maxconn 1000\n"
            "defaults\n    mode http\n    timeout connect 3s\n    timeout client 1m\n    timeout server 1m\n")
    for pool in range(POOLS):
        text += f"listen p{pool}\n    bind 127.0.0.1:{8200 + pool}\n    option httpchk HEAD /\n"
        for number in range(count if pool == POOLS - 1 else EACH):
            text += f"    server s{pool}-{number} {address_of(pool, number)}:80 check inter 1s\n"
    (folder / "haproxy.cfg").write_text(text)


class Gatehouse:
    name = "Gatehouse"

    def __init__(self, home):
        self.home = home
        home.write_configuration(configure_gatehouse(EACH))
        self.process = Process("gatehouse", [house.BUILD / "gatehouse", "run", "-c", home.configuration], CORES,
                               home.folder)

    def states(self):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.home.folder / "control.sock"))
            connection.request("GET", "/v1/status")
            pools = json.loads(connection.getresponse().read())["pools"]
        except OSError:
            return []
        finally:
            connection.close()
        return [backend["state"] for pool in pools for backend in pool["backends"]]

    def all_up(self, count):
        return self.states().count("up") == count

    def reload(self, count):
        self.home.write_configuration(configure_gatehouse(count))
        self.home.cli("reload")

    def take_out(self, servers):
        self.home.cli("fence", *servers, "--why", "a quarter of the racks moves")

    def back(self, servers):
        self.home.cli("unfence", *servers)

    def stop(self):
        self.process.stop()


class HAProxy:
    name = "HAProxy"

    def __init__(self, home):
        self.folder = home.folder
        configure_haproxy(self.folder, EACH)
        self.process = self.begin()

    def begin(self, *old):
        return Process("haproxy", ["haproxy", "-db", "-q", "-f", self.folder / "haproxy.cfg", *old], CORES, self.folder)

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(30)
            caller.connect(str(self.folder / "haproxy.sock"))
            caller.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: caller.recv(1 << 16), b"")).decode()

    def all_up(self, count):
        """HAProxy treats a server as up until a check fails: only those with a passed check count."""
        try:
            lines = self.ask("show stat").removeprefix("# ").splitlines()
        except OSError:
            return False
        return sum(line["check_status"] == "L7OK" for line in csv.DictReader(lines)) == count

    def reload(self, count):
        """Until the new process answers."""
        configure_haproxy(self.folder, count)
        old, self.process = self.process, self.begin("-sf", self.process.child.pid)
        old.child.wait(10)
        old.log.close()

    def set_state(self, servers, state):
        # As many commands at once as fit its buffer of 16 KiB.
        for first in range(0, len(servers), 100):
            self.ask(";".join(f"set server p0/{server} state {state}" for server in servers[first:first + 100]))

    def take_out(self, servers):
        self.set_state(servers, "maint")

    def back(self, servers):
        self.set_state(servers, "ready")

    def stop(self):
        self.process.stop()


def timed(action, *arguments):
    begun = time.monotonic()
    action(*arguments)
    return (time.monotonic() - begun) * 1000


def measure(kind, home):
    count = POOLS * EACH
    servers = [f"s0-{number}" for number in range(OUT)]
    begun = time.monotonic()
    balancer = kind(home)
    try:
        wait_until(lambda: balancer.all_up(count), 60, f"{balancer.name}: {count} servers are up")
        up = (time.monotonic() - begun) * 1000
        before = balancer.process.cpu()
        time.sleep(CHECKS_SECONDS)
        checks = (balancer.process.cpu() - before) / CHECKS_SECONDS * 100
        reload = timed(balancer.reload, EACH - 1)
        wait_until(lambda: balancer.all_up(count - 1), 60, f"{balancer.name}: {count - 1} servers are up")
        out = timed(balancer.take_out, servers)
        return dict(zip(DONE, (up, reload, out, timed(balancer.back, servers), checks)))
    finally:
        balancer.stop()


def print_table(found):
    print(f"\n{POOLS * EACH:,} servers in {POOLS} pools, each checked once a second; {os.cpu_count()} cores, Linux "
          f"{platform.release()}, {run('haproxy', '-v').stdout.splitlines()[0]}")
    print(f"Medians of {ROUNDS} interleaved rounds, in brackets how far the furthest round lies from it\n")
    print("| | " + " | ".join(found) + " |\n" + "|---" * (1 + len(found)) + "|")
    for what, unit in DONE.items():
        cells = []
        for rounds in found.values():
            values = [each[what] for each in rounds]
            cells.append(f"{load.median(values):.1f} {unit} (±{load.spread(values):.0f} %)")
        print(f"| {what} | " + " | ".join(cells) + " |")
    print("\nA reload of HAProxy ends here when its old process has left; a server of its is up before its first check.\n"
          "A server that Gatehouse takes out is fenced in the kernel and in the proxy; HAProxy's is in state maint.")


def main():
    missing = [tool for tool in ("ip", "haproxy", "nginx") if not shutil.which(tool)]
    if os.geteuid() != 0 or missing:
        print(f"SKIPPED: needs root and {', '.join(missing) or 'its network namespaces'}")
        sys.exit(house.SKIPPED)
    home = House()
    servers = None
    try:
        home.make(configure_gatehouse(EACH))
        (home.folder / "nginx.conf").write_text(
            f"worker_processes 1;\ndaemon off;\nerror_log stderr crit;\npid {home.folder}/nginx.pid;\n"
            "events { worker_connections 4096; }\n"
            "http { access_log off; server { listen 0.0.0.0:80 backlog=4096; return 200; } }\n")
        servers = Process("nginx", ["nginx", "-p", home.folder, "-c", home.folder / "nginx.conf"], CORES, home.folder)
        found = {kind.name: [] for kind in (Gatehouse, HAProxy)}
        for number in range(ROUNDS):
            for kind in (Gatehouse, HAProxy) if number % 2 == 0 else (HAProxy, Gatehouse):
                print(f"round {number + 1} of {ROUNDS}: {kind.name}", file=sys.stderr)
                found[kind.name].append(measure(kind, home))
        print_table(found)
    finally:
        if servers:
            servers.stop()
        home.stop()


if __name__ == "__main__":
    main()
