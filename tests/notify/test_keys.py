"""The keys file: made once, for its owner's eyes, and never so that an address is lost."""

import tomllib
from pathlib import Path

import pytest

from notify import keys
from notify.keys import KeysError

NUMBER = "+15035550123"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    keys.create(tmp_path / "keys.toml")
    return tmp_path / "keys.toml"


def test_only_its_owner_can_read_it(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    with pytest.raises(KeysError, match="chmod 600"):
        keys.load(file)


def test_it_is_never_overwritten(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(KeysError, match="exists already and is kept"):
        keys.create(file)
    assert file.read_bytes() == before


def test_a_new_key_seals_and_the_old_ones_still_open(file: Path) -> None:
    old = keys.load(file)
    sealed = old.seal("sms", NUMBER)
    ring = keys.add_key(file)
    assert ring.current != old.current
    assert ring.seal("sms", NUMBER).key_id == ring.current
    assert ring.open("sms", sealed.key_id, sealed.data) == NUMBER
    assert ring.blind("sms", NUMBER) == old.blind("sms", NUMBER), "people are still found"
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.load(file) == ring


def test_a_key_that_was_taken_out_never_gives_its_name_to_another(file: Path) -> None:
    keys.add_key(file)
    ring = keys.add_key(file)
    text = "\n".join(line for line in file.read_text().splitlines() if not line.startswith("k1"))
    file.write_text(text + "\n")
    after = keys.add_key(file)
    assert after.keys["k3"] == ring.keys["k3"], "what k3 sealed must stay readable"
    assert len(after.keys) == 3


def test_a_rotation_that_was_cut_off_does_not_stand_in_the_way(file: Path) -> None:
    file.with_suffix(".new").write_text("half a fi")
    keys.add_key(file)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="'tocsin init' makes it"):
        keys.load(tmp_path / "keys.toml")


@pytest.mark.parametrize(
    "content", ["", "not toml = = =", 'current = "k1"', 'current = "k1"\nblind = "?"\n[keys]\nk1 = "AA=="', "\xff"]
)
def test_a_file_that_holds_something_else_is_refused(file: Path, content: str) -> None:
    file.write_text(content, encoding="latin-1")
    with pytest.raises(KeysError, match=r"keys\.toml"):
        keys.load(file)


def test_every_installation_has_keys_of_its_own(tmp_path: Path) -> None:
    found = []
    for name in ("one", "other"):
        keys.create(tmp_path / name)
        found.append(tomllib.loads((tmp_path / name).read_text()))
    assert found[0]["blind"] != found[1]["blind"] and found[0]["keys"] != found[1]["keys"]
