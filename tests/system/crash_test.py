"""kill -9 of any one process: the fences stay, traffic goes on, and answers are true."""

import os
import signal
import socket
import subprocess
import threading
import time

import house
from house import get, wait_until


class Visitors:
    """Sends one request after the other until stopped; records the time and result of each."""

    def __init__(self):
        self.answers = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.walk)
        self.thread.start()

    def walk(self):
        while not self.ended.is_set():
            try:
                answer = get(timeout=3)
                outcome = (answer.status, answer.getheader("X-Served-By"))
            except OSError as error:
                outcome = (str(error), None)
            except house.http.client.HTTPException as error:
                outcome = (repr(error), None)
            self.answers.append((time.monotonic(), outcome))
            self.ended.wait(0.01)

    def stop(self):
        self.ended.set()
        self.thread.join()
        return self.answers


class Crash(house.SystemTest):
    def kill(self, role):
        """Fences web1, kills the process under load, and returns the outcomes from then on and when it was."""
        self.house.cli("fence", "web1", "--why", "before the crash")
        visitors = Visitors()
        try:
            wait_until(lambda: len(visitors.answers) > 20, 5, "visitors come")
            before = self.house.children()[role]
            killed = time.monotonic()
            os.kill(before, signal.SIGKILL)
            self.assertIn("10.80.0.11:80", self.house.nft_elements())
            wait_until(lambda: self.house.children().get(role, before) != before, 5, f"a new {role} process")
            wait_until(lambda: self.house.cli("rules", check=False).returncode == 0, 5, "rules answers")
            time.sleep(1)  # load for another second; what matters is counted below
        finally:
            answers = visitors.stop()
        return killed, [answer for answer in answers if answer[0] >= killed]

    def assert_the_truth_is_told(self):
        rules = self.house.json("rules")["fences"]
        self.assertEqual({rule["address"] for rule in rules}, {"10.80.0.11:80", "10.80.0.11:5222"})
        self.assertEqual({(rule["why"], rule["drift"]) for rule in rules}, {("before the crash", None)})
        wait_until(lambda: self.house.states("app") == {"web1": "fenced", "web2": "up"}, 5, "status is right again")
        self.house.cli("unfence", "web1", "--wait", "10s")
        self.assertEqual(self.house.nft_elements(), set())

    def assert_nobody_noticed(self, answers):
        self.assertEqual({outcome for _, outcome in answers}, {(200, "web2")})

    def test_kill_9_of_control(self):
        _, answers = self.kill("control")
        self.assert_nobody_noticed(answers)
        self.assert_the_truth_is_told()

    def test_kill_9_of_the_fence_helper(self):
        _, answers = self.kill("fence")
        self.assert_nobody_noticed(answers)
        self.assert_the_truth_is_told()

    def test_kill_9_of_the_proxy(self):
        killed, answers = self.kill("proxy")
        late = [(at - killed, outcome) for at, outcome in answers if at > killed + 1]
        self.assertTrue(late)
        self.assertEqual({outcome for _, outcome in late}, {(200, "web2")}, late[:5])
        self.assert_the_truth_is_told()

    def test_a_start_waits_for_an_address_that_a_killed_proxy_still_had(self):
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        with socket.create_server(("127.0.0.1", 8080)):
            self.house.start_daemon()
            with self.assertRaises(subprocess.TimeoutExpired):
                self.house.daemon.wait(0.5)
        wait_until(lambda: get().status == 200 if self.house.states("app") else False, 10, "it serves")
        # One that goes on to be in use is told.
        self.house.daemon.terminate()
        self.house.daemon.wait(20)
        with socket.create_server(("127.0.0.1", 8080)):
            self.house.start_daemon()
            self.assertEqual(self.house.daemon.wait(20), 1)
        self.assertIn("cannot listen on 0.0.0.0:8080: Address already in use",
                      (self.house.folder / "gatehouse.log").read_text())

    def test_fences_are_known_after_a_restart_of_everything(self):
        self.house.cli("fence", "web1", "--why", "before the crash")
        children = self.house.children()
        self.house.daemon.kill()
        self.house.daemon.wait()
        wait_until(lambda: not any(map(house.alive, children.values())), 5, "the children end with the supervisor")
        self.assertIn("10.80.0.11:80", self.house.nft_elements())
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "fenced", "web2": "up"}, 10, "serving again")
        self.assertEqual({get().getheader("X-Served-By") for _ in range(6)}, {"web2"})
        self.assert_the_truth_is_told()


if __name__ == "__main__":
    house.main()
