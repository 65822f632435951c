"""A network in front of Gatehouse: a visitor's namespace, 10.81.0.2 and fd81::2, with Gatehouse at 10.81.0.1 and fd81::1."""

import socket

from house import CONFIGURATION, enter_namespace, run

# Where the pools of KERNEL are reached.
GATE, GATE6 = ("10.81.0.1", 5222), ("fd81::1", 5223)

KERNEL = CONFIGURATION.replace("[pool.chat]\n", '[pool.chat]\nplane = "kernel"\n') + """
[listen.chat6]
address = "[::]:5223"
mode = "tcp"
pool = "chat6"

[server.six1]
host = "fd80::11"

[pool.chat6]
plane = "kernel"
port = 80
servers = ["six1"]
check = {{ type = "tcp", interval = "1s", timeout = "500ms", fall = 2, rise = 1 }}
"""


class Front:
    def __init__(self, house):
        self.house = house
        self.client = house.name + "-client"
        run("ip", "netns", "add", self.client)
        run("ip", "link", "add", "clients", "type", "veth", "peer", "name", "gate", "netns", self.client)
        for namespace, device, number in ((house.name, "clients", 1), (self.client, "gate", 2)):
            run("ip", "-n", namespace, "address", "add", f"10.81.0.{number}/24", "dev", device)
            run("ip", "-n", namespace, "address", "add", f"fd81::{number}/64", "dev", device, "nodad")
            run("ip", "-n", namespace, "link", "set", device, "up")

    def close(self):
        run("ip", "netns", "delete", self.client, check=False)

    def join(self):
        """Routes on both sides, as where Gatehouse is the servers' default gateway."""
        run("ip", "-n", self.client, "route", "add", "10.80.0.0/24", "via", "10.81.0.1")
        run("ip", "-n", self.client, "route", "add", "fd80::/64", "via", "fd81::1")
        run("ip", "-n", self.house.app, "route", "add", "default", "via", "10.80.0.1")
        run("ip", "-n", self.house.app, "route", "add", "default", "via", "fd80::1")

    def make(self, namespace, make):
        """What is made in that namespace; a socket stays in the one that it was made in."""
        with open(f"/run/netns/{namespace}", "rb") as there, open(f"/run/netns/{self.house.name}", "rb") as here:
            enter_namespace(there.fileno())
            try:
                return make()
            finally:
                enter_namespace(here.fileno())

    def connect(self, address, patience=5):
        """A connection of the visitor's."""
        return self.make(self.client, lambda: socket.create_connection(address, patience))
