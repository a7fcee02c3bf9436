"""Simulated time: exact order, no waiting for nothing, and what holds whatever people and the application do."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from channels.simulator.telephone.clockwork import Clockwork
from channels.simulator.telephone.legs import Source
from channels.simulator.telephone.orders import Order, Update
from channels.simulator.telephone.speech import first, recorded_s, said_s, silence
from channels.simulator.telephone.timeline import Timeline
from tests.channels.telephone_factories import CITY, URL, Ear, House, Page, twiml


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=30), st.floats(0, 200))
def test_things_are_done_in_order_exactly_when_they_are_due(plans: list[tuple[float, float]], until: float) -> None:
    timeline, done = Timeline(), list[tuple[float, float]]()

    def act(due: float, again: float) -> None:
        done.append((timeline.now, due))
        if again:
            timeline.after(again, lambda: done.append((timeline.now, due + again)))

    for due, again in plans:
        timeline.after(due, lambda due=due, again=again: act(due, again))  # type: ignore[misc]
    timeline.advance(until)
    assert all(at == due for at, due in done)
    assert done == sorted(done)
    assert len(done) >= sum(due <= until for due, _ in plans)
    assert timeline.now == until


def test_of_two_things_due_at_once_the_first_planned_comes_first() -> None:
    timeline, done = Timeline(), list[str]()
    for name in "abc":
        timeline.after(1.0, lambda name=name: done.append(name))  # type: ignore[misc]

    def one_more() -> None:
        timeline.after(1.0, lambda: done.append("d"))

    timeline.after(0.0, one_more)
    timeline.advance(1.0)
    assert done == ["a", "b", "c", "d"]


def test_what_is_cancelled_is_not_done_and_does_not_wake_anybody() -> None:
    timeline, done = Timeline(), list[str]()
    timer = timeline.after(1.0, lambda: done.append("a"))
    timer.cancel()
    assert timeline.next_due() is None
    timeline.advance(2.0)
    assert done == []


class Wall:
    """A clock that counts how often it is read."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self) -> float:
        self.reads += 1
        return asyncio.get_running_loop().time()


async def test_an_hour_passes_in_a_moment_without_busy_waiting() -> None:
    timeline, clock, done = Timeline(), Wall(), asyncio.Event()
    work = Clockwork(timeline, clock, speed=36_000.0)
    for minute in range(60):
        timeline.after(60.0 * minute, lambda: None)
    timeline.after(3_600.0, done.set)
    running = asyncio.create_task(work.run())
    async with asyncio.timeout(60):
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert timeline.now >= 3_600.0
    assert clock.reads < 500


async def test_something_planned_from_outside_wakes_a_sleeping_clock() -> None:
    timeline, done = Timeline(), asyncio.Event()
    work = Clockwork(timeline, asyncio.get_running_loop().time, speed=1.0)
    timeline.after(3_600.0, lambda: None)
    running = asyncio.create_task(work.run())
    await asyncio.sleep(0)
    work.touch()
    timeline.after(0.01, done.set)
    async with asyncio.timeout(60):
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_time_stands_still_while_it_is_held_and_goes_on_from_there() -> None:
    timeline, held, done = Timeline(), [True], asyncio.Event()
    work = Clockwork(timeline, asyncio.get_running_loop().time, 1_000_000.0, lambda: held[0])
    timeline.after(5.0, done.set)
    running = asyncio.create_task(work.run())
    await asyncio.sleep(0.01)
    work.touch()
    assert not done.is_set() and timeline.now < 5.0
    held[0] = False
    work.nudge()
    async with asyncio.timeout(60):
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 600))
def test_a_recording_is_as_long_as_it_is_made(seconds: float) -> None:
    made = recorded_s(silence(seconds))
    assert made is not None and abs(made - seconds) <= 1 / 8_000


def test_what_is_no_recording_has_no_length() -> None:
    assert recorded_s(b"ID3 something else") is None


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_more_words_never_take_less_time(one: str, other: str) -> None:
    assert said_s(f"{one} {other}", 150.0) >= said_s(one, 150.0) >= 0


