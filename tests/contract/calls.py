"""The acts of the conversation about calls: made, fetched in every state, led elsewhere, ended, listed; and planted faults."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from channels.simulator.telephone.characters import Character, Person
from tests.contract import conversation as talk
from tests.contract.acts import Scene, must

SAY: Final = "<Response><Say>Boil your water.</Say></Response>"
DIAL: Final = "<Response><Dial>{}</Dial></Response>"
STRANGER: Final = "CA" + "0" * 32
LONG_S: Final = 86_400.0
EVERY_STATE: Final = {
    ("outbound-api", "ringing"),
    ("outbound-api", "in-progress"),
    ("outbound-api", "completed"),
    ("outbound-api", "busy"),
    ("outbound-api", "no-answer"),
    ("outbound-api", "failed"),
    ("outbound-api", "canceled"),
    ("outbound-dial", "in-progress"),
    ("inbound", "in-progress"),
    ("inbound", "completed"),
}
# Who is at which telephone.
PEOPLE: Final = {
    "quick": Person(number="+15035552001", rings_s=0.0),
    "slow": Person(number="+15035552002", rings_s=LONG_S),
    "busy": Person(number="+15035552003", becomes="busy"),
    "away": Person(number="+15035552004", becomes="no-answer"),
    "gone": Person(number="+15035552005", becomes="failed"),
    "machine": Person(number="+15035552006", becomes="machine_start", rings_s=0.0),
    "desk": Person(number="+15035552007", rings_s=0.0),
}


async def everything(scene: Scene) -> list[str]:
    _at_home(scene)
    return [
        *await _in_every_state(scene),
        *await _led_and_ended(scene),
        *await _refused(scene),
        *await _pages(scene),
        *await _faults(scene),
    ]


def _at_home(scene: Scene) -> None:
    board = scene.running.telephone.board
    for person in PEOPLE.values():
        board.parties[person.number] = Character(person, "contract", board.mail.tally)


async def _call(scene: Scene, who: str, twiml: str = talk.HOLD, **more: str) -> tuple[int, dict[str, Any]]:
    to = PEOPLE[who].number
    return await scene.caller.post(f"{scene.caller.base}/Calls.json", To=to, From=talk.CITY, Twiml=twiml, **more)


async def _in_every_state(scene: Scene) -> list[str]:
    """Calls made with all we ever say, then every kind of call fetched."""
    call, base = scene.caller, scene.caller.base
    full = [
        ("To", PEOPLE["quick"].number),
        ("From", talk.CITY),
        ("Url", f"{talk.PUBLIC_URL}/voice/agent/1"),
        ("Method", "POST"),
    ]
    full += [("FallbackUrl", f"{talk.PUBLIC_URL}/voice/fallback"), ("Timeout", "25"), ("MachineDetection", "Enable")]
    full += [("StatusCallback", f"{talk.PUBLIC_URL}/voice/status"), ("StatusCallbackMethod", "POST")]
    full += [("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")]
    status, _ = await call.order(f"{base}/Calls.json", full)
    made = [await _call(scene, who) for who in ("quick", "busy", "gone", "machine")]
    made += [await _call(scene, "slow", Timeout="600")]
    made += [
        await _call(scene, "quick", SAY),
        await _call(scene, "away", Timeout="1"),
        await _call(scene, "slow", Timeout="600"),
    ]
    made += [await _call(scene, "quick", DIAL.format(PEOPLE["desk"].number))]
    await call.post(f"{base}/Calls/{made[-2][1]['sid']}.json", Status="canceled")
    board = scene.running.telephone.board
    for number in ("+15035551001", "+15035551002"):
        scene.running.telephone.touch()
        leg = board.call_in(number, talk.CITY, Character(Person(number=number), "contract", board.mail.tally))
        if leg is not None and number.endswith("2"):
            leg.after(20.0, leg.hang_up)
    async with asyncio.timeout(60):
        while not {(one.direction, one.status) for one in board.register} >= EVERY_STATE:
            await asyncio.sleep(0.05)
    fetched = {(await call.get(f"{base}/Calls/{one.sid}.json"))[0] for one in board.register}
    return [
        *must(status == 201 and {each for each, _ in made} == {201}, "A call was not taken."),
        *must(fetched == {200}, f"Calls were fetched with {fetched}."),
    ]


async def _led_and_ended(scene: Scene) -> list[str]:
    call, base = scene.caller, scene.caller.base
    _, made = await _call(scene, "quick")
    board = scene.running.telephone.board
    async with asyncio.timeout(60):
        while board.register.get(made["sid"]).status != "in-progress":  # type: ignore[union-attr]
            await asyncio.sleep(0.05)
    path = f"{base}/Calls/{made['sid']}.json"
    answers = [
        (await call.post(path, Twiml=talk.HOLD))[0],
        (await call.post(path, Url=f"{talk.PUBLIC_URL}/voice/said/bridge", Method="POST"))[0],
        (await call.post(path, Status="completed"))[0],
    ]
    async with asyncio.timeout(60):
        while board.register.get(made["sid"]).live:  # type: ignore[union-attr]
            await asyncio.sleep(0.05)
    answers += [(await call.post(path, Twiml=talk.HOLD))[0]]
    answers += [(await call.post(f"{base}/Calls/{STRANGER}.json", Status="completed"))[0]]
    return [*must(answers == [200, 200, 200, 400, 404], f"Updates were answered {answers}.")]


async def _refused(scene: Scene) -> list[str]:
    call, base = scene.caller, scene.caller.base
    good = {"To": PEOPLE["quick"].number, "From": talk.CITY, "Twiml": SAY}
    bad = ({"To": "911"}, {"To": "+442079460000"}, {"To": talk.CITY}, {"From": "+15035559999"}, {"Twiml": ""})
    statuses = [(await call.post(f"{base}/Calls.json", **good | each))[0] for each in bad]
    return [*must(statuses == [400] * len(bad), f"Calls that cannot be were answered {statuses}.")]


async def _pages(scene: Scene) -> list[str]:
    call, listed = scene.caller, f"{scene.caller.base}/Calls.json"
    _, first = await call.get(listed, PageSize="2")
    _, second = await call.get(first["next_page_uri"])
    status, again = await call.get(second["previous_page_uri"])
    _, live = await call.get(listed, Status="in-progress", To=talk.CITY)
    unknown, _ = await call.get(f"{scene.caller.base}/Calls/{STRANGER}.json")
    same = [one["sid"] for one in again["calls"]] == [one["sid"] for one in first["calls"]]
    return [
        *must(status == 200 and same, "The page back is not the page it was."),
        *must({one["status"] for one in live["calls"]} == {"in-progress"}, "A list by status holds others."),
        *must(unknown == 404, f"A call nobody made was answered {unknown}."),
    ]


async def _faults(scene: Scene) -> list[str]:
    """What went wrong on calls: asked for by our channel, and listed forth and back. Two had no application."""
    call, listed = scene.caller, f"{scene.caller.base}/Notifications.json"
    since = datetime.now(UTC) - timedelta(hours=1)
    heard_of = await scene.speaker.lost(talk.CITY, since)
    _, first = await call.get(listed, Log="0", PageSize="1")
    _, second = await call.get(first["next_page_uri"])
    status, again = await call.get(second["previous_page_uri"])
    _, warned = await call.get(listed, Log="1")
    return [
        *must(sum(one.path == "/ring" for one in heard_of) == 2, f"Our channel read {heard_of}."),
        *must(status == 200 and again["notifications"] == first["notifications"], "The page back is not the page it was."),
        *must(warned["notifications"] == [], "A list of warnings holds errors."),
    ]


async def planted(scene: Scene) -> list[str]:
    """Requests and answers that break the document: the judge must find each."""
    call, base, line = scene.caller, scene.caller.base, scene.line
    good = {"To": PEOPLE["quick"].number, "From": talk.CITY, "Twiml": SAY}
    requests: list[Callable[[], Any]] = [
        lambda: call.post(f"{base}/Calls.json", **good | {"Timeout": "soon"}),
        lambda: call.post(f"{base}/Calls.json", **good | {"Method": "FETCH"}),
        lambda: call.post(f"{base}/Calls.json", From=talk.CITY, Twiml=SAY),
        lambda: call.get(f"{base}/Calls.json", Status="gone"),
        lambda: call.post(f"{base}/Calls/{STRANGER}.json", Status="gone"),
    ]
    problems: list[str] = []
    for at, request in enumerate(requests):
        reached = len(line.behind.exchanges)
        await request()
        stopped = bool(line.before.exchanges[-1].violations) and len(line.behind.exchanges) == reached
        problems += must(stopped, f"The judge passed planted request {at + 1} about calls.")
    sid = next(iter(scene.running.telephone.board.register)).sid
    answers: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
        ("a duration as a number", f"Calls/{sid}.json", lambda it: it.update(duration=3)),
        ("a status nobody has", f"Calls/{sid}.json", lambda it: it.update(status="gone")),
        ("a short id", f"Calls/{sid}.json", lambda it: it.update(sid="CA1")),
        ("a date of another form", f"Calls/{sid}.json", lambda it: it.update(date_created="2026-11-21")),
        ("a missing property", f"Calls/{sid}.json", lambda it: it.pop("queue_time")),
        ("a new property", f"Calls/{sid}.json", lambda it: it.update(patience="600")),
        ("a list that is none", "Calls.json", lambda it: it.update(calls={})),
        ("an error code as a number", "Notifications.json", lambda it: it["notifications"][0].update(error_code=11205)),
    ]
    for what, path, spoil in answers:
        line.behind.spoil = spoil
        await call.get(f"{base}/{path}")
        problems += must(bool(line.before.exchanges[-1].violations), f"The judge passed {what} of a call.")
    return problems
