"""What is written to the city: into the line once, answered once and where it came from, danger at once."""

import contextlib
import hashlib
import hmac
import random
import statistics
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from shutil import copy
from unittest.mock import AsyncMock

import pytest
import pytest_asyncio
from sqlalchemy import Connection, insert, select

from channels.base import Heard as Text
from channels.base import Outcome, Refused, Unknown
from notify import data
from notify.clock import ManualClock
from notify.db import Database
from subscribers import store
from subscribers.dialog import lexicon
from subscribers.dialog.turn import Count, Memory, Note, Turn
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said
from subscribers.tables import Basis
from surge.contact import Standing, Way
from surge.desk import knowledge, mail_in, referrals, replies
from surge.desk.desk_tables import DeskOwedRow
from surge.desk.knowledge import Entry, Kind, Shelf
from surge.desk.mail_in import NotAsked
from surge.desk.replies import State
from surge.desk.written import Answer, Unsent, Written
from surge.scripts import reading
from surge.tables import ActivationRow
from tests.notify.signup_factory import a_site
from tests.surge.carrier_fake import Carrier
from tests.surge.line_fake import FakeLine

LEXICON = lexicon.load(data.folder("templates") / "dialog" / "vocabulary")
RING = Keyring(current="k1", keys={"k1": b"1" * 32}, blind_key=b"2" * 32)
PHONE, OURS = "+15035550123", "+15035550100"
TOO_LONG_S = 3600


@dataclass(slots=True)
class Desk:
    db: Database
    clock: ManualClock
    line: FakeLine
    carrier: Carrier
    written: Written


@pytest_asyncio.fixture
async def desk(tmp_path: Path, migrated_sqlite: Path, clock: ManualClock) -> AsyncIterator[Desk]:
    copy(migrated_sqlite, tmp_path / "tocsin.db")
    line, carrier = FakeLine(clock), Carrier()
    with closing(Database(f"sqlite:///{tmp_path / 'tocsin.db'}")) as db:
        written = Written(db=db, clock=clock, ring=RING, site=a_site(), line=line, lexicon=LEXICON, send=carrier.send)
        yield Desk(db, clock, line, carrier, written)


def switch_on(desk: Desk, status: str = "open") -> None:
    row = ActivationRow(
        activation_id="S-1",
        runbook="boil-water",
        title="Boil water",
        status=status,
        made_by="lead311",
        made_at=desk.clock.now(),
    )
    desk.db.write_now(lambda conn: conn.execute(insert(ActivationRow).values(**row.model_dump())))


def a_text(words: str, number: int = 1, address: str = PHONE) -> Text:
    return Text(provider_id=f"SM{number}", address=address, ours=OURS, text=words)


PUZZLED = Turn(memory=Memory(), acts=(Count(Note.PUZZLED),))


async def heard(desk: Desk, text: Text, turn: Turn, language: str) -> bool:
    """As the inbox does it: whether the desk was owed it, which now has it."""
    owed = desk.db.write_now(lambda conn: desk.written.owe(conn, text, turn, language))
    await desk.written.collect()
    return owed


def an_answer(mark: str = "m1", **changes: str) -> Answer:
    given = {"words": "Yes, boil it.", "language": "en", "source": "faq:F-1:1", "by": "agent311"} | changes
    return Answer(mark=mark, **given)


async def test_a_text_nobody_could_match_waits_at_the_desk_while_surge_is_open(desk: Desk) -> None:
    assert not await heard(desk, a_text("what about my fish tank"), PUZZLED, "en")
    switch_on(desk)
    assert await heard(desk, a_text("what about my fish tank"), PUZZLED, "es")
    await desk.written.collect()  # as every ten seconds
    (waiting,) = desk.line.waiting()
    letter = await desk.line.letter(waiting.contact_id)
    assert letter and (letter.way, letter.language, letter.reply_to, letter.ours) == (Way.SMS, "es", PHONE, OURS)


