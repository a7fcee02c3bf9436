"""After a call somebody is asked once whether it has helped, and whoever must not be asked is not."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, text

from channels.base import Content, Handed, Outcome, Refused
from channels.base import Heard as Text
from channels.lookup import LineType
from channels.text import parts
from notify.clock import ManualClock
from notify.db import Database
from notify.residents.inbox import Inbox
from notify.residents.replies import Replies
from notify.wording.reviews import arrange
from subscribers import contacts, lines, store
from subscribers.address import SMS
from subscribers.dialog import lexicon
from subscribers.dialog.player import SampleWorld
from subscribers.dialog.turn import Asked, Question
from surge.desk import asking_rows
from surge.desk.asking import Asking, Grades
from surge.floor.texts import texts
from surge.numbers import number_rows
from surge.numbers.outcomes import Graded
from surge.tables import ActivationRow, CallbackRow, ContactRow
from tests.notify.subjects import TAGS, TEMPLATES, the_words
from tests.surge.phone_fake import RING

CALLER, OURS = "+15035550142", "+15035550100"
MINUTE = timedelta(minutes=1)
WORDS = texts(the_words(), arrange([]), allow_drafts=True)


@dataclass(slots=True)
class House:
    """Asks callers, and hears their texts. outcome: of every text that leaves."""

    db: Database
    clock: ManualClock
    inbox: Inbox
    asking: Asking
    left: list[tuple[str, Content]] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Handed("SM1"))
    free: bool = True
    texts: int = 0

    async def send(self, channel: str, address: str, content: Content, ours: str) -> Outcome:
        self.left.append((address, content))
        return self.outcome

    async def text(self, body: str) -> list[str]:
        self.texts += 1
        return await self.inbox.hear(Text(provider_id=f"SM{self.texts}", address=CALLER, ours=OURS, text=body, obeyed=""))

    def write(self, do: Callable[[Connection], object]) -> None:
        self.db.write_now(do)

    def grades(self) -> list[Graded]:
        return self.db.read_now(lambda conn: number_rows.grades(conn, "A"))

    def mobile(self, number: str = CALLER, kind: LineType = LineType.MOBILE) -> None:
        self.write(lambda conn: lines.keep(conn, RING, number, kind, self.clock.now()))

    def called(self, contact_id: str = "c1", number: str = CALLER, **given: object) -> None:
        """A call that an agent answered, and wrapped up now."""
        now, sealed = self.clock.now(), RING.seal("voice", number)
        row = ContactRow(
            contact_id=contact_id,
            activation_id="A",
            way="voice",
            caller=RING.blind(SMS, number),
            sealed=sealed.data,
            key_id=sealed.key_id,
            standing="done",
            disposition="informed",
            offered_at=now - 5 * MINUTE,
            answered_at=now - 4 * MINUTE,
            ended_at=now,
        )
        values = row.model_dump() | given
        self.write(lambda conn: conn.execute(insert(ContactRow), [values]))


def activation(activation_id: str, **given: object) -> ActivationRow:
    made = {"runbook": "boil-water", "title": "Boil water", "status": "open", "made_by": "lead", **given}
    return ActivationRow(activation_id=activation_id, **made)


@pytest.fixture
def house(db: Database, clock: ManualClock) -> House:
    inbox = Inbox(
        db=db,
        clock=clock,
        keys=RING,
        lexicon=lexicon.load(TEMPLATES / "dialog" / "vocabulary"),
        replies=Replies(the_words(), (), allow_drafts=True),
        world=lambda _conn: SampleWorld(),
        spend=lambda _number, _parts: None,
    )
    inbox.beyond.append(Grades(RING, clock))
    made: House
    asking = Asking(
        db=db,
        clock=clock,
        ring=RING,
        city="City of Portland",
        texts=lambda: WORDS,
        send=lambda *given: made.send(*given),
        free=lambda: made.free,
    )
    made = House(db, clock, inbox, asking)
    for name in ("A", "B"):
        row = activation(name, made_at=clock.now()).model_dump()
        made.write(lambda conn, row=row: conn.execute(insert(ActivationRow), [row]))  # type: ignore[misc]
    made.mobile()
    return made


async def test_a_caller_is_asked_once_answers_with_a_digit_and_is_thanked(house: House) -> None:
    house.called()
    assert await house.asking.tick() == 1 and await house.asking.tick() == 0
    ((number, content),) = house.left
    assert number == CALLER and content.body.startswith("City of Portland: did your call to 311 help you?")
    assert house.grades() == [Graded(contact_id="c1", grade=None)]
    (thanks,) = await house.text("4")
    assert thanks.startswith("Thank you.")
    assert house.grades() == [Graded(contact_id="c1", grade=4)]
    await house.text("1")
    assert house.grades() == [Graded(contact_id="c1", grade=4)], "the first answer counts"


async def test_stop_is_obeyed_and_is_no_grade(house: House) -> None:
    house.called()
    await house.asking.tick()
    await house.text("STOP")
    known = house.db.read_now(lambda conn: store.find_address(conn, SMS, RING.blind(SMS, CALLER)))
    assert known is not None and known.stopped_at is not None
    assert await house.text("5") == [] and house.grades() == [Graded(contact_id="c1", grade=None)]


async def test_nobody_is_asked_twice_in_an_incident(house: House) -> None:
    house.called()
    await house.asking.tick()
    house.clock.forward(2 * asking_rows.ANSWERED_WITHIN)
    house.mobile()
    house.called("c2")
    assert await house.asking.tick() == 0
    house.called("c3", activation_id="B")
    assert await house.asking.tick() == 1, "another incident's call"


@pytest.mark.parametrize(
    "given",
    [
        {"disposition": "emergency"},
        {"disposition": "wrong number"},
        {"standing": "emergency out"},
        {"standing": "abandoned", "answered_at": None},
        {"standing": "wrap", "ended_at": None},
        {"standing": "overflowed", "answered_at": None},
        {"way": "sms"},
        {"caller": None, "sealed": None},
        {"activation_id": None},
    ],
)
async def test_who_was_not_simply_answered_is_not_asked(house: House, given: dict[str, object]) -> None:
    house.called(**given)  # type: ignore[arg-type]
    assert await house.asking.tick() == 0 and house.left == []


@pytest.mark.parametrize("other", [{"standing": "emergency out"}, {"disposition": "emergency"}, {"standing": "queueing"}])
async def test_who_was_handed_to_911_in_another_call_or_waits_again_is_not_asked(
    house: House, other: dict[str, object]
) -> None:
    house.called("before", **other)  # type: ignore[arg-type]
    house.called()
    assert await house.asking.tick() == 0


async def test_after_a_quarter_of_an_hour_nobody_is_asked_any_more(house: House) -> None:
    house.called()
    house.clock.forward(15 * MINUTE)
    assert await house.asking.tick() == 0


async def test_nobody_is_asked_while_texts_wait_for_their_slot_or_an_alert_leaves(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.called()
    house.free = False
    assert await house.asking.tick() == 0
    house.free = True
    monkeypatch.setattr("notify.alerts.register.standing", lambda conn, statuses: ["an alert"])
    assert await house.asking.tick() == 0 and house.grades() == []
    monkeypatch.undo()
    assert await house.asking.tick() == 1


async def test_a_landline_is_never_asked_and_an_unknown_line_only_after_its_carrier_said_so(house: House) -> None:
    number, unknown = "+15035550143", "+15035550144"
    house.mobile(number, LineType.LANDLINE)
    house.called("landline", number)
    house.called("unknown", unknown)
    assert await house.asking.tick() == 0
    said: list[str] = []

    async def kind(number: str) -> str:
        said.append(number)
        return LineType.MOBILE

    again = replace_kind(house.asking, kind)
    assert await again.tick() == 1 and said == [unknown]


def replace_kind(one: Asking, kind: object) -> Asking:
    return Asking(
        db=one.db, clock=one.clock, ring=one.ring, city=one.city, texts=one.texts, send=one.send, free=one.free, kind=kind
    )  # type: ignore[arg-type]


async def test_who_stopped_or_was_erased_is_not_asked(house: House) -> None:
    await house.text("97214")
    await house.text("STOP")
    house.called()
    assert await house.asking.tick() == 0


async def test_an_open_question_of_the_dialog_is_answered_first(house: House) -> None:
    blind, now = RING.blind(SMS, CALLER), house.clock.now()

    def ask(conn: Connection) -> None:
        contact = contacts.meet(conn, SMS, blind, now)
        question = Question(asked=Asked.DELETE, at=now)
        contacts.remember(conn, contact.contact_id, replace(contact.memory, question=question), now)

    house.write(ask)
    house.called()
    assert await house.asking.tick() == 0
    house.clock.forward(11 * MINUTE)
    assert await house.asking.tick() == 1, "it has run out"


async def test_a_callback_is_asked_about_once_its_agent_has_had_the_time_to_wrap_up(house: House) -> None:
    now = house.clock.now()
    house.called(standing="callback", answered_at=None)
    back = {"state": "done", "asked_at": now, "promised_from": now, "promised_to": now, "next_at": now}
    row = CallbackRow(callback_id="k", contact_id="c1", connected_at=now, ended_at=now, **back)
    house.write(lambda conn: conn.execute(insert(CallbackRow), [row.model_dump()]))
    assert await house.asking.tick() == 0
    house.clock.forward(3 * MINUTE)
    assert await house.asking.tick() == 1


async def test_a_crash_before_the_text_leaves_asks_nobody_twice(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(*_given: object) -> Outcome:
        raise KeyboardInterrupt

    house.called()
    monkeypatch.setattr(House, "send", dies)
    with pytest.raises(KeyboardInterrupt):
        await house.asking.tick()
    monkeypatch.undo()
    assert await house.asking.tick() == 0 and house.left == [] and house.grades() == [Graded(contact_id="c1", grade=None)]


async def test_what_certainly_did_not_leave_asked_nobody(house: House) -> None:
    house.outcome = Refused("21610", "stopped")
    house.called()
    assert await house.asking.tick() == 0 and house.grades() == []
    assert await house.asking.tick() == 0 and len(house.left) == 1, "it is not tried again"
    await house.text("5")
    assert house.grades() == [], "a digit is a digit again"


async def test_in_an_exercise_the_question_says_so_first(house: House) -> None:
    house.write(lambda conn: conn.execute(text("UPDATE activation SET drill = true WHERE activation_id = 'A'")))
    house.called()
    await house.asking.tick()
    ((_, content),) = house.left
    assert content.body.startswith(WORDS["en"]["line.exercise"])


async def test_the_question_is_one_part_in_every_language_and_names_the_city(house: House) -> None:
    for language in TAGS:
        spoken, body = house.asking.body(language, drill=False)
        assert spoken == language and "City of Portland" in body and parts(body) == 1


async def test_the_report_counts_who_was_asked_and_what_they_said(house: House) -> None:
    house.called(language="es")
    await house.asking.tick()
    assert house.left[0][1].language == "es"
    assert (await house.text("2"))[0].startswith("Gracias.")
    assert house.grades() == [Graded(contact_id="c1", grade=2)]
