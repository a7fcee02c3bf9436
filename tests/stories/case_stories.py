"""What of the cases S1 to S46 no dialog can show: who an alert reaches, the sign-up page, phones that cannot be reached.

Each story returns a sentence for everything that went otherwise.
"""

import asyncio
import re
from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, select

from channels.simulator.inbound import ANSWERS, Keyword
from notify import city
from notify.residents import checks
from notify.residents.signup_words import FAULTS, words
from notify.wording.isolate import isolate
from subscribers import reach, reassigned, store
from subscribers.dialog.turn import Kept, Known, Standing
from subscribers.place import ZipArea
from subscribers.signup import Fault
from subscribers.store import NewAddress, Said
from subscribers.tables import Basis
from tests.stories.playing import Played, has_new_owner
from tests.stories.stage import Stage
from tests.stories.town import DEADLINE_S, PACK, numbers

STOPPED_BY_WORD, SHELTERED, LATE, JOINER, LANDLINE, GONE, SILENT = numbers(7, start=9_000 - 1_000)
MAILBOX: Final = "resident@example.gov"
QUIET_ZIP: Final = "97218"  # where a second alert disturbs no other dialog
MORE_FAILURES: Final = 2  # after the alert for the whole city
NOT_YET: Final = timedelta(days=6)
REST_OF_A_MONTH: Final = reach.TRY_AGAIN_LATER - reach.TRY_AGAIN
CITY_TIME: Final = ZoneInfo("America/Los_Angeles")
SITES: Final = """name,topic,address,lat,lon,open,hours,pets,wheelchair
Farthest Hall,SHELTER,8400 block N Lombard St,45.590500,-122.755500,yes,24/7,yes,yes
Far Hall,SHELTER,5600 block NE Prescott St,45.530000,-122.640000,yes,24/7,no,yes
Closed Hall,SHELTER,3400 block SE Main St,45.514000,-122.640000,no,24/7,no,yes
Near Hall,SHELTER,3500 block SE Main St,45.512000,-122.640000,yes,18:00-8:00,yes,no
"""
COME_BACK: Final = "Did you stop our texts? To get them again, text START to {number} from that phone."
PASSING: Final = {  # what wakes people at night and is not renewed when it ends
    "hazard": "road_closed",
    "area": {"names": [QUIET_ZIP]},
    "severity": "Moderate",
    "urgency": "Immediate",
    "slots": {"road": "SE Foster Rd", "instruction": "Use another road."},
}
OURS: Final = "(503) 555-0100"  # the sender as people dial it
FIELD: Final = r'name="{}" value="([^"]*)"'


async def help_for_the_stopped(stage: Stage) -> list[str]:
    """After STOP the gateway answers HELP in its own words, and lets out no words of ours until START."""
    await stage.text(STOPPED_BY_WORD, "97214")
    faults = []
    for word, wanted, standing in (
        ("STOP", [ANSWERS[Keyword.STOP]], Standing.STOPPED),
        ("HELP", [ANSWERS[Keyword.HELP]], Standing.STOPPED),
        ("ayuda", [], Standing.STOPPED),
        ("STATUS", [], Standing.STOPPED),
        ("START", [ANSWERS[Keyword.START]], Standing.ACTIVE),
    ):
        got = (await stage.text(STOPPED_BY_WORD, word)).bodies
        known = stage.known([STOPPED_BY_WORD])[STOPPED_BY_WORD]
        if got != wanted or known.standing is not standing:
            faults.append(f"{word} was answered with {len(got)} texts and left the phone {known.standing}.")
    (answer,) = (await stage.text(STOPPED_BY_WORD, "WHERE")).bodies
    return faults if "97214" in answer else [*faults, "START did not bring the place back."]


async def alert_reaches(stage: Stage, played: Sequence[Played]) -> list[str]:
    """An alert for the whole city goes once to each phone signed up, however many places it has, and to no other."""
    got = Counter(line["to"] for line in stage.town.sms())
    known = stage.known([one.phone for one in played])
    faults = []
    for one in played:
        standing = known[one.phone].standing
        wanted = standing is Standing.ACTIVE and not one.blocked
        if standing is not Standing.SUSPECT and got[one.phone] != wanted:
            faults.append(f"A phone that is {standing} ({one.name}) got the alert {got[one.phone]} times.")
    return faults


async def nothing_twice(stage: Stage) -> list[str]:
    """Whoever joined, moved or came back inside the alert got it once as well; no phone got any alert twice."""
    got = Counter((line["to"], line["body"]) for line in stage.town.sms())
    return [f"{times} times the same alert went to one phone." for times in got.values() if times > 1]


async def joins_inside(stage: Stage) -> list[str]:
    """Whoever signs up inside an alert gets it at once, in their language."""
    await stage.text(JOINER, "hola 97214")
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not stage.texts_to(JOINER):
                await asyncio.sleep(0.05)
    except TimeoutError:
        return ["Somebody who signed up inside an alert did not get it."]
    return [] if "HIERVA" in stage.texts_to(JOINER)[0] else ["The alert did not come in the language of the sign-up."]