async def test_a_text_whose_process_died_before_the_desk_had_it_waits_there_after_the_start(desk: Desk) -> None:
    switch_on(desk)
    for number in (1, 2):
        desk.db.write_now(lambda conn, number=number: desk.written.owe(conn, a_text("fish tank?", number), PUZZLED, "es"))
    sealed = desk.db.read_now(lambda conn: conn.execute(select(DeskOwedRow.__table__)).all())
    assert len(sealed) == 2 and not any(PHONE.encode() in row.sealed or b"fish" in row.sealed for row in sealed)
    await replace(desk.written).collect()
    assert len(desk.line.waiting()) == 2
    assert desk.db.read_now(lambda conn: conn.execute(select(DeskOwedRow.__table__)).all()) == []


async def test_a_text_that_did_not_reach_the_desk_is_still_owed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    switch_on(desk)
    with monkeypatch.context() as patched:
        patched.setattr(FakeLine, "offer", AsyncMock(side_effect=OSError("the journal's disk is full")))
        assert await heard(desk, a_text("fish tank?"), PUZZLED, "es")
    assert desk.line.waiting() == []
    await desk.written.collect()
    assert len(desk.line.waiting()) == 1


@pytest.mark.parametrize("status", ["draft", "armed", "closed", "reported"])
async def test_outside_of_surge_the_dialog_alone_answers(desk: Desk, status: str) -> None:
    switch_on(desk, status)
    assert not await heard(desk, a_text("what about my fish tank"), PUZZLED, "en")


async def test_what_the_dialog_understood_stays_with_the_dialog(desk: Desk) -> None:
    switch_on(desk)
    assert not await heard(desk, a_text("97214"), Turn(memory=Memory()), "en")
    assert desk.line.waiting() == []


async def test_an_answer_leaves_once_by_the_number_that_was_texted(desk: Desk) -> None:
    switch_on(desk)
    await heard(desk, a_text("fish tank?"), PUZZLED, "en")
    letter = await desk.line.letter("C1")
    assert letter
    assert await desk.written.answer(letter, an_answer()) is State.HANDED
    assert await desk.written.answer(letter, an_answer()) is None  # the button pressed twice
    ((channel, to, content, ours),) = desk.carrier.sent
    assert (channel, to, content.body, ours) == ("sms", PHONE, "Yes, boil it.", OURS)
    (row,) = desk.db.read_now(lambda conn: replies.of_contact(conn, "C1"))
    assert row.state == State.HANDED and row.ref == "SM1" and PHONE.encode() not in row.sealed


@pytest.mark.parametrize("outcome,state", [(Refused("30007"), State.REFUSED), (Unknown("time-out"), State.UNKNOWN)])
async def test_what_did_not_leave_or_may_not_have_is_said_so(desk: Desk, outcome: Outcome, state: State) -> None:
    desk.carrier.outcome = outcome
    await desk.written.walked_in("fish tank?", "en", PHONE, None, "f1")
    letter = await desk.line.letter("C1")
    assert letter and await desk.written.answer(letter, an_answer()) is state


async def test_a_process_that_dies_while_sending_leaves_an_unknown_that_is_not_sent_again(desk: Desk) -> None:
    reply = replies.Reply(
        mark="m", channel="sms", to=PHONE, words="x", language="en", source="own words", consent="", by="agent311"
    )
    now = desk.clock.now()
    assert desk.db.write_now(lambda conn: replies.plan(conn, reply, RING, now))
    assert desk.db.write_now(lambda conn: replies.strand(conn, now + timedelta(minutes=1))) == 0
    assert desk.db.write_now(lambda conn: replies.strand(conn, now + timedelta(minutes=3))) == 1
    assert desk.db.read_now(lambda conn: replies.counted(conn, None)) == {"unknown": 1}


async def test_whoever_stopped_our_texts_gets_no_answer_by_text(desk: Desk) -> None:
    said = Said(at=desk.clock.now(), source="test")

    def stopped(conn: Connection) -> None:
        person = store.add_subscriber(conn, desk.clock.now(), "test")
        new = NewAddress(channel="sms", address=PHONE, language="en", basis=Basis.OPT_IN)
        store.stop(conn, store.add_address(conn, person, new, RING, said), said)

    desk.db.write_now(stopped)
    await desk.written.walked_in("fish tank?", "en", PHONE, None, "f1")
    letter = await desk.line.letter("C1")
    with pytest.raises(Unsent, match="stopped our texts"):
        assert letter and await desk.written.answer(letter, an_answer())
    assert desk.carrier.sent == []


