"""A stop that the provider took and we never heard is obeyed within the hour; nothing else we missed changes anybody."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from channels.base import Heard, Recalled
from notify.clock import ManualClock
from notify.db import Database
from notify.residents.inbox import Inbox
from notify.sending import truth
from notify.sending.truth import Truth
from subscribers import store
from subscribers.address import SMS
from subscribers.dialog.sample import SampleWorld
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said
from subscribers.tables import Basis

PHONE, OTHER, OURS = "+15035550123", "+15035550124", "+15035550100"
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Provider:
    """Keeps every text; the webhook may fail."""

    clock: ManualClock
    name: str = "sms"
    kept: list[Recalled] = field(default_factory=list)
    away: bool = False

    async def recall(self, since: datetime) -> Sequence[Recalled]:
        if self.away:
            raise ConnectionError("away")
        return [one for one in self.kept if one.at >= since]

    def take(self, body: str, phone: str = PHONE) -> Heard:
        heard = Heard(provider_id=f"SM{len(self.kept)}", address=phone, ours=OURS, text=body)
        self.kept.append(Recalled(heard=heard, at=self.clock.now()))
        return heard


@pytest.fixture
def inbox(db: Database, clock: ManualClock, parts: dict[str, Any]) -> Inbox:
    return Inbox(db=db, clock=clock, keys=KEYS, world=lambda _conn: SampleWorld(), spend=lambda _number, _parts: None, **parts)


def is_stopped(db: Database, phone: str = PHONE) -> bool:
    known = db.read_now(lambda conn: store.find_address(conn, SMS, KEYS.blind(SMS, phone)))
    return known is not None and known.stopped_at is not None


def counted(db: Database) -> dict[str, int]:
    query = text("SELECT note, count FROM noted WHERE note LIKE 'missed%'")
    return {str(note): int(times) for note, times in db.read_now(lambda conn: conn.execute(query).all())}


@pytest.mark.parametrize("words", ["STOP", "no mas", "please stop texting me", "WRONG"])
async def test_a_stop_that_never_reached_us_is_obeyed_once(inbox: Inbox, clock: ManualClock, db: Database, words: str) -> None:
    provider = Provider(clock)
    await inbox.hear(provider.take("97214"))
    provider.take(words)
    duty = Truth(inbox=inbox, channels=[provider])  # type: ignore[list-item]
    assert await duty.tick() == 0, "it may still be on its way"
    clock.forward(5 * MINUTE)
    assert await duty.tick() == 1
    assert is_stopped(db)
    assert await duty.tick() == 0
    assert counted(db) == {truth.MISSED_STOP: 1}
    answers = db.read_now(lambda conn: conn.execute(text("SELECT COUNT(*) FROM words WHERE NOT inbound")).scalar_one())
    assert answers == 2, "the sign-up was answered, the late stop is not"


async def test_a_stop_that_names_a_place_of_theirs_is_a_stop(inbox: Inbox, clock: ManualClock, db: Database) -> None:
    provider = Provider(clock)
    for words in ("97214", "ADD CABIN 97206"):
        await inbox.hear(provider.take(words))
    provider.take("STOP CABIN")
    provider.take("STOP CABIN", OTHER)  # nobody knows what that one means
    clock.forward(5 * MINUTE)
    assert await Truth(inbox=inbox, channels=[provider]).tick() == 1  # type: ignore[list-item]
    assert is_stopped(db) and not is_stopped(db, OTHER)


@pytest.mark.parametrize(("words", "closed"), [("STOP", True), ("unsubscribe", True), ("no mas", False), ("停止", False)])
async def test_only_the_gateways_own_words_have_closed_a_number_there(
    inbox: Inbox, clock: ManualClock, db: Database, words: str, closed: bool
) -> None:
    provider = Provider(clock)
    await inbox.hear(provider.take("97206"))
    clock.forward(MINUTE)
    provider.take(words)
    clock.forward(10 * MINUTE)
    await Truth(inbox=inbox, channels=[provider]).tick()  # type: ignore[list-item]
    known = db.read_now(lambda conn: store.find_address(conn, SMS, KEYS.blind(SMS, PHONE)))
    assert known is not None and known.stopped_at is not None
    assert db.read_now(lambda conn: store.is_blocked(conn, known.address_id)) is closed


async def test_a_sign_up_or_start_we_missed_starts_nothing(inbox: Inbox, clock: ManualClock, db: Database) -> None:
    provider = Provider(clock)
    for words in ("97214", "STOP"):
        await inbox.hear(provider.take(words))
    provider.take("START")
    provider.take("97206", OTHER)
    clock.forward(5 * MINUTE)
    duty = Truth(inbox=inbox, channels=[provider])  # type: ignore[list-item]
    assert await duty.tick() == 0
    assert is_stopped(db)
    assert db.read_now(lambda conn: store.find_address(conn, SMS, KEYS.blind(SMS, OTHER))) is None
    assert counted(db) == {truth.MISSED: 2}
    clock.forward(timedelta(hours=1))
    provider.take("hello", OTHER)
    clock.forward(5 * MINUTE)
    assert await duty.tick() == 0
    assert counted(db) == {truth.MISSED: 3}, "each once, however often it is seen"


async def test_who_has_agreed_anew_since_is_not_stopped(inbox: Inbox, clock: ManualClock, db: Database) -> None:
    provider = Provider(clock)
    await inbox.hear(provider.take("97214"))
    clock.forward(MINUTE)
    provider.take("STOP")
    clock.forward(MINUTE)
    await inbox.hear(provider.take("start"))
    clock.forward(5 * MINUTE)
    await inbox.hear(provider.take("STOP"))
    clock.forward(MINUTE)
    await inbox.hear(provider.take("start"))
    clock.forward(5 * MINUTE)
    assert await Truth(inbox=inbox, channels=[provider]).tick() == 0  # type: ignore[list-item]
    assert not is_stopped(db)


async def test_a_provider_that_cannot_be_asked_changes_nothing_and_is_asked_again(
    inbox: Inbox, clock: ManualClock, db: Database
) -> None:
    provider = Provider(clock, away=True)
    provider.take("STOP")
    clock.forward(timedelta(hours=20))
    duty = Truth(inbox=inbox, channels=[provider])  # type: ignore[list-item]
    assert await duty.tick() == 0
    provider.away = False
    assert await duty.tick() == 1, "the first look that succeeds goes back two days"
    assert is_stopped(db)


async def test_a_stop_is_obeyed_however_long_the_provider_could_not_be_asked(
    inbox: Inbox, clock: ManualClock, db: Database
) -> None:
    provider = Provider(clock)
    await inbox.hear(provider.take("97214"))
    duty = Truth(inbox=inbox, channels=[provider])  # type: ignore[list-item]
    assert await duty.tick() == 0
    clock.forward(MINUTE)
    provider.take("STOP")
    provider.away = True
    for _ in range(9):
        clock.forward(timedelta(hours=1))
        assert await duty.tick() == 0
    provider.away = False
    clock.forward(timedelta(hours=1))
    assert await duty.tick() == 1
    assert is_stopped(db)


async def test_one_number_that_cannot_be_asked_does_not_hide_the_stops_sent_to_another(
    inbox: Inbox, clock: ManualClock, db: Database
) -> None:
    broken, provider = Provider(clock, away=True), Provider(clock)
    await inbox.hear(provider.take("97214"))
    provider.take("STOP")
    clock.forward(5 * MINUTE)
    duty = Truth(inbox=inbox, channels=[broken, provider])  # type: ignore[list-item]
    assert await duty.tick() == 1
    assert is_stopped(db)


async def test_a_stop_is_obeyed_though_the_provider_could_not_be_asked_for_days_since_the_start(
    inbox: Inbox, clock: ManualClock, db: Database
) -> None:
    provider = Provider(clock)
    await inbox.hear(provider.take("97214"))
    clock.forward(MINUTE)
    provider.take("STOP")
    provider.away = True
    duty = Truth(inbox=inbox, channels=[provider])  # type: ignore[list-item]
    for _ in range(4):
        clock.forward(timedelta(hours=20))
        assert await duty.tick() == 0
    provider.away = False
    assert await duty.tick() == 1
    assert is_stopped(db)


def bring_in(db: Database, clock: ManualClock) -> None:
    """The phone, by a list of the water utility."""
    new = NewAddress(channel=SMS, address=PHONE, language="en", basis=Basis.UTILITY_ACCOUNT)

    def work(conn: Connection) -> None:
        person = store.add_subscriber(conn, clock.now(), "import")
        store.add_address(conn, person, new, KEYS, Said(at=clock.now(), source="import"))

    db.write_now(work)


async def test_a_list_that_is_imported_after_a_stop_is_no_word_of_theirs(
    inbox: Inbox, clock: ManualClock, db: Database
) -> None:
    provider = Provider(clock)
    provider.take("STOP")
    clock.forward(MINUTE)
    bring_in(db, clock)
    clock.forward(5 * MINUTE)
    assert await Truth(inbox=inbox, channels=[provider]).tick() == 1  # type: ignore[list-item]
    assert is_stopped(db)


async def test_somebody_on_a_list_who_has_opened_the_number_since_is_not_stopped(
    inbox: Inbox, clock: ManualClock, db: Database
) -> None:
    provider = Provider(clock)
    bring_in(db, clock)
    clock.forward(MINUTE)
    provider.take("STOP")
    clock.forward(MINUTE)
    await inbox.hear(provider.take("YES"))
    clock.forward(5 * MINUTE)
    assert await Truth(inbox=inbox, channels=[provider]).tick() == 0  # type: ignore[list-item]
    assert not is_stopped(db)
