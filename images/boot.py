#!/usr/bin/env python3
"""./dev boot: the image in a virtual machine, its console in this terminal, its ports on this machine."""

import argparse
import os
import shutil
import subprocess
import sys
import time

import build
from machine import Machine, enrolled_firmware

DATA = 1 << 30  # bytes that the disk has for the data partition
PORTS = {80: 8080, 443: 8444, 8443: 8443}


def main():
    parser = argparse.ArgumentParser(prog="./dev boot", description="Boots the image under QEMU. Ctrl-C cuts its power.")
    parser.add_argument("--config", metavar="FILE", help="gatehouse.toml to hand over; what lies beside it as a volume"
                                                         " would name it (key.pem, network) goes with it")
    parser.add_argument("--network", metavar="FILE", help="lines of address=, gateway=, dns= and ntp=; DHCP when left out")
    parser.add_argument("--fresh", action="store_true", help="forget the disk of the last time")
    parser.add_argument("--version", default=(build.HERE / "mkosi.version").read_text().strip())
    arguments = parser.parse_args()
    image = build.WORK / f"gatehouse_{arguments.version}.raw"
    if not image.exists():
        sys.exit(f"./dev boot: there is no {image.relative_to(build.ROOT)}; build it with ./dev image")
    folder = build.WORK / "boot"
    if arguments.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    disk, variables = folder / "disk.raw", folder / "variables.fd"
    if not disk.exists() or disk.stat().st_mtime < image.stat().st_mtime:
        subprocess.run(["cp", "--sparse=always", image, disk], check=True)
        os.truncate(disk, disk.stat().st_size + DATA)
        enrolled_firmware(build.Tools(), build.WORK / "keys", variables)
    machine = Machine(folder, disk, variables)
    machine.ports = dict(PORTS)
    machine.hand_over(arguments.config, arguments.network)
    print(f"port 80 of the appliance is http://127.0.0.1:{PORTS[80]}, its API (where configured on 8443)"
          f" 127.0.0.1:{PORTS[8443]}; Ctrl-C cuts its power", flush=True)
    machine.start()
    shown = 0
    try:
        while machine.running():
            said = machine.said()
            sys.stdout.write(said[shown:])
            sys.stdout.flush()
            shown = len(said)
            time.sleep(0.1)
    except KeyboardInterrupt:
        print("\npower cut")
    finally:
        machine.cut_power()
    sys.stdout.write(machine.said()[shown:])
    trouble = (folder / "qemu.log").read_text().strip()
    if trouble:
        sys.exit(f"./dev boot: {trouble}")


if __name__ == "__main__":
    main()
