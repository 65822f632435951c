"""The start where something is missing: standard descriptors, io_uring, nftables, a privilege, descriptors."""

import errno
import itertools
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys

import house
from house import WEB, get, wait_until

COMBINATIONS = [closed for count in (1, 2, 3) for closed in itertools.combinations((0, 1, 2), count)]


def without(closed):
    """What starts a program with these of its descriptors closed."""
    redirections = " ".join({0: "<&-", 1: ">&-", 2: "2>&-"}[number] for number in closed)
    return ["sh", "-c", f'exec "$@" {redirections}', "sh"]

# Executes a program that meets an error at one system call: NUMBER ERROR FAMILY PROTOCOL COMMAND..., where FAMILY and
# PROTOCOL are those of a socket, or - for any arguments; error 0 ends the process. It is a seccomp filter, as a
# container has one.
FILTER = """
import ctypes, os, struct, sys
number, error, family, protocol = sys.argv[1:5]
def step(code, value, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, int(value))
checks = [(0, number)] + ([(16, family), (32, protocol)] if family != "-" else [])
code = b""
for place, (offset, value) in enumerate(checks):
    # Load a word; where it is another one, on to the last step.
    code += step(0x20, offset) + step(0x15, value, 0, 2 * (len(checks) - place) - 1)
code += step(0x06, 0x00050000 | int(error) if int(error) else 0x80000000) + step(0x06, 0x7FFF0000)
steps = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(steps))
if ctypes.CDLL(None, use_errno=True).prctl(22, 2, ctypes.c_char_p(program), 0, 0) != 0:
    sys.exit("seccomp: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[5], sys.argv[5:])
"""
IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER = 425, 426, 427
SOCKET = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
EPERM, ENOSYS, EPROTONOSUPPORT = errno.EPERM, errno.ENOSYS, errno.EPROTONOSUPPORT


def meeting(call, error, family="-", protocol="-"):
    return [sys.executable, "-c", FILTER, *map(str, (call, error, family, protocol))]


def limited(files):
    """With a limit of open files that it may not raise."""
    return ["prlimit", f"--nofile={files}:{files}", "setpriv", "--bounding-set=-sys_resource"]


class Descriptors(house.SystemTest):
    def prepare(self):
        self.house.install()

    def restart(self):
        self.house.daemon.terminate()
        self.assertEqual(self.house.daemon.wait(15), 0)
        self.house.log.close()
        self.house.start_daemon()
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "both servers up")

    def test_the_daemon_starts_with_any_of_them_closed(self):
        for closed in COMBINATIONS:
            with self.subTest(closed=closed):
                self.house.through = without(closed)
                self.restart()
                children = self.house.children()
                for pid in (self.house.daemon.pid, *children.values()):
                    for number in closed:
                        self.assertEqual(os.readlink(f"/proc/{pid}/fd/{number}"), "/dev/null")
                self.house.cli("fence", "web1", "--why", "closed descriptors")
                self.assertEqual(get().status, 200)
                self.house.cli("unfence", "web1", "--wait", "10s")
                self.house.cli("upgrade")
                self.assertEqual(get().status, 200)
                self.house.cli("reload")

    def test_each_command_runs_with_any_of_them_closed(self):
        socket = ["--socket", f"{self.house.folder}/control.sock"]
        report = self.house.folder / "support.json"
        verbs = [["status", *socket], ["status", "--json", *socket], ["rules", *socket], ["metrics", *socket],
                 ["fence", "web1", "--why", "test", *socket], ["unfence", "web1", *socket], ["audit", *socket],
                 ["maintenance", "status", *socket], ["config", "show", *socket], ["reload", *socket],
                 ["guard", *socket], ["deploy", "history", *socket], ["log", "--lines", "2", *socket],
                 ["deploy", "plan", "--pool", "app", "--run", "true", *socket], ["firewall", "status", *socket],
                 ["check", "-c", str(self.house.configuration)], ["host-fence", "list"], ["-h"],
                 ["token", "ci", "--token-file", f"{self.house.folder}/token"],
                 ["support", "--output", str(report), *socket],
                 ["deploy", "rolling", "--pool", "app", "--run", "true", "--servers", "web1", *socket]]
        for closed in COMBINATIONS:
            for verb in verbs:
                with self.subTest(closed=closed, verb=verb[:2]):
                    pathlib.Path(f"{self.house.folder}/token").unlink(missing_ok=True)
                    report.unlink(missing_ok=True)
                    ended = subprocess.run([*without(closed), house.BUILD / "gatehouse", *verb], capture_output=True,
                                           text=True, timeout=60)
                    self.assertEqual(ended.returncode, 0, ended.stderr)
                    self.assertEqual(ended.stderr, "")
                    self.assertEqual(ended.stdout == "", 1 in closed, ended.stdout)
        refused = subprocess.run([*without((0, 1)), house.BUILD / "gatehouse", "fence", "nobody", *socket],
                                 capture_output=True, text=True, timeout=60)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("nobody", refused.stderr)


