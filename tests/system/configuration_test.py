"""Configurations, right and wrong, before the start and while running."""

import http.client
import re

import house
from house import CONFIGURATION, get, run, wait_until

# What is wrong -> (what to replace, with what); the line is that of the replacement's first one.
WRONG = {
    "unknown key": ('balance = "round_robin"', 'balanse = "round_robin"'),
    "bad address": ('address = "0.0.0.0:8080"', 'address = "0.0.0.0.0:8080"'),
    "port 0": ("port = 80\n", "port = 0\n"),
    "pool without servers": ('servers = ["web1", "web2"]', "servers = []"),
    "unknown server": ('servers = ["web1", "web2"]', 'servers = ["web1", "web3"]'),
    "unknown pool": ('pool = "chat"', 'pool = "chatt"'),
    "duplicate name": ("[server.web2]", "[server.web1]"),
    "page missing": ('page = "maintenance.html"', 'page = "no-such-page.html"'),
    "bad duration": ('retry_after = "2m"', 'retry_after = "2 minutes"'),
    "not TOML": ("[pool.app]", "[pool.app"),
}
RIGHT = CONFIGURATION.replace("[pool.app]\nport = 80\n", '[pool.app]\nport = 80\nbalance = "round_robin"\n')


class Configuration(house.SystemTest):
    def assert_refused(self, answer, line, what):
        self.assertEqual(answer.returncode, 2, f"{what}: {answer.stderr}")
        self.assertRegex(answer.stderr, rf"gatehouse\.toml:{line}\b", what)

    def wrong_configurations(self):
        for what, (old, new) in WRONG.items():
            self.assertIn(old, RIGHT)
            line = RIGHT[: RIGHT.index(old)].count("\n") + 1
            self.house.write_configuration(RIGHT.replace(old, new, 1))
            yield what, line

    def test_check_names_the_line_of_every_mistake(self):
        for what, line in self.wrong_configurations():
            answer = run(house.BUILD / "gatehouse", "check", "-c", self.house.configuration, check=False)
            self.assert_refused(answer, line, what)

    def test_a_daemon_does_not_start_with_a_mistake(self):
        for what, line in self.wrong_configurations():
            answer = run(house.BUILD / "gatehouse", "run", "-c", self.house.configuration, check=False, timeout=10)
            self.assert_refused(answer, line, what)

    def test_a_missing_file_exits_2_and_is_named(self):
        for command in ("check", "run"):
            answer = run(house.BUILD / "gatehouse", command, "-c", "/nowhere/gatehouse.toml", check=False, timeout=10)
            self.assertEqual(answer.returncode, 2)
            self.assertIn("/nowhere/gatehouse.toml", answer.stderr)

    def test_check_passes_what_is_right(self):
        answer = run(house.BUILD / "gatehouse", "check", "-c", self.house.configuration)
        self.assertEqual(answer.returncode, 0)

    def test_a_root_that_may_become_no_other_user_says_what_it_has_not_tried(self):
        # As in the image's gatehouse-setup, which must accept a valid configuration.
        confined = ("setpriv", "--bounding-set=-setuid,-setgid")
        answer = run(*confined, house.BUILD / "gatehouse", "check", "-c", self.house.configuration)
        self.assertEqual(answer.stderr,
                         "warning: not tried as user gatehouse: this process may become no other user\n")

    def test_the_demos_configuration_is_right(self):
        run(house.BUILD / "gatehouse", "check", "-c", house.SOURCE / "appliance/demo/gatehouse.toml")

    def test_a_wrong_reload_changes_nothing(self):
        before = strip_times(self.house.json("status"))
        for what, line in self.wrong_configurations():
            self.assert_refused(self.house.cli("reload", check=False), line, what)
            self.assertEqual(get().status, 200, what)
        self.assertEqual(strip_times(self.house.json("status")), before)

    def test_a_reload_adds_a_listener_and_drops_no_connection(self):
        connection = http.client.HTTPConnection(*house.WEB, timeout=5)
        connection.connect()
        port = connection.sock.getsockname()[1]
        self.assertEqual(get(connection=connection).status, 200)
        added = '[listen.more]\naddress = "0.0.0.0:8081"\nmode = "http"\npool = "app"\n\n'
        self.house.write_configuration(added + CONFIGURATION)
        self.house.cli("reload", "--why", "a test")
        self.assertEqual(get(address=("127.0.0.1", 8081)).status, 200)
        self.assertEqual(get(connection=connection).status, 200)
        self.assertEqual(connection.sock.getsockname()[1], port)

    def test_a_reload_keeps_what_the_checks_know_and_the_fences(self):
        self.house.cli("fence", "web1", "--why", "a test")
        self.house.write_configuration(CONFIGURATION.replace('"2m"', '"3m"'))
        self.house.cli("reload")
        self.assertEqual(self.house.states("app"), {"web1": "fenced", "web2": "up"})
        self.house.cli("fence", "web2", "--why", "a test")
        self.assertEqual(get().getheader("Retry-After"), "180")

    def test_a_reload_takes_a_server_out(self):
        self.house.write_configuration(re.sub(r'servers = \["web1", "web2"\]', 'servers = ["web2"]', CONFIGURATION))
        self.house.cli("reload")
        wait_until(lambda: set(self.house.states("app")) == {"web2"}, 5, "web1 is gone")
        self.assertEqual({get().getheader("X-Served-By") for _ in range(6)}, {"web2"})

    def test_a_daemon_that_is_not_there_is_exit_code_3(self):
        answer = run(house.BUILD / "gatehouse", "status", "--socket", "/nowhere/control.sock", check=False)
        self.assertEqual(answer.returncode, 3)
        self.assertEqual(len(answer.stderr.splitlines()), 1, answer.stderr)


def strip_times(status):
    """What an operator configured: names, addresses and states, without counters and times."""
    kept = ("name", "address", "mode", "pool", "port", "balance", "server", "state", "weight", "backup")
    if isinstance(status, dict):
        return {
            key: strip_times(value)
            for key, value in status.items()
            if key in kept or (isinstance(value, list) and key in ("listeners", "pools", "backends"))
        }
    return [strip_times(entry) for entry in status] if isinstance(status, list) else status


if __name__ == "__main__":
    house.main()
