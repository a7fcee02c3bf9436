"""`tocsin sites`: shelters are listed, opened and closed within an event; a faulty list changes nothing."""

from pathlib import Path

import pytest

from tests.notify.cli.command_line import Shell

HEADER = "name,topic,address,lat,lon,open,hours,pets,wheelchair"
LENTS = "Lents School,SHELTER,9200 block SE Foster Rd,45.4797,-122.5670,yes,24/7,yes,yes"


def a_file(folder: Path, *rows: str) -> Path:
    path = folder / "mine.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def is_open(shell: Shell) -> dict[str, bool]:
    return {site["name"]: site["is_open"] for site in shell("sites", "list", "--json").data}


def test_a_list_replaces_the_one_before(installed: Shell, tmp_path: Path) -> None:
    assert "Sample Shelter Lents" in installed("sites", "list").out
    said = installed("sites", "import", a_file(tmp_path, LENTS))
    assert (said.code, said.out) == (0, "1 sites are listed, 1 of them open.\n")
    assert is_open(installed) == {"Lents School": True}


def test_sites_open_and_close_within_an_event(installed: Shell) -> None:
    said = installed("sites", "open", "Sample Shelter Lents", "sample shelter cully", "--json")
    assert said.data == {"open": ["Sample Shelter Lents", "Sample Shelter Cully"]}
    assert installed("sites", "close", "Sample Shelter Lents").out == "1 of 10 sites are open.\n"
    assert [name for name, opened in is_open(installed).items() if opened] == ["Sample Shelter Cully"]


def test_a_dry_run_and_a_faulty_list_change_nothing(installed: Shell, tmp_path: Path) -> None:
    assert installed("sites", "import", a_file(tmp_path, LENTS), "--dry-run").out.startswith("1 sites would be listed")
    said = installed("sites", "import", a_file(tmp_path, LENTS, LENTS.replace("24/7", "x")))
    assert said.code == 1 and said.errors == "Line 3: hours 'x' must be 24/7 or like 8:00-20:00.\n"
    assert "Lents School" not in is_open(installed)


@pytest.mark.parametrize(
    ("command", "code"), [(("open", "Nowhere"), 1), (("close", "Nowhere"), 1), (("import", "/no/such/file.csv"), 2)]
)
def test_what_is_not_there_is_a_sentence(installed: Shell, command: tuple[str, ...], code: int) -> None:
    said = installed("sites", *command)
    assert said.code == code and said.errors.strip().endswith(".")
