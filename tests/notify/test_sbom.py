"""The bill of materials names exactly what the lock installs, and is what CycloneDX 1.5 asks for."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import jsonschema_rs
import pytest

ROOT: Final = Path(__file__).parents[2]
LOCK: Final = (ROOT / "requirements" / "run.txt").read_text("utf-8")


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "requirements" / "sbom.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made() -> Any:
    found = subprocess.run([sys.executable, ROOT / "requirements" / "sbom.py"], capture_output=True, check=True, text=True)
    return json.loads(found.stdout)


def test_it_names_every_pin_of_the_lock_with_every_hash_and_nothing_else(made: Any) -> None:
    """Counted anew here, by other means than the script's."""
    pinned = {
        line.split("==")[0].split("[")[0].lower().replace("_", "-") for line in LOCK.splitlines() if re.match(r"\w.*==", line)
    }
    assert {one["name"] for one in made["components"]} == pinned
    assert len(made["components"]) == len(re.findall(r"^\w.*==", LOCK, re.MULTILINE)) > 40
    hashes = [each["content"] for one in made["components"] for each in one["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:(\w+)", LOCK))


JUDGE: Final = jsonschema_rs.validator_for(
    json.loads((ROOT / "tests" / "notify" / "cyclonedx-1.5.json").read_text("utf-8")), validate_formats=True
)


def test_the_published_schema_of_cyclonedx_judges_it_sound(made: Any) -> None:
    assert [f"{list(one.instance_path)}: {one.message}" for one in JUDGE.iter_errors(made)] == []


WRONG: Final[dict[str, Callable[[Any], object]]] = {
    "no serial number of a kind": lambda bom: bom.update(serialNumber="urn:uuid:7"),
    "another format": lambda bom: bom.update(bomFormat="SPDX"),
    "a version that is none": lambda bom: bom.update(version=0),
    "a component without a name": lambda bom: bom["components"][0].pop("name"),
    "a component of no kind": lambda bom: bom["components"][0].update(type="package"),
    "a word nobody knows": lambda bom: bom["components"][0].update(licence="Apache-2.0"),
    "the same component twice": lambda bom: bom["components"].append(bom["components"][0]),
    "a hash that is cut": lambda bom: bom["components"][0]["externalReferences"][0]["hashes"][0].update(content="ab12"),
    "a hash by no known rule": lambda bom: bom["components"][0]["externalReferences"][0]["hashes"][0].update(alg="SHA256"),
    "a reference without an address": lambda bom: bom["components"][0]["externalReferences"][0].pop("url"),
    "a licence that is not in the list": lambda bom: bom["metadata"]["component"]["licenses"][0]["license"].update(
        id="Apache2"
    ),
    "a dependency of nobody": lambda bom: bom["dependencies"][0].pop("ref"),
    "the same dependency twice": lambda bom: bom["dependencies"][0]["dependsOn"].append(bom["components"][0]["bom-ref"]),
}


@pytest.mark.parametrize("fault", WRONG)
def test_the_schema_finds_each_fault(made: Any, fault: str) -> None:
    bom = json.loads(json.dumps(made))
    WRONG[fault](bom)
    assert not JUDGE.is_valid(bom)


def test_its_form_is_what_cyclonedx_asks_for(made: Any) -> None:
    assert (made["bomFormat"], made["specVersion"], made["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", made["serialNumber"])
    refs = [one["bom-ref"] for one in made["components"]]
    assert len(set(refs)) == len(refs)
    for one in made["components"]:
        assert one["type"] == "library" and one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}"
        assert all(each["alg"] == "SHA-256" and len(each["content"]) == 64 for each in one["externalReferences"][0]["hashes"])
    (ours,) = made["dependencies"]
    assert ours["ref"] == made["metadata"]["component"]["bom-ref"] and ours["dependsOn"] == refs


def test_the_same_lock_gives_the_same_bytes_and_a_faulty_one_is_refused() -> None:
    module = script()
    project = {"name": "tocsin", "version": "0", "license": "Apache-2.0"}
    assert module.document(LOCK, project) == module.document(LOCK, project)
    for wrong, told in [("", "pins nothing"), ("aiohttp==3.14.5\n", "has no hash"), ("aiohttp>=3\n", "is no pin")]:
        with pytest.raises(module.BadLock, match=told):
            module.pins(wrong)
