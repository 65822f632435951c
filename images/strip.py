"""Removes from the image's tree what nothing in it needs: programs by an allow-list, libraries that no program links,
modules by their folders. What stays is the attack surface."""

import pathlib
import re
import shutil
import subprocess

# Whole folders that serve people, packages or other programs.
FOLDERS = """
boot etc/alternatives etc/apt etc/cron.d etc/cron.daily etc/default etc/dpkg etc/gss etc/init.d etc/kernel etc/ld.so.conf.d
etc/logrotate.d etc/opt etc/pam.d etc/profile.d etc/rc0.d etc/rc1.d etc/rc2.d etc/rc3.d etc/rc4.d etc/rc5.d etc/rc6.d
etc/rcS.d etc/security etc/selinux etc/skel etc/terminfo etc/update-motd.d etc/vim etc/xattr.conf etc/X11
usr/games usr/include usr/local usr/src usr/share/bash-completion usr/share/bug usr/share/common-licenses
usr/share/debconf usr/share/debianutils usr/share/dict usr/share/doc usr/share/doc-base usr/share/dpkg usr/share/factory
usr/share/gcc usr/share/gdb usr/share/glib-2.0 usr/share/initramfs-tools usr/share/info usr/share/keyrings
usr/share/libc-bin usr/share/lintian usr/share/linda usr/share/locale usr/share/man usr/share/menu usr/share/misc
usr/share/pam usr/share/pam-configs usr/share/perl usr/share/perl5 usr/share/pixmaps usr/share/polkit-1 usr/share/python3
usr/share/sensible-utils usr/share/tabset usr/share/terminfo usr/share/zsh usr/share/vim usr/share/libgcrypt20
usr/share/mime usr/share/dbus-1 usr/share/icu usr/share/readline usr/share/awk usr/share/base-files
usr/lib/apt usr/lib/cgi-bin usr/lib/console-setup usr/lib/dpkg usr/lib/gcc usr/lib/init usr/lib/initramfs-tools
usr/lib/kernel usr/lib/locale usr/lib/lsb usr/lib/mime usr/lib/rsyslog usr/lib/os-probes usr/lib/pcrlock.d usr/lib/pam.d
usr/lib/polkit-1 usr/lib/python3 usr/lib/rpm usr/lib/sasl2 usr/lib/ssl usr/lib/systemd/boot usr/lib/systemd/catalog
usr/lib/systemd/user usr/lib/systemd/user-generators usr/lib/systemd/user-preset usr/lib/systemd/user-environment-generators
usr/lib/systemd/system-generators usr/lib/systemd/system-environment-generators usr/lib/systemd/system-shutdown
usr/lib/systemd/system-sleep usr/lib/systemd/profile usr/lib/systemd/portable usr/lib/terminfo usr/lib/tc
usr/lib/udev/hwdb.d usr/lib/environment.d usr/lib/binfmt.d usr/lib/valgrind usr/lib/bfd-plugins usr/lib/x86_64-linux-gnu/security
usr/lib/x86_64-linux-gnu/perl-base usr/lib/x86_64-linux-gnu/perl usr/lib/x86_64-linux-gnu/gconv usr/lib/x86_64-linux-gnu/ossl-modules
usr/lib/x86_64-linux-gnu/engines-3 usr/lib/x86_64-linux-gnu/e2fsprogs usr/lib/x86_64-linux-gnu/audit
etc/bash.bashrc etc/debconf.conf etc/dhcp etc/initramfs etc/initramfs-tools etc/libaudit.conf etc/pam.conf usr/lib/dbus-1.0
usr/lib/dracut usr/lib/klibc usr/lib/libfakeroot usr/share/base-passwd usr/share/fish usr/share/util-linux
var/backups var/cache var/lib var/log var/mail var/opt var/spool var/local
""".split()

# bin and sbin: everything else goes. udevd needs udevadm, mount units need mount and umount.
PROGRAMS = {
    "gatehouse", "gatehouse-console", "gatehouse-setup", "gatehouse-update", "rsyslogd", "mount", "umount",
    "mke2fs", "mkfs.ext4", "e2fsck", "fsck.ext4", "udevadm",
    "systemd-repart", "systemd-tmpfiles", "systemctl", "journalctl", "networkctl", "init",
}

# Programs of systemd, in usr/lib/systemd.
SYSTEMD = {
    "systemd", "systemd-executor", "systemd-fsck", "systemd-journald", "systemd-makefs", "systemd-modules-load",
    "systemd-networkd", "systemd-remount-fs", "systemd-resolved", "systemd-shutdown", "systemd-sysctl",
    "systemd-timesyncd", "systemd-udevd", "systemd-growfs", "systemd-random-seed", "systemd-networkd-wait-online",
    "systemd-bless-boot", "systemd-reply-password", "systemd-sysupdate", "systemd-import",
}

