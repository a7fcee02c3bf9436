"""The WebSub hub over real sockets: who asked and meant it gets each change at once, signed; nobody else gets anything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from sqlalchemy import text

from channels.feed_folder import FeedFolder
from notify.clock import ManualClock
from notify.db import Database
from notify.partners.address import Rules
from notify.partners.egress import Egress
from notify.publishing import feeds
from notify.publishing.bulletin import Bulletin
from notify.web import public
from notify.websub import asking, hub, subscriptions
from notify.websub.hub import Hub, link
from notify.websub.routes import FORM, routes
from notify.websub.topics import addresses, topics
from subscribers.sealing import Keyring
from tests.notify.feed_factory import NOON, a_bulletin, a_site
from tests.notify.websub.subscribers import Crowd, crowd, form, is_signed

SITE = a_site(languages=("en", "es"))
ATOM = "https://alerts.example.gov/feeds/active.atom"
RING = Keyring(current="k1", keys={"k1": b"1" * 32}, blind_key=b"2" * 32)
LET_IN = Rules(inside=(ip_network("127.0.0.0/8"),), plain=True)


@dataclass
class Stand:
    """A city's folder, its hub, and the address the hub is asked at."""

    hub: Hub
    people: Crowd
    clock: ManualClock
    url: str
    session: ClientSession
    rules: Rules = LET_IN

    def publish(self, *bulletins: Bulletin) -> None:
        FeedFolder(self.hub.folder).write(feeds.files(bulletins, self.clock.now(), SITE))
        self.hub.wake()

    async def ask(self, body: str, kind: str = FORM) -> tuple[int, str]:
        async with self.session.post(f"{self.url}/hub", data=body, headers={"Content-Type": kind}) as answer:
            return answer.status, await answer.text()

    async def turn(self) -> None:
        """What is asked, verified, told at first: until nothing is under way and nothing is due."""
        for _ in range(4):
            await self.hub.tick()
            await self.hub.settle()

    async def subscribe(self, path: str, topic: str = ATOM, **more: str) -> None:
        status, said = await self.ask(form(topic, self.people.url + path, **more))
        assert status == 202, said
        await self.turn()


@asynccontextmanager
async def a_stand(db: Database, folder: Path, people: Crowd, clock: ManualClock, rules: Rules = LET_IN) -> AsyncIterator[Stand]:
    way_out = Egress(rules)
    way_out.open()
    made = Hub(
        db=db,
        clock=clock,
        ring=RING,
        egress=way_out,
        folder=folder,
        topics=topics(SITE),
        url=SITE.url(SITE.hub()),
    )
    application = web.Application()
    links = {name: link(made.url, topic) for name, topic in addresses(SITE).items()}
    application.add_routes([*routes(made, SITE, 0), *public.routes(folder, links=links)])
    async with TestServer(application) as server, ClientSession() as session:
        stand = Stand(made, people, clock, str(server.make_url("")).rstrip("/"), session)
        if not folder.exists():
            stand.publish()
        yield stand
        await made.close()


@pytest.fixture
async def stand(store: Database, tmp_path: Path) -> AsyncIterator[Stand]:
    async with crowd() as people, a_stand(store, tmp_path / "public", people, ManualClock(NOON)) as found:
        yield found


@pytest.fixture
async def either(db: Database, tmp_path: Path) -> AsyncIterator[Stand]:
    async with crowd() as people, a_stand(db, tmp_path / "public", people, ManualClock(NOON)) as found:
        yield found


async def test_who_meant_it_gets_the_feed_at_once_and_each_change_signed(either: Stand) -> None:
    await either.subscribe("/one", secret="a word of theirs", lease_seconds="86400")
    (asked,) = either.people.verified["/one"]
    assert asked["hub.mode"] == "subscribe" and asked["hub.topic"] == ATOM and asked["hub.lease_seconds"] == "86400"
    assert len(asked["hub.challenge"]) >= 40
    assert len(either.people.bodies("/one")) == 1, "what is true now"
    either.publish(a_bulletin(1))
    await either.turn()
    headers, body = either.people.delivered["/one"][-1]
    assert body == (either.hub.folder / "feeds/active.atom").read_bytes() and b"K7Q2" in body
    assert is_signed("a word of theirs", headers, body)
    assert headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    assert headers["Link"] == f'<https://alerts.example.gov/hub>; rel="hub", <{ATOM}>; rel="self"'
    kept = await either.hub.db.read(lambda conn: conn.execute(text("SELECT secret FROM websub_subscription")).scalar_one())
    assert b"a word of theirs" not in bytes(kept)


