"""Where calls meet: queues, dialled telephones and conferences, on a clock that tests move."""

from collections.abc import Mapping

import pytest

from channels.simulator.refusals import Refusal
from channels.simulator.telephone.calls import Call
from channels.simulator.telephone.legs import Leg, Ring, Source
from channels.simulator.telephone.orders import Order, Update, read_order
from tests.channels.telephone_factories import AGENT, CITY, URL, Ear, House, Page, twiml

QUEUE = '<Enqueue waitUrl="/wait" action="/left">boil</Enqueue>'
ROOM = '<Dial action="/dialed"><Conference {}>c1</Conference></Dial>'
OTHER = "+15035552002"


def a_house(**pages: Page) -> House:
    known: dict[str, Page] = {
        "/ring": twiml(QUEUE),
        "/wait": twiml('<Say>wait</Say><Pause length="9"/>'),
        "/left": lambda form: twiml(f"<Say>{form['QueueResult']}</Say>"),
        "/dialed": lambda form: twiml(f"<Say>{form['DialCallStatus']}</Say>"),
    }
    return House(known | {f"/{name}": page for name, page in pages.items()})


def order(to: str = AGENT, path: str = "/agent", **more: object) -> Order:
    return Order(to=to, caller=CITY, source=Source(url=URL + path), **more)  # type: ignore[arg-type]


def made(house: House, wanted: Order) -> Call:
    call = house.board.create(wanted)
    assert isinstance(call, Call)
    return call


def told(form: Mapping[str, str], *names: str) -> tuple[str, ...]:
    return tuple(form[name] for name in names)


def test_the_wait_document_is_asked_for_again_and_again_with_the_place_in_the_queue() -> None:
    house = a_house()
    first, second = house.call(Ear()), house.call(Ear(), "+15035551002")
    house.until(25.0)
    waits = [form for form in house.app.forms("/wait") if form["CallSid"] == second.call.sid]
    assert [told(form, "QueueTime", "QueuePosition", "CurrentQueueSize") for form in waits] == [
        ("0", "2", "2"),
        ("9", "2", "2"),
        ("19", "2", "2"),
    ]
    first.hang_up()
    house.until(30.0)
    assert told(house.app.forms("/wait")[-1], "QueuePosition", "AvgQueueTime") == ("1", "25")


# What happens to a waiting caller after 25 s, and the result that the action is told of, with what is heard after it.
LEFT = [
    ("hang up", "hangup", []),
    ("redirect", "redirected", ["elsewhere"]),
    ("end", "hangup", []),
]


@pytest.mark.parametrize(("act", "result", "then"), LEFT)
def test_the_action_is_told_how_the_caller_left(act: str, result: str, then: list[str]) -> None:
    house, caller = a_house(else_=twiml("<Say>elsewhere</Say>")), Ear()
    leg = house.call(caller)
    house.until(25.0)
    if act == "hang up":
        leg.hang_up()
    else:
        update = Update(source=Source(url=f"{URL}/else_")) if act == "redirect" else Update(status="completed")
        assert house.board.update(leg.call, update) is None
    house.to_the_end()
    (form,) = house.app.forms("/left")
    assert told(form, "QueueResult", "QueueTime") == (result, "25")
    assert form["CallStatus"] == ("in-progress" if act == "redirect" else "completed")
    assert [words for words in caller.words if words != "wait"] == then


def test_leave_goes_on_with_the_action_or_the_next_verb() -> None:
    for action, then in ((' action="/left"', ["leave"]), ("", ["next"])):
        ring = twiml(f'<Enqueue waitUrl="/wait"{action}>boil</Enqueue><Say>next</Say>')
        house, caller = a_house(ring=ring, wait=twiml("<Pause/><Leave/>")), Ear()
        house.call(caller)
        house.to_the_end()
        assert caller.words == then


