"""A number that the provider's gateway has closed is opened by the gateway's words alone, on both databases."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pytest
from sqlalchemy import Connection, text

from channels.base import Heard as Text
from channels.simulator.inbound import WORDS, Keyword, keyword
from notify import inbox as inboxes
from notify.clock import ManualClock
from notify.db import Database
from notify.inbox import Inbox
from notify.replies import Replies
from subscribers import store
from subscribers.address import EMAIL, SMS
from subscribers.dialog import lexicon
from subscribers.dialog.sample import SampleWorld
from subscribers.sealing import Keyring
from subscribers.store import KnownAddress, NewAddress, Said
from tests.notify.subjects import TEMPLATES, the_words

PHONE, MAIL, OURS = "+15035550123", "someone@example.gov", "+15035550100"
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
OWN_WORDS = ("abonați-mă", "أعد الاشتراك", "JOIN", "start please", "Start again")


@dataclass(slots=True)
class Gateway:
    """Acts on its own words first, as the simulated carrier does, and says so: a text and what became of it."""

    inbox: Inbox
    is_silent: bool = False  # acts, and does not say so
    texts: int = 0

    async def text(self, body: str) -> list[str]:
        self.texts += 1
        word = None if self.is_silent else keyword(body)
        obeyed = word.value if word else ""
        return await self.inbox.hear(Text(provider_id=f"SM{self.texts}", address=PHONE, ours=OURS, text=body, obeyed=obeyed))


@pytest.fixture
def gateway(db: Database, clock: ManualClock) -> Gateway:
    inbox = Inbox(
        db=db,
        clock=clock,
        keys=KEYS,
        lexicon=lexicon.load(TEMPLATES / "dialog" / "vocabulary"),
        replies=Replies(the_words(), (), allow_drafts=True),
        world=lambda _conn: SampleWorld(),
        spend=lambda _number, _parts: None,
    )
    return Gateway(inbox)


def kept(db: Database, channel: str = SMS, address: str = PHONE) -> KnownAddress:
    found = db.read_now(lambda conn: store.find_address(conn, channel, KEYS.blind(channel, address)))
    assert found is not None
    return found


def is_active(db: Database) -> bool:
    return kept(db).stopped_at is None


def rows(db: Database, query: str) -> Sequence[tuple[object, ...]]:
    return db.read_now(lambda conn: [tuple(row) for row in conn.execute(text(query))])


def turned_away(db: Database) -> int:
    return sum(int(str(one)) for (one,) in rows(db, f"SELECT count FROM noted WHERE note = '{inboxes.CLOSED}'"))


def refused(db: Database, clock: ManualClock) -> None:
    """What a report of a text refused for an opt-out leaves behind (notify.reports)."""
    said = Said(at=clock.now(), source="carrier 21610", evidence="delivery 7")
    db.write_now(lambda conn: store.stop(conn, kept(db).address_id, said))


async def test_other_words_do_not_open_what_the_gateway_has_closed(gateway: Gateway, db: Database) -> None:
    await gateway.text("97214")
    await gateway.text("STOP")
    for number, words in enumerate(OWN_WORDS, 1):
        assert await gateway.text(words) == [], "nothing would arrive"
        assert not is_active(db)
        assert turned_away(db) == number
    assert rows(db, "SELECT kind FROM due WHERE kind = 'latecomer'") == [("latecomer",)], "noted at the sign-up alone"


@pytest.mark.parametrize("word", sorted(WORDS[Keyword.START]))
async def test_the_gateway_s_own_words_open_it(gateway: Gateway, db: Database, word: str) -> None:
    for body in ("97214", "STOP", "JOIN", word.lower()):
        await gateway.text(body)
    assert is_active(db)
    await gateway.text("no mas")
    assert not is_active(db)
    assert await gateway.text("abonați-mă") and is_active(db), "a stop in other words closes nothing at the gateway"


@pytest.mark.parametrize("word", sorted(WORDS[Keyword.START]))
async def test_a_gateway_that_does_not_tell_opens_all_the_same(
    gateway: Gateway, db: Database, clock: ManualClock, word: str
) -> None:
    await gateway.text("97214")
    refused(db, clock)
    gateway.is_silent = True
    assert await gateway.text("JOIN") == [] and not is_active(db)
    assert await gateway.text(f" {word.lower()}\n"), "nobody else has answered"
    assert is_active(db) and turned_away(db) == 1


async def test_a_refusal_of_the_carrier_closes_like_a_stop(gateway: Gateway, db: Database, clock: ManualClock) -> None:
    await gateway.text("97214")
    refused(db, clock)
    assert await gateway.text("أعد الاشتراك") == [] and not is_active(db)
    await gateway.text("START")
    assert is_active(db)


async def test_a_wish_that_cannot_be_met_is_on_record(gateway: Gateway, db: Database) -> None:
    for body in ("97214", "STOP", "JOIN", "START"):
        await gateway.text(body)
    told = rows(db, "SELECT granted, source, evidence FROM consent ORDER BY consent_id")
    assert [bool(granted) for granted, _, _ in told] == [True, False, True, True]
    assert [source for _, source, _ in told] == [
        f"text to {OURS}",
        f"gateway: text to {OURS}",
        f"text to {OURS}",
        f"gateway: text to {OURS}",
    ]
    assert [evidence for _, _, evidence in told] == ["text SM1", "text SM2", "text SM3", "text SM4"]


async def test_their_mail_goes_on(gateway: Gateway, db: Database, clock: ManualClock) -> None:
    await gateway.text("97214")
    new = NewAddress(channel=EMAIL, address=MAIL, language="en", basis="opt-in")
    person, said = kept(db).subscriber_id, Said(at=clock.now(), source="web sign-up")
    db.write_now(lambda conn: store.add_address(conn, person, new, KEYS, said))
    await gateway.text("STOP")
    await gateway.text("JOIN")
    assert kept(db, EMAIL, MAIL).stopped_at is None and not is_active(db)


@pytest.mark.parametrize("body", ["STATUS", "97202", "HELP me out here", "ayuda", "water"])
async def test_a_closed_number_is_answered_nothing(gateway: Gateway, db: Database, body: str) -> None:
    await gateway.text("97214")
    await gateway.text("STOP")
    assert await gateway.text(body) == [] and turned_away(db) == 0


async def test_a_start_from_elsewhere_does_not_open_it_either(gateway: Gateway, db: Database, clock: ManualClock) -> None:
    await gateway.text("97214")
    await gateway.text("STOP")
    act: Callable[[Connection], bool] = partial(
        store.start, address_id=kept(db).address_id, basis="opt-in", said=Said(at=clock.now(), source="web sign-up")
    )
    assert not db.write_now(act) and not is_active(db)


async def test_a_closed_number_is_deleted_when_its_owner_is_wrong(gateway: Gateway, db: Database) -> None:
    for body in ("97214", "STOP", "WRONG"):
        assert await gateway.text(body) == [] or body == "97214"
    assert rows(db, "SELECT COUNT(*) FROM address") == [(0,)]
