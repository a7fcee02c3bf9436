"""Who texts PLAIN gets alerts in the form for old handsets from then on, until they change the language; on both databases."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from channels.base import Heard as Text
from notify.alerts.alert import Event, Wording, to_json
from notify.cli.ledger import texts_of
from notify.clock import ManualClock
from notify.db import Database
from notify.residents.inbox import Inbox
from notify.residents.replies import Replies
from notify.sending import ledger
from notify.sending.outbox import content_for
from notify.wording.render import render
from subscribers import importing, loading, store
from subscribers.address import SMS, Samples
from subscribers.dialog import lexicon
from subscribers.dialog.sample import SampleWorld
from subscribers.entry import Rules
from subscribers.plain import is_plain, spoken, tagged
from subscribers.sealing import Keyring
from subscribers.store import KnownAddress
from tests.notify.factories import an_event
from tests.notify.ledger_factory import add_event, an_event_row
from tests.notify.subjects import TAGS, TEMPLATES, a_subject, reviews_of, the_words
from tests.subscribers.factories import ENVELOPE

PHONE, OURS = "+15035550123", "+15035550100"
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
PLAIN = "fără diacritice"


@pytest.fixture
def inbox(db: Database, clock: ManualClock) -> Inbox:
    return Inbox(
        db=db,
        clock=clock,
        keys=KEYS,
        lexicon=lexicon.load(TEMPLATES / "dialog" / "vocabulary"),
        replies=Replies(the_words(), (), allow_drafts=True),
        world=lambda _conn: SampleWorld(),
        spend=lambda _number, _parts: None,
    )


async def texted(inbox: Inbox, *bodies: str) -> None:
    for body in bodies:
        await inbox.hear(Text(provider_id=f"SM {body}", address=PHONE, ours=OURS, text=body))


def kept(db: Database) -> KnownAddress:
    found = db.read_now(lambda conn: store.find_address(conn, SMS, KEYS.blind(SMS, PHONE)))
    assert found is not None
    return found


def told(db: Database, clock: ManualClock, event_id: str = "K7Q2-1") -> Sequence[str]:
    """Plans an alert for the phone; returns the languages of its ledger rows."""
    content = to_json(replace(approved(), event_id=event_id))
    row = an_event_row(clock.now(), event_id=event_id, alert_id=event_id, identifier=event_id, content=content)
    packed = [ledger.pack(kept(db).address_id, Wording.FIRST)]

    def plan(conn: Connection) -> Sequence[str]:
        add_event(conn, row, clock.now())
        ledger.plan(conn, row, packed, clock.now())
        return list(conn.scalars(text("SELECT language FROM delivery WHERE event_id = :id"), {"id": event_id}))

    return db.write_now(plan)


@cache
def approved() -> Event:
    words = the_words()
    rendering = render(a_subject(), words, reviews_of(words, "en", "ro", "ro-x-plain"), TAGS, allow_drafts=False)
    return an_event(contents=rendering.contents)


async def test_from_plain_on_alerts_come_without_marks(inbox: Inbox, db: Database, clock: ManualClock) -> None:
    await texted(inbox, "RO", "97214")
    assert told(db, clock) == ["ro"] and not kept(db).plain
    await texted(inbox, PLAIN)
    assert (kept(db).language, kept(db).plain) == ("ro", True)
    (language,) = told(db, clock, "K7Q2-2")
    text_sent = content_for(approved(), "sms", "first", language)
    assert text_sent.key == "sms/first/ro-x-plain" and text_sent.body.isascii()
    assert text_sent.body in texts_of(db)["K7Q2-2"]["sms"], "`ledger check` knows it as approved"


async def test_the_wish_may_come_before_the_sign_up(inbox: Inbox, db: Database, clock: ManualClock) -> None:
    await texted(inbox, "RO", PLAIN, "97214")
    assert told(db, clock) == ["ro-x-plain"]


@pytest.mark.parametrize("language", ["AR", "VI", "RU", "ZH", "LO"])
async def test_a_language_without_such_a_form_gets_english_and_an_interpreter(
    inbox: Inbox, db: Database, clock: ManualClock, language: str
) -> None:
    await texted(inbox, language, "97214", "PLAIN")
    assert kept(db).plain and kept(db).language == told(db, clock)[0].removesuffix("-x-plain") != "en"
    (asked_for,) = told(db, clock, "K7Q2-2")
    sent = content_for(approved(), "sms", "first", asked_for)
    assert sent.key == f"sms/first/{asked_for}" and sent.language == "en"
    assert sent.body.isascii() and "Free interpreter: 311" in sent.body
    await texted(inbox, "STATUS", language.lower())
    assert not kept(db).plain, "their own language again"


async def test_the_answer_says_what_they_get_and_the_way_back(inbox: Inbox) -> None:
    await texted(inbox, "AR", "97214")
    (answer,) = await inbox.hear(Text(provider_id="SM plain", address=PHONE, ours=OURS, text="PLAIN"))
    assert answer == the_words().text("dialog.plain_none", "ar") and "LANG" in answer


@pytest.mark.parametrize("language", ["es", "so"])
async def test_languages_that_every_handset_shows_stay_as_they_are(inbox: Inbox, db: Database, language: str) -> None:
    await texted(inbox, language.upper(), "97214", "PLAIN")
    assert (kept(db).language, kept(db).plain) == (language, False)


async def test_another_language_brings_its_marks_back(inbox: Inbox, db: Database, clock: ManualClock) -> None:
    await texted(inbox, "RO", "97214", PLAIN, "VI")
    assert told(db, clock) == ["vi"] and not kept(db).plain


async def test_other_texts_leave_the_wish_as_it_is(inbox: Inbox, db: Database, clock: ManualClock) -> None:
    await texted(inbox, "RO", "97214", PLAIN)
    changes = db.read_now(lambda conn: len(conn.execute(select(store.CHANGE)).all()))
    await texted(inbox, "STATUS", "WHERE", "HELP")
    assert told(db, clock) == ["ro-x-plain"]
    assert db.read_now(lambda conn: len(conn.execute(select(store.CHANGE)).all())) == changes
    await texted(inbox, "STOP", "START")
    assert told(db, clock, "K7Q2-2") == ["ro-x-plain"]


async def test_the_audience_counts_them_as_a_group_of_their_own(inbox: Inbox, db: Database) -> None:
    await texted(inbox, "RO", "97214", PLAIN)
    languages = db.read_now(loading.load).index.vocabulary.languages.all()
    assert languages == ("ro-x-plain",)


async def test_a_list_that_has_the_same_person_does_not_contradict_them(inbox: Inbox, db: Database, tmp_path: Path) -> None:
    await texted(inbox, "RO", "97214", PLAIN)
    path = tmp_path / "list.csv"
    path.write_text(f"phone,language,zip,basis,consent_at,consent_source\n{PHONE},ro,97214,opt-in,2014-05-01,form\n")
    rules = Rules(
        languages=frozenset({"ro"}),
        areas={"97214": "zip"},
        envelope=ENVELOPE,
        zone=UTC,
        now=datetime.now(UTC),
        samples=Samples.ALLOWED,
    )
    notes: list[str] = []
    totals = importing.import_file(
        path, importing.into(db.writer.begin), rules, KEYS, lambda step: notes.extend(map(str, step.notes))
    )
    assert (totals.problems, totals.duplicates) == (0, 1), notes
    assert kept(db).plain


def test_a_form_s_name_is_made_and_read_back() -> None:
    assert tagged("ro", plain=True) == "ro-x-plain" and spoken("ro-x-plain") == "ro" == tagged("ro", plain=False)
    assert is_plain("ro-x-plain") and not is_plain("ro")
    assert tagged("", plain=True) == ""
