"""The site's own Secure Boot keys, and what is signed with them. The keys are made with the first image, in
build/image/keys or the folder of --keys. The holder of db.key can sign what the machines boot."""

import os
import pathlib
import shutil
import uuid

OWNER = "0f3d5cf5-3a0e-4d0a-9c3e-7c1f7f0f5a2d"  # the GUID under which firmware files our keys


def make_keys(tools, work):
    folder = work / "keys"
    if not (folder / "db.key").exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("PK", "KEK", "db"):
            key, certificate = (tools.path(folder / f"{name}.{kind}") for kind in ("key", "crt"))
            tools.inside(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "7300",
                          "-subj", f"/CN=Gatehouse {name} {uuid.uuid4()}/", "-keyout", key, "-out", certificate])
            tools.inside(["cert-to-efi-sig-list", "-g", OWNER, certificate, tools.path(folder / f"{name}.esl")])
        for name, by in (("PK", "PK"), ("KEK", "PK"), ("db", "KEK")):
            tools.inside(["sign-efi-sig-list", "-g", OWNER, "-k", tools.path(folder / f"{by}.key"), "-c",
                          tools.path(folder / f"{by}.crt"), name, tools.path(folder / f"{name}.esl"),
                          tools.path(folder / f"{name}.auth")])
        for file in folder.iterdir():
            file.chmod(0o600 if file.suffix == ".key" else 0o644)
    return folder


def sign(tools, keys, unsigned, signed):
    tools.inside(["sbsign", "--key", tools.path(keys / "db.key"), "--cert", tools.path(keys / "db.crt"), "--output",
                  tools.path(signed), tools.path(unsigned)])


def sign_text(tools, keys, text, signature):
    tools.inside(["openssl", "dgst", "-sha256", "-sign", tools.path(keys / "db.key"), "-out", tools.path(signature),
                  tools.path(text)])


def make_esp(tools, keys, folder: pathlib.Path, uki):
    """The files of the EFI system partition. In setup mode firmware takes the keys from it at the first start."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in ("EFI/BOOT", "EFI/systemd", "EFI/Linux", "loader/keys/auto"):
        (folder / path).mkdir(parents=True)
    loader = folder.parent / "systemd-bootx64.efi"
    unsigned = tools.folder / "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
    shutil.copyfile(unsigned, loader)
    for name in ("EFI/BOOT/BOOTX64.EFI", "EFI/systemd/systemd-bootx64.efi"):
        sign(tools, keys, loader, folder / name)
    loader.unlink()
    shutil.copyfile(uki, folder / "EFI/Linux" / uki.name)
    for name in ("PK", "KEK", "db"):
        shutil.copyfile(keys / f"{name}.auth", folder / "loader/keys/auto" / f"{name}.auth")
    # No menu, no editor: the signed command line cannot be changed at the console.
    (folder / "loader/loader.conf").write_text("timeout 0\neditor no\nauto-firmware no\nsecure-boot-enroll force\n")
    os.sync()
