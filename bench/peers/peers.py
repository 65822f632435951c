#!/usr/bin/env python3
"""Gatehouse compared with HAProxy and nginx: same client, same server, one core for the proxy, interleaved rounds.

    peers.py --build BUILD [--rounds 5] [--seconds 2] [--only TEXT] [--svg FILE] [--haproxy PROGRAM]      as root

All of it runs in a network namespace of its own, over its loopback. Prints Markdown: requests a second of the proxy's
own CPU (all its processes), medians over the rounds, and the ratio to each peer. A ratio is taken within a round, where
both had the same machine at nearly the same time. The median of the rounds' ratios is printed. Above 1, Gatehouse did
more work for the same CPU time.
"""

import argparse
import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

import load
import picture
import proxies
import workers

CLONE_NEWNET = 0x40000000
DOWNLOADS = 1000
LATENCY_RUNS = 9


class Row:
    def __init__(self, name, size="64 B", connections=64, close=False, upload=0, ways=None):
        self.name = name
        self.path = "/upload" if upload else proxies.path_of(proxies.SIZES[size])
        self.connections = connections
        self.close = close
        self.upload = upload
        self.ways = ways or proxies.HTTP
        self.samples = {way: [] for way in self.ways}

    def per_cpu(self, way):
        return load.median([sample.per_cpu for sample in self.samples[way]])

    def rate(self, way):
        return load.median([sample.rate for sample in self.samples[way]])

    def ratios(self, way):
        """Gatehouse's work divided by the peer's, a value for each round."""
        return [ours.per_cpu / theirs.per_cpu for ours, theirs in zip(self.samples["Gatehouse"], self.samples[way])]

    def ratio(self, way):
        return load.median(self.ratios(way))

    def errors(self, way):
        return sum(sample.errors for sample in self.samples[way])


def rows():
    return [
        Row("64 B, 1 connection", connections=1),
        Row("64 B, 8 connections", connections=8),
        Row("64 B, 64 connections"),
        Row("64 B, 1 000 connections", connections=1000),
        Row("64 B, a connection each", close=True),
        Row("1 KiB, 64 connections", "1 KiB"),
        Row("64 KiB, 1 connection", "64 KiB", 1),
        Row("64 KiB, 64 connections", "64 KiB"),
        Row("1 MiB, 1 connection", "1 MiB", 1),
        Row("1 MiB, 16 connections", "1 MiB", 16),
        Row("100 MiB, 4 connections", "100 MiB", 4),
        Row("PUT 64 KiB, 16 connections", connections=16, upload=64 << 10),
        Row("PUT 1 MiB, 16 connections", connections=16, upload=1 << 20),
        Row("TCP, 64 B, 64 connections", ways=proxies.TCP),
        Row("TCP, 64 KiB, 64 connections", "64 KiB", ways=proxies.TCP),
        Row("TCP, 1 MiB, 16 connections", "1 MiB", 16, ways=proxies.TCP),
    ]


def measure(table, started, rounds, seconds, folder):
    def run(row, way, how_long):
        program, port = row.ways[way]
        return load.closed_loop(started[program], port, row.path, row.connections, how_long, folder, row.close,
                                row.upload)

    for number in range(rounds):
        for row in table:
            print(f"round {number + 1} of {rounds}: {row.name}", file=sys.stderr)
            ways = list(row.ways)
            if number == 0:
                for way in ways:  # the server's connections are there before the first round counts
                    run(row, way, 1)
            # Each round begins with another proxy, so that none always runs after the same one.
            for way in ways[number % len(ways):] + ways[:number % len(ways)]:
                row.samples[way].append(run(row, way, seconds))


def print_table(rows, header, cells):
    print("| | " + " | ".join(header) + " |\n" + "|---" * (1 + len(header)) + "|")
    for row in rows:
        print(f"| {row.name} | " + " | ".join(cells(row)) + " |")
    print()


def by_ways(table):
    """The rows for HTTP, and those for TCP, as far as there are any."""
    for ways in (proxies.HTTP, proxies.TCP):
        chosen = [row for row in table if row.ways is ways]
        if chosen:
            yield list(ways), chosen


def print_work(table, seconds, rounds):
    print(f"\n## Work per CPU second of the proxy\n\nRequests per second of the proxy's CPU, medians of {rounds} "
          f"interleaved rounds of {seconds} s. Then Gatehouse's\ndivided by each peer's: the median of the rounds' "
          "ratios, in brackets how far the furthest round lies from it.\nHAProxy by itself copies; splice-auto and "
          "splice forced (splice-request, splice-response) are HAProxy, too.\n")
    for ways, rows_of_kind in by_ways(table):
        peers = ways[1:]
        print_table(rows_of_kind, ways + [f"/ {way}" for way in peers],
                    lambda row, ways=ways, peers=peers: [f"{row.per_cpu(way):,.0f}" for way in ways] + [
                        f"{row.ratio(way):.2f} (±{load.spread(row.ratios(way)):.0f} %)" for way in peers])


def print_rates(table):
    print("## Requests per second\n\nWhat one client on the other core got, which it shares with the server: where the"
          "\nclient is the slower side, proxies look alike here. Failures of all rounds in brackets, where there were "
          "any.\n")

    def cell(row, way):
        return f"{row.rate(way):,.0f}" + (f" ({row.errors(way):,} failed)" if row.errors(way) else "")

    for ways, rows_of_kind in by_ways(table):
        print_table(rows_of_kind, ways, lambda row, ways=ways: [cell(row, way) for way in ways])