WAIT = '<Gather numDigits="1" action="/digit" timeout="3"><Say>please hold the line</Say></Gather>'
ROOM = '<Dial action="/dialed"><Conference endConferenceOnExit="{}">room</Conference></Dial>'
DIGITS = {"1": "<Leave/>", "2": "<Hangup/>", "3": "<Redirect>/gone</Redirect>", "4": "<Pause/>"}
PAGES: dict[str, Page] = {
    "/ring": twiml('<Enqueue waitUrl="/wait" action="/left">boil</Enqueue><Say>bye</Say>'),
    "/wait": twiml(WAIT),
    "/digit": lambda form: twiml(DIGITS.get(form["Digits"], "")),
    "/left": twiml("<Say>left</Say>"),
    "/dialed": twiml(),
    "/room": twiml(ROOM.format("true")),
    "/open": twiml(ROOM.format("false")),
    "/queue": twiml('<Dial timeout="15"><Queue>boil</Queue></Dial>'),
    "/number": twiml('<Dial timeout="10" action="/dialed">+15035552003</Dial>'),
}
ACTS = st.one_of(
    st.tuples(st.just("call"), st.integers(0, 5)),
    st.tuples(st.just("order"), st.sampled_from(["/room", "/open", "/queue", "/number", "/missing"])),
    st.tuples(st.just("press"), st.sampled_from("12345#")),
    st.tuples(st.just("redirect"), st.sampled_from(["/room", "/open", "/queue", "/ring"])),
    st.tuples(st.just("end"), st.sampled_from(["completed", "canceled"])),
    st.tuples(st.just("hang up"), st.just(0)),
)


def do(house: House, act: str, what: object, pick: int) -> None:
    legs = sorted(house.board.legs.values(), key=lambda leg: leg.call.index)
    leg = legs[pick % len(legs)] if legs else None
    if act == "call":
        house.call(Ear(), f"+1503555100{what}")
    elif act == "order":
        house.board.create(Order(to=f"+1503555200{pick % 4}", caller=CITY, source=Source(url=f"{URL}{what}"), timeout_s=20))
    elif leg is None:
        return
    elif act == "press":
        leg.press(str(what))
    elif act == "redirect":
        house.board.update(leg.call, Update(source=Source(url=f"{URL}{what}")))
    elif act == "end":
        house.board.update(leg.call, Update(status=str(what)))
    else:
        leg.hang_up()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(ACTS, st.integers(0, 9), st.floats(0, 8)), max_size=40), st.floats(0, 3))
def test_whatever_happens_every_call_ends_once_and_nobody_is_left_anywhere(
    acts: list[tuple[tuple[str, object], int, float]], takes_s: float
) -> None:
    house = House(PAGES, takes_s=takes_s, calls_per_s=2.0, queue_maximum=3)
    for last in range(3):
        house.person(f"+1503555200{last}")
    for (act, what), pick, pause in acts:
        do(house, act, what, pick)
        house.until(house.board.timeline.now + pause)
    for leg in list(house.board.legs.values()):
        house.board.update(leg.call, Update(status="completed"))
    house.until(house.board.timeline.now + 60.0)
    ends = Counter(line["sid"] for line in house.lines if line["event"] == "end")
    assert house.board.quiet
    assert ends == Counter(call.sid for call in house.board.register)
    assert all(queue.size == 0 and not queue.looking for queue in house.board.queues.values())
    assert all(not room.seats for room in house.board.rooms.values())
    marks = Counter((line["sid"], line["cause"] == "entered") for line in house.lines if line["event"] == "queue")
    full = Counter(line["sid"] for line in house.lines if line["cause"] == "queue-full")
    for sid in ends:
        assert marks[sid, True] == marks[sid, False] - full[sid]
    meetings = Counter(line["event"] for line in house.lines if line["event"] in ("bridge", "part"))
    assert meetings["bridge"] == meetings["part"]


def test_a_recording_that_a_key_cuts_short_has_the_first_seconds_of_what_was_said() -> None:
    whole = silence(3.0)
    assert first(whole, 3.0) == first(whole, 9.0) == whole
    assert recorded_s(first(whole, 1.25)) == 1.25
    assert first(b"no WAV", 1.0) == b"no WAV"