async def test_somebody_at_the_counter_without_a_number_is_told_there(desk: Desk) -> None:
    await desk.written.walked_in("fish tank?", "so", "", "97206", "f1")
    letter = await desk.line.letter("C1")
    with pytest.raises(Unsent, match="at the counter"):
        assert letter and await desk.written.answer(letter, an_answer())


def a_mail(words: str, **fields: str) -> bytes:
    message = EmailMessage()
    given = {"From": "Resident <Resident@example.gov>", "Subject": "Water", "Message-ID": "<1@example.gov>"} | fields
    message.set_content(words)
    for name, value in given.items():
        message[name.replace("_", "-")] = value
    return message.as_bytes()


async def test_a_mail_of_somebody_in_danger_is_answered_with_the_way_to_911_at_once(desk: Desk) -> None:
    contact_id = await desk.written.mail(mail_in.read(a_mail("I want to die.", Content_Language="es")))
    letter = await desk.line.letter(contact_id)
    assert letter and letter.danger and letter.language == "es"
    ((channel, to, content, _),) = desk.carrier.sent
    assert (channel, to) == ("email", "Resident@example.gov") and "911" in content.body and "988" in content.body
    await desk.written.mail(mail_in.read(a_mail("I want to die.", Content_Language="es")))
    assert len(desk.carrier.sent) == 1 and len(desk.line.waiting()) == 1


def test_a_mail_is_read_without_what_it_quotes() -> None:
    letter = mail_in.read(a_mail("Can I shower?\n\nOn Fri, 23 May 2014 the City wrote:\n> Boil your water.\n"))
    assert letter.words == "Water\n\nCan I shower?" and letter.address == "Resident@example.gov"


def test_a_mail_in_html_alone_loses_its_tags_and_scripts() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "resident@example.gov", "Water"
    message.set_content("<p>Can I <b>shower</b>?</p><script>alert(1)</script>", subtype="html")
    assert mail_in.read(message.as_bytes()).words == "Water\n\nCan I shower ?"


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List-Id": "<news.example.gov>"},
        {"From": "<>"},
        {"Return-Path": "<>"},
    ],
)
def test_no_program_is_answered(fields: dict[str, str]) -> None:
    with pytest.raises(NotAsked):
        mail_in.read(a_mail("I am out of the office.", **fields))


@pytest.mark.parametrize("junk", [b"", b"\xff\xfe\x00", b"From: x\n\n", b"Subject: =?bad?q?x?=\nFrom: a@example.gov\n\n"])
def test_no_bytes_break_the_reading(junk: bytes) -> None:
    with contextlib.suppress(NotAsked):
        mail_in.read(junk)


def test_only_the_holder_of_the_key_hands_mails_over() -> None:
    right = hmac.digest(b"key", b"body", hashlib.sha256).hex()
    assert mail_in.signed(b"key", b"body", right.upper()) and not mail_in.signed(b"key", b"body2", right)
    assert not mail_in.signed(b"other", b"body", right) and not mail_in.signed(b"key", b"body", "")


BOOK = reading.read("boil-water", (data.folder("runbooks") / "boil-water.md").read_text("utf-8"))
SHELF = Shelf.of(
    [
        *knowledge.answers(BOOK, 1, {one.anchor: {"en": " ".join(s.text for s in one.says)} for one in BOOK.steps if one.says}),
        *referrals.load(data.folder("city") / "portland").known(),
        Entry(
            source="faq:F-1:1",
            kind=Kind.FAQ,
            about={"en": "fish tank aquarium", "es": "acuario pecera peces", "vi": "hồ cá", "ru": "аквариум рыбки"},
            words={"en": "Fish: use bottled water.", "es": "Peces: agua embotellada.", "vi": "Cá: dùng nước đóng chai."},
        ),
        Entry(
            source="faq:F-2:1",
            kind=Kind.FAQ,
            about={"en": "shower bath", "es": "ducha bañarse", "vi": "tắm", "ru": "душ мыться", "zh-Hant": "洗澡"},
            words={"en": "Shower: yes.", "es": "Ducha: sí.", "vi": "Tắm: được.", "ru": "Душ: можно.", "zh-Hant": "可以洗澡。"},
        ),
    ]
)
ASKED = {
    "en": [
        "can I shower",
        "what about my fish tank",
        "how long to boil",
        "my restaurant, may it stay open",
        "purple elephants",
    ],
    "es": ["¿puedo usar la ducha?", "¿y los peces de mi acuario?", "no entiendo nada de esto"],
    "vi": ["tôi có tắm được không", "hồ cá của tôi thì sao"],
    "ru": ["можно ли принимать душ", "аквариум с рыбками"],
    "zh-Hant": ["可以洗澡嗎"],
}
DANGER = {
    "en": "my father has chest pain",
    "es": "no puedo respirar",
    "ru": "не могу дышать",
    "zh-Hant": "我想自殺",
    "vi": "cứu tôi",
}


