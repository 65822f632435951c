"""The demo behind ./dev run: the printed tour works as it stands, and nothing stays behind."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

import house
from house import BUILD, SOURCE, run, wait_until

NAME = f"gatehouse-demo-{os.getpid()}"
FOLDER = pathlib.Path("/run") / NAME


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Demo(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.output = ""
        # Its own process group, as a terminal's foreground job has one.
        self.demo = subprocess.Popen(
            house.TIED
            + [str(SOURCE / "tests/support/demo.sh"), "--name", NAME, "--port", str(self.port), "--build", str(BUILD)],
            cwd=SOURCE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )
        self.addCleanup(self.end)
        for line in self.demo.stdout:
            self.output += line
            if "Ctrl-C" in line:
                return
        self.fail("the demo did not come up:\n" + self.output)

    def end(self):
        if self.demo.poll() is None:
            self.demo.terminate()
            self.demo.wait(20)
        self.demo.stdout.close()

    def assert_nothing_is_left(self):
        self.assertFalse(FOLDER.exists())
        self.assertNotIn(NAME, run("ip", "netns", "list").stdout)
        processes = map(command_line, pathlib.Path("/proc").glob("[0-9]*/cmdline"))
        left = [line for line in processes if NAME.encode() in line]
        self.assertEqual(left, [])

    def curl(self):
        return run("curl", "-sS", "-i", f"http://127.0.0.1:{self.port}/").stdout

    def test_the_tour_works_as_printed(self):
        environment = dict(os.environ, GATEHOUSE_SOCKET=f"{FOLDER}/control.sock")
        seen = {}
        for line in self.output.splitlines():
            if not re.match(r"  (curl|build/gatehouse|ip) ", line):
                continue
            command = line.partition("#")[0].strip().replace("build/gatehouse", str(BUILD / "gatehouse"))
            seen[command.replace(str(BUILD) + "/", "")] = run("sh", "-c", command, env=environment, cwd=SOURCE).stdout
        self.assertEqual(len(seen), 8, self.output)
        self.assertIn("503", seen[f"curl -i http://127.0.0.1:{self.port}/"].splitlines()[0])
        self.assertIn("10.80.0.11", seen["gatehouse rules"])
        self.assertIn("10.80.0.11", seen[f"ip netns exec {NAME} nft list ruleset"])
        wait_until(lambda: " 200 " in self.curl().splitlines()[0], 3, "the site is back")

    def test_ctrl_c_leaves_nothing_behind(self):
        os.killpg(self.demo.pid, signal.SIGINT)
        self.assertEqual(self.demo.wait(20), 0)
        self.assert_nothing_is_left()

    def test_sigterm_leaves_nothing_behind(self):
        self.demo.terminate()
        self.demo.wait(20)
        self.assert_nothing_is_left()

    def test_a_part_that_dies_is_named_and_nothing_is_left(self):
        pids = run("ip", "netns", "pids", NAME + "-app").stdout.split()
        os.kill(int(pids[0]), signal.SIGKILL)
        self.assertEqual(self.demo.wait(20), 1)
        self.assertRegex(self.demo.stdout.read(), r"web[12] has ended")
        self.assert_nothing_is_left()

    def test_a_taken_port_is_told_in_one_line(self):
        second = run(SOURCE / "tests/support/demo.sh", "--name", NAME + "-b", "--port", self.port, "--build", BUILD,
                     check=False, cwd=SOURCE)
        self.assertEqual(second.returncode, 1)
        self.assertEqual(len(second.stderr.splitlines()), 1, second.stderr)
        self.assertIn(str(self.port), second.stderr)

    def test_a_second_demo_is_refused(self):
        second = run(SOURCE / "tests/support/demo.sh", "--name", NAME, "--port", free_port(), "--build", BUILD,
                     check=False, cwd=SOURCE)
        self.assertEqual(second.returncode, 1)
        self.assertIn("running already", second.stderr)
        self.assertIn("200", self.curl().splitlines()[0])


def command_line(path):
    """Nothing for a process that has ended since it was listed."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    house.main()
