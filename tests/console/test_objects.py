"""Own and foreign alerts and powers, page by page of the console, straight from its list of routes: whoever adds a page says
here whose objects it may touch, or this fails."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from notify import audit, keys
from notify.alerts import register
from notify.alerts.life import Status
from notify.console.pages import Console
from notify.web.openapi import BRACES
from notify.web.refusals import EVERY
from tests.console.staff_factory import Browser, House, Page, opened
from tests.console.test_sixty_seconds import TICKED, form
from tests.notify.matrix_factory import LIMITED, SECOND, WRITER, Expected, Rule, an_alert, hire, how_things_stand

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALERT, INCIDENT = "/alerts/{alert_id}", "/incidents/{incident_id}"
ANY = Expected(rule=Rule.ROLE)
OWN = Expected(rule=Rule.OWN)
# Alerts are read by everybody whose role reads: limits narrow what somebody does, not what they know. A draft is a team's.
EXPECTED: dict[str, Expected] = {
    "GET /": ANY,
    "GET /desk": ANY,
    "GET /sign-in": ANY,
    "POST /sign-in": ANY,
    "POST /sign-in/challenge": ANY,
    "POST /sign-in/passkey": ANY,
    "POST /sign-in/identity": ANY,
    "GET /sign-in/identity/return": ANY,  # what it opens is the account's own: tests/console/test_identity.py
    "POST /invitation/{token}/identity": ANY,  # the link is the power
    "POST /prove/identity": OWN,
    "POST /sign-out": OWN,  # ends the session of the browser it comes from; its cookie names it, nothing in the form does
    "GET /prove": OWN,
    "POST /prove": OWN,
    "GET /invitation/{token}": ANY,  # the link is the power
    "POST /invitation/{token}": ANY,
    "GET /enter/{person_id}/{pass}": ANY,
    "GET /p/{token}": OWN,
    "POST /language": ANY,
    "GET /alerts/new": ANY,
    "POST /alerts/new": ANY,
    f"GET {ALERT}/edit": ANY,
    f"POST {ALERT}/edit": Expected(rule=Rule.LIMITS, given=dict(form("1", "save", overwrite="yes"))),
    f"POST {ALERT}/preview": ANY,  # keeps nothing
    f"POST {ALERT}/rehearsal": ANY,  # goes to oneself or the duty officer alone
    f"POST {ALERT}/pages": ANY,  # calls those who may decide, once a minute
    "GET /areas.geojson": ANY,
    f"GET {ALERT}/page/{{language}}": ANY,
    "GET /demo/page.css": ANY,
    f"GET {ALERT}/approval": ANY,
    f"GET {ALERT}/approval/words": ANY,
    f"GET {ALERT}/approval/map.svg": ANY,
    f"POST {ALERT}/approval": Expected(rule=Rule.NOT_OWN, state=Status.PENDING, given=TICKED),
    "GET /alerts": ANY,
    f"GET {ALERT}": ANY,
    f"GET {ALERT}/progress": ANY,
    f"POST {ALERT}/stop": Expected(rule=Rule.LIMITS, state=Status.COUNTDOWN),
    f"POST {ALERT}/send": Expected(rule=Rule.SENDER, state=Status.APPROVED),
    f"GET {ALERT}/retraction": ANY,
    f"POST {ALERT}/retraction": Expected(rule=Rule.MENDS, state=Status.STOPPED),
    f"GET {INCIDENT}": ANY,
    f"GET {INCIDENT}/next": ANY,
    f"POST {INCIDENT}/next": Expected(rule=Rule.LIMITS, state=Status.COUNTDOWN, given={"what": "clear"}),
    "GET /areas": ANY,
    "POST /areas": ANY,
    "GET /service": ANY,
    "GET /words": ANY,
    "GET /passkeys": OWN,
    "POST /passkeys": OWN,
    "POST /passkeys/challenge": OWN,
    "POST /passkeys/{passkey_id}/remove": OWN,
    "POST /passkeys/{passkey_id}/rename": OWN,
    "POST /people/{person_id}/passkeys/{passkey_id}/remove": ANY,  # an administrator's, for what was lost
    "GET /contacts": OWN,
    "POST /contacts/{deed}": OWN,
    "GET /on-call": ANY,
    "POST /on-call/{person_id}/{deed}": ANY,
    "GET /held": ANY,
    "POST /held": ANY,
    "POST /held/agree": ANY,  # never who asked: tests/console/test_held.py
    "POST /held/refuse": ANY,
    "GET /records": ANY,
    "GET /records.csv": ANY,
    "GET /surge": ANY,  # one activation at a time, everybody's; never opened by who armed it
    "POST /surge/choose": ANY,
    "POST /surge/tested": ANY,
    **{f"POST /surge/{step}": ANY for step in ("arm", "disarm", "open", "level", "stand-down", "close", "report")},
    "GET /surge/facts": ANY,
    "POST /surge/facts": ANY,
    "POST /surge/facts/{fact_id}/recall": ANY,
    "POST /surge/script": ANY,
    "GET /surge/script/{version}": ANY,
    f"POST {ALERT}/surge": ANY,  # arms; who sends the alert opens
    "GET /surge/recordings": ANY,  # prompts are everybody's; never released by who recorded them
    "POST /surge/recordings/call": OWN,  # at one's own confirmed telephone
    "POST /surge/recordings/{take_id}/release": ANY,
    "POST /surge/recordings/{take_id}/refuse": ANY,
    "GET /surge/recordings/{take_id}/sound": ANY,
    "GET /surge/report": ANY,
    "GET /surge/report.csv": ANY,
    "GET /surge/report.json": ANY,
    "GET /desk311": OWN,  # the contact in hand is the agent's own
    "GET /desk311/line": ANY,
    "GET /desk311/script": ANY,
    "GET /desk311/worker.js": ANY,
    "GET /desk311/start": OWN,
    "POST /desk311/start": OWN,
    **{f"POST /desk311/{what}": OWN for what in ("state", "next", "read", "tally", "finish", "centre", "answer")},
    **{f"POST /desk311/{what}": ANY for what in ("verdict", "question", "text", "walk-in")},
    "GET /questions": ANY,
    "POST /questions": ANY,
    "POST /questions/{question_id}/{settled}": ANY,
    "POST /answers/{faq_id}/withdraw": ANY,
    "GET /needs": ANY,
    "POST /needs": ANY,
    "GET /needs/map": ANY,
    "GET /needs.csv": ANY,
    "GET /needs.geojson": ANY,
    "GET /needs/{need_id}": ANY,  # a need is every desk's
    "POST /needs/{need_id}": ANY,
    "GET /agents311": ANY,
    "POST /agents311": ANY,
    "POST /agents311/{person_id}/end": ANY,
    "GET /wallboard": ANY,
    "GET /wallboard/progress": ANY,
    "GET /surge/intervals": ANY,
    "POST /surge/intervals": ANY,
    f"GET {INCIDENT}/report": ANY,
    f"GET {INCIDENT}/report.csv": ANY,
    "GET /residents": ANY,
    "POST /residents": ANY,
    f"GET {ALERT}/ipaws.xml": ANY,
    "GET /received": ANY,
    "GET /received/{received_id}": ANY,
    "GET /received/{received_id}/document": ANY,
    "POST /received/{received_id}/draft": ANY,  # a new draft, within one's limits (tests/notify/received/test_office.py)
    "GET /people": ANY,
    "POST /people": ANY,
    "POST /people/{person_id}/{act}": ANY,
    "POST /people/{person_id}/identity": ANY,  # a second administrator agrees where it opens strong powers
    "POST /people/{person_id}/identity/remove": ANY,
    "POST /grants/{grant_id}": Expected(rule=Rule.SECOND_ADMIN),
    "GET /webhooks": ANY,
    "POST /webhooks": ANY,
    "GET /webhooks/{webhook_id}": ANY,
    "POST /webhooks/{webhook_id}/{press}": ANY,  # whoever asked does not agree: tests/console/test_webhooks.py
    "GET /translations": ANY,
    "POST /translations": ANY,
    "GET /drills": ANY,
    "GET /training": ANY,
    "GET /training.csv": ANY,
    "POST /drills": ANY,
    "GET /drills/{drill_id}": ANY,
    "GET /drills/{drill_id}/progress": ANY,
    "POST /drills/{drill_id}/end": ANY,
    "GET /drills/{drill_id}/scorecard.csv": ANY,
}
RETURNED = Expected(rule=Rule.LIMITS, state=Status.PENDING, given={"act": "return", "reason": "Why not."})
ON_ALERTS = [(name, one) for name, one in EXPECTED.items() if one.rule not in (Rule.ROLE, Rule.OWN, Rule.SECOND_ADMIN)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[House]:
    async with opened(tmp_path_factory.mktemp("objects") / "home", migrated_sqlite, countdown_s=600) as found:
        hire(found.served.running.service, lambda *_: None)
        yield found


def plain(path: str) -> str:
    """Without the router's patterns, and without the hash of a style sheet's content."""
    return re.sub(r"\.[0-9a-f]{6,}\.css$", ".css", BRACES.sub(r"{\1}", path))


async def tried(browser: Browser, house: House, name: str, given: Expected, alert_id: str) -> Page:
    path = name.partition(" ")[2].replace("{alert_id}", alert_id).replace("{incident_id}", alert_id.partition("-")[0])
    row = house.served.running.service.db.read_now(lambda conn: register.alert(conn, alert_id))
    fields = {**given.given, **({"digest": row.digest or ""} if path.endswith("/approval") else {})}
    many = [("names", "Lents"), ("channels", "sms"), ("channels", "feed")] if path.endswith("/edit") else []
    return await browser.post(path, [*fields.items(), *many])


async def test_every_page_says_whose_objects_it_may_touch(house: House) -> None:
    service = house.served.running.service
    routes = Console(service, keys.load(house.served.home / "keys.toml"), house.served.url).routes
    there = {f"{one.method} {plain(one.path)}" for one in routes}
    assert there - set(EXPECTED) == set(), "declare what is new in EXPECTED: who may do it to what is not theirs"


@pytest.mark.parametrize("name,expected", [*ON_ALERTS, (f"POST {ALERT}/approval", RETURNED)])
async def test_an_alert_is_touched_by_those_who_may_and_nobody_else(house: House, name: str, expected: Expected) -> None:
    service = house.served.running.service
    alert_id = an_alert(service, expected.state)
    browsers = {who: await house.signed_in(who) for who in (*expected.may, *expected.may_not)}
    before = how_things_stand(service)
    for who in expected.may_not:
        page = await tried(browsers[who], house, name, expected, alert_id)
        assert page.status == 403, f"{who} {name}: {page.status} {page.words}"
    assert how_things_stand(service) == before, f"{name}: what was refused changed something"
    for who in expected.may:
        alert_id = an_alert(service, expected.state)
        page = await tried(browsers[who], house, name, expected, alert_id)
        assert page.status == 200, f"{who} {name}: {page.status} {page.words}"
        assert how_things_stand(service) != before, f"{who} {name} did nothing"


@pytest.mark.parametrize("who", LIMITED)
async def test_whoever_is_limited_reads_everything_and_begins_what_is_theirs(house: House, who: str) -> None:
    """A new draft lies within their limits from the start: the usual whole city would be refused before a word is written."""
    browser = await house.signed_in(who)
    alert_id = an_alert(house.served.running.service, Status.DRAFT)
    for path in (f"/alerts/{alert_id}", f"/alerts/{alert_id}/edit", "/alerts", "/records"):
        assert (await browser.get(path)).status == 200, path
    page = await browser.post("/alerts/new", {"hazard": "flood" if who == "flood-only" else "boil_water"})
    assert page.status == 200 and page.url.path.endswith("/edit"), page.words
    page = await browser.post("/alerts/new", {"hazard": "boil_water"})
    assert (page.status == 403) == (who == "flood-only"), page.words


async def test_no_administrator_answers_what_they_asked_for_themselves(house: House) -> None:
    admin = await house.signed_in("admin")
    page = await admin.post("/people", [("person", "night-approver"), ("roles", "approver")])
    assert page.status == 200, page.words
    for act in ("give", "refuse"):
        assert (await admin.post("/grants/1", {"act": act})).status == 403
    assert "night-approver" in (await admin.get("/people")).words


async def test_each_refusal_of_role_mark_and_origin_stands_in_the_log_once_a_minute(house: House) -> None:
    db = house.served.running.service.db
    alert_id = an_alert(house.served.running.service, Status.DRAFT)
    house.clock.forward(2 * EVERY)
    before = len(db.read_now(audit.lines))
    viewer, writer, second = [await house.signed_in(who) for who in ("viewer", WRITER, SECOND)]
    for _ in range(3):
        assert (await viewer.post(f"/alerts/{alert_id}/stop")).status == 403
        assert (await writer.post(f"/alerts/{alert_id}/send", {"mark": "f" * 32})).status == 403
        assert (await second.post(f"/alerts/{alert_id}/pages", {}, **{"Sec-Fetch-Site": "cross-site"})).status in (403, 404)
    lines = [line for line in db.read_now(audit.lines)[before:] if line.action == "was refused"]
    told = [(line.actor, line.subject) for line in lines]
    assert told[:2] == [("viewer", alert_id), (WRITER, alert_id)] and len(told) == len(set(told))
    assert "too old" in lines[1].detail
