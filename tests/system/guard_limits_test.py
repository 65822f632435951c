"""Guards with sources that stall, flood or loop, and a name service that does not answer. Each question ends with
"unknown" and why, and the real, confined daemon answers the next one. No time is measured closely: what has no deadline
does not end at all."""

import concurrent.futures
import http.client
import json
import os
import socket
import struct
import threading
import time

import house

ENDS = 60  # seconds: far more than any deadline here, on a busy machine
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"


class Api(http.client.HTTPConnection):
    """The API on the control socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=ENDS)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Guarded(house.SystemTest):
    def serve(self, talk):
        """Starts a server that runs talk() for each connection; returns its port."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.addCleanup(listener.close)

        def one(connection):
            try:
                with connection:
                    talk(connection)
            except OSError:
                pass

        def accept():
            try:
                while True:
                    threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    def configure(self, source, timeout="2s", name="feed"):
        self.house.write_configuration(
            self.configuration + f'\n[guard.{name}]\nkind = "schedule"\nsource = "{source}"\ntimeout = "{timeout}"\n')
        self.house.cli("reload")

    def ask(self):
        """The daemon's answer about its guards: status and body."""
        api = Api(self.house.folder / "control.sock")
        api.request("GET", "/v1/guard")
        response = api.getresponse()
        answer = response.status, json.loads(response.read())
        api.close()
        return answer

    def why(self, source, timeout="2s"):
        """The reason why the guard is unknown. The API's timeout checks that the question ends."""
        self.configure(source, timeout)
        status, body = self.ask()
        self.assertEqual((status, body["allowed"], body["guards"][0]["verdict"]), (200, False, "unknown"))
        return body["guards"][0]["why"]


class GuardLimits(Guarded):
    def test_whatever_a_server_does_the_question_ends_and_says_why(self):
        head = b"HTTP/1.1 200 OK\r\n"

        def after_the_request(*pieces, again=b"", pause=0.0):
            def talk(connection):
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                while again:
                    time.sleep(pause)
                    connection.sendall(again)
                connection.recv(1)
            return talk

        def redirect(connection):
            connection.recv(65536)
            time.sleep(1.5)  # each below the timeout of 2 s
            connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

        record = b"\x16\x03\x03\x40\x00\x02"
        cases = [
            ("http", after_the_request(), "no answer in time"),
            ("https", after_the_request(), "no answer in time"),
            ("https", after_the_request(record, again=b"x", pause=0.5), "no answer in time"),
            ("https", after_the_request(record, again=b"x" * 65536), "no TLS connection"),
            ("webcal", after_the_request(head, again=b"X-Slow: 1\r\n", pause=1), "no answer in time"),
            ("http", after_the_request(head, again=b"X-Many: 1\r\n" * 5000), "its answer is not HTTP"),
            ("http", after_the_request(head + b"Content-Length: 9999\r\n\r\n", again=b"x", pause=1), "no answer in time"),
            ("http", after_the_request(head + b"\r\n", again=b"x" * 65536), "its answer is longer than 16 MiB"),
            ("http", after_the_request(head + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"),
             "its answer is compressed"),
            ("http", redirect, "no answer in time"),
        ]
        for scheme, talk, said in cases:
            timeout = "30s" if said != "no answer in time" else "2s"
            self.assertIn(said, self.why(f"{scheme}://127.0.0.1:{self.serve(talk)}/a.ics", timeout))
        self.configure(f"http://127.0.0.1:{self.serve(after_the_request(NOTHING))}/", "30s")
        self.assertEqual(self.ask()[1]["guards"][0]["verdict"], "allowed")
        memory = int(house.process_status(self.house.children()["control"])["VmHWM"].split()[0])
        self.assertLess(memory, 400_000, "kB")

    def test_questions_at_the_same_time_are_limited(self):
        release = threading.Event()
        asked = threading.Semaphore(0)

        def talk(connection):
            connection.recv(65536)
            asked.release()
            release.wait(ENDS)
            connection.sendall(NOTHING)

        self.configure(f"http://127.0.0.1:{self.serve(talk)}/", "60s")
        with concurrent.futures.ThreadPoolExecutor(8) as readers:
            held = [readers.submit(self.ask) for _ in range(8)]
            try:
                for _ in held:
                    self.assertTrue(asked.acquire(timeout=ENDS))
                status, body = self.ask()
                self.assertEqual((status, body["error"]["why"]), (503, "others ask the guards already"))
            finally:
                release.set()
            self.assertEqual({reader.result()[0] for reader in held}, {200})
        self.assertEqual(self.ask()[0], 200)


class NameService(Guarded):
    """The daemon with a resolv.conf of its own, in a mount namespace."""

    def prepare(self):
        names = self.house.folder / "resolv.conf"
        names.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        (self.house.folder / "hosts").write_text("127.0.0.1 localhost\n")
        self.house.through = ["unshare", "--mount", "--propagation", "slave", "sh", "-c",
                              f"mount --bind {names} {os.path.realpath('/etc/resolv.conf')} &&"
                              f" mount --bind {self.house.folder}/hosts /etc/hosts && exec \"$@\"", "sh"]
        self.honest = threading.Event()
        self.tcp = []
        self.asked = 0
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", 53))
        self.addCleanup(datagrams.close)
        listener = socket.create_server(("127.0.0.1", 53), backlog=64)
        self.addCleanup(listener.close)
        self.cut = True  # answers are cut, so that the resolver asks over TCP, and gets no answer there
        threading.Thread(target=self.answer, args=(datagrams,), daemon=True).start()
        threading.Thread(target=self.accept, args=(listener,), daemon=True).start()

    def accept(self, listener):
        try:
            while True:
                self.tcp.append(listener.accept()[0])
        except OSError:
            pass

    def answer(self, datagrams):
        try:
            while True:
                query, sender = datagrams.recvfrom(4096)
                self.asked += 1
                if not self.honest.is_set() and not self.cut:
                    continue
                end = query.index(b"\0", 12) + 5
                a = query[end - 4:end - 2] == b"\0\1"
                told = self.honest.is_set() and a
                flags = 0x8180 if self.honest.is_set() else 0x8380  # QR, RD, RA; TC (RFC 1035, section 4.1.1)
                answer = struct.pack("!2sHHHHH", query[:2], flags, 1, 1 if told else 0, 0, 0) + query[12:end]
                if told:
                    answer += b"\xc0\x0c" + struct.pack("!HHIH4s", 1, 1, 1, 4, bytes([127, 0, 0, 1]))
                datagrams.sendto(answer, sender)
        except OSError:
            pass

    def test_a_name_service_that_hangs_keeps_no_place_for_ever(self):
        def talk(connection):
            connection.recv(65536)
            connection.sendall(NOTHING)

        port = self.serve(talk)
        for self.cut in (True, False):
            with concurrent.futures.ThreadPoolExecutor(8) as readers:
                self.configure(f"http://feed.example:{port}/", "1s")
                for _ in range(3):  # more than there are places for lookups
                    for status, body in readers.map(lambda _: self.ask(), range(8)):
                        self.assertEqual((status, body["guards"][0]["verdict"]), (200, "unknown"))
                        self.assertIn("its name cannot be looked up", body["guards"][0]["why"])
        self.assertGreater(self.asked, 0, "the daemon asks this name service")
        self.assertEqual(self.tcp, [], "over TCP the C library has no deadline")
        self.honest.set()
        self.configure(f"http://feed.example:{port}/", "30s")
        status, body = self.ask()
        self.assertEqual((status, body["guards"][0]["verdict"]), (200, "allowed"), body)


if __name__ == "__main__":
    house.main("unshare")
