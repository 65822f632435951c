"""A whole Gatehouse in network namespaces of its own, for the system tests: the built binary, and two demo servers
behind a veth pair. The test itself runs in the gatekeeper's namespace, so that plain sockets are a visitor's.

Only the standard library. Every namespace and folder carries the test's process id, and all of it goes at the end of
the test, however it ends. Each test method is one ctest test (tests/CMakeLists.txt), run in a process of its own.
"""

import ctypes
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("GATEHOUSE_BUILD", "build")).resolve()
SOURCE = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # what ctest takes for "not tested"
SANITIZED = "san" in BUILD.name
CLONE_NEWNET = 0x40000000
# What we start ends with us, even if we are killed.
TIED = ["setpriv", "--pdeathsig", "TERM"]
HOST_NAMESPACE = os.open("/proc/self/ns/net", os.O_RDONLY)
CHECK_INTERVAL = 1.0  # seconds, as in CONFIGURATION
WEB, WEB6, CHAT = ("127.0.0.1", 8080), ("::1", 8080), ("127.0.0.1", 5222)

CONFIGURATION = """\
[listen.web]
address = "0.0.0.0:8080"
mode = "http"
pool = "app"

[listen.web6]
address = "[::]:8080"
mode = "http"
pool = "app"

[listen.chat]
address = "0.0.0.0:5222"
mode = "tcp"
pool = "chat"

[server.web1]
host = "10.80.0.11"

[server.web2]
host = "10.80.0.12"

[pool.app]
port = 80
servers = ["web1", "web2"]
check = {{ method = "HEAD", path = "/", host = "www.example.org", expect = 200, interval = "1s", timeout = "500ms", fall = 2, rise = 1 }}

[pool.chat]
port = 5222
servers = ["web1", "web2"]
check = {{ type = "tcp", interval = "1s", timeout = "500ms", fall = 2, rise = 1 }}

[maintenance]
page = "maintenance.html"
retry_after = "2m"

[control]
socket = "{folder}/control.sock"
state = "{folder}/state"

[proxy]
workers = 2
user = "gatehouse"
"""


def in_any_layout(listing):
    """Without what newer versions of nft than 1.0.6 lay out otherwise: line ends, bursts of limits, a priority's name."""
    if "nftables v1.0." in run("nft", "--version").stdout:
        return listing
    listing = listing.replace("hook output priority dstnat", "hook output priority -100")
    return " ".join(listing.replace(" burst 5 packets", "").split())


def run(*command, check=True, **options):
    options.setdefault("timeout", 60)
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def wait_until(condition, seconds, what):
    """Polls, because what is waited for happens in other processes; returns what the condition returned."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def process_status(pid):
    """The lines of /proc/PID/status by their names."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def enter_namespace(descriptor):
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def sweep():
    """Removes the namespaces of tests that were killed before they could."""
    for namespace in pathlib.Path("/run/netns").glob("gatehouse-[0-9]*"):
        owner = namespace.name.split("-")[1]
        if not alive(owner):
            for pid in run("ip", "netns", "pids", namespace.name, check=False).stdout.split():
                os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "delete", namespace.name, check=False)
            shutil.rmtree(f"/run/gatehouse-{owner}", ignore_errors=True)


