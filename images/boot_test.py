#!/usr/bin/env python3
"""./dev boot --test: the image under QEMU, with Secure Boot on, as operators and attackers meet it. Bounded in time; what
it prints as figures was measured in that run."""

import base64
import contextlib
import functools
import http.client
import http.server
import json
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import unittest

import build
import kspp
import sign
from machine import FILES, FIRMWARE, Machine, enrolled_firmware, free_port

BOOT = 240  # seconds at most until something answers; a busy machine needs most of it
TOOLS = build.Tools()
WORK = build.WORK
VERSION = (build.HERE / "mkosi.version").read_text().strip()
DISK = WORK / f"gatehouse_{VERSION}.raw"
DATA = 256 << 20  # bytes that the disk has for the data partition

CONFIGURATION = """\
[listen.web]
address = "0.0.0.0:80"
mode = "http"
pool = "app"
[server.web1]
host = "10.0.2.2"
[server.web2]
host = "10.0.2.2"
[pool.app]
servers = [{{ name = "web1", port = {ports[0]} }}, {{ name = "web2", port = {ports[1]} }}]
check = {{ method = "HEAD", path = "/", expect = 200, interval = "1s", timeout = "900ms", fall = 2, rise = 1 }}
[control]
listen = "0.0.0.0:8443"
certificate = "certificate.pem"
key = "key.pem"
[access.test]
token_sha256 = "{token}"
role = "admin"
[proxy]
workers = 1
"""

# Added to it: a pool that the kernel balances, and the firewall.
KERNEL = """\
[listen.direct]
address = "0.0.0.0:81"
mode = "tcp"
pool = "direct"
[pool.direct]
plane = "kernel"
masquerade = true
servers = [{{ name = "web1", port = {ports[0]} }}, {{ name = "web2", port = {ports[1]} }}]
check = {{ type = "tcp", interval = "1s", timeout = "900ms", fall = 2, rise = 1 }}
[firewall]
enabled = true
management = ["10.0.2.0/24"]
management_ports = [8443]
"""


# More than a socket's buffers hold, no two blocks of it alike.
BIG = b"".join(f"{block:015}\n".encode() for block in range(1 << 18))


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = BIG if self.path == "/big" else f"I am {self.server.name}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def __init__(self, name):
        super().__init__(("127.0.0.1", 0), Site)
        self.name = name
        threading.Thread(target=self.serve_forever, daemon=True).start()


def vouch_for(name, key, certificate, *more):
    """Makes a self-signed certificate with its key."""
    alternatives = ",".join((f"DNS:{name}", *more))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "30", "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)


