"""`gatehouse upgrade`: the daemon becomes another binary in its own process, and no visitor notices."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import house
from house import CHAT, WEB, WEB6, get, wait_until

UPGRADES = 5
WEBSOCKET = (b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")


class Visitor:
    """Asks again and again, on a kept connection (with pauses) or on a new one for each request. No retries: every
    failure is recorded."""

    def __init__(self, address, keep, pause=0.0):
        self.address, self.keep, self.pause = address, keep, pause
        self.connection = None
        self.answers = self.connections = 0
        self.wrong = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.walk)
        self.thread.start()

    def walk(self):
        while not self.ended.wait(self.pause):
            try:
                self.ask()
            except (OSError, house.http.client.HTTPException) as error:
                self.wrong.append(f"{'kept' if self.keep else 'new'} connection to {self.address}: {error!r}")
                self.connection = None

    def ask(self):
        if self.connection is None:
            self.connection = house.http.client.HTTPConnection(*self.address, timeout=10)
            self.connections += 1
        response = get(connection=self.connection)
        self.answers += 1
        if response.status != 200:
            self.wrong.append(f"status {response.status}")
        if not self.keep or response.getheader("Connection") == "close":
            self.connection.close()
            self.connection = None

    def stop(self):
        self.ended.set()
        self.thread.join()


class Upgrade(house.SystemTest):
    configuration = house.CONFIGURATION.replace("workers = 2", 'workers = 2\ndrain = "8s"\nrelay_drain = "6s"')

    def prepare(self):
        self.house.install()
        self.folder = self.house.program.parent

    def install(self, text=None, mode=0o755):
        """A new binary in the old one's place, as a package manager does it; text makes it a script."""
        fresh = self.folder / "gatehouse.new"
        if text is None:
            shutil.copy(house.BUILD / "gatehouse", fresh)
        else:
            fresh.write_text(text)
        fresh.chmod(mode)
        fresh.rename(self.house.program)

    def processes(self):
        """Roles of all children with their process ids, zombies too."""
        listed = pathlib.Path(f"/proc/{self.house.daemon.pid}/task/{self.house.daemon.pid}/children")
        found = []
        for pid in listed.read_text().split():
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended since
            found.append((words[words.index("--role") + 1] if "--role" in words else " ".join(words), int(pid)))
        return sorted(found)

    def roles(self):
        return [role for role, _ in self.processes()]

    def outcome(self):
        """Of the last change, as the audit log has it."""
        return self.house.json("audit", "--last", "1")["entries"][0]["outcome"]

    def log(self):
        return (self.house.folder / "gatehouse.log").read_text(errors="replace")

    def wrk(self, *options):
        command = ["wrk", "-t1", "-c16", "-d60s", *options, "http://127.0.0.1:8080/"]
        return subprocess.Popen(house.TIED + command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def test_upgrades_in_a_row_fail_no_request_and_refuse_no_connect(self):
        main = self.house.daemon.pid
        loads = [self.wrk(), self.wrk("-H", "Connection: close")]
        visitors = [Visitor(WEB, keep=True, pause=0.02 * number) for number in range(5)]
        visitors += [Visitor(address, keep=False) for address in (WEB, WEB, WEB6)]
        proxies = {self.house.children()["proxy"]}
        took = []
        try:
            for _ in range(UPGRADES):
                self.install()
                wait_until(lambda: self.roles().count("proxy") <= 4, 20, "room for one more that drains")
                before = time.monotonic()
                said = self.house.cli("upgrade", "--why", "the test").stdout
                took.append(time.monotonic() - before)
                self.assertRegex(said, r"^upgraded: \S+ \(proxy \d+\) -> \S+ \(proxy \d+\)\n$")
                wait_until(lambda: re.match(r"done: \S+ to \S+$", self.outcome()), 10, "the audit log says so too")
                proxies.add(int(re.findall(r"proxy (\d+)", said)[1]))
                time.sleep(1)  # of load on the new one alone
        finally:
            for visitor in visitors:
                visitor.stop()
            for load in loads:
                load.send_signal(house.signal.SIGINT)
            outputs = [load.communicate(timeout=20)[0] for load in loads]
        print(*outputs, "seconds an upgrade took:", *(f"{one:.2f}" for one in took))
        print(sum(one.answers for one in visitors), "answers on", sum(one.connections for one in visitors),
              "connections of visitors")
        self.assertEqual([wrong for visitor in visitors for wrong in visitor.wrong], [])
        for output in outputs:
            self.assertNotIn("Socket errors", output)
            self.assertNotIn("Non-2xx", output)
            self.assertGreater(int(re.search(r"(\d+) requests in", output).group(1)), 500)
        self.assertEqual(len(proxies), UPGRADES + 1, "each upgrade has a proxy of its own")
        self.assertEqual((self.house.daemon.pid, self.house.daemon.poll()), (main, None))
        wait_until(lambda: self.roles() == ["control", "fence", "proxy"], 15, "the old proxies have ended")
        self.assertNotIn("process_exit", self.log())
        self.assertNotRegex(self.log(), r'"(exchanges|relays)_cut":[1-9]')

    def test_what_is_in_flight_goes_on_in_the_old_proxy(self):
        answers = []
        download = threading.Thread(target=lambda: answers.append(get("/drip?ms=3000")))
        relay = socket.create_connection(CHAT, 10)
        upgraded = socket.create_connection(WEB, 10)
        self.addCleanup(relay.close)
        self.addCleanup(upgraded.close)
        upgraded.sendall(WEBSOCKET)
        self.assertTrue(self.read_head(upgraded).startswith(b"HTTP/1.1 101"))
        download.start()
        wait_until(lambda: sum(found["active"] for found in self.house.backends("app").values()) == 2, 2, "in flight")
        self.say(relay, b"before")
        old = self.house.children()["proxy"]
        self.install()
        self.house.cli("upgrade")
        self.assertIn(("proxy", old), self.processes())
        for held in (relay, upgraded):
            self.say(held, b"after" * 10_000)
        download.join()
        self.assertEqual((answers[0].status, len(answers[0].content)), (200, 1000))
        self.assertEqual(get().status, 200)
        self.say(relay, b"still here")
        relay.close()
        upgraded.close()
        wait_until(lambda: self.roles() == ["control", "fence", "proxy"], 5, "the old proxy ends with its last relay")
        self.assertNotIn(("proxy", old), self.processes())
        self.assertIn('"event":"drained","exchanges_cut":0,"relays_cut":0', self.log())

    @staticmethod
    def read_head(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        return head

    def say(self, connection, message):
        connection.sendall(message)
        back = b""
        while len(back) < len(message):
            piece = connection.recv(65536)
            self.assertTrue(piece, "it was closed")
            back += piece
        self.assertEqual(back, message)

    def test_a_relay_that_does_not_end_is_cut_at_its_deadline(self):
        with socket.create_connection(CHAT, 15) as relay:
            self.say(relay, b"hello")
            self.house.cli("upgrade")
            began = time.monotonic()
            with self.assertRaises(ConnectionResetError):
                relay.recv(1)
            self.assertTrue(5 < time.monotonic() - began < 8)
        wait_until(lambda: self.roles() == ["control", "fence", "proxy"], 5, "the old proxy has ended")

    def test_a_fence_holds_and_is_told(self):
        self.house.cli("fence", "web1", "--why", "before the upgrade")
        before = self.house.json("rules")["fences"]
        visitor = Visitor(WEB, keep=False)
        self.addCleanup(visitor.stop)
        self.install()
        upgrade = subprocess.Popen([str(house.BUILD / "gatehouse"), "upgrade", "--socket",
                                    f"{self.house.folder}/control.sock"], stdout=subprocess.DEVNULL)
        while upgrade.poll() is None:
            self.assertIn("10.80.0.11:80", self.house.nft_elements())
        self.assertEqual(upgrade.returncode, 0)
        self.assertEqual(self.house.states("app"), {"web1": "fenced", "web2": "up"})
        after = self.house.json("rules")["fences"]
        facts = ("address", "mode", "scope", "who", "why", "since", "id", "drift")
        self.assertEqual([[one[fact] for fact in facts] for one in after],
                         [[one[fact] for fact in facts] for one in before])
        self.assertEqual({get().getheader("X-Served-By") for _ in range(6)}, {"web2"})
        visitor.stop()
        self.assertEqual(visitor.wrong, [])
        self.house.cli("unfence", "web1", "--wait", "10s")
        self.assertEqual(self.house.nft_elements(), set())

    def test_json_and_the_log_tell_who_and_why(self):
        self.install()
        told = self.house.json("upgrade", "--why", "package 0.2")
        self.assertEqual((told["state"], told["number"], told["why"], told["error"]), ("done", 1, "package 0.2", None))
        self.assertNotEqual(told["proxy"], told["proxy_before"])
        self.assertEqual(self.house.json("status")["upgrade"], told)
        events = [line for line in self.log().splitlines() if '"event":"upgrade"' in line]
        self.assertEqual([re.search(r'"state":"(\w+)"', line).group(1) for line in events], ["begun", "done"])
        self.assertTrue(all('"why":"package 0.2"' in line for line in events))
        self.house.daemon.terminate()
        self.assertEqual(self.house.daemon.wait(15), 0)
        self.assertFalse((self.house.folder / "control.sock").exists())

    def test_a_binary_that_will_not_do_is_refused(self):
        before = self.house.children()
        visitor = Visitor(WEB, keep=True)
        self.addCleanup(visitor.stop)
        for text, mode, why in (
            (None, 0o644, "Permission denied"),
            ("#!/bin/sh\necho 'libfmt.so.9: cannot open' >&2\nexit 127\n", 0o755, "libfmt.so.9: cannot open"),
            ("#!/bin/sh\nexit 3\n", 0o755, "exit code 3"),
            ("no program at all", 0o755, "cannot be executed"),
        ):
            self.install(text, mode)
            self.assert_refused(why)
        for place, mode, back in ((self.house.program, 0o775, 0o755), (self.house.program, 0o757, 0o755),
                                  (self.folder, 0o777, 0o755)):
            self.install()
            place.chmod(mode)
            self.assert_refused(f"others than its owner may write {'in' if place == self.folder else 'to'} {place}")
            place.chmod(back)
        shutil.chown(self.house.program, "gatehouse")
        self.assert_refused(f"{self.house.program} belongs to uid")
        self.house.program.unlink()
        self.assert_refused("No such file or directory")
        self.install()
        good = self.house.configuration.read_text()
        self.house.configuration.write_text(good + "\n[nonsense]\n")
        self.assert_refused("gatehouse.toml:")
        self.house.configuration.write_text(good)
        self.house.configuration.chmod(0o600)
        self.assert_refused("gatehouse.toml")
        visitor.stop()
        self.assertEqual((visitor.wrong, visitor.connections), ([], 1))
        self.assertEqual(self.house.children(), before)
        self.assertEqual(len(self.processes()), 3)
        self.house.configuration.chmod(0o644)
        self.house.cli("upgrade")

    def assert_refused(self, why):
        refused = self.house.cli("upgrade", check=False)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""), refused.stderr)
        # On a slow machine an earlier line names the wait.
        told = [line for line in refused.stderr.splitlines() if line.startswith("gatehouse: ")]
        self.assertEqual((len(told), refused.stderr.splitlines()[-1:]), (1, told), refused.stderr)
        self.assertIn(f"cannot upgrade to {self.house.program}: ", refused.stderr)
        self.assertIn(why, refused.stderr)
        self.assertIn("; nothing has changed", refused.stderr)

    def test_a_version_that_cannot_serve_is_given_up(self):
        """Its checks pass, but a listener of the changed file is another program's."""
        before = self.house.children()["proxy"]
        visitor = Visitor(WEB, keep=False, pause=0.01)
        self.addCleanup(visitor.stop)
        with socket.create_server(("127.0.0.1", 8099)):
            more = '[listen.more]\naddress = "127.0.0.1:8099"\nmode = "http"\npool = "app"\n\n'
            self.house.write_configuration(more + self.configuration)
            self.install()
            given_up = self.house.cli("upgrade", "--wait", "1m", check=False)
            self.assertEqual(given_up.returncode, 1, given_up.stderr)
            self.assertIn("not upgraded", given_up.stderr)
            *told, failure = given_up.stderr.splitlines()
        self.assertTrue(any("the old one serves until it is ready" in line for line in told), told)
        self.assertTrue(failure.startswith("gatehouse: not upgraded"), given_up.stderr)
        wait_until(lambda: self.roles() == ["control", "fence", "proxy"], 5, "three processes")
        self.assertEqual(self.house.children()["proxy"], before, "the proxy has never ended")
        wait_until(lambda: self.outcome().startswith("failed, "), 10, "the audit log says so")
        visitor.stop()
        self.assertEqual(visitor.wrong, [])
        # And with the port free, the next one works.
        self.house.cli("upgrade")
        self.assertEqual(get(address=("127.0.0.1", 8099)).status, 200)
        self.assertEqual(self.house.json("status")["upgrade"]["number"], 2)

    def test_a_wait_that_runs_out_is_code_4_and_the_upgrade_goes_on(self):
        self.assertEqual(self.house.cli("upgrade", "--wait", "1ms", check=False).returncode, 4)
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "serving")
        wait_until(lambda: self.house.json("status")["upgrade"]["state"] == "done", 10, "done")


if __name__ == "__main__":
    house.main()
