"""Recorded prompts at browsers: listed with their state, heard in a player, released by a second person and by nobody else."""

import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import insert

from notify import audit, keys
from notify.alerts.life import Role, Staff
from notify.staff.paging_tables import StaffContact
from notify.web import api
from notify.web.answers import middleware
from surge.pages.office import Side
from surge.recorded import recorded_rows
from surge.recorded.takes import Take
from tests.console.staff_factory import House, opened
from tests.notify.api_schema import faults
from tests.surge.phone_fake import RING
from tests.surge.studio_factory import a_studio, a_wav
from tests.surge.test_recorder import Provider, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")
SPANISH, HOLD, PAGE = "es", "voice.hold", "/surge/recordings"
GOODBYE, WAIT = "voice.goodbye", "voice.wait_next"
BY = Staff(person_id="author", roles=frozenset({Role.AUTHOR}))


@dataclass(slots=True)
class Recorded:
    """house: a running service. room: the same database, with a provider that takes every call. url: of an API in that room."""

    house: House
    room: Room
    url: str

    async def take(self, key: str, body: bytes) -> Take:
        """Recorded and kept by the author."""
        room = self.room
        call_id = (await room.studio.recorder.order(BY, SPANISH, [key])).call_id
        await room.spoken(call_id, 0, body)
        await room.studio.recorder.key(call_id, 0, 0, "1")
        await room.studio.recorder.over(call_id, "completed")
        return (await room.takes(call_id))[0]

    async def hung_up(self) -> None:
        """The author's last call is over."""
        last = await self.room.db.read(lambda conn: recorded_rows.last_call(conn, "author"))
        assert last is not None
        await self.room.studio.recorder.over(last.call_id, "completed")

    async def ask(self, who: str, method: str, path: str, data: Any = None, key: str = "") -> tuple[int, Any]:
        """By the API. key: a new one for each act without it."""
        headers = {"Authorization": f"Bearer {self.house.served.tokens[who]}"}
        headers |= {"Idempotency-Key": key or secrets.token_hex(8)} if method == "POST" else {}
        url = f"{self.url}/api/v1/surge/recordings{path}"
        async with aiohttp.ClientSession() as session, session.request(method, url, json=data, headers=headers) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if "json" in answer.content_type else (answer.content_type, body)

    async def prompt(self, who: str, key: str) -> Any:
        """How one prompt is heard in Spanish."""
        status, reply = await self.ask(who, "GET", f"/languages/{SPANISH}")
        assert status == 200 and faults(reply, "Prompts") == []
        return next(one for one in reply["prompts"] if one["key"] == key)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recorded(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Recorded]:
    async with opened(tmp_path_factory.mktemp("recorded") / "home", migrated_sqlite) as house:
        service, phone = house.served.running.service, Provider()
        sealed = RING.seal("staff sms", "+15035550161")
        contact = StaffContact(
            person_id="author", channel="sms", sealed=sealed.data, key_id=sealed.key_id, confirmed_at=house.clock.now()
        )
        service.db.write_now(lambda conn: conn.execute(insert(StaffContact).values(**contact.model_dump())))
        studio = a_studio(service.db, house.clock, phone)
        app = web.Application(middlewares=[middleware(service.db)])
        app.add_routes(api.routes(service, keys.load(house.served.home / "keys.toml"), side=Side(studio=studio)))
        async with TestServer(app) as server:
            room = Room(studio=studio, phone=phone, clock=house.clock, db=service.db)
            yield Recorded(house, room, str(server.make_url("")).rstrip("/"))


async def test_every_language_is_listed_with_how_far_it_is(recorded: Recorded) -> None:
    viewer = await recorded.house.signed_in("viewer")
    page = await viewer.get(PAGE)
    assert page.status == 200 and "media-src 'self'" in page.headers["Content-Security-Policy"]
    for words in ("Spanish", "read by a voice nobody has reviewed"):
        assert words in page.words
    page = await viewer.get(f"{PAGE}?language={SPANISH}")
    assert HOLD in page.words and "Polly.Lupe-Neural" in page.words and "nobody has reviewed it" in page.words
    assert '<form method="post" action="/surge/recordings' not in page.text
    assert (await viewer.get(f"{PAGE}?language=tlh")).status == 404


