"""One number's history: every yes and no with its words, both directions, and after erasure nothing but that it was."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from channels.base import Heard as Text
from notify.clock import ManualClock
from notify.db import Database
from notify.residents.inbox import Inbox
from notify.residents.replies import Replies
from subscribers import contacts, history, importing
from subscribers.address import Samples
from subscribers.dialog import lexicon, player
from subscribers.entry import Rules
from subscribers.history import History
from subscribers.importing import Totals
from subscribers.sealing import Keyring
from tests.notify.subjects import the_words
from tests.subscribers.factories import ENVELOPE

PHONE, OURS = "+15035550123", "+15035550100"
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
VOCABULARY = Path(__file__).parents[2] / "templates" / "dialog" / "vocabulary"


@pytest.fixture
def inbox(db: Database, clock: ManualClock) -> Inbox:
    return Inbox(
        db=db,
        clock=clock,
        keys=KEYS,
        lexicon=lexicon.load(VOCABULARY),
        replies=Replies(the_words(), (), allow_drafts=True),
        world=lambda _conn: player.SampleWorld(),
        spend=lambda _number, _parts: None,
    )


async def texted(inbox: Inbox, *bodies: str) -> None:
    for number, body in enumerate(bodies):
        await inbox.hear(Text(provider_id=f"SM{body}{number}", address=PHONE, ours=OURS, text=body))


def held(db: Database) -> History | None:
    return db.read_now(partial(history.of, channel="sms", address=PHONE, keyring=KEYS))


async def test_a_history_has_every_yes_and_no_and_the_words_of_both_sides(inbox: Inbox, db: Database) -> None:
    await texted(inbox, "97214", "stop please", "start")
    found = held(db)
    assert found is not None
    assert found.facts["standing"] == "active" and found.facts["places"] == ["HOME 97214"]
    assert [entry.what for entry in found.entries if entry.what.startswith("said")] == ["said yes", "said no", "said yes"]
    assert [entry.detail for entry in found.entries if entry.what == "they wrote"] == ["97214", "stop please", "start"]
    assert any("you are unsubscribed" in entry.detail for entry in found.entries if entry.what == "we wrote")
    assert all("terms" in entry.detail for entry in found.entries if entry.what.startswith("said"))


async def test_after_erasure_nothing_is_left_but_that_it_was(inbox: Inbox, db: Database) -> None:
    await texted(inbox, "1120 SW 5th Ave", "delete", "DELETE")
    found = held(db)
    assert found is not None
    assert found.facts["erased_at"] is not None and "places" not in found.facts
    assert {entry.detail for entry in found.entries} == {"(erased)"}


def listed(db: Database, folder: Path) -> Totals:
    file = folder / "people.csv"
    file.write_text(
        "phone,email,language,basis,consent_at,consent_source,consent_words,consent_terms\n"
        f"{PHONE},resident1@example.gov,en,utility-account,2014-05-01,water account,Text me about my water,w-2\n"
    )
    rules = Rules(
        languages=frozenset({"en"}), areas={}, envelope=ENVELOPE, zone=UTC, now=datetime.now(UTC), samples=Samples.ALLOWED
    )
    return importing.import_file(file, importing.into(db.writer.begin), rules, KEYS, lambda _step: None)


async def test_what_a_list_proves_stands_in_the_history(db: Database, tmp_path: Path) -> None:
    listed(db, tmp_path)
    found = held(db)
    assert found is not None
    (yes,) = found.entries
    assert f"{yes.at:%Y-%m-%d}" == "2014-05-01"
    assert yes.detail == 'utility-account: water account, terms w-2; import of people.csv, line 2: "Text me about my water"'


@pytest.mark.parametrize("words", [("WRONG",), ("DELETE", "DELETE")])
async def test_a_list_brings_nobody_back_who_was_erased_nor_their_mailbox(
    inbox: Inbox, db: Database, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert listed(db, tmp_path).addresses == 2
    await texted(inbox, *words)
    again = listed(db, tmp_path)
    assert (again.erased, again.addresses, again.places) == (1, 0, 0)
    mailbox = partial(contacts.find, channel="email", blind=KEYS.blind("email", "resident1@example.gov"))
    contact = db.read_now(mailbox)
    assert (contact is not None and contact.erased_at is not None) is (words[0] == "DELETE")


async def test_a_list_starts_nobody_who_said_stop_even_before_it(inbox: Inbox, db: Database, tmp_path: Path) -> None:
    await texted(inbox, "STOP")
    assert listed(db, tmp_path).stopped == 1
    found = held(db)
    assert found is not None and found.facts["standing"] == "stopped"


def test_nobody_has_no_history(db: Database) -> None:
    assert held(db) is None


@pytest.mark.parametrize("words", [("STOP",), ("WRONG",), ("97214", "WRONG")])
async def test_nobody_is_texted_again_after_it(inbox: Inbox, db: Database, words: tuple[str, ...]) -> None:
    await texted(inbox, *words)
    found = held(db)
    assert found is not None
    assert found.facts.get("standing") == "stopped" or found.facts["erased_at"] is not None