def test_a_wait_document_may_gather_and_hang_up_but_not_dial() -> None:
    wait = twiml(f'<Dial>{AGENT}</Dial><Gather numDigits="1" action="/pressed"><Say>Press 1.</Say></Gather><Say>on</Say>')
    house, caller = a_house(wait=wait, pressed=twiml("<Hangup/>")), Ear(presses={"Press 1.": "1"})
    leg = house.call(caller)
    house.to_the_end()
    assert house.end(leg) == ("completed", "Hangup")
    assert caller.words == ["Press 1."]
    assert house.app.forms("/left")[0]["QueueResult"] == "hangup"
    assert any("<Dial> may not stand" in line["text"] for line in house.lines if line["event"] == "error")


def test_a_wait_document_that_fails_is_asked_for_again_and_loses_nobody() -> None:
    house = a_house(wait=lambda form: 500)
    leg = house.call(Ear())
    house.until(60.0)
    assert leg.call.live and len(house.app.forms("/wait")) == 6 + 1


def test_a_full_queue_takes_nobody_more() -> None:
    house = House({"/ring": twiml(QUEUE), "/wait": twiml("<Pause/>"), "/left": twiml("<Say>full</Say>")}, queue_maximum=1)
    house.call(Ear())
    second = Ear()
    house.call(second, "+15035551002")
    house.until(5.0)
    assert second.words == ["full"]
    assert told(house.app.forms("/left")[0], "QueueResult") == ("queue-full",)


def test_dialling_the_queue_serves_whoever_waits_longest_with_a_word_before() -> None:
    agent = twiml('<Dial action="/dialed"><Queue url="/whisper">boil</Queue></Dial>')
    house = a_house(agent=agent, whisper=twiml("<Say>recorded</Say>"))
    first, second = Ear(), Ear()
    leg = house.call(first)
    house.until(5.0)
    house.call(second, "+15035551002")
    helper = house.person(AGENT)
    call = made(house, order())
    house.until(20.0)
    assert first.met == [call.sid] and helper.met == [leg.call.sid] and second.met == []
    assert first.words[-1] == "recorded"
    house.board.legs[call.sid].hang_up()
    house.until(21.0)
    assert told(house.app.forms("/left")[0], "QueueResult") == ("bridged",)
    assert told(house.app.forms("/dialed")[0], "DialCallStatus", "CallStatus") == ("completed", "completed")


def test_an_empty_queue_is_waited_for_and_an_unknown_one_is_not() -> None:
    agent = twiml('<Dial timeout="20" action="/dialed"><Queue>boil</Queue></Dial>')
    house = a_house(agent=agent)
    house.person(AGENT)
    house.person(OTHER)
    made(house, order())
    house.until(2.0)
    assert told(house.app.forms("/dialed")[0], "DialCallStatus") == ("failed",)
    house.board.queue("boil", make=True)
    made(house, order(OTHER))
    house.until(10.0)
    caller = Ear()
    house.call(caller)
    house.until(11.0)
    assert caller.met != []


# What the dialled telephone does, the timeout, and what the action is told.
DIALLED = [
    (Ring("human", 4.0), 30, ("completed", "10")),
    (Ring("machine_start", 4.0), 30, ("completed", "10")),
    (Ring("human", 4.0), 3, ("no-answer", "")),
    (Ring("human", 4.0), 4, ("no-answer", "")),
    (Ring("no-answer"), 30, ("no-answer", "")),
    (Ring("busy", 2.0), 30, ("busy", "")),
    (Ring("failed"), 30, ("failed", "")),
]


@pytest.mark.parametrize(("ring", "timeout", "expected"), DIALLED)
def test_a_dialled_telephone(ring: Ring, timeout: int, expected: tuple[str, str]) -> None:
    house = a_house(ring=twiml(f'<Dial timeout="{timeout}" action="/dialed">{AGENT}</Dial>'))
    helper, caller = Hanging(ring, 10.0), Ear()
    house.board.parties[AGENT] = helper
    house.call(caller)
    house.to_the_end()
    (form,) = house.app.forms("/dialed")
    assert (form["DialCallStatus"], form.get("DialCallDuration", "")) == expected
    assert caller.words == [expected[0]]


class Hanging(Ear):
    """Hangs up so many seconds after meeting somebody."""

    def __init__(self, ring: Ring, after_s: float) -> None:
        super().__init__(ring)
        self.after_s = after_s

    def meets(self, leg: Leg, other: Leg) -> None:
        super().meets(leg, other)
        leg.after(self.after_s, leg.hang_up)


