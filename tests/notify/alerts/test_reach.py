"""Who cannot be reached is left in peace, who complains is stopped, and whoever can be reached again is told again."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, insert, text

from channels.base import Delivered, Handed, Outcome, Receipt, Refused, Undelivered
from notify import keys
from notify.clock import ManualClock, micros
from notify.db import Database
from notify.sending import reports
from notify.tables import Delivery
from subscribers import reach, store
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said
from tests.notify.ledger_factory import add_event, an_event_row

LANDLINE, OFF, SPAM = Undelivered("30006"), Undelivered("30003"), Undelivered("30007")
GONE, FULL, POLICY = Undelivered("5.1.1"), Undelivered("5.2.2"), Undelivered("5.7.1")
ARRIVED, COMPLAINT = Delivered(), Delivered(complained=True)
DAY = timedelta(days=1)


class Mailroom:
    """Sends to people and takes what is said of it; an event a message, so that everybody can be told again and again."""

    def __init__(self, db: Database, clock: ManualClock, ring: Keyring) -> None:
        self.db, self.clock, self.ring = db, clock, ring
        self.sent = 0

    def person(self, channel: str = "sms") -> int:
        address = "+15035550123" if channel == "sms" else "resident@example.gov"
        new = NewAddress(channel=channel, address=address, language="en", basis="opt-in")
        said = Said(at=self.clock.now(), source="test")
        return self.db.write_now(
            lambda conn: store.add_address(conn, store.add_subscriber(conn, said.at, "test"), new, self.ring, said)
        )

    def handed(self, address_id: int, state: str = "handed") -> int:
        """A message to somebody that the provider has; returns its delivery."""
        now = self.clock.now()
        self.sent += 1
        name = f"K{self.sent}-1"
        sent = an_event_row(now, event_id=name, alert_id=name, incident_id=f"K{self.sent}", identifier=name)
        row = {"event_id": name, "address_id": address_id, "channel": "sms", "language": "en", "wording": "first"}
        row |= {"priority": 3, "state": state, "attempts": 1, "fence": 1, "ambiguous": False, "planned_at": micros(now)}
        self.db.write_now(lambda conn: add_event(conn, sent, now))
        delivery_id: int = self.db.write_now(
            lambda conn: conn.execute(insert(Delivery).values(**row).returning(Delivery.__table__.c.delivery_id)).scalar_one()  # type: ignore[attr-defined]
        )
        return delivery_id

    def told(self, *said: tuple[int, Outcome]) -> None:
        receipts = [Receipt(delivery_id, outcome, f"SM{delivery_id}") for delivery_id, outcome in said]
        self.db.write_now(lambda conn: reports.apply(conn, receipts, self.clock.now()))

    def hears(self, address_id: int, outcomes: Sequence[Outcome], every: timedelta = timedelta(hours=1)) -> None:
        for outcome in outcomes:
            self.clock.forward(every)
            self.told((self.handed(address_id), outcome))

    def reachable(self, address_id: int) -> bool:
        return self.known(address_id).unreachable_at is None

    def known(self, address_id: int) -> store.KnownAddress:
        return self.db.read_now(lambda conn: store.addresses(conn, [address_id]))[address_id]

    def number(self, query: str) -> int:
        return int(self.db.read_now(lambda conn: conn.execute(text(query)).scalar_one()))

    def try_again(self) -> list[int]:
        ids = self.db.read_now(lambda conn: reach.due_again(conn, self.clock.now()))
        self.db.write_now(lambda conn: reach.try_again(conn, ids))
        return ids


@pytest.fixture
def room(db: Database, clock: ManualClock, tmp_path_factory: pytest.TempPathFactory) -> Mailroom:
    return Mailroom(db, clock, keys.create(tmp_path_factory.mktemp("keys") / "keys.toml"))


@pytest.mark.parametrize(
    ("channel", "outcomes", "reachable"),
    [
        ("sms", [LANDLINE, OFF], True),
        ("sms", [LANDLINE, OFF, Undelivered("30005")], False),
        ("sms", [OFF, OFF, ARRIVED, OFF, OFF], True),
        ("sms", [OFF, OFF, ARRIVED, OFF, OFF, OFF], False),
        ("sms", [OFF, SPAM, OFF, Undelivered("30008")], True),
        ("sms", [SPAM] * 5, True),
        ("email", [GONE], False),
        ("email", [FULL, FULL], True),
        ("email", [FULL, FULL, FULL], False),
        ("email", [POLICY] * 5, True),
        ("email", [Undelivered("4.1.1")], True),
    ],
)
def test_an_address_is_given_up_after_so_many_failures_of_its_own(
    room: Mailroom, channel: str, outcomes: Sequence[Outcome], reachable: bool
) -> None:
    person = room.person(channel)
    room.hears(person, outcomes)
    assert room.reachable(person) is reachable


def test_full_mailboxes_count_within_a_week(room: Mailroom) -> None:
    person = room.person("email")
    room.hears(person, [FULL] * 6, every=timedelta(days=4))
    assert room.reachable(person)
    room.hears(person, [FULL] * 2)
    assert not room.reachable(person)


def test_a_report_repeated_or_too_late_counts_once_or_not_at_all(room: Mailroom) -> None:
    person = room.person()
    one = room.handed(person)
    room.told(*[(one, OFF)] * 3)
    for _ in range(5):
        room.told((one, LANDLINE))
    arrived = room.handed(person)
    room.told((arrived, ARRIVED))
    for _ in range(5):
        room.told((arrived, OFF))
    assert room.reachable(person)
    assert room.number("SELECT COUNT(*) FROM failure") == 0


def test_a_refusal_at_hand_over_counts_like_a_failure(room: Mailroom) -> None:
    person = room.person("email")
    row = room.handed(person, state="refused")
    room.db.write_now(lambda conn: reports.learn(conn, [Receipt(row, Refused("550 5.1.1"))], room.clock.now()))
    assert not room.reachable(person)


def test_whoever_complains_has_stopped_and_their_mail_has_arrived(room: Mailroom) -> None:
    person = room.person("email")
    row = room.handed(person)
    for _ in range(3):
        room.told((row, COMPLAINT))
    known = room.known(person)
    assert known.stopped_at is not None and known.unreachable_at is None
    query = text("SELECT granted, source, evidence FROM consent ORDER BY consent_id")
    consents = [tuple(one) for one in room.db.read_now(lambda conn: conn.execute(query).all())]
    assert [bool(granted) for granted, _, _ in consents] == [True, False]
    assert consents[1][1:] == ("complaint", f"called spam: delivery {row}")
    assert room.number("SELECT COUNT(*) FROM delivery WHERE state = 'delivered'") == 1


def test_a_new_yes_or_a_word_from_them_makes_an_address_reachable_from_scratch(room: Mailroom) -> None:
    person = room.person()

    def writes(conn: Connection) -> None:
        store.mark_unreachable(conn, [person], None)

    def says_yes(conn: Connection) -> None:
        store.start(conn, person, "opt-in", Said(at=room.clock.now(), source="test"))

    for revive in (writes, says_yes):
        room.hears(person, [OFF] * 3)
        assert not room.reachable(person)
        room.db.write_now(revive)
        assert room.reachable(person)
        room.hears(person, [OFF] * 2)
        assert room.reachable(person)
        room.hears(person, [ARRIVED])


def test_a_phone_given_up_is_tried_again_after_a_week_and_then_every_month(room: Mailroom) -> None:
    person, mail = room.person(), room.person("email")
    room.hears(person, [OFF] * 3)
    room.hears(mail, [GONE])
    room.clock.forward(6 * DAY)
    assert room.try_again() == []
    room.clock.forward(2 * DAY)
    assert room.try_again() == [person], "and a mailbox that does not exist is not"
    assert room.reachable(person)
    room.hears(person, [OFF])
    assert not room.reachable(person), "one more failure is enough"
    room.clock.forward(20 * DAY)
    assert room.try_again() == []
    room.clock.forward(11 * DAY)
    assert room.try_again() == [person]
    room.hears(person, [ARRIVED, OFF, OFF])
    assert room.reachable(person)


def test_the_audience_follows_who_is_given_up_and_tried_again(room: Mailroom) -> None:
    person = room.person()
    before = room.number("SELECT COUNT(*) FROM place_change")
    room.hears(person, [OFF] * 3)
    assert room.number("SELECT COUNT(*) FROM place_change") == before + 1
    room.clock.forward(8 * DAY)
    room.try_again()
    assert room.number("SELECT COUNT(*) FROM place_change") == before + 2


def test_a_storm_of_failures_asks_a_fixed_number_of_questions(room: Mailroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """One report may cost no query of its own, whatever it says."""
    person = room.person()
    asked: list[int] = []
    for count in (8, 40):
        rows = [room.handed(person, state="handed") for _ in range(count)]
        outcomes: list[Outcome] = [OFF, SPAM, ARRIVED, Handed("SM1")]
        receipts = [Receipt(row, outcomes[number % 4], f"SM{row}") for number, row in enumerate(rows)]
        asked.append(room.db.write_now(lambda conn, receipts=receipts: counted(conn, receipts, room)))
    assert asked[1] - asked[0] <= 4


def counted(conn: Connection, receipts: Sequence[Receipt], room: Mailroom) -> int:
    """How many statements a group of reports takes."""
    statements: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(conn.engine, "before_cursor_execute", note)
    try:
        reports.apply(conn, receipts, room.clock.now())
    finally:
        event.remove(conn.engine, "before_cursor_execute", note)
    return len(statements)
