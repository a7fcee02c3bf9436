"""Own and foreign alerts, request by request of the API, straight from its list: whoever adds a request says here whose objects
it may touch, or this fails."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from notify.alerts import register
from notify.alerts.life import Status
from notify.web.openapi import path_of
from tests.notify.api_factory import Answered, Desk, a_desk
from tests.notify.matrix_factory import LIMITED, WRITER, Expected, Rule, an_alert, hire, how_things_stand
from tests.notify.newsroom_factory import BOIL_WATER

pytestmark = pytest.mark.asyncio(loop_scope="module")
ALERT, STAFF, GRANT = "/api/v1/alerts/{alert_id}", "/api/v1/staff/{person_id}", "/api/v1/grants/{grant_id}"
WEBHOOK = "/api/v1/webhooks/{webhook_id}"
SURGE = "/api/v1/surge/activations/{activation_id}"
DESK, RECORDINGS = "/api/v1/surge/desk", "/api/v1/surge/recordings"
ANY = Expected(rule=Rule.ROLE)
REASON = {"reason": "Why not."}
# Alerts are read by everybody whose role reads: limits narrow what somebody does, not what they know.
EXPECTED: dict[str, Expected] = {
    "GET /healthz": ANY,
    "GET /readyz": ANY,
    "GET /metrics": ANY,
    "GET /api/v1/openapi.json": ANY,
    "GET /api/v1/status": ANY,
    "GET /api/v1/hold": ANY,
    "POST /api/v1/release": Expected(rule=Rule.ROLE, given=REASON),
    "POST /api/v1/release/agree": Expected(
        rule=Rule.ROLE, given={"digest": "0"}
    ),  # never who asked: tests/console/test_held.py
    "POST /api/v1/release/refuse": ANY,
    "GET /api/v1/alerts": ANY,
    f"GET {ALERT}": ANY,
    f"GET {ALERT}/preview": ANY,
    f"GET {ALERT}/deliveries": ANY,
    f"GET {ALERT}/progress": ANY,
    "POST /api/v1/alerts": Expected(rule=Rule.LIMITS, given=BOIL_WATER),
    f"PUT {ALERT}": Expected(rule=Rule.LIMITS, given=BOIL_WATER | {"short": True}),
    "POST /api/v1/preview": ANY,
    f"POST {ALERT}/submit": Expected(rule=Rule.LIMITS),
    f"POST {ALERT}/approve": Expected(rule=Rule.NOT_OWN, state=Status.PENDING),
    f"POST {ALERT}/return": Expected(rule=Rule.LIMITS, state=Status.PENDING, given=REASON),
    f"POST {ALERT}/reject": Expected(rule=Rule.LIMITS, state=Status.PENDING, given=REASON),
    f"POST {ALERT}/send": Expected(rule=Rule.SENDER, state=Status.APPROVED),
    f"POST {ALERT}/stop": Expected(rule=Rule.LIMITS, state=Status.COUNTDOWN, given=REASON),
    f"POST {ALERT}/update": Expected(rule=Rule.LIMITS, state=Status.COUNTDOWN),
    f"POST {ALERT}/correct": Expected(rule=Rule.LIMITS, state=Status.COUNTDOWN),
    f"POST {ALERT}/clear": Expected(rule=Rule.LIMITS, state=Status.COUNTDOWN),
    f"POST {ALERT}/cancel": Expected(rule=Rule.LIMITS, state=Status.COUNTDOWN),
    f"POST {ALERT}/rehearse": ANY,  # goes to oneself or the duty list alone
    f"POST {ALERT}/page": ANY,  # calls those who may decide, once a minute
    "GET /api/v1/areas": ANY,
    "GET /api/v1/areas.geojson": ANY,
    "POST /api/v1/areas/preview": ANY,
    "POST /api/v1/areas": ANY,
    "GET /api/v1/subscribers": ANY,
    "GET /api/v1/audit": ANY,
    "GET /api/v1/audit.csv": ANY,
    "GET /api/v1/incidents/{incident_id}/report": ANY,
    "GET /api/v1/incidents/{incident_id}/report.csv": ANY,
    "POST /api/v1/residents/look-up": ANY,
    f"GET {ALERT}/cap": ANY,
    "GET /api/v1/received": ANY,
    "GET /api/v1/received/{received_id}": ANY,
    "POST /api/v1/received": ANY,  # a source hands in its own, by its name (tests/notify/received/test_office.py)
    "POST /api/v1/received/{received_id}/draft": ANY,  # a new draft, within one's limits as any (the same file)
    "GET /api/v1/staff": ANY,
    "POST /api/v1/staff": ANY,
    f"POST {STAFF}/invitation": ANY,
    f"POST {STAFF}/token": ANY,
    f"POST {STAFF}/sign-out": ANY,
    f"POST {STAFF}/disable": ANY,
    f"POST {STAFF}/identity": ANY,  # a second administrator agrees where it opens strong powers
    f"POST {STAFF}/identity/remove": ANY,
    # One's own, and nobody else's: tests/notify/test_api_passkeys.py.
    "GET /api/v1/passkeys": ANY,
    "POST /api/v1/passkeys": ANY,
    **{f"POST /api/v1/passkeys/{act}": ANY for act in ("proof", "challenge")},
    **{f"POST /api/v1/passkeys/{{passkey_id}}/{act}": ANY for act in ("rename", "remove")},
    f"GET {STAFF}/passkeys": ANY,
    f"POST {STAFF}/passkeys/{{passkey_id}}/remove": ANY,
    # One's own, and nobody else's, whom an administrator looks after: tests/notify/test_api_contacts.py.
    "GET /api/v1/contacts": ANY,
    **{f"POST /api/v1/contacts/{deed}": ANY for deed in ("give", "confirm", "remove", "call")},
    "GET /api/v1/on-call": ANY,
    **{f"POST /api/v1/on-call/{{person_id}}/{deed}": ANY for deed in ("give", "remove", "call", "turn")},
    "GET /api/v1/translations": ANY,
    "GET /api/v1/translations/{language}": ANY,
    **{f"POST /api/v1/translations/{{language}}/{act}": ANY for act in ("review", "ask-for-change")},
    "GET /api/v1/grants": ANY,
    f"POST {GRANT}/give": Expected(rule=Rule.SECOND_ADMIN),
    f"POST {GRANT}/refuse": Expected(rule=Rule.SECOND_ADMIN),
    # One activation at a time, everybody's; who armed it never opens it (tests/surge/test_surge_api.py).
    "GET /api/v1/surge": ANY,
    "GET /api/v1/webhooks": ANY,
    "POST /api/v1/webhooks": ANY,
    f"GET {WEBHOOK}": ANY,
    f"GET {WEBHOOK}/messages": ANY,
    f"GET {WEBHOOK}/log": ANY,
    **{f"POST {WEBHOOK}/{act}": Expected(rule=Rule.SECOND_ADMIN) for act in ("agree", "refuse")},
    **{f"POST {WEBHOOK}/{act}": ANY for act in ("confirm", "test", "resume", "end", "replay")},
    "GET /api/v1/surge/activations": ANY,
    "POST /api/v1/surge/activations": ANY,
    f"GET {SURGE}": ANY,
    **{f"POST {SURGE}/{act}": ANY for act in ("arm", "disarm", "open", "level", "stand-down", "close", "report")},
    f"GET {SURGE}/facts": ANY,
    f"POST {SURGE}/facts": ANY,
    f"POST {SURGE}/facts/{{fact_id}}/recall": ANY,
    f"GET {SURGE}/script": ANY,
    f"GET {SURGE}/script/{{version}}": ANY,
    f"POST {SURGE}/script": ANY,
    "POST /api/v1/surge/tests": ANY,
    "GET /api/v1/surge/report": ANY,
    **{f"GET /api/v1/open311/v2/{what}.{form}": ANY for what in ("services", "requests") for form in ("xml", "json")},
    "POST /api/v1/surge/intervals": ANY,
    # A contact is its agent's alone; who else asks for it is told that it is not theirs (tests/console/test_desk_api.py).
    "GET /api/v1/surge/desk": ANY,
    "GET /api/v1/surge/desk/answers": ANY,
    **{
        f"POST {DESK}/{act}": ANY
        for act in ("state", "next", "read", "tally", "place/look-up", "texts", "walk-ins", "questions")
    },
    **{f"POST {DESK}/contacts/{{contact_id}}/{act}": ANY for act in ("finish", "answer", "emergency-centre")},
    "GET /api/v1/surge/questions": ANY,
    **{f"POST /api/v1/surge/questions/{{question_id}}/{act}": ANY for act in ("drop", "merge")},
    "POST /api/v1/surge/answers": ANY,
    "POST /api/v1/surge/answers/{faq_id}/withdraw": ANY,
    **{f"{method} /api/v1/surge/needs{one}": ANY for method in ("GET", "POST") for one in ("", "/{need_id}")},
    "GET /api/v1/surge/agents": ANY,
    "POST /api/v1/surge/agents": ANY,
    "POST /api/v1/surge/agents/{person_id}/end": ANY,
    f"POST {DESK}/start": ANY,  # one's own practice
    # Prompts are everybody's; never released by who recorded them (tests/console/test_recordings.py).
    f"GET {RECORDINGS}": ANY,
    f"GET {RECORDINGS}/languages/{{language}}": ANY,
    f"POST {RECORDINGS}/calls": ANY,  # at one's own confirmed telephone
    **{f"POST {RECORDINGS}/{{take_id}}/{act}": ANY for act in ("release", "refuse")},
    f"GET {RECORDINGS}/{{take_id}}/sound": ANY,
    "GET /api/v1/websub/subscriptions": ANY,
    "GET /api/v1/drills": ANY,
    "POST /api/v1/drills": ANY,
    "GET /api/v1/drills/{drill_id}": ANY,
    "POST /api/v1/drills/{drill_id}/end": ANY,
    **{f"GET /api/v1/drills/{{drill_id}}/{what}": ANY for what in ("scorecard", "scorecard.csv")},
}
ON_ALERTS = [name for name, one in EXPECTED.items() if one.rule in (Rule.LIMITS, Rule.NOT_OWN, Rule.SENDER)]
FOLLOW_UPS = ("/update", "/correct", "/clear", "/cancel")
# What each of them would have to change so that what they write themselves lies within their limits.
NARROWED: dict[str, dict[str, Any]] = {
    "flood-only": {"hazard": "flood"},
    "lents-only": {"area": {"names": ["Lents"]}},
    "mail-only": {"channels": ["email"]},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("objects") / "home", migrated_sqlite, countdown_s=600) as found:
        hire(found.served.running.service, found.served.tokens.__setitem__)
        found.staff("second-admin", ["admin"])
        yield found


async def tried(desk: Desk, who: str, name: str, alert_id: str, given: object) -> Answered:
    method, _, path = name.partition(" ")
    key = f"{who} {name} {alert_id} {given}"[:250]
    return await desk.ask(who, method, path.replace("{alert_id}", alert_id), given, key, If_Match="*")


def given_to(desk: Desk, name: str, alert_id: str) -> dict[str, Any]:
    if not name.endswith("/approve"):
        return dict(EXPECTED[name].given)
    row = desk.served.running.service.db.read_now(lambda conn: register.alert(conn, alert_id))
    return {"digest": row.digest or ""}


def changes(who: str, name: str) -> list[dict[str, Any]]:
    """What somebody who is limited might write instead, to slip through: nothing else, or what lies within their limits."""
    may_write = name.startswith("PUT") or name.endswith(FOLLOW_UPS)
    return [{}, NARROWED[who]] if may_write and who in NARROWED else [{}]


async def test_every_request_says_whose_objects_it_may_touch(desk: Desk) -> None:
    there = {f"{one.method} {path_of(one)}" for one in desk.endpoints}
    assert there == set(EXPECTED), "declare what is new in EXPECTED: who may do it to what is not theirs"


@pytest.mark.parametrize("name", ON_ALERTS)
async def test_an_alert_is_touched_by_those_who_may_and_nobody_else(desk: Desk, name: str) -> None:
    service, expected = desk.served.running.service, EXPECTED[name]
    alert_id = an_alert(service, expected.state)
    before = how_things_stand(service)
    for who in expected.may_not:
        for change in changes(who, name):
            answer = await tried(desk, who, name, alert_id, given_to(desk, name, alert_id) | change)
            assert answer.status == 403, f"{who} {name} {change}: {answer.status} {answer.text}"
    assert how_things_stand(service) == before, f"{name}: what was refused changed something"
    for who in expected.may:
        alert_id = an_alert(service, expected.state)
        answer = await tried(desk, who, name, alert_id, given_to(desk, name, alert_id))
        assert answer.status in (200, 201), f"{who} {name}: {answer.status} {answer.text}"


@pytest.mark.parametrize("who", LIMITED)
async def test_whoever_is_limited_reads_everything_and_writes_what_is_theirs(desk: Desk, who: str) -> None:
    alert_id = an_alert(desk.served.running.service, Status.DRAFT)
    for path in (f"/{alert_id}", f"/{alert_id}/preview", f"/{alert_id}/deliveries", f"/{alert_id}/progress"):
        assert (await desk.ask(who, "GET", f"/api/v1/alerts{path}")).status == 200, path
    if who != "flood-only":  # its words are others
        theirs: dict[str, Any] = NARROWED[who]
        made = await desk.ask(who, "POST", "/api/v1/alerts", BOIL_WATER | theirs, f"{who} theirs")
        assert made.status == 201 and made.reply["author"] == who, made.text


@pytest.mark.parametrize("word", ["give", "refuse"])
async def test_no_administrator_answers_what_they_asked_for_themselves(desk: Desk, word: str) -> None:
    asked = {"person_id": f"night-{word}", "roles": ["approver"]}
    await desk.ask("admin", "POST", "/api/v1/staff", asked, f"ask {word}")
    (grant,) = (await desk.ask("admin", "GET", "/api/v1/grants")).reply["grants"]
    path = f"/api/v1/grants/{grant['grant_id']}/{word}"
    assert (await desk.ask("admin", "POST", path, {}, f"own {word}")).status == 403
    assert (await desk.ask(WRITER, "POST", path, {}, f"writer {word}")).status == 403
    assert len((await desk.ask("admin", "GET", "/api/v1/grants")).reply["grants"]) == 1
    assert (await desk.ask("second-admin", "POST", path, {}, f"second {word}")).status == 200
