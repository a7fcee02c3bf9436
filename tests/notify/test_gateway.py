"""A number that the provider's gateway has closed is opened by the gateway's words alone, on both databases; the newer of its
words counts, in whatever order they reach us, and outlives the person who had the number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, text

from channels.base import Heard as Text
from channels.base import Receipt, Undelivered
from channels.simulator.inbound import WORDS, Keyword, keyword
from notify import retention
from notify.alerts.alert import Wording
from notify.clock import ManualClock, micros
from notify.db import Database
from notify.residents import carrying_out
from notify.residents.inbox import Inbox
from notify.residents.replies import Replies
from notify.residents.signup import SignUp
from notify.retention import Keeping
from notify.sending import ledger, reports
from subscribers import store
from subscribers.address import EMAIL, SMS
from subscribers.dialog import lexicon
from subscribers.dialog.sample import SampleWorld
from subscribers.sealing import Keyring
from subscribers.store import KnownAddress, NewAddress, Said
from tests.notify.ledger_factory import add_event, an_event_row
from tests.notify.signup_factory import Sent as SentCodes
from tests.notify.signup_factory import a_reception, a_wish
from tests.notify.subjects import TEMPLATES, the_words

PHONE, MAIL, OURS = "+15035550123", "someone@example.gov", "+15035550100"
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
HOUR = timedelta(hours=1)
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
    return sum(int(str(one)) for (one,) in rows(db, f"SELECT count FROM noted WHERE note = '{carrying_out.CLOSED}'"))


def refused(db: Database, clock: ManualClock) -> None:
    """What a report of a text refused for an opt-out leaves behind (notify.sending.reports)."""
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


def sent(db: Database, clock: ManualClock) -> int:
    """A text to the phone that the provider has accepted; returns its delivery."""
    row = an_event_row(clock.now())
    packed = [ledger.pack(kept(db).address_id, Wording.FIRST)]
    handed = {"at": micros(clock.now()), "state": "handed", "provider_id": "SM77"}

    def hand(conn: Connection) -> int:
        add_event(conn, row, clock.now())
        ledger.plan(conn, row, packed, clock.now())
        set_ = "state = :state, provider_id = :provider_id, claimed_at = :at, handed_at = :at"
        return int(conn.execute(text(f"UPDATE delivery SET {set_} RETURNING delivery_id"), handed).scalar_one())

    return db.write_now(hand)


def reported(db: Database, clock: ManualClock, delivery_id: int) -> None:
    receipts = [Receipt(delivery_id, Undelivered("21610", "stopped", opted_out=True), "SM77")]
    db.write_now(partial(reports.apply, receipts=receipts, now=clock.now()))


@pytest.mark.parametrize("is_silent", [True, False])
@pytest.mark.parametrize("word", sorted(WORDS[Keyword.START]))
async def test_a_refusal_reported_after_a_start_does_not_close_again(
    gateway: Gateway, db: Database, clock: ManualClock, word: str, is_silent: bool
) -> None:
    """The STOP never reached us, nor had any report said so: only the START tells."""
    gateway.is_silent = is_silent
    await gateway.text("97214")
    delivery_id = sent(db, clock)
    clock.forward(HOUR)
    await gateway.text(word)
    clock.forward(HOUR)
    reported(db, clock, delivery_id)
    assert is_active(db) and not db.read_now(lambda conn: store.is_blocked(conn, kept(db).address_id))
    assert rows(db, "SELECT state, code FROM delivery") == [("undelivered", "21610")], "the text itself did not arrive"


async def test_a_refusal_of_a_text_that_left_after_the_start_closes(gateway: Gateway, db: Database, clock: ManualClock) -> None:
    await gateway.text("97214")
    await gateway.text("START")
    clock.forward(HOUR)
    delivery_id = sent(db, clock)
    reported(db, clock, delivery_id)
    assert not is_active(db)


async def test_a_start_that_opened_nothing_we_knew_of_is_on_record(gateway: Gateway, db: Database) -> None:
    for body in ("97214", "START", "STATUS"):
        await gateway.text(body)
    told = rows(db, "SELECT granted, source, evidence FROM consent ORDER BY consent_id")
    assert [(bool(granted), source) for granted, source, _ in told] == [
        (True, f"text to {OURS}"),
        (True, f"gateway: text to {OURS}"),
    ]


async def erased_while_closed(gateway: Gateway, db: Database) -> None:
    for body in ("97214", "STOP", "WRONG"):
        await gateway.text(body)
    assert rows(db, "SELECT COUNT(*) FROM address") == [(0,)]


@pytest.mark.parametrize("body", ["97202", "JOIN", "Lents"])
async def test_a_number_closed_before_it_was_erased_is_still_known_as_closed(gateway: Gateway, db: Database, body: str) -> None:
    await erased_while_closed(gateway, db)
    for _ in range(2):
        assert await gateway.text(body) == [], "nothing would arrive"
    assert rows(db, "SELECT COUNT(*) FROM address WHERE stopped_at IS NULL") == [(0,)]
    assert rows(db, "SELECT kind FROM due WHERE kind = 'latecomer'") == [("latecomer",)], "noted at the first sign-up alone"


async def test_a_closed_number_that_is_erased_for_its_age_is_still_known_as_closed(
    gateway: Gateway, db: Database, clock: ManualClock
) -> None:
    await gateway.text("97214")
    await gateway.text("STOP")
    clock.forward(timedelta(days=40))
    keeping = Keeping(texts=None, stopped=timedelta(days=30))
    db.write_now(partial(retention.erase, keeping=keeping, now=clock.now()))
    assert rows(db, "SELECT COUNT(*) FROM address") == [(0,)]
    assert await gateway.text("97202") == [] and not is_active(db)
    await gateway.text("START")
    assert is_active(db)


async def test_its_own_start_opens_it_and_what_was_wished_meanwhile_holds(gateway: Gateway, db: Database) -> None:
    await erased_while_closed(gateway, db)
    await gateway.text("97202")
    assert not is_active(db) and turned_away(db) == 1
    await gateway.text("START")
    assert is_active(db)
    assert rows(db, "SELECT area FROM place") == [("97202",)]
    assert (await gateway.text("WHERE"))[0].count("97202") == 1


@pytest.mark.parametrize("is_silent", [True, False])
async def test_a_start_right_after_the_erasure_leaves_nothing_closed(gateway: Gateway, db: Database, is_silent: bool) -> None:
    await erased_while_closed(gateway, db)
    gateway.is_silent = is_silent
    await gateway.text("START")
    assert await gateway.text("97202") and is_active(db)


@pytest.mark.parametrize("is_silent", [True, False])
async def test_whoever_texts_start_as_the_page_says_gets_their_code(
    gateway: Gateway, db: Database, clock: ManualClock, is_silent: bool
) -> None:
    sent_codes = SentCodes()
    sign_up = SignUp(a_reception(db, clock, KEYS, sent_codes))
    for body in ("97214", "WRONG"):
        await gateway.text(body)
    for count in (0, 1):
        await sign_up.ask(a_wish(PHONE), "192.0.2.1")
        await sign_up.reception.errands.settle()
        assert len(sent_codes.texts) == count
        gateway.is_silent = is_silent
        await gateway.text("START")


async def test_nothing_of_the_person_is_kept_to_know_it(gateway: Gateway, db: Database) -> None:
    await erased_while_closed(gateway, db)
    assert rows(db, "SELECT memory, language FROM contact") == [('{"closed":true}', "")]
    assert rows(db, "SELECT COUNT(*) FROM words WHERE sealed IS NOT NULL") == [(0,)]


async def test_a_closed_number_without_a_person_gets_no_code(gateway: Gateway, db: Database, clock: ManualClock) -> None:
    await erased_while_closed(gateway, db)
    sent_codes = SentCodes()
    sign_up = SignUp(a_reception(db, clock, KEYS, sent_codes))
    assert await sign_up.ask(a_wish(PHONE), "192.0.2.1"), "what the page shows is the same for everybody"
    await gateway.text("97202")
    await sign_up.ask(a_wish(PHONE), "192.0.2.1")
    await sign_up.reception.errands.settle()
    assert sent_codes.texts == []
    await gateway.text("START")
    await sign_up.ask(a_wish(PHONE), "192.0.2.1")
    await sign_up.reception.errands.settle()
    assert len(sent_codes.texts) == 1