def gatehouse(*words):
    """The image's own program, as an operator's machine would run it."""
    folder = TOOLS.folder
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
               f"mount --bind '{build.ROOT}' '{folder}/src' && exec chroot '{folder}' \"$@\"", "sh",
               TOOLS.path(WORK / "programs/gatehouse"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class MachineTest(unittest.TestCase):
    def setUp(self):
        self.folder = WORK / "test" / self.id().split(".")[-1]
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        variables = self.folder / "variables.fd"
        enrolled_firmware(TOOLS, WORK / "keys", variables)
        self.disk = self.folder / "disk.raw"
        # Holes stay holes.
        subprocess.run(["cp", "--sparse=always", DISK, self.disk], check=True)
        os.truncate(self.disk, self.disk.stat().st_size + DATA)
        self.machine = Machine(self.folder, self.disk, variables)
        self.addCleanup(self.take_down)

    def take_down(self):
        self.machine.cut_power()
        self.disk.unlink()

    def get(self, path="/", port=80):
        """Status and body; None without an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.machine.ports[port], timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        return None

    def boot(self):
        """Starts it and waits for the first answer of port 80, which it returns."""
        self.machine.ports.setdefault(80, free_port())
        self.machine.start()
        return self.machine.wait_for(self.get, BOOT, "port 80 answers")

    def refuses(self, said):
        """Starts it, waits until its console says so, and checks that port 80 does not answer."""
        self.machine.ports[80] = free_port()
        self.machine.start()
        self.machine.wait_for(lambda: said in self.machine.said(), BOOT, f"it says {said}")
        self.assertIsNone(self.get())


class UnconfiguredTest(MachineTest):
    def test_without_a_configuration_it_says_so_and_shows_the_page(self):
        status, body = self.boot()
        self.assertEqual(status, 503)
        self.assertIn("right back", body)
        self.assertIn("there is no configuration", self.machine.said())

    def test_a_wrong_configuration_is_told_with_its_line_and_the_page_is_shown(self):
        self.machine.credentials["gatehouse.config"] = "[listen.web]\naddress = \"0.0.0.0:80\"\nmood = \"http\"\n"
        status, _ = self.boot()
        self.assertEqual(status, 503)
        self.assertIn("candidate.toml:3", self.machine.said())
        self.assertIn("mood", self.machine.said())


class SetupModeTest(MachineTest):
    def test_firmware_in_setup_mode_takes_the_keys_from_the_disk(self):
        shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", self.machine.variables)
        self.machine.start()
        self.machine.wait_for(lambda: not self.machine.running(), BOOT, "it starts anew with the keys")
        self.assertNotIn("Secure Boot is enabled", self.machine.said())
        status, _ = self.boot()
        self.assertEqual(status, 503)
        self.assertIn("Secure Boot is enabled", self.machine.said())


class SettingsTest(unittest.TestCase):
    """Checks of the image without starting it."""

    def test_the_kernel_is_set_as_recommended_or_says_why_not(self):
        tree = WORK / "tree/usr/lib"
        settings = (tree / "sysctl.d/60-gatehouse.conf").read_text() + (tree / "gatehouse/seal.conf").read_text()
        findings, departures = kspp.differences((WORK / "kernel.config").read_text(), (build.HERE / "command_line").read_text(),
                                                settings)
        print("", *departures, sep="\n  ")
        self.assertEqual(findings, [])

    def test_no_unit_of_ours_is_more_exposed_than_it_may_be(self):
        units = sorted((WORK / "tree/usr/lib/systemd/system").glob("gatehouse*.service"))
        self.assertGreater(len(units), 5)
        for unit in units:
            said = TOOLS.inside(["systemd-analyze", "security", "--offline=yes", "--no-pager",
                                 f"--root={TOOLS.path(WORK / 'tree')}", unit.name])
            exposure = float(re.search(r"exposure level for .*: ([0-9.]+)", said).group(1))
            print(f"\n  {unit.name}: {exposure}", end="")
            self.assertLessEqual(exposure, 2.0, unit.name)


class ReproducibleTest(unittest.TestCase):
    def test_the_same_tree_gives_the_same_bytes_up_to_the_signature(self):
        again = build.ROOT / "build" / "image-again"
        shutil.rmtree(again, ignore_errors=True)
        self.addCleanup(shutil.rmtree, again, ignore_errors=True)
        built = subprocess.run([sys.executable, build.HERE / "build.py", "--folder", again, "--version", VERSION],
                               capture_output=True, text=True, check=False)
        self.assertEqual(built.returncode, 0, built.stdout + built.stderr)
        for kind in ("root.raw", "verity.raw", "unsigned.efi", "manifest.json", "cdx.json"):
            name = f"gatehouse_{VERSION}.{kind}"
            self.assertEqual(build.digest(WORK / name), build.digest(again / name), name)


class Serving(MachineTest):
    """Two servers on this machine, a configuration that names them, and a token of an operator."""

    def setUp(self):
        super().setUp()
        self.servers = [Server("web1"), Server("web2")]
        for server in self.servers:
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        vouch_for("localhost", key, certificate, "IP:127.0.0.1")
        self.secret = self.folder / "token"
        made = gatehouse("token", "test", "--token-file", TOOLS.path(self.secret))
        self.assertEqual(made.returncode, 0, made.stderr)
        token = re.search("[0-9a-f]{64}", made.stdout).group(0)
        self.machine.credentials = {
            "gatehouse.config": CONFIGURATION.format(ports=[server.server_address[1] for server in self.servers],
                                                     token=token),
            "gatehouse.certificate": certificate.read_text(),
            "gatehouse.key": key.read_text(),
        }
        self.machine.ports = {80: free_port(), 8443: free_port()}

    def operate(self, *words):
        answer = gatehouse(*words, "--host", f"127.0.0.1:{self.machine.ports[8443]}", "--token-file",
                           TOOLS.path(self.secret), "--ca", TOOLS.path(self.folder / "certificate.pem"))
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        return answer.stdout

    def serve(self):
        self.boot()
        return self.machine.wait_for(lambda: (self.get() or (0,))[0] == 200, BOOT, "a server answers through it")

    def seen(self, times=20):
        return {(self.get() or (0, ""))[1].strip() for _ in range(times)}


class ServingTest(Serving):
    def test_it_serves_fences_and_keeps_its_fences_over_a_power_cut(self):
        self.serve()
        print(f"\nboot to the first proxied request: {time.monotonic() - self.machine.begun:.1f} s (TCG, one processor),"
              f" disk {DISK.stat().st_blocks * 512 / 1e6:.0f} MB")
        self.machine.wait_for(lambda: self.seen() == {"I am web1", "I am web2"}, 30, "both servers answer")
        self.operate("fence", "web1", "--why", "to be changed")
        self.assertEqual(self.seen(), {"I am web2"})
        rules = json.loads(self.operate("rules", "--json"))
        self.assertEqual([fence["server"] for fence in rules["fences"]], ["web1"])
        self.operate("fence", "web2", "--why", "this one too")
        self.assertEqual(self.get()[0], 503)
        self.operate("unfence", "web2")
        self.machine.wait_for(lambda: self.seen(5) == {"I am web2"}, 30, "web2 answers again")

        self.machine.cut_power()
        self.serve()
        self.assertEqual(self.seen(), {"I am web2"}, "web1's fence was there before the first request")
        self.operate("unfence", "web1")
        self.machine.wait_for(lambda: self.seen() == {"I am web1", "I am web2"}, 30, "both servers answer")


class Updates(http.server.SimpleHTTPRequestHandler):
    halfway = None  # an event: set when half of the root partition is out, and the other half never comes

    def copyfile(self, source, outputfile):
        if self.halfway is None or "root" not in self.path:
            super().copyfile(source, outputfile)
            return
        outputfile.write(source.read(os.fstat(source.fileno()).st_size // 2))
        outputfile.flush()
        self.halfway.set()
        self.connection.recv(1)  # until the other side has gone

    def log_message(self, *_):
        pass


def make_signed(version, work, change):
    """The root hash and the signed kernel image of another version, from a copy of this version's tree."""
    work.mkdir()
    subprocess.run(["cp", "-a", "--reflink=auto", WORK / "tree", work / "tree"], check=True)
    release = work / "tree/usr/lib/os-release"
    release.write_text(re.sub(r"(?m)^IMAGE_VERSION=.*$", f"IMAGE_VERSION={version}", release.read_text()))
    change(work / "tree")
    for name in ("vmlinuz", "initrd"):
        shutil.copyfile(WORK / name, work / name)
    roothash = build.make_root(TOOLS, work, version)
    kernel = json.loads((WORK / "kernel.json").read_text())
    unsigned = build.make_uki(TOOLS, work, version, kernel["command_line"], kernel["release"], roothash)
    signed = work / f"gatehouse_{version}.efi"
    sign.sign(TOOLS, WORK / "keys", unsigned, signed)
    return roothash, signed


def make_version(version, folder, change=lambda tree: None, days=build.VALID_DAYS):
    """Another version of the image, as ./dev image makes one: what is fetched."""
    work = folder / f"version-{version}"
    roothash, signed = make_signed(version, work, change)
    build.make_update(TOOLS, WORK / "keys", work, version, roothash, signed, folder / "updates" / version, days)
    shutil.rmtree(work)


def make_changed_disk(folder, disk, change):
    """A disk like the one under test, with one change in its root."""
    work = folder / "changed"
    roothash, signed = make_signed(VERSION, work, change)
    sign.make_esp(TOOLS, WORK / "keys", work / "esp", signed)
    made = build.make_disk(TOOLS, work, VERSION, roothash)
    disk.unlink()
    subprocess.run(["cp", "--sparse=always", made, disk], check=True)
    os.truncate(disk, disk.stat().st_size + DATA)
    shutil.rmtree(work)


class ConfigurationTest(Serving):
    """Every source of a configuration, and the effect of a wrong one."""

    def applied(self, text):
        file = self.folder / "new.toml"
        file.write_text(text)
        return self.operate("config", "apply", TOOLS.path(file), "--why", "the test")

    def test_by_fw_cfg(self):
        self.machine.by_fw_cfg = True
        self.serve()

    def test_on_a_volume(self):
        """All of it, and a network of its own: it asks the time server that stands there (port 123 of this machine)."""
        clock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(clock.close)
        clock.bind(("127.0.0.1", 123))
        clock.settimeout(BOOT)
        self.machine.credentials["gatehouse.network"] = "address=10.0.2.15/24\ngateway=10.0.2.2\nntp=10.0.2.2\n"
        volume = self.folder / "volume"
        subprocess.run(["mformat", "-C", "-f", "1440", "-v", "GATEHOUSE", "-i", volume, "::"], check=True)
        for name, content in self.machine.credentials.items():
            file = self.folder / FILES[name]
            file.write_text(content)
            subprocess.run(["mcopy", "-n", "-o", "-i", volume, file, f"::{FILES[name]}"], check=True)
        self.machine.credentials = {}
        self.machine.volume = volume
        self.serve()
        self.assertIn("web1", self.operate("status"))
        self.assertEqual(clock.recv(48)[0] & 7, 3, "a client asks (RFC 5905, 7.3)")

    def test_on_a_volume_in_the_layout_of_cloud_init(self):
        files = [{"path": f"/etc/gatehouse/{FILES[name]}", "encoding": "b64",
                  "content": base64.b64encode(content.encode()).decode()} for name, content in self.machine.credentials.items()]
        # JSON is YAML.
        user_data = "#cloud-config\n" + json.dumps({"write_files": files, "runcmd": ["reboot"]})
        network = {"version": 2, "ethernets": {"eth0": {"addresses": ["10.0.2.77/24"], "gateway4": "10.0.2.2"}}}
        seed = self.folder / "seed"
        seed.mkdir()
        for name, content in (("user-data", user_data), ("meta-data", ""), ("network-config", json.dumps(network))):
            (seed / name).write_text(content)
        volume = self.folder / "volume.iso"
        TOOLS.inside(["genisoimage", "-quiet", "-joliet", "-rock", "-volid", "cidata", "-output", TOOLS.path(volume),
                      TOOLS.path(seed)])
        self.machine.credentials = {}
        self.machine.volume = volume
        self.machine.address = "10.0.2.77"
        self.serve()
        self.assertIn("'runcmd' means nothing here", self.machine.said())
        self.assertIn("10.0.2.77", self.machine.said())

    def test_a_wrong_one_is_corrected_through_the_api_for_good(self):
        right = self.machine.credentials["gatehouse.config"]
        token = re.search("[0-9a-f]{64}", right).group(0)
        self.machine.credentials |= {"gatehouse.config": right.replace("mode", "mood"), "gatehouse.token-hash": token + "\n"}
        status, _ = self.boot()
        self.assertEqual(status, 503)
        self.machine.wait_for(lambda: "mood" in self.machine.said(), 10, "it says what is wrong")
        self.applied(right)
        self.machine.wait_for(lambda: (self.get() or (0,))[0] == 200, BOOT, "a server answers through it")
        self.machine.cut_power()
        self.serve()

    def test_a_change_through_the_api_stays_until_another_is_handed_over(self):
        right = self.machine.credentials["gatehouse.config"]
        self.serve()
        self.applied(right.replace('servers = [{ name = "web1"', 'queue = 17\nservers = [{ name = "web1"'))
        self.machine.cut_power()
        self.serve()
        self.assertIn("queue = 17", self.operate("config", "show"))
        self.operate("config", "rollback")
        self.assertNotIn("queue = 17", self.operate("config", "show"))
        self.machine.cut_power()
        self.machine.credentials["gatehouse.config"] = right + "# another\n"
        self.serve()
        self.assertIn("# another", self.operate("config", "show"))


def add_cage(tree):
    units = tree / "usr/lib/systemd/system"
    (units / "cage.service").write_text("""\
[Unit]
After=gatehouse.service
[Service]
Type=oneshot
User=gatehouse
Group=gatehouse
AmbientCapabilities=CAP_NET_ADMIN CAP_NET_BIND_SERVICE
LimitMEMLOCK=infinity
StandardOutput=journal+console
StandardError=journal+console
ExecStart=/usr/bin/gatehouse --cage
""")
    wants = units / "multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "cage.service").symlink_to("../cage.service")


class InsideTest(Serving):
    """Checks of the running machine."""

    def test_the_console_says_how_it_stands(self):
        self.serve()
        self.machine.wait_for(lambda: "app: 2 of 2 servers up" in self.machine.said(), BOOT, "the console's screen")
        self.assertIn(f"Gatehouse, version {VERSION}", self.machine.said())
        self.assertIn("10.0.2.15", self.machine.said())
        certificate = subprocess.run(["openssl", "x509", "-in", self.folder / "certificate.pem", "-noout", "-fingerprint",
                                      "-sha256"], check=True, capture_output=True, text=True).stdout
        self.assertIn(certificate.split("=")[1].strip().replace(":", ""), self.machine.said())

    def host(self):
        file = self.folder / "support.json"
        file.unlink(missing_ok=True)
        self.operate("support", "--output", TOOLS.path(file))
        return json.loads(file.read_text())["host"]

    def test_nothing_listens_but_what_is_configured_and_no_module_is_loaded_any_more(self):
        self.serve()
        self.machine.wait_for(lambda: self.host()["settings"]["kernel.modules_disabled"] == "1", 60, "modules are disabled")
        host = self.host()
        listening = {(socket["protocol"], socket["address"]) for socket in host["listening"]}
        # DHCP's client is no server, but waits for what its server says.
        clients = {found for found in listening if found[0].startswith("udp") and found[1].endswith((":68", ":546"))}
        self.assertEqual(listening - clients, {("tcp", "0.0.0.0:80"), ("tcp", "0.0.0.0:8443")})
        self.assertEqual(host["settings"]["kernel.io_uring_disabled"], "1")
        self.assertEqual(host["settings"]["user.max_user_namespaces"], "0")

    def test_memory_with_a_thousand_idle_sessions(self):
        self.serve()
        with contextlib.ExitStack() as sessions:
            for _ in range(1000):
                connection = http.client.HTTPConnection("127.0.0.1", self.machine.ports[80], timeout=20)
                connection.request("GET", "/")
                self.assertEqual(connection.getresponse().read()[:4], b"I am")
                sessions.callback(connection.close)
            memory = self.host()["memory"]
        used = (memory["total"] - memory["available"]) / (1 << 20)
        print(f"\nmemory used with 1,000 idle sessions: {used:.0f} MiB of {memory['total'] / (1 << 20):.0f}")
        self.assertLessEqual(used, 128)

    def test_long_bodies_are_spliced_unaltered_on_this_kernel(self):
        self.serve()
        for _ in range(4):
            self.assertEqual(self.get("/big"), (200, BIG.decode()))
        self.assertGreater(json.loads(self.operate("status", "--json"))["moved"]["spliced"], 4 * len(BIG) * 0.9)

    def test_pools_in_the_kernel_and_the_firewall_work_on_this_kernel(self):
        self.machine.credentials["gatehouse.config"] += KERNEL.format(
            ports=[server.server_address[1] for server in self.servers])
        self.machine.ports[81] = free_port()
        self.serve()
        self.machine.wait_for(lambda: self.get(port=81) and self.get(port=81)[0] == 200, 60, "a pool in the kernel answers")
        rules = self.operate("rules", "--nft")
        self.assertIn("table inet gatehouse_redirect", rules)
        self.assertIn("table inet gatehouse_host", rules)
        self.assertIn("flowtable", json.loads(self.operate("rules", "--json"))["kernel"])

    def test_the_machine_forwards_only_while_a_pool_in_the_kernel_needs_it(self):
        plain = self.machine.credentials["gatehouse.config"]
        pool = plain + KERNEL.format(ports=[server.server_address[1] for server in self.servers])
        self.machine.ports[81] = free_port()
        self.serve()
        self.assertEqual(self.host()["settings"]["net.ipv4.ip_forward"], "0")
        file = self.folder / "new.toml"
        for text, forwards in ((pool, "1"), (plain + KERNEL[KERNEL.index("[firewall]"):], "0")):
            file.write_text(text)
            self.operate("config", "apply", TOOLS.path(file), "--why", "the test")
            self.machine.wait_for(lambda: self.host()["settings"]["net.ipv4.ip_forward"] == forwards, 30, f"forwards: {forwards}")
            if forwards == "1":
                self.machine.wait_for(lambda: (self.get(port=81) or (0,))[0] == 200, 60, "a pool in the kernel answers")
                self.assertEqual(self.operate("rules", "--nft").count("hook forward"), 3, "fences, firewall, redirects")

    def test_no_process_gets_out_of_its_sandbox_on_this_kernel(self):
        """`gatehouse --cage` in the image under test, but for a unit that runs it as gatehouse.service runs Gatehouse."""
        make_changed_disk(self.folder, self.disk, add_cage)
        self.serve()
        self.machine.wait_for(lambda: re.search("fence: [0-9]+ of [0-9]+ refused", self.machine.said()), 60, "it is tried")
        said = self.machine.said()
        for role in ("proxy", "control", "fence"):
            tried = re.search(rf"{role}: (\d+) of (\d+) refused", said)
            self.assertIsNotNone(tried, said[-3000:])
            self.assertEqual(tried.group(1), tried.group(2), said[-3000:])
            self.assertGreater(int(tried.group(1)), 100)


class LogServer:
    """Takes syslog over TLS, as RFC 5425 frames it, on this machine; messages is what came."""

    def __init__(self, folder, name, port=0):
        self.messages = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self.read, args=(connection,), daemon=True).start()

    def read(self, plain):
        with contextlib.suppress(OSError, ValueError), self.context.wrap_socket(plain, server_side=True) as connection:
            self.connections.append(connection)
            stream = connection.makefile("rb")
            while digit := stream.read(1):
                length = digit
                while (digit := stream.read(1)) != b" ":
                    length += digit
                self.messages.append(stream.read(int(length)).decode(errors="replace"))

    def close(self):
        for connection in (self.listener, *self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def has(self, text):
        return any(text in message for message in self.messages)


class LogTest(Serving):
    """The journal goes to the operator's server, and to no other."""

    def setUp(self):
        super().setUp()
        self.vouch("logs.example.org")

    def vouch(self, name):
        vouch_for(name, self.folder / f"{name}.key", self.folder / f"{name}.crt")

    def send_to(self, port, name, authority):
        self.machine.credentials |= {"gatehouse.log": f"server=10.0.2.2:{port}\nname={name}\n",
                                     "gatehouse.log-ca": (self.folder / f"{authority}.crt").read_text()}

    def test_every_line_goes_there_and_waits_while_no_server_listens(self):
        server = LogServer(self.folder, "logs.example.org")
        self.send_to(server.port, "logs.example.org", "logs.example.org")
        self.serve()
        self.machine.wait_for(lambda: server.has('"backend":"web1","state":"up"'), 60, "a line of Gatehouse comes")
        self.machine.wait_for(lambda: server.has(" kernel "), 60, "and one of the kernel")
        for message in server.messages:
            self.assertRegex(message, r"^<\d{1,3}>1 \d{4}-\d\d-\d\dT[0-9:.]+[^ ]* gatehouse [^ ]+ ")
        server.close()
        self.get()  # its line meets the closed connection and may be lost: syslog acknowledges nothing
        time.sleep(3)
        self.operate("fence", "web1", "--why", "while no server listens")
        time.sleep(10)  # as long as a server may be away
        server = LogServer(self.folder, "logs.example.org", server.port)
        self.addCleanup(server.close)
        self.machine.wait_for(lambda: server.has("while no server listens"), 60, "the line that waited comes")

    def gets_nothing(self, name, authority):
        self.vouch("other.example.org")
        server = LogServer(self.folder, "other.example.org")
        self.addCleanup(server.close)
        self.send_to(server.port, name, authority)
        self.serve()
        self.machine.wait_for(lambda: server.connections, 60, "it is called")
        time.sleep(10)  # in which it would send
        self.assertEqual(server.messages, [])

    def test_a_server_with_another_name_gets_nothing(self):
        self.gets_nothing("logs.example.org", "other.example.org")

    def test_a_server_that_no_authority_has_signed_gets_nothing(self):
        self.gets_nothing("other.example.org", "logs.example.org")


class WatchdogTest(Serving):
    def test_a_machine_that_hangs_is_started_anew(self):
        self.machine.watchdog = True
        self.serve()
        time.sleep(45)  # longer than it waits for a sign of life
        self.assertEqual(self.get()[0], 200)
        self.machine.hang()
        begun = time.monotonic()
        self.machine.wait_for(lambda: not self.machine.running(), 120, "the watchdog ends it")
        print(f"\nfrom the hang to the reset: {time.monotonic() - begun:.0f} s")


def break_version(tree):
    """Its gatehouse is another program that does not serve; and the health unit gives up sooner."""
    shutil.copyfile(tree / "usr/bin/udevadm", tree / "usr/bin/gatehouse")
    unit = tree / "usr/lib/systemd/system/gatehouse-health.service"
    unit.write_text(unit.read_text().replace("TimeoutStartSec=180", "TimeoutStartSec=20"))


class UpdateTest(Serving):
    """A good version lands and keeps state; one that never serves goes back by itself; what is not signed is refused."""

    def setUp(self):
        super().setUp()
        (self.folder / "updates").mkdir()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Updates, directory=self.folder / "updates"))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.addCleanup(shutil.rmtree, self.folder / "updates", ignore_errors=True)
        self.offers = f"http://10.0.2.2:{server.server_address[1]}/"

    def status(self):
        return json.loads(self.operate("update", "status", "--json"))

    def settled(self, seconds=BOOT):
        """The status, once nothing is under way."""
        return self.machine.wait_for(
            lambda: (found := self.status())["state"] in ("installed", "refused", "idle") and found, seconds, "it is settled")

    def ends(self, times=1):
        """The machine ends itself, as a reboot does here, so many times; in between it is started anew."""
        for time_ in range(times):
            if time_ > 0:
                self.machine.start()
            self.machine.wait_for(lambda: not self.machine.running(), BOOT, "it ends itself")

    def versions(self):
        return {found["version"]: found["state"] for found in self.status()["versions"]}

    def test_a_good_version_lands_and_one_that_never_serves_goes_back(self):
        make_version("2", self.folder)
        make_version("3", self.folder, break_version)
        self.serve()
        self.assertEqual((self.settled()["running"], self.versions()), (VERSION, {VERSION: "served"}))
        self.operate("fence", "web1", "--why", "to be kept")

        begun = time.monotonic()
        self.operate("update", "install", self.offers + "2/", "--reboot", "--why", "the test")
        self.ends()
        self.serve()
        self.assertEqual(self.seen(), {"I am web2"}, "the fence was there before the first request")
        self.machine.wait_for(lambda: self.versions() == {VERSION: "served", "2": "served"}, BOOT, "2 has served")
        self.assertEqual(self.status()["running"], "2")
        print(f"\nupdate, from the command to the new version's having served: {time.monotonic() - begun:.0f} s")

        begun = time.monotonic()
        self.operate("update", "install", self.offers + "3/", "--reboot")
        self.ends(4)
        self.serve()
        self.assertEqual(self.settled()["running"], "2")
        self.assertEqual(self.versions(), {"2": "served", "3": "given up"})
        self.assertEqual(self.seen(), {"I am web2"}, "the fence is still there")
        print(f"a version that never serves, from the command to the old one's first request: {time.monotonic() - begun:.0f} s")

    def test_what_is_too_large_or_too_old_is_refused(self):
        make_version("2", self.folder)
        make_version("3", self.folder, days=-1)
        with open(next((self.folder / "updates/2").glob("*.root.raw")), "ab") as file:
            file.write(b"more")
        self.serve()
        self.settled()
        self.assertIn("has expired at", self.refused("install", self.offers + "3/"))
        self.assertIn("more bytes than", self.refused("install", self.offers + "2/"))
        self.assertEqual(self.versions(), {VERSION: "served"})

    def test_a_server_that_never_ends_does_not_prevent_a_reboot(self):
        make_version("2", self.folder)
        self.serve()
        self.settled()
        self.addCleanup(setattr, Updates, "halfway", None)
        Updates.halfway = threading.Event()
        self.operate("update", "install", self.offers + "2/", "--reboot")
        self.assertTrue(Updates.halfway.wait(BOOT))
        self.assertEqual(self.status()["state"], "fetching")
        self.operate("update", "rollback")
        self.machine.wait_for(lambda: "no version to go back to" in self.status()["what"], 60, "it says that it cannot")
        Updates.halfway.clear()
        self.operate("update", "install", self.offers + "2/", "--reboot")
        self.assertTrue(Updates.halfway.wait(BOOT))
        self.operate("update", "reboot")
        self.ends()
        Updates.halfway = None
        self.serve()
        self.assertEqual((self.settled()["running"], self.versions()), (VERSION, {VERSION: "served"}))

    def test_a_power_cut_in_the_middle_of_an_update_costs_nothing_but_the_update(self):
        make_version("2", self.folder)
        self.serve()
        self.settled()
        self.operate("fence", "web1", "--why", "to be kept")
        self.addCleanup(setattr, Updates, "halfway", None)
        Updates.halfway = threading.Event()
        self.operate("update", "install", self.offers + "2/", "--reboot")
        self.assertTrue(Updates.halfway.wait(BOOT))
        time.sleep(3)  # for what came to be written
        self.machine.cut_power()

        Updates.halfway = None
        self.serve()
        self.assertEqual(self.seen(), {"I am web2"}, "the fence was there before the first request")
        self.assertEqual((self.settled()["running"], self.versions()), (VERSION, {VERSION: "served"}))
        self.operate("update", "install", self.offers + "2/", "--reboot")
        self.ends()
        self.serve()
        self.machine.wait_for(lambda: self.versions() == {VERSION: "served", "2": "served"}, BOOT, "2 has served")
        self.assertEqual(self.seen(), {"I am web2"}, "the fence is still there")

    def test_the_version_before_comes_back_when_asked_for(self):
        make_version("2", self.folder)
        self.serve()
        self.settled()
        self.assertIn("no version to go back to", self.refused("rollback"))
        self.operate("update", "install", self.offers + "2/")
        self.assertEqual(self.settled()["state"], "installed")
        self.operate("update", "reboot")
        self.ends()
        self.serve()
        self.machine.wait_for(lambda: self.versions().get("2") == "served", BOOT, "2 has served")
        self.operate("update", "rollback", "--why", "to see whether it can be done")
        self.ends()
        self.serve()
        self.assertEqual(self.settled()["running"], VERSION)
        self.assertEqual(self.versions(), {VERSION: "served", "2": "given up"})

    def refused(self, *words):
        self.operate("update", *words)
        self.machine.wait_for(lambda: self.status()["state"] == "refused", 60, "it is refused")
        return self.status()["what"]

    def test_what_is_not_signed_or_not_as_it_was_signed_is_refused(self):
        make_version("2", self.folder)
        self.serve()
        self.settled()
        folder = self.folder / "updates/2"
        sums, signature = (folder / "SHA256SUMS").read_text(), (folder / "SHA256SUMS.sig").read_bytes()
        (folder / "SHA256SUMS").write_text(sums.replace("a", "b", 1))
        self.assertIn("none of the keys", self.refused("install", self.offers + "2/"))
        (folder / "SHA256SUMS").write_text(sums)
        (folder / "SHA256SUMS.sig").write_bytes(signature[:-1])
        self.assertIn("none of the keys", self.refused("install", self.offers + "2/"))
        (folder / "SHA256SUMS.sig").write_bytes(signature)
        with open(folder / "gatehouse_2.efi", "r+b") as file:
            file.seek(4096)
            file.write(b"another")
        self.assertIn("not what SHA256SUMS says", self.refused("install", self.offers + "2/"))
        self.assertIn("the server answered 404", self.refused("install", self.offers + "4/"))
        self.assertEqual(self.versions(), {VERSION: "served"})


