"""The phones on the simulator's screen as plain logic: what they may be, what they show, and the transcript of a talk."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from channels.simulator.handsets import Handsets, delay_s, ending
from channels.simulator.phones import (
    FIRST_ROW,
    MOST_PHONES,
    TONGUES,
    BadPhone,
    Handset,
    Line,
    Phone,
    changed,
    equipped,
    free_number,
    phone_of,
)
from channels.simulator.seen import BOX, phone_number, seen, views
from channels.simulator.tap import MOST_LINES, Tap, lines_about
from channels.simulator.transcript import named, transcript, wordings
from channels.text import GSM_7, split

PHONE = "+14585550123"
SENDER = "+15035550100"
TEXTS = {
    "M02.es": "%(programme)s: listo. Avisos para %(place)s.",
    "M02.en": "%(programme)s: you get alerts for %(place)s.",
    "M15.en": "%(menu)s",
}


def a_line(seq: int, event: str = "accepted", **known: Any) -> dict[str, Any]:
    told = {
        "sid": f"SM{seq}",
        "to": PHONE,
        "from": SENDER,
        "body": "Boil tap water.",
        "status": "queued",
        "code": None,
        "cause": "",
    }
    return {"seq": seq, "at": f"2026-05-22T17:{seq:02}:00.000000+00:00", "event": event, "num_segments": 1} | told | known


def said(seq: int, body: str) -> dict[str, Any]:
    return a_line(seq, "inbound", **{"from": PHONE, "to": SENDER, "body": body, "status": "received"})


@pytest.mark.parametrize("number", ["+15039980123", "+447700900123", "+1458555012", "4585550123", 5, "+14585550123\n"])
def test_a_phone_outside_exchange_555_never_comes_on_the_screen(number: object) -> None:
    with pytest.raises(BadPhone, match="exchange 555"):
        phone_of({"number": number}, ())


def test_all_that_is_wrong_with_a_phone_is_told_at_once() -> None:
    with pytest.raises(BadPhone) as told:
        phone_of(
            {"number": "+15039980123", "language": "xx", "handset": "tin can", "line": [], "place": "a\nb", "colour": "red"}, ()
        )
    assert len(told.value.problems) == 6


def test_a_number_on_the_screen_cannot_come_twice_and_the_screen_has_an_end() -> None:
    with pytest.raises(BadPhone, match="already"):
        phone_of({"number": PHONE}, {PHONE})
    taken: set[str] = set()
    for _ in range(MOST_PHONES):
        taken.add(phone_of({}, taken).number)
    assert len(taken) == MOST_PHONES
    with pytest.raises(BadPhone, match="room"):
        phone_of({}, taken)


def test_the_first_row_can_be_put_on_the_screen() -> None:
    phones = [phone_of(wish, ()) for wish in FIRST_ROW]
    assert {phone.language for phone in phones} >= {"es", "vi", "uk", "en", "so", "ar"}


def test_a_number_given_away_has_its_new_owner_from_then_on() -> None:
    phone = changed(Phone(number=PHONE), {"line": "reassigned"}, 7)
    assert phone.owned_from == 7
    assert changed(phone, {"line": "reassigned", "place": "Lents"}, 9).owned_from == 7
    with pytest.raises(BadPhone):
        changed(phone, {"number": "+14585550124"}, 9)


@pytest.mark.parametrize(
    ("line", "code", "seconds"),
    [("good", None, 0), ("drop", 30003, 0), ("delay", None, 8), ("landline", 30006, 0), ("reassigned", None, 0)],
)
def test_the_network_does_to_a_phone_what_its_line_says(line: str, code: int | None, seconds: float) -> None:
    before = Handsets(delivered_after_s=0.0, filtered=1.0, listed={"+15035550199": "unknown"})
    far_end = equipped(before, [Phone(number=PHONE, line=Line(line))])
    assert (ending(far_end, PHONE), delay_s(far_end, PHONE)) == (code, seconds)
    assert (ending(far_end, "+15035550199"), ending(far_end, SENDER)) == (30005, 30007)


@given(st.text(max_size=700))
def test_a_handset_shows_every_part_and_only_letters_it_has(body: str) -> None:
    shown = views(body)
    assert shown["smart"] == [body]
    assert set(shown["gsm"][0]) <= GSM_7 | {BOX}
    assert len(shown["gsm"][0]) == len(body)
    assert "".join(reversed(shown["shuffled"])) == body
    assert len(shown["shuffled"]) == max(len(split(body)), 1)
    assert shown.keys() == {each.value for each in Handset}


def test_the_wire_view_tells_size_and_outcome_in_words() -> None:
    told = seen(a_line(1, body="Hiervan el agua, señor Łukasz"))
    assert (told["encoding"], told["units"], told["parts"], told["phone"]) == ("UCS-2", 29, 1, PHONE)
    lost = seen(a_line(2, "report", status="undelivered", code=30003, body=""))
    assert lost["meaning"] == "switched off or out of coverage"
    assert "body" not in lost
    assert seen(a_line(3, "refused", code=21610))["meaning"] == "this phone has said STOP"
    assert seen(a_line(3, "refused", code=20429))["meaning"] == "Too Many Requests"


@given(st.lists(st.sampled_from([PHONE, "+14585550124", "+14585550125"]), max_size=40), st.integers(0, 45))
def test_a_returning_page_gets_what_it_missed_and_nothing_of_others(owners: list[str], last: int) -> None:
    tap = Tap()
    tap.watch(PHONE)
    tap.watch("+14585550124")
    for seq, owner in enumerate(owners, 1):
        tap.hear(a_line(seq, to=owner))
    got = [line["seq"] for line in tap.lines({PHONE: last, "+14585550124": 0, "+14585550125": 0})]
    assert got == [seq for seq, owner in enumerate(owners, 1) if (owner == PHONE and seq > last) or owner == "+14585550124"]
    assert tap.seq == len(owners)


def test_what_was_kept_and_then_read_again_stands_there_once_and_the_oldest_go() -> None:
    tap = Tap()
    tap.watch(PHONE)
    tap.hear(a_line(5))
    tap.fill([a_line(4), a_line(5)])
    assert [line["seq"] for line in tap.lines({PHONE: 0})] == [4, 5]
    tap.fill(a_line(6) | {"seq": seq} for seq in range(6, MOST_LINES + 10))
    assert len(tap.lines({PHONE: 0})) == MOST_LINES
    assert min(line["seq"] for line in tap.lines({PHONE: 0})) == 10


def test_only_whole_lines_about_the_wanted_numbers_are_read_from_a_log(tmp_path: Path) -> None:
    log = tmp_path / "sms.jsonl"
    assert lines_about(log, frozenset({PHONE})) == []
    other = a_line(2, to="+14585550124", body=f"Call {PHONE}")
    log.write_text("\n".join(json.dumps(line) for line in (said(1, "hola"), other, a_line(3))) + "\n" + json.dumps(a_line(4)))
    assert [line["seq"] for line in lines_about(log, frozenset({PHONE}))] == [1, 3]
    assert phone_number(said(1, "hola")) == PHONE


def test_a_talk_is_written_down_as_the_golden_transcripts_are() -> None:
    talk = [
        said(1, "hola 97206"),
        a_line(2, "reply", body="Portland Alerts: listo. Avisos para 97206."),
        a_line(3, "report", status="delivered", body=""),
        a_line(4, body="PORTLAND: boil tap water."),
        said(9, 'no: "más"'),
        a_line(10, "reply", body="1) English 2) Español"),
        said(11, "STOP"),
        a_line(12, "reply", body="You are unsubscribed.", cause="carrier"),
    ]
    text = transcript("Español, 97206", talk, wordings(TEXTS))
    assert yaml.safe_load(text) == [
        {
            "name": "Español, 97206",
            "steps": [
                {"in": "hola 97206", "out": ["M02.es"]},
                {"in": 'no: "más"', "wait": "8 min", "out": ["1) English 2) Español"]},
                {"in": "STOP", "wait": "2 min", "obeyed": "stop", "out": []},
            ],
        }
    ]
    assert "# an alert came here: PORTLAND: boil tap water." in text
    assert transcript("Nobody", [a_line(1)], ()) == ""


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_whatever_was_typed_is_read_back_from_the_transcript(body: str) -> None:
    (one,) = yaml.safe_load(transcript(body, [said(1, body)], ()))
    assert (one["name"], one["steps"][0]["in"]) == (body, body)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("Portland Alerts: you get alerts for 1100 block SW 5th Ave.", "M02.en"),
        ("Portland Alerts: you get alerts for until 5 p.m.", "M02.en"),  # the value's own full stop
        ("Portland Alerts: something else.", ""),
        ("1) English 2) Español", ""),  # a wording that is all slot names nothing
    ],
)
def test_an_answer_is_told_by_its_wording(body: str, name: str) -> None:
    assert named(body, wordings(TEXTS)) == name


def test_free_numbers_are_all_in_exchange_555() -> None:
    assert free_number({"+14585550101", "+14585550102"}) == "+14585550103"


def test_every_language_of_the_city_has_words_to_try() -> None:
    assert len(TONGUES) == 12
    assert all(tongue.greeting and tongue.water and tongue.stop for tongue in TONGUES.values())