async def shelters(stage: Stage) -> list[str]:
    """SHELTER with a ZIP names the two nearest open sites, their hours, pets and wheelchairs, and signs nobody up."""
    (stage.town.home / "sites.csv").write_text(SITES, "utf-8")
    bodies = (await stage.text(SHELTERED, "SHELTER 97214")).bodies
    faults = [] if stage.known([SHELTERED])[SHELTERED].standing is Standing.NEW else ["The question signed somebody up."]
    if len(bodies) != 1:
        return [*faults, f"The question was answered with {len(bodies)} texts."]
    for word in ("Near Hall", "18:00-8:00", "pets OK", "Far Hall", "24/7", "wheelchair access"):
        if word not in bodies[0]:
            faults.append(f"The answer lacks {word!r}.")
    for word in ("Closed Hall", "Farthest Hall"):
        if word in bodies[0]:
            faults.append(f"The answer names {word!r}.")
    return faults


async def questions_leave(stage: Stage, played: Sequence[Played]) -> list[str]:
    """In the month of the sign-up, a year later, each phone is asked once; one with a new owner in words without a place."""
    _take_answers(stage, [SILENT, *(one.phone for one in played if has_new_owner(one.transcript))])
    before = Counter(line["to"] for line in stage.town.sms())
    for day in sorted({_asking_day(stage, one.phone) for one in played}):
        stage.clock.forward(day - stage.clock.now())
        for _ in range(2):  # the second finds nobody left to ask
            await stage.tick("yearly checks")
    asked = Counter(line["to"] for line in stage.town.sms())
    return [
        f"{one.name}: the phone was asked {times} times."
        for one in played
        if (times := asked[one.phone] - before[one.phone]) != 1
    ]


async def the_silent_are_removed(stage: Stage) -> list[str]:
    """A number that may have a new owner and says nothing for two weeks is removed."""
    standing = stage.known([SILENT])[SILENT].standing
    stage.clock.forward(_noon_after(stage.clock.now() + checks.PATIENCE) - stage.clock.now())
    await stage.tick("yearly checks")
    left = stage.known([SILENT])[SILENT].standing
    is_right = (standing, left) == (Standing.SUSPECT, Standing.NEW)
    return [] if is_right else [f"Asked, the number was {standing}; silent, {left}."]


def _noon_after(at: datetime) -> datetime:
    """In the city: how long the stories before took says nothing of the hour."""
    return datetime.combine(at.astimezone(CITY_TIME).date() + timedelta(days=1), time(12), CITY_TIME)


def _take_answers(stage: Stage, phones: Sequence[str]) -> None:
    """As `tocsin subscribers reassigned FILE` does."""
    today = stage.clock.now().date() + timedelta(days=1)
    answers = [reassigned.Answer(number=phone, gone=True, since=today) for phone in phones]
    stage.books.write_now(partial(reassigned.take, answers=answers, keyring=stage.town.ring, now=stage.clock.now()))


def _asking_day(stage: Stage, phone: str) -> datetime:
    """A minute before the end of the last day on which a phone is asked: a year after its month."""
    query = select(store.SUBSCRIBER.c.created_at).join(store.ADDRESS).where(store.ADDRESS.c.blind == bindparam("blind"))
    blind = stage.town.ring.blind("sms", phone)
    at = stage.books.read_now(lambda conn: conn.scalars(query, {"blind": blind}).one())
    last = monthrange(at.year + 1, at.month)[1]
    return datetime(at.year + 1, at.month, last, checks.ENDS.hour, tzinfo=CITY_TIME) - timedelta(minutes=1)


async def over(stage: Stage) -> list[str]:
    """For a week after the all clear WATER is answered with what the all clear says."""
    (body,) = (await stage.text(LATE, "WATER")).bodies
    return [] if "ALL CLEAR" in body and "safe" in body else ["WATER after the all clear does not say that it is over."]


async def signs_up_on_the_web(stage: Stage) -> list[str]:
    """The page sends a code, and the code typed there signs the phone up; a landline is told so, and no code leaves."""
    phone, faults = numbers(1, start=8_100)[0], []
    page = await _subscribe(stage, phone)
    code = await _text_to(stage, phone)
    digits = re.search(r"\d{6}", code)
    token, mark = (re.search(FIELD.format(name), page) for name in ("token", "mark"))
    if not (digits and token and mark):
        return ["The page did not ask for the code, or none was sent."]
    fields = {"token": token[1], "mark": mark[1], "code": digits[0]}
    await _post(stage, "code", fields)
    if [place.words for place in stage.known([phone])[phone].places] != ["97214"]:
        faults.append("The code did not sign the phone up.")
    if FAULTS[Fault.LANDLINE] not in await _subscribe(stage, LANDLINE):
        faults.append("The page does not say that a landline is one.")
    if stage.texts_to(LANDLINE):
        faults.append("A code was sent to a landline.")
    return faults


