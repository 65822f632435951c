"""The pages of docs/reference against the binary, a running daemon and the sources: each has exactly the commands, exit
codes, metrics, fields, events, states, signals, statuses and roles that there are. configuration.md has a test of its
own, appliance_config/Reference."""

import json
import re
import signal
import socket
import subprocess
import threading
import unittest

import house
from house import CHAT, SOURCE, get, run, talk, wait_until
from odd_messages import ANSWERS
from odd_server import OddServer

PROGRAM = house.BUILD / "gatehouse"
CONTROL, OTHERS = "Events of the control process", "Events of the other processes"  # sections of log.md


def page(name):
    return (SOURCE / "docs" / "reference" / name).read_text(encoding="utf-8")


def source(path):
    """A source's text without its comments."""
    return re.sub(r"(?m)(^|\s)//.*$", "", (SOURCE / path).read_text(encoding="utf-8"))


def sources(*folders):
    files = [file for folder in folders for file in (SOURCE / folder).rglob("*.[ch]pp")]
    return {str(file.relative_to(SOURCE)): source(file) for file in files}


def section(text, heading):
    """What stands below a heading of the page, up to the next one."""
    return re.search(rf"(?ms)^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text).group(1)


def rows(text):
    """The cells of the tables' rows, without heads and rules."""
    found = []
    for table in re.findall(r"(?m)(?:^\|.*\n)+", text):
        lines = table.splitlines()
        assert re.fullmatch(r"\|[-:|]+\|", lines[1]), lines[1]
        found += [[cell.strip() for cell in line.strip("|").replace(r"\|", "\0").split("|")] for line in lines[2:]]
    return [[cell.replace("\0", "|") for cell in row] for row in found]


def words(cell):
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def listed(text):
    """The words of the first cells; none may be there twice."""
    found = [word for row in rows(text) for word in words(row[0])]
    assert found and len(found) == len(set(found)), found
    return set(found)


def body(text, name):
    """The function of that name, up to its closing brace at the margin."""
    return re.search(rf"(?ms)^\w[^\n]* {name}\([^;]*?\{{\n.*?^\}}$", text).group(0)


def help_of(*command):
    return run(PROGRAM, *command, "-h").stdout


def subcommands(text):
    below = text.partition("\nSubcommands:\n")[2].split("\n\n")[0]
    return re.findall(r"(?m)^  ([a-z-]+) ", below)


def leaves(command=()):
    """Each command that does something, with its help."""
    text = help_of(*command)
    below = subcommands(text)
    return [leaf for name in below for leaf in leaves((*command, name))] if below else [(command, text)]


def synopsis(command, text):
    """A command with what it must be given, as the page writes it: required options, then the rest."""
    options = re.findall(r"(?m)^  (?:(-\w),)?(--[a-z-]+) (\S+)(?: \.\.\.)? REQUIRED", text)
    required = [f"{short or long} {what}" for short, long, what in options]
    rest = re.search(r"(?m)^Usage: gatehouse [a-z -]+\[OPTIONS\](.*)$", text).group(1).split()
    return " ".join(["gatehouse", *command, *required, *rest])


class Pages(unittest.TestCase):
    def test_commands_has_each_command_with_what_it_must_be_given_and_no_other(self):
        documented = {word for row in rows(page("commands.md")) for word in words(row[0]) if word.startswith("gate")}
        self.assertEqual(documented, {synopsis(*leaf) for leaf in leaves()})

    def test_commands_is_right_about_json(self):
        self.assertIn("Every command but `run` takes `--json`.", page("commands.md"))
        without = {command for command, text in leaves() if "\n  --json" not in text}
        self.assertEqual(without, {("run",)})

    def test_commands_has_each_option_for_the_daemon_with_its_environment(self):
        options = re.findall(r"(?m)^  (--[a-z-]+ \S+) \(Env:(\w+)\)", help_of())
        told = {(words(row[0])[0], words(row[1])[0]) for row in rows(section(page("commands.md"), "Which daemon"))}
        self.assertEqual(told, set(options))

    def test_commands_has_each_exit_code(self):
        codes = set(re.findall(r"= (\d+),", source("appliance/cli/client/exit_code.hpp")))
        told = [row[0] for row in rows(section(page("commands.md"), "Exit codes"))]
        self.assertEqual(sorted(told), sorted(codes))
        self.assertEqual(set(re.findall(r"\b(\d+) [a-zC]", help_of().partition("Exit codes:")[2])), codes)

    def test_log_has_each_event_that_the_sources_write_and_no_other(self):
        writes = re.compile(r'\b(?:log_?|tell_|event|event_line)\(\s*"([a-z_]+)",')
        written = lambda *folders: {kind for text in sources(*folders).values() for kind in writes.findall(text)}
        of_control, of_others = written("appliance/control", "appliance/deploy"), written("appliance/boot")
        self.assertEqual(written("appliance", "core"), of_control | of_others)
        self.assertEqual(listed(section(page("log.md"), CONTROL)), of_control)
        self.assertEqual(listed(section(page("log.md"), OTHERS)), of_others)

    def test_states_has_each_state_step_and_progress_and_no_other(self):
        rollout = source("appliance/deploy/rollout.cpp")
        tables = dict(re.findall(r"(?s)Words<(\w+), \d+> \w+\{\{(.*?)\}\};", rollout))
        names = {kind: set(re.findall(r'"(\w+)"', table)) for kind, table in tables.items()}
        told = page("states.md")
        self.assertEqual(listed(section(told, "Rollouts")), names["State"])
        steps = section(told, "Steps")
        self.assertEqual(listed(steps), names["Kind"])
        self.assertEqual(set(words(re.search(r"A step is ([^.]*)\.", steps).group(1))), names["Progress"])

        views = source("appliance/control/observe/views.cpp")
        said = lambda name: {word for expression in re.findall(r'(?s)\{"state", ([^}]*)\}', body(views, name))
                             for word in re.findall(r'"(\w+)"', expression)}
        checks = set(re.findall(r'return "(\w+)"', body(source("appliance/boot/proxy/proxy_report.cpp"), "print")))
        self.assertEqual(checks, {"up", "down", "unknown"})
        self.assertEqual(listed(section(told, "Pools")), said("view_pool"))
        self.assertEqual(listed(section(told, "Servers of a pool")), said("view_backend") | checks)

    def test_signals_has_each_signal_with_what_it_does_and_no_other(self):
        text = source("appliance/boot/process/signals.cpp")
        taken = {name: set(re.findall(r"SIG(\w+)", re.search(rf"(?s) {name}\[\] = \{{(.*?)\}}", text).group(1)))
                 for name in ("harmless", "stopping")}
        told = [(row[1], set(re.findall(r"[A-Z][A-Z0-9]+", row[0]))) for row in rows(page("signals.md"))]
        self.assertEqual([signals for effect, signals in told if effect.startswith("Stop.")], [taken["stopping"]])
        self.assertEqual([signals for effect, signals in told if effect.startswith("Nothing.")], [taken["harmless"]])
        others = set().union(*(signals for _, signals in told)) - taken["harmless"] - taken["stopping"]
        self.assertEqual(others, set(re.findall(r"case SIG(\w+)", text)) - taken["stopping"] - {"CHLD"})

    def test_http_has_each_status_that_gatehouse_makes_and_no_other(self):
        texts = [source(f"core/http/{name}.cpp") for name in ("request_parser", "target", "head_lines")]
        texts += sources("core/proxy/session").values()
        lines = [line for text in texts for line in text.splitlines() if " Tick " not in line and "::Tick " not in line]
        made = {status for line in lines for status in re.findall(r"\b[45]\d\d\b", line)}
        told = [status for row in rows(section(page("http.md"), "Answers that Gatehouse makes"))
                for status in re.findall(r"\b[45]\d\d\b", row[0])]
        self.assertEqual(set(told), made)

    def test_api_has_each_role(self):
        described = json.loads((SOURCE / "docs" / "openapi.json").read_text(encoding="utf-8"))
        roles = {method["x-role"] for path in described["paths"].values() for method in path.values()}
        self.assertEqual(listed(section(page("api.md"), "Roles")), roles)


CONFIGURATION = house.CONFIGURATION.replace(
    'address = "0.0.0.0:8080"\nmode = "http"\n',
    'address = "0.0.0.0:8080"\nmode = "http"\ntrusted = ["127.0.0.0/8"]\nrequest_id = true\n') + """
[listen.odd]
address = "127.0.0.1:8081"
pool = "odd"

[listen.small]
address = "127.0.0.1:8082"
pool = "small"

[server.odd]
host = "127.0.0.1"

[pool.odd]
port = ODD
servers = ["odd"]
check = {{ type = "tcp", interval = "1s", rise = 1 }}

[pool.small]
port = 80
servers = [{{ name = "web1", max_connections = 1 }}]
queue = 4
queue_timeout = "20s"
"""
UPGRADE = (b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
ODD_ANSWER = next(number for number, row in enumerate(ANSWERS) if row.name == "bare LF everywhere")


class Living(house.SystemTest):
    def prepare(self):
        self.odd = OddServer(ANSWERS)
        self.house.write_configuration(CONFIGURATION.replace("ODD", str(self.odd.port)))

    def state_of(self, pool):
        return {found["name"]: found["state"] for found in self.house.json("status")["pools"]}[pool]

    def lines(self):
        text = (self.house.folder / "gatehouse.log").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n")[:-1] if line.startswith("{")]

    def queue_up(self):
        """Two requests to a server that takes one at a time."""
        queue = lambda: {pool["name"]: pool for pool in self.house.json("status")["pools"]}["small"]["queue"]
        visitors = [threading.Thread(target=get, args=("/drip?ms=2000", ("127.0.0.1", 8082))) for _ in range(2)]
        for visitor in visitors:
            visitor.start()
        wait_until(lambda: queue()["waited"] == 1, 10, "one has waited")
        for visitor in visitors:
            visitor.join()

    def meet_everything(self):
        """All that has a figure or a line of its own: bodies, odd answers, queues, refused requests, relays, a trusted
        peer, fences, the page, a deploy."""
        for pool in ("odd", "small"):
            wait_until(lambda name=pool: self.state_of(name) == "serving", 20, f"{pool} serves")
        get(headers={"X-Forwarded-For": "192.0.2.7"})
        get(f"/bytes?size={1 << 20}")
        get(f"/row/{ODD_ANSWER}", ("127.0.0.1", 8081))
        talk(b"GET / HTTP/1.1\r\n\r\n", until=b"400")
        talk(b"GET /ws HTTP/1.1\r\nHost: a\r\n" + UPGRADE + b"\r\n", half_close=True)
        talk(b"hello", CHAT, until=b"hello", half_close=True)
        self.queue_up()
        self.house.cli("fence", "web2", "--why", "to be seen")
        self.house.cli("unfence", "web2", "--wait", "20s")
        self.house.cli("maintenance", "on", "chat", "--why", "to be seen")
        self.house.cli("maintenance", "off", "chat")
        self.house.cli("deploy", "rolling", "--pool", "app", "--run", "true", "--why", "to be seen")

    def test_metrics_has_each_metric_with_type_and_labels_and_no_other(self):
        self.meet_everything()
        documented = {words(name)[0]: (kind, set(words(labels))) for name, kind, labels, _ in rows(page("metrics.md"))}
        self.assertEqual(len(documented), len(rows(page("metrics.md"))))
        wait_until(lambda: set(documented) <= set(self.served()), 20, "each documented metric")
        self.assertEqual(self.served(), documented)

    def served(self):
        """Type and labels of each metric."""
        socket_path = self.house.folder / "control.sock"
        text = run("curl", "-sS", "--unix-socket", socket_path, "http://gatehouse/v1/metrics").stdout
        kinds = dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", text))
        labels = {name: set() for name in kinds}
        for name, found in re.findall(r"(?m)^(gatehouse_\w+)(?:\{(.*)\})? \S+$", text):
            plain = name if name in kinds else re.sub("_(bucket|sum|count)$", "", name)
            labels[plain] |= set(re.findall(r'(\w+)="', found)) - ({"le"} if kinds[plain] == "histogram" else set())
        return {name: (kind, labels[name]) for name, kind in kinds.items()}

    def test_log_has_each_field_of_a_request_and_a_relay_and_no_other(self):
        self.meet_everything()
        documented = listed(section(page("log.md"), "Requests and relays"))
        told = lambda: set().union(*(line for line in self.lines() if line["event"] in ("exchange", "relay")))
        wait_until(lambda: told() >= documented, 20, "each documented field")
        self.assertEqual(told(), documented)
        kinds = {(line["event"], line.get("path"), line.get("status")) for line in self.lines()}
        self.assertLessEqual({("relay", None, None), ("exchange", "/ws", 101)}, kinds)

    def test_log_says_which_events_an_operator_can_follow(self):
        self.meet_everything()
        self.house.stop_server("web2")
        wait_until(lambda: self.house.states("app")["web2"] == "down", 20, "a server is down")
        followed = {line["event"] for line in self.house.json("log", "--lines", "1000")["lines"]}
        written = {line["event"] for line in self.lines()} - {"exchange", "relay"}
        self.assertIn("health", written)
        self.assertGreater(len(followed), 5)
        self.assertLessEqual(followed, listed(section(page("log.md"), CONTROL)))
        self.assertLessEqual(written - followed, listed(section(page("log.md"), OTHERS)))

    def test_each_exit_code_is_what_commands_says(self):
        code = lambda *command: self.house.cli(*command, check=False).returncode
        broken = self.house.folder / "broken.toml"
        broken.write_text("[listen.web]\n")
        self.addCleanup(socket.create_connection(CHAT, 10).close)  # it stays in flight
        taken = lambda: [name for name, found in self.house.backends("chat").items() if found["active"]]
        busy = wait_until(taken, 10, "one in flight")[0]
        seen = {
            "0": [code("status"), code("check", "-c", self.house.configuration)],
            "1": [code("fence", "nobody", "--why", "no such server")],
            "2": [code("fence"), code("nonsense"), code("check", "-c", broken)],
            "3": [run(PROGRAM, "status", "--socket", self.house.folder / "nothing.sock", check=False).returncode],
            "4": [code("fence", busy, "--pool", "chat", "--drain", "100ms", "--why", "it stays")],
            "130": [self.interrupted(busy)],
        }
        self.assertEqual(seen, {row[0]: [int(row[0])] * len(seen[row[0]])
                                for row in rows(section(page("commands.md"), "Exit codes"))})

    def interrupted(self, server):
        """The exit code of a command that waits, after Ctrl-C."""
        waiting = subprocess.Popen(
            [PROGRAM, "fence", server, "--pool", "chat", "--drain", "60s", "--why", "it stays", "--socket",
             self.house.folder / "control.sock"], stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (waiting.kill(), waiting.wait(), waiting.stderr.close()))
        self.assertTrue(any("in flight" in line for line in waiting.stderr), "it says what it waits for")
        waiting.send_signal(signal.SIGINT)
        return waiting.wait(20)


if __name__ == "__main__":
    house.main()