class House:
    def __init__(self):
        self.name = f"gatehouse-{os.getpid()}"
        self.app = self.name + "-app"
        self.folder = pathlib.Path("/run") / self.name
        self.servers = {}
        self.daemon = None
        self.log = None
        self.configuration = self.folder / "gatehouse.toml"
        self.program = BUILD / "gatehouse"  # of the daemon
        self.made = []  # more folders
        self.through = []  # what it is started through
        self.page = "<!doctype html><title>Maintenance</title><h1>Back soon, says the test</h1>\n"

    def make(self, configuration=CONFIGURATION):
        """The network and the files; nothing runs yet."""
        sweep()
        self.make_network()
        self.make_files(configuration)

    def make_files(self, configuration):
        self.folder.mkdir(mode=0o755)
        (self.folder / "state").mkdir(mode=0o750)
        os.environ["XDG_STATE_HOME"] = str(self.folder / "operator")  # what the command line remembers
        shutil.chown(self.folder / "state", "gatehouse", "gatehouse")
        (self.folder / "maintenance.html").write_text(self.page)
        self.write_configuration(configuration)

    def make_network(self):
        run("ip", "netns", "add", self.name)
        run("ip", "netns", "add", self.app)
        for namespace in (self.name, self.app):
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "-n", self.name, "link", "add", "servers", "type", "veth", "peer", "name", "gate", "netns", self.app)
        for namespace, device, numbers in ((self.name, "servers", (1,)), (self.app, "gate", (11, 12, 13, 14))):
            for number in numbers:
                run("ip", "-n", namespace, "address", "add", f"10.80.0.{number}/24", "dev", device)
                run("ip", "-n", namespace, "address", "add", f"fd80::{number}/64", "dev", device, "nodad")
            run("ip", "-n", namespace, "link", "set", device, "up")
        with open(f"/run/netns/{self.name}", "rb") as namespace:
            enter_namespace(namespace.fileno())

    def write_configuration(self, text):
        self.configuration.write_text(text.format(folder=self.folder))

    def install(self):
        """The program where only root may write, as an upgrade wants it; any user may own the build folder."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="gatehouse-program-", dir="/var/tmp"))
        folder.chmod(0o755)
        self.program = folder / "gatehouse"
        self.made.append(folder)
        shutil.copy(BUILD / "gatehouse", self.program)
        self.program.chmod(0o755)

    def start_server(self, number):
        name = f"web{number}"
        listen = [f"10.80.0.{number + 10}:80", f"[fd80::{number + 10}]:80"]
        self.servers[name] = subprocess.Popen(
            TIED + ["ip", "netns", "exec", self.app, str(BUILD / "demo_server"), "--name", name]
            + [word for address in listen for word in ("--listen", address)]
            + ["--tcp-echo", f"10.80.0.{number + 10}:5222"]
        )

    def stop_server(self, name):
        process = self.servers.pop(name)
        process.kill()
        process.wait()

    def start_daemon(self):
        self.log = open(self.folder / "gatehouse.log", "ab")
        command = [str(self.program), "run", "-c", str(self.configuration)]
        self.daemon = subprocess.Popen(TIED + self.through + command, stdout=self.log, stderr=self.log)

    def start(self):
        self.start_server(1)
        self.start_server(2)
        self.start_daemon()
        wait_until(lambda: self.states("app") == {"web1": "up", "web2": "up"}, 10, "both servers up")
        wait_until(lambda: self.states("chat") == {"web1": "up", "web2": "up"}, 10, "both chat servers up")
        return self

    def stop(self):
        """Ends everything; returns what the daemon left running, which should be nothing."""
        left = []
        if self.daemon and self.daemon.poll() is None:
            children = self.children()
            self.daemon.terminate()
            try:
                self.daemon.wait(15)
            except subprocess.TimeoutExpired:
                left.append("the supervisor")
                self.daemon.kill()
                self.daemon.wait()
            left += [role for role, pid in children.items() if pathlib.Path(f"/proc/{pid}/fd").exists() and alive(pid)]
        for name in list(self.servers):
            self.stop_server(name)
        enter_namespace(HOST_NAMESPACE)
        for namespace in (self.name, self.app):
            for pid in run("ip", "netns", "pids", namespace, check=False).stdout.split():
                os.kill(int(pid), signal.SIGKILL)
            run("ip", "netns", "delete", namespace, check=False)
        if self.log:
            self.log.close()
        for folder in (self.folder, *self.made):
            shutil.rmtree(folder, ignore_errors=True)
        return left

    def children(self):
        """Process ids of the daemon's processes by role, as their command lines have them."""
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except (OSError, ValueError):
                continue
            if parent == self.daemon.pid and "--role" in words:
                found[words[words.index("--role") + 1]] = int(folder.name)
        return found

    def cli(self, *words, check=True):
        command = [BUILD / "gatehouse", *words, "--socket", f"{self.folder}/control.sock"]
        return run(*command, check=check, timeout=90)

    def agreed(self, *words):
        """The flags that agree to the commands of the rollout under way, or of what the words would begin."""
        return "--yes-run", self.json(*(words or ("deploy", "status")))["commands_digest"]

    def json(self, *words):
        return json.loads(self.cli(*words, "--json").stdout)

    def backends(self, pool):
        answer = self.cli("status", "--json", check=False)
        if answer.returncode != 0:
            return {}
        pools = {found["name"]: found for found in json.loads(answer.stdout)["pools"]}
        return {backend["server"]: backend for backend in pools[pool]["backends"]}

    def states(self, pool):
        return {name: backend["state"] for name, backend in self.backends(pool).items()}

    def nft_elements(self):
        """Addresses with ports of every set element in the kernel, by nft's own eyes."""
        found = set()
        for entry in json.loads(run("nft", "-j", "list", "ruleset").stdout)["nftables"]:
            held = entry.get("set") or entry.get("map") or {}
            for element in held.get("elem", []):
                # Without /etc/protocols (a minimal Debian) nft writes the number of tcp.
                words = [str(word) for word in leaves(element) if word not in ("tcp", 6)]
                pairs = zip(words, words[1:])
                found.update(f"{word}:{follower}" for word, follower in pairs if "." in word or ":" in word)
        return found


