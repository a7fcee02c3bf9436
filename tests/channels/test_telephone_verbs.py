"""Verbs and their attributes, on a clock that tests move: no sockets, no waiting."""

from collections.abc import Mapping

import pytest

from channels.simulator.telephone.legs import Leg, Sound
from tests.channels.telephone_factories import CALLER, CITY, URL, Ear, House, Page, twiml

SIX = "one two three four five six"  # 2.4 s at 150 words a minute


def heard(inside: str, **changes: object) -> tuple[House, Ear, Leg]:
    house, caller = House({"/ring": twiml(inside)}, **changes), Ear()
    leg = house.call(caller)
    house.to_the_end()
    return house, caller, leg


# Document, what is heard as (second, kind, text), and when the call ends.
TIMED: list[tuple[str, list[tuple[float, str, str]], float]] = [
    (f"<Say>{SIX}</Say>", [(0, "say", SIX)], 2.4),
    (f'<Say loop="2">{SIX}</Say>', [(0, "say", SIX), (2.4, "say", SIX)], 4.8),
    ("<Say>水水水水</Say>", [(0, "say", "水水水水")], 1.0),
    ("<Say>ຕົ້ມນ້ຳ</Say>", [(0, "say", "ຕົ້ມນ້ຳ")], 0.7),
    (f'<Say language="es-MX">{SIX}</Say><Say>{SIX}</Say>', [(0, "say", SIX), (2.4, "say", SIX)], 4.8),
    ("<Say>one <break/>two</Say>", [(0, "say", "one two")], 0.8),
    ('<Pause length="7"/><Say>one</Say>', [(7, "say", "one")], 7.4),
    ("<Pause/><Say>one</Say>", [(1, "say", "one")], 1.4),
    (f"<Play>{URL}/tone.wav</Play><Say>one</Say>", [(0, "play", f"{URL}/tone.wav"), (3.0, "say", "one")], 3.4),
    ('<Play digits="12ww"/><Say>one</Say>', [(0, "digits", "12ww"), (2.0, "say", "one")], 2.4),
    ("<Say>one</Say><Hangup/><Say>two</Say>", [(0, "say", "one")], 0.4),
    ('<Pause length="x"/><Say>one</Say>', [(1, "say", "one")], 1.4),
    ("<Gather><Say>one</Say></Gather><Say>two</Say>", [(0, "say", "one"), (0.4, "silence", ""), (5.4, "say", "two")], 5.8),
    ('<Gather timeout="2"/><Say>two</Say>', [(0, "silence", ""), (2, "say", "two")], 2.4),
    ("<Leave/><Say>one</Say>", [(0, "say", "one")], 0.4),
    ("<Sing>la</Sing><Say>one</Say>", [(0, "say", "one")], 0.4),
]


@pytest.mark.parametrize(("inside", "sounds", "ends_at"), TIMED)
def test_what_is_said_and_played_takes_its_time(inside: str, sounds: list[tuple[float, str, str]], ends_at: float) -> None:
    _, caller, leg = heard(inside, plays_s={f"{URL}/tone.wav": 3.0})
    assert caller.heard == sounds
    assert leg.call.ended_at == pytest.approx(ends_at)
    assert leg.call.status == "completed"


def test_the_pace_of_words_is_a_setting() -> None:
    _, _, leg = heard(f"<Say>{SIX}</Say>", words_per_minute=60.0)
    assert leg.call.ended_at == pytest.approx(6.0)


class Fingers(Ear):
    """Presses keys at set times."""

    def __init__(self, keys: Mapping[float, str]) -> None:
        super().__init__()
        self.keys = keys

    def answered(self, leg: Leg) -> None:
        for second, key in self.keys.items():
            leg.after(second, lambda key=key: leg.hang_up() if key == "x" else leg.press(key))  # type: ignore[misc]


SAID = "<Say>" + SIX + "</Say>"
# Attributes of Gather, keys by second, what the action is told (None: it is not asked), and when it is asked.
GATHERED: list[tuple[str, dict[float, str], dict[str, str] | None, float]] = [
    ('numDigits="1"', {1.0: "5"}, {"Digits": "5"}, 1.0),
    ('numDigits="2"', {1.0: "5", 2.0: "6"}, {"Digits": "56"}, 2.0),
    ('numDigits="2"', {1.0: "56"}, {"Digits": "56"}, 1.0),
    ("", {1.0: "5", 2.0: "#"}, {"Digits": "5", "FinishedOnKey": "#"}, 2.0),
    ("", {1.0: "5"}, {"Digits": "5"}, 6.0),
    ('timeout="2"', {1.0: "5", 2.5: "6"}, {"Digits": "56"}, 4.5),
    ('finishOnKey="*"', {1.0: "5", 2.0: "#", 3.0: "*"}, {"Digits": "5#", "FinishedOnKey": "*"}, 3.0),
    ('finishOnKey=""', {1.0: "5", 2.0: "#"}, {"Digits": "5#"}, 7.0),
    ("", {}, None, 0.0),
    ("", {3.0: "#"}, None, 0.0),
    ('actionOnEmptyResult="true"', {}, {"Digits": ""}, 7.4),
    ('bargeIn="false" numDigits="1"', {1.0: "5", 3.0: "6"}, {"Digits": "6"}, 3.0),
    ('numDigits="1"', {3.0: "5"}, {"Digits": "5"}, 3.0),
]