# Units; all others go, and with them what would start them.
UNITS = {f"{name}.target" for name in """
basic boot-complete default emergency final first-boot-complete halt local-fs local-fs-pre multi-user network network-online
network-pre nss-lookup nss-user-lookup paths poweroff reboot remote-fs shutdown slices sockets swap sysinit time-set
time-sync timers umount
""".split()} | {
    "gatehouse.service", "gatehouse-console.service", "gatehouse-health.service", "gatehouse-log.service",
    "gatehouse-seal.service", "gatehouse-setup.service", "gatehouse-update.path", "gatehouse-update.service",
    "boot.mount", "var.mount", "tmp.mount",
    "system.slice", "systemd-bless-boot.service",
    "systemd-halt.service", "systemd-poweroff.service", "systemd-reboot.service",
    "systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket",
    "systemd-modules-load.service", "systemd-networkd.service", "systemd-networkd.socket", "systemd-repart.service",
    "systemd-resolved.service", "systemd-resolved-varlink.socket", "systemd-resolved-monitor.socket",
    "systemd-sysctl.service", "systemd-timesyncd.service", "systemd-tmpfiles-setup.service",
    "systemd-tmpfiles-setup-dev.service", "systemd-tmpfiles-setup-dev-early.service", "systemd-udevd.service",
    "systemd-udevd-control.socket", "systemd-udevd-kernel.socket", "systemd-udev-trigger.service",
}

# What systemd-tmpfiles makes at each start.
TMPFILES = {"gatehouse.conf", "static-nodes-permissions.conf", "systemd-network.conf", "systemd-resolve.conf"}

# udev's own helpers, and its rules that need none which are gone.
UDEV_RULES = re.compile(r"(50-udev-default|60-block|60-persistent-storage|60-persistent-storage-dm|64-btrfs|"
                        r"75-net-description|80-drivers|80-net-setup-link|90-vconsole|99-systemd)\.rules$")

# Opened by name at run time (systemd's .note.dlopen), so no program says that it links them.
OPENED_BY_NAME = {"libkmod.so.2", "libseccomp.so.2", "libidn2.so.0", "libblkid.so.1", "libmount.so.1", "libfdisk.so.1",
                  "libcrypto.so.3", "libssl.so.3", "liblzma.so.5", "libzstd.so.1", "liblz4.so.1", "libacl.so.1",
                  "libnss_files.so.2", "libnss_dns.so.2", "libnss_resolve.so.2", "libgcc_s.so.1",
                  # rsyslogd's modules: it reads the journal and speaks TLS, and can do nothing else.
                  "rsyslog/imjournal.so", "rsyslog/lmnet.so", "rsyslog/lmnetstrms.so", "rsyslog/lmnsd_ossl.so",
                  "rsyslog/lmnsd_ptcp.so", "rsyslog/lmtcpclt.so"}

# Of the kernel's modules.
MODULES = """
arch crypto fs/autofs fs/efivarfs fs/erofs fs/ext4 fs/fat fs/isofs fs/jbd2 fs/mbcache fs/nls fs/fuse lib net drivers/ata drivers/block drivers/char/hw_random
drivers/firmware drivers/hv drivers/input/keyboard drivers/md drivers/net drivers/nvme drivers/ptp drivers/scsi
drivers/virtio drivers/watchdog drivers/xen drivers/pci drivers/rtc drivers/cdrom drivers/dax drivers/virt
""".split()


def remove(path):
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


def is_elf(path):
    if path.is_symlink() or not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path):
    listing = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", listing)


def strip_programs(root):
    for folder in ("usr/bin", "usr/sbin"):
        for path in sorted((root / folder).iterdir()):
            if path.name not in PROGRAMS:
                remove(path)
    for path in sorted((root / "usr/lib/systemd").iterdir()):
        if (path.is_file() or path.is_symlink()) and path.name not in SYSTEMD and not path.name.startswith("lib"):
            remove(path)
    for path in sorted((root / "usr/lib/udev").iterdir()):
        if path.is_file():
            remove(path)
    for path in sorted((root / "usr/lib/udev/rules.d").iterdir()):
        if not UDEV_RULES.search(path.name):
            remove(path)
    for path in sorted((root / "usr/lib/tmpfiles.d").iterdir()):
        if path.name not in TMPFILES:
            remove(path)
    libexec = root / "usr/libexec"
    if libexec.exists():
        remove(libexec)