class TamperTest(MachineTest):
    """What is not as it was signed does not run, and the console says why."""

    OFFSET = 1 << 20  # of the ESP, the first partition

    def read_uki(self):
        name = f"::/EFI/Linux/gatehouse_{VERSION}.efi"
        subprocess.run(["mcopy", "-n", "-o", "-i", f"{self.disk}@@{self.OFFSET}", name, self.folder / "uki.efi"], check=True)
        return bytearray((self.folder / "uki.efi").read_bytes())

    def write_uki(self, content):
        (self.folder / "uki.efi").write_bytes(content)
        name = f"::/EFI/Linux/gatehouse_{VERSION}.efi"
        subprocess.run(["mcopy", "-n", "-o", "-i", f"{self.disk}@@{self.OFFSET}", self.folder / "uki.efi", name], check=True)

    def test_a_kernel_image_with_another_command_line(self):
        content = self.read_uki()
        at = content.index(b"lockdown=integrity")
        content[at:at + 8] = b"lockdawn"
        self.write_uki(content)
        self.refuses("Access denied")

    def test_an_unsigned_kernel_image(self):
        self.write_uki((WORK / f"gatehouse_{VERSION}.unsigned.efi").read_bytes())
        self.refuses("Access denied")

    def test_a_kernel_image_signed_with_another_key(self):
        key, certificate, other = (self.folder / name for name in ("other.key", "other.crt", "other.efi"))
        subprocess.run(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj",
                        "/CN=Somebody else/", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        TOOLS.inside(["sbsign", "--key", TOOLS.path(key), "--cert", TOOLS.path(certificate), "--output",
                      TOOLS.path(other), TOOLS.path(WORK / f"gatehouse_{VERSION}.unsigned.efi")])
        self.write_uki(other.read_bytes())
        self.refuses("Access denied")

    def flip_in_root(self, at):
        listing = json.loads(TOOLS.inside(["sfdisk", "--json", TOOLS.path(self.disk)]))
        root = next(part for part in listing["partitiontable"]["partitions"] if part["name"] == f"gatehouse_{VERSION}")
        with open(self.disk, "r+b") as disk:
            disk.seek(root["start"] * 512 + at)
            byte = disk.read(1)[0]
            disk.seek(-1, os.SEEK_CUR)
            disk.write(bytes([byte ^ 1]))

    def test_a_flipped_byte_in_a_program(self):
        extents = TOOLS.inside(["dump.erofs", "-e", "--path=/usr/bin/gatehouse", TOOLS.path(WORK / "root.root.raw")])
        self.flip_in_root(int(re.search(r"0:\s+0\.\..*?:\s+(\d+)\.\.", extents).group(1)) + 100)
        self.machine.ports[80] = free_port()
        self.machine.start()
        self.machine.wait_for(lambda: not self.machine.running(), BOOT, "it ends itself, so that the other slot may be taken")
        self.assertIn("is corrupted", self.machine.said())
        self.assertIn("Kernel panic", self.machine.said())

    def test_a_flipped_byte_in_the_superblock(self):
        self.flip_in_root(1024)
        self.machine.start()
        self.machine.wait_for(lambda: not self.machine.running(), BOOT, "it ends itself")
        self.assertIn("is corrupted", self.machine.said())

    def test_words_that_a_hypervisor_appends_to_the_command_line(self):
        self.machine.strings.append("io.systemd.stub.kernel-cmdline-extra=systemd.unit=emergency.target")
        self.refuses("the kernel's command line: 'systemd.unit=emergency.target' was not signed")


if __name__ == "__main__":
    begun = time.monotonic()
    result = unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]], exit=False).result
    failed = len(result.failures) + len(result.errors)
    print(f"boot: {time.monotonic() - begun:.0f} s")
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
