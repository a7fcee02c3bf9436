import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from channels.base import Answer, Delivered, Handed, Misconfigured, Outcome, Question, Receipt
from channels.base import Unknown as InDoubt
from notify.alerts.alert import Event, Severity, Stage, Urgency, from_json
from notify.clock import ManualClock, micros
from notify.db import Database
from notify.sending import late, leases, ledger
from notify.sending.reconcile import LEFT_TO_STAFF, Adopt, Leave, Reconciler, SendAgain, Unknown, decide, in_doubt, settle
from subscribers import store
from subscribers.sealing import Keyring
from tests.notify.factories import an_event
from tests.notify.incident_factory import Incident
from tests.notify.sending_factory import FakeChannel

NOW = datetime(2014, 5, 23, 16, 0, tzinfo=UTC)
SOON, LONG_AGO = NOW - timedelta(seconds=10), NOW - timedelta(seconds=61)
AFTER = timedelta(seconds=60)
NONE, ONE = Answer(delivery_id=1), Answer(delivery_id=1, found=[("SM1", Handed("SM1"))])
TWO = Answer(delivery_id=1, found=[("SM1", Handed("SM1")), ("SM2", Delivered())])
EXTREME = {"severity": Severity.EXTREME, "urgency": Urgency.EXPECTED}
IMMEDIATE = {"severity": Severity.SEVERE, "urgency": Urgency.IMMEDIATE}
MODERATE = {"severity": Severity.MODERATE, "urgency": Urgency.IMMEDIATE}
EXPECTED = {"severity": Severity.SEVERE, "urgency": Urgency.EXPECTED}
LEFT = Leave(LEFT_TO_STAFF)


def a_doubt(claimed_at: datetime = LONG_AGO, attempts: int = 1) -> Unknown:
    return Unknown(1, "event-1", "sms", "en", "first", attempts, micros(claimed_at), b"", "k1")


@pytest.mark.parametrize(
    ("answer", "fields", "doubt", "step"),
    [
        (ONE, MODERATE, a_doubt(), Adopt(Receipt(1, Handed("SM1"), "SM1"))),
        (ONE, EXTREME, a_doubt(SOON), Adopt(Receipt(1, Handed("SM1"), "SM1"))),
        (TWO, EXTREME, a_doubt(), Leave(f"{LEFT_TO_STAFF}: 2 matches")),
        (NONE, EXTREME, a_doubt(SOON), None),
        (NONE, MODERATE, a_doubt(SOON), None),
        (NONE, EXTREME, a_doubt(), SendAgain()),
        (NONE, IMMEDIATE, a_doubt(), SendAgain()),
        (NONE, EXPECTED, a_doubt(), LEFT),
        (NONE, MODERATE, a_doubt(), LEFT),
        (None, EXTREME, a_doubt(), SendAgain()),
        (None, MODERATE, a_doubt(), LEFT),
        (None, EXTREME, a_doubt(SOON), None),
        (NONE, EXTREME, a_doubt(attempts=3), LEFT),
        (NONE, EXTREME | {"expires": NOW}, a_doubt(), LEFT),
    ],
)
def test_the_policy_decides_what_becomes_of_a_doubt(
    answer: Answer | None, fields: dict[str, Any], doubt: Unknown, step: Any
) -> None:
    event: Event = an_event(**({"expires": NOW + timedelta(hours=1)} | fields))
    assert decide(doubt, answer, event, NOW, AFTER) == step


class Provider(FakeChannel):
    """A gateway that can be asked; `known` is what it holds, by address."""

    known: dict[str, list[tuple[str, Outcome]]]
    asked: list[Question]
    down: Exception | None

    def __init__(self) -> None:
        super().__init__()
        self.known, self.asked, self.down = {}, [], None

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer]:
        if self.down is not None:
            raise self.down
        self.asked += questions
        return [Answer(delivery_id=one.delivery_id, found=self.known.get(one.address, [])) for one in questions]


