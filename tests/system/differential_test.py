"""The same bytes to Gatehouse, HAProxy and nginx, each before a server that writes down what arrives. Wherever we pass
on a request that one of them does not, tests/conformance/differences.txt has the reason; nothing else may stand there.
"""

import re
import shutil
import socket
import subprocess
import sys
import threading
import unittest

import house
from house import House, SOURCE, TIED, run, wait_until

LANES = 4  # of each proxy: cases that run beside each other
PROXIES = ("gatehouse", "haproxy", "nginx")
FOLDER = SOURCE / "tests/conformance"
DIFFERENCES = FOLDER / "differences.txt"
# What ends the wait for an answer: a connection that may be used again stays open. A difference is believed when it is
# there again with the long one.
QUIET, SURE = 0.2, 2.0


def front(proxy, lane):
    return 7000 + 100 * PROXIES.index(proxy) + lane


def back(proxy, lane):
    return front(proxy, lane) + 1000


ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|(.))")
# Innermost first: a repetition may hold others.
REPEATED = re.compile(r"\\\{(\d+),((?:[^{}\\]|\\[^{])*)\}")
SHORT = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def decode(text):
    """The bytes of a `>` line, whose escapes tests/conformance/README.md explains."""
    while REPEATED.search(text):
        text = REPEATED.sub(lambda found: found[2] * int(found[1]), text)
    text = ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else SHORT[found[2]], text)
    return text.encode("latin-1")


def read_cases():
    """The input of every request case, by its name."""
    cases, name = {}, None
    for file in sorted(FOLDER.glob("request*.http")):
        for line in file.read_text(encoding="latin-1").splitlines():
            if line.startswith("case "):
                name = line.removeprefix("case ")
                cases[name] = b""
            elif line.startswith("> "):
                cases[name] += decode(line.removeprefix("> "))
    return cases


