"""The output of a command that waits, and of one that asks first."""

import os
import pty
import signal
import subprocess
import threading

import house
from house import get, wait_until


class Waiting(house.SystemTest):
    def visit(self, count, milliseconds):
        """So many requests that take so long, spread over both servers; returns when the proxy has them all."""
        for _ in range(count):
            thread = threading.Thread(target=lambda: get(f"/slow?ms={milliseconds}", timeout=60))
            thread.start()
            self.addCleanup(thread.join)
        wait_until(lambda: sum(one["active"] for one in self.house.backends("app").values()) == count, 10, "they run")

    def begin(self, *words, **options):
        command = [house.BUILD / "gatehouse", *words, "--socket", f"{self.house.folder}/control.sock"]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        process = subprocess.Popen([str(word) for word in command], **options)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        return process

    def read_until(self, stream, text):
        """The lines up to the one with the text."""
        lines = []
        for line in stream:
            lines.append(line)
            if text in line:
                return lines
        self.fail(f"no line with {text!r}: {lines}")

    def test_a_drain_tells_its_phases_and_counts(self):
        self.visit(4, 2500)
        fence = self.begin("fence", "web1", "--pool", "app", "--drain", "20s", "--why", "a test")
        out, err = fence.communicate(timeout=30)
        self.assertEqual(fence.returncode, 0, err)
        self.assertIn("web1: fenced, the rule is in the kernel\n", err)
        self.assertRegex(err, r"web1: [1-4] requests? in flight\n")
        self.assertEqual(out.splitlines()[-1], "drained: nothing is in flight")

    def test_a_deploy_tells_what_is_in_flight(self):
        self.visit(4, 3500)
        deploy = self.begin("deploy", "rolling", "--pool", "app", "--servers", "web1", "--run", "true")
        out, err = deploy.communicate(timeout=30)
        self.assertEqual(deploy.returncode, 0, out + err)
        self.assertRegex(err, r"web1: [1-4] requests? in flight\n")

    def test_json_stays_json_while_phases_are_told(self):
        self.visit(2, 1500)
        fence = self.begin("fence", "web1", "--drain", "20s", "--json")
        out, err = fence.communicate(timeout=30)
        self.assertTrue(house.json.loads(out)["drained"])
        self.assertIn("in flight", err)

    def test_ctrl_c_says_what_stands_and_leaves_it(self):
        self.visit(4, 4000)
        for sign in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(sign):
                fence = self.begin("fence", "web1", "--pool", "app", "--drain", "20s")
                self.read_until(fence.stderr, "in flight")
                fence.send_signal(sign)
                out, err = fence.communicate(timeout=5)
                self.assertEqual((fence.returncode, out), (128 + sign, ""))
                self.assertRegex(err, r"web1 stays fenced, [1-4] requests? in flight\. Repeat the command to wait longer, "
                                      r"or: gatehouse unfence web1\n")
                self.assertIn("10.80.0.11:80", self.house.nft_elements())

    def test_ctrl_c_before_a_daemon_that_does_not_answer_guesses_nothing(self):
        control = self.house.children()["control"]
        self.addCleanup(os.kill, control, signal.SIGCONT)
        os.kill(control, signal.SIGSTOP)
        unfence = self.begin("unfence", "web1", "--wait", "20s")
        self.read_until(unfence.stderr, "the daemon does not answer")
        unfence.send_signal(signal.SIGINT)
        _, err = unfence.communicate(timeout=5)
        self.assertEqual(unfence.returncode, 130)
        self.assertIn("what stands is not known", err)

    def test_an_unfence_says_what_its_check_waits_for(self):
        self.house.cli("fence", "web1", "--pool", "app")
        self.house.stop_server("web1")
        wait_until(lambda: self.house.backends("app")["web1"]["check"]["state"] == "down", 10, "web1 is down")
        unfence = self.house.cli("unfence", "web1", "--pool", "app", "--wait", "2s", check=False)
        self.assertEqual(unfence.returncode, 4)
        self.assertIn("web1: unfenced, waits for a passed check: ", unfence.stderr)

    def test_what_follows_fails_where_nothing_can_be_written_and_ends_well_without_a_reader(self):
        for words in (["events", "--all"], ["events", "--all", "--json"], ["rules", "--watch"]):
            with open("/dev/full", "w", encoding="ascii") as full:
                follow = self.begin(*words, stdout=full)
                err = follow.communicate(timeout=30)[1]
            self.assertEqual(follow.returncode, 1, words)
            self.assertEqual(err, "gatehouse: cannot write to standard output: No space left on device\n", words)
            ours, theirs = os.pipe()
            os.close(ours)
            follow = self.begin(*words, stdout=theirs)
            os.close(theirs)
            self.assertEqual((follow.communicate(timeout=30)[1], follow.returncode), ("", 0), words)

    def test_rules_that_are_watched_show_no_drift_where_there_is_none(self):
        watch = self.begin("rules", "--watch")
        for _ in range(10):
            self.house.cli("fence", "web1")
            self.house.cli("unfence", "web1")
        self.house.cli("fence", "web1", "--why", "the last of them")
        lines = self.read_until(watch.stdout, "the last of them")
        self.assertNotIn("DRIFT", "".join(lines))

    def test_rules_that_are_watched_on_a_terminal_are_redrawn_in_place(self):
        ours, theirs = pty.openpty()
        watch = self.begin("rules", "--watch", stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        self.house.cli("fence", "web1", "--why", "seen on the screen")
        while b"seen on the screen" not in shown:
            shown += os.read(ours, 4096)
        watch.terminate()
        os.close(ours)
        self.assertTrue(shown.startswith(b"\x1b[H"), shown)
        self.assertNotIn(b"\x1b[2J", shown, "a screen that is emptied flickers")

    def on_terminal(self, answer, *words):
        """Answers the command's question on a terminal; returns what the terminal shows, and the exit code."""
        ours, theirs = pty.openpty()
        process = self.begin(*words, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:
                break
            shown += piece
            if not piece:
                break
            if shown.endswith(b"[y/N] "):
                os.write(ours, answer.encode() + b"\n")
        os.close(ours)
        return " ".join(shown.decode().split()), process.wait(10)

    def test_the_last_server_of_a_pool_is_asked_for_on_a_terminal(self):
        self.house.cli("fence", "web2", "--pool", "app")
        last = ("fence", "web1", "--pool", "app")
        shown, code = self.on_terminal("n", *last)
        self.assertIn("web1 is the last server of app that can serve: visitors will see the maintenance page", shown)
        self.assertEqual(code, 1, shown)
        self.assertNotIn("10.80.0.11:80", self.house.nft_elements())
        shown, code = self.on_terminal("y", *last)
        self.assertEqual(code, 0, shown)
        self.assertIn("10.80.0.11:80", self.house.nft_elements())
        self.assertIn("visitors see the page: every server is fenced", self.house.cli("maintenance", "status").stdout)

    def test_a_script_is_warned_and_goes_on(self):
        self.house.cli("fence", "web2", "--pool", "app")
        fenced = self.house.cli("fence", "web1", "--pool", "app")
        self.assertIn("web1 is the last server of app", fenced.stderr)

    def test_maintenance_for_all_pools_is_asked_for_on_a_terminal(self):
        shown, code = self.on_terminal("", "maintenance", "on")
        self.assertIn("this is for all of them: app, chat (TCP: its clients are turned away)", shown)
        self.assertEqual(code, 1, shown)
        self.assertEqual(get().status, 200)
        shown, code = self.on_terminal("", "maintenance", "on", "--yes")
        self.assertNotIn("[y/N]", shown)
        self.assertEqual(code, 0, shown)
        self.assertIn("(by ", self.on_terminal("y", "maintenance", "off")[0])
        self.assertEqual(get().status, 200)

    def test_piped_tables_are_not_wrapped_and_columns_are_heeded(self):
        long = "a reason of many words that no terminal of eighty columns has room for in one line of its own"
        self.house.cli("fence", "web1", "--why", long)
        self.assertIn(long + "\n", self.house.cli("rules").stdout)
        os.environ["COLUMNS"] = "60"
        self.addCleanup(os.environ.pop, "COLUMNS")
        for words in (("status",), ("rules",), ("maintenance", "status"), ("audit",)):
            for line in self.house.cli(*words).stdout.splitlines():
                self.assertLessEqual(len(line), 60, line)


if __name__ == "__main__":
    house.main()