def strip_units(root):
    for top in ("usr/lib/systemd/system", "etc/systemd/system"):
        for path in sorted((root / top).iterdir()):
            if path.is_dir() and not path.is_symlink():
                unit = path.name.rsplit(".", 1)[0]
                for one in sorted(path.iterdir()):
                    if one.is_symlink() and one.name not in UNITS:
                        remove(one)
                if not any(path.iterdir()) or (unit not in UNITS and not path.name.endswith((".wants", ".requires"))):
                    remove(path)
            elif path.name not in UNITS:
                remove(path)
    for link in [*root.glob("usr/lib/systemd/system/*/*"), *root.glob("etc/systemd/system/*/*")]:
        if link.is_symlink() and not any((root / top / link.name).exists() for top in
                                         ("usr/lib/systemd/system", "etc/systemd/system")):
            raise SystemExit(f"images: {link.relative_to(root)} wants a unit that is not there")
    # multi-user.target is what is wanted, not a desktop.
    default = root / "usr/lib/systemd/system/default.target"
    remove(default)
    default.symlink_to("multi-user.target")


def strip_libraries(root):
    """Keeps the libraries that something which stays links, or opens by name."""
    folder = root / "usr/lib/x86_64-linux-gnu"
    waiting = [path for path in (root / "usr").rglob("*") if is_elf(path) and folder not in path.parents]
    waiting += [path for path in (folder / "systemd").rglob("*") if is_elf(path)]
    kept = set()
    seen = set()
    names = set(OPENED_BY_NAME)
    while waiting or names:
        for path in waiting:
            seen.add(path)
            names.update(needed(path))
        waiting = []
        for name in names - kept:
            path = folder / name
            kept.add(path.name)
            if path.exists():
                real = path.resolve()
                kept.add(real.name)
                if real not in seen:
                    waiting.append(real)
        names = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and path.name not in kept and folder / "systemd" not in path.parents:
            path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    modules = [path for path in (root / "usr/lib").glob("*.so*") if path.name not in kept]
    for path in modules:
        remove(path)


def strip_modules(root):
    for kernel in (root / "usr/lib/modules").iterdir():
        top = kernel / "kernel"
        keep = [top / folder for folder in MODULES]
        for path in sorted(top.rglob("*.ko*")):
            if not any(folder in path.parents for folder in keep):
                path.unlink()
        for path in sorted(top.rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        subprocess.run(["depmod", "-b", root, kernel.name], check=True)
        for name in ("build", "source", "vmlinuz"):
            remove(kernel / name)


def refuse_strangers(root):
    """A program that is in no list ends the build: a package's new version has brought it."""
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file() or not path.stat().st_mode & 0o111:
            continue
        place = path.relative_to(root)
        allowed = (place.name in PROGRAMS and place.parts[:2] in (("usr", "bin"), ("usr", "sbin"))) or (
            place.name in SYSTEMD and place.parent == pathlib.Path("usr/lib/systemd")) or ".so" in place.name
        if not allowed:
            raise SystemExit(f"images: {place} may be executed, and strip.py does not know it; allow it or remove it")


def packages_of(root):
    """Debian's packages by name: version and files, before anything is taken out."""
    packages = {}
    for stanza in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture|Source): (.+)$", stanza, re.M))
        if not fields or "install ok installed" not in stanza:
            continue
        name = fields["Package"]
        listings = [root / f"var/lib/dpkg/info/{name}{suffix}.list" for suffix in ("", ":" + fields["Architecture"])]
        files = next((listing.read_text().splitlines() for listing in listings if listing.exists()), [])
        packages[name] = {"version": fields["Version"], "source": fields.get("Source", name).split(" ")[0],
                          "files": [re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", file) for file in files]}
    return packages


def remaining(root, packages):
    """Of those, the ones of which something is still there, and why: what they hold."""
    left = {}
    for name, package in sorted(packages.items()):
        files = [file for file in package["files"] if (root / file[1:]).is_file() and not (root / file[1:]).is_symlink()
                 and not file.startswith("/usr/share/doc/")]
        if files:
            left[name] = {"version": package["version"], "source": package["source"], "files": files}
    return left


def strip(root):
    """Returns the packages of which something remains, with their files."""
    packages = packages_of(root)
    for folder in FOLDERS:
        remove(root / folder)
    strip_programs(root)
    strip_units(root)
    strip_libraries(root)
    strip_modules(root)
    refuse_strangers(root)
    for path in root.rglob("*"):
        if not path.is_symlink() and path.is_file() and path.stat().st_mode & 0o6000:
            path.chmod(path.stat().st_mode & ~0o6000)
    for folder in ("boot", "var/lib", "var/log", "var/tmp", "var/cache"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in ("etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/.pwd.lock", "etc/.updated"):
        remove(root / name)
    return remaining(root, packages)
