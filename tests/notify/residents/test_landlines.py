"""The landline check of a sign-up: paid for once, never in anybody's way when it cannot answer, and no drain for robots."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from channels.lookup import LineType, NotTold
from notify.clock import ManualClock
from notify.db import Database
from notify.residents.landlines import Landlines
from notify.residents.signup_words import FAULTS, words
from subscribers.sealing import Keyring
from subscribers.signup import Fault
from tests.notify.signup_factory import LANGUAGES, MAIL, NUMBER, PHONE, House, embedded, house

RING = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)


@dataclass(slots=True)
class Told:
    """Carriers that say what they are told to, and count the questions."""

    kind: LineType | None = LineType.MOBILE
    asked: list[str] = field(default_factory=list)

    async def line_type(self, number: str) -> LineType:
        self.asked.append(number)
        if self.kind is None:
            raise NotTold("no answer")
        return self.kind


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        yield database


@pytest.fixture
def carriers() -> Told:
    return Told()


@pytest.fixture
def landlines(db: Database, clock: ManualClock, carriers: Told) -> Landlines:
    return Landlines(db=db, clock=clock, keys=RING, carriers=carriers, at_least_s=0)


async def test_a_number_is_paid_for_once_in_ninety_days(landlines: Landlines, clock: ManualClock, carriers: Told) -> None:
    carriers.kind = LineType.LANDLINE
    assert [await landlines.has(NUMBER) for _ in range(3)] == [True, True, True]
    assert carriers.asked == [NUMBER]
    clock.forward(timedelta(days=90))
    carriers.kind = LineType.MOBILE  # ported
    assert not await landlines.has(NUMBER)
    assert carriers.asked == [NUMBER] * 2


@pytest.mark.parametrize("kind", [kind for kind in LineType if kind is not LineType.LANDLINE])
async def test_only_a_landline_is_one(landlines: Landlines, carriers: Told, kind: LineType) -> None:
    carriers.kind = kind
    assert not await landlines.has(NUMBER)


async def test_no_answer_is_no_landline_and_is_asked_again(landlines: Landlines, carriers: Told) -> None:
    carriers.kind = None
    assert not await landlines.has(NUMBER)
    carriers.kind = LineType.LANDLINE
    assert await landlines.has(NUMBER)


async def test_a_kept_answer_takes_as_long_as_one_from_the_carrier(
    landlines: Landlines, db: Database, clock: ManualClock, carriers: Told
) -> None:
    await landlines.has(NUMBER)
    slow = Landlines(db=db, clock=clock, keys=RING, carriers=carriers, at_least_s=0.2)
    begun = asyncio.get_running_loop().time()
    await slow.has(NUMBER)
    assert asyncio.get_running_loop().time() - begun >= 0.19 and carriers.asked == [NUMBER]


async def asked_for(home: House, *contacts: str) -> list[int]:
    return [(await home.subscribe(contact))[0] for contact in contacts]


async def test_a_landline_gets_a_page_that_offers_email_in_every_language(
    db: Database, clock: ManualClock, landlines: Landlines, carriers: Told
) -> None:
    carriers.kind = LineType.LANDLINE
    async with house(db, clock, is_landline=landlines.has) as home:
        for number, language in enumerate(LANGUAGES):
            path = f"/{language}/subscribe"
            fields = {"contact": f"503-555-{number:04d}", "place": "97214", "language": language, "agree": "yes"}
            status, page = await home.post(path, fields | {"mark": await home.mark(path)})
            assert status == 422 and words(language).say(FAULTS[Fault.LANDLINE]) in page
        assert home.sent.texts == []
        assert await asked_for(home, MAIL) == [200]
        assert len(home.sent.mails) == 1 and len(carriers.asked) == len(LANGUAGES)


async def test_whoever_asks_too_often_costs_no_question(
    db: Database, clock: ManualClock, landlines: Landlines, carriers: Told
) -> None:
    async with house(db, clock, is_landline=landlines.has, texts_a_day=2) as home:
        statuses = await asked_for(home, *(f"503-555-{number:04d}" for number in range(5)))
    assert statuses == [200, 200, 429, 429, 429]
    assert len(carriers.asked) == 2


async def test_the_code_leaves_when_the_carrier_cannot_be_asked(
    db: Database, clock: ManualClock, landlines: Landlines, carriers: Told
) -> None:
    carriers.kind = None
    async with house(db, clock, is_landline=landlines.has) as home:
        assert await asked_for(home, PHONE) == [200] and len(home.sent.texts) == 1


async def test_the_page_of_somebody_signed_up_costs_no_question(
    db: Database, clock: ManualClock, landlines: Landlines, carriers: Told
) -> None:
    async with house(db, clock, is_landline=landlines.has) as home:
        await home.sign_up(PHONE)
        await home.visit(PHONE)
    assert carriers.asked == [NUMBER]
