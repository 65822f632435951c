"""A virtual machine with the image in it: UEFI firmware with Secure Boot on and our keys, one disk, one network card
with forwarded ports, its serial console in a file. Only this machine's QEMU process is ever stopped."""

import base64
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

FIRMWARE = pathlib.Path("/usr/share/OVMF")
# The credentials, and their file names on a volume and beside a configuration; the network has its own.
FILES = {"gatehouse.config": "gatehouse.toml", "gatehouse.certificate": "certificate.pem", "gatehouse.key": "key.pem",
         "gatehouse.client-ca": "client_ca.pem", "gatehouse.page": "maintenance.html", "gatehouse.network": "network",
         "gatehouse.update-ca": "update_ca.pem", "gatehouse.log": "log", "gatehouse.log-ca": "log_ca.pem"}
OWNER = "0f3d5cf5-3a0e-4d0a-9c3e-7c1f7f0f5a2d"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def enrolled_firmware(tools, keys, to):
    """Variables of a machine that boots what is signed with these keys, and nothing else."""
    template = to.with_suffix(".template")
    shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", template)
    certificate = tools.path(keys / "db.crt")
    tools.inside(["virt-fw-vars", "--input", tools.path(template), "--output", tools.path(to), "--set-pk", OWNER,
                  tools.path(keys / "PK.crt"), "--add-kek", OWNER, tools.path(keys / "KEK.crt"), "--add-db", OWNER,
                  certificate, "--sb"])
    template.unlink()


class Machine:
    def __init__(self, folder, disk, variables, memory=512, processors=1):
        """disk and variables are written to: give it copies."""
        self.folder = folder
        self.disk = disk
        self.variables = variables
        self.memory = memory
        self.processors = processors
        self.ports = {}  # of the guest to ours
        self.address = ""  # of its own that ports are forwarded to; else what QEMU's DHCP gives
        self.credentials = {}
        self.by_fw_cfg = False  # whether the credentials come by it, and not by SMBIOS
        self.volume = None  # a second disk, read-only
        self.strings = []  # further SMBIOS OEM strings, as they are
        self.watchdog = False  # whether it has one, and a debugger's port for hang()
        self.process = None
        self.begun = None
        self.console = folder / "console.log"
        self.debugger = f"/tmp/gatehouse-debugger-{os.getpid()}"

    def hand_over(self, configuration, network=None):
        """Files, by their paths; what lies beside the configuration under the names that it may use goes with it."""
        given = {}
        if configuration:
            beside = pathlib.Path(configuration).parent
            given = {name: beside / file for name, file in FILES.items() if (beside / file).is_file()}
            given["gatehouse.config"] = configuration
        if network:
            given["gatehouse.network"] = network
        self.credentials = {name: pathlib.Path(file).read_text() for name, file in given.items()}

    def command(self):
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{ours}-{self.address}:{guest}" for guest, ours in self.ports.items())
        words = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", str(self.processors), "-m", str(self.memory),
                 "-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
                 "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE / 'OVMF_CODE_4M.secboot.fd'}",
                 "-drive", f"if=pflash,format=raw,file={self.variables}",
                 "-drive", f"if=none,id=d0,format=raw,file={self.disk}", "-device", "virtio-blk-pci,drive=d0,bootindex=1",
                 "-device", "virtio-rng-pci", "-netdev", f"user,id=n0{forwards}",
                 "-device", "virtio-net-pci,netdev=n0,romfile=", "-display", "none", "-no-reboot",
                 "-chardev", f"file,id=c0,path={self.console}", "-serial", "chardev:c0", "-monitor", "none"]
        if self.volume:
            words += ["-drive", f"if=none,id=d1,format=raw,readonly=on,file={self.volume}",
                      "-device", "virtio-blk-pci,drive=d1"]
        for name, content in self.credentials.items():
            if self.by_fw_cfg:
                file = self.folder / f"credential-{name}"
                file.write_text(content)
                words += ["-fw_cfg", f"name=opt/io.systemd.credentials/{name},file={file}"]
                continue
            # In a file, because a command line has an end.
            file = self.folder / f"credential-{name}"
            file.write_text(f"io.systemd.credential.binary:{name}={base64.b64encode(content.encode()).decode()}")
            words += ["-smbios", f"type=11,path={file}"]
        if self.watchdog:
            words += ["-device", "i6300esb", "-action", "watchdog=reset", "-gdb", f"unix:{self.debugger},server=on,wait=off"]
        for string in self.strings:
            words += ["-smbios", f"type=11,value={string}"]
        return words

    def start(self):
        self.console.write_text("")
        self.begun = time.monotonic()
        with open(self.folder / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        return self

    def hang(self):
        """Its processor repeats one instruction for ever, with interrupts off."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(self.debugger)  # which stops it, and it says so
            link.recv(4096)
            link.sendall(b"+")

            def ask(command):
                link.sendall(f"${command}#{sum(command.encode()) % 256:02x}".encode())
                answer = b""
                while not (found := re.search(rb"\$([^#]+)#..", answer)):
                    answer += link.recv(4096)
                link.sendall(b"+")
                return found.group(1).decode()

            registers = ask("g")
            program_counter = int.from_bytes(bytes.fromhex(registers[256:272]), "little")
            flags = int.from_bytes(bytes.fromhex(registers[272:280]), "little") & ~(1 << 9)  # IF, the interrupt flag
            changed = registers[:272] + flags.to_bytes(4, "little").hex() + registers[280:]
            for command in (f"M{program_counter:x},2:ebfe", f"G{changed}"):
                if ask(command) != "OK":
                    raise AssertionError(f"the debugger refused {command}")
            ask("D")  # which lets it go on

    def running(self):
        return self.process is not None and self.process.poll() is None

    def cut_power(self):
        if self.running():
            self.process.kill()
        if self.process:
            self.process.wait()
        pathlib.Path(self.debugger).unlink(missing_ok=True)

    def said(self):
        return self.console.read_text(errors="replace")

    def wait_for(self, condition, seconds, what):
        """Polls; returns what the condition returned, and raises with the console's end where the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            if not self.running():
                found = condition()
                if found:
                    return found
                break
            time.sleep(0.1)
        raise AssertionError(f"not within {seconds} s: {what}\n--- the console's end\n" + self.said()[-3000:])