def test_the_first_of_several_telephones_gets_the_call_and_the_others_fall_silent() -> None:
    house = a_house(ring=twiml(f"<Dial><Number>{AGENT}</Number><Number>{OTHER}</Number><Sip>sip:desk@example.gov</Sip></Dial>"))
    slow, fast = house.person(AGENT, Ring("human", 9.0)), house.person(OTHER, Ring("human", 2.0))
    house.person("sip:desk@example.gov", Ring("human", 20.0))
    caller = house.call(Ear())
    house.until(30.0)
    assert (len(fast.met), slow.met) == (1, [])
    statuses = sorted(call.status for call in house.board.register if call.parent_sid == caller.call.sid)
    assert statuses == ["canceled", "canceled", "in-progress"]


def test_a_whisper_is_heard_by_the_called_alone_and_may_decline() -> None:
    whisper = twiml('<Gather numDigits="1" action="/ok"><Say>Press 1 to take it.</Say></Gather><Hangup/>')
    ring = twiml(f'<Dial action="/dialed"><Number url="/whisper">{AGENT}</Number></Dial>')
    for keys, met in (({"Press 1 to take it.": "1"}, True), ({}, False)):
        house, caller = a_house(ring=ring, whisper=whisper, ok=twiml()), Ear()
        house.person(AGENT, presses=keys)
        house.call(caller)
        house.until(60.0)
        assert bool(caller.met) is met
        assert caller.words == ([] if met else ["no-answer"])


def test_a_caller_who_hangs_up_takes_the_dialled_telephone_along() -> None:
    for second, status, child in ((2.0, "canceled", "canceled"), (20.0, "completed", "completed")):
        house = a_house(ring=twiml(f'<Dial action="/dialed">{AGENT}</Dial>'))
        house.person(AGENT, Ring("human", 5.0))
        leg = house.call(Ear())
        house.until(second)
        leg.hang_up()
        house.to_the_end()
        assert told(house.app.forms("/dialed")[0], "DialCallStatus", "CallStatus") == (status, "completed")
        assert [call.status for call in house.board.register] == ["completed", child]


def test_hangup_on_star_and_the_time_limit_end_a_conversation() -> None:
    for attributes, star_at, ended_at in (('hangupOnStar="true"', 7.0, 7.0), ('timeLimit="30"', 7.0, 30.0)):
        house = a_house(ring=twiml(f'<Dial action="/dialed" {attributes}>{AGENT}</Dial>'))
        house.person(AGENT)
        leg = house.call(Ear())
        leg.after(star_at, lambda leg=leg: leg.press("*"))  # type: ignore[misc]
        house.until(100.0)
        parted = [line["t_s"] for line in house.lines if line["event"] == "part"]
        assert parted[0] == ended_at


def test_a_dialled_status_is_told_of_when_asked_for() -> None:
    number = f'<Number statusCallback="/status" statusCallbackEvent="initiated ringing answered completed">{AGENT}</Number>'
    house = a_house(ring=twiml(f"<Dial>{number}</Dial>"), status=twiml())
    house.board.parties[AGENT] = Hanging(Ring("human", 4.0), 10.0)
    leg = house.call(Ear())
    house.to_the_end()
    forms = house.app.forms("/status")
    assert [form["CallStatus"] for form in forms] == ["initiated", "ringing", "in-progress", "completed"]
    assert {form["ParentCallSid"] for form in forms} == {leg.call.sid}


def in_room(house: House, attributes: str, path: str) -> None:
    house.app.pages[path] = twiml(ROOM.format(attributes))


def test_a_conference_begins_when_somebody_who_starts_it_has_company() -> None:
    house = a_house(music=twiml('<Say>hold</Say><Pause length="9"/>'))
    in_room(house, 'startConferenceOnEnter="false" waitUrl="/music"', "/ring")
    in_room(house, "", "/agent")
    caller, helper = Ear(), house.person(AGENT, Ring("human", 20.0))
    leg = house.call(caller)
    house.until(15.0)
    assert caller.words == ["hold", "hold"] and caller.met == []
    call = made(house, order())
    house.until(40.0)
    assert caller.met == [call.sid] and helper.met == [leg.call.sid]
    assert [line["cause"] for line in house.lines if line["event"] == "conference"] == ["join", "join", "start"]


