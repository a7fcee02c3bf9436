"""The trap of Hawaii, planted at every hop: what is not of this mode, or reads like what it is not, does not leave."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import Content, Outbound, Refused, Retry
from notify.alerts import exercise, register
from notify.alerts.alert import Event, Mode, Stage, to_json
from notify.alerts.broadcast import Unfit
from notify.alerts.digest import digest
from notify.alerts.draft import Draft
from notify.app import running
from notify.clock import ManualClock
from notify.db import Database
from notify.publishing import cap
from notify.publishing.bulletin import Bulletin
from notify.sending.notices import Notices
from notify.settings import load
from notify.trusted import fitting
from notify.wiring import CannotStart
from tests.notify.factories import SENT
from tests.notify.newsroom_factory import APPROVER, AUTHOR, Room, a_draft, portland
from tests.notify.sending.test_outbox import Desk, a_row, an_event_in
from tests.notify.service_factory import install
from tests.notify.subjects import the_words

MARKS = exercise.marks(the_words())
TEST = Draft.model_validate({"hazard": "test", "stage": "test", "area": {"names": ["Lents"]}})
LANGUAGES = ()  # all of the city's


def event_of(room: Room, draft: Draft) -> Event:
    """What this draft becomes when it is submitted."""
    row = room.do("compose", AUTHOR, draft)
    assembler = room.newsroom.assembler
    return room.db.read_now(lambda conn: assembler.assemble(conn, draft, row, room.clock.now()))


@pytest.fixture
def sqlite_db(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Database]:
    path = tmp_path / "modes.db"
    shutil.copy(migrated_sqlite, path)
    with closing(Database(f"sqlite:///{path}")) as opened:
        yield opened


@pytest.fixture(params=list(Mode))
def room(request: pytest.FixtureRequest, sqlite_db: Database) -> Room:
    return Room.on(sqlite_db, ManualClock(SENT), mode=request.param, languages=LANGUAGES)


@pytest.mark.parametrize("draft", [TEST, a_draft(area={"names": ["Lents"]})], ids=["a test", "an alert"])
def test_what_is_written_in_a_mode_says_what_it_is_in_every_language(room: Room, draft: Draft) -> None:
    mode = room.newsroom.assembler.mode
    event = event_of(room, draft)
    assert exercise.problems(event, mode, MARKS) == []
    assert len({key.rpartition("/")[2] for key in event.contents}) > 10
    sealed, document = room.db.read_now(lambda conn: room.newsroom.assembler.seal(conn, event, SENT))
    bulletin = Bulletin(event=sealed, cap=document, published_at=SENT)
    assert exercise.unpublishable(bulletin, mode) == ""
    for other in set(Mode) - {mode}:
        assert "approved in mode" in " ".join(exercise.problems(event, other, MARKS))
        assert "It is not published" in exercise.unpublishable(bulletin, other)


def test_a_test_with_the_words_of_an_alert_and_the_reverse_are_named(sqlite_db: Database) -> None:
    room = Room.on(sqlite_db, ManualClock(SENT), mode=Mode.LIVE)
    test, alert = event_of(room, TEST), event_of(room, a_draft())
    swapped = replace(test, contents=alert.contents), replace(alert, contents=test.contents)
    for planted, sentence in zip(swapped, ("does not begin by saying so", "people would not act"), strict=True):
        assert sentence in " ".join(exercise.problems(planted, Mode.LIVE, MARKS))
    for planted in (replace(alert, stage=Stage.TEST), replace(test, stage=Stage.FIRST)):
        assert exercise.problems(planted, Mode.LIVE, MARKS)


@pytest.mark.parametrize("words", ["TEST ONLY. This is not a drill.", "SOLO UNA PRUEBA. Esto no es un simulacro."])
def test_no_test_says_that_it_is_none(words: str) -> None:
    contents = {"sms/test/en": Content(key="sms/test/en", language="en", body=words)}
    event = an_event_in(Mode.LIVE, stage=Stage.TEST, contents=contents)
    assert any("says that it is none" in problem for problem in exercise.problems(event, Mode.LIVE, MARKS))


@pytest.mark.parametrize("service", list(Mode))
@pytest.mark.parametrize("written", list(Mode))
@pytest.mark.parametrize("stage", [Stage.FIRST, Stage.TEST])
@pytest.mark.parametrize("person", ["sample", "real"])
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_at_the_last_hop_only_equal_modes_and_their_own_people_pass(
    service: Mode, written: Mode, stage: Stage, person: str, channel: str
) -> None:
    wording = "test" if stage is Stage.TEST else "first"
    mark = "TEST ONLY. " if stage is Stage.TEST or written is Mode.TRAINING else ""
    key = f"{channel}/{wording}/en"
    content = Content(key=key, language="en", body=f"{mark}Boil your water.", subject=f"{mark}Boil water")
    desk = Desk(an_event_in(written, stage=stage, contents={key: content}), service)
    people = {
        "sms": {"sample": "+15035550123", "real": "+15033334444"},
        "email": {"sample": "resident@example.gov", "real": "resident@city.gov"},
    }
    letter = desk.outbox.letter(channel, a_row(channel, people[channel][person], wording=wording))
    if service is not written:
        assert isinstance(letter, Retry) and letter.cause == "held"
        assert desk.pages
    elif (person == "real") is not (service is Mode.LIVE):
        assert isinstance(letter, Refused) and letter.code == "wrong-mode"
    else:
        assert isinstance(letter, Outbound) and letter.content.body.startswith(mark)


def test_a_row_that_asks_a_test_for_the_words_of_an_alert_gets_none() -> None:
    contents = {"sms/test/en": Content(key="sms/test/en", language="en", body="TEST ONLY. Nothing to do.")}
    desk = Desk(an_event_in(Mode.DEMO, stage=Stage.TEST, contents=contents))
    with pytest.raises(KeyError, match="not even in English"):
        desk.outbox.letter("sms", a_row(wording="first"))


def test_an_event_whose_words_were_planted_is_held_even_with_a_fresh_digest() -> None:
    """Somebody with the database's password changes the words and computes the digest anew."""
    contents = {"sms/first/en": Content(key="sms/first/en", language="en", body="TEST ONLY. No emergency.")}
    event = an_event_in(Mode.DEMO, contents=contents)
    desk = Desk(replace(event, digest=digest(event)))
    letter = desk.outbox.letter("sms", a_row())
    assert isinstance(letter, Retry) and "people would not act" in desk.pages[0]


