"""Questions from the public form and by e-mail: every fault at once, once each, so many and no more, 911 always in sight."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from notify import data
from notify.clock import ManualClock
from notify.db import Database
from notify.web.counter import Counter
from notify.web.forms import Marks
from notify.web.screens import Screens
from subscribers.address import Samples
from subscribers.sealing import Keyring
from surge.desk import mail_in
from surge.desk.ask import AskPages
from surge.desk.mail_in import HEADER
from tests.notify.signup_factory import LANGUAGES, a_site, field_of, find_place

RING = Keyring(current="k1", keys={"k1": b"1" * 32}, blind_key=b"2" * 32)
KEY = b"a shared key of the mail system"
GIVEN = {"question": "May I shower?", "contact": "(503) 555-0123", "language": "es", "zip": "97206"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@dataclass(slots=True)
class Asked:
    """A desk that remembers. asked: words, language, where to answer, ZIP, the form's mark."""

    asked_: list[tuple[str, str, str, str | None, str]] = field(default_factory=list)
    mails: list[mail_in.Letter] = field(default_factory=list)

    async def asked(self, words_: str, language: str, reply_to: str, area: str | None, form: str) -> str:
        self.asked_.append((words_, language, reply_to, area, form))
        return "C1"

    async def mail(self, mail: mail_in.Letter) -> str:
        self.mails.append(mail)
        return "C2"


@dataclass(slots=True)
class Page:
    client: TestClient[Any, Any]
    desk: Asked

    async def fields(self, path: str = "/en/ask") -> dict[str, str]:
        text = await (await self.client.get(path)).text()
        return {"mark": field_of(text, "mark"), "question_mark": field_of(text, "question_mark")}

    async def ask(self, **changes: str) -> tuple[int, str]:
        answer = await self.client.post("/en/ask", data={**GIVEN, **await self.fields(), **changes}, headers=OURS)
        return answer.status, await answer.text()


@pytest_asyncio.fixture
async def page(tmp_path: Path, migrated_sqlite: Path, clock: ManualClock) -> AsyncIterator[Page]:
    copy(migrated_sqlite, tmp_path / "ask.db")
    desk = Asked()
    with closing(Database(f"sqlite:///{tmp_path / 'ask.db'}")) as db:
        counter = Counter(
            screens=Screens(data.folder("templates"), a_site(), number="+15035550100", terms="2026-11"),
            clock=clock,
            marks=Marks(RING.blind_key),
            find_place=find_place,
            samples=Samples.ALLOWED,
        )
        pages = AskPages(counter=counter, desk=desk, db=db, ring=RING, mail_key=KEY)
        app = web.Application()
        app.add_routes(pages.routes())
        async with TestClient(TestServer(app)) as client:
            yield Page(client, desk)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_way_to_911_and_988_stands_on_the_page_in_every_language(page: Page, language: str) -> None:
    answer = await page.client.get(f"/{language}/ask")
    text = await answer.text()
    assert answer.status == 200 and "911" in text and "988" in text and f'lang="{language}"' in text


async def test_a_question_reaches_the_desk_with_its_language_and_where_to_answer(page: Page) -> None:
    status, text = await page.ask()
    assert status == 200 and "Your question has arrived" in text and "988" in text
    ((words, language, reply_to, area, form),) = page.desk.asked_
    assert (words, language, reply_to, area) == ("May I shower?", "es", "+15035550123", "97206") and len(form) == 32


async def test_every_fault_is_told_at_once_and_nothing_typed_is_lost(page: Page) -> None:
    status, text = await page.ask(question="", contact="moon", zip="<b>")
    assert status == 422 and "at most 1,000 letters" in text and "10 digits" in text and 'value="moon"' in text
    assert (await page.ask(question="x" * 1001))[0] == 422
    assert page.desk.asked_ == []


async def test_a_form_of_another_site_or_without_its_mark_asks_nothing(page: Page) -> None:
    fields = {**GIVEN, **await page.fields()}
    answer = await page.client.post("/en/ask", data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    status, text = await page.ask(mark="1.2")
    assert status == 422 and "May I shower?" in text and page.desk.asked_ == []


async def test_one_number_asks_so_many_times_an_hour_and_is_told_whom_to_call(page: Page) -> None:
    found = [(await page.ask(contact="+15035550177"))[0] for _ in range(7)]
    assert found == [200] * 5 + [429] * 2
    _, text = await page.ask(contact="+15035550177")
    assert "311" in text and len(page.desk.asked_) == 5


def a_mail(words: str) -> bytes:
    return f"From: resident@example.gov\nMessage-ID: <7@example.gov>\nSubject: Water\n\n{words}\n".encode()


async def test_an_e_mail_is_taken_from_the_holder_of_the_key_alone(page: Page) -> None:
    body = a_mail("May I shower?")
    assert (await page.client.post("/ask/mail", data=body)).status == 403
    right = {HEADER: hmac.digest(KEY, body, hashlib.sha256).hex()}
    assert (await page.client.post("/ask/mail", data=body, headers=right)).status == 202
    assert (await page.client.post("/ask/mail", data=body + b" ", headers=right)).status == 403
    (letter,) = page.desk.mails
    assert letter.address == "resident@example.gov" and letter.message_id == "7@example.gov"


async def test_a_mail_of_a_program_is_taken_and_passed_over(page: Page) -> None:
    body = b"Auto-Submitted: auto-replied\n" + a_mail("I am away.")
    answer = await page.client.post("/ask/mail", data=body, headers={HEADER: hmac.digest(KEY, body, hashlib.sha256).hex()})
    assert answer.status == 204 and page.desk.mails == []


async def test_without_a_key_no_mail_is_taken(page: Page, clock: ManualClock) -> None:
    counter = Counter(
        screens=Screens(data.folder("templates"), a_site()),
        clock=clock,
        marks=Marks(RING.blind_key),
        find_place=find_place,
        samples=Samples.ALLOWED,
    )
    pages = AskPages(counter=counter, desk=page.desk, db=None, ring=RING)  # type: ignore[arg-type]
    assert not any("mail" in route.path for route in pages.routes())
    assert any("mail" in route.path for route in replace(pages, mail_key=KEY).routes())