def test_a_conference_ends_with_whoever_ends_it_and_the_others_go_on() -> None:
    house = a_house()
    in_room(house, "", "/ring")
    in_room(house, 'endConferenceOnExit="true"', "/agent")
    caller = Ear()
    leg, helper = house.call(caller), house.person(AGENT)
    call = made(house, order())
    house.until(30.0)
    house.board.legs[call.sid].hang_up()
    house.until(31.0)
    assert caller.words == ["answered"] and caller.met[-1] == "alone"
    assert helper.over == ["hung up"] and not leg.call.live
    assert house.board.rooms["c1"].closed


def test_a_conference_goes_on_without_those_who_do_not_end_it() -> None:
    house = a_house()
    in_room(house, "", "/ring")
    in_room(house, "", "/agent")
    leg = house.call(Ear())
    house.person(AGENT)
    call = made(house, order())
    house.until(30.0)
    leg.hang_up()
    house.until(60.0)
    assert house.board.legs[call.sid].call.live
    assert told(house.app.forms("/dialed")[0], "DialCallStatus", "CallStatus") == ("answered", "completed")


def test_a_conference_tells_of_its_comings_and_goings() -> None:
    house = a_house(room=twiml())
    in_room(house, 'statusCallback="/room" statusCallbackEvent="start end join leave" endConferenceOnExit="true"', "/ring")
    in_room(house, "", "/agent")
    leg = house.call(Ear())
    house.person(AGENT)
    made(house, order())
    house.until(10.0)
    leg.hang_up()
    house.to_the_end()
    forms = house.app.forms("/room")
    assert [form["StatusCallbackEvent"] for form in forms] == [
        "participant-join",
        "participant-join",
        "conference-start",
        "participant-leave",
        "conference-end",
        "participant-leave",
    ]
    assert [form["SequenceNumber"] for form in forms] == ["1", "2", "3", "4", "5", "6"]
    assert len({form["ConferenceSid"] for form in forms}) == 1


def test_a_full_conference_takes_nobody_more() -> None:
    house = a_house()
    in_room(house, 'maxParticipants="1"', "/ring")
    house.call(Ear())
    second = Ear()
    house.call(second, "+15035551002")
    house.until(10.0)
    assert second.words == ["failed"]


def test_an_emergency_number_is_never_dialled(caplog: pytest.LogCaptureFixture) -> None:
    house, caller = a_house(ring=twiml('<Dial action="/dialed">911</Dial>')), Ear()
    house.call(caller)
    house.to_the_end()
    assert caller.words == ["failed"]
    assert [line["to"] for line in house.lines if line["event"] == "forbidden"] == ["911"]
    assert "EMERGENCY NUMBER" in caplog.text


def test_calls_over_rest_leave_one_a_second_and_too_many_are_refused() -> None:
    house = House({"/agent": twiml("<Say>one</Say>")}, most_queued=3)
    for last in range(4):
        house.person(f"+1503555300{last}")
    calls = [house.board.create(order(f"+1503555300{last}")) for last in range(4)]
    assert [isinstance(call, Call) for call in calls] == [True, True, True, False]
    assert calls[3] == Refusal(20429)
    house.to_the_end()
    assert [line["t_s"] for line in house.lines if line["event"] == "ring"] == [0.0, 1.0, 2.0]


# What the called telephone does, the call's timeout, and how it ends.
RUNG = [
    (Ring("busy", 1.0), 60, "busy", 1.0),
    (Ring("failed"), 60, "failed", 0.0),
    (Ring("no-answer"), 20, "no-answer", 20.0),
    (Ring("human", 30.0), 20, "no-answer", 20.0),
    (Ring("human", 3.0), 20, "completed", 3.4),
]


@pytest.mark.parametrize(("ring", "timeout", "status", "ended_at"), RUNG)
def test_a_call_over_rest_ends_as_the_telephone_does(ring: Ring, timeout: int, status: str, ended_at: float) -> None:
    house = House({"/agent": twiml("<Say>one</Say>")})
    house.person(AGENT, ring)
    call = made(house, order(timeout_s=timeout))
    house.to_the_end()
    assert call.status == status
    assert call.ended_at == pytest.approx(ended_at)