def test_typing_a_test_into_an_alert_is_refused_before_anybody_is_asked_to_approve_it(sqlite_db: Database) -> None:
    room = Room.on(sqlite_db, ManualClock(SENT), mode=Mode.LIVE)
    draft = a_draft(hazard="other", until="", slots={"danger": {"en": "TEST ONLY. Something"}})
    known = {name: value for name, value in draft.slots.items() if name == "danger"}
    row = room.do("compose", AUTHOR, draft.model_copy(update={"slots": known}))
    with pytest.raises(Unfit):
        room.do("submit", AUTHOR, row.alert_id)


def test_what_was_submitted_in_another_mode_is_not_approved(sqlite_db: Database) -> None:
    training = Room.on(sqlite_db, ManualClock(SENT), mode=Mode.TRAINING)
    alert_id, seen = training.submitted()
    with pytest.raises(Unfit, match="written in mode training; this service runs in mode live"):
        training.in_mode(Mode.LIVE).do("approve", APPROVER, alert_id, seen)


async def test_a_service_does_not_start_on_what_was_approved_in_another_mode(tmp_path: Path, migrated_sqlite: Path) -> None:
    home = tmp_path / "home"
    install(home, migrated_sqlite)
    database = Database(f"sqlite:///{home / 'tocsin.db'}")
    try:
        room = Room.on(database, ManualClock(SENT), mode=Mode.TRAINING)
        room.approved()
        assert database.read_now(register.modes) == {"training"}
    finally:
        database.close()
    with pytest.raises(CannotStart, match="holds alerts of mode training; this service runs in mode demo"):
        async with running(load(mode="demo", data_dir=home, public_port=0, private_port=0)):
            pass


async def test_a_planted_bulletin_is_kept_off_the_pages_and_paged_once(sqlite_db: Database) -> None:
    room = Room.on(sqlite_db, ManualClock(SENT), mode=Mode.DEMO)
    good, wrong, forged = (room.left() for _ in range(3))

    def plant(conn: Any) -> None:
        event = register.frozen(conn, wrong)
        register.change_event(conn, wrong, content=to_json(replace(event, mode=Mode.TRAINING)))
        document = register.event(conn, forged).cap
        register.change_event(conn, forged, cap=document.replace(b"<status>Actual", b"<status>Exercise"))

    sqlite_db.write_now(plant)
    pages: list[str] = []
    bulletins = fitting(sqlite_db, Mode.DEMO, pages.append)
    for _ in range(2):
        assert [one.event.event_id for one in await bulletins()] == [good]
    assert len(pages) == 2 and all("It is not published" in page for page in pages)


@pytest.mark.parametrize(("mode", "mailbox"), [(Mode.DEMO, "resident@city.gov"), (Mode.LIVE, "resident@example.gov")])
async def test_a_notice_to_somebody_of_another_mode_does_not_leave(mode: Mode, mailbox: str) -> None:
    content = Content(key="notice/email", language="en", body="A link.", subject="Confirm")
    assert await Notices((), mode).mail(mailbox, content, "r") is False


def test_the_status_of_a_cap_document_is_the_one_that_is_looked_for() -> None:
    for mode in Mode:
        for stage in (Stage.FIRST, Stage.TEST):
            event = an_event_in(mode, stage=stage)
            document = cap.build(replace(event, expires=event.expires + timedelta(hours=1)), portland().pack.zone)
            bulletin = Bulletin(event=event, cap=document, published_at=SENT)
            assert exercise.unpublishable(bulletin, mode) == ""
