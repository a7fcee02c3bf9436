"""`tocsin gazetteer`: a city's addresses come in, and anybody may try what a text would find."""

from pathlib import Path

import pytest

from tests.notify.cli.command_line import Shell
from tests.notify.newsroom_factory import PACK

HEADER = "number,street,zip,lat,lon"
GOOD = "1120,SW 5th Ave,97204,45.515,-122.677"


def a_file(folder: Path, *rows: str) -> Path:
    path = folder / "addresses.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_the_sample_citys_addresses_come_in_and_are_found(installed: Shell) -> None:
    assert installed("areas", "import", *sorted((PACK / "areas").glob("*.geojson"))).code == 0
    said = installed("gazetteer", "import", PACK / "gazetteer.csv", "--json")
    assert said.code == 0 and said.data["houses"] > 1_000 and said.data["bad"] == 0 and not said.data["dry_run"]
    (first, *_) = installed("gazetteer", "find", "1120 sw 5th", "--json").data
    assert (first["exact"], first["kept"], first["zip"]) == (
        "1120 SW 5th Ave (Downtown, 97204)",
        "1100 block SW 5th Ave",
        "97204",
    )
    assert "1100 block SW 5th Ave" in installed("gazetteer", "find", "1120 sw 5th").out
    assert [one["exact"] for one in installed("gazetteer", "find", "sunny", "--json").data] == ["Sunnyside", "Sunderland"]


def test_a_dry_run_keeps_nothing(installed: Shell, tmp_path: Path) -> None:
    said = installed("gazetteer", "import", a_file(tmp_path, GOOD), "--dry-run")
    assert said.code == 0 and "1 houses on 1 streets would be imported" in said.out
    assert installed("gazetteer", "find", "1120 SW 5th Ave").code == 1


def test_bad_rows_are_named_and_the_others_kept(installed: Shell, tmp_path: Path) -> None:
    said = installed(
        "gazetteer", "import", a_file(tmp_path, GOOD, "x,SW 5th Ave,97204,45.5,-122.6", GOOD, GOOD.replace("1120", "1140"))
    )
    assert said.code == 1
    assert said.errors.splitlines() == [
        "Line 3: 'x' is not a house number.",
        "Line 4: 1120 SW 5th Ave 97204 is in line 2 already.",
    ]
    assert "1 rows refused, 1 duplicates" in said.out
    assert installed("gazetteer", "find", "1120 SW 5th Ave").code == 0


def test_duplicates_alone_are_no_refusal(installed: Shell, tmp_path: Path) -> None:
    assert installed("gazetteer", "import", a_file(tmp_path, GOOD, GOOD)).code == 0


@pytest.mark.parametrize("content", ["", "number,street\n1,x\n", f"{HEADER}\nx\n"])
def test_a_file_of_no_use_is_refused_in_sentences(installed: Shell, tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(content)
    said = installed("gazetteer", "import", path)
    assert said.code == 1 and said.errors.strip().endswith(".")


def test_a_file_that_is_not_there_is_wrong_usage(installed: Shell, tmp_path: Path) -> None:
    assert installed("gazetteer", "import", tmp_path / "nowhere.csv").code == 2


def test_what_is_not_found_is_said(installed: Shell) -> None:
    said = installed("gazetteer", "find", "asdf street 9")
    assert said.code == 1 and said.errors == "Nothing is found for 'asdf street 9'.\n"
