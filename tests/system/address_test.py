"""Listeners on addresses that come and go, as the shared address of a pair of balancers does."""

import json

import house
from house import get, run, wait_until

MORE = """
[listen.shared]
address = "{address}"
mode = "http"
pool = "app"
"""


class Address(house.SystemTest):
    configuration = house.CONFIGURATION + MORE.format(address="10.80.0.99:8090")

    def prepare(self):
        self.house.install()

    def listener(self, name):
        return next(found for found in self.house.json("status")["listeners"] if found["name"] == name)

    def events(self):
        lines = (self.house.folder / "gatehouse.log").read_text().split("\n")[:-1]  # whole ones
        return [(event["listener"], event["address"], event["present"])
                for event in map(json.loads, (line for line in lines if '"event":"listener"' in line))]

    def address(self, verb, address, *words):
        run("ip", "address", verb, address, "dev", "servers", *words)

    def test_it_starts_without_the_address_and_serves_when_it_comes(self):
        absent = "10.80.0.99 is not an address of this machine yet, so nobody can reach this listener"
        self.assertEqual((self.listener("shared")["present"], self.listener("shared")["why"]), (False, absent))
        for always in ("web", "web6", "chat"):
            self.assertEqual((self.listener(always)["present"], self.listener(always)["why"]), (True, None))
        self.assertIn("not an address of this machine yet", self.house.cli("status").stdout)
        wait_until(lambda: self.events() == [("shared", "10.80.0.99:8090", False)], 5, "the log says so")
        self.address("add", "10.80.0.99/24")
        self.assertEqual(get(address=("10.80.0.99", 8090)).status, 200)
        self.assertEqual((self.listener("shared")["present"], self.listener("shared")["why"]), (True, None))
        self.assertNotIn("not an address", self.house.cli("status").stdout)
        wait_until(lambda: len(self.events()) == 2, 5, "the log says that it has come")
        self.address("delete", "10.80.0.99/24")
        self.assertIs(self.listener("shared")["present"], False)
        wait_until(lambda: len(self.events()) == 3, 5, "the log says that it has left")
        self.assertEqual([present for _, _, present in self.events()], [False, True, False])

    def test_a_reload_takes_such_a_listener_too(self):
        for address, name in (("10.80.0.98:8081", "10.80.0.98"), ("[fd80::98]:8081", "fd80::98")):
            with self.subTest(address=address):
                self.house.write_configuration(house.CONFIGURATION + MORE.format(address=address))
                self.house.cli("reload")
                self.assertIs(self.listener("shared")["present"], False)
                self.address("add", name + ("/64" if ":" in name else "/24"), *(["nodad"] if ":" in name else []))
                # The kernel makes the route of an IPv6 address a moment later.
                wait_until(lambda: self.listener("shared")["present"], 5, "the address is there")
                self.assertEqual(get(address=(name, 8081)).status, 200)

    def test_an_upgrade_takes_it_along(self):
        self.house.cli("upgrade")
        self.assertIs(self.listener("shared")["present"], False)
        self.address("add", "10.80.0.99/24")
        self.assertEqual(get(address=("10.80.0.99", 8090)).status, 200)

    def test_another_program_on_the_port_is_still_an_error(self):
        self.address("add", "10.80.0.97/24")
        with house.socket.create_server(("10.80.0.97", 8082)):
            self.house.write_configuration(house.CONFIGURATION + MORE.format(address="10.80.0.97:8082"))
            refused = self.house.cli("reload", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("cannot listen on 10.80.0.97:8082: Address already in use", refused.stderr)


if __name__ == "__main__":
    house.main()