def alive(pid):
    """Whether any thread of it is: the first may have ended before those that still hold its files."""
    def lives(task):
        try:
            return (task / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    return any(lives(task) for task in pathlib.Path(f"/proc/{pid}/task").glob("*"))


def leaves(tree):
    """The scalars of nft's JSON in order, a concatenation's parts first, comments and counters last."""
    if isinstance(tree, dict):
        for key in ("elem", "val", "concat"):
            if key in tree:
                return leaves(tree[key])
        return [leaf for value in tree.values() for leaf in leaves(value)]
    if isinstance(tree, list):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]


def get(path="/", address=WEB, method="GET", headers=None, body=None, timeout=10, connection=None):
    """One exchange; the response with its body in .content."""
    own = connection or http.client.HTTPConnection(*address, timeout=timeout)
    own.request(method, path, body=body, headers=headers or {})
    response = own.getresponse()
    response.content = response.read()
    if connection is None:
        own.close()
    return response


def talk(data, address=WEB, until=None, half_close=False, timeout=10):
    """Sends bytes as they are and reads to the end, or until `until` has been seen."""
    with socket.create_connection(address, timeout) as visitor:
        visitor.sendall(data)
        if half_close:
            visitor.shutdown(socket.SHUT_WR)
        answer = b""
        while until is None or until not in answer:
            piece = visitor.recv(65536)
            if not piece:
                break
            answer += piece
        return answer


class SystemTest(unittest.TestCase):
    """Starts a house before each test and takes it down after it, asserting that nothing stays."""

    configuration = CONFIGURATION

    def setUp(self):
        self.house = House()
        self.addCleanup(self.take_down)
        self.house.make(self.configuration)
        self.prepare()
        self.house.start()

    def prepare(self):
        """What a test wants to do before anything runs."""

    def visit(self, seconds, pause):
        """Starts wrk with 32 connections to the web listener. Each waits that many milliseconds after an answer."""
        script = self.house.folder / "pause.lua"
        script.write_text(f"function delay() return {pause} end\n")
        # A machine that is busy with other tests lets an answer wait longer than wrk's own two seconds.
        command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--timeout", "10s", "-s", str(script),
                   "http://127.0.0.1:8080/"]
        wrk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: (wrk.kill(), wrk.wait()))
        return wrk

    def take_down(self):
        failed = any(error for _, error in getattr(self._outcome.result, "failures", []) + self._outcome.result.errors)
        log = self.house.folder / "gatehouse.log"
        if failed and log.exists():
            print("--- the end of the daemon's log", *log.read_text(errors="replace").splitlines()[-30:], sep="\n")
        left = self.house.stop()
        self.assertEqual(left, [], "processes outlived the daemon")


def try_namespace():
    """Why a namespace of our own cannot be entered, or None. In a chroot, the root may be no mount point; that is one
    reason."""
    name = f"gatehouse-{os.getpid()}-try"
    made = run("ip", "netns", "add", name, check=False)
    entered = run("ip", "-n", name, "link", "set", "lo", "up", check=False)
    run("ip", "netns", "delete", name, check=False)
    return (made.stderr + entered.stderr).strip().replace("\n", ", ")


def main(*more):
    """Runs unittest. Where something is missing (one of these programs too), says so and exits with ctest's code for
    not tested."""
    missing = []
    if os.geteuid() != 0:
        missing.append("root (network namespaces)")
    missing += [f"the program {tool}" for tool in ("ip", "nft", "curl", "wrk", *more) if not shutil.which(tool)]
    programs = [BUILD / name for name in ("gatehouse", "demo_server", "port_bridge")]
    missing += [str(program) for program in programs if not program.exists()]
    if not missing and (refusal := try_namespace()):
        missing.append(f"network namespaces ({refusal})")
    if missing:
        print(f"SKIPPED: needs {', '.join(missing)}")
        sys.exit(SKIPPED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was made is taken down
    result = unittest.main(verbosity=2, exit=False).result
    if result.skipped and len(result.skipped) == result.testsRun:
        print(f"SKIPPED: {result.skipped[0][1]}")
        sys.exit(SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)
