"""Which commands a command line runs: its operator's own, and those that the operator has accepted. A stolen daemon, or
a token with the role operate, runs nothing on an operator's machine. """

import http.client
import http.server
import json
import os
import pathlib
import pty
import re
import select
import socket
import socketserver
import subprocess
import tempfile
import threading
import unittest
import unittest.mock

import house
from house import BUILD, run, wait_until

DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


class FakeDaemon(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Speaks as control does, and gives out the commands that it likes."""

    daemon_threads = True

    def __init__(self, path, take, rollout=None, following=None):
        self.take, self.following = take, following
        self.rollout = dict({"id": 1, "state": "running", "pool": "app", "strategy": "rolling", "steps": []},
                            **(rollout or {}))
        self.results = []
        super().__init__(str(path), Answers)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answers(http.server.BaseHTTPRequestHandler):
    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass

    def answer(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.answer(self.server.following if "id=2" in self.path else self.server.rollout)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or "{}")
        if not self.path.endswith("/sync"):
            self.answer(self.server.rollout)
            return
        self.server.results += body.get("results") or []
        taken, self.server.take = self.server.take, []
        if self.server.following and not taken:
            self.answer({"rollout": dict(self.server.rollout, state="undone"), "take": [], "cancel": [],
                         "journal": [], "next": 2})
            return
        self.answer({"rollout": self.server.rollout, "take": taken, "cancel": [], "journal": [], "next": 0})


def command(text, server="web1", host="10.0.0.11", port=80, step=3):
    return {"step": step, "command": text, "server": server, "host": host, "port": port, "timeout_ms": 5000}


class StolenDaemon(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.mark = self.folder / "mark"
        patched = unittest.mock.patch.dict(os.environ, XDG_STATE_HOME=str(self.folder / "operator"))
        patched.start()
        self.addCleanup(patched.stop)

    def cli(self, daemon, *words):
        self.addCleanup(daemon.server_close)
        self.addCleanup(daemon.shutdown)
        return self.ask(daemon, *words)

    def ask(self, daemon, *words):
        return run(BUILD / "gatehouse", "deploy", *words, "--socket", daemon.server_address, check=False,
                   stdin=subprocess.DEVNULL)

    def assert_refused(self, daemon, done):
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertFalse(self.mark.exists())
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("refused the command of", done.stderr)
        self.assertEqual([(result["step"], result["refused"]) for result in daemon.results], [(3, True)])

    def test_another_command_than_the_own_is_refused(self):
        daemon = FakeDaemon(self.folder / "sock", [command(f"id >{self.mark}")])
        done = self.cli(daemon, "rolling", "--pool", "app", "--run", "true")
        self.assert_refused(daemon, done)
        self.assertIn(f"the daemon sent id >{self.mark}, where your command is true", done.stderr)

    def test_values_that_a_shell_would_read_as_more_are_refused(self):
        for number, (server, host) in enumerate((("web1", f"$(touch {self.mark})"), (f"w;touch {self.mark}", "10.0.0.1"),
                                                 ("web1", f"-oProxyCommand=touch {self.mark}"))):
            daemon = FakeDaemon(self.folder / f"sock{number}",
                                [command(f"echo {host} {server}", server=server, host=host)])
            self.assert_refused(daemon, self.cli(daemon, "rolling", "--pool", "app", "--run", "echo {host} {server}"))

    def test_the_own_command_runs(self):
        daemon = FakeDaemon(self.folder / "sock", [command(f"touch {self.mark}.web1")], rollout={"state": "running"})
        following = {"id": 2, "state": "running", "strategy": "rollback", "steps": [], "commands": [
            {"purpose": "run", "server": "web1", "host": "10.0.0.11", "port": 80, "command": f"touch {self.mark}",
             "source": "[deploy.app]"}]}
        daemon.following = following
        done = self.cli(daemon, "rolling", "--pool", "app", "--run", f"touch {self.mark}.{{server}}")
        self.assertTrue(pathlib.Path(f"{self.mark}.web1").exists(), done.stderr)
        # A rollback follows with commands that the operator has not accepted.
        self.assertFalse(self.mark.exists())
        self.assertEqual(done.returncode, 1)
        self.assertIn("rollout 2 undoes this one with commands that you have not agreed to", done.stderr)

    def test_a_recipe_of_the_daemon_is_not_run_unseen(self):
        listed = [{"purpose": "run", "server": "web1", "host": "10.0.0.11", "port": 80,
                   "command": f"touch {self.mark}", "source": "[deploy.app]"}]
        daemon = FakeDaemon(self.folder / "sock", [command(f"touch {self.mark}")],
                            rollout={"recipe": "app", "commands": listed})
        done = self.cli(daemon, "rolling", "app")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertFalse(self.mark.exists())
        digest = DIGEST.search(done.stderr).group(0)
        # One that was agreed to, and then another.
        daemon = FakeDaemon(self.folder / "sock2", [command(f"touch {self.mark}; id")],
                            rollout={"recipe": "app", "commands": listed})
        self.assert_refused(daemon, self.cli(daemon, "rolling", "app", "--yes-run", digest))

    def test_what_is_remembered_runs_and_nothing_in_its_place(self):
        listed = {"purpose": "run", "server": "web1", "host": "10.0.0.11", "port": 80, "source": "--run by ann"}
        daemon = FakeDaemon(self.folder / "sock", [], rollout={"state": "paused", "id": 4})
        self.assertEqual(self.cli(daemon, "rolling", "--pool", "app", "--run", f"touch {self.mark}.{{server}}",
                                  "--rollback", "true").returncode, 1)
        shown = {"id": 4, "state": "running", "pool": "app", "strategy": "rolling",
                 "steps": [{"kind": "run", "progress": "pending", "servers": ["web1"]}]}
        others = (dict(text=f"touch {self.mark}; id"), dict(text=f"touch {self.mark}.web1", id=3),
                  dict(text=f"touch {self.mark}.web1", id=5), dict(text=f"touch {self.mark}.web1", id=5, undoes=4),
                  dict(text=f"touch {self.mark}.web1", id=5, undoes=4, strategy="rollback"),
                  dict(text="true", id=4), dict(text="true", id=5, undoes=3, strategy="rollback"))
        for other in others:
            text = other.pop("text")
            daemon.rollout = dict(shown, commands=[dict(listed, command=text)], **other)
            daemon.take = [command(text)]
            refused = self.ask(daemon, "resume")
            self.assertEqual(refused.returncode, 1, (other, refused.stdout, refused.stderr))
            self.assertIn("you have not agreed to these commands", refused.stderr)
            self.assertEqual(list(self.folder.glob("mark*")), [], other)
        # What was shown is what it remembers, and yet another one comes.
        daemon.rollout = dict(shown, commands=[dict(listed, command=f"touch {self.mark}.web1")])
        daemon.take = [command(f"touch {self.mark}")]
        self.assert_refused(daemon, self.ask(daemon, "resume"))

    def test_a_daemon_that_does_not_say_its_commands_gets_nothing_run(self):
        daemon = FakeDaemon(self.folder / "sock", [command(f"touch {self.mark}")], rollout={"state": "paused"})
        done = self.cli(daemon, "resume")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("does not say which commands", done.stderr)
        self.assertFalse(self.mark.exists())


class Rollouts(house.SystemTest):
    configuration = house.CONFIGURATION + """
[deploy.app]
pool = "app"
run = "touch {folder}/recipe.{{server}}"
"""

    def prepare(self):
        self.folder = self.house.folder

    def post(self, path, **body):
        """Posts an order with the right to operate alone, and then runs no command line."""
        connection = http.client.HTTPConnection("gatehouse")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(f"{self.folder}/control.sock")
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        self.assertEqual(response.status, 200, answer)
        return answer

    def leave_behind(self, text):
        self.post("/v1/deploy", strategy="rolling", pool="app", run=text, claimed_by="mallory", why="a fix")
        wait_until(lambda: self.house.json("deploy", "status")["state"] == "paused", 60, "the rollout is paused")

    def ran(self):
        return sorted(path.name for path in self.folder.glob("*.web?"))

    def deploy(self, *words, **options):
        return run(BUILD / "gatehouse", "deploy", *words, "--socket", f"{self.folder}/control.sock", check=False,
                   stdin=subprocess.DEVNULL, timeout=90, **options)

    def at_home(self, home, *words):
        """As from a machine, or an account, with that home; None: with no home at all."""
        environment = {key: value for key, value in os.environ.items() if key not in ("HOME", "XDG_STATE_HOME")}
        return self.deploy(*words, env=dict(environment, HOME=str(home)) if home else environment)

    def paused(self, home):
        """The operator's own rollout; its first command fails until there is a file "go"."""
        text = f"test -e {self.folder}/go && touch {self.folder}/own.{{server}}"
        begun = self.at_home(home, "rolling", "--pool", "app", "--run", text)
        self.assertEqual(begun.returncode, 1, begun.stdout + begun.stderr)
        self.assertEqual(self.house.json("deploy", "status")["state"], "paused")
        self.assertNotIn("remembered", begun.stderr)
        (self.folder / "go").touch()

    def assert_asks(self, refused, why=None):
        self.assertEqual((refused.returncode, self.ran()), (1, []), refused.stdout + refused.stderr)
        digest = self.house.json("deploy", "status")["commands_digest"]
        self.assertIn(f"--yes-run {digest}", refused.stderr)
        self.assertEqual(why is not None, "not remembered" in refused.stderr, refused.stderr)
        self.assertIn(why or "", refused.stderr)

    def at_a_terminal(self, answer, *words):
        """Returns the exit code and what the terminal showed."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(BUILD / "gatehouse", ["gatehouse", "deploy", *words, "--socket", f"{self.folder}/control.sock"])
        shown, asked = b"", False
        while select.select([terminal], [], [], 60)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break
            if b"[y/N]" in shown and not asked:
                asked = True
                os.write(terminal, answer)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()

    def test_what_somebody_left_behind_runs_only_when_it_was_read(self):
        self.leave_behind(f"touch {self.folder}/left.{{server}}")
        refused = self.deploy("resume")
        self.assertEqual(refused.returncode, 1, refused.stdout + refused.stderr)
        self.assertIn(f"web1 (10.80.0.11 port 80): touch {self.folder}/left.web1", refused.stderr)
        self.assertIn("--run by mallory", refused.stderr)
        self.assertEqual(self.ran(), [])
        digest = self.house.json("deploy", "status")["commands_digest"]
        self.assertIn(f"--yes-run {digest}", refused.stderr)
        self.assertIn(digest, self.house.cli("deploy", "status").stdout)
        for wrong in ("0" * 64, digest[::-1]):
            self.assertEqual(self.deploy("resume", "--yes-run", wrong).returncode, 1)
        for short in (digest[:16], "yes"):
            self.assertEqual(self.deploy("resume", "--yes-run", short).returncode, 2)
        self.assertEqual(self.ran(), [])
        code, shown = self.at_a_terminal(b"n\n", "resume")
        self.assertEqual((code, self.ran()), (1, []), shown)
        done = self.deploy("resume", "--yes-run", digest.upper())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.ran(), ["left.web1", "left.web2"])
        takes = [entry for entry in self.house.json("audit")["entries"] if entry["what"] == "deploy take"]
        self.assertEqual(len(takes), 2)
        self.assertEqual((takes[0]["who"], takes[0]["outcome"]), ("root", "done"))
        self.assertIn("left.web2", json.dumps(takes[0]["request"]))

    def test_at_a_terminal_a_yes_is_enough(self):
        self.leave_behind(f"touch {self.folder}/left.{{server}}")
        code, shown = self.at_a_terminal(b"y\n", "resume")
        self.assertEqual((code, self.ran()), (0, ["left.web1", "left.web2"]), shown)
        self.assertIn("mallory", shown)

    def test_the_recipe_of_this_machine_runs_as_it_is_and_no_other(self):
        done = self.deploy("rolling", "app", "--why", "as ever")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.ran(), ["recipe.web1", "recipe.web2"])
        # Where others may write the file it is no word of the operator's.
        self.house.configuration.chmod(0o664)
        refused = self.deploy("rolling", "app")
        self.assertEqual(refused.returncode, 1, refused.stdout + refused.stderr)
        self.assertIn("[deploy.app]", refused.stderr)
        self.assertEqual(len(self.house.json("deploy", "history")["rollouts"]), 1)
        digest = self.house.json("deploy", "plan", "app")["commands_digest"]
        self.assertIn(digest, refused.stderr)
        self.assertEqual(self.deploy("rolling", "app", "--yes-run", digest).returncode, 0)

    def test_a_rollout_under_a_recipes_name_with_another_command_is_not_the_recipes(self):
        self.post("/v1/deploy", strategy="rolling", recipe="app", run=f"touch {self.folder}/left.{{server}}")
        wait_until(lambda: self.house.json("deploy", "status")["state"] == "paused", 60, "the rollout is paused")
        self.assertEqual(self.deploy("resume").returncode, 1)
        self.assertEqual(self.ran(), [])

    def test_a_recipe_file_of_ones_own(self):
        recipes = self.folder / "recipes.toml"
        recipes.write_text(f'[deploy.app]\nrun = "touch {self.folder}/own.{{server}}"\n', encoding="utf-8")
        done = self.deploy("rolling", "app", "--recipe-file", recipes)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.ran(), ["own.web1", "own.web2"])
        missing = self.deploy("rolling", "other", "--recipe-file", recipes)
        self.assertEqual(missing.returncode, 2)
        self.assertIn("no recipe 'other'", missing.stderr)

    def test_ones_own_rollout_goes_on_without_a_question(self):
        home, other = self.folder / "ann", self.folder / "bob"
        for folder in (home, other):
            folder.mkdir(mode=0o700)
        self.paused(home)
        kept = home / ".local/state/gatehouse/deploys.json"
        self.assertEqual((kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777), (0o600, 0o700))
        self.assert_asks(self.at_home(other, "resume"))
        kept.chmod(0o620)
        self.assert_asks(self.at_home(home, "resume"), f"others than you may write {kept}")
        kept.chmod(0o600)
        done = self.at_home(home, "resume")
        self.assertEqual((done.returncode, self.ran()), (0, ["own.web1", "own.web2"]), done.stdout + done.stderr)

    def test_with_no_home_nothing_is_remembered_and_consent_says_so(self):
        self.paused(None)
        refused = self.at_home(None, "resume")
        self.assert_asks(refused, "neither XDG_STATE_HOME nor HOME is an absolute path")
        digest = DIGEST.search(refused.stderr).group(0)
        self.assertEqual(self.at_home(None, "resume", "--yes-run", digest).returncode, 0)
        self.assertEqual(self.ran(), ["own.web1", "own.web2"])

    def test_what_was_agreed_to_once_goes_on_without_a_question(self):
        self.leave_behind(f"test -e {self.folder}/go && touch {self.folder}/left.{{server}}")
        digest = self.house.json("deploy", "status")["commands_digest"]
        self.assertEqual(self.deploy("resume", "--yes-run", digest).returncode, 1)
        (self.folder / "go").touch()
        done = self.deploy("resume")
        self.assertEqual((done.returncode, self.ran()), (0, ["left.web1", "left.web2"]), done.stdout + done.stderr)

    def test_the_rollback_that_was_said_with_the_rollout_needs_no_second_word(self):
        self.assertEqual(self.deploy("rolling", "--pool", "app", "--run", "true", "--rollback",
                                     f"test -e {self.folder}/go && touch {self.folder}/undo.{{server}}").returncode, 0)
        self.assertEqual(self.deploy("rollback").returncode, 1)
        self.assertEqual(self.house.json("deploy", "status")["state"], "paused")
        (self.folder / "go").touch()
        done = self.deploy("resume")
        self.assertEqual((done.returncode, self.ran()), (0, ["undo.web1", "undo.web2"]), done.stdout + done.stderr)

    def test_a_rollback_said_elsewhere_is_not_run_unseen(self):
        self.assertEqual(self.at_home(self.folder / "bob", "rolling", "--pool", "app", "--run", "true", "--rollback",
                                      f"touch {self.folder}/undo.{{server}}").returncode, 0)
        refused = self.deploy("rollback")
        self.assertEqual((refused.returncode, self.ran()), (1, []), refused.stdout + refused.stderr)
        self.assertIn("--rollback by ", refused.stderr)
        digest = self.house.json("deploy", "rollback", "--dry-run")["commands_digest"]
        self.assertIn(digest, refused.stderr)
        done = self.deploy("rollback", "--yes-run", digest)
        self.assertEqual((done.returncode, self.ran()), (0, ["undo.web1", "undo.web2"]), done.stdout + done.stderr)


if __name__ == "__main__":
    house.main()
