"""The conformance cases through a whole Gatehouse, and the same bytes through HAProxy and nginx. Where one of them
refuses what we forward, tests/conformance/differences.txt says why."""

import shutil
import socket
import sys
import unittest

import cases
import house
import peers
from house import WEB, wait_until
from recorder import MARK, Recorder

CONFIGURATION = """\
[listen.web]
address = "127.0.0.1:8080"
mode = "http"
pool = "app"

[server.recorder]
host = "127.0.0.1"

[pool.app]
port = RECORDER
servers = ["recorder"]
check = {{ type = "tcp", interval = "60s", fall = 1, rise = 1 }}

[control]
socket = "{folder}/control.sock"
state = "{folder}/state"

[proxy]
workers = 1
user = "gatehouse"
"""
SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
SENTINEL_SEEN = b"GET /sentinel HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n\r\n"
VARIATIONS = 10_000


def say(visitor, bytes_, piece):
    """Sends in pieces. A proxy that has refused the beginning need not take the rest."""
    try:
        for at in range(0, len(bytes_), piece):
            visitor.sendall(bytes_[at : at + piece])
    except OSError:
        pass


def hear(visitor):
    """Everything up to the end of the connection."""
    answer = b""
    try:
        while piece := visitor.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def count_forwarded(bytes_):
    """How many requests in these bytes a server has answered through Gatehouse. Gatehouse answers accepted requests
    also after the visitor's half-close."""
    with socket.create_connection(WEB, 10) as visitor:
        say(visitor, bytes_, len(bytes_))
        try:
            visitor.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        return hear(visitor).count(MARK)


def forwards(peer, bytes_, count):
    """Whether so many requests in these bytes are answered through this peer. There is no half-close, because HAProxy
    then sometimes drops requests that it has not begun. A peer that waits for more does not forward."""
    with socket.create_connection(peer.address, 10) as visitor:
        say(visitor, bytes_, len(bytes_))
        answer = b""
        try:
            while answer.count(MARK) < count:
                piece = visitor.recv(65536)
                if not piece:
                    return False
                answer += piece
        except OSError:
            return False
        return True


class Strictness(unittest.TestCase):
    def setUp(self):
        self.house = house.House()
        self.addCleanup(lambda: self.assertEqual(self.house.stop(), [], "processes outlived the daemon"))
        house.sweep()
        self.house.make_network()
        self.recorder = Recorder()
        self.house.make_files(CONFIGURATION.replace("RECORDER", str(self.recorder.port)))
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"recorder": "up"}, 10, "the recorder up")

    def expected(self, case):
        """What the recorder gets, with the addresses of this place."""
        return case.output.replace(b"192.0.2.1", b"127.0.0.1").replace(b"Host: backend", b"Host: 127.0.0.1:8080")

    def check(self, case, piece):
        """One case; what is wrong with its outcome, or nothing."""
        self.recorder.take()
        with socket.create_connection(WEB, 10) as visitor:
            say(visitor, case.input, piece)
            if case.verdict == "waiting":
                visitor.shutdown(socket.SHUT_WR)
            if case.verdict == "keep":
                say(visitor, SENTINEL, len(SENTINEL))
            answer = hear(visitor)
        requests, partial = self.recorder.take()
        if case.verdict == "keep" and (not requests or requests.pop() != SENTINEL_SEEN):
            return "the connection was not kept"
        wanted, whole = self.expected(case), b"".join(requests)
        if case.verdict in ("keep", "close"):
            return None if whole == wanted else f"forwarded {whole}, not {wanted}"
        # Of an unfinished message the server may have seen nothing yet, or more than the head that is written.
        rest = wanted[len(whole) :]
        if not wanted.startswith(whole) or not (rest.startswith(partial) or partial.startswith(rest)):
            return f"forwarded {whole} and {partial}, not {wanted}"
        status = case.verdict.removeprefix("refuse ").encode()
        last = answer[answer.rfind(b"HTTP/1.1 ") :][9:12]
        if case.verdict != "waiting" and last != status:
            return f"answered {answer}, not {status}"
        return None

    def test_every_case_comes_out_as_written(self):
        found = [(case, self.check(case, len(case.input))) for case in cases.requests()]
        self.assertGreaterEqual(len(found), 250)
        self.assertEqual([f"{case.place} {case.name}: {trouble}" for case, trouble in found if trouble], [])

    def test_every_case_comes_out_as_written_byte_by_byte(self):
        found = [(case, self.check(case, 1)) for case in cases.requests() if len(case.input) < 1000]
        self.assertEqual([f"{case.place} {case.name}: {trouble}" for case, trouble in found if trouble], [])

    def test_what_others_refuse_is_forwarded_only_for_a_written_reason(self):
        others = peers.start(self.house.folder)
        for other in others:
            self.addCleanup(other.stop)
        listed = cases.differences()
        met, unlisted = set(), []
        known = cases.requests()
        for bytes_ in [case.input for case in known] + list(cases.variations(known, VARIATIONS)):
            ours = count_forwarded(bytes_)
            for other in others:
                if forwards(other, bytes_, ours):
                    continue
                reasons = [one.name for one in listed if one.peer == other.name and one.input.search(bytes_)]
                met.update(reasons)
                if not reasons:
                    unlisted.append(f"{other.name} refuses {bytes_[:300]}")
        self.assertEqual(unlisted, [])
        self.assertEqual([one.name for one in listed if one.name not in met], [], "no longer refused by the other")


if __name__ == "__main__":
    lacking = [program for program in ("haproxy", "nginx") if not shutil.which(program)]
    if lacking and any("others" in word for word in sys.argv):
        print(f"SKIPPED: needs {' and '.join(lacking)}, to be compared with")
        sys.exit(house.SKIPPED)
    house.main()
