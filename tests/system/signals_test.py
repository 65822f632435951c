"""What each signal does to the daemon and to its processes: docs/reference/signals.md."""

import json
import os
import signal
import threading
import time

import house
from house import get, wait_until

# By default these end a process, except WINCH; some are orders for other balancers.
HARMLESS = [signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF,
            signal.SIGIO, signal.SIGPWR, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSTKFLT, signal.SIGWINCH,
            *range(signal.SIGRTMIN, signal.SIGRTMAX + 1)]


class Signals(house.SystemTest):
    def events(self, kind):
        lines = (self.house.folder / "gatehouse.log").read_text().split("\n")[:-1]  # whole ones
        return [json.loads(line) for line in lines if f'"event":"{kind}"' in line]

    def test_harmless_ones_are_ignored_and_told_once(self):
        children = self.house.children()
        for number in HARMLESS:
            for _ in range(2):
                os.kill(self.house.daemon.pid, number)
        wait_until(lambda: len(self.events("signal")) >= len(HARMLESS), 5, "each has left a line")
        os.kill(self.house.daemon.pid, signal.SIGUSR1)
        os.kill(self.house.daemon.pid, signal.SIGHUP)
        wait_until(lambda: self.events("reload"), 5, "it has reloaded")
        told = self.events("signal")
        names = [event["signal"] for event in told]
        self.assertEqual(len(names), len(set(names)), names)
        self.assertEqual(len(names), len(HARMLESS))
        self.assertLessEqual({"SIGUSR1", "SIGPIPE", "SIGWINCH", "SIGRTMIN+0", "SIGRTMIN+30"}, set(names))
        self.assertEqual({event["sender"] for event in told}, {os.getpid()})
        self.assertEqual(get().status, 200)
        self.assertEqual(self.house.children(), children)

    def test_its_processes_ignore_them_and_those_that_are_for_the_daemon(self):
        """As `killall -HUP gatehouse` sends it to all four."""
        children = self.house.children()
        for pid in children.values():
            for number in [*HARMLESS, signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]:
                os.kill(pid, number)
        for _ in range(10):
            self.assertEqual(get().status, 200)
        self.house.cli("fence", "web1", "--why", "the fence process lives")
        self.house.cli("unfence", "web1")
        self.assertEqual(self.house.children(), children)
        self.assertEqual(self.events("process_exit"), [])

    def test_all_of_them_go_with_killall_term_and_visitors_are_served_to_the_end(self):
        answers = []
        visitor = threading.Thread(target=lambda: answers.append(get("/drip?ms=1500")))
        visitor.start()
        active = lambda: sum(found["active"] for found in self.house.backends("app").values())
        wait_until(lambda: active() == 1, 2, "in flight")
        for pid in (*self.house.children().values(), self.house.daemon.pid):
            os.kill(pid, signal.SIGTERM)
        visitor.join()
        self.assertEqual((answers[0].status, len(answers[0].content)), (200, 1000))
        self.assertEqual(self.house.daemon.wait(5), 0)

    def test_quit_drains_as_term_does(self):
        answers = []
        visitor = threading.Thread(target=lambda: answers.append(get("/drip?ms=1500")))
        visitor.start()
        active = lambda: sum(found["active"] for found in self.house.backends("app").values())
        wait_until(lambda: active() == 1, 2, "in flight")
        self.house.daemon.send_signal(signal.SIGQUIT)
        visitor.join()
        self.assertEqual((answers[0].status, len(answers[0].content)), (200, 1000))
        self.assertEqual(self.house.daemon.wait(5), 0)

    def test_a_second_order_to_stop_cuts(self):
        def visit():
            try:
                get("/drip?ms=10000")
            except (OSError, house.http.client.HTTPException):
                pass

        visitor = threading.Thread(target=visit)
        visitor.start()
        active = lambda: sum(found["active"] for found in self.house.backends("app").values())
        wait_until(lambda: active() == 1, 2, "in flight")
        self.house.daemon.send_signal(signal.SIGTERM)
        wait_until(lambda: self.events("stopping"), 2, "it drains")
        started = time.monotonic()
        os.kill(self.house.daemon.pid, signal.SIGUSR1)
        os.kill(self.house.daemon.pid, signal.SIGHUP)
        self.house.daemon.send_signal(signal.SIGINT)
        self.assertEqual(self.house.daemon.wait(5), 1)
        self.assertLess(time.monotonic() - started, 2)
        visitor.join()


if __name__ == "__main__":
    house.main()
