"""surge.toml says everything that is wrong with it at once, and no emergency code can become a number that is dialled."""

import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.alerts.alert import Mode
from notify.city import BadPack
from surge import pack
from surge.dialing import dial_problem
from surge.hours import Hours, Written, opening
from surge.pack import Pack, Shape
from surge.voice.voices import Voice
from tests.notify.newsroom_factory import PACK

PACIFIC = ZoneInfo("America/Los_Angeles")
WEEKDAYS = Hours(zone=PACIFIC, week=((480, 1080),) * 5 + (None, None), holidays=frozenset({date(2026, 11, 26)}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("city.toml", "policy.toml", "surge.toml"):
        shutil.copy(PACK / name, tmp_path / name)
    return tmp_path


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / "surge.toml").read_text("utf-8")
    assert old in text
    (folder / "surge.toml").write_text(text.replace(old, new), "utf-8")


def told(folder: Path) -> str:
    with pytest.raises(BadPack) as refused:
        pack.load(folder)
    return "\n".join(refused.value.problems)


def portland() -> Pack:
    return pack.load(PACK)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PACIFIC).astimezone(UTC)


def test_the_sample_city_can_be_used() -> None:
    found = portland()
    assert found.shape is Shape.FULL_QUEUE
    assert found.digits["2"] == "es" and found.digits["8"] == "und"
    assert found.partners[0].hours.is_open(local("2026-11-22T03:00"))
    assert pack.problems(found, Mode.DEMO) == pack.problems(found, Mode.TRAINING) == []


def test_a_missing_or_broken_file_is_named(folder: Path) -> None:
    (folder / "surge.toml").write_text("shape = ", "utf-8")
    assert "surge.toml cannot be read" in told(folder)
    (folder / "surge.toml").unlink()
    assert "surge.toml is missing" in told(folder)


def test_a_field_nobody_knows_is_named(folder: Path) -> None:
    change(folder, "most_waiting = 300", "most_wating = 300")
    assert "most_wating: there is no such field" in told(folder)


def test_everything_that_is_wrong_comes_at_once(folder: Path) -> None:
    change(folder, '"+15035550911"', '"911"')
    change(folder, '"+15035550401"', '"+15035550311"')
    change(folder, 'monday = "08:00-18:00"', 'monday = "8 to 6"')
    change(folder, '2 = "es"', '9 = "es"')
    change(folder, '3 = "vi"', '3 = "tlh"')
    change(folder, "most_waiting = 300", "most_waiting = 0")
    change(folder, "longest_wait_min = 90", "longest_wait_min = 300")
    change(folder, "dials_per_s = 1.0", "dials_per_s = 0")
    change(folder, 'es = { voice = "Polly.Lupe-Neural" }', 'es = { voice = "alice" }\nlo = { voice = "Polly.Joanna" }')
    change(folder, "quota = 200", "quota = 0")
    said = told(folder)
    for part in (
        "emergency_line '911' is an emergency or service code",
        "second +15035550311 is our own number",
        "monday is '8 to 6'",
        "'9' is taken",
        "tlh is no other language",
        "most_waiting must be",
        "longest_wait_min must be",
        "dials_per_s must be",
        "alice is not listed for es",
        "no voice listed for lo",
        "quota, per_minute and at_once of at least 1",
    ):
        assert part in said, part


@pytest.mark.parametrize(
    "number",
    [
        "911",
        "+911",
        "1911",
        "+1911",
        "9-1-1",
        "9 1 1",
        "(9)11",
        "tel:911",
        "112",
        "933",
        "311",
        "411",
        "+1-911",
        "999",
        "sip:911@example.gov",
        "sip:9-1-1@example.gov",
        "sips:+1911@example.gov",
        "SIP:911@example.gov",
        "sip:112@example.gov",
        "+19115550100",
        "+15039110100",
        "+14115550100",
        "5035550911",
        "15035550911",
        "+1503555091",
        "+150355509110",
        "+445555550100",
        "+1(503)5550911",
        " +15035550911",
        "+15035550911\n",
        "+1５035550911",
        "",
        "911,,5035550911",
    ],
)
def test_what_is_no_line_of_ten_digits_is_never_dialled(number: str) -> None:
    assert dial_problem(number)
    problems = "\n".join(pack.problems(replace(portland(), emergency_line=number), Mode.LIVE))
    assert "emergency_line" in problems
    other = "\n".join(pack.problems(replace(portland(), second=number), Mode.LIVE))
    assert not number or "second" in other


@given(st.text(alphabet="0123456789+-() .sip:@tel", max_size=16))
def test_whatever_may_be_dialled_is_ten_digits_or_an_address(number: str) -> None:
    if not dial_problem(number, sip=False):
        assert re.fullmatch(r"\+1[2-9][0-9]{9}", number)
    if not dial_problem(number):
        assert number.startswith(("+1", "sip"))


