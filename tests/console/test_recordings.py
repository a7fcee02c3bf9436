"""Recorded prompts at browsers: listed with their state, heard in a player, released by a second person and by nobody else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import insert

from notify.alerts.life import Role, Staff
from notify.staff.paging_tables import StaffContact
from surge.recorded.takes import Take
from tests.console.staff_factory import House, opened
from tests.surge.phone_fake import RING
from tests.surge.studio_factory import a_studio, a_wav
from tests.surge.test_recorder import Provider, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")
SPANISH, HOLD, PAGE = "es", "voice.hold", "/surge/recordings"
BY = Staff(person_id="author", roles=frozenset({Role.AUTHOR}))


@dataclass(slots=True)
class Recorded:
    """house: a running service. room: the same database, with a provider that takes every call."""

    house: House
    room: Room

    async def take(self, key: str, body: bytes) -> Take:
        """Recorded and kept by the author."""
        room = self.room
        call_id = await room.studio.recorder.order(BY, SPANISH, [key])
        await room.spoken(call_id, 0, body)
        await room.studio.recorder.key(call_id, 0, 0, "1")
        await room.studio.recorder.over(call_id, "completed")
        return (await room.takes(call_id))[0]


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
        yield Recorded(house, Room(studio=studio, phone=phone, clock=house.clock, db=service.db))


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
