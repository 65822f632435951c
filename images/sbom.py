"""Lists the image's packages: a manifest with the purpose of each, and a CycloneDX 1.6 bill of materials."""

import json
import uuid


def reason(files):
    """In words, from what is left of it."""
    programs = [file.rsplit("/", 1)[1] for file in files if "/bin/" in file or "/sbin/" in file]
    libraries = [file.rsplit("/", 1)[1] for file in files if ".so" in file]
    modules = [file for file in files if "/modules/" in file]
    if modules:
        return f"the kernel and {len(modules)} modules"
    if programs:
        return "programs: " + ", ".join(sorted(programs))
    if libraries:
        return "libraries that those link: " + ", ".join(sorted(libraries))
    return "data: " + ", ".join(sorted(files)[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def write(manifest, bill, version, packages):
    listed = [{"package": name, "version": package["version"], "source": package["source"],
               "for": reason(package["files"]), "files": package["files"]} for name, package in packages.items()]
    manifest.write_text(json.dumps({"image": "gatehouse", "version": version, "packages": listed}, indent=1) + "\n")
    components = [{"type": "library", "name": name, "version": package["version"],
                   "purl": f"pkg:deb/debian/{name}@{package['version']}?arch=amd64&distro=trixie",
                   "bom-ref": f"{name}@{package['version']}"} for name, package in packages.items()]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components))
    bill.write_text(json.dumps({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1,
        "metadata": {"component": {"type": "operating-system", "name": "gatehouse", "version": version}},
        "components": [{"type": "application", "name": "gatehouse", "version": version,
                        "bom-ref": f"gatehouse@{version}"}, *components]}, indent=1) + "\n")
