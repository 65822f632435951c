"""Odd answers and odd requests through Gatehouse, HAProxy and nginx, side by side. Where both others serve, Gatehouse
does too, or the row says why not. What Gatehouse forwards is well-formed."""

import json
import pathlib
import re
import shutil
import socket
import sys
import unittest

import house
import odd_messages
import peers
from house import WEB, wait_until
from odd_server import MARK, OddServer

CONFIGURATION = """\
[listen.web]
address = "127.0.0.1:8080"
mode = "http"
pool = "app"

[server.odd]
host = "127.0.0.1"

[pool.app]
port = ODD
servers = ["odd"]
check = {{ type = "tcp", interval = "60s", fall = 1, rise = 1 }}

[limits]
answer_head = "32KiB"
answer_fields = 110

[control]
socket = "{folder}/control.sock"
state = "{folder}/state"

[proxy]
workers = 1
user = "gatehouse"
"""
REASONS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "odd_messages.md"


def ask(address, request):
    """All that comes back; cut where it takes longer than three seconds, or is reset."""
    with socket.create_connection(address, 5) as visitor:
        visitor.settimeout(3)
        answer = b""
        try:
            visitor.sendall(request)
            while piece := visitor.recv(65536):
                answer += piece
        except OSError:
            pass
        return answer


class Malformed(Exception):
    pass


def read_chunks(rest):
    body = b""
    while True:
        line, rest = rest.split(b"\r\n", 1)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return body
        if rest[size : size + 2] != b"\r\n":
            raise Malformed("a chunk that is no chunk")
        body += rest[:size]
        rest = rest[size + 2 :]


def read_answer(answer, method):
    """Status and body of the final answer, read by the letter of RFC 9112."""
    while True:
        head, found, answer = answer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        first = re.fullmatch(rb"HTTP/1\.[01] ([0-9]{3}) [^\x00-\x08\x0a-\x1f\x7f]*", lines[0])
        if not found or not first:
            raise Malformed(f"no head: {head[:60]}")
        if not all(re.fullmatch(rb"[!-9;-~]+:[^\x00-\x08\x0a-\x1f\x7f]*", line) for line in lines[1:]):
            raise Malformed("a line that is no field")
        status = int(first[1])
        if status >= 200 or status == 101:
            break
    fields = [line.lower().split(b":", 1) for line in lines[1:]]
    framing = [value.strip() for name, value in fields if name in (b"content-length", b"transfer-encoding")]
    if len(framing) > 1:
        raise Malformed("more than one framing")
    if method == b"HEAD" or status in (101, 204, 304):
        return status, b"" if status != 101 else answer
    if framing == [b"chunked"]:
        return status, read_chunks(answer)
    if framing and len(answer) != int(framing[0]):
        raise Malformed("a body that is not as long as it says")
    return status, answer


class Table:
    """The result of each row, and the wrong ones."""

    def __init__(self):
        self.lines = []
        self.wrong = []

    def add(self, row, ours, others):
        wanted = "served" if all(other == "served" for other in others) else "any"
        self.lines.append(f"{row.name:48} {ours:28} {others[0]:28} {others[1]:28} {'why: ' + row.why if row.why else ''}")
        if wanted == "served" and ours != "served" and not row.why:
            self.wrong.append(f"{row.name}: both peers serve it, and we say {ours}")
        if row.why and (wanted == "any" or ours == "served"):
            self.wrong.append(f"{row.name}: its reason is not needed any more")
        if row.why and row.name not in REASONS.read_text(encoding="utf-8"):
            self.wrong.append(f"{row.name}: its reason is not in {REASONS.name}")

    def print(self):
        print(f"{'':48} {'gatehouse':28} {'haproxy':28} {'nginx':28}", *self.lines, sep="\n", flush=True)


