"""A hijacked control process can redirect only what the configuration file has. The test takes a copy of control's end
of the link to the fence process, and asks there while control is stopped."""

import contextlib
import ctypes
import json
import os
import signal
import socket
import struct

import house
from front import KERNEL
from house import run, wait_until

PIDFD_GETFD = 438
MAGIC, KIND_REDIRECT = 0x67616666, 7
# netfilter/protocol/helper_protocol.hpp: Request with its items, and what of Reply stands before and behind them.
ITEMS = 16 * 464
HEAD, REPLY = struct.Struct("=IBBHQq"), struct.Struct("=IBBBBQqiI")
# netfilter/protocol/redirect_protocol.hpp: RedirectItem.
ITEM = struct.Struct("=6B3HIi4BQ16s64s")
LISTENER, BACKEND, FORWARDING = 1, 2, 3


def address(text):
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return 6 if family == socket.AF_INET6 else 4, int(port), socket.inet_pton(family, host)


def item(part, where="0.0.0.0:0", name=b"", masquerade=0):
    family, port, packed = address(where)
    backend = part == BACKEND
    return ITEM.pack(part, 0 if part == FORWARDING else family, 0, masquerade, 0, int(backend), port, int(backend), 0, 0,
                     0, 0, 0, 0, 0, 0, packed, name)


def descriptor_of(pid, inode):
    """The number of that process's descriptor of a socket; nothing where it has none."""
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{pid}/fd/{number}") == f"socket:[{inode}]":
                return int(number)
    return None


class Bounds(house.SystemTest):
    configuration = KERNEL

    def setUp(self):
        super().setUp()
        wait_until(lambda: {name: backend.get("slots") for name, backend in self.house.backends("chat").items()} ==
                   {"web1": 128, "web2": 128}, 20, "both servers have their slots")

    @contextlib.contextmanager
    def link_of_control(self):
        """Control's end of the link to the fence process, while control stands still."""
        children = self.house.children()
        inode = os.readlink(f"/proc/{children['fence']}/fd/3")[len("socket:["):-1]
        lines = [line.split() for line in run("ss", "-Hxn").stdout.splitlines()]
        peer = next(line[7] for line in lines if line[5] == inode)
        os.kill(children["control"], signal.SIGSTOP)
        try:
            pidfd = os.pidfd_open(children["control"])
            number = descriptor_of(children["control"], peer)
            copy = ctypes.CDLL(None, use_errno=True).syscall(PIDFD_GETFD, pidfd, number, 0)
            os.close(pidfd)
            self.assertGreaterEqual(copy, 0, os.strerror(ctypes.get_errno()))
            with socket.socket(fileno=copy) as link:
                link.settimeout(10)
                yield link
        finally:
            os.kill(children["control"], signal.SIGCONT)

    def ask(self, link, name, listener, *backends, masquerade=1):
        """Empty where it was done; else the error, in one line."""
        items = [item(FORWARDING), item(LISTENER, listener, name, masquerade)]
        items += [item(BACKEND, backend) for backend in backends]
        identity = int.from_bytes(os.urandom(8), "little")
        link.send(HEAD.pack(MAGIC, KIND_REDIRECT, 1, len(items), identity, 0) + b"".join(items).ljust(ITEMS, b"\0"))
        while True:
            reply = link.recv(1 << 16)
            if len(reply) < REPLY.size + ITEMS:
                continue  # it tells by itself that a table was changed
            head = REPLY.unpack_from(reply)
            if head[5] == identity:  # what control itself had asked for comes first
                texts = reply[REPLY.size + ITEMS:][:head[8]].decode().split("\0") if head[3] else []
                return ": ".join(text for text in texts[:2] if text)

    def table(self):
        return json.loads(run("nft", "-j", "list", "table", "inet", "gatehouse_redirect").stdout)

    def test_only_what_the_configuration_names_is_redirected(self):
        why = "the configuration file does not name it"
        allowed = (b"chat", "0.0.0.0:5222", "10.80.0.11:5222", "10.80.0.12:5222")
        refused = (("another port", (b"chat", "0.0.0.0:22", *allowed[2:]), "0.0.0.0:22 as 'chat' with masquerade"),
                   ("another address", (b"chat", "10.80.0.1:5222", *allowed[2:]), "10.80.0.1:5222 as 'chat'"),
                   ("another name", (b"ssh", *allowed[1:]), "0.0.0.0:5222 as 'ssh'"),
                   ("another pool's server", (b"chat", "0.0.0.0:5222", "10.80.0.11:80"), "'chat' to 10.80.0.11:80"),
                   ("no server of ours", (*allowed, "10.80.0.99:5222"), "'chat' to 10.80.0.99:5222"),
                   ("a listener of the proxy's", (b"web", "0.0.0.0:80", "10.80.0.11:80"), "0.0.0.0:80 as 'web'"))
        children = self.house.children()
        with self.link_of_control() as link:
            self.assertEqual(self.ask(link, *allowed), "")
            made = self.table()
            self.assertIn("10.80.0.12", json.dumps(made))
            for what, order, said in refused:
                with self.subTest(what):
                    answer = self.ask(link, *order)
                    self.assertIn("cannot redirect " + said, answer)
                    self.assertIn(why, answer)
            self.assertIn("without masquerade: " + why, self.ask(link, *allowed, masquerade=0))
            self.assertEqual(self.table(), made)
            self.assertEqual(self.ask(link, *allowed), "")
        wait_until(lambda: self.house.cli("status", check=False).returncode == 0, 10, "control goes on")
        self.assertEqual(self.house.children(), children)

    def test_a_reload_moves_the_bounds_for_a_new_fence_process_too(self):
        moved = KERNEL.replace('address = "0.0.0.0:5222"', 'address = "0.0.0.0:5333"')
        self.assertNotEqual(moved, KERNEL)
        with self.link_of_control() as link:
            self.assertIn("cannot redirect 0.0.0.0:5333", self.ask(link, b"chat", "0.0.0.0:5333", "10.80.0.11:5222"))
        self.house.write_configuration(moved)
        self.house.cli("reload")
        self.assertIn("5333", json.dumps(self.table()))
        before = self.house.children()["fence"]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.house.children().get("fence", before) != before, 10, "another fence process")
        run("nft", "delete", "table", "inet", "gatehouse_redirect")
        wait_until(lambda: "gatehouse_redirect" in run("nft", "list", "tables").stdout, 10, "it is made again")
        self.assertIn("5333", json.dumps(self.table()))


if __name__ == "__main__":
    house.main()
