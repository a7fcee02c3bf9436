"""The acts of the conversation, each with what must come of it, and the faults planted to see whether the judge is awake."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from channels.base import Handed, Outcome, Refused, Retry, Unknown
from channels.simulator.config import SimulatorConfig
from channels.simulator.listing import Listing
from channels.simulator.messages import Message
from channels.simulator.server import Running
from tests.contract import conversation as talk
from tests.contract.conversation import Caller, Speaker
from tests.contract.judge import Judged

PAGE: Final = 1_000  # most messages of one page
EVERY_STATE: Final = {
    ("outbound-api", "queued", None),
    ("outbound-api", "delivered", None),
    ("outbound-api", "canceled", None),
    *(("outbound-api", "undelivered", code) for code in (30003, 30005, 30006, 30007)),
    ("inbound", "received", None),
    ("outbound-reply", "delivered", None),
}
STRANGER: Final = "SM" + "0" * 32


@dataclass(frozen=True, slots=True)
class Scene:
    """All that an act needs: the gateway, the line with the judge on it, and who speaks over it."""

    running: Running
    line: Judged
    speaker: Speaker
    caller: Caller

    @classmethod
    def set(cls, running: Running, line: Judged, session: aiohttp.ClientSession, config: SimulatorConfig) -> "Scene":
        url = line.before.url
        return cls(running, line, Speaker(url, config), Caller(session, url, config))


def must(fact: bool, sentence: str) -> Iterator[str]:
    """A problem unless it is a fact."""
    if not fact:
        yield sentence


def kinds(outcomes: dict[int, Outcome]) -> list[str]:
    return [type(outcomes[key]).__name__ for key in sorted(outcomes)]


async def our_texts(scene: Scene, count: int) -> list[str]:
    """A sample of texts, from a long and from a short number; all are taken."""
    outcomes = await scene.speaker.send(talk.texts(count))
    taken = sum(isinstance(outcome, Handed) for outcome in outcomes.values())
    short = await scene.speaker.send(talk.texts(len(talk.BODIES)), talk.SHORT_CODE)
    await scene.running.exchange.until_settled()
    return [
        *must(taken == count, f"{count - taken} of {count} texts were not taken."),
        *must(set(kinds(short)) == {"Handed"}, "A text from the short code was not taken."),
    ]


async def our_refusals(scene: Scene) -> list[str]:
    """Refused people and texts, a stranger's login, a full gateway, and one that is down."""
    await scene.running.exchange.receive(talk.number(906), talk.SENDER, "STOP")
    refused = await scene.speaker.send(talk.refusable(talk.number(906)))
    problems = list(must(all(isinstance(outcome, Refused) for outcome in refused.values()), f"Not refused: {kinds(refused)}."))
    for fault, wanted in (({"too_many_next": 1}, Retry), ({"error_after": 1.0}, Unknown)):
        talk.with_faults(scene.running, **fault)
        outcomes = await scene.speaker.send([talk.a_text(910, f"hello {fault}")])
        problems += must(isinstance(outcomes[911], wanted), f"{fault} became {kinds(outcomes)}.")
    talk.with_faults(scene.running, refuse_all=True)
    status, _ = await scene.caller.get(f"{scene.caller.base}/Messages.json")
    problems += must(status == 503, f"A gateway that is down answered {status}.")
    talk.with_faults(scene.running)
    problems += must(await scene.speaker.is_refused(auth_token="wrong"), "A wrong token was not noticed.")
    problems += must(await scene.speaker.is_refused(account_sid="AC" + "0" * 32), "A wrong account was not noticed.")
    return problems


async def our_questions(scene: Scene) -> list[str]:
    """What became of texts: found, found on a later page, never seen."""
    sent = talk.texts(20)
    await talk.crowd(scene.running, PAGE + 5)
    crowded = talk.a_text(920, talk.BODIES[0], address=talk.CROWDED)
    unseen = talk.a_text(921, "never sent", address=talk.CROWDED)
    answers = await scene.speaker.ask([*sent, crowded, unseen])
    missing = [answer.delivery_id for answer in answers[: len(sent)] if len(answer.found) != 1]
    return [
        *must(not missing, f"Texts {missing} were not found once."),
        *must(len(answers[-2].found) == PAGE + 5, f"{len(answers[-2].found)} texts were found on two pages."),
        *must(not answers[-1].found, "A text that was never sent was found."),
    ]


def newest(scene: Scene, most: int) -> Sequence[Message]:
    """The texts that the simulator has, the newest first."""
    listing = scene.running.exchange.carrier.archive.page({"PageSize": str(most)})
    assert isinstance(listing, Listing)
    return listing.shown