def read_differences():
    found = {}
    for number, line in enumerate(DIFFERENCES.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            name, peer, reason = (part.strip() for part in line.split("|"))
            assert peer in PROXIES and reason, f"{DIFFERENCES.name}:{number}: CASE | haproxy or nginx | REASON"
            found[name, peer] = reason
    return found


class Server:
    """Behind one lane of one proxy: takes whole requests, answers 200 and closes. Does not judge what it is given."""

    def __init__(self, port):
        self.taken = []
        self.listening = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listening.accept()
            threading.Thread(target=self.take, args=(connection,), daemon=True).start()

    def take(self, connection):
        with connection:
            connection.settimeout(5)
            seen = b""
            try:
                while not self.whole(seen):
                    piece = connection.recv(65536)
                    if not piece:
                        return  # a health check, or a request that was broken off
                    seen += piece
                self.taken.append(seen)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass

    @staticmethod
    def whole(seen):
        head, end, body = seen.partition(b"\r\n\r\n")
        if not end:
            return False
        if re.search(rb"\r\ntransfer-encoding:", head, re.IGNORECASE):
            return re.search(rb"(?:^|\r\n)0\r\n(?:[^\r]+\r\n)*\r\n$", body) is not None
        length = re.search(rb"\r\ncontent-length:\s*(\d+)", head, re.IGNORECASE)
        return len(body) >= (int(length[1]) if length else 0)


def gatehouse_text():
    text = '[server.here]\nhost = "127.0.0.1"\n\n[maintenance]\npage = "maintenance.html"\n\n'
    text += '[control]\nsocket = "{folder}/control.sock"\nstate = "{folder}/state"\n\n'
    text += '[proxy]\nworkers = 1\nuser = "gatehouse"\n'
    for lane in range(LANES):
        text += f'\n[listen.l{lane}]\naddress = "127.0.0.1:{front("gatehouse", lane)}"\nmode = "http"\npool = "p{lane}"\n'
        text += f'\n[pool.p{lane}]\nport = {back("gatehouse", lane)}\nservers = ["here"]\ncheck = {{{{ type = "tcp" }}}}\n'
    return text


def haproxy_text():
    text = "defaults\n    mode http\n    timeout connect 3s\n    timeout client 10s\n    timeout server 10s\n"
    for lane in range(LANES):
        text += f"listen l{lane}\n    bind 127.0.0.1:{front('haproxy', lane)}\n"
        text += f"    server here 127.0.0.1:{back('haproxy', lane)}\n"
    return text


def nginx_text(folder):
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in
                    ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    servers = "".join(
        f"server {{ listen 127.0.0.1:{front('nginx', lane)};\n"
        f"location / {{ proxy_pass http://127.0.0.1:{back('nginx', lane)}; proxy_http_version 1.1;\n"
        f"proxy_set_header Connection \"\"; proxy_request_buffering off; }} }}\n" for lane in range(LANES))
    return (f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
            f"events {{ worker_connections 256; }}\nhttp {{ access_log off;\n{paths}{servers}}}\n")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Differential(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.house = House()
        self.addCleanup(self.house.stop)
        self.house.make(gatehouse_text())
        self.servers = {(proxy, lane): Server(back(proxy, lane)) for proxy in PROXIES for lane in range(LANES)}
        self.house.start_daemon()
        self.start("haproxy", haproxy_text(), "-db", "-q", "-f")
        self.start("nginx", nginx_text(self.house.folder), "-p", self.house.folder, "-c")
        for proxy in PROXIES:
            wait_until(lambda: listens(front(proxy, LANES - 1)), 10, f"{proxy} listens")
        wait_until(lambda: self.house.states(f"p{LANES - 1}") == {"here": "up"}, 10, "our servers are up")

    def start(self, name, text, *words):
        file = self.house.folder / f"{name}.conf"
        file.write_text(text)
        process = subprocess.Popen([*TIED, name, *map(str, words), str(file)], stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def count(self, proxy, lane, data, patience):
        """How many whole requests arrive behind the proxy."""
        server = self.servers[proxy, lane]
        server.taken.clear()
        try:
            with socket.create_connection(("127.0.0.1", front(proxy, lane)), 5) as client:
                client.sendall(data)
                client.settimeout(patience)
                while client.recv(65536):
                    pass
        except OSError:  # quiet, or reset
            pass
        return len(server.taken)

    def compare(self, cases, patience):
        """(case, peer) wherever more requests arrived behind us than behind the peer."""
        counts, waiting, lock = {}, list(cases), threading.Lock()

        def work(lane):
            while True:
                with lock:
                    if not waiting:
                        return
                    name = waiting.pop()
                for proxy in PROXIES:
                    counts[name, proxy] = self.count(proxy, lane, cases[name], patience)

        workers = [threading.Thread(target=work, args=(lane,)) for lane in range(LANES)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return {(name, peer) for name in cases for peer in PROXIES[1:]
                if counts[name, "gatehouse"] > counts[name, peer]}

    def test_what_we_forward_and_others_refuse_has_a_reason(self):
        cases, reasons = read_cases(), read_differences()
        self.assertGreater(len(cases), 200)
        self.assertEqual([name for name, _ in reasons if name not in cases], [], "differences in cases that are gone")
        suspects = self.compare(cases, QUIET) | set(reasons)
        found = self.compare({name: cases[name] for name in {name for name, _ in suspects}}, SURE)
        unexplained = sorted(f"{name} | {peer}" for name, peer in found if (name, peer) not in reasons)
        self.assertEqual(unexplained, [], "forwarded by us and not by them: mend it, or write the reason down")
        gone = sorted(f"{name} | {peer}" for name, peer in reasons if (name, peer) not in found)
        if gone and self.versions() == re.search(r"^# with (.+)$", DIFFERENCES.read_text(), re.MULTILINE)[1]:
            self.fail(f"no difference any more, so it needs no reason: {gone}")
        print(f"{len(cases)} cases with {self.versions()}: {len(found)} differences, each with its reason; gone: {gone}")

    @staticmethod
    def versions():
        haproxy = re.search(r"version (\d+\.\d+)", run("haproxy", "-v").stdout)[1]
        nginx = re.search(r"nginx/(\d+\.\d+)", run("nginx", "-v").stderr)[1]
        return f"haproxy {haproxy}, nginx {nginx}"


if __name__ == "__main__":
    absent = [tool for tool in ("haproxy", "nginx") if not shutil.which(tool)]
    if absent:
        print(f"SKIPPED: needs the program {' and '.join(absent)}")
        sys.exit(house.SKIPPED)
    house.main()