async def test_a_second_person_hears_it_and_lets_callers_hear_it(recorded: Recorded) -> None:
    body = a_wav(1.3)
    one = await recorded.take(HOLD, body)
    author, approver = await recorded.house.signed_in("author"), await recorded.house.signed_in("approver")
    page = await author.get(f"{PAGE}?language={SPANISH}")
    way = f"{PAGE}/{one.take_id}"
    assert "You recorded it. Somebody else must hear it and release it." in page.words
    assert f'action="{way}/release"' not in page.text
    assert "1 recordings wait for a second person." in (await author.get(PAGE)).words
    page = await author.post(f"{way}/release", {"heard": "yes"})
    assert page.status == 422 and "You recorded it" in page.words
    page = await approver.get(f"{PAGE}?language={SPANISH}")
    assert f'<audio controls preload="none" src="{way}/sound"' in page.text and f'action="{way}/release"' in page.text
    url = recorded.house.served.url + way + "/sound"
    async with approver.session.get(url) as answer:
        assert (await answer.read(), answer.content_type) == (body, "audio/wav")
    async with approver.session.get(url, headers={"Range": "bytes=10-19"}) as answer:
        assert (answer.status, await answer.read()) == (206, body[10:20])
        assert answer.headers["Content-Range"] == f"bytes 10-19/{len(body)}"
    async with approver.session.get(url, headers={"Range": f"bytes={len(body)}-"}) as answer:
        assert answer.status == 416
    async with aiohttp.ClientSession() as stranger, stranger.get(url, allow_redirects=False) as answer:
        assert answer.status == 303
    page = await approver.post(f"{way}/release")
    assert page.status == 422 and "heard all of it" in page.words
    page = await approver.post(f"{way}/release", {"heard": "yes"})
    assert page.status == 200 and "released by approver" in page.words
    assert (await approver.post(f"{way}/release", {"heard": "yes"})).status == 422
    page = await approver.post(f"{way}/refuse", {"why": ""})
    assert page.status == 422
    page = await author.post(f"{way}/refuse", {"why": "The street is said wrong."})
    assert page.status == 200 and "released by" not in page.words


async def test_nobody_can_be_called_where_there_is_no_telephone(recorded: Recorded) -> None:
    author = await recorded.house.signed_in("author")
    page = await author.get(f"{PAGE}?language={SPANISH}")
    assert "Call me" not in page.words
    page = await author.post(f"{PAGE}/call", {"language": SPANISH, "key": HOLD})
    assert page.status == 422 and "There is no telephone here" in page.words
    page = await author.post(f"{PAGE}/call", {"language": "tlh", "key": HOLD})
    assert page.status == 422 and "Choose a language" in page.words


async def test_by_the_api_the_answer_says_what_was_ordered_not_what_was_asked(recorded: Recorded) -> None:
    """Named twice, a prompt is recorded once, in the order of the language's list."""
    _, listed = await recorded.ask("author", "GET", f"/languages/{SPANISH}")
    order = [one["key"] for one in listed["prompts"] if one["key"] in (GOODBYE, HOLD)]
    recorded.house.clock.forward(timedelta(minutes=1))  # the last call is known by its time
    status, reply = await recorded.ask("author", "POST", "/calls", {"language": SPANISH, "keys": [*reversed(order), order[0]]})
    await recorded.hung_up()
    assert status == 201 and reply == {"language": SPANISH, "prompts": order}
    _, shown = await recorded.ask("author", "GET", f"/languages/{SPANISH}")
    assert shown["call"]["prompts"] == order


async def test_by_the_api_a_call_is_ordered_once_and_only_to_whoever_asks(recorded: Recorded) -> None:
    wanted, phone = {"language": SPANISH, "keys": [GOODBYE]}, recorded.room.phone
    rung = len(phone.rung)
    recorded.house.clock.forward(timedelta(minutes=1))  # the last call is known by its time
    for _ in range(2):
        status, reply = await recorded.ask("author", "POST", "/calls", wanted, "order-1")
        assert status == 201 and reply == {"language": SPANISH, "prompts": [GOODBYE]} and faults(reply, "Called") == []
    assert [one.to for one in phone.rung[rung:]] == ["+15035550161"]
    status, reply = await recorded.ask("author", "GET", f"/languages/{SPANISH}")
    assert reply["call"]["goes_on"] and reply["call"]["prompts"] == [GOODBYE]
    assert [one["state"] for one in reply["call"]["takes"]] == ["asked"] and "+1503" not in json.dumps(reply)
    status, reply = await recorded.ask("approver", "GET", f"/languages/{SPANISH}")
    assert reply["call"] is None, "a call is that of whoever is called"
    for given, count in (({"keys": [GOODBYE, "none"]}, 2), ({"language": "tlh"}, 1)):
        status, reply = await recorded.ask("author", "POST", "/calls", wanted | given)
        assert status == 422 and len(reply["problems"]) == count, reply
    status, reply = await recorded.ask("viewer", "POST", "/calls", wanted)
    assert status == 403
    assert len(phone.rung) == rung + 1
    await recorded.hung_up()


