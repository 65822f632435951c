"""What operators without a shell ask the machine. The built binary answers, confined and unprivileged, with real
servers and fences. The kernel allows ping sockets only to another group."""

import grp
import http.client
import json
import pathlib
import re
import socket
import threading
import time

import house
from house import run, wait_until

GROUPS = pathlib.Path("/proc/sys/net/ipv4/ping_group_range")  # of this namespace
CONFIGURATION = house.CONFIGURATION + """
[access.ci]
role = "read"
token_sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

[deploy.app]
pool = "app"
run = "ssh {{host}} API_TOKEN=hunter2 deploy"
"""


class Diagnose(house.SystemTest):
    configuration = CONFIGURATION

    def post(self, what, body, timeout=30):
        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(f"{self.house.folder}/control.sock")
        connection.request("POST", f"/v1/diagnose/{what}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        connection.close()
        return answer.status, content

    def test_connect_names_the_server_that_answered_or_the_error(self):
        for host, port in (("10.80.0.11", 80), ("fd80::12", 80)):
            self.assertRegex(self.house.cli("connect", host, port).stdout, r"^\S+:80 (\(\S+\) )?answers after [\d.]+ ms\n$")
        refused = self.house.cli("connect", "10.80.0.11", 81, check=False)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertRegex(refused.stderr, r"^gatehouse: cannot connect to 10.80.0.11:81: Connection refused "
                                         r"after [\d.]+ ms\n$")
        begin = time.monotonic()
        silent = self.house.cli("connect", "10.80.0.99", 80, "--timeout", "300ms", check=False)
        self.assertEqual(silent.returncode, 1)
        self.assertIn("no answer in time", silent.stderr)
        self.assertLess(time.monotonic() - begin, 2)
        self.house.cli("fence", "web1", "--why", "a new kernel")
        fenced = self.house.cli("connect", "10.80.0.11", 80, check=False)
        self.assertIn("Connection refused", fenced.stderr)
        self.assertTrue(fenced.stderr.endswith("; web1 is fenced by root: a new kernel\n"), fenced.stderr)

    def test_resolve_says_addresses_or_why_there_are_none(self):
        self.assertRegex(self.house.cli("resolve", "localhost").stdout, r"^(127\.0\.0\.1|::1)\n")
        self.assertEqual(self.house.json("resolve", "10.80.0.11")["addresses"], ["10.80.0.11"])
        unknown = self.house.cli("resolve", "nothing.invalid", check=False)
        self.assertEqual((unknown.returncode, unknown.stdout), (1, ""))
        self.assertRegex(unknown.stderr, r"^gatehouse: cannot resolve nothing.invalid: .+ \(after [\d.]+ ms\)\n$")

    def test_ping_hears_hosts_and_says_what_it_needs(self):
        GROUPS.write_text("1 0")
        refused = self.house.cli("ping", "10.80.0.11", check=False)
        self.assertEqual((refused.returncode, refused.stdout, refused.stderr.count("\n")), (1, "", 1))
        gid = grp.getgrnam("gatehouse").gr_gid
        self.assertIn(f"net.ipv4.ping_group_range must include it, for example '{gid} {gid}'", refused.stderr)
        GROUPS.write_text(f"{gid} {gid}")
        for host in ("10.80.0.11", "fd80::11"):
            # A new address may need a second echo, until its neighbours have found it.
            wait_until(lambda: self.house.cli("ping", host, "--count", 1, check=False).returncode == 0, 5,
                       f"an echo from {host}")
            self.assertRegex(self.house.cli("ping", host, "--count", 2).stdout, r"2 of 2 echoes came back, [\d.]+ ms to ")
        answer = self.house.json("ping", "10.80.0.11")
        self.assertEqual((answer["sent"], answer["received"], len(answer["echoes"])), (3, 3, 3))
        begin = time.monotonic()
        silent = self.house.cli("ping", "10.80.0.99", "--count", 10, "--timeout", "1s", check=False)
        self.assertEqual(silent.returncode, 1)
        self.assertLess(time.monotonic() - begin, 3)
        self.assertRegex(silent.stderr, r"^gatehouse: no echo from 10.80.0.99: (no answer in time|No route to host)\n$")

    def test_a_handful_at_a_time_delay_no_other(self):
        """More than may ask at once, all of a host that does not answer: some are turned away, and the API goes on."""
        self.house.cli("fence", "web2", "--mode", "drop")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(
            self.post("connect", {"host": "10.80.0.12", "port": 80, "timeout_ms": 4000}))) for _ in range(12)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == 8, 3, "eight are turned away")
        self.assertEqual({status for status, _ in answers}, {503})
        self.house.cli("fence", "web1", "--why", "meanwhile")
        self.house.cli("status")
        self.assertLess(time.monotonic() - begin, 3.9)
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(status for status, _ in answers), [200] * 4 + [503] * 8)
        self.house.cli("unfence", "web2")
        self.assertEqual(self.post("connect", {"host": "10.80.0.12", "port": 80})[1]["connected"], True)

    def test_the_end_of_the_log_and_who_diagnosed(self):
        self.house.cli("resolve", "localhost")
        self.house.cli("fence", "web1", "--why", "to be seen")
        shown = self.house.cli("log", "--lines", 50).stdout
        self.assertRegex(shown, r"\d\d:\d\d:\d\d  diagnose +what resolve, host localhost, who root, from unix\n")
        self.assertIn("to be seen", shown)
        lines = self.house.json("log", "--lines", 1)["lines"]
        self.assertEqual((len(lines), lines[0]["event"]), (1, "audit"))
        run("kill", "-9", self.house.children()["fence"])
        wait_until(lambda: "process fence, why signal 9" in self.house.cli("log").stdout, 5, "its end is told")

    def test_support_is_one_file_without_secrets(self):
        self.house.cli("fence", "web1", "--why", "curl -H 'Authorization: Bearer hunter2'")
        made = run(house.BUILD / "gatehouse", "support", "--socket", self.house.folder / "control.sock",
                   cwd=self.house.folder)
        file = self.house.folder / made.stdout.splitlines()[0]
        self.assertTrue(re.fullmatch(r"gatehouse-support-\d{8}T\d{6}Z\.json", file.name), file.name)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        text = file.read_text()
        document = json.loads(text)
        self.assertEqual(document["rules"]["fences"][0]["server"], "web1")
        self.assertEqual({metric["name"] for metric in document["metrics"]} & {"gatehouse_info"}, {"gatehouse_info"})
        self.assertEqual(document["audit"][0]["what"], "fence")
        self.assertIn('token_sha256 = "***"', document["configuration"]["text"])
        self.assertIn('run = "***"', document["configuration"]["text"])
        self.assertNotIn("hunter2", text)
        self.assertNotIn("0123456789abcdef", text)


if __name__ == "__main__":
    house.main()