class FirstStart(house.SystemTest):
    """A daemon with a permanent reason not to start ends with that reason, and no visitor waits."""

    def setUp(self):
        self.house = house.House()
        self.addCleanup(self.take_down)
        self.house.make(self.configuration)

    def assert_refused(self, *texts):
        self.house.start_daemon()
        self.addCleanup(self.house.log.close)
        self.assertEqual(self.house.daemon.wait(20), 1)
        log = (self.house.folder / "gatehouse.log").read_text()
        told = [line for line in log.splitlines() if not line.startswith("{")]
        self.assertEqual(len(told), 1, log)
        self.assertTrue(told[0].startswith("gatehouse: cannot "), told[0])
        for text in texts:
            self.assertIn(text, told[0])
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(WEB, 1)
        self.assertFalse((self.house.folder / "control.sock").exists())
        self.assertEqual(self.house.children(), {})
        return [json.loads(line) for line in log.splitlines() if line.startswith("{")]

    def test_without_io_uring_it_ends_and_says_how_to_allow_it(self):
        for error, why in ((EPERM, "Operation not permitted"), (ENOSYS, "Function not implemented")):
            with self.subTest(error=error):
                (self.house.folder / "gatehouse.log").unlink(missing_ok=True)
                self.house.through = meeting(IO_URING_SETUP, error)
                events = self.assert_refused("the proxy process has ended 3 times", "cannot create an io_uring: " + why,
                                             "kernel.io_uring_disabled", "seccomp")
                self.assertEqual([event["event"] for event in events][-2:], ["start", "stopped"])
                ends = [event for event in events if event["event"] == "process_exit"]
                self.assertTrue(all(f"io_uring: {why}" in event["why"] for event in ends), ends)

    def test_a_ring_that_can_be_made_and_not_used_is_told_too(self):
        for call, verb in ((IO_URING_ENTER, "use"), (IO_URING_REGISTER, "enable")):
            with self.subTest(call=call):
                (self.house.folder / "gatehouse.log").unlink(missing_ok=True)
                self.house.through = meeting(call, EPERM)
                self.assert_refused(f"3 times: cannot {verb} the io_uring: Operation not permitted", "seccomp")

    def test_a_profile_that_kills_is_named(self):
        self.house.through = meeting(IO_URING_SETUP, 0)
        self.assert_refused("the proxy process has ended 3 times: signal 31 (Bad system call); a seccomp profile")

    def test_without_nftables_it_ends(self):
        self.house.through = meeting(SOCKET, EPROTONOSUPPORT, socket.AF_NETLINK, 12)
        self.assert_refused("the fence process has ended 3 times", "Protocol not supported")

    def test_where_it_cannot_give_up_its_rights_it_ends(self):
        self.house.through = ["setpriv", "--bounding-set=-setuid,-setgid"]
        self.assert_refused("process has ended 3 times", "cannot become user 'gatehouse'")

    def test_a_low_limit_of_descriptors_is_told_with_what_is_needed(self):
        for limit in (30, 64, 150):
            with self.subTest(limit=limit):
                (self.house.folder / "gatehouse.log").unlink(missing_ok=True)
                self.house.through = limited(limit)
                self.assert_refused(f"open files (RLIMIT_NOFILE) is {limit}, ", "LimitNOFILE=", "ulimit -n")
        log = (self.house.folder / "gatehouse.log").read_text()
        needed = int(re.search(r"at least (\d+) are needed", log).group(1))
        self.house.through = limited(needed - 1)
        (self.house.folder / "gatehouse.log").unlink()
        self.assert_refused(f"at least {needed} are needed")
        self.house.through = limited(needed)
        self.house.start()
        visitors = [self.enterContext(socket.create_connection(WEB, 5)) for _ in range(30)]
        for visitor in visitors:
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(visitor.recv(4096).startswith(b"HTTP/1.1 200"))
        self.house.cli("reload")
        self.house.cli("fence", "web1", "--why", "few descriptors")
        log = (self.house.folder / "gatehouse.log").read_text()
        self.assertIn('"event":"limit","sessions":32,', log)

    def test_root_raises_the_limit_of_descriptors(self):
        if not int(house.process_status("self")["CapEff"], 16) >> 24 & 1:
            self.skipTest("needs CAP_SYS_RESOURCE")
        self.house.through = ["prlimit", "--nofile=64:64"]
        self.house.start()
        for pid in (self.house.daemon.pid, *self.house.children().values()):
            self.assertGreaterEqual(resource.prlimit(pid, resource.RLIMIT_NOFILE)[0], 65536)
        self.assertNotIn('"event":"limit"', (self.house.folder / "gatehouse.log").read_text())

    def test_without_room_for_threads_it_ends(self):
        self.house.through = ["prlimit", "--nproc=1:1"]
        self.assert_refused("cannot make a thread: Resource temporarily unavailable; raise the limit of tasks")

    def test_what_the_loader_says_is_told_and_once_it_has_served_it_goes_on(self):
        """A library is away for a while, as where packages are being replaced."""
        self.house.through = ["unshare", "--mount"]
        self.house.start()
        maps = pathlib.Path(f"/proc/{self.house.daemon.pid}/maps").read_text().splitlines()
        library = next(line.split()[-1] for line in maps if "libcap-ng" in line)
        inside = ["nsenter", f"--mount=/proc/{self.house.daemon.pid}/ns/mnt"]
        house.run(*inside, "mount", "--bind", "/dev/null", library)
        os.kill(self.house.children()["proxy"], 9)
        log = self.house.folder / "gatehouse.log"
        wait_until(lambda: log.read_text().count('"why":"exit code 127: ') > 3, 10, "the proxy has ended often")
        line = next(line for line in log.read_text().splitlines() if "exit code 127" in line)
        self.assertRegex(json.loads(line)["why"], "^exit code 127: error while loading shared libraries: .*libcap-ng")
        self.assertIsNone(self.house.daemon.poll())
        house.run(*inside, "umount", library)
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 20, "both servers up")
        self.assertEqual(get().status, 200)

    def test_once_it_has_served_its_processes_are_started_again_for_ever(self):
        self.house.start()
        for _ in range(5):
            pid = self.house.children()["proxy"]
            os.kill(pid, 9)
            wait_until(lambda: self.house.children().get("proxy", pid) != pid, 5, "another proxy")
        wait_until(lambda: self.house.states("app") == {"web1": "up", "web2": "up"}, 10, "both servers up")
        self.assertEqual(get().status, 200)


if __name__ == "__main__":
    house.main()
