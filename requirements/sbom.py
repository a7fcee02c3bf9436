"""Writes what the service is made of, as CycloneDX 1.5 JSON, from the hashed lock alone: `python requirements/sbom.py [LOCK]`.

The lock is what is installed (pip --require-hashes), so the list cannot differ from it. The same lock gives the same bytes: the
serial number is made from it, and no time stands in it. https://cyclonedx.org/docs/1.5/json/
"""

import hashlib
import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)")
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class BadLock(ValueError):
    """The lock pins something without a hash, or something that cannot be read; the message says where."""


def pins(lock: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and hashes of every pin, in the order of the names: twice what differs by Python. Raises BadLock."""
    found = []
    for entry in lock.replace("\\\n", " ").splitlines():
        text = entry.split(" #")[0].strip()
        if not text or text.startswith(("#", "--")):
            continue
        pin = PIN.match(text)
        if pin is None:
            raise BadLock(f"This line of the lock is no pin: {text[:80]}")
        hashes = HASH.findall(text)
        if not hashes:
            raise BadLock(f"{pin[1]} {pin[2]} has no hash.")
        found.append((re.sub(r"[-_.]+", "-", pin[1]).lower(), pin[2], sorted(hashes)))
    if not found:
        raise BadLock("The lock pins nothing.")
    return sorted(found)


def document(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """The whole document. Of a pin with several files each hash is kept: which one is installed depends on the machine."""
    serial = uuid.UUID(bytes=hashlib.sha256(lock.encode()).digest()[:16], version=4)
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "externalReferences": [
                {
                    "type": "distribution",
                    "url": f"pkg:pypi/{name}@{version}",
                    "hashes": [{"alg": "SHA-256", "content": one} for one in hashes],
                }
            ],
        }
        for name, version, hashes in pins(lock)
    ]
    ours = f"pkg:generic/{project['name']}@{project['version']}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": ours, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def main() -> int:
    lock = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "run.txt"
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    try:
        made = document(lock.read_text("utf-8"), project)
    except (BadLock, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(made, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
