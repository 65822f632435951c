"""The initramfs: stage0, the sealed command line, and the modules that a disk of this kernel may need. The same bytes
for the same input."""

import pathlib
import stat

# What the root file system may lie on, and what opens it; and the firmware's variables, which systemd mounts before any
# module of its own is loaded. One that the kernel has built in is left out.
WANTED = ["virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "nvme", "ahci", "ata_piix", "vmw_pvscsi", "hv_storvsc",
          "xen-blkfront", "dm-verity", "erofs", "efivarfs"]


def name_of(path):
    return path.name.split(".ko")[0].replace("-", "_")


def resolve(modules):
    """Files of the wanted modules below the folder of modules, each after those that it needs."""
    needs = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        file, _, rest = line.partition(":")
        needs[name_of(pathlib.Path(file))] = (file, rest.split())
    ordered = []

    def add(file):
        for other in reversed(needs[name_of(pathlib.Path(file))][1]):
            if other not in ordered:
                add(other)
        if file not in ordered:
            ordered.append(file)

    builtin = {name_of(pathlib.Path(line)) for line in (modules / "modules.builtin").read_text().splitlines()}
    for module in WANTED:
        name = module.replace("-", "_")
        if name in needs:
            add(needs[name][0])
        elif name not in builtin:
            raise SystemExit(f"images: the kernel has no module {module}")
    return ordered


class Archive:
    """cpio's newc format, without anything of the clock or the machine."""

    def __init__(self):
        self.bytes = bytearray()
        self.number = 0

    def add(self, name, mode, content=b""):
        self.number += 1
        fields = (self.number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        self.bytes += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        self.pad()
        self.bytes += content
        self.pad()

    def pad(self):
        self.bytes += b"\0" * (-len(self.bytes) % 4)

    def end(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.bytes)


def make(stage0, command_line, modules):
    """The bytes of the initramfs. modules: the folder of one kernel's modules."""
    archive = Archive()
    folders = ["dev", "proc", "sys", "sysroot", "lib"]
    for folder in folders:
        archive.add(folder, stat.S_IFDIR | 0o755)
    files = resolve(modules)
    for place, file in enumerate(files):
        # Numbered, so that no folders are needed for them.
        archive.add(f"lib/{place:02}-{pathlib.Path(file).name}", stat.S_IFREG | 0o644, (modules / file).read_bytes())
    listing = "".join(f"lib/{place:02}-{pathlib.Path(file).name}\n" for place, file in enumerate(files))
    archive.add("modules.list", stat.S_IFREG | 0o644, listing.encode())
    archive.add("cmdline", stat.S_IFREG | 0o644, command_line.encode())
    archive.add("init", stat.S_IFREG | 0o755, stage0)
    return archive.end()
