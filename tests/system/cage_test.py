"""What injected code can do in the daemon's running processes, with their real filters. `gatehouse --cage` tries the
long list."""

import errno
import os
import signal
import socket
import struct
import time
import unittest

import house
from house import get, wait_until
from intruder import Intruder

READ, WRITE, SOCKET, CONNECT, FCNTL, CLONE, PRLIMIT = 0, 1, 41, 42, 72, 56, 302
SECCOMP, RING_SETUP, RING_REGISTER = 317, 425, 427
F_SETOWN, F_SETSIG = 8, 10
RLIMIT_CPU = 0
LINK = 3
MAGIC = 0x47415445
sandboxed = unittest.skipIf(house.SANITIZED, "no sandbox in a sanitized build")


def serves():
    """Whether a visitor is served; one that a dying proxy had accepted is not."""
    try:
        return get(timeout=3).status == 200
    except (OSError, house.http.client.HTTPException):
        return False


class Cage(house.SystemTest):
    @sandboxed
    def test_every_role_refuses_the_whole_list(self):
        tried = house.run(house.BUILD / "gatehouse", "--cage", check=False)
        self.assertEqual((tried.returncode, tried.stderr), (0, ""), tried.stdout)
        self.assertEqual([line.split(":")[0] for line in tried.stdout.splitlines()], ["proxy", "control", "fence"])

    @sandboxed
    def test_code_in_the_proxy_makes_no_ring_and_no_local_socket(self):
        self.assertEqual(get().status, 200)
        with Intruder(self.house.children()["proxy"]) as inside:
            parameters = inside.put(bytes(120))
            self.assertEqual(inside.call(RING_SETUP, 8, parameters), -errno.EPERM)
            self.assertEqual(inside.call(RING_REGISTER, LINK, 8, parameters, 1), -errno.EPERM)
            self.assertEqual(inside.call(SOCKET, socket.AF_UNIX, socket.SOCK_STREAM, 0), -errno.EPERM)
            self.assertEqual(inside.call(SOCKET, socket.AF_NETLINK, socket.SOCK_RAW, 0), -errno.EPERM)
            self.assertEqual(inside.call(CLONE, signal.SIGCHLD), -errno.EPERM)
            self.assertEqual(inside.call(SECCOMP, 1, 0, inside.put(bytes(16))), -errno.EPERM)
        self.assertEqual(get().status, 200)

    @sandboxed
    def test_a_reload_and_new_processes_work_inside_of_it(self):
        before = self.house.children()
        self.house.cli("reload")
        self.assertEqual(get().status, 200)
        for role in ("proxy", "control", "fence"):
            os.kill(self.house.children()[role], signal.SIGKILL)
            wait_until(lambda: self.house.children().get(role, before[role]) != before[role], 5, f"a new {role}")
            wait_until(lambda: self.house.cli("rules", check=False).returncode == 0, 5, "rules answers")
        wait_until(serves, 30, "the new proxy serves")
        with Intruder(self.house.children()["proxy"]) as inside:
            self.assertEqual(inside.call(RING_SETUP, 8, inside.put(bytes(120))), -errno.EPERM)

    @sandboxed
    def test_none_of_them_ends_another(self):
        children = self.house.children()
        for role, pid in children.items():
            other = children["fence" if role != "fence" else "control"]
            with self.subTest(role), Intruder(pid) as inside:
                self.assertEqual(inside.call(FCNTL, LINK, F_SETOWN, other), -errno.EPERM)
                self.assertEqual(inside.call(FCNTL, LINK, F_SETSIG, signal.SIGKILL), -errno.EPERM)
                limit = inside.put(struct.pack("QQ", 0, 0))
                self.assertEqual(inside.call(PRLIMIT, other, RLIMIT_CPU, limit, 0), -errno.EPERM)
        self.assertEqual(self.house.children(), children)

    def send(self, inside, *texts, descriptor=LINK):
        """As a message on the link, which is framed as appliance/link/channel does it."""
        for text in texts:
            packet = struct.pack("4I", MAGIC, 1, len(text), 0) + text
            self.assertIn(inside.call(WRITE, descriptor, inside.put(packet), len(packet)), (len(packet), None))

    def test_rubbish_from_control_ends_control_and_nothing_else(self):
        for text in (b'{"type":5}', b'{"type":"check_upgrade"}', b"{}", b"[]", b"x",
                     b'{"type":"is_child","id":1,"pid":' + b"[" * 2000 + b"]" * 2000 + b"}"):
            with self.subTest(text[:30]):
                wait_until(lambda: "control" in self.house.children(), 30, "control is there")
                before = self.house.children()
                with Intruder(before["control"]) as inside:
                    self.send(inside, text)
                wait_until(lambda: self.house.children().get("control", before["control"]) != before["control"], 30,
                           "another control")
                wait_until(lambda: self.house.cli("status", check=False).returncode == 0, 30, "it answers")
                after = self.house.children()
                self.assertEqual((after["proxy"], after["fence"]), (before["proxy"], before["fence"]))
                self.assertEqual(get().status, 200)
        self.assertIsNone(self.house.daemon.poll())

    def test_control_gets_no_port_that_the_configuration_does_not_name(self):
        with Intruder(self.house.children()["control"]) as inside:
            self.send(inside, b'{"type":"open_listeners","id":99999,"address":"0.0.0.0:2222","count":1}')
        self.assertEqual(self.house.cli("status", check=False).returncode, 0)
        self.assertNotIn(":2222 ", house.run("ss", "-ltn").stdout)

    def test_rubbish_from_the_proxy_ends_the_proxy_alone(self):
        before = self.house.children()
        with Intruder(before["proxy"]) as inside:
            self.send(inside, b'{"type":5}')
        # The next question finds it.
        wait_until(lambda: self.house.cli("status", check=False) and
                   self.house.children().get("proxy", before["proxy"]) != before["proxy"], 10, "another proxy")
        wait_until(serves, 30, "it serves")
        after = self.house.children()
        self.assertEqual((after["control"], after["fence"]), (before["control"], before["fence"]))

    def test_rubbish_from_the_fence_process_ends_it_alone(self):
        before = self.house.children()
        with Intruder(before["fence"]) as inside:
            rubbish = inside.put(b"rubbish")
            self.assertIn(inside.call(WRITE, LINK, rubbish, 7), (7, None))
        wait_until(lambda: self.house.children().get("fence", before["fence"]) != before["fence"], 10, "another one")
        wait_until(lambda: self.house.cli("rules", check=False).returncode == 0, 5, "it answers")
        after = self.house.children()
        self.assertEqual((after["control"], after["proxy"]), (before["control"], before["proxy"]))

    def test_the_api_answers_no_process_of_the_daemons_own(self):
        name = struct.pack("H", socket.AF_UNIX) + bytes(self.house.folder / "control.sock") + b"\0"
        request = b"GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with Intruder(self.house.children()["control"]) as inside:
            own = inside.call(SOCKET, socket.AF_UNIX, socket.SOCK_STREAM, 0)
            self.assertGreaterEqual(own, 0)
            self.assertEqual(inside.call(CONNECT, own, inside.put(name), len(name)), 0)
            self.assertEqual(inside.call(WRITE, own, inside.put(request), len(request)), len(request))
            room = inside.put(bytes(1024))
            time.sleep(0.2)  # a read that waits cannot be stepped over
            got = inside.call(READ, own, room, 1024)
            self.assertIn(b"403 Forbidden", inside.read(room, max(got, 0)))
        self.assertIn("one of the daemon's own processes", (self.house.folder / "gatehouse.log").read_text())


if __name__ == "__main__":
    house.main()
