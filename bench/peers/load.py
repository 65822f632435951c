"""The clients: wrk for the highest rate, h2load for a fixed rate, and many idle sessions of our own."""

import re
import resource
import socket
import statistics
import subprocess

import proxies

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Sample:
    def __init__(self, requests, seconds, cpu, errors):
        self.rate = requests / seconds
        self.per_cpu = requests / cpu if cpu > 0 else 0.0
        self.errors = errors


def on_client_core(*command, timeout, cores=proxies.OTHER_CORE):
    return subprocess.run([*proxies.TIED, "prlimit", f"--nofile={proxies.DESCRIPTORS}", "taskset", "-c",
                           str(cores), *map(str, command)],
                          capture_output=True, text=True, timeout=timeout, check=True).stdout


def script(folder, close, upload):
    """Settings that wrk's command line lacks."""
    lines = []
    if close:
        lines.append('wrk.headers["Connection"] = "close"')
    if upload:
        lines += ['wrk.method = "PUT"', f'wrk.body = string.rep("x", {upload})']
    if not lines:
        return []
    path = folder / f"wrk-{int(close)}-{upload}.lua"
    path.write_text("\n".join(lines) + "\n")
    return ["-s", path]


def closed_loop(process, port, path, connections, seconds, folder, close=False, upload=0, cores=proxies.OTHER_CORE):
    """As fast as the proxy answers."""
    before = process.cpu()
    output = on_client_core("wrk", "-t", 1, "-c", connections, "-d", f"{seconds}s", "--timeout", "10s",
                            *script(folder, close, upload), f"http://127.0.0.1:{port}{path}", timeout=seconds + 60,
                            cores=cores)
    cpu = process.cpu() - before
    done = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", output)
    errors = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", output)))
    errors += sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", output)))
    return Sample(int(done[1]), float(done[2]) * UNITS[done[3]], cpu, errors)


def fixed_rate(port, path, connections, rate, seconds, folder):
    """The latencies in microseconds, sorted, of an open loop: rate requests a second, however slow the answers are."""
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    on_client_core("h2load", "--h1", "-t", 1, "-c", connections, "--rps", max(1, rate // connections), "-D", seconds,
                   "--log-file", log, f"http://127.0.0.1:{port}{path}", timeout=seconds + 60)
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    failed = sum(1 for line in lines if line[1] != "200")
    return sorted(int(line[2]) for line in lines), failed


def percentile(ordered, part):
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            client.settimeout(1)
            client.sendall(f"GET {proxies.path_of(64)} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            return client.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def private_bytes_each(process, port, count, begin):
    """Private bytes that each of count connections costs after begin(client)."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (proxies.DESCRIPTORS, proxies.DESCRIPTORS))
    before = process.private_memory()
    clients = []
    try:
        for number in range(count):
            client = socket.socket()
            client.settimeout(5)
            clients.append(client)
            begin(client, number)
        return (process.private_memory() - before) / count
    except OSError as problem:
        raise SystemExit(f"peers: {process.name} failed connection {len(clients)} of {count}: {problem}") from problem
    finally:
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, proxies.DESCRIPTORS))


def idle_session(port):
    """A keep-alive session after one request."""
    request = f"GET {proxies.path_of(64)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()

    def begin(client, number):
        client.bind((f"127.0.0.{2 + number % 8}", 0))
        client.connect(("127.0.0.1", port))
        client.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < 64:
            piece = client.recv(4096)
            if not piece:
                raise OSError("it was closed")
            got += piece
    return begin


def stuck_download(port):
    """A client that has begun to take 1 MiB and then takes nothing."""
    request = f"GET {proxies.path_of(1 << 20)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()

    def begin(client, _):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", port))
        client.sendall(request)
        if not client.recv(1):
            raise OSError("it was closed")
    return begin


def median(values):
    return statistics.median(values)


def spread(values):
    """How far the furthest sample lies from the median, in per cent of it."""
    middle = median(values)
    return 100 * max(abs(value - middle) for value in values) / middle if middle else 0.0

