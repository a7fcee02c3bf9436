"""Whether a STOP can be texted to the numbers of a gateway that a file describes."""

from pathlib import Path

from notify.readiness import house
from notify.readiness.findings import Verdict
from notify.settings import Settings

EXAMPLE = (Path(__file__).parents[3] / "docs" / "gateway.md").read_text("utf-8").split("```toml\n")[1].split("```")[0]


def a_setting(file: Path) -> Settings:
    return Settings(mode="training", gateway_file=file)


def test_the_example_of_the_manual_hears_residents(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(EXAMPLE)
    (found,) = house.answers(a_setting(file))
    assert found.verdict is Verdict.PASS and "+15035550300" in found.says


def test_a_gateway_that_hands_no_texts_on_fails_by_its_numbers(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(EXAMPLE.split("[inbound]")[0])
    (found,) = house.answers(a_setting(file))
    assert found.verdict is Verdict.FAIL and "a STOP to +15035550300 is lost" in found.says and "[inbound]" in found.do


def test_a_file_that_cannot_be_read_is_said_and_no_file_is_no_line(tmp_path: Path) -> None:
    (found,) = house.answers(a_setting(tmp_path / "gone.toml"))
    assert found.verdict is Verdict.FAIL and "cannot be read" in found.says
    assert house.answers(Settings(mode="training")) == []
