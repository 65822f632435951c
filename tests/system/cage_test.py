"""What code that got into one of the daemon's processes can do there: in the processes as they run, with their real
filters. The long list is tried by `gatehouse --cage`."""

import errno
import os
import signal
import socket
import struct
import time

import house
from house import get, wait_until
from intruder import Intruder

READ, WRITE, SOCKET, CONNECT, FCNTL, CLONE, PRLIMIT = 0, 1, 41, 42, 72, 56, 302
SECCOMP, RING_SETUP, RING_REGISTER = 317, 425, 427
F_SETOWN, F_SETSIG = 8, 10
RLIMIT_CPU = 0
LINK = 3


class Cage(house.SystemTest):
    def test_every_role_refuses_the_whole_list(self):
        tried = house.run(house.BUILD / "gatehouse", "--cage", check=False)
        self.assertEqual((tried.returncode, tried.stderr), (0, ""), tried.stdout)
        self.assertEqual([line.split(":")[0] for line in tried.stdout.splitlines()], ["proxy", "control", "fence"])

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

    def test_a_reload_and_new_processes_work_inside_of_it(self):
        before = self.house.children()
        self.house.cli("reload")
        self.assertEqual(get().status, 200)
        for role in ("proxy", "control", "fence"):
            os.kill(self.house.children()[role], signal.SIGKILL)
            wait_until(lambda: self.house.children().get(role, before[role]) != before[role], 5, f"a new {role}")
            wait_until(lambda: self.house.cli("rules", check=False).returncode == 0, 5, "rules answers")
        wait_until(lambda: get().status == 200, 5, "the new proxy serves")
        with Intruder(self.house.children()["proxy"]) as inside:
            self.assertEqual(inside.call(RING_SETUP, 8, inside.put(bytes(120))), -errno.EPERM)

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