def test_a_line_and_an_address_may_be_dialled() -> None:
    assert dial_problem("+15035550911") == dial_problem("sip:desk@phones.example.gov;transport=tls") == ""
    assert dial_problem("sip:desk@phones.example.gov", sip=False)


def test_calls_never_go_in_circles_nor_from_311_to_911() -> None:
    sample = portland()
    for wrong in (
        replace(sample, forward=sample.number),
        replace(sample, second=sample.from_911),
        replace(sample, forward=sample.emergency_line),
        replace(sample, partners=(replace(sample.partners[0], number=sample.emergency_line),)),
        replace(sample, from_911=sample.number),
        replace(sample, emergency_line=sample.number),
    ):
        assert pack.problems(wrong, Mode.TRAINING)


def test_a_live_instance_refuses_invented_numbers_and_voices_nobody_has_heard() -> None:
    found = "\n".join(pack.problems(portland(), Mode.LIVE))
    assert "emergency_line +15035550911 lies in exchange 555" in found
    assert "the voice for es is used and nobody has reviewed it" in "\n".join(pack.unheard(portland(), Mode.LIVE))
    assert pack.unheard(portland(), Mode.TRAINING) == []
    heard = {"en": Voice(voice="Polly.Joanna", reviewed=date(2026, 11, 20), by="language access coordinator")}
    real = replace(
        portland(),
        number="+15038230311",
        from_911="",
        emergency_line="+15038230911",
        forward="+15038230400",
        second="sip:desk@phones.example.gov",
        partners=(),
        voices=heard,
    )
    assert pack.problems(real, Mode.LIVE) == []
    assert "mode demo calls nobody" in "\n".join(pack.problems(real, Mode.DEMO))


def test_a_front_door_needs_somewhere_to_hand_calls_to() -> None:
    assert pack.problems(replace(portland(), shape=Shape.FRONT_DOOR, forward=""), Mode.TRAINING)
    assert pack.problems(replace(portland(), forward="", second=""), Mode.TRAINING) == []


def test_a_recording_is_fetched_by_https_only() -> None:
    for url in ("http://example.gov/a.mp3", "file:///etc/passwd", "https://", "https://example.gov/a b.mp3"):
        assert pack.problems(replace(portland(), recordings={"vi": {"voice.way_out": url}}), Mode.TRAINING)
    assert not pack.problems(replace(portland(), recordings={"vi": {"voice.x": "https://example.gov/a.mp3"}}), Mode.TRAINING)


def test_sunday_at_three_the_next_hours_are_mondays() -> None:
    night = local("2026-11-22T03:00")
    assert not WEEKDAYS.is_open(night)
    assert WEEKDAYS.opens(night) == local("2026-11-23T08:00")
    assert WEEKDAYS.shift(night) == (local("2026-11-23T08:00"), local("2026-11-23T18:00"))


def test_hours_begin_on_the_minute_and_end_before_it() -> None:
    assert not WEEKDAYS.is_open(local("2026-11-23T07:59"))
    assert WEEKDAYS.is_open(local("2026-11-23T08:00"))
    assert not WEEKDAYS.is_open(local("2026-11-23T18:00"))
    assert WEEKDAYS.opens(local("2026-11-23T09:00")) == local("2026-11-23T09:00")


def test_a_holiday_is_passed_over() -> None:
    assert WEEKDAYS.opens(local("2026-11-25T19:00")) == local("2026-11-27T08:00")


def test_the_clock_that_is_set_back_moves_no_opening() -> None:
    assert WEEKDAYS.opens(local("2026-10-31T12:00")) == datetime(
        2026, 11, 2, 16, tzinfo=UTC
    )  # 8:00 PST, 9:00 by summer's clock
    assert WEEKDAYS.opens(local("2026-10-30T19:00") - timedelta(days=7)) == datetime(2026, 10, 26, 15, tzinfo=UTC)


def test_a_day_may_end_at_midnight_and_no_later() -> None:
    found: list[str] = []
    read = opening(Written(saturday="00:00-24:00", sunday="20:00-24:01", monday="09:60-10:00"), PACIFIC, "hours", found)
    assert read.is_open(local("2026-11-28T23:59")) and read.shift(local("2026-11-28T12:00")) is not None
    assert len(found) == 2


def test_hours_that_never_come_promise_nothing() -> None:
    never = replace(WEEKDAYS, week=(None,) * 7)
    assert never.opens(local("2026-11-22T03:00")) is None
    assert not never.is_open(local("2026-11-22T03:00"))
    assert "no day is open" in "\n".join(pack.problems(replace(portland(), hours=never), Mode.TRAINING))


@given(st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2028, 1, 1)))
def test_the_next_opening_is_never_past_and_always_open(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)
    opens = WEEKDAYS.opens(at)
    assert opens is not None and opens >= at and WEEKDAYS.is_open(opens)
    assert opens - at <= timedelta(days=5)