@pytest.mark.parametrize(("attributes", "keys", "told", "asked_at"), GATHERED)
def test_gather_takes_keys(attributes: str, keys: dict[float, str], told: dict[str, str] | None, asked_at: float) -> None:
    times: list[float] = []

    def action(form: Mapping[str, str]) -> str:
        times.append(house.board.timeline.now)
        return twiml()

    pages: dict[str, Page] = {"/ring": twiml(f'<Gather action="/said" {attributes}>{SAID}</Gather>'), "/said": action}
    house = House(pages)
    house.call(Fingers(keys))
    house.to_the_end()
    forms = [{name: form[name] for name in ("Digits", "FinishedOnKey") if name in form} for form in house.app.forms("/said")]
    assert forms == ([] if told is None else [told])
    assert times == ([] if told is None else [pytest.approx(asked_at)])


def test_a_key_interrupts_what_is_said() -> None:
    house = House({"/ring": twiml(f'<Gather numDigits="1" action="/said">{SAID}{SAID}</Gather>'), "/said": twiml()})
    caller = Fingers({1.0: "5"})
    house.call(caller)
    house.to_the_end()
    assert caller.words == [SIX]


def test_a_key_nobody_listens_for_is_logged_as_unheard() -> None:
    house = House({"/ring": twiml(SAID)})
    house.call(Fingers({1.0: "5"}))
    house.to_the_end()
    assert [(line["what"], line["cause"]) for line in house.lines if line["event"] == "digit"] == [("5", "unheard")]


def test_gather_without_an_action_asks_for_its_own_document_again() -> None:
    pages: dict[str, Page] = {"/ring": lambda form: twiml('<Gather numDigits="1"/>' if "Digits" not in form else "<Hangup/>")}
    house = House(pages)
    house.call(Fingers({1.0: "7"}))
    house.to_the_end()
    assert [form.get("Digits") for form in house.app.forms("/ring")] == [None, "7"]


def test_relative_addresses_start_from_the_document_and_redirect_follows_them() -> None:
    pages: dict[str, Page] = {
        "/ring": twiml(f"<Redirect>{URL}/voice/one</Redirect>"),
        "/voice/one": twiml("<Redirect>two?x=1</Redirect>"),
        "/voice/two?x=1": twiml("<Say>two</Say>"),
    }
    house, caller = House(pages), Ear()
    house.call(caller)
    house.to_the_end()
    assert house.app.paths() == ["/ring", "/voice/one", "/voice/two?x=1"]
    assert caller.words == ["two"]


# The document and how the call ends: only a Reject that stands first leaves it unanswered.
ENDED = [
    ("<Reject/>", ("no-answer", "Reject rejected")),
    ('<Reject reason="busy"/>', ("busy", "Reject busy")),
    ("<Hangup/>", ("completed", "Hangup")),
    ("", ("completed", "end of document")),
    ('<Say>one</Say><Reject reason="busy"/>', ("completed", "Reject busy")),
]


@pytest.mark.parametrize(("inside", "end"), ENDED)
def test_a_call_is_answered_unless_it_is_rejected_at_once(inside: str, end: tuple[str, str]) -> None:
    house, _, leg = heard(inside)
    assert house.end(leg) == end


class Speaker(Fingers):
    """Speaks for some seconds at the beep."""

    def __init__(self, speaks_s: float, keys: Mapping[float, str]) -> None:
        super().__init__(keys)
        self.speaks_s = speaks_s

    def hears(self, leg: Leg, sound: Sound) -> None:
        if sound.kind == "beep":
            leg.after(sound.seconds, lambda: leg.speak(self.speaks_s))


