"""Deploys of a real site (web_site.py) as an operator starts them, under load: no visitor loses a request."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import unittest.mock

import house
import web_site as site
from house import get, run, wait_until


class Deploys(house.SystemTest):
    configuration = site.CONFIGURATION
    restart = 1.0  # seconds
    first = 0.5  # of the first request

    def prepare(self):
        self.folder = self.house.folder
        # Its servers are in the place of the demo's.
        self.house.start = self.start
        for server in site.SERVERS:
            site.start(self.folder, self.house.app, server, "1.0", 0)

    def start(self):
        self.house.start_daemon()
        up = {server: "up" for server in site.SERVERS}
        wait_until(lambda: self.house.states("app") == up, 20, "all servers up")
        return self.house

    def command(self, release):
        program = f"{sys.executable} {site.__file__}"
        return f"{program} restart {self.folder} {self.house.app} {{server}} {release} {self.restart} {self.first}"

    def deploy(self, strategy, release, *flags, check=True):
        """Starts it; returns the process."""
        expect = [] if release is None else ["--expect-body", f"release {release}"]
        words = [house.BUILD / "gatehouse", "deploy", strategy, "--pool", "app", "--run", self.command(release), *expect,
                 "--warm-timeout", "5s", "--verify-timeout", "3s", *flags,
                 "--socket", f"{self.folder}/control.sock"]
        return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)

    def load(self, seconds):
        return self.visit(seconds, 15)  # two thousand requests a second

    def assert_unharmed(self, wrk, at_least):
        output = wrk.communicate(timeout=60)[0]
        self.assertNotIn("Socket errors", output)
        self.assertNotIn("Non-2xx", output)
        requests = int(re.search(r"(\d+) requests in", output).group(1))
        self.assertGreater(requests, at_least)
        return requests

    def releases(self):
        def release(server):
            page = self.folder / server / "www" / "index.html"
            return page.read_text().split("release ")[1].split("<")[0] if page.exists() else None

        return {server: release(server) for server in site.SERVERS}

    def status(self):
        return self.house.json("deploy", "status")

    def steps(self, status, kind):
        return [step for step in status["steps"] if step["kind"] == kind]

    def wait_for(self, kind, rollout=1):
        """Until a step of that kind has begun."""
        def begun():
            answer = self.house.cli("deploy", "status", str(rollout), "--json", check=False)
            return answer.returncode == 0 and any(
                step["began"] for step in self.steps(json.loads(answer.stdout), kind))

        wait_until(begun, 30, f"{kind} begins")

    def fenced(self):
        return sorted(element for element in self.house.nft_elements() if element.endswith(":80"))

    def test_a_rolling_deploy_under_load_fails_no_request(self):
        self.restart, self.first = 3.0, 2.0
        wrk = self.load(40)
        begun = time.monotonic()
        deploy = self.deploy("rolling", "2.0", "--why", "release 2.0")
        output = deploy.communicate(timeout=120)[0]
        took = time.monotonic() - begun
        self.assertEqual(deploy.returncode, 0, output)
        self.assertEqual(set(self.releases().values()), {"2.0"})
        self.assertEqual(self.fenced(), [])
        status = self.status()
        self.assertEqual(status["state"], "done")
        self.assertIn("nothing is in flight", self.steps(status, "fence")[0]["evidence"])
        self.assertIn("contains 'release 2.0'", self.steps(status, "verify")[3]["evidence"])
        self.assertIn("web1 runs 2.0", output)
        best = len(site.SERVERS) * (self.restart + self.first)
        requests = self.assert_unharmed(wrk, 10_000)
        seen = self.house.json("deploy", "report")["visitors"]
        self.assertEqual((seen["status"]["5xx"], seen["broken"]), (0, 0), seen)
        self.assertGreater(seen["requests"], 10_000)
        self.assertLess(seen["requests"], requests)  # the load began before, and went on
        self.assertGreater(seen["latency"]["p99_ms"], seen["latency"]["p50_ms"])
        self.assertRegex(self.house.cli("deploy", "report").stdout, r"visitors: [\d,]+ requests, none failed")
        steps = sum(step["took_ms"] for kind in ("run", "warm") for step in self.steps(status, kind)) / 1000
        print(f"{took:.1f} s: {took / best - 1:+.0%} beside the {best:.0f} s of restarts and first requests,"
              f" {took / steps - 1:+.1%} beside what these took here; {requests} requests")
        self.assertLess(took, 1.15 * steps)

    def test_a_deploy_verifies_on_another_port_with_headers_and_a_class_of_statuses(self):
        there = ("--verify-port", "8081", "--verify-path", "/health", "--servers", "web2")
        planned = self.deploy("rolling", None, *there, "--expect-status", "2xx", "--dry-run").communicate(timeout=30)[0]
        self.assertIn("GET /health on port 8081 is 2xx", planned)
        self.assertIn("as a visitor, GET / is answered, and not with 5xx", planned)
        headers = ("--verify-headers", "X-Probe: deploy")
        for flags, said in ((("--expect-status", "2xx,404"), "status 503 and not 2xx or 404"),
                            ((*headers, "--expect-status", "200,3xx"), "status 204 and not 200 or 3xx")):
            with self.subTest(said):
                deploy = self.deploy("rolling", None, *there, *flags)
                self.assertIn(said, deploy.communicate(timeout=60)[0])
                self.assertEqual(deploy.returncode, 1)
                self.assertEqual(self.fenced(), ["10.80.0.12:80"])
                self.house.cli("deploy", "abort", "--why", "the test")
                self.house.cli("unfence", "web2", "--pool", "app", "--why", "the test")
        deploy = self.deploy("rolling", None, *there, *headers, "--expect-status", "2xx")
        output = deploy.communicate(timeout=60)[0]
        self.assertEqual(deploy.returncode, 0, output)
        status = self.status()
        self.assertEqual(self.steps(status, "verify")[0]["evidence"], "204")
        self.assertIn("through web: 200", self.steps(status, "front")[0]["evidence"])
        self.assertEqual(status["settings"]["expect_status"], ["2xx"])
        self.assertEqual(self.fenced(), [])

    def test_a_server_that_comes_back_broken_stays_fenced_and_no_visitor_sees_it(self):
        for release, said in (("broken-500", "status 500"), ("broken-text", "does not contain"),
                              ("broken-hang", "time is over"), ("broken-refuse", "refused"),
                              ("broken-command", "exit code 1")):
            with self.subTest(release):
                wrk = self.load(10)
                deploy = self.deploy("rolling", release, "--servers", "web2")
                output = deploy.communicate(timeout=60)[0]
                self.assertEqual(deploy.returncode, 1, output)
                self.assertIn(said, output)
                status = self.status()
                self.assertEqual((status["state"], status["held"]), ("paused", ["web2"]))
                self.assertEqual(self.fenced(), ["10.80.0.12:80"])
                self.assert_unharmed(wrk, 5_000)
                aborted = self.house.cli("deploy", "abort", "--why", "it is broken")
                self.assertIn("fenced: web2", aborted.stdout)
                self.assertEqual(self.fenced(), ["10.80.0.12:80"])
        again = self.deploy("rolling", "3.0", "--servers", "web2")
        output = again.communicate(timeout=60)[0]
        self.assertEqual(again.returncode, 0, output)
        self.assertEqual(self.fenced(), [])

    def test_a_maintenance_deploy_shows_the_page_at_once_and_opens_with_the_first_server(self):
        seen = []
        stop = threading.Event()

        def visit():
            while not stop.is_set():
                seen.append((time.time(), get().status))
                time.sleep(0.005)

        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            begun = time.time()
            deploy = self.deploy("maintenance", "2.0", "--schema", "breaking")
            output = deploy.communicate(timeout=60)[0]
            ended = time.time()
        finally:
            stop.set()
            visitor.join()
        self.assertEqual(deploy.returncode, 0, output)
        self.assertEqual(set(self.releases().values()), {"2.0"})
        paged = [moment for moment, status in seen if status == 503]
        print(f"the page after {(paged[0] - begun) * 1000:.0f} ms, the site again after {paged[-1] - begun:.1f} s,"
              f" all done after {ended - begun:.1f} s")
        self.assertEqual({status for _, status in seen}, {200, 503})
        first_command = min((self.folder / server / "runs").stat().st_mtime for server in site.SERVERS)
        self.assertLess(paged[0], first_command)
        report = self.house.json("deploy", "report")["visitors"]
        self.assertGreaterEqual(len(paged), report["ours"])
        self.assertEqual(report["ours"], report["status"]["5xx"])
        self.assertGreater(report["ours"], 0)
        self.assertEqual(seen[-1][1], 200)

    def test_a_plan_that_cannot_be_is_refused(self):
        refused = self.deploy("rolling", "2.0", "--schema", "breaking")
        self.assertIn("use gatehouse deploy maintenance", refused.communicate(timeout=20)[0])
        self.assertEqual(refused.returncode, 1)
        refused = self.deploy("rolling", "2.0", "--batch", "4")
        self.assertIn("min_healthy is 1", refused.communicate(timeout=20)[0])
        refused = self.deploy("rolling", "2.0", "--servers", "web9")
        self.assertIn("no server 'web9'", refused.communicate(timeout=20)[0])
        with unittest.mock.patch.dict(os.environ, COLUMNS="80"):
            plan = self.deploy("rolling", "2.0", "--dry-run").communicate(timeout=20)[0]
        self.assertIn("nothing in flight within 30s", plan)
        self.assertTrue(all(len(line) <= 80 for line in plan.splitlines()), plan)

    def test_the_second_deploy_at_once_is_refused_and_names_the_first(self):
        first = self.deploy("rolling", "2.0", "--servers", "web1")
        self.wait_for("run")
        second = self.deploy("rolling", "3.0")
        self.assertIn("rollout 1 of app is running", second.communicate(timeout=20)[0])
        self.assertEqual(second.returncode, 1)
        self.assertIn("done", first.communicate(timeout=60)[0])

    def kill_all(self):
        pids = [self.house.daemon.pid, *self.house.children().values()]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # with its parent
        self.house.daemon.wait()
        wait_until(lambda: not any(house.alive(pid) for pid in pids), 10, "they are gone")

    def assert_done_once(self, rollout, release, servers, cut=()):
        """All of it is done, no command twice but those that were cut, and nothing is left closed."""
        # The deploy may have ended just before the power went. Then nothing has waited for the daemon's return.
        wait_until(lambda: self.house.cli("status", check=False).returncode == 0, 20, "the daemon answers")
        journal = self.house.json("deploy", "report", str(rollout))
        self.assertEqual(journal["state"], "done", journal)
        for server in set(servers) - set(cut):
            self.assertEqual(self.runs(release)[server], 1, server)
        self.assertEqual(self.fenced(), [])
        self.assertEqual({self.releases()[server] for server in servers}, {release})
        self.assertEqual(self.house.json("maintenance", "status")["pools"][0]["maintenance"], None)
        self.assertEqual(get().status, 200)

    def cut_power(self, strategy, kinds):
        servers = ("web1", "web2") if strategy == "rolling" else tuple(site.SERVERS)
        for rollout, kind in enumerate(kinds, 1):
            with self.subTest(kind):
                deploy = self.deploy(strategy, f"after-{kind}", "--servers", ",".join(servers))
                self.wait_for(kind, rollout)
                self.kill_all()
                self.house.start_daemon()
                try:
                    output = deploy.communicate(timeout=60)[0]
                except subprocess.TimeoutExpired:
                    deploy.kill()
                    status = self.house.cli("deploy", "status", check=False)
                    self.fail(deploy.communicate()[0] + status.stdout + status.stderr)
                self.assertEqual(deploy.returncode, 0, output)
                self.assert_done_once(rollout, f"after-{kind}", servers)

    def test_a_power_cut_in_each_step_forgets_nothing_and_does_nothing_twice(self):
        self.cut_power("rolling", ("fence", "run", "warm", "verify", "open"))

    def test_a_power_cut_in_each_step_behind_the_page_too(self):
        self.cut_power("maintenance", ("page", "fence", "run", "warm", "verify", "open"))

    def commands(self):
        """Process ids of the commands that run now."""
        found = run("pgrep", "-f", f"web_site.py restart {self.folder} ", check=False).stdout.split()
        return [int(pid) for pid in found]

    def runs(self, release):
        """How often each server's command was begun."""
        files = {server: self.folder / server / "runs" for server in site.SERVERS}
        return {server: file.read_text().split().count(release) if file.exists() else 0
                for server, file in files.items()}

    def client_dies(self, strategy, kind):
        servers = ("web1", "web2") if strategy == "rolling" else tuple(site.SERVERS)
        release = f"after-{kind}"
        deploy = self.deploy(strategy, release, "--servers", ",".join(servers))
        self.wait_for(kind)
        deploy.kill()
        deploy.wait()
        wait_until(lambda: not self.commands(), 10, "its commands end with it")
        # Of commands that ran beside each other one may be missed a moment before the others.
        under_way = lambda seen: any(step["progress"] == "running" for step in self.steps(seen, "run"))
        at_rest = lambda seen: seen["state"] == "done" or (seen["state"] == "paused" and not under_way(seen))
        wait_until(lambda: at_rest(self.status()), 40, "it is noticed")
        status = self.status()
        cut = []
        if status["state"] == "paused":
            cut = [step["servers"][0] for step in self.steps(status, "run") if step["progress"] == "failed"]
            if cut:
                self.assertIn("the result of the command is unknown", status["state_why"])
            begun = {server: self.runs(release)[server] for server in cut}
            resumed = self.house.cli("deploy", "resume", "--why", "my laptop was off", check=False)
            self.assertEqual(resumed.returncode, 0, resumed.stdout + resumed.stderr)
            self.assertEqual({server: self.runs(release)[server] for server in cut},
                             {server: count + 1 for server, count in begun.items()})
        self.assert_done_once(1, release, servers, cut)

    def test_the_client_dying_while_a_server_drains(self):
        self.client_dies("rolling", "fence")

    def test_the_client_dying_while_a_server_warms_up(self):
        self.client_dies("rolling", "warm")

    def test_the_client_dying_while_a_server_opens(self):
        self.client_dies("rolling", "open")

    def test_the_client_dying_when_the_page_comes(self):
        self.client_dies("maintenance", "page")

    def test_the_client_dying_behind_the_page_while_its_commands_run(self):
        self.client_dies("maintenance", "run")

    def test_the_client_dying_behind_the_page_while_servers_are_verified(self):
        self.client_dies("maintenance", "verify")

    def test_a_client_that_dies_leaves_its_server_fenced_and_the_rollout_waiting(self):
        self.restart = 3.0  # long enough to be still at it, however slow the machine
        deploy = self.deploy("rolling", "2.0", "--servers", "web1,web2")
        wait_until((self.folder / "web1" / "runs").exists, 30, "its command runs")
        deploy.kill()
        deploy.wait()
        wait_until(lambda: not self.commands(), 10, "its command ends with it")
        wait_until(lambda: self.status()["state"] == "paused", 30, "it is noticed")
        status = self.status()
        self.assertIn("the result of the command is unknown", status["state_why"])
        self.assertEqual(self.fenced(), ["10.80.0.11:80"])
        resumed = self.house.cli("deploy", "resume", "--why", "I looked: it is half done", *self.house.agreed(),
                                 check=False)
        self.assertEqual(resumed.returncode, 0, resumed.stdout + resumed.stderr)
        self.assertEqual(self.fenced(), [])
        self.assertEqual(self.runs("2.0")["web1"], 2)

    def leave(self, leave):
        """Calls leave with the deploy while a command runs; returns what the deploy printed."""
        self.restart = 1000.0
        deploy = self.deploy("rolling", "2.0", "--servers", "web1,web2")
        wait_until((self.folder / "web1" / "runs").exists, 30, "its command runs")
        leave(deploy)
        output = deploy.communicate(timeout=20)[0]
        self.assertEqual(deploy.returncode, 130, output)
        self.assertEqual(self.commands(), [])
        status = self.status()
        self.assertEqual((status["state"], status["held"]), ("paused", ["web1"]))
        self.assertEqual(self.fenced(), ["10.80.0.11:80"])
        begun = time.monotonic()
        aborted = self.house.cli("deploy", "abort", "--why", "the wrong release")
        self.assertLess(time.monotonic() - begun, 5, "the abort does not wait for a command that has ended")
        self.assertIn("gatehouse unfence web1", aborted.stdout)
        return output, status

    def test_a_second_ctrl_c_ends_the_command_and_says_so(self):
        def leave(deploy):
            deploy.send_signal(signal.SIGINT)
            wait_until(lambda: self.status()["state"] == "paused", 10, "it pauses")
            self.assertEqual(len(self.commands()) > 0, True)
            deploy.send_signal(signal.SIGINT)

        output, status = self.leave(leave)
        self.assertIn("the commands that ran here were ended; rollout 1 is paused", output)
        self.assertIn("ended by a second Ctrl-C", self.steps(status, "run")[0]["evidence"])

    def test_a_terminal_that_closes_ends_the_command_and_says_so(self):
        _, status = self.leave(lambda deploy: deploy.send_signal(signal.SIGHUP))
        self.assertIn("ended with its terminal", self.steps(status, "run")[0]["evidence"])

    def test_ctrl_z_does_not_stop_a_deploy(self):
        deploy = self.deploy("rolling", "2.0", "--servers", "web1")
        wait_until((self.folder / "web1" / "runs").exists, 30, "its command runs")
        deploy.send_signal(signal.SIGTSTP)
        output = deploy.communicate(timeout=60)[0]
        self.assertEqual(deploy.returncode, 0, output)
        self.assertIn("Ctrl-C pauses it", output)

    def test_a_rollback_runs_on_all_touched_servers_at_once(self):
        deploy = self.deploy("rolling", "2.0", "--servers", "web1,web2", "--rollback", self.command("1.0"))
        self.assertIn("done", deploy.communicate(timeout=60)[0])
        back = self.house.cli("deploy", "rollback", "--why", "2.0 is slow").stdout
        self.assertIn("rollback of rollout 1 begun", back)
        self.assertEqual(set(self.releases().values()), {"1.0"})
        begun = max(back.index(f"run {server}\n") for server in ("web1", "web2"))
        self.assertLess(begun, back.index("exit code"), back)
        states = [rollout["state"] for rollout in self.house.json("deploy", "history")["rollouts"]]
        self.assertEqual(states, ["done", "undone"])

    def test_a_failure_rolls_back_by_itself_where_the_recipe_says_so(self):
        deploy = self.deploy("rolling", "broken-500", "--servers", "web1", "--on-failure", "rollback", "--rollback",
                             self.command("1.0"))
        output = deploy.communicate(timeout=60)[0]
        self.assertEqual(deploy.returncode, 1, output)
        self.assertIn("rollback of rollout 1 begun", output)
        self.assertEqual(self.releases()["web1"], "1.0")
        self.assertEqual(self.fenced(), [])

    def test_ctrl_c_pauses_and_resume_goes_on(self):
        deploy = self.deploy("rolling", "2.0", "--servers", "web1,web2")
        self.wait_for("run")
        deploy.send_signal(signal.SIGINT)
        output = deploy.communicate(timeout=30)[0]
        self.assertEqual(deploy.returncode, 1, output)
        self.assertIn("paused", output)
        self.assertEqual(self.fenced(), ["10.80.0.11:80"])
        resumed = self.house.cli("deploy", "resume")
        self.assertIn("done", resumed.stdout)
        self.assertEqual(resumed.stdout.count("web1 runs"), 1)
        self.assertEqual({self.releases()[server] for server in ("web1", "web2")}, {"2.0"})


if __name__ == "__main__":
    house.main()