# What takes the call, the detection asked for, and what the first webhook says.
DETECTED = [
    ("human", "", None),
    ("human", "Enable", "human"),
    ("machine_start", "Enable", "machine_start"),
    ("machine_start", "DetectMessageEnd", "machine_end_beep"),
    ("human", "DetectMessageEnd", "human"),
]


@pytest.mark.parametrize(("taken_by", "detection", "said"), DETECTED)
def test_a_machine_is_told_from_a_human_when_asked_for(taken_by: str, detection: str, said: str | None) -> None:
    house = House({"/agent": twiml("<Hangup/>")})
    house.person(AGENT, Ring(taken_by, 2.0))
    call = made(house, order(detection=detection))
    house.to_the_end()
    (form,) = house.app.forms("/agent")
    assert form.get("AnsweredBy") == said
    assert call.answered_by == (said or "")


def test_a_queued_or_ringing_call_is_canceled_and_an_answered_one_is_not() -> None:
    house = House({"/agent": twiml('<Pause length="100"/>')})
    house.person(AGENT, Ring("human", 5.0))
    house.person(OTHER, Ring("human", 5.0))
    first, second = made(house, order()), made(house, order(OTHER))
    assert house.board.update(second, Update(status="canceled")) is None
    house.until(2.0)
    assert (first.status, second.status) == ("ringing", "canceled")
    house.until(6.0)
    house.board.update(first, Update(status="canceled"))
    house.until(7.0)
    assert first.status == "in-progress"
    house.board.update(first, Update(status="completed"))
    house.until(8.0)
    assert (first.status, first.cause) == ("completed", "ended over REST")
    assert house.board.update(first, Update(source=Source(url=f"{URL}/agent"))) == Refusal(21220)


def test_status_callbacks_may_come_out_of_order_but_all_come() -> None:
    house = House({"/agent": twiml("<Say>one</Say>"), "/status": twiml()}, shuffled=1.0)
    house.person(AGENT, Ring("human", 5.0))
    form = [("To", AGENT), ("From", CITY), ("Url", f"{URL}/agent"), ("StatusCallback", f"{URL}/status")]
    form += [("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")]
    wanted = read_order(form, {CITY}, lambda url: True)
    assert isinstance(wanted, Order)
    made(house, wanted)
    house.to_the_end()
    numbers = [int(form["SequenceNumber"]) for form in house.app.forms("/status")]
    assert sorted(numbers) == [0, 1, 2, 3] and numbers != sorted(numbers)


def test_a_dialled_leg_can_be_led_elsewhere_and_its_caller_goes_on() -> None:
    house = a_house(ring=twiml(f'<Dial action="/dialed">{AGENT}</Dial>'), over=twiml("<Say>elsewhere</Say>"))
    caller, helper = Ear(), house.person(AGENT)
    house.call(caller)
    house.until(10.0)
    child = next(call for call in house.board.register if call.parent_sid)
    house.board.update(child, Update(source=Source(url=f"{URL}/over")))
    house.to_the_end()
    assert caller.words == ["completed"] and helper.words == ["elsewhere"]


def test_a_call_answered_on_the_bridge_rings_until_then() -> None:
    house = a_house(ring=twiml(f'<Dial answerOnBridge="true" action="/dialed">{AGENT}</Dial>'))
    house.person(AGENT, Ring("human", 6.0))
    leg = house.call(Ear())
    house.until(5.0)
    assert leg.call.status == "ringing"
    house.until(7.0)
    assert (leg.call.status, leg.call.answered_at) == ("in-progress", 6.0)


def test_what_the_simulator_does_not_do_it_says() -> None:
    house = a_house(ring=twiml(f'<Dial record="record-from-answer">{AGENT}</Dial><Gather input="speech"/>'))
    house.call(Ear())
    house.to_the_end()
    told = " ".join(line["text"] for line in house.lines if line["event"] == "error")
    assert "records no conversations" in told and "understands no speech" in told
