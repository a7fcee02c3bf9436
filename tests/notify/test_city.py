"""A city pack that cannot be used says everything that is wrong with it; the sample city's can."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from notify import city
from notify.alerts import hazards
from notify.alerts.alert import Severity, Stage, Urgency
from notify.city import BadPack
from tests.notify.factories import an_event
from tests.notify.newsroom_factory import PACK, portland


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    for name in ("city.toml", "policy.toml"):
        shutil.copy(PACK / name, tmp_path / name)
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def problems(pack: Path) -> str:
    with pytest.raises(BadPack) as refused:
        city.load(pack)
    return "\n".join(refused.value.problems)


def test_the_sample_city_can_be_used_by_name_and_by_path() -> None:
    assert city.find("portland", PACK.parent) == PACK
    assert city.find(str(PACK), Path("/nowhere")) == PACK
    assert portland().pack.tags[0] == "en"


def test_everything_wrong_in_both_files_comes_at_once(pack: Path) -> None:
    change(pack / "city.toml", 'tag = "en"', 'tag = "es"')
    change(pack / "city.toml", "America/Los_Angeles", "America/Portlandia")
    change(pack / "city.toml", "[-123.3, 45.2, -122.1, 45.8]", "[-122.1, 45.2, -123.3, 45.8]")
    change(pack / "city.toml", '"publicalerts.org"', '"https://publicalerts.org/"')
    change(pack / "policy.toml", "correction = 0", "corection = 0")
    told = problems(pack)
    for part in (
        "no time zone 'America/Portlandia'",
        "must hold English",
        "a language stands twice",
        "county_link",
        "lacks correction",
    ):
        assert part in told
    assert len(told.splitlines()) >= 5


def test_missing_and_broken_files_are_named(pack: Path) -> None:
    (pack / "city.toml").unlink()
    (pack / "policy.toml").write_text("[countdown_s\n")
    told = problems(pack)
    assert "city.toml is missing" in told and "policy.toml cannot be read" in told


def test_a_word_nobody_knows_is_refused(pack: Path) -> None:
    change(pack / "city.toml", 'name = "Portland"\n', 'name = "Portland"\ncolour = "rose"\n')
    assert "colour: there is no such field" in problems(pack)


def test_each_hazard_has_a_voice_and_what_nobody_claims_is_the_citys() -> None:
    pack = portland().pack
    assert pack.source_for("boil_water").name == "Portland Water Bureau"
    assert pack.source_for("earthquake").name == "City of Portland"


def test_the_countdown_is_short_when_minutes_count_and_nothing_for_a_correction() -> None:
    policy = portland().policy
    extreme = an_event(severity=Severity.EXTREME, urgency=Urgency.IMMEDIATE)
    seconds = [
        policy.countdown(event) for event in (an_event(severity=Severity.MINOR), extreme, an_event(stage=Stage.CORRECTION))
    ]
    assert seconds == [timedelta(seconds=10), timedelta(seconds=5), timedelta(0)]


def test_a_basis_is_told_what_it_was_given_for_and_everything_extreme() -> None:
    policy, catalogue = portland().policy, hazards.catalogue()
    assert policy.bases(catalogue["boil_water"], Severity.SEVERE) == {"opt-in", "utility-account", "emergency"}
    assert policy.bases(catalogue["road_closed"], Severity.MODERATE) == {"opt-in", "emergency"}
    assert policy.bases(catalogue["road_closed"], Severity.EXTREME) == {"opt-in", "utility-account", "emergency"}


def test_a_preset_for_a_hazard_that_there_is_not_is_named(pack: Path) -> None:
    change(pack / "policy.toml", "earthquake = ", "earthquak = ")
    assert "presets names hazards that there are not: earthquak" in problems(pack)


def test_a_limit_of_nothing_or_in_no_time_is_named_and_a_city_may_have_none(pack: Path) -> None:
    change(pack / "policy.toml", "minutes = 15\ntexts = 5", "minutes = 0\ntexts = 0")
    said = problems(pack)
    assert "texts_to_a_phone.0.minutes" in said and "texts_to_a_phone.0.texts" in said
    kept = (pack / "policy.toml").read_text("utf-8").split("[[texts_to_a_phone]]")
    rest = kept[-1].partition("\n\n")[2]
    (pack / "policy.toml").write_text(f"texts_to_a_phone = []\n{kept[0]}\n{rest}", "utf-8")
    assert city.load(pack).policy.texts_to_a_phone == ()
    (pack / "policy.toml").write_text(f"{kept[0]}\n{rest}", "utf-8")
    assert city.load(pack).policy.texts_to_a_phone == city.USUAL_LIMITS == portland().policy.texts_to_a_phone


def test_a_danger_that_is_local_starts_from_no_area() -> None:
    presets = portland().policy.presets
    local = {"gas_leak", "structure_fire", "toxic_release", "wildfire_leave_now", "dangerous_person", "flood", "landslide"}
    assert not local & set(presets) and presets["boil_water"] == ("Water service area",)
