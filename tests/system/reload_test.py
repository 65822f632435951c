"""A reload every 100 ms, each with another configuration, while visitors ask, send, and hold WebSockets and relays
open: not one request may fail, and nothing that is open may be closed."""

import os
import re
import socket
import subprocess
import threading
import time

import house
from house import CHAT, WEB, get, wait_until

SECONDS = 15
EVERY = 0.1  # seconds from one reload to the next
MORE = ("127.0.0.1", 8081)
MORE_LISTENER = '[listen.more]\naddress = "0.0.0.0:8081"\nmode = "http"\npool = "app"\n\n'
LIMITED = '{{ name = "web1", max_connections = 12 }}'


def variant(number):
    """Configuration after configuration; each bit of the number is one thing that comes and goes."""
    app = [LIMITED if number & 4 else '"web1"'] + ['"web2"'] * (number & 2 == 0)
    text = house.CONFIGURATION.replace('80\nservers = ["web1", "web2"]', f"80\nservers = [{', '.join(app)}]")
    text = text.replace("workers = 2", f'workers = 2\nzero_copy = "{"off" if number & 8 else "auto"}"')
    if number & 16:
        text = text.replace("[pool.chat]\nport = 5222\n", '[pool.chat]\nport = 5222\nbalance = "least_connections"\n')
        text = text.replace('servers = ["web1", "web2"]\ncheck = {{ type', 'servers = ["web2"]\ncheck = {{ type')
    return text if number & 1 else MORE_LISTENER + text


class Held:
    """A connection that stays open, and says everything back."""

    def __init__(self, address, upgrade):
        self.socket = socket.create_connection(address, 10)
        self.what = f"{'WebSocket' if upgrade else 'relay'} {self.socket.getsockname()[1]}"
        if upgrade:
            self.socket.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.socket.recv(1)
            assert head.startswith(b"HTTP/1.1 101"), head

    def say(self, message):
        self.socket.sendall(message)
        back = b""
        while len(back) < len(message):
            piece = self.socket.recv(len(message) - len(back))
            if not piece:
                raise AssertionError(f"{self.what} was closed")
            back += piece
        if back != message:
            raise AssertionError(f"{self.what} says something else")


class Reload(house.SystemTest):
    configuration = variant(0)

    def setUp(self):
        super().setUp()
        self.stopping = threading.Event()
        self.wrong = []
        self.said = self.sent = 0

    def test_a_reload_every_100_ms_fails_no_request_and_closes_nothing(self):
        held = [Held(*kind) for kind in ((WEB, True), (MORE, True), (CHAT, False)) for _ in range(8)]
        for one in held:
            self.addCleanup(one.socket.close)
        threads = [threading.Thread(target=self.attempt, args=(work, held)) for work in (self.talk, self.upload)]
        loads = [self.wrk(), self.wrk("-H", "Connection: close")]
        for thread in threads:
            thread.start()
        try:
            reloads = self.reload_while(loads[0])
            outputs = [load.communicate(timeout=30)[0] for load in loads]
        finally:
            self.stopping.set()
            for load in loads:
                load.kill()
            for thread in threads:
                thread.join()
        print(*outputs, f"{reloads} reloads, {self.said} messages on held connections, {self.sent} bodies")
        self.assertEqual(self.wrong, [])
        for output in outputs:
            self.assertNotIn("Socket errors", output)
            self.assertNotIn("Non-2xx", output)
            self.assertGreater(int(re.search(r"(\d+) requests in", output).group(1)), 20 * SECONDS)
        self.assertGreater(reloads, 5, "reloads took too long to mean anything")
        self.assertGreater(self.said, 3 * len(held))
        self.assertGreater(self.sent, SECONDS)
        # The last reload counts, and no process goes on with an older one.
        self.house.write_configuration(variant(0))
        self.house.cli("reload")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 5, "both up again")
        self.assertEqual(get(address=MORE).status, 200)

    def wrk(self, *options):
        command = ["wrk", "-t1", "-c16", f"-d{SECONDS}s", *options, "http://127.0.0.1:8080/"]
        return subprocess.Popen(house.TIED + command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def reload_while(self, load):
        reloads = 0
        tick = time.monotonic()
        while load.poll() is None:
            reloads += 1
            self.house.write_configuration(variant(reloads))
            self.house.cli("reload")
            tick += EVERY
            time.sleep(max(0.0, tick - time.monotonic()))
        return reloads

    def attempt(self, work, held):
        try:
            work(held)
        except (AssertionError, OSError, house.http.client.HTTPException) as error:
            self.wrong.append(f"{work.__name__}: {error!r}")

    def talk(self, held):
        while not self.stopping.is_set():
            for one in held:
                one.say(os.urandom(1 + self.said * 997 % 100_000))
                self.said += 1

    def upload(self, _):
        """Bodies that are spliced, or copied while zero_copy is off; on a connection that is kept."""
        connection = house.http.client.HTTPConnection(*WEB, timeout=10)
        while not self.stopping.is_set():
            body = os.urandom(200_000)
            answer = get("/echo", method="POST", body=body, connection=connection)
            if answer.status != 200 or answer.content != body:
                raise AssertionError(f"status {answer.status}, {len(answer.content)} bytes came back")
            self.sent += 1


if __name__ == "__main__":
    house.main()
