"""How it starts where something is missing: standard descriptors that are closed."""

import itertools
import os
import pathlib
import subprocess

import house
from house import get, wait_until

COMBINATIONS = [closed for count in (1, 2, 3) for closed in itertools.combinations((0, 1, 2), count)]


def without(closed):
    """What starts a program with these of its descriptors closed."""
    redirections = " ".join({0: "<&-", 1: ">&-", 2: "2>&-"}[number] for number in closed)
    return ["sh", "-c", f'exec "$@" {redirections}', "sh"]


class Descriptors(house.SystemTest):
    def restart(self):
        self.house.daemon.terminate()
        self.assertEqual(self.house.daemon.wait(15), 0)
        self.house.log.close()
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "both servers up")

    def test_the_daemon_starts_with_any_of_them_closed(self):
        for closed in COMBINATIONS:
            with self.subTest(closed=closed):
                self.house.through = without(closed)
                self.restart()
                children = self.house.children()
                for pid in (self.house.daemon.pid, *children.values()):
                    for number in closed:
                        self.assertEqual(os.readlink(f"/proc/{pid}/fd/{number}"), "/dev/null")
                self.house.cli("fence", "web1", "--why", "closed descriptors")
                self.assertEqual(get().status, 200)
                self.house.cli("unfence", "web1", "--wait", "10s")
                self.house.cli("upgrade")
                self.assertEqual(get().status, 200)
                self.house.cli("reload")

    def test_each_command_runs_with_any_of_them_closed(self):
        socket = ["--socket", f"{self.house.folder}/control.sock"]
        report = self.house.folder / "support.json"
        verbs = [["status", *socket], ["status", "--json", *socket], ["rules", *socket], ["metrics", *socket],
                 ["fence", "web1", "--why", "test", *socket], ["unfence", "web1", *socket], ["audit", *socket],
                 ["maintenance", "status", *socket], ["config", "show", *socket], ["reload", *socket],
                 ["guard", *socket], ["deploy", "history", *socket], ["log", "--lines", "2", *socket],
                 ["deploy", "plan", "--pool", "app", "--run", "true", *socket], ["firewall", "status", *socket],
                 ["check", "-c", str(self.house.configuration)], ["host-fence", "list"], ["-h"],
                 ["token", "ci", "--token-file", f"{self.house.folder}/token"],
                 ["support", "--output", str(report), *socket],
                 ["deploy", "rolling", "--pool", "app", "--run", "true", "--servers", "web1", *socket]]
        for closed in COMBINATIONS:
            for verb in verbs:
                with self.subTest(closed=closed, verb=verb[:2]):
                    pathlib.Path(f"{self.house.folder}/token").unlink(missing_ok=True)
                    report.unlink(missing_ok=True)
                    ended = subprocess.run([*without(closed), house.BUILD / "gatehouse", *verb], capture_output=True,
                                           text=True, timeout=60)
                    self.assertEqual(ended.returncode, 0, ended.stderr)
                    self.assertEqual(ended.stderr, "")
                    self.assertEqual(ended.stdout == "", 1 in closed, ended.stdout)
        refused = subprocess.run([*without((0, 1)), house.BUILD / "gatehouse", "fence", "nobody", *socket],
                                 capture_output=True, text=True, timeout=60)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("nobody", refused.stderr)


if __name__ == "__main__":
    house.main()