async def page_for_the_stopped(stage: Stage) -> list[str]:
    """Where the gateway lets no answer of ours out, the sign-up page says in each language how to come back."""
    faults = []
    for tag in city.load(PACK).pack.tags:
        async with stage.session.get(f"{stage.town.url}/demo/{tag}/subscribe") as answer:
            page = await answer.text()
        if isolate(words(tag).say(COME_BACK, number=OURS)) not in page:
            faults.append(f"The page in {tag} does not say how to come back.")
    return faults


async def _subscribe(stage: Stage, phone: str) -> str:
    async with stage.session.get(f"{stage.town.url}/demo/en/subscribe") as answer:
        mark = re.search(FIELD.format("mark"), await answer.text())
    assert mark is not None
    fields = {"contact": phone, "place": "97214", "language": "en", "agree": "yes", "mark": mark[1]}
    return await _post(stage, "", fields)


async def _post(stage: Stage, path: str, fields: dict[str, str]) -> str:
    url = f"{stage.town.url}/demo/en/subscribe/{path}".rstrip("/")
    async with stage.session.post(url, data=fields, headers={"Sec-Fetch-Site": "same-origin"}) as answer:
        return await answer.text()


async def _text_to(stage: Stage, phone: str) -> str:
    async with asyncio.timeout(DEADLINE_S):
        while not (found := stage.texts_to(phone)):
            await asyncio.sleep(0.05)
    return found[-1]


async def gives_up(stage: Stage) -> list[str]:
    """After three hard failures a phone gets no more texts, and its owner the alert by mail."""
    for _ in range(MORE_FAILURES):
        await _alert(stage)
    if not await _becomes(stage, GONE, unreachable=True):
        return ["Three texts that could not be delivered did not give the phone up."]
    faults = [] if await _tried(stage) == 0 else ["A phone that was given up got a text."]
    if not any(line["rcpt"] == MAILBOX for line in stage.town.mails()):
        faults.append("The person's mailbox got no mail.")
    return faults


async def is_tried_again(stage: Stage) -> list[str]:
    """A phone given up is tried again after a week and then after a month, by one alert each time; one more failure ends it."""
    faults = []
    for wait, wanted in ((NOT_YET, 0), (reach.TRY_AGAIN - NOT_YET, 1), (reach.TRY_AGAIN, 0), (REST_OF_A_MONTH, 1)):
        stage.clock.forward(wait)
        await stage.tick("phones given up")
        if (tried := await _tried(stage)) != wanted:
            faults.append(f"{wait.days} days later the phone got {tried} alerts, not {wanted}.")
        if not await _becomes(stage, GONE, unreachable=True):
            faults.append(f"{wait.days} days later the phone was not given up again.")
    return faults


async def comes_back(stage: Stage) -> list[str]:
    """A text from a phone given up brings it back: the alert in force that did not reach it goes to it, and the next one."""
    before = len(stage.texts_to(GONE))
    await stage.text(GONE, "WHERE")
    faults = [] if await _becomes(stage, GONE, unreachable=False) else ["A text from the phone did not bring it back."]
    try:
        async with asyncio.timeout(DEADLINE_S):
            while len(stage.texts_to(GONE)) == before:
                await asyncio.sleep(0.05)
    except TimeoutError:
        faults.append("The phone that came back did not get the alert in force.")
    return faults if await _tried(stage) == 1 else [*faults, "The phone that came back got no alert."]


async def _tried(stage: Stage) -> int:
    """How often one more alert is sent to the phone that is gone."""
    before = len(stage.texts_to(GONE))
    await _alert(stage)
    return len(stage.texts_to(GONE)) - before


def settle(stage: Stage) -> None:
    """Whom the stories need beforehand: a phone out of service, whose owner has a mailbox too, and one that nobody answers."""
    stage.settle(SILENT, Known(standing=Standing.ACTIVE, language="es"))
    stage.settle(GONE, Known(standing=Standing.ACTIVE, language="en", places=(Kept(label="HOME", spot=ZipArea(QUIET_ZIP)),)))
    stage.books.write_now(partial(_add_mailbox, stage=stage))


def _add_mailbox(conn: Connection, stage: Stage) -> None:
    known = store.find_address(conn, "sms", stage.town.ring.blind("sms", GONE))
    assert known is not None
    said = Said(at=stage.clock.now(), source="test", evidence="", terms="")
    new = NewAddress(channel="email", address=MAILBOX, language="en", basis=Basis.OPT_IN)
    store.add_address(conn, known.subscriber_id, new, stage.town.ring, said)


async def _alert(stage: Stage) -> None:
    """One that ends by itself: nothing of it is sent anew while weeks pass."""
    ends = stage.clock.now() + timedelta(hours=4)
    alert_id = await stage.town.send(PASSING | {"expires": ends.isoformat(timespec="seconds")})
    await stage.town.until(alert_id, "active")


async def _becomes(stage: Stage, phone: str, *, unreachable: bool) -> bool:
    def looks(conn: Connection) -> bool:
        known = store.find_address(conn, "sms", stage.town.ring.blind("sms", phone))
        return known is not None and (known.unreachable_at is not None) is unreachable

    try:
        async with asyncio.timeout(DEADLINE_S):
            while not stage.books.read_now(looks):
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True


Story = Callable[..., Any]