async def offered(desk: Desk, number: int, draw: random.Random) -> None:
    language = draw.choice(list(ASKED))
    words = DANGER[language] if number % 17 == 0 else draw.choice(ASKED[language])
    address = f"+1503555{number:04d}"
    match draw.choice(list(Way)[1:]):
        case Way.SMS:
            await heard(desk, a_text(words, number, address), PUZZLED, language)
        case Way.EMAIL:
            fields = {"From": f"r{number}@example.gov", "Message-ID": f"<{number}@example.gov>", "Content_Language": language}
            await desk.written.mail(mail_in.read(a_mail(words, **fields)))
        case Way.WEB:
            await desk.written.asked(words, language, address, "97206", f"{number}")
        case Way.WALK_IN:
            await desk.written.walked_in(words, language, address if draw.random() < 0.5 else "", None, f"{number}")


async def worked(desk: Desk, agent: str, number: int) -> str:
    """One agent deals with one contact as the page leads them: whoever is in danger first, else the next."""
    danger = [one for one in desk.line.waiting() if desk.line.letters[one.contact_id].danger]
    if danger:
        await desk.line.take(agent, contact_id := danger[0].contact_id)
    else:
        taken = await desk.line.take_next(agent)
        assert taken is not None
        contact_id = taken
    letter = desk.line.letters[contact_id]
    found = SHELF.search(letter.words)
    if letter.danger:
        words, source, ending = "Call 911.", "distress", "emergency"
    elif found and found[0].entry.kind is not Kind.REFERRAL:
        words, source, ending = found[0].entry.said(letter.language)[0], found[0].entry.source, "informed"
    else:
        words, source, ending = "Please ask 211.", found[0].entry.source if found else "referral:211info", "referred"
    if letter.reply_to:
        answer = an_answer(f"{number}", words=words, source=source, by=agent, language=letter.language)
        assert await desk.written.answer(letter, answer) is State.HANDED
    await desk.line.finish(agent, contact_id, ending)
    return ending


async def test_two_hundred_mixed_texts_mails_and_walk_ins_each_come_to_an_end(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two every 6 s for ten minutes, four agents at 22 s each; every contact is answered, referred or distress-guarded."""
    switch_on(desk)
    draw, number, done = random.Random(311), 0, 0
    waits: dict[str, list[float]] = {}
    guarded: list[float] = []
    for second in range(0, TOO_LONG_S, 2):
        desk.clock.forward(timedelta(seconds=2))
        for _ in range(2 if second % 6 == 0 and number < 200 else 0):
            number += 1
            await offered(desk, number, draw)
        if second % 22 in (0, 6, 10, 16) and desk.line.waiting():
            done += 1
            await worked(desk, f"agent{second % 4}", done)
    found = list(desk.line.found.values())
    assert len(found) == 200 and desk.line.waiting() == []
    assert {one.standing for one in found} == {Standing.DONE, Standing.EMERGENCY_OUT}
    assert set(desk.line.ended.values()) == {"informed", "referred", "emergency"}
    for one in found:
        took = (one.left_queue_at - one.offered_at).total_seconds() if one.left_queue_at else 0.0
        waits.setdefault(one.language, []).append(took)
        if desk.line.letters[one.contact_id].danger:
            assert desk.line.ended[one.contact_id] == "emergency"
            guarded.append(took)
    with capsys.disabled():
        medians = {language: statistics.median(took) for language, took in sorted(waits.items())}
        print("\nmedian s until an agent had it:", medians, "in danger, longest:", max(guarded))
    assert max(guarded) <= 22