async def test_by_the_api_a_second_person_hears_it_and_lets_callers_hear_it(recorded: Recorded) -> None:
    body = a_wav(1.1)
    take_id = (await recorded.take(WAIT, body)).take_id
    (waits,) = (await recorded.prompt("viewer", WAIT))["waiting"]
    assert (waits["take_id"], waits["recorded_by"], waits["state"]) == (take_id, "author", "kept")
    assert await recorded.ask("viewer", "GET", f"/{take_id}/sound") == (200, ("audio/wav", body))
    for who, heard, said in (("author", True, "You recorded it"), ("approver", False, "heard all of it")):
        status, reply = await recorded.ask(who, "POST", f"/{take_id}/release", {"heard": heard})
        assert status == 422 and said in reply["problems"][0]
    assert (await recorded.ask("viewer", "POST", f"/{take_id}/release", {"heard": True}))[0] == 403
    for _ in range(2):
        status, reply = await recorded.ask("approver", "POST", f"/{take_id}/release", {"heard": True}, "release-1")
        assert status == 200 and faults(reply, "Take") == []
        assert (reply["state"], reply["decided_by"]) == ("released", "approver")
    assert (await recorded.prompt("viewer", WAIT))["released"] == reply
    assert (await recorded.ask("approver", "POST", f"/{take_id}/refuse", {"reason": " "}))[0] == 422
    status, reply = await recorded.ask("author", "POST", f"/{take_id}/refuse", {"reason": "A name is said wrong."})
    assert status == 200 and reply["state"] == "withdrawn" and reply["why"] == "A name is said wrong."
    assert (await recorded.prompt("viewer", WAIT))["released"] is None
    lines = recorded.house.served.running.service.db.read_now(audit.lines)
    ours = [(line.actor, line.action) for line in lines if line.subject == f"recording {take_id}"]
    assert [one for one in ours if one[1] != "was refused"] == [
        ("author", "recorded a prompt"),
        ("approver", "released a recording"),
        ("author", "withdrew a recording"),
    ]


async def test_by_the_api_every_language_is_listed_and_what_is_not_there_is_not_found(recorded: Recorded) -> None:
    status, reply = await recorded.ask("viewer", "GET", "")
    assert status == 200 and faults(reply, "Recordings") == [] and reply["telephone"]
    spanish = next(one for one in reply["languages"] if one["language"] == SPANISH)
    assert spanish["heard"]["unreviewed"] > 5 and not spanish["refused"]
    for method, path, data in (
        ("GET", "/languages/tlh", None),
        ("GET", "/999999/sound", None),
        ("POST", "/999999/release", {"heard": True}),
        ("POST", "/999999/refuse", {"reason": "Why not."}),
    ):
        status, reply = await recorded.ask("approver", method, path, data)
        assert status == 404 and reply["problems"], path


async def test_by_the_api_where_calls_stay_elsewhere_that_is_said(recorded: Recorded) -> None:
    house = recorded.house
    service = house.served.running.service
    app = web.Application(middlewares=[middleware(service.db)])
    app.add_routes(api.routes(service, keys.load(house.served.home / "keys.toml")))
    headers = {"Authorization": f"Bearer {house.served.tokens['viewer']}"}
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        for path in ("", f"/languages/{SPANISH}"):
            async with session.get(server.make_url(f"/api/v1/surge/recordings{path}"), headers=headers) as answer:
                reply = await answer.json(content_type=None)
                assert answer.status == 422 and "nothing is recorded here" in reply["problems"][0]
