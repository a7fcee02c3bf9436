"""Who is known already and asks for alerts on the web gets them: listed, given up as unreachable, or with two addresses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text, update

from notify.db import Database
from notify.residents.signup_words import ENTRY_TEXT, words
from subscribers import contacts, store
from subscribers.dialog.turn import Tongue
from subscribers.store import NewAddress, Said
from tests.notify.signup_factory import MAIL, NUMBER, PHONE, House, embedded


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        yield database


def listed(home: House, *channels: str) -> None:
    """A person as a list of the water works has them, with these addresses."""
    said = Said(at=home.clock.now(), source="import")

    def bring_in(conn: Connection) -> None:
        person = store.add_subscriber(conn, home.clock.now(), "import")
        for channel in channels:
            to = NUMBER if channel == "sms" else MAIL
            new = NewAddress(channel=channel, address=to, language="en", basis="utility-account")
            store.add_address(conn, person, new, home.keys, said)

    home.db.write_now(bring_in)


def give_up(home: House) -> None:
    home.db.write_now(lambda conn: store.mark_unreachable(conn, [1], home.clock.now()))


def latecomers(home: House) -> list[str]:
    """Who is to be looked at now. Emptied by it."""
    query = "DELETE FROM due WHERE kind = 'latecomer' RETURNING ref"
    return home.db.write_now(lambda conn: sorted(conn.scalars(text(query))))


@pytest.mark.parametrize("contact", [MAIL, PHONE])
async def test_whoever_was_on_a_list_and_signs_up_has_asked_for_every_alert(home: House, contact: str) -> None:
    listed(home, "email" if contact == MAIL else "sms")
    await home.sign_up(contact, "Lents")
    assert home.rows("SELECT address_id, basis FROM address") == [{"address_id": 1, "basis": "opt-in"}]
    assert home.rows("SELECT area FROM place") == [{"area": "Lents"}]
    assert latecomers(home) == ["1"]


async def test_a_sign_up_with_a_place_concerns_every_address_of_the_person(home: House) -> None:
    listed(home, "sms", "email")
    await home.sign_up(PHONE, "Lents")
    assert latecomers(home) == ["1", "2"]


@pytest.mark.parametrize("contact", [MAIL, PHONE])
async def test_an_address_that_was_given_up_can_be_reached_again_once_its_owner_opens_their_page(
    home: House, contact: str
) -> None:
    await home.sign_up(contact)
    give_up(home)
    latecomers(home)
    await home.visit(contact)
    assert home.rows("SELECT unreachable_at FROM address") == [{"unreachable_at": None}]
    assert latecomers(home) == ["1"]
    await home.visit(contact)
    assert latecomers(home) == []


async def test_a_mailbox_that_was_given_up_and_signs_up_once_more_can_be_reached_again(home: House) -> None:
    await home.sign_up(MAIL)
    give_up(home)
    await home.subscribe(MAIL)
    assert "signed up already" in home.sent.mails[-1][1].body
    assert home.rows("SELECT unreachable_at FROM address") != [{"unreachable_at": None}], "asking proves nothing"
    await home.press(home.sent.link)
    assert home.rows("SELECT unreachable_at FROM address") == [{"unreachable_at": None}]


async def test_a_language_chosen_on_ones_own_page_gives_way_to_no_guess(home: House) -> None:
    await home.sign_up(PHONE, language="es")
    await home.visit(PHONE)
    await home.act("language", language="en")
    known = home.db.read_now(lambda conn: contacts.find(conn, "sms", home.keys.blind("sms", NUMBER)))
    assert known is not None and (known.language, known.memory.tongue) == ("en", Tongue.CHOSEN)


async def test_somebody_signed_up_whose_number_a_stranger_types_is_not_led_to_erase_themselves(home: House) -> None:
    """The code of a sign-up says "Not you? Reply WRONG", which erases the number. Theirs is in their own language, and says
    nothing of that."""
    await home.sign_up(PHONE, "Lents", "es")
    await home.subscribe(PHONE, "97214", "ko")
    assert home.sent.texts[-1][1] == words("es").say(ENTRY_TEXT, programme="Portland Alerts", code=home.sent.code)


async def test_whoever_may_have_a_new_number_is_still_asked_whether_it_is_theirs(home: House) -> None:
    await home.sign_up(PHONE, "Lents", "es")
    suspect = update(contacts.CONTACT).values(suspect_at=home.clock.now())
    home.db.write_now(lambda conn: conn.execute(suspect))
    await home.subscribe(PHONE, "97214", "ko")
    assert home.sent.texts[-1][1] == f"Code {home.sent.code}. ko"