async def test_a_heartbeat_alone_is_not_pushed(stand: Stand) -> None:
    for topic in (ATOM, ATOM.replace("atom", "rss"), ATOM.replace("atom", "geojson")):
        await stand.subscribe(f"/{topic[-4:]}", topic)
    told = (stand.hub.folder / "feeds/active.atom").read_bytes()
    stand.clock.forward(timedelta(minutes=6))
    stand.publish()
    await stand.turn()
    assert (stand.hub.folder / "feeds/active.atom").read_bytes() != told
    assert [len(bodies) for bodies in stand.people.delivered.values()] == [1, 1, 1]


async def test_every_feed_names_its_hub_and_itself_and_can_be_subscribed_to_by_that(stand: Stand) -> None:
    for name in ("active.atom", "es/active.rss", "en/active.geojson", "test.atom"):
        async with stand.session.get(f"{stand.url}/feeds/{name}") as answer:
            found = {rel: str(one["url"]) for rel, one in answer.links.items()}
        assert found["hub"] == "https://alerts.example.gov/hub"
        assert found["self"] in stand.hub.topics
    async with stand.session.get(f"{stand.url}/feeds/index.json") as answer:
        assert "Link" not in answer.headers


async def test_who_did_not_mean_it_gets_one_challenge_and_nothing_more(stand: Stand) -> None:
    stand.people.refusing.add("/victim")
    await stand.subscribe("/victim")
    stand.publish(a_bulletin(1))
    await stand.turn()
    assert len(stand.people.verified["/victim"]) == 1 and "/victim" not in stand.people.delivered
    assert await stand.hub.db.read(subscriptions.count) == 0


async def test_a_challenge_is_never_sent_twice_even_when_we_die_in_the_middle(either: Stand) -> None:
    assert (await either.ask(form(ATOM, either.people.url + "/one")))[0] == 202
    taken = await either.hub.db.write(lambda conn: subscriptions.take(conn, RING, 10))
    assert [asked.callback for asked in taken] == [either.people.url + "/one"]
    await either.turn()
    assert either.people.verified == {}


async def test_to_end_a_subscription_takes_its_holders_word_too(either: Stand) -> None:
    await either.subscribe("/one")
    either.people.refusing.add("/one")
    await either.subscribe("/one", mode="unsubscribe")
    assert await either.hub.db.read(subscriptions.count) == 1, "somebody else asked"
    either.people.refusing.clear()
    await either.subscribe("/one", mode="unsubscribe")
    assert either.people.verified["/one"][-1]["hub.mode"] == "unsubscribe"
    assert await either.hub.db.read(subscriptions.count) == 0
    await either.subscribe("/two", mode="unsubscribe")
    assert "/two" not in either.people.verified, "to end what is not there challenges nobody"


async def test_a_lease_ends_unless_it_is_renewed(either: Stand) -> None:
    await either.subscribe("/ends", lease_seconds="3600")
    await either.subscribe("/renews", lease_seconds="3600")
    either.clock.forward(timedelta(minutes=50))
    await either.subscribe("/renews", lease_seconds="7200")
    assert len(either.people.bodies("/renews")) == 1, "a renewal brings nothing that was told before"
    either.clock.forward(timedelta(minutes=50))
    either.publish(a_bulletin(1))
    await either.turn()
    assert [len(either.people.bodies(path)) for path in ("/ends", "/renews")] == [1, 2]
    assert await either.hub.db.read(subscriptions.count) == 1


async def test_a_restart_loses_neither_subscriptions_nor_what_was_not_told(either: Stand) -> None:
    await either.subscribe("/one", secret="theirs")
    assert (await either.ask(form(ATOM, either.people.url + "/asked")))[0] == 202
    await either.hub.close()
    FeedFolder(either.hub.folder).write(feeds.files([a_bulletin(1)], NOON, SITE))
    async with a_stand(either.hub.db, either.hub.folder, either.people, either.clock) as again:
        await again.turn()
    headers, body = either.people.delivered["/one"][-1]
    assert b"K7Q2" in body and is_signed("theirs", headers, body)
    assert len(either.people.bodies("/asked")) == 1, "what waited for its challenge is challenged now"


async def test_one_that_is_dead_slow_or_hostile_delays_nobody(stand: Stand) -> None:
    for number in range(12):
        await stand.subscribe(f"/well/{number}")
        stand.clock.forward(timedelta(seconds=20))
    for path in ("/silent", "/broken", "/sends-us-on"):
        await stand.subscribe(path)
        stand.clock.forward(timedelta(seconds=20))
    stand.people.silent.add("/silent")
    stand.people.answers |= {"/broken": 500, "/sends-us-on": 307}
    stand.publish(a_bulletin(1))
    await stand.hub.tick()
    running = dict(stand.hub._running)
    assert len(running) == 15
    await asyncio.wait(list(running.values()), return_when=asyncio.FIRST_COMPLETED)
    while len(stand.hub._running) > 1:
        await asyncio.wait(stand.hub._running.values(), return_when=asyncio.FIRST_COMPLETED)
    assert all(len(stand.people.bodies(f"/well/{number}")) == 2 for number in range(12)), "while the silent one still hangs"
    assert "/elsewhere" not in stand.people.delivered, "nobody sends us on to another address"
    stand.publish(a_bulletin(1), a_bulletin(2, incident_id="NEXT"))
    await stand.hub.tick()
    while len(stand.hub._running) > 1:
        await asyncio.wait(stand.hub._running.values(), return_when=asyncio.FIRST_COMPLETED)
    assert b"NEXT" in stand.people.bodies("/well/0")[-1], "nor the next alert"