# Attributes of Record, seconds spoken, keys by second, what the action is told (None: it is not asked). The beep takes 0.5 s.
RECORDED: list[tuple[str, float, dict[float, str], dict[str, str] | None]] = [
    ("", 8.0, {}, {"RecordingDuration": "8"}),
    ("", 8.0, {4.5: "#"}, {"RecordingDuration": "4", "Digits": "#"}),
    ('finishOnKey="*"', 8.0, {4.5: "#"}, {"RecordingDuration": "8"}),
    ('maxLength="3"', 8.0, {}, {"RecordingDuration": "3"}),
    ("", 8.0, {6.5: "x"}, {"RecordingDuration": "6", "Digits": "hangup"}),
    ("", 0.0, {}, None),
    ("", 0.0, {2.0: "x"}, None),
]


@pytest.mark.parametrize(("attributes", "speaks_s", "keys", "told"), RECORDED)
def test_record_keeps_what_is_said(
    attributes: str, speaks_s: float, keys: dict[float, str], told: dict[str, str] | None
) -> None:
    inside = f'<Record action="/recorded" recordingStatusCallback="/kept" {attributes}/><Say>Nothing heard.</Say>'
    house = House({"/ring": twiml(inside), "/recorded": twiml(), "/kept": twiml()})
    house.call(Speaker(speaks_s, keys))
    house.to_the_end()
    names = ("RecordingDuration", "Digits")
    forms = [{name: form[name] for name in names if name in form} for form in house.app.forms("/recorded")]
    assert forms == ([] if told is None else [told])
    assert len(house.board.recordings) == len(forms) == len(house.app.forms("/kept"))
    for form in house.app.forms("/kept"):
        assert form["RecordingUrl"].endswith(form["RecordingSid"]) and form["RecordingStatus"] == "completed"


# What is wrong with the answer, and the error's code.
USELESS: list[tuple[Page, int]] = [
    (lambda form: 500, 11200),
    (lambda form: 404, 11200),
    ("no xml", 12100),
    ("<Answer/>", 12100),
    ("", 12100),
]


@pytest.mark.parametrize(("page", "code"), USELESS)
def test_a_failing_application_is_replaced_by_its_fallback(page: Page, code: int) -> None:
    number = {"fallback_url": f"{URL}/fallback", "fallback_document": twiml("<Say>static</Say>")}
    house, caller = House({"/ring": page, "/fallback": twiml("<Say>fallback</Say>")}, number=number), Ear()
    house.call(caller)
    house.to_the_end()
    (form,) = house.app.forms("/fallback")
    assert (form["ErrorCode"], form["ErrorUrl"]) == (str(code), f"{URL}/ring")
    assert caller.words == ["fallback"]
    assert code in [line["code"] for line in house.lines if line["event"] == "error"]


def test_a_fallback_that_fails_too_is_replaced_by_the_static_document() -> None:
    number = {"fallback_url": f"{URL}/fallback", "fallback_document": twiml("<Say>static</Say>")}
    house, caller = House({}, number=number), Ear()
    leg = house.call(caller)
    house.to_the_end()
    assert caller.words == ["static"]
    assert house.end(leg) == ("completed", "end of document")


def test_without_a_fallback_the_call_fails() -> None:
    house, caller = House({}), Ear()
    leg = house.call(caller)
    house.to_the_end()
    assert house.end(leg) == ("failed", "application error 11200")


def test_the_fallback_serves_a_call_that_loses_its_application_half_way() -> None:
    number = {"fallback_document": twiml("<Say>static</Say>")}
    house = House({"/ring": twiml('<Gather numDigits="1" action="/gone"><Say>Press 1.</Say></Gather>')}, number=number)
    caller = Ear(presses={"Press 1.": "1"})
    house.call(caller)
    house.to_the_end()
    assert caller.words == ["Press 1.", "static"]


def test_every_webhook_says_whose_call_it_is() -> None:
    house, _, leg = heard("<Say>one</Say>")
    (form,) = house.app.forms("/ring")
    assert {name: form[name] for name in ("From", "To", "Direction", "CallStatus", "CallSid", "ApiVersion")} == {
        "From": CALLER,
        "To": CITY,
        "Direction": "inbound",
        "CallStatus": "ringing",
        "CallSid": leg.call.sid,
        "ApiVersion": "2010-04-01",
    }


def test_the_number_hears_of_the_end_of_its_calls() -> None:
    house, _, leg = heard(SAID, number={"status_url": f"{URL}/status"})
    (form,) = house.app.forms("/status")
    assert (form["CallStatus"], form["CallDuration"], form["CallSid"]) == ("completed", "2", leg.call.sid)


def test_a_caller_who_hangs_up_while_the_application_thinks_is_gone() -> None:
    house = House({"/ring": twiml(SAID)}, takes_s=3.0)
    caller = Ear()
    leg = house.call(caller)
    leg.after(1.0, leg.hang_up)
    house.to_the_end()
    assert house.end(leg) == ("no-answer", "hung up")
    assert caller.heard == []
