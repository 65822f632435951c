#!/usr/bin/env python3
"""./dev image: builds the image from Debian's packages and this tree. The result of each slow step is kept in
build/image/cache. Its name is made of what the step depends on."""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import uuid

import initrd
import sbom
import sign
import strip

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "build" / "image"
CACHE = WORK / "cache"  # of what is the same for every build
MIRROR = "http://deb.debian.org/debian"
EPOCH = "1760000000"  # of every file in the image
VALID_DAYS = 180  # in which an update may be installed
NAMESPACE = uuid.UUID("5b7f6c0e-2f0b-4b0e-9d55-6f6a0f4f9a11")

TOOLS = """
mkosi systemd-repart systemd-ukify systemd-boot-efi systemd apt debian-archive-keyring sbsigntool efitools openssl
python3-virt-firmware python3-pefile erofs-utils dosfstools mtools kmod binutils zstd fdisk cmake ninja-build g++
pkg-config ccache liburing-dev libnftnl-dev libmnl-dev libtomlplusplus-dev nlohmann-json3-dev libcli11-dev libfmt-dev
libexpected-dev libcpp-httplib-dev libsqlite3-dev libseccomp-dev libcap-ng-dev libssl-dev libpcre2-dev
libyaml-cpp-dev unicode-cldr-core genisoimage
""".split()

SOURCES = f"""deb {MIRROR} trixie main
deb {MIRROR} trixie-updates main
deb {MIRROR}-security trixie-security main
"""


def say(text):
    print(f"image: {text}", flush=True)


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        sys.exit(f"image: {' '.join(map(str, command))}: exit code {result.returncode}\n"
                 f"{result.stdout[-4000:]}{result.stderr[-4000:]}")
    return result.stdout


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Tools:
    """Debian trixie in a folder: the build uses its programs on any host. /src there is this tree."""

    def __init__(self):
        name = hashlib.sha256(" ".join(TOOLS).encode()).hexdigest()[:12]
        self.folder = CACHE / f"tools-{name}"

    def make(self):
        if self.folder.exists():
            return
        begun = time.monotonic()
        say("making the tools tree (Debian trixie), once")
        half = self.folder.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        run("debootstrap", "--variant=minbase", "trixie", half, MIRROR)
        (half / "etc/apt/sources.list").write_text(SOURCES)
        script = ("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "
                  + " ".join(TOOLS) + " && apt-get clean")
        self.inside(["sh", "-c", script], half)
        (half / "src").mkdir()
        half.rename(self.folder)
        say(f"tools tree: {time.monotonic() - begun:.0f} s")

    def inside(self, command, folder=None, **options):
        """Runs it there, in a mount namespace of its own, so that nothing is left mounted."""
        folder = folder or self.folder
        mounts = [f"mount --rbind /{view} '{folder}/{view}'" for view in ("proc", "sys", "dev")]
        if (folder / "src").exists():
            mounts.append(f"mount --bind '{ROOT}' '{folder}/src'")
        script = " && ".join(mounts) + f" && exec chroot '{folder}' \"$@\""
        return run("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *command,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": EPOCH,
                        "CCACHE_DIR": "/src/build/image/cache/ccache"}, **options)

    def path(self, path):
        """Of a file of this tree, as it is called there."""
        return "/src/" + str(pathlib.Path(path).relative_to(ROOT))


