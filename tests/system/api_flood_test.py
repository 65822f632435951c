"""The API under a flood: silent peers, unfinished handshakes, and a reader that asks without a pause. An operator's
fence, over the socket and over TLS, must not wait for them."""

import http.client
import json
import multiprocessing
import resource
import socket
import ssl
import statistics
import threading
import time

import house
import remote_test
from house import wait_until
from remote_test import HOST, PORT

# For the median, in milliseconds. Where an idle fence takes longer than a fifth of it, five times that. (A sanitizer's
# build, a busy machine.)
BOUND = 200
ROUNDS = 25
FORK = multiprocessing.get_context("fork")


def client_hello():
    """The first message of a handshake, as a real client writes it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = context.wrap_bio(incoming, outgoing)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Local(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(str(self.path))


class Flood(remote_test.Remote):
    def beside(self, work):
        """Runs work in a process of its own on the servers' machine, to the end of the test."""
        def in_namespace():
            with open(f"/run/netns/{self.house.app}", "rb") as namespace:
                house.enter_namespace(namespace.fileno())
            work()
        process = FORK.Process(target=in_namespace)
        process.start()
        self.addCleanup(lambda: (process.kill(), process.join()))
        return process

    def call(self, path=None, source="10.80.0.1"):
        if path:
            return Local(path)
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        return http.client.HTTPSConnection(HOST, PORT, context=context, timeout=20, source_address=(source, 0))

    def ask(self, connection, method, path, token="", body=None):
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, body=body and json.dumps(body), headers=fields)
        answer = connection.getresponse()
        answer.content = answer.read()
        connection.close()
        return answer

    def half_open(self):
        """A thousand handshakes that stop after their first word, from three addresses, and begin anew when they are
        dropped."""
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
        hello = client_hello()
        callers = []
        while True:
            while len(callers) < 1000:
                source = f"10.80.0.{11 + len(callers) % 3}"
                caller = socket.create_connection((HOST, PORT), 20, source_address=(source, 0))
                callers.append(caller)
                try:
                    caller.sendall(hello)
                except OSError:
                    pass  # turned away at once
            time.sleep(0.1)
            for caller in callers[:100]:
                caller.close()
            callers = callers[100:]

    def keep_asking(self):
        token = (self.folder / "read.token").read_text().strip()

        def again():
            while True:
                try:
                    self.ask(self.call(source="10.80.0.11"), "GET", "/v1/status", token)
                except (OSError, http.client.HTTPException):
                    pass  # turned away, which is what is wanted
        threads = [threading.Thread(target=again, daemon=True) for _ in range(48)]
        for thread in threads:
            thread.start()
        threads[0].join()

    def times(self, server, call, token=""):
        """How long orders took, in milliseconds, the shortest first."""
        taken = []
        for number in range(2 * ROUNDS):
            path = "/v1/unfence" if number % 2 else "/v1/fence"
            begun = time.monotonic()
            answer = self.ask(call(), "POST", path, token, {"servers": [server], "why": "under a flood"})
            taken.append((time.monotonic() - begun) * 1000)
            self.assertEqual(answer.status, 200, answer.content)
        return sorted(taken[::2])

    def measure(self, when):
        operator = (self.folder / "operate.token").read_text().strip()
        # From an address that no flood uses; each way with a server of its own.
        answers = FORK.Queue()
        beside = self.beside(lambda: answers.put(self.times("web2", lambda: self.call(source="10.80.0.14"), operator)))
        local = self.times("web1", lambda: self.call(self.folder / "control.sock"))
        taken = {"socket": local, "TLS": answers.get(timeout=120)}
        beside.join()
        for how, each in taken.items():
            print(f"{when}: a fence over {how} took {statistics.median(each):.1f} ms in the median, "
                  f"{each[int(len(each) * 0.9)]:.1f} at 90 %, {each[-1]:.1f} at most", flush=True)
            bound = max(BOUND, 5 * self.at_rest.setdefault(how, statistics.median(each)))
            self.assertLess(statistics.median(each), bound, f"{when}, {how}")

    def test_a_flood_of_the_api_lets_operators_work_all_the_time(self):
        wait_until(lambda: self.remote("status", who="read").returncode == 0, 20, "it serves TLS")
        self.at_rest = {}
        self.measure("at rest")
        silent = [socket.create_connection((HOST, PORT), 5) for _ in range(64)]
        mute = []
        for _ in range(64):
            mute.append(socket.socket(socket.AF_UNIX))
            mute[-1].connect(str(self.folder / "control.sock"))
        self.measure("64 silent peers")
        self.beside(self.half_open)
        self.measure("1,000 half-open handshakes too")
        self.beside(self.keep_asking)
        time.sleep(1)
        self.measure("a reader's flood too")
        for caller in silent + mute:
            caller.close()
        memory = int(house.process_status(self.house.children()["control"])["VmHWM"].split()[0])
        print(f"control's memory was {memory // 1024} MiB at most", flush=True)
        # A flood of refused callers stands in the audit log, and does not fill it.
        self.flood_with_wrong_tokens()

    def flood_with_wrong_tokens(self):
        for number in range(60):
            answer = self.ask(self.call(), "GET", "/v1/status", f"gh_{number:064x}")
            self.assertEqual(answer.status, 401)
        entries = [entry for entry in self.house.json("audit", "--last", "1000")["entries"]
                   if entry["what"] == "refused" and entry["from"] == "10.80.0.1"]
        self.assertTrue(1 <= len(entries) <= 3, entries)
        self.assertEqual(entries[0]["who"], "unknown")
        self.assertIn("not among [access]", entries[0]["outcome"])


if __name__ == "__main__":
    house.main()