def print_latency(table, seconds, folder):
    reference = next((row for row in table if row.name == "64 B, 64 connections"), None)
    if reference is None:
        return
    top = reference.rate("HAProxy")
    print(f"## Latency at fixed rates, 64 B, 64 connections\n\nMedians of {LATENCY_RUNS} interleaved runs of {seconds} s "
          "each. The client sends on all connections at the same instant.\nThe last column is the median of the runs' "
          "ratios: above 1, the peer's p99 is longer than Gatehouse's.\n")
    for part_of_top in (0.25, 0.5, 0.75):
        rate = int(top * part_of_top)
        print(f"{rate:,} requests/s, {part_of_top * 100:.0f} % of what HAProxy served:\n\n"
              "| | p50 | p99 | p99.9 | requests | failed | p99 / Gatehouse |\n|---|---|---|---|---|---|---|")
        runs = {way: [] for way in proxies.HTTP}
        for _ in range(LATENCY_RUNS):
            for way, (_, port) in proxies.HTTP.items():
                runs[way].append(load.fixed_rate(port, reference.path, 64, rate, seconds, folder))

        def each(way, part, runs=runs):
            return [load.percentile(run[0], part) for run in runs[way]]

        for way, found in runs.items():
            cells = [f"{load.median(each(way, part)) / 1000:.2f} ms" for part in (0.5, 0.99, 0.999)]
            longer = load.median([theirs / ours for theirs, ours in zip(each(way, 0.99), each("Gatehouse", 0.99))])
            print(f"| {way} | " + " | ".join(cells) + f" | {sum(len(run[0]) for run in found)} "
                  f"| {sum(run[1] for run in found)} | {longer:.2f} |")
        print()


def measure_memory(started, count, begin):
    """By program: private bytes without clients, and what each of count connections adds. The proxies must be fresh:
    a proxy that has served many clients keeps memory for as many more."""
    ports = {"gatehouse": 8101, "haproxy": 8111, "nginx": 8121}
    return {name: (started[name].private_memory(),
                   load.private_bytes_each(started[name], port, count, begin(port)))
            for name, port in ports.items()}


def print_memory(sessions, downloads, count):
    print(f"## User memory\n\nPrivate memory of all of the proxy's processes without clients, what each of "
          f"{count:,}\nkeep-alive sessions adds after one request, and what each of {DOWNLOADS:,} downloads adds while "
          "its client\ntakes nothing.\n\n| | idle | bytes a session | bytes a download |\n|---|---|---|---|")
    for name, (idle, session) in sessions.items():
        print(f"| {name} | {idle / (1 << 20):.1f} MiB | {session:,.0f} | {downloads[name][1]:,.0f} |")
    print()


def start(processes, chosen, folder):
    """Adds to processes before they answer, so that a stop ends them even after a failure."""
    processes |= proxies.start_proxies(chosen.build.resolve(), folder, chosen.haproxy)
    ports = {port for ways in (proxies.HTTP, proxies.TCP) for _, port in ways.values()}
    proxies.wait_for([proxies.ORIGIN, *sorted(ports)], load.answers)


def stop(processes):
    for name in reversed(list(processes)):
        processes.pop(name).stop()


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where the program gatehouse was built")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--sessions", type=int, default=min(20_000, proxies.SESSIONS - 500),
                        help="idle sessions; 0: none")
    parser.add_argument("--only", default="", help="rows with this text in their name")
    parser.add_argument("--haproxy", default="haproxy", help="another HAProxy than Debian's of this machine")
    parser.add_argument("--svg", type=pathlib.Path, help="draw the ratios into this file")
    return parser.parse_args()


def main():
    chosen = options()
    if os.geteuid() != 0:
        raise SystemExit("peers: needs root (a network namespace of its own, 20 000 sessions); try sudo")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise SystemExit("peers: no network namespace to be had: " + os.strerror(ctypes.get_errno()))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    build = chosen.build.resolve()
    table = [row for row in rows() if chosen.only in row.name]
    with tempfile.TemporaryDirectory(prefix="gatehouse-peers-") as name:
        folder = pathlib.Path(name)
        origin = proxies.start_origin(folder)
        processes = {}
        try:
            start(processes, chosen, folder)
            print("# Gatehouse beside HAProxy and nginx\n")
            print("\n".join(f"- {line}" for line in proxies.versions(build, chosen.haproxy)))
            if chosen.sessions:
                downloads = measure_memory(processes, DOWNLOADS, load.stuck_download)
                stop(processes)
                start(processes, chosen, folder)
                sessions = measure_memory(processes, chosen.sessions, load.idle_session)
            measure(table, processes, chosen.rounds, chosen.seconds, folder)
            print_work(table, chosen.seconds, chosen.rounds)
            print_rates(table)
            print_latency(table, chosen.seconds, folder)
            if chosen.sessions:
                print_memory(sessions, downloads, chosen.sessions)
        finally:
            stop(processes)
            origin.stop()
        if not chosen.only:
            workers.print_table(*workers.measure(build, folder, chosen.rounds, chosen.seconds))
    if chosen.svg:
        picture.draw(table, chosen.svg)
        print(f"picture: {chosen.svg}")


main()