async def test_what_was_not_taken_is_tried_again_later_and_later_and_then_given_up(stand: Stand) -> None:
    await stand.subscribe("/one")
    (taken,) = await stand.hub.db.read(lambda conn: subscriptions.shown(conn, stand.clock.now(), 10))
    assert (taken.delivered_at, taken.failures, taken.failing_since) == (stand.clock.now(), 0, None)
    stand.people.answers["/one"] = 503
    stand.publish(a_bulletin(1))
    await stand.turn()
    assert len(stand.people.bodies("/one")) == 2, "not at once again"
    (failing,) = await stand.hub.db.read(lambda conn: subscriptions.shown(conn, stand.clock.now(), 10))
    assert (failing.delivered_at, failing.failures) == (taken.delivered_at, 1) and failing.failing_since is not None
    stand.clock.forward(hub.WAITS[0])
    await stand.turn()
    assert len(stand.people.bodies("/one")) == 3
    stand.people.answers["/one"] = 200
    stand.clock.forward(hub.WAITS[1])
    await stand.turn()
    assert b"K7Q2" in stand.people.bodies("/one")[-1]
    stand.clock.forward(timedelta(hours=2))
    await stand.turn()
    assert len(stand.people.bodies("/one")) == 4, "what was taken is not told again"
    stand.people.answers["/one"] = 503
    stand.publish()
    for _ in range(30):
        await stand.turn()
        stand.clock.forward(timedelta(hours=1))
    assert await stand.hub.db.read(subscriptions.count) == 0


async def test_who_is_gone_is_not_called_again(stand: Stand) -> None:
    await stand.subscribe("/one")
    stand.people.answers["/one"] = 410
    stand.publish(a_bulletin(1))
    await stand.turn()
    assert await stand.hub.db.read(subscriptions.count) == 0


async def test_a_thousand_requests_against_one_host_are_ten_challenges_a_minute(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand.hub, "_clients", asking.Meter(10_000))  # as if each came from another address
    statuses = [(await stand.ask(form(ATOM, f"{stand.people.url}/{number}")))[0] for number in range(1_000)]
    await stand.turn()
    assert statuses.count(202) == asking.TO_ONE_HOST and set(statuses) == {202, 429}
    assert sum(map(len, stand.people.verified.values())) == asking.TO_ONE_HOST
    stand.clock.forward(timedelta(minutes=1))
    assert (await stand.ask(form(ATOM, f"{stand.people.url}/later")))[0] == 202


async def test_a_host_holds_no_more_than_its_share(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST_OF_HOST", 1)
    await stand.subscribe("/one")
    status, said = await stand.ask(form(ATOM, stand.people.url + "/two"))
    assert status == 503 and "holds 1 subscriptions already" in said
    await stand.subscribe("/one")  # its own may be renewed


@pytest.mark.parametrize(
    "callback", ["http://169.254.169.254/latest", "http://[::1]:9/", "http://10.0.0.1/x", "file:///etc/passwd"]
)
async def test_no_callback_leads_inside(store: Database, tmp_path: Path, callback: str) -> None:
    async with (
        crowd() as people,
        a_stand(store, tmp_path / "public", people, ManualClock(NOON), rules=Rules(plain=True)) as stand,
    ):
        status, said = await stand.ask(form(ATOM, callback))
        assert status == 400 and said.startswith("hub.callback: ")


async def test_everything_wrong_is_said_at_once_and_no_odd_form_is_taken(stand: Stand) -> None:
    status, said = await stand.ask(
        form("https://other.example.gov/feed", "ftp://x", "publish", lease_seconds="-1", secret="s" * 200)
    )
    assert status == 400 and [line.split()[0] for line in said.splitlines()] == [
        "hub.mode",
        "hub.topic",
        "hub.callback:",
        "hub.secret",
        "hub.lease_seconds",
    ]
    assert (await stand.ask(form(ATOM, "http://127.0.0.1/") + "&hub.topic=x"))[0] == 400
    assert (await stand.ask("hub.mode=subscribe", "application/json"))[0] == 415
    assert (await stand.ask("x" * 9_000))[0] == 413
    assert (await stand.ask("\xff\xfe=1"))[0] == 400
    assert (await stand.ask(""))[0] == 400
