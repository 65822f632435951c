"""The appliance's own firewall: which connections it allows, and the end of an unconfirmed change."""

import json
import os
import re
import signal
import socket
import subprocess
import time

import house
from house import CONFIGURATION, run, wait_until

MANAGED = 2222
SECTION = """
[firewall]
enabled = true
management = ["{{networks}}"]
management_ports = [2222]
connections_per_source = 100
new_per_source = "1000/s"
confirm = "10s"
"""
MANAGER, STRANGER = "10.80.0.11", "10.80.0.12"
REACH = "import socket,sys; socket.create_connection(('10.80.0.1', int(sys.argv[2])), 0.7, (sys.argv[1], 0))"


def section(networks):
    return CONFIGURATION + SECTION.replace("{{networks}}", networks)


class Firewall(house.SystemTest):
    configuration = section(f"{MANAGER}/32")

    def setUp(self):
        super().setUp()
        self.managed = socket.create_server(("0.0.0.0", MANAGED))
        self.addCleanup(self.managed.close)
        wait_until(lambda: self.status()["in_kernel"], 5, "the firewall is in the kernel")

    def status(self):
        return self.house.json("firewall", "status")

    def reaches(self, source, port):
        command = ["ip", "netns", "exec", self.house.app, "python3", "-c", REACH, source, str(port)]
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0

    def swap(self):
        """Gives the management port to the other machine."""
        self.house.write_configuration(section(f"{STRANGER}/32"))
        return self.house.cli("reload", "--why", "a test").stdout

    def assert_managed_by(self, manager, stranger):
        self.assertTrue(self.reaches(manager, MANAGED))
        self.assertFalse(self.reaches(stranger, MANAGED))

    def test_everybody_reaches_the_listeners_and_managers_the_rest(self):
        for source in (MANAGER, STRANGER):
            self.assertTrue(self.reaches(source, 8080))
            self.assertTrue(self.reaches(source, 5222))
        self.assert_managed_by(MANAGER, STRANGER)
        status = self.status()
        self.assertEqual(status["state"], "on")
        self.assertEqual(status["ports"], [5222, 8080])
        self.assertGreater(status["dropped"]["policy"], 0)
        self.assertEqual(house.get().status, 200)  # the way to the servers is open

    def test_a_change_nobody_confirms_goes_back_by_itself(self):
        self.assertIn("firewall confirm", self.swap().replace("\n", " ").replace("  ", " "))
        self.assertEqual(self.status()["state"], "on trial")
        self.assert_managed_by(STRANGER, MANAGER)
        wait_until(lambda: self.status()["state"] == "gone back", 15, "the old firewall is back")
        self.assert_managed_by(MANAGER, STRANGER)
        self.assertEqual(self.house.cli("firewall", "confirm", check=False).returncode, 1)

    def test_a_confirmed_change_stays(self):
        self.swap()
        self.house.cli("firewall", "confirm", "--why", "a test")
        self.assertEqual(self.status()["state"], "on")
        time.sleep(11)  # longer than a change may wait: nothing is to happen
        self.assert_managed_by(STRANGER, MANAGER)

    def test_a_change_goes_back_even_when_control_was_killed_meanwhile(self):
        self.swap()
        before = self.house.children()["control"]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.house.children().get("control", before) != before, 5, "a new control")
        wait_until(lambda: self.house.cli("status", check=False).returncode == 0, 10, "control answers")
        self.assertEqual(self.status()["state"], "on trial")
        wait_until(lambda: self.status()["state"] == "gone back", 15, "the old firewall is back")
        self.assert_managed_by(MANAGER, STRANGER)

    def test_the_rules_stay_while_the_fence_process_is_away(self):
        before = self.house.children()["fence"]
        os.kill(before, signal.SIGKILL)
        self.assert_managed_by(MANAGER, STRANGER)
        wait_until(lambda: self.house.children().get("fence", before) != before, 5, "a new fence process")
        self.assert_managed_by(MANAGER, STRANGER)

    def test_a_foreign_flush_is_repaired(self):
        run("nft", "flush", "ruleset")
        wait_until(lambda: self.status()["repairs"] == 1 and self.status()["in_kernel"], 5, "the firewall is back")
        self.assert_managed_by(MANAGER, STRANGER)

    def test_a_new_listener_is_reached_without_a_confirmation(self):
        added = '[listen.more]\naddress = "0.0.0.0:8081"\nmode = "http"\npool = "app"\n\n'
        self.house.write_configuration(added + self.configuration)
        self.house.cli("reload")
        self.assertTrue(self.reaches(STRANGER, 8081))
        self.assertEqual(self.status()["state"], "on")

    def test_switched_off_and_confirmed_leaves_no_table(self):
        self.house.write_configuration(CONFIGURATION)
        self.house.cli("reload")
        self.house.cli("firewall", "confirm")
        self.assertTrue(self.reaches(STRANGER, MANAGED))
        tables = [each["table"]["name"] for each in json.loads(run("nft", "-j", "list", "tables").stdout)["nftables"][1:]]
        self.assertNotIn("gatehouse_host", tables)
        self.assertEqual(self.status()["state"], "off")

    def test_rules_prints_the_table_as_nft_does(self):
        lists = [run("nft", "list", "table", "inet", name).stdout for name in ("gatehouse", "gatehouse_host")]
        self.assertEqual(strip_counts(self.house.cli("rules", "--nft").stdout), strip_counts("".join(lists)))


def strip_counts(text):
    return house.in_any_layout(re.sub(r" counter .*", "", text))


if __name__ == "__main__":
    house.main()