async def messages_in_every_state(scene: Scene) -> list[str]:
    """Fetches of texts under way, arrived, failed for every reason, taken back, received and given in reply; a cancellation
    too late, and one of a text nobody knows."""
    call, base = scene.caller, scene.caller.base
    waiting = [
        (await call.post(f"{base}/Messages.json", To=talk.number(at), From=talk.SLOW, Body="hello", ValidityPeriod="30000"))[1]
        for at in (930, 931, 932)
    ]
    back, _ = await call.post(f"{base}/Messages/{waiting[1]['sid']}.json", Status="canceled")
    late, _ = await call.post(f"{base}/Messages/{waiting[1]['sid']}.json", Status="canceled")
    nobody, _ = await call.post(f"{base}/Messages/{STRANGER}.json", Status="canceled")
    await scene.running.exchange.receive(talk.number(933), talk.SENDER, "STOP")
    seen: dict[tuple[str, str, Any], str] = {}
    for message in newest(scene, PAGE):
        seen.setdefault((message.direction, message.status, message.code), message.sid)
    statuses = [(await call.get(f"{base}/Messages/{sid}.json"))[0] for sid in seen.values()]
    return [
        *must((back, late, nobody) == (200, 409, 404), f"Cancellations were answered {back}, {late}, {nobody}."),
        *must(set(statuses) == {200} and set(seen) >= EVERY_STATE, f"Fetched with {statuses}: {sorted(map(str, seen))}."),
    ]


async def pages_of_a_list(scene: Scene) -> list[str]:
    """First page, on, back, an empty list, a page that does not exist, a text that does not, an address that does not."""
    call, listed = scene.caller, f"{scene.caller.base}/Messages.json"
    _, first = await call.get(listed, PageSize="2")
    _, second = await call.get(first["next_page_uri"])
    status, again = await call.get(second["previous_page_uri"])
    empty, none = await call.get(listed, To="+15035559999")
    wrong, _ = await call.get(listed, Page="1", PageToken="PA" + STRANGER)
    unknown, _ = await call.get(f"{scene.caller.base}/Messages/{STRANGER}.json")
    return [
        *must(status == 200 and again["messages"] == first["messages"], "The page back is not the page it was."),
        *must(empty == 200 and none["messages"] == [], "A list of nothing is not empty."),
        *must((wrong, unknown) == (404, 404), f"What does not exist was answered {wrong}, {unknown}."),
    ]


async def planted_requests(scene: Scene) -> list[str]:
    """Requests that break the document: the judge must stop each before it reaches the gateway."""
    call, base = scene.caller, scene.caller.base
    good = {"To": talk.number(940), "From": talk.SENDER, "Body": "hello"}
    reached = len(scene.line.behind.exchanges)
    answers = [
        await call.post(f"{base}/Messages.json", **good | {"ValidityPeriod": "soon"}),
        await call.post(f"{base}/Messages.json", **good | {"StatusCallback": "nowhere"}),
        await call.post(f"{base}/Messages.json", From=talk.SENDER, Body="hello"),
        await call.get(f"{base}/Messages.json", PageSize="1001"),
        await call.get(f"{base}/Messages/SM1.json"),
        await call.post(f"{base}/Messages/{STRANGER}.json", Status="gone"),
        await call.nobody(f"{base}.json"),
    ]
    stopped = [bool(exchange.violations) for exchange in scene.line.before.exchanges[-len(answers) :]]
    return [
        *must(all(stopped), f"The judge passed planted requests: {stopped}."),
        *must(len(scene.line.behind.exchanges) == reached, "A planted request reached the gateway."),
    ]


async def planted_answers(scene: Scene) -> list[str]:
    """Answers that break the document: the judge must find each."""
    sid = newest(scene, 1)[0].sid
    fetched, listed = f"{scene.caller.base}/Messages/{sid}.json", f"{scene.caller.base}/Messages.json"
    unknown = f"{scene.caller.base}/Messages/{STRANGER}.json"
    planted: list[tuple[str, str, Callable[[dict[str, Any]], object]]] = [
        ("a count as a number", fetched, lambda it: it.update(num_segments=1)),
        ("a status nobody has", fetched, lambda it: it.update(status="gone")),
        ("a short id", fetched, lambda it: it.update(sid="SM1")),
        ("a date of another form", fetched, lambda it: it.update(date_created="2026-11-21")),
        ("a missing property", fetched, lambda it: it.pop("error_code")),
        ("a new property", fetched, lambda it: it.update(callback="https://alerts.example.gov")),
        ("an error code as text", fetched, lambda it: it.update(error_code="30006")),
        ("a page address as a number", listed, lambda it: it.update(uri=7)),
        ("a list that is none", listed, lambda it: it.update(messages={})),
        ("a bad message in a list", listed, lambda it: it["messages"][0].update(direction="out")),
        ("an error without a code", unknown, lambda it: it.pop("code")),
    ]
    problems: list[str] = []
    for what, path, spoil in planted:
        scene.line.behind.spoil = spoil
        await scene.caller.get(path)
        problems += must(bool(scene.line.before.exchanges[-1].violations), f"The judge passed {what}.")
    return problems