class Case:
    """An event of four people, all in doubt for 61 s."""

    def __init__(self, db: Database, clock: ManualClock) -> None:
        keys = {"k1": secrets.token_bytes(32)}
        self.ring = Keyring(current="k1", keys=keys, blind_key=secrets.token_bytes(32))
        self.incident, self.clock, self.provider = Incident(db, clock), clock, Provider()
        self.people = self.incident.people(4)
        self.numbers = {address_id: f"+1503555{address_id:04}" for address_id in self.people}

        for address_id, number in self.numbers.items():
            self.seal(address_id, "sms", number)

    def seal(self, address_id: int, channel: str, address: str) -> None:
        sealed = self.ring.seal(channel, address)
        change = update(store.ADDRESS).where(store.ADDRESS.c.address_id == address_id)
        change = change.values(sealed=sealed.data, key_id=sealed.key_id)
        self.incident.db.write_now(lambda conn: conn.execute(change))

    async def doubt(self, **given: Any) -> str:
        event_id = self.incident.countdown(1, Stage.FIRST, self.people, **given)
        await self.incident.start(event_id)
        self.incident.hand_over(event_id, outcome=InDoubt("cut"))
        self.clock.forward(timedelta(seconds=61))
        return event_id

    def reconciler(self, *channels: Any) -> Reconciler:
        return Reconciler(self.incident.db, self.clock, self.ring, {"sms": channels or (self.provider,)}, AFTER)

    def states(self) -> list[str]:
        return [state for _, state in self.incident.rows("K7Q2-1").values()]


@pytest.fixture
def case(db: Database, clock: ManualClock) -> Case:
    return Case(db, clock)


async def test_found_ones_are_adopted_two_matches_are_left_and_missing_ones_go_out_again(case: Case) -> None:
    await case.doubt(**EXTREME)
    numbers = list(case.numbers.values())
    case.provider.known = {
        numbers[0]: [("SM1", Handed("SM1"))],
        numbers[1]: [("SM2", Delivered())],
        numbers[2]: [("SM3", Handed("SM3")), ("SM4", Handed("SM4"))],
    }
    assert await case.reconciler().tick() == 4
    assert case.states() == ["handed", "delivered", "unknown", "planned"]
    assert {question.body for question in case.provider.asked} == {"first"}
    rows = case.incident.claimed("K7Q2-1")
    assert [row.address_id for row in rows] == case.people[3:]
    assert rows[0].fence == 2
    assert await case.reconciler().tick() == 0, "two matches are for a person to look at"


async def test_a_row_that_two_senders_accounts_know_once_is_one_match(case: Case) -> None:
    await case.doubt(**EXTREME)
    case.provider.known = {number: [("SM1", Handed("SM1"))] for number in case.numbers.values()}
    await case.reconciler(case.provider, case.provider).tick()
    assert case.states() == ["handed"] * 4


async def test_other_alerts_leave_the_missing_to_staff_and_are_then_done(case: Case) -> None:
    event_id = await case.doubt(**MODERATE)
    assert await case.reconciler().tick() == 4
    assert case.states() == ["unknown"] * 4
    assert await case.reconciler().tick() == 0
    await case.incident.conductor().settle()
    assert case.incident.event(event_id).status == "active"


@pytest.mark.parametrize("down", [ConnectionError("no way"), Misconfigured("wrong token")])
async def test_while_a_provider_cannot_be_asked_nothing_is_decided_and_mails_go_on(case: Case, down: Exception) -> None:
    await case.doubt(**EXTREME)
    for address_id in case.people[2:]:  # two of them are mails, which nobody can be asked about
        mail = text("UPDATE delivery SET channel = 'email' WHERE address_id = :id")
        case.incident.db.write_now(lambda conn, mail=mail, one=address_id: conn.execute(mail, {"id": one}))  # type: ignore[misc]
        case.seal(address_id, "email", f"resident{address_id}@example.gov")
    case.provider.down = down
    assert await case.reconciler().tick() == 2
    assert case.states() == ["unknown", "unknown", "planned", "planned"]
    case.provider.down = None
    assert await case.reconciler().tick() == 2
    assert case.states() == ["planned"] * 4


async def test_nothing_of_a_stopped_event_is_sent_again(case: Case) -> None:
    await case.doubt(**EXTREME)
    case.incident.db.write_now(lambda conn: conn.execute(text("UPDATE event SET status = 'stopped'")))
    assert await case.reconciler().tick() == 4
    assert case.states() == ["unknown"] * 4
    assert await case.reconciler().tick() == 0


