"""Nobody learns from sign-up who is signed up, nobody can make it a pump of texts or mails."""

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from notify.clock import ManualClock
from notify.db import Database
from subscribers import contacts, store
from subscribers.quotas import Spent
from subscribers.store import Said
from tests.notify.signup_factory import MAIL, NUMBER, PHONE, House, a_wish, embedded, house

STRANGER, STRANGER_NUMBER = "stranger@example.gov", "+15035550199"


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        yield database


def without_tokens(page: str) -> str:
    return re.sub(r'(name="(?:token|mark)" value=")[^"]*', r"\1", page)


async def test_known_and_unknown_addresses_get_the_same_answer_byte_for_byte(home: House) -> None:
    await home.sign_up(PHONE)
    await home.sign_up(MAIL)
    pages: dict[str, set[tuple[int, str]]] = {"sms": set(), "email": set()}
    for contact in (PHONE, STRANGER_NUMBER, MAIL, STRANGER):
        channel = "email" if "@" in contact else "sms"
        texts, mails = len(home.sent.texts), len(home.sent.mails)
        status, page = await home.subscribe(contact, "Lents")
        pages[channel].add((status, without_tokens(page)))
        sent = (len(home.sent.texts) - texts, len(home.sent.mails) - mails)
        assert sent == ((0, 1) if channel == "email" else (1, 0))
    assert {len(each) for each in pages.values()} == {1}


async def test_the_way_to_ones_own_page_tells_nobody_who_has_one(home: House) -> None:
    await home.sign_up(PHONE)
    await home.sign_up(MAIL)
    pages: dict[str, set[tuple[int, str]]] = {"sms": set(), "email": set()}
    for contact in (PHONE, STRANGER_NUMBER, MAIL, STRANGER):
        mails = len(home.sent.mails)
        form = {"contact": contact, "mark": await home.mark("/en/manage")}
        status, page = await home.post("/en/manage", form)
        pages["email" if "@" in contact else "sms"].add((status, without_tokens(page)))
        assert len(home.sent.mails) - mails == (1 if "@" in contact else 0)
    assert {len(each) for each in pages.values()} == {1}
    assert [number for number, _ in home.sent.texts].count(STRANGER_NUMBER) == 0


async def test_stopped_erased_and_new_phones_get_the_same_answer(home: House) -> None:
    await home.sign_up(PHONE)
    now = home.clock.now()
    home.db.write_now(lambda conn: store.stop(conn, 1, Said(at=now, source="STOP")))
    blind = home.keys.blind("sms", "+15035550177")
    home.db.write_now(lambda conn: contacts.blank(conn, contacts.meet(conn, "sms", blind, now).contact_id, now))
    pages = {without_tokens((await home.subscribe(phone))[1]) for phone in (PHONE, "503 555 0177", STRANGER_NUMBER)}
    assert len(pages) == 1
    assert [number for number, _ in home.sent.texts] == [NUMBER, STRANGER_NUMBER]


async def test_the_answer_does_not_wait_for_the_message(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow a provider is: it would tell whether there was anything to send."""
    released = asyncio.Event()

    async def slow(number: str, body: str) -> bool:
        await released.wait()
        return True

    monkeypatch.setattr(type(home.sent), "text", lambda self, number, body: slow(number, body))
    form = {"contact": PHONE, "place": "", "language": "en", "agree": "yes", "mark": await home.mark()}
    answer = await home.client.post("/en/subscribe", data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status == 200
    released.set()


async def test_ten_thousand_sign_ups_by_a_bot_send_a_few_texts_and_stop_nobody_else(home: House) -> None:
    numbers = [f"+1{area}555{line:04}" for area in (503, 971, 206, 360) for line in range(2500)]

    async def ask(number: str) -> bool:
        try:
            await home.sign_up_verb.ask(a_wish(number), "203.0.113.9")
        except Spent:
            return False
        return True

    sent = [await ask(number) for number in numbers]
    await home.errands.settle()
    assert sum(sent) == len(home.sent.texts) == 20, "twenty an hour from one address"
    assert len(home.rows("SELECT * FROM pending")) == 20
    bot = {"X-Forwarded-For": "203.0.113.9"}
    form = {"place": "Lents", "language": "en", "agree": "yes", "mark": await home.mark()}
    assert (await home.post("/en/subscribe", form | {"contact": PHONE}, **bot))[0] == 429
    assert (await home.subscribe(PHONE))[0] == 200, "somebody at another address"
    assert (await home.post("/en/subscribe", form | {"contact": MAIL}, **bot))[0] == 200
    assert (await home.press(home.sent.link))[0] == 200, "and at the same one, by e-mail"


async def test_a_bot_with_many_addresses_meets_the_limits_of_the_block_and_of_the_day(db: Database, clock: ManualClock) -> None:
    async with house(db, clock, texts_a_day=50) as home:
        form = {"place": "", "language": "en", "agree": "yes", "mark": await home.mark()}
        pages = []
        for number in range(200):
            contact = f"+1{503 + number // 100}555{number:04}"
            _, page = await home.post(
                "/en/subscribe", form | {"contact": contact}, **{"X-Forwarded-For": f"2001:db8:{number:x}::1"}
            )
            pages.append(page)
        assert len(home.sent.texts) == 50, "thirty of the first block, then until the day's limit"
        assert "Text your ZIP code to (503) 555-0100, or use an e-mail address" in re.sub("<[^>]*>", "", pages[-1])
        home.clock.forward(timedelta(days=1))
        assert (await home.subscribe(PHONE))[0] == 200


async def test_a_phone_is_texted_three_times_an_hour_and_five_times_a_day(home: House) -> None:
    outcomes = []
    for _ in range(3):
        outcomes.append([(await home.subscribe(PHONE))[0] for _ in range(4)])
        home.clock.forward(timedelta(hours=1))
    assert outcomes == [[200, 200, 200, 429], [200, 200, 429, 429], [429, 429, 429, 429]]


async def test_nobody_can_fill_another_persons_mailbox(home: House) -> None:
    form = {"place": "", "language": "en", "agree": "yes", "mark": await home.mark()}
    for number in range(50):
        contact = ("victim@example.gov", "victim+{}@example.gov", "VICTIM@example.gov")[number % 3].format(number)
        await home.post("/en/subscribe", form | {"contact": contact}, **{"X-Forwarded-For": f"198.51.100.{number}"})
    assert len(home.sent.mails) == 2
    for number in range(50):
        fields = {"contact": "victim@example.gov", "mark": await home.mark()}
        await home.post("/en/manage", fields, **{"X-Forwarded-For": f"198.51.100.{number}"})
    assert len(home.sent.mails) == 4


async def test_whoever_invents_forwarding_addresses_is_counted_under_their_own(home: House) -> None:
    form = {"place": "", "language": "en", "agree": "yes", "mark": await home.mark()}
    for number in range(40):
        told = {"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.9"}
        await home.post("/en/subscribe", form | {"contact": f"+1{503 + number}5550123"}, **told)
    assert len(home.sent.texts) == 20


async def test_limits_are_kept_under_names_that_name_nobody(home: House) -> None:
    await home.subscribe(PHONE)
    await home.subscribe(MAIL)
    names = " ".join(row["name"] for row in home.rows("SELECT name FROM quota"))
    for secret in ("503", "555", MAIL, "127.0.0.1"):
        assert secret not in re.sub(r"[0-9a-f]{32}", "", names)