class OddMessages(unittest.TestCase):
    def setUp(self):
        self.house = house.House()
        self.addCleanup(lambda: self.assertEqual(self.house.stop(), [], "processes outlived the daemon"))
        house.sweep()
        self.house.make_network()
        self.server = OddServer(odd_messages.ANSWERS)
        self.house.make_files(CONFIGURATION.replace("ODD", str(self.server.port)))
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"odd": "up"}, 10, "the server up")

    def start_peers(self):
        others = peers.start(self.house.folder, self.server)
        for other in others:
            self.addCleanup(other.stop)
        return [WEB] + [other.address for other in others]

    def test_odd_answers_are_served_where_both_others_serve_them(self):
        addresses = self.start_peers()
        table = Table()
        for number, row in enumerate(odd_messages.ANSWERS):
            request = row.method + b" /row/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % number
            outcomes = []
            for address in addresses:
                try:
                    status, body = read_answer(ask(address, request), row.method)
                    same = status == row.status and body == row.body
                    outcomes.append("served" if same else f"{status} {body[:16]}")
                except (Malformed, ValueError) as error:
                    outcomes.append(f"malformed: {error}"[:28])
            table.add(row, outcomes[0], outcomes[1:])
        table.print()
        self.assertGreaterEqual(len(odd_messages.ANSWERS), 40)
        self.assertEqual(table.wrong, [])

    def test_odd_requests_are_served_where_both_others_serve_them(self):
        addresses = self.start_peers()
        table = Table()
        for row in odd_messages.REQUESTS:
            request = row.bytes
            if b"Connection" not in request:
                request = re.sub(rb"(\r?\n)(Host|\r)", rb"\1Connection: close\1\2", request.lstrip(b"\r\n"), 1)
                request = row.bytes[: len(row.bytes) - len(row.bytes.lstrip(b"\r\n"))] + request
            answers = [ask(address, request) for address in addresses]
            outcomes = ["served" if MARK in answer.lower() else answer[:12].decode("latin1") for answer in answers]
            table.add(row, outcomes[0], outcomes[1:])
        table.print()
        self.assertEqual(table.wrong, [])

    def log_text(self):
        return (self.house.folder / "gatehouse.log").read_text(encoding="utf-8", errors="replace")

    def find_row(self, name):
        return next(number for number, row in enumerate(odd_messages.ANSWERS) if row.name == name)

    def ask_row(self, name):
        return ask(WEB, b"GET /row/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % self.find_row(name))

    def test_an_odd_answer_is_counted_and_logged_once(self):
        for _ in range(3):
            self.assertEqual(read_answer(self.ask_row("bare LF everywhere"), b"GET"), (200, b"hello"))
        self.assertIn('gatehouse_backend_odd_answers_total{pool="app",server="odd",kind="bare_lf"} 3',
                      self.house.cli("metrics").stdout)
        told = [json.loads(line) for line in self.log_text().splitlines() if '"odd_answers"' in line]
        self.assertEqual([(one["pool"], one["backend"], one["kinds"]) for one in told], [("app", "odd", ["bare_lf"])])

    def test_what_was_refused_is_found_in_the_log_and_in_support(self):
        ask(WEB, b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n")
        ask(WEB, b"GET / HTTP/1.1\r\nHost: a\r\nX-Odd: a\x01b\r\n\r\n")
        self.assertIn(b"502", self.ask_row("chunked twice in two fields")[:12])
        file = pathlib.Path(self.house.folder) / "support.json"
        self.house.cli("support", "--output", str(file))
        refusals = json.loads(file.read_text(encoding="utf-8"))["refusals"]
        places = [(one.get("listener"), one.get("server"), one["line"], one["offset"], one["byte"], one.get("field", ""))
                  for one in refusals]
        self.assertCountEqual(places, [
            ("web", None, "GET /a b HTTP/1.1", 7, "0x62", ""),
            ("web", None, "GET / HTTP/1.1", 33, "0x01", "X-Odd"),
            (None, "odd", "HTTP/1.1 200 OK", 45, "0x54", "Transfer-Encoding"),
        ])
        logged = [json.loads(line)["refused"] for line in self.log_text().splitlines() if '"refused":{' in line]
        self.assertEqual([one["offset"] for one in logged], [7, 33, 45])


if __name__ == "__main__":
    lacking = [program for program in ("haproxy", "nginx") if not shutil.which(program)]
    if lacking and any("others" in word for word in sys.argv):
        print(f"SKIPPED: needs {' and '.join(lacking)}, to be compared with")
        sys.exit(house.SKIPPED)
    house.main()
