"""Other programs: a second Gatehouse, nft as another reader of the same tables, a fence process that is killed."""

import ipaddress
import json
import pathlib
import re
import sys
import urllib.parse

import house
from house import BUILD, CONFIGURATION, SOURCE, run, wait_until

sys.path.insert(0, str(SOURCE / "tests/support"))
from json_schema import violations  # noqa: E402, after the path to it

SCHEMA = json.loads((SOURCE / "docs/rules.schema.json").read_text())

FIREWALL = """
[firewall]
enabled = true
management = ["10.80.0.0/24", "fd80::/64"]
management_ports = [2222]
connections_per_source = 100
new_per_source = "1000/s"
"""
NASTY = 'say "no"; flush ruleset\nGrüße, 你好 🚧 \\ %41'
PROTOCOLS = {6: "tcp", "tcp": "tcp", 17: "udp", "udp": "udp"}
MODES = {"goto deny-reset": "reset", "continue": "reset", "goto deny-icmp": "icmp", "drop": "drop"}
NOTE = re.compile(r"(id|by|since|until|why)=(.*?)(?= (?:by|since|until|why)=|$)")
SCOPES = {"new": "new", "all": "all"}


class Neighbours(house.SystemTest):
    configuration = CONFIGURATION + FIREWALL

    def fences_by_nft(self):
        """Every fence as `nft -j` has it, by address, in the words of `gatehouse rules --json`."""
        found = {}
        for entry in json.loads(run("nft", "-j", "list", "table", "inet", "gatehouse").stdout)["nftables"]:
            for key, verdict in entry.get("map", {}).get("elem", []):
                element = key["elem"]
                host, protocol, port = element["val"]["concat"]
                note = dict(NOTE.findall(element["comment"]))
                address = f"[{host}]:{port}" if ipaddress.ip_address(host).version == 6 else f"{host}:{port}"
                found[address] = {
                    "protocol": PROTOCOLS[protocol],
                    "mode": MODES[" ".join([*verdict, *(goal["target"] for goal in verdict.values() if goal)])],
                    "scope": SCOPES[entry["map"]["name"][:3]],
                    "packets": element["counter"]["packets"],
                    "bytes": element["counter"]["bytes"],
                    "id": note["id"],
                    "who": note["by"],
                    "since": note["since"],
                    "until": note.get("until"),
                    "why": urllib.parse.unquote(note["why"]),
                    "timed": "expires" in element,
                }
        return found

    def test_nft_agrees_with_rules_field_by_field(self):
        self.house.cli("fence", "web1", "--pool", "app", "--why", NASTY)
        self.house.cli("fence", "web1", "--pool", "chat", "--mode", "icmp", "--for", "1h", "--why", "an hour")
        self.house.cli("fence", "web2", "--pool", "app", "--mode", "drop", "--why", "silence")
        for _ in range(3):
            with self.assertRaises(ConnectionRefusedError):
                house.talk(b"", ("10.80.0.11", 80), timeout=2)
        rules = self.house.json("rules")
        fences = {fence["address"]: fence for fence in rules["fences"]}
        by_nft = self.fences_by_nft()
        self.assertEqual(set(fences), set(by_nft))
        self.assertEqual(len(fences), 3)
        for address, other in by_nft.items():
            fence = fences[address]
            for name in ("protocol", "mode", "scope", "packets", "bytes", "id"):
                self.assertEqual(fence[name], other[name], f"{name} of {address}")
            for name in ("who", "why"):
                self.assertTrue(is_cut(other[name], fence[name]), f"{name} of {address}: {other[name]}")
            for name in ("since", "until"):
                self.assertEqual(basic(fence[name]), other[name], f"{name} of {address}")
            self.assertEqual(fence["until"] is not None, other["timed"], address)
            self.assertIsNone(fence["drift"])
        self.assertEqual(fences["10.80.0.11:80"]["packets"], 3)
        self.assertEqual(fences["10.80.0.11:80"]["why"], NASTY)

    def assert_described(self, rules):
        self.assertEqual(list(violations(rules, SCHEMA)), [])

    def test_rules_are_as_their_schema_describes_them(self):
        wait_until(lambda: self.house.json("firewall", "status")["in_kernel"], 5, "the firewall is in the kernel")
        rules = self.house.json("rules")
        self.assert_described(rules)
        self.assertEqual((rules["fences"], rules["last_drift"]), ([], None))
        self.assertEqual((rules["firewall"]["state"], rules["firewall"]["in_kernel"]), ("on", True))
        self.house.cli("fence", "web1", "--for", "1h", "--why", NASTY)
        self.house.cli("fence", "web2", "--mode", "drop", "--why", "silence")
        run("nft", "flush", "ruleset")
        wait_until(lambda: self.house.json("rules")["last_drift"], 5, "the drift is seen")
        run("nft", "add", "element", "inet", "gatehouse", "new6", "{ fd00::1 . udp . 53 : drop }")
        wait_until(lambda: len(self.house.json("rules")["fences"]) == 5, 5, "the fifth fence is seen")
        rules = self.house.json("rules")
        self.assert_described(rules)
        self.assertEqual(rules["last_drift"]["culprit"], "nft")
        self.assertEqual([each["address"] for each in rules["fences"] if each["protocol"] == "udp"], ["[fd00::1]:53"])
        for fence in rules["fences"]:
            for name in fence:
                lacking = {**rules, "fences": [{key: fence[key] for key in fence if key != name}]}
                self.assertEqual(list(violations(lacking, SCHEMA)), [f"$.fences[0]: {name} is missing"])

    def test_rules_show_the_firewall_beside_the_fences(self):
        self.house.cli("fence", "web1", "--why", "a test")
        wait_until(lambda: self.house.json("firewall", "status")["in_kernel"], 5, "the firewall is in the kernel")
        shown = self.house.cli("rules").stdout
        self.assertIn("table inet gatehouse: 2 fences", shown)
        self.assertIn("firewall: on\n  open to all: tcp 5222, 8080\n", shown)

    def test_what_nft_lists_it_can_load_again(self):
        wait_until(lambda: self.house.json("firewall", "status")["in_kernel"], 5, "the firewall is in the kernel")
        self.house.cli("fence", "web1", "--why", NASTY)
        self.house.cli("fence", "web2", "--for", "1h", "--mode", "icmp", "--why", "an hour")
        self.house.daemon.kill()  # so that nothing repairs the tables
        self.house.daemon.wait()
        before = run("nft", "list", "ruleset").stdout
        self.assertIn("table inet gatehouse {", before)
        self.assertIn("table inet gatehouse_host {", before)
        listing = pathlib.Path(self.house.folder / "listing.nft")
        listing.write_text(before)
        run("nft", "flush", "ruleset")
        run("nft", "-f", listing)
        self.assertEqual(lasting(run("nft", "list", "ruleset").stdout), lasting(before))

    def test_a_second_gatehouse_is_refused_and_told_which_is_first(self):
        second = self.house.folder / "second.toml"
        text = self.house.configuration.read_text()
        text = re.sub("8080|5222", lambda port: str(int(port[0]) + 1), text.replace("control.sock", "2.sock"))
        second.write_text(text)
        before = run("nft", "--terse", "list", "ruleset").stdout
        answer = run(BUILD / "gatehouse", "run", "-c", second, check=False)
        self.assertEqual(answer.returncode, 1)
        self.assertIn(f"process {self.house.daemon.pid} ", answer.stderr)
        self.assertIn(str(self.house.configuration), answer.stderr)
        self.assertEqual(len(answer.stderr.splitlines()), 1, answer.stderr)
        self.assertEqual(run("nft", "--terse", "list", "ruleset").stdout, before)
        self.assertEqual(house.get().status, 200)


def is_cut(held, whole):
    """Whether the kernel, which has 128 bytes for all words of a fence, holds as much of these as fits."""
    return held == whole or (held.endswith("...") and whole.startswith(held[:-3]) and len(whole) > len(held) - 3)


def basic(stamp):
    """2026-11-23T04:00:00Z as a note has it: 20261123T040000Z."""
    return stamp and re.sub(r"[-:]|\.\d+", "", stamp)


def lasting(listing):
    """Without what moves by itself: counters, what is left of a time, and the order of elements, which is a hash's."""
    text = re.sub(r"packets \d+ bytes \d+|expires \w+", "", listing)
    lines = re.sub(r",\n\t+", ", ", text).splitlines()
    return [sorted(line.split(",")) if line.startswith("\t\telements") else line for line in lines]


if __name__ == "__main__":
    house.main()