async def test_what_a_latecomer_missed_of_an_alert_in_force_goes_out_again(case: Case) -> None:
    *early, newcomer = case.people
    first = case.incident.countdown(1, Stage.FIRST, early, **EXTREME)
    await case.incident.start(first)
    case.incident.hand_over(first)
    conductor, db, clock = case.incident.conductor(), case.incident.db, case.clock
    await conductor.settle()
    event = from_json(case.incident.row(first).content)
    db.write_now(lambda conn: late.plan(conn, event, [newcomer], [newcomer], clock.now()))
    case.incident.claimed(first)  # and the sender dies
    clock.forward(timedelta(seconds=61))
    db.write_now(lambda conn: leases.release_expired(conn, now=clock.now()))
    assert await case.reconciler().tick() == 1
    assert case.incident.rows(first)[newcomer] == ("first", "planned")
    await conductor.settle()
    assert (case.incident.row(first).status, case.incident.row(first).done_at) == ("active", None), "somebody still waits"
    case.incident.hand_over(first)
    await conductor.settle()
    assert case.incident.rows(first)[newcomer] == ("first", "handed")
    assert case.incident.row(first).done_at is not None


async def test_what_has_been_left_to_staff_is_not_sent_again_by_whoever_asked_before(case: Case) -> None:
    await case.doubt(**EXTREME)
    db, now = case.incident.db, case.clock.now()
    (row, *_) = db.read_now(lambda conn: in_doubt(conn, "sms", now))
    two = f"{LEFT_TO_STAFF}: 2 matches"
    for step in (Leave(two), SendAgain()):
        db.write_now(lambda conn, step=step: settle(conn, [(row, step)], now))  # type: ignore[misc]
    code = text("SELECT state, code FROM delivery WHERE delivery_id = :id")
    assert tuple(db.read_now(lambda conn: conn.execute(code, {"id": row.delivery_id}).one())) == ("unknown", two)


async def test_a_person_erased_meanwhile_is_left_to_staff_and_keeps_nobody_waiting(case: Case) -> None:
    await case.doubt(**EXTREME)
    erase = text("DELETE FROM address WHERE address_id = :id")
    case.incident.db.write_now(lambda conn: conn.execute(erase, {"id": case.people[0]}))
    assert await case.reconciler().tick() == 4
    assert case.states() == ["unknown", "planned", "planned", "planned"]
    assert await case.reconciler().tick() == 0


async def test_a_report_that_comes_while_the_provider_is_asked_wins(case: Case) -> None:
    await case.doubt(**EXTREME)

    class Reporting(Provider):
        async def ask(self, questions: Sequence[Question]) -> Sequence[Answer]:
            receipts = [Receipt(one.delivery_id, Delivered(), "SM9") for one in questions]
            await case.incident.db.write(lambda conn: ledger.apply_reports(conn, receipts, now=case.clock.now()))
            return await super().ask(questions)

    await case.reconciler(Reporting()).tick()
    assert case.states() == ["delivered"] * 4


async def test_only_the_provider_that_carried_a_row_is_asked_and_a_silent_one_holds_up_no_other(case: Case) -> None:
    await case.doubt(**EXTREME)
    by = {"one": Provider(), "two": Provider()}
    rows = case.incident.db.read_now(lambda conn: list(conn.scalars(text("SELECT delivery_id FROM delivery ORDER BY 1"))))
    carried = text("UPDATE delivery SET route = :route WHERE delivery_id = :id")
    which = zip(["one", "two", "two", None], rows, strict=True)
    bound = [{"route": route, "id": delivery_id} for route, delivery_id in which]
    case.incident.db.write_now(lambda conn: conn.execute(carried, bound))
    numbers = list(case.numbers.values())
    by["one"].down, by["two"].known = ConnectionError("no"), {numbers[1]: [("SM2", Handed("SM2"))]}
    case.provider.known = {number: [("SM9", Handed("SM9"))] for number in numbers[3:]}
    reconciler = case.reconciler()
    reconciler.routes = {name: [channel] for name, channel in by.items()}
    assert await reconciler.tick() == 3
    assert case.states() == ["unknown", "handed", "planned", "handed"], "the first waits until its provider answers"
    assert {one.address for one in by["two"].asked} == {numbers[1], numbers[2]}
    assert {one.address for one in case.provider.asked} == {numbers[3]}
