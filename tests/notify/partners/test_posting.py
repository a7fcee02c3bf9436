"""Alerts reach partner agencies over real sockets: signed, in order, once their page is out, and whatever the receiver does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import text

from notify.alerts import register
from notify.alerts.alert import Stage
from notify.alerts.broadcast import NotAllowed
from notify.alerts.life import Status
from notify.clock import ManualClock
from notify.db import Database
from notify.partners import patience, webhook_rows
from notify.partners.webhook import Reality, Shape, Wanted, problems
from notify.partners.webhook_verbs import BadWebhook
from notify.sending.outbox import Tampered
from tests.notify.duties_factory import watching
from tests.notify.newsroom_factory import Room, follow_up
from tests.notify.receivers import endless, listening, saying, silent
from tests.notify.test_duties import road
from tests.notify.webhook_factory import ONE, REAL, Agency, Bureau, a_bureau, an_agency, status


@pytest_asyncio.fixture
async def bureau(db: Database, clock: ManualClock) -> AsyncIterator[Bureau]:
    async with a_bureau(db, clock) as found:
        yield found


@pytest_asyncio.fixture
async def small(store: Database, clock: ManualClock) -> AsyncIterator[Bureau]:
    """For what has nothing to do with the kind of database."""
    async with a_bureau(store, clock, timeout_s=60) as found:
        yield found


@pytest_asyncio.fixture
async def impatient(store: Database, clock: ManualClock) -> AsyncIterator[Bureau]:
    async with a_bureau(store, clock, timeout_s=2) as found:
        yield found


@pytest_asyncio.fixture
async def agency(clock: ManualClock) -> AsyncIterator[Agency]:
    async with an_agency(clock) as found:
        yield found


async def test_an_incident_reaches_a_partner_signed_and_in_order(bureau: Bureau, agency: Agency) -> None:
    room = Room.on(bureau.db, bureau.clock)
    await bureau.active("county-health", agency)
    first = room.pressed()
    bureau.starts(first)
    await bureau.turn()
    clear = room.pressed(follow_up(first, Stage.ALL_CLEAR))
    bureau.starts(clear)
    bureau.do("test", "county-health")
    await bureau.turn()
    assert agency.kinds == ["challenge", "alert", "alert", "test"]
    assert agency.numbers == [1, 2, 3, 4]
    told, over = agency.bodies[1:3]
    event = room.event(first)
    assert told["cap"]["url"].endswith(f"/cap/{event.identifier}.xml")
    assert (told["cap"]["msgType"], told["hazard"], told["mode"], told["test"]) == ("Alert", "boil_water", "demo", False)
    assert (over["stage"], over["cap"]["references"]) == ("all_clear", [event.identifier])
    assert [one.standing for one in bureau.postings("county-health")] == ["taken"] * 4
    assert len({headers["webhook-id"] for headers, _ in agency.raw}) == 4


async def test_nothing_leaves_before_a_second_administrator_agrees_and_the_address_answers(
    bureau: Bureau, agency: Agency
) -> None:
    room = Room.on(bureau.db, bureau.clock)
    bureau.want("county-health", agency.url)
    await bureau.turn()
    assert agency.bodies == []
    with pytest.raises(NotAllowed, match="another administrator"):
        bureau.db.write_now(lambda conn: bureau.verbs.agree(conn, ONE, "county-health"))
    agency.answers.append(status(200))  # a page that says yes to everything is no proof
    agency.secret = bureau.agree("county-health")
    await bureau.turn()
    assert bureau.row("county-health").state == "unconfirmed"
    bureau.starts(room.pressed())
    assert [one.kind for one in bureau.postings("county-health")] == ["challenge"]
    bureau.clock.forward(timedelta(seconds=2))
    await bureau.turn()
    assert bureau.row("county-health").state == "active"
    assert agency.kinds == ["challenge"]


async def test_a_posting_waits_until_the_page_it_points_at_is_out(bureau: Bureau, agency: Agency) -> None:
    room = Room.on(bureau.db, bureau.clock)
    await bureau.active("county-health", agency)
    alert = room.pressed()
    bureau.starts(alert, published=False)
    await bureau.turn()
    assert agency.kinds == ["challenge"]
    bureau.db.write_now(lambda conn: register.set_status(conn, alert, Status.SENDING, bureau.clock.now()))
    await bureau.turn()
    assert agency.kinds == ["challenge", "alert"]


async def test_a_receiver_that_fails_gets_the_same_message_again_and_nothing_newer_before_it(
    bureau: Bureau, agency: Agency
) -> None:
    await bureau.active("county-health", agency)
    agency.answers += [status(503), status(500)]
    bureau.do("test", "county-health")
    bureau.do("test", "county-health")
    await bureau.turn()
    await bureau.turn()  # too early: nothing is tried
    assert [one.status for one in bureau.tries("county-health")] == [503, 200]
    bureau.clock.forward(timedelta(seconds=2))
    await bureau.turn()
    bureau.clock.forward(timedelta(seconds=7))
    await bureau.turn()
    assert agency.numbers == [1, 2, 3]
    assert [one.attempts for one in bureau.postings("county-health")] == [1, 3, 1]
    assert bureau.row("county-health").failing_since is None


async def test_a_new_alert_is_tried_at_once_also_where_an_older_message_waits(bureau: Bureau, agency: Agency) -> None:
    await bureau.active("county-health", agency)
    agency.answers.append(status(503, Retry_After="600"))
    bureau.do("test", "county-health")
    await bureau.turn()
    bureau.do("test", "county-health")
    await bureau.turn()
    assert agency.numbers == [1, 2, 3]


async def test_two_processes_post_everything_once_and_in_order(bureau: Bureau, agency: Agency, db: Database) -> None:
    await bureau.active("county-health", agency)
    async with a_bureau(db, bureau.clock) as other:
        for _ in range(20):
            bureau.do("test", "county-health")
            await asyncio.gather(bureau.poster.tick(), other.poster.tick())
        while any(one.standing == "waiting" for one in bureau.postings("county-health")):
            await asyncio.gather(bureau.turn(), other.turn())
    assert agency.numbers == list(range(1, 22))


async def test_a_process_killed_in_the_middle_leaves_its_posting_to_the_next(
    bureau: Bureau, agency: Agency, db: Database
) -> None:
    """The receiver has answered, nobody has noted it: the same id comes again, after the lease."""
    await bureau.active("county-health", agency)
    bureau.do("test", "county-health")
    arrived = asyncio.Event()

    async def hold(request: web.Request) -> web.StreamResponse:
        await agency.take(request)
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    agency.answers.append(hold)
    await bureau.poster.tick()
    await arrived.wait()
    for task in bureau.poster._tasks.values():
        task.cancel()
    bureau.poster._tasks.clear()
    async with a_bureau(db, bureau.clock) as other:
        await other.turn()
        assert agency.numbers == [1, 2]  # its lease still runs
        bureau.clock.forward(webhook_rows.LEASE)
        await other.turn()
    assert agency.numbers == [1, 2, 2]
    assert agency.raw[1][0]["webhook-id"] == agency.raw[2][0]["webhook-id"]
    assert agency.raw[1][1] == agency.raw[2][1]


async def test_an_outcome_that_comes_after_somebody_else_took_over_changes_nothing(bureau: Bureau, agency: Agency) -> None:
    await bureau.active("county-health", agency)
    bureau.do("test", "county-health")

    async def overtaken(request: web.Request) -> web.StreamResponse:
        steal = text("UPDATE webhook SET fence = fence + 1, lease_until = NULL")
        await bureau.db.write(lambda conn: conn.execute(steal))
        return web.Response(status=410)

    agency.answers.append(overtaken)
    await bureau.turn()
    assert bureau.row("county-health").state == "active"
    await bureau.turn()
    assert agency.numbers == [1, 2]


async def test_who_was_told_of_an_incident_is_told_of_its_end_whatever_was_chosen(bureau: Bureau, agency: Agency) -> None:
    """Real alerts only: a webhook for floods hears nothing of the water; what is expired is said, too."""
    room = Room.on(bureau.db, bureau.clock)
    await bureau.active("county-health", agency, hazards=("boil_water",), realities=REAL)
    first = room.pressed()
    bureau.starts(first)
    await bureau.turn()
    bureau.db.write_now(lambda conn: conn.execute(text("UPDATE webhook SET hazards = '[\"flood\"]', least = 'Extreme'")))
    bureau.starts(room.pressed(follow_up(first, Stage.ALL_CLEAR)))
    bureau.starts(room.pressed())
    await bureau.turn()
    assert [body["stage"] for body in agency.bodies[1:]] == ["first", "all_clear"]


async def test_an_alert_that_expires_without_a_word_is_said_to_be_over(small: Bureau, agency: Agency) -> None:
    room = Room.on(small.db, small.clock)
    await small.active("county-health", agency)
    alert = road(room)
    async with watching(small.db, small.clock, room.newsroom.assembler) as watch:
        watch.conductor.partners = webhook_rows.plan
        await watch.turn()
        await small.turn()
        small.clock.forward(room.event(alert).expires_at - small.clock.now())
        await watch.turn()
        await watch.turn()
    await small.turn()
    assert agency.kinds == ["challenge", "alert", "ended"]
    assert (agency.bodies[2]["ended"], agency.bodies[2]["alert"]) == ("expired", alert)


async def test_a_replay_brings_the_same_messages_again_in_order_and_then_what_is_new(bureau: Bureau, agency: Agency) -> None:
    await bureau.active("county-health", agency)
    for _ in range(3):
        bureau.do("test", "county-health")
    await bureau.turn()
    before = list(agency.raw)
    assert bureau.do("replay", "county-health", 3) == 2
    bureau.do("test", "county-health")
    await bureau.turn()
    assert agency.numbers == [1, 2, 3, 4, 3, 4, 5]
    assert [body for _, body in agency.raw[4:6]] == [body for _, body in before[2:4]]
    assert [headers["webhook-id"] for headers, _ in agency.raw[4:6]] == [headers["webhook-id"] for headers, _ in before[2:4]]


async def test_an_address_that_says_gone_ends_its_webhook(bureau: Bureau, agency: Agency) -> None:
    await bureau.active("county-health", agency)
    agency.answers.append(status(410))
    bureau.do("test", "county-health")
    bureau.do("test", "county-health")
    await bureau.turn()
    assert bureau.row("county-health").state == "ended"
    assert [one.standing for one in bureau.postings("county-health")] == ["taken", "dropped", "dropped"]
    assert "county-health has ended" in bureau.pages[-1]


async def test_a_message_that_is_refused_again_and_again_is_given_up_and_later_ones_go_on(
    small: Bureau, agency: Agency
) -> None:
    await small.active("county-health", agency)
    agency.answers += [status(422)] * patience.REFUSALS
    small.do("test", "county-health")
    small.do("test", "county-health")
    for _ in range(patience.REFUSALS + 1):
        await small.turn()
        small.clock.forward(timedelta(minutes=3))
    assert agency.numbers == [1, 3]
    assert [one.standing for one in small.postings("county-health")] == ["taken", "dropped", "taken"]
    assert any("did not get message 2: HTTP 422" in page for page in small.pages)


async def test_a_receiver_that_is_dead_for_a_day_is_suspended_and_gets_all_it_missed_when_it_is_resumed(
    small: Bureau, agency: Agency
) -> None:
    room = Room.on(small.db, small.clock)
    await small.active("county-health", agency)
    agency.always = status(503)
    small.do("test", "county-health")
    for _ in range(30):
        await small.turn()
        small.clock.forward(timedelta(hours=1))
    row = small.row("county-health")
    assert (row.state, row.why) == ("suspended", "HTTP 503")
    assert ["has failed since" in page or "is suspended" in page for page in small.pages] == [True, True]
    tried = len(small.tries("county-health"))
    small.starts(room.pressed())
    await small.turn()
    assert len(small.tries("county-health")) == tried  # nobody is asked, everything is kept
    agency.always = None
    small.do("resume", "county-health")
    await small.turn()
    assert agency.kinds == ["challenge", "test", "alert"]


async def test_a_dead_a_silent_an_endless_and_a_redirecting_receiver_delay_nobody(impatient: Bureau, agency: Agency) -> None:
    bad = {}
    async with AsyncExitStack() as stack:
        away = saying(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {agency.url}\r\nContent-Length: 0\r\n\r\n".encode())
        for name, talk in (("silent", silent), ("endless", endless), ("redirecting", away)):
            bad[name] = (await stack.enter_async_context(listening(talk))).url
        async with listening() as dead:
            bad["dead"] = dead.url
        for name, url in bad.items():
            impatient.want(name, url)
            impatient.agree(name)
            impatient.trust(name)
        await impatient.active("county-health", agency)
        impatient.clock.forward(timedelta(seconds=10))
        for name in (*bad, "county-health"):
            impatient.do("test", name)
        got = asyncio.Event()

        async def noted(request: web.Request) -> web.StreamResponse:
            got.set()
            return await agency.take(request)

        agency.answers.append(noted)
        await impatient.poster.tick()
        await got.wait()
        assert not impatient.poster._tasks["silent"].done()  # still waits for its answer; nobody waits for it
        await impatient.poster.settle()
    said = {name: impatient.tries(name)[0].said for name in bad}
    assert said["silent"] == "no answer within 2 s"
    assert said["dead"].startswith("no connection")
    assert said["redirecting"] == "HTTP 307: redirects are not followed"
    assert said["endless"] == "" and impatient.row("endless").failures == 0  # it said 200; the rest of it is not read
    assert agency.numbers == [1, 2]


@pytest.mark.parametrize("shape", [Shape.SLACK, Shape.TEAMS])
async def test_slack_and_teams_are_confirmed_by_the_code_that_came_there(
    small: Bureau, clock: ManualClock, shape: Shape
) -> None:
    bodies: list[str] = []

    async def chat(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.text())
        return web.Response(text="ok")

    async with an_agency(clock) as agency:
        agency.always = chat
        room = Room.on(small.db, clock)
        small.want("duty-room", agency.url, shape=shape)
        small.agree("duty-room")
        await small.turn()
        code = small.row("duty-room").code
        assert code in bodies[0]
        with pytest.raises(BadWebhook, match="not the code"):
            small.do("confirm", "duty-room", "00000000x")
        small.do("confirm", "duty-room", f" {code} ")
        small.starts(room.pressed())
        await small.turn()
    assert "DEMO: " in bodies[1] and "boil" in bodies[1].lower()
    assert json.loads(bodies[1])


async def test_an_alert_that_was_changed_in_the_database_is_not_posted_and_somebody_is_told(
    small: Bureau, agency: Agency
) -> None:
    room = Room.on(small.db, small.clock)
    await small.active("county-health", agency)
    alert = room.pressed()
    small.starts(alert)

    def tampered(event_id: str) -> None:
        raise Tampered(f"{event_id} is not what was approved.")

    small.poster.events = tampered  # type: ignore[assignment]
    await small.turn()
    assert agency.kinds == ["challenge"]
    assert "is not what was approved" in small.pages[-1]


async def test_a_clock_set_back_makes_nobody_wait_for_the_hour_to_come_again(small: Bureau, agency: Agency) -> None:
    await small.active("county-health", agency)
    agency.answers.append(status(503))
    small.do("test", "county-health")
    await small.turn()
    small.clock.set(timedelta(hours=-1))
    await small.turn()
    assert agency.numbers == [1, 2]


def test_what_is_wrong_with_a_webhook_is_said_at_once() -> None:
    wanted = Wanted(webhook_id="County!", url="", shape=Shape.JSON, hazards=("dragons",), realities=frozenset[Reality]())
    assert len(problems(wanted, ("flood",), ())) == 3
