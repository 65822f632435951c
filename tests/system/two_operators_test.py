"""Two operators and a rollout on the same servers, with processes that are stopped or killed meanwhile. Every answer is
true."""

import os
import random
import signal
import subprocess
import threading
import time

from house import BUILD, SystemTest, get, main, run, wait_until


class TwoOperators(SystemTest):
    def prepare(self):
        self.under_way = []

    def begin(self, *words):
        """A command that goes on while the test does; result() waits for its end."""
        command = [BUILD / "gatehouse", *words, "--socket", f"{self.house.folder}/control.sock"]
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   stdin=subprocess.DEVNULL)
        self.addCleanup(started.kill)
        return started

    def result(self, started, seconds=60):
        out, err = started.communicate(timeout=seconds)
        return started.returncode, out + err

    def slow_requests(self, seconds, count=8):
        """So many requests that each worker sends web2 some of its own."""
        threads = [threading.Thread(target=lambda: get(f"/slow?ms={seconds * 1000}"), daemon=True) for _ in range(count)]
        for each in threads:
            each.start()
        wait_until(lambda: (self.house.backends("app")["web2"]["active"] or 0) >= 1, 5, "in flight")
        return threads

    def fence_of(self, server):
        return self.house.backends("app")[server]["fence"]

    def test_a_drain_of_a_lifted_fence_ends_with_1_and_says_by_whom(self):
        self.slow_requests(10)
        drain = self.begin("fence", "web2", "--pool", "app", "--drain", "20s")
        wait_until(lambda: self.fence_of("web2"), 5, "fenced")
        self.house.cli("unfence", "web2", "--why", "false alarm")
        code, said = self.result(drain)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"lifted by \S+.* at .*\(false alarm\)")
        self.assertNotIn("nothing is in flight", said)

    def test_a_drain_of_a_fence_that_runs_out_ends_with_1(self):
        self.slow_requests(10)
        code, said = self.result(self.begin("fence", "web2", "--pool", "app", "--for", "2s", "--drain", "20s"))
        self.assertEqual(code, 1, said)
        self.assertIn("ran out", said)

    def test_a_stopped_proxy_has_not_drained(self):
        self.slow_requests(12)
        drain = self.begin("fence", "web2", "--pool", "app", "--drain", "3s")
        wait_until(lambda: self.fence_of("web2"), 5, "fenced")
        proxy = self.house.children()["proxy"]
        os.kill(proxy, signal.SIGSTOP)
        try:
            code, said = self.result(drain)
        finally:
            os.kill(proxy, signal.SIGCONT)
        self.assertEqual(code, 4, said)
        self.assertIn("not known", said)

    def test_a_wedged_proxy_holds_up_no_fence(self):
        proxy = self.house.children()["proxy"]
        log = self.house.folder / "gatehouse.log"
        os.kill(proxy, signal.SIGSTOP)
        try:
            for words in (["web2"], ["web1", "--kill"]):
                code, said = self.result(self.begin("fence", *words, "--pool", "app", "--why", "it burns"))
                self.assertEqual(code, 4, said)
                self.assertIn("the fence holds in the kernel, but the proxy has not confirmed it", said)
                self.assertIn("not known", said)
            fences = self.house.json("rules")["fences"]
            self.assertEqual(sorted(fence["server"] for fence in fences), ["web1", "web2"])
            self.assertEqual({fence["why"] for fence in fences}, {"it burns"})
            self.assertIn("10.80.0.12 . tcp . 80", run("nft", "list", "table", "inet", "gatehouse").stdout)
        finally:
            os.kill(proxy, signal.SIGCONT)
        wait_until(lambda: '"told":"what it had not taken before"' in log.read_text(), 20, "the proxy is told again")
        wait_until(lambda: self.house.states("app") == {"web1": "fenced", "web2": "fenced"}, 20, "it has taken them")
        self.assertEqual(get().status, 503)
        self.house.cli("unfence", "web1", "web2", "--pool", "app")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 20, "open again")

    def test_a_rollout_leaves_the_fence_that_an_operator_sets_while_its_command_runs(self):
        running = self.house.folder / "running"
        rollout = self.begin("deploy", "rolling", "--pool", "app", "--run", f"touch {running}; sleep 3",
                             "--expect-status", "204,2xx")
        wait_until(running.exists, 20, "the command runs")
        self.house.cli("fence", "web1", "--pool", "app", "--why", "disk broken, do not touch", "--yes")
        code, said = self.result(rollout)
        self.assertEqual(code, 1, said)
        self.assertIn("disk broken, do not touch", said)
        fence = self.fence_of("web1")
        self.assertEqual((fence["why"], fence["owner"]), ("disk broken, do not touch", {"kind": "operator"}))
        self.house.cli("deploy", "abort")
        self.assertEqual(self.fence_of("web1")["why"], "disk broken, do not touch")

    def test_a_rollout_pauses_when_its_fence_is_lifted_and_no_server_opens_under_its_command(self):
        running, ended = self.house.folder / "running", self.house.folder / "ended"
        rollout = self.begin("deploy", "rolling", "--pool", "app", "--run", f"touch {running}; sleep 3; touch {ended}")
        wait_until(running.exists, 20, "the command runs")
        unfence = self.begin("unfence", "web1", "--pool", "app", "--why", "I need it")
        while unfence.poll() is None:
            fenced = self.fence_of("web1")  # first: the command may end between the two looks
            self.assertTrue(fenced or ended.exists(), "opened under its command")
            time.sleep(0.05)
        self.assertEqual(self.result(unfence)[0], 0)
        code, said = self.result(rollout)
        self.assertEqual(code, 1, said)
        self.assertIn("lifted by", said)
        self.assertIn("I need it", said)
        self.assertEqual(self.house.json("deploy", "status")["state"], "paused")

    def test_another_operators_fence_is_kept_and_named(self):
        self.house.cli("fence", "web2", "--pool", "app", "--why", "disk broken", "--for", "30m")
        second = self.house.cli("fence", "web2", "--pool", "app", "--why", "patches")
        self.assertEqual(second.returncode, 0)
        self.assertIsNone(self.fence_of("web2")["until"], "the order without an end is the stricter one")

    def test_nothing_that_dies_or_stops_makes_a_drain_true(self):
        """Each process is killed or stopped at a moment of a drain that cannot end yet."""
        chance = random.Random(19)
        for role in ("proxy", "fence", "control"):
            for sent in (signal.SIGKILL, signal.SIGSTOP):
                with self.subTest(role=role, signal=sent.name):
                    self.slow_requests(10)
                    drain = self.begin("fence", "web2", "--pool", "app", "--drain", "1s")
                    time.sleep(chance.uniform(0, 0.5))
                    pid = self.house.children()[role]
                    os.kill(pid, sent)
                    try:
                        code, said = self.result(drain)
                    finally:
                        if sent == signal.SIGSTOP:
                            os.kill(pid, signal.SIGCONT)
                    # The request takes longer than the wait: nothing is drained, but where the proxy that had it is gone.
                    self.assertTrue(code != 0 or (role, sent) == ("proxy", signal.SIGKILL), said)
                    wait_until(lambda: self.house.states("app").get("web1") == "up", 20, "all is back")
                    self.house.cli("unfence", "web2", check=False)
                    wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 20, "open again")


if __name__ == "__main__":
    main()
