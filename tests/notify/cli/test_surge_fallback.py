"""The document that a number of 311 falls back to, as the command line prints it."""

import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.notify.cli.command_line import Shell
from tests.notify.newsroom_factory import PACK


@pytest.fixture
def city(tmp_path: Path) -> Path:
    made = tmp_path / "city"
    shutil.copytree(PACK, made, ignore=shutil.ignore_patterns("areas", "replay"))
    return made


def test_the_document_is_printed_alone_and_asks_nothing_of_us(installed: Shell) -> None:
    said = installed("surge", "fallback")
    assert said.code == 0 and said.errors == ""
    root = ElementTree.fromstring(said.out.strip())
    assert root.tag == "Response" and [verb.tag for verb in root].count("Dial") == 1
    assert "/voice/" not in said.out and "http" not in said.out.replace("xml version", "")


def test_for_programs_it_comes_with_number_and_languages(installed: Shell) -> None:
    told = installed("surge", "fallback", "--json").data
    assert told["number"] == "+15035550311" and told["languages"] == ["en", "es", "vi", "zh-Hant"]
    assert told["problems"] == []


def test_what_is_wrong_with_the_pack_is_said_instead(installed: Shell, city: Path) -> None:
    text = (city / "surge.toml").read_text("utf-8").replace('"+15035550911"', '"911"')
    (city / "surge.toml").write_text(text, "utf-8")
    said = Shell(installed.home, {"TOCSIN_CITY": str(city)})("surge", "fallback")
    assert said.code == 1 and "emergency_line '911' is an emergency or service code" in said.errors and said.out == ""


def test_without_a_second_number_the_city_is_told(installed: Shell, city: Path) -> None:
    text = (city / "surge.toml").read_text("utf-8").replace('second = "+15035550401"', 'second = ""')
    (city / "surge.toml").write_text(text, "utf-8")
    said = Shell(installed.home, {"TOCSIN_CITY": str(city)})("surge", "fallback")
    assert said.code == 0 and "There is no second number" in said.errors