def compile_programs(tools, work):
    """Gatehouse for the image's libraries, and stage0."""
    begun = time.monotonic()
    folder = tools.path(work / "programs")
    tools.inside(["cmake", "-S", "/src", "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                  "-DGATEHOUSE_TESTS=OFF", "-DGATEHOUSE_IMAGE=ON"])
    tools.inside(["cmake", "--build", folder, "--target", "gatehouse", "gatehouse-setup", "gatehouse-update",
                  "gatehouse-console", "stage0"])
    say(f"programs: {time.monotonic() - begun:.0f} s")


def make_tree(tools, work, version):
    """The image's files, by mkosi, with everything that is not needed taken out. Returns kernel and initramfs."""
    begun = time.monotonic()
    staged = work / "staged"
    shutil.rmtree(staged, ignore_errors=True)
    (staged / "usr/bin").mkdir(parents=True)
    for program in ("gatehouse", "gatehouse-setup", "gatehouse-update", "gatehouse-console"):
        tools.inside(["strip", "-o", tools.path(staged / "usr/bin" / program), tools.path(work / "programs" / program)])
    # Its own Python, whatever the host's: mkosi 25 is pure Python.
    run(sys.executable, "-m", "mkosi", "--directory", HERE, "--tools-tree", tools.folder, "--image-version", version,
        "--output-directory", work, "--extra-tree", staged, "--cache-directory", work / "mkosi.cache",
        "--package-cache-directory", CACHE / "packages", "--workspace-directory", CACHE, "--force", "build",
        env=dict(os.environ, PYTHONPATH=f"{tools.folder}/usr/lib/python3/dist-packages"))
    tree = work / "tree"
    modules = next((tree / "usr/lib/modules").iterdir())
    kernel = work / "vmlinuz"
    shutil.copyfile(modules / "vmlinuz", kernel)
    shutil.copyfile(tree / "boot" / f"config-{modules.name}", work / "kernel.config")
    command_line = " ".join((HERE / "command_line").read_text().split())
    archive = initrd.make((work / "programs/stage0").read_bytes(), command_line, modules)
    (work / "initrd.cpio").write_bytes(archive)
    tools.inside(["zstd", "-q", "-f", "-19", tools.path(work / "initrd.cpio"), "-o", tools.path(work / "initrd")])
    (work / "initrd.cpio").unlink()
    release = modules.name
    listing = tools.inside(["python3", "-c", "import sys, json, pathlib; sys.path.insert(0, '/src/images'); import strip;"
                            f"print(json.dumps(strip.strip(pathlib.Path('{tools.path(tree)}'))))"])
    packages = json.loads(listing)
    sbom.write(work / f"gatehouse_{version}.manifest.json", work / f"gatehouse_{version}.cdx.json", version, packages)
    say(f"tree: {time.monotonic() - begun:.0f} s, kernel {release}")
    return command_line, release


def make_root(tools, work, version):
    """The root file system and its hash tree; the root hash."""
    out = work / "root.raw"
    for left in work.glob("root*.raw"):
        left.unlink()
    seed = str(uuid.uuid5(NAMESPACE, version))
    listing = tools.inside(["systemd-repart", "--offline=yes", "--empty=create", "--size=auto", "--dry-run=no", "--json=short",
                            "--split=yes", f"--seed={seed}", "--definitions=/src/images/partitions/root",
                            f"--root={tools.path(work / 'tree')}", tools.path(out)])
    out.unlink()
    partitions = json.loads(listing)
    roothash = next(part["roothash"] for part in partitions if part.get("roothash"))
    return roothash


def make_uki(tools, work, version, command_line, release, roothash):
    uki = work / f"gatehouse_{version}.unsigned.efi"
    tools.inside(["ukify", "build", f"--linux={tools.path(work / 'vmlinuz')}", f"--initrd={tools.path(work / 'initrd')}",
                  f"--cmdline={command_line} roothash={roothash}", f"--uname={release}",
                  f"--os-release=@{tools.path(work / 'tree/usr/lib/os-release')}", f"--output={tools.path(uki)}"])
    return uki


def make_update(tools, keys, work, version, roothash, signed, folder, days=VALID_DAYS):
    """What `gatehouse update install` fetches: the slot's files, the kernel image, and their terms (sizes, and until
    when they may be installed). Then the checksums of all these, and their signature by the key that firmware boots."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    halves = {"root": uuid.UUID(roothash[:32]), "verity": uuid.UUID(roothash[32:])}
    for kind, half in halves.items():
        shutil.copyfile(work / f"root.{kind}.raw", folder / f"gatehouse_{version}_{half}.{kind}.raw")
    shutil.copyfile(signed, folder / f"gatehouse_{version}.efi")
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    terms = {"version": version, "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
             "sizes": {path.name: path.stat().st_size for path in sorted(folder.iterdir())}}
    (folder / f"gatehouse_{version}.terms").write_text(json.dumps(terms, indent=1) + "\n")
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in sorted(folder.iterdir()))
    (folder / "SHA256SUMS").write_text(sums)
    sign.sign_text(tools, keys, folder / "SHA256SUMS", folder / "SHA256SUMS.sig")


def make_disk(tools, work, version, roothash):
    """All of it as a disk: ESP, slot a, an empty slot b. The data partition is made at the first start."""
    definitions = work / "disk.d"
    shutil.rmtree(definitions, ignore_errors=True)
    definitions.mkdir()
    halves = {"root": uuid.UUID(roothash[:32]), "root-verity": uuid.UUID(roothash[32:])}
    label = {"root": f"gatehouse_{version}", "root-verity": f"gatehouse_{version}_verity"}
    blocks = {"root": "root.root.raw", "root-verity": "root.verity.raw"}
    size = {"root": "256M", "root-verity": "8M"}
    (definitions / "00-esp.conf").write_text(
        f"[Partition]\nType=esp\nLabel=esp\nFormat=vfat\nCopyFiles={tools.path(work / 'esp')}:/\n"
        "SizeMinBytes=1G\nSizeMaxBytes=1G\n")
    for place, kind in ((10, "root-verity"), (20, "root")):
        (definitions / f"{place}-{kind}-a.conf").write_text(
            f"[Partition]\nType={kind}\nLabel={label[kind]}\nUUID={halves[kind]}\n"
            f"CopyBlocks={tools.path(work / blocks[kind])}\nReadOnly=yes\n"
            f"SizeMinBytes={size[kind]}\nSizeMaxBytes={size[kind]}\n")
        (definitions / f"{place + 20}-{kind}-b.conf").write_text(
            f"[Partition]\nType={kind}\nLabel=_empty\nReadOnly=yes\nSizeMinBytes={size[kind]}\nSizeMaxBytes={size[kind]}\n")
    disk = work / f"gatehouse_{version}.raw"
    disk.unlink(missing_ok=True)
    tools.inside(["systemd-repart", "--offline=yes", "--empty=create", "--size=auto", "--dry-run=no",
                  f"--seed={uuid.uuid5(NAMESPACE, version + roothash)}", f"--definitions={tools.path(definitions)}",
                  tools.path(disk)])
    return disk


def main():
    arguments = argparse.ArgumentParser(prog="./dev image", description="Builds the image into build/image.")
    arguments.add_argument("--version", default=(HERE / "mkosi.version").read_text().strip())
    arguments.add_argument("--folder", type=pathlib.Path, default=WORK, help="where to, below build")
    arguments.add_argument("--valid-days", type=int, default=VALID_DAYS, metavar="DAYS",
                           help="in which the update may be installed; then it is refused (%(default)s)")
    given = arguments.parse_args()
    work, version = given.folder.resolve(), given.version
    begun = time.monotonic()
    for folder in (CACHE, work / "mkosi.cache", CACHE / "packages"):
        folder.mkdir(parents=True, exist_ok=True)
    tools = Tools()
    tools.make()
    compile_programs(tools, work)
    command_line, release = make_tree(tools, work, version)
    (work / "kernel.json").write_text(json.dumps({"command_line": command_line, "release": release}) + "\n")
    roothash = make_root(tools, work, version)
    unsigned = make_uki(tools, work, version, command_line, release, roothash)
    keys = sign.make_keys(tools, work)
    signed = work / f"gatehouse_{version}.efi"
    sign.sign(tools, keys, unsigned, signed)
    sign.make_esp(tools, keys, work / "esp", signed)
    disk = make_disk(tools, work, version, roothash)
    make_update(tools, keys, work, version, roothash, signed, work / f"update_{version}", given.valid_days)
    artefacts = [disk, signed, unsigned]
    for kind in ("root", "verity"):
        artefacts.append(work / f"gatehouse_{version}.{kind}.raw")
        shutil.copyfile(work / f"root.{kind}.raw", artefacts[-1])
    artefacts += [work / f"gatehouse_{version}.manifest.json", work / f"gatehouse_{version}.cdx.json"]
    # The download: holes and zeros cost nothing there.
    packed = disk.with_suffix(".raw.zst")
    tools.inside(["zstd", "-q", "-f", "-10", "-T0", tools.path(disk), "-o", tools.path(packed)])
    artefacts.append(packed)
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in artefacts)
    (work / "SHA256SUMS").write_text(sums)
    used = disk.stat().st_blocks * 512
    say(f"{disk.relative_to(ROOT)}: {used / 1e6:.0f} MB on the disk, {packed.stat().st_size / 1e6:.0f} MB to download"
        f" ({packed.name}); {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
