"""Two workers compared with one: the gain of a second core that clients and server leave free, and sharing's cost."""

import os

import load
import proxies

PORT = 8101


def measure(build, folder, rounds, seconds):
    """The samples by the number of workers, and whether client and server had cores of their own."""
    free = (os.cpu_count() or 1) >= 4
    ours, others = ("0,1", "2,3") if free else ("0,1", "0,1")
    samples = {1: [], 2: []}
    origin = proxies.start_origin(folder, others)
    try:
        for number in range(rounds):
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                command = proxies.gatehouse(build, folder, workers)
                proxy = proxies.Process("gatehouse", command, ours, folder)
                try:
                    proxies.wait_for([proxies.ORIGIN, PORT], load.answers)
                    samples[workers].append(load.closed_loop(proxy, PORT, proxies.path_of(64), 64, seconds, folder,
                                                             cores=others))
                finally:
                    proxy.stop()
    finally:
        origin.stop()
    return samples, free


def print_table(samples, free):
    print("## Two workers\n\n64 B, 64 connections.\n\n| workers | requests/s | per CPU second | errors |\n|---|---|---|---|")
    for workers, runs in samples.items():
        print(f"| {workers} | {load.median([run.rate for run in runs]):,.0f} "
              f"| {load.median([run.per_cpu for run in runs]):,.0f} (±{load.spread([run.per_cpu for run in runs]):.0f} %)"
              f" | {sum(run.errors for run in runs)} |")
    cost = load.median([run.per_cpu for run in samples[2]]) / load.median([run.per_cpu for run in samples[1]])
    rate = load.median([run.rate for run in samples[2]]) / load.median([run.rate for run in samples[1]])
    print(f"\nWith two workers a second of CPU does {cost:.2f} times the work that it does with one.")
    if free:
        print(f"Two workers serve {rate:.2f} times what one does.\n")
    else:
        print("How much more two serve cannot be seen here: client and server need the same two cores.\n")
