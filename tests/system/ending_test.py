"""The daemon's end: SIGTERM lets visitors finish and leaves nothing behind."""

import os
import signal
import socket
import threading
import time

import house
from house import WEB, get, wait_until


class Ending(house.SystemTest):
    def test_sigterm_lets_exchanges_end_and_accepts_no_more(self):
        answers = []
        visitor = threading.Thread(target=lambda: answers.append(get("/drip?ms=2000")))
        visitor.start()
        wait_until(lambda: sum(found["active"] for found in self.house.backends("app").values()) == 1, 2, "in flight")
        self.house.daemon.terminate()
        wait_until(lambda: not self.accepts(), 1, "new visitors are refused")
        visitor.join()
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(len(answers[0].content), 1000)
        self.assertEqual(self.house.daemon.wait(5), 0)

    def accepts(self):
        """Whether a new visitor would still be answered."""
        try:
            return get(timeout=0.3).status == 200
        except (OSError, house.http.client.HTTPException):
            return False

    def test_relays_have_a_deadline_of_their_own_and_exchanges_take_theirs(self):
        text = house.CONFIGURATION.replace("workers = 2", 'workers = 2\ndrain = "20s"\nrelay_drain = "500ms"')
        self.house.write_configuration(text)
        self.house.cli("reload")
        answers = []
        with socket.create_connection(house.CHAT, 5) as relay:
            relay.sendall(b"hello")
            self.assertEqual(relay.recv(5, socket.MSG_WAITALL), b"hello")
            visitor = threading.Thread(target=lambda: answers.append(get("/drip?ms=2000")))
            visitor.start()
            active = lambda: sum(found["active"] for found in self.house.backends("app").values())
            wait_until(lambda: active() == 1, 2, "in flight")
            started = time.monotonic()
            self.house.daemon.terminate()
            with self.assertRaises(ConnectionResetError):
                relay.recv(1)
            self.assertLess(time.monotonic() - started, 1.5, "the relay was not to wait for the exchange")
            visitor.join()
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(len(answers[0].content), 1000)
        self.assertEqual(self.house.daemon.wait(5), 0)
        log = (self.house.folder / "gatehouse.log").read_text()
        self.assertIn('"event":"drained","exchanges_cut":0,"relays_cut":1', log)

    def test_idle_visitors_do_not_hold_up_the_end(self):
        with socket.create_connection(WEB, 5) as idle:
            idle.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(idle.recv(4096).startswith(b"HTTP/1.1 200"))
            started = time.monotonic()
            self.house.daemon.terminate()
            self.assertEqual(self.house.daemon.wait(5), 0)
            self.assertLess(time.monotonic() - started, 2)

    def test_nothing_is_left_behind(self):
        children = self.house.children()
        self.assertEqual(set(children), {"control", "proxy", "fence"})
        self.house.daemon.terminate()
        self.assertEqual(self.house.daemon.wait(10), 0)
        self.assertFalse(any(map(house.alive, children.values())))
        self.assertFalse((self.house.folder / "control.sock").exists())
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(WEB, 1)

    def test_a_second_interrupt_ends_at_once(self):
        visitor = threading.Thread(target=self.accepts_slowly)
        visitor.start()
        wait_until(lambda: sum(found["active"] for found in self.house.backends("app").values()) == 1, 2, "in flight")
        os.kill(self.house.daemon.pid, signal.SIGINT)
        time.sleep(0.2)  # two signals sent at once are one
        os.kill(self.house.daemon.pid, signal.SIGINT)
        started = time.monotonic()
        self.house.daemon.wait(5)
        self.assertLess(time.monotonic() - started, 2)
        visitor.join()

    @staticmethod
    def accepts_slowly():
        try:
            get("/drip?ms=10000")
        except (OSError, house.http.client.HTTPException):
            pass


if __name__ == "__main__":
    house.main()
