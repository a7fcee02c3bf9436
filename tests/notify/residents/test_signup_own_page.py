"""One's own page: who gets in, what is shown, and what its buttons do."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import html
from sqlalchemy import Connection

from notify.db import Database
from subscribers import contacts, store
from subscribers.contacts import Line
from tests.notify.signup_factory import MAIL, NUMBER, PHONE, House, embedded, field_of


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        yield database


def shown(page: str) -> list[str]:
    return [" ".join(item.text_content().split()) for item in html.document_fromstring(page).xpath("//ul[@class='places']//p")]


async def test_a_phone_gets_in_with_a_code(home: House) -> None:
    await home.sign_up(PHONE, "1120 SW 5th Ave", "es")
    page = await home.visit(PHONE)
    assert home.sent.texts[-1] == (NUMBER, f"Portland Alerts: clave {home.sent.code}. No se la diga a nadie.")
    assert shown(page) == ["HOME 1100 block SW 5th Ave"] and "…23" in page and "Sus lugares" in page
    assert "1120" not in page and NUMBER not in page and "555-0123" not in page


async def test_a_mailbox_gets_in_with_the_button_behind_its_link(home: House) -> None:
    await home.sign_up(MAIL, "Lents")
    page = await home.visit(MAIL)
    assert shown(page) == ["HOME Lents"] and "r…@example.gov" in page and MAIL not in page


async def test_the_cookie_is_for_this_page_alone(home: House) -> None:
    await home.sign_up(MAIL)
    await home.post("/en/manage", {"contact": MAIL, "mark": await home.mark("/en/manage")})
    answer = await home.raw_post(home.sent.link, {"mark": await home.mark(home.sent.link)})
    cookie = answer.cookies["tocsin_visit"]
    assert (cookie["path"], cookie["samesite"], cookie["max-age"]) == ("/manage", "Strict", "1800")
    assert cookie["httponly"] and cookie["secure"]
    assert answer.headers["Location"] == "/manage/mine"


async def test_a_visit_ends_after_half_an_hour_or_when_the_page_is_closed(home: House) -> None:
    await home.sign_up(MAIL)
    await home.visit(MAIL)
    home.clock.forward(timedelta(minutes=30))
    assert (await home.get("/manage/mine"))[0] == 403
    home.clock.forward(timedelta(days=1))
    await home.visit(MAIL)
    assert (await home.get("/manage/mine"))[0] == 200
    assert (await home.act("leave"))[0] == 200
    for path in ("mine", "mine.json", "erase"):
        assert (await home.get(f"/manage/{path}"))[0] == 403


@pytest.mark.parametrize("cookie", ["", "A" * 22, "x", "é" * 22, "A" * 5000])
async def test_nobody_gets_in_without_a_visit(home: House, cookie: str) -> None:
    await home.sign_up(PHONE)
    home.client.session.cookie_jar.update_cookies({"tocsin_visit": cookie})
    for path in ("mine", "mine.json", "erase"):
        assert (await home.get(f"/manage/{path}"))[0] == 403
    for name in ("add", "remove", "language", "stop", "start", "erase", "leave"):
        assert (await home.post(f"/manage/{name}", {"mark": await home.mark()}))[0] == 403
    assert len(home.rows("SELECT * FROM address WHERE stopped_at IS NULL")) == 1


async def test_places_are_added_named_and_removed(home: House) -> None:
    await home.sign_up(PHONE, "97214")
    await home.visit(PHONE)
    assert (await home.act("add", place="Lents", label="mom"))[0] == 303
    assert (await home.act("add", place="97206"))[0] == 303
    _, page = await home.get("/manage/mine")
    assert shown(page) == ["HOME 97214", "MOM Lents", "PLACE2 97206"]
    (place,) = home.rows("SELECT place_id FROM place WHERE label = 'MOM'")
    assert (await home.act("remove", place_id=str(place["place_id"])))[0] == 303
    assert shown((await home.get("/manage/mine"))[1]) == ["HOME 97214", "PLACE2 97206"]
    assert {row["ref"] for row in home.rows("SELECT ref FROM due WHERE kind = 'latecomer'")} == {"1"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"place": "Atlantis"}, "We did not find this place"),
        ({"place": ""}, "We did not find this place"),
        ({"place": "1120 5th"}, "Choose which place you mean"),
        ({"place": "Lents", "label": "HOME"}, "This name cannot be used"),
        ({"place": "Lents", "label": "<b>"}, "This name cannot be used"),
        ({"place": "Lents", "label": "THIRTEEN LETTERS"}, "This name cannot be used"),
    ],
)
async def test_a_place_that_cannot_be_added_is_said_why(home: House, typed: dict[str, str], said: str) -> None:
    await home.sign_up(PHONE, "97214")
    await home.visit(PHONE)
    status, page = await home.act("add", **typed)
    assert status == 422 and said in page and len(home.rows("SELECT * FROM place")) == 1
    assert all(value in html.document_fromstring(page).xpath("//input/@value") for value in typed.values())


async def test_one_of_several_places_can_be_chosen(home: House) -> None:
    await home.sign_up(PHONE, "")
    await home.visit(PHONE)
    await home.act("add", place="1120 5th", choice="1100 block NE 5th Ave 97232")
    assert shown((await home.get("/manage/mine"))[1]) == ["HOME 1100 block NE 5th Ave"]


async def test_somebody_elses_place_cannot_be_removed(home: House) -> None:
    await home.sign_up(MAIL, "Lents")
    await home.sign_up(PHONE, "97214")
    await home.visit(PHONE)
    others = home.rows("SELECT place_id FROM place WHERE area = 'Lents'")[0]["place_id"]
    for place_id in (str(others), "x", "-1", "9" * 30, "²"):
        assert (await home.act("remove", place_id=place_id))[0] == 303
    assert len(home.rows("SELECT * FROM place")) == 2


async def test_a_new_language_is_spoken_at_once_everywhere(home: House) -> None:
    await home.sign_up(PHONE)
    await home.visit(PHONE)
    await home.act("language", language="ar")
    assert 'lang="ar" dir="rtl"' in (await home.get("/manage/mine"))[1]
    assert home.rows("SELECT language FROM address") == home.rows("SELECT language FROM contact") == [{"language": "ar"}]
    await home.act("language", language="tlh")
    assert home.rows("SELECT language FROM address") == [{"language": "ar"}]


async def test_a_new_language_takes_the_wish_for_plain_letters_back(home: House) -> None:
    await home.sign_up(PHONE, language="ro")

    def ask_for_plain(conn: Connection) -> None:
        blind = home.keys.blind("sms", NUMBER)
        address, contact = store.find_address(conn, "sms", blind), contacts.find(conn, "sms", blind)
        assert address is not None and contact is not None
        store.set_language(conn, address.address_id, "ro", plain=True)
        contacts.remember(conn, contact.contact_id, replace(contact.memory, plain=True), home.clock.now())

    home.db.write_now(ask_for_plain)
    await home.visit(PHONE)
    assert 'lang="ro"' in (await home.get("/manage/mine"))[1]
    await home.act("language", language="vi")
    assert home.rows("SELECT language FROM address") == [{"language": "vi"}]
    assert '"plain":true' not in home.rows("SELECT memory FROM contact")[0]["memory"].replace(" ", "")


async def test_alerts_are_stopped_and_started_again_with_the_words_agreed_to(home: House) -> None:
    await home.sign_up(PHONE)
    await home.visit(PHONE)
    await home.act("stop")
    assert home.rows("SELECT stopped_at FROM address")[0]["stopped_at"] is not None
    _, page = await home.get("/manage/mine")
    assert "Alerts are stopped" in page and "I agree that City of Portland" in page
    await home.act("start")
    assert home.rows("SELECT stopped_at FROM address") == [{"stopped_at": None}]
    last = home.rows("SELECT * FROM consent ORDER BY consent_id")[-1]
    assert last["granted"] and "I agree that City of Portland" in last["evidence"] and last["terms"] == "2026-11"


async def test_everything_we_hold_can_be_downloaded(home: House) -> None:
    await home.sign_up(PHONE, "1120 SW 5th Ave")
    now = home.clock.now()
    blind = home.keys.blind("sms", NUMBER)

    def said(conn: Connection) -> None:
        contact = contacts.meet(conn, "sms", blind, now)
        contacts.write_down(conn, contact, [Line(inbound=True, at=now, ours="+15035550100", body="=HYPERLINK()")], home.keys)

    home.db.write_now(said)
    await home.visit(PHONE)
    answer = await home.client.get("/manage/mine.json")
    assert answer.headers["Content-Disposition"].startswith("attachment") and answer.content_type == "application/json"
    record = json.loads(await answer.text())
    assert record["places"][0]["where"] == "1100 block SW 5th Ave" and record["places"][0]["lat"] == 45.5152
    (address,) = record["addresses"]
    assert address["address"] == NUMBER and address["messages"][0]["text"] == "=HYPERLINK()"
    assert [consent["granted"] for consent in address["consents"]] == [True]
    assert "ticked" in address["consents"][0]["evidence"]


async def test_erasing_takes_two_steps_and_leaves_keyed_hashes_only(home: House) -> None:
    await home.sign_up(PHONE, "97214")
    await home.visit(PHONE)
    status, page = await home.get("/manage/erase")
    assert status == 200 and "Erase everything?" in page and len(home.rows("SELECT * FROM address")) == 1
    status, page = await home.post("/manage/erase", {"mark": field_of(page, "mark")})
    assert status == 200 and "Everything is erased" in page
    for table in ("address", "place", "subscriber", "pending"):
        assert home.rows(f"SELECT * FROM {table}") == []
    (contact,) = home.rows("SELECT * FROM contact")
    assert contact["erased_at"] is not None and (contact["language"], contact["memory"]) == ("", "{}")
    assert (await home.get("/manage/mine"))[0] == 403
    texts = len(home.sent.texts)
    assert (await home.subscribe(PHONE))[0] == 200 and len(home.sent.texts) == texts, "not written to by mistake"


async def test_an_erased_mailbox_signs_up_again_by_its_link(home: House) -> None:
    await home.sign_up(MAIL)
    await home.visit(MAIL)
    await home.act("erase")
    await home.sign_up(MAIL, "Lents")
    assert home.rows("SELECT erased_at FROM contact") == [{"erased_at": None}]
    assert len(home.rows("SELECT * FROM address")) == 1


async def test_erasing_covers_every_address_of_the_person(home: House) -> None:
    await home.sign_up(PHONE)
    (person,) = home.rows("SELECT subscriber_id FROM address")
    new = store.NewAddress(channel="email", address=MAIL, language="en", basis="opt-in")
    said = store.Said(at=home.clock.now(), source="import")
    home.db.write_now(lambda conn: store.add_address(conn, person["subscriber_id"], new, home.keys, said))
    await home.visit(PHONE)
    await home.act("erase")
    assert home.rows("SELECT * FROM address") == [] and len(home.rows("SELECT * FROM contact WHERE erased_at IS NOT NULL")) == 2


async def test_a_number_that_may_have_a_new_owner_shows_nobody_the_old_ones_places(home: House) -> None:
    await home.sign_up(PHONE)
    now, blind = home.clock.now(), home.keys.blind("sms", NUMBER)

    def doubt(conn: Connection) -> None:
        contact = contacts.meet(conn, "sms", blind, now)
        contacts.remember(conn, contact.contact_id, contact.memory, now, suspect_at=now)

    home.db.write_now(doubt)
    texts = len(home.sent.texts)
    status, page = await home.post("/en/manage", {"contact": PHONE, "mark": await home.mark("/en/manage")})
    assert status == 200 and "Type the code" in page and len(home.sent.texts) == texts


async def test_a_number_found_to_have_a_new_owner_ends_the_visit(home: House) -> None:
    await home.sign_up(PHONE)
    await home.visit(PHONE)
    home.db.write_now(lambda conn: store.erase(conn, 1))
    assert (await home.get("/manage/mine"))[0] == 403


async def test_a_wrong_code_does_not_open_the_page(home: House) -> None:
    await home.sign_up(PHONE)
    _, page = await home.post("/en/manage", {"contact": PHONE, "mark": await home.mark("/en/manage")})
    wrong = f"{(int(home.sent.code) + 1) % 10**6:06}"
    status, page = await home.type_code(page, wrong, "/en/manage/code")
    assert status == 422 and "Tries left: 4" in page
    assert (await home.type_code(page, home.sent.code, "/en/manage/code"))[0] == 303
    assert (await home.type_code(page, home.sent.code, "/en/manage/code"))[0] == 410


async def test_what_is_no_address_is_a_clear_error_here_too(home: House) -> None:
    status, page = await home.post("/en/manage", {"contact": "nobody", "mark": await home.mark("/en/manage")})
    assert status == 422 and 'role="alert"' in page and 'value="nobody"' in page
