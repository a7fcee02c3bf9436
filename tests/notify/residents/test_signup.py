"""Sign-up on the web: what residents see and what is kept, against real pages on loopback."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import html
from sqlalchemy import Connection, text

from notify.clock import ManualClock
from notify.db import Database
from subscribers import contacts, store
from subscribers.store import Said
from tests.notify.signup_factory import MAIL, NUMBER, PHONE, House, embedded, field_of, house


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        yield database


def faults(page: str) -> list[str]:
    return [link.text_content() for link in html.document_fromstring(page).xpath("//div[@role='alert']//a")]


def stop(home: House, address_id: int = 1) -> None:
    home.db.write_now(lambda conn: store.stop(conn, address_id, Said(at=home.clock.now(), source="STOP")))


async def test_a_phone_signs_up_with_the_code_it_was_sent(home: House) -> None:
    status, page = await home.subscribe(PHONE, "1120 SW 5th Ave", "es")
    assert status == 200 and "Type the code from your phone" in page
    assert home.sent.texts == [(NUMBER, f"Code {home.sent.code}. es")]
    assert home.rows("SELECT * FROM address") == []
    status, page = await home.type_code(page, f" {home.sent.code[:3]}-{home.sent.code[3:]} ")
    assert status == 200 and "You are signed up" in page and "1100 block SW 5th Ave" in page
    (address,) = home.rows("SELECT * FROM address")
    assert (address["channel"], address["language"], address["basis"]) == ("sms", "es", "opt-in")
    (place,) = home.rows("SELECT * FROM place")
    assert (place["label"], place["kind"], place["block"]) == ("HOME", "point", "1100 block SW 5th Ave")
    (consent,) = home.rows("SELECT * FROM consent")
    assert consent["granted"] and consent["terms"] == "2026-11" and consent["source"] == "web sign-up"
    assert 'ticked: "I agree that City of Portland sends me' in consent["evidence"]
    assert [row["kind"] for row in home.rows("SELECT kind FROM due")] == ["latecomer"]
    assert home.rows("SELECT language FROM contact") == [{"language": "es"}]


async def test_the_code_proves_that_a_number_in_doubt_is_theirs(home: House) -> None:
    await home.sign_up(PHONE)

    def doubt(conn: Connection) -> None:
        contact = contacts.meet(conn, "sms", home.keys.blind("sms", NUMBER), home.clock.now())
        contacts.remember(conn, contact.contact_id, contact.memory, home.clock.now(), suspect_at=home.clock.now())

    home.db.write_now(doubt)
    _, page = await home.subscribe(PHONE, "Lents")
    assert len(home.rows("SELECT * FROM contact WHERE suspect_at IS NOT NULL")) == 1, "asking proves nothing"
    await home.type_code(page, home.sent.code)
    assert home.rows("SELECT * FROM contact WHERE suspect_at IS NOT NULL") == []


async def test_a_mailbox_signs_up_with_the_button_behind_its_link(home: House) -> None:
    status, page = await home.subscribe(MAIL, "Lents", "es")
    assert status == 200 and "Look into your mailbox" in page
    ((address, content, recipient),) = home.sent.mails
    assert (address, content.language, recipient) == (MAIL, "es", "")
    status, page = await home.get(home.sent.link)
    assert status == 200 and "Lents" in page and 'lang="es"' in page
    status, page = await home.press(home.sent.link)
    assert status == 200 and "Su inscripción está lista" in page
    assert home.rows("SELECT label, kind, area FROM place") == [{"label": "HOME", "kind": "area", "area": "Lents"}]
    assert home.rows("SELECT channel, language FROM address") == [{"channel": "email", "language": "es"}]
    assert "mailed link pressed" in home.rows("SELECT evidence FROM consent")[0]["evidence"]


async def test_every_fault_is_told_at_once_and_nothing_typed_is_lost(home: House) -> None:
    typed = {"contact": "no number", "place": "Atlantis", "language": "tlh", "mark": await home.mark()}
    status, page = await home.post("/en/subscribe", typed)
    assert status == 422
    assert [sentence.split(".")[0] for sentence in faults(page)] == [
        "We cannot text this number",
        "We did not find this place in Portland",
        "Choose a language",
        "Tick the box if you agree",
    ]
    assert 'value="no number"' in page and 'value="Atlantis"' in page
    form = html.document_fromstring(page)
    for field in form.xpath("//*[@aria-invalid='true']"):
        assert all(form.get_element_by_id(one) is not None for one in field.get("aria-describedby").split())
    assert home.sent.texts == home.sent.mails == [] and home.rows("SELECT * FROM pending") == []


@pytest.mark.parametrize(
    ("contact", "said"),
    [
        ("", "Write a phone number"),
        ("911", "We cannot text this number"),
        ("+44 20 7946 0958", "We cannot text this number"),
        ("800 555 0199", "We cannot text this number"),
        ("900-555-0199", "We cannot text this number"),
        ("resident@", "This is not a whole e-mail address"),
        ("a@example.gov\r\nBcc: b@example.gov", "This is not a whole e-mail address"),
        ("x" * 500, "Write a phone number"),
    ],
)
async def test_an_address_nobody_can_be_reached_at_is_a_clear_error(home: House, contact: str, said: str) -> None:
    status, page = await home.subscribe(contact)
    assert status == 422 and [sentence[: len(said)] for sentence in faults(page)] == [said]
    assert home.sent.texts == home.sent.mails == []


async def test_a_landline_is_a_clear_error_where_the_carrier_says_so(db: Database, clock: ManualClock) -> None:
    async def is_landline(number: str) -> bool:
        return number.endswith("23")

    async with house(db, clock, is_landline=is_landline) as home:
        status, page = await home.subscribe(PHONE)
        assert status == 422 and "landline" in faults(page)[0] and home.sent.texts == []
        assert (await home.subscribe("503-555-0124"))[0] == 200 and len(home.sent.texts) == 1


async def test_the_box_is_never_ticked_for_anybody_but_stays_ticked(home: House) -> None:
    assert "checked" not in (await home.get("/en/subscribe"))[1]
    status, page = await home.subscribe("x", agree="yes")
    assert status == 422 and html.document_fromstring(page).xpath("//input[@id='agree']/@checked")
    status, page = await home.subscribe(PHONE, agree="on my behalf")
    assert status == 422 and home.sent.texts == []


async def test_without_a_place_somebody_gets_what_concerns_the_whole_city(home: House) -> None:
    await home.sign_up(PHONE, "")
    assert len(home.rows("SELECT * FROM address")) == 1 and home.rows("SELECT * FROM place") == []


async def test_several_places_of_one_name_are_asked_about(home: House) -> None:
    status, page = await home.subscribe(PHONE, "1120 5th")
    assert status == 422 and faults(page) == ["Choose which place you mean."]
    offered = html.document_fromstring(page).xpath("//input[@name='choice']/@value")
    assert offered == ["1100 block SW 5th Ave 97204", "1100 block NE 5th Ave 97232", "-1120 5th"]
    status, page = await home.subscribe(PHONE, "1120 5th", choice=offered[1])
    assert status == 200
    assert "1100 block NE 5th Ave" in (await home.type_code(page, home.sent.code))[1]


async def test_none_of_the_places_is_an_answer_to_that_question_only(home: House) -> None:
    status, _ = await home.subscribe(PHONE, "1120 5th", choice="-1120 5th")
    assert status == 200
    status, page = await home.subscribe("503-555-0124", "97214", choice="-1120 5th")
    assert status == 200
    assert "97214" in (await home.type_code(page, home.sent.code))[1]


async def test_a_phone_signed_up_already_gains_the_place_and_the_language(home: House) -> None:
    await home.sign_up(PHONE, "97214", "en")
    await home.sign_up(PHONE, "Lents", "vi")
    await home.sign_up(PHONE, "Lents", "vi")
    assert home.rows("SELECT label FROM place ORDER BY place_id") == [{"label": "HOME"}, {"label": "PLACE2"}]
    assert home.rows("SELECT language FROM address") == [{"language": "vi"}]
    assert len(home.rows("SELECT * FROM consent")) == 3


async def test_with_as_many_places_as_we_keep_the_page_says_so(home: House) -> None:
    await home.sign_up(PHONE, "97214")
    (person,) = home.rows("SELECT subscriber_id FROM address")
    for number in range(2, 6):
        spot = store.Point(45.0 + number / 10, -122.0)
        home.db.write_now(
            lambda conn, n=number, s=spot: store.add_place(conn, person["subscriber_id"], f"PLACE{n}", s)  # type: ignore[misc]
        )
    _, page = await home.subscribe(PHONE, "Lents")
    status, page = await home.type_code(page, home.sent.code)
    assert status == 200 and "You have 5 places" in page
    assert len(home.rows("SELECT * FROM place")) == 5


async def test_a_mailbox_signed_up_already_gets_the_link_to_its_own_page_instead(home: House) -> None:
    await home.sign_up(MAIL, "97214", "vi")
    _, page = await home.subscribe(MAIL, "Lents", "en")
    content, recipient = home.sent.mails[-1][1:]
    assert "/vi/manage/" in home.sent.link and content.language == "vi" and recipient.startswith("1-")
    assert "Look into your mailbox" in page and len(home.sent.mails) == 2
    assert len(home.rows("SELECT * FROM place")) == 1


async def test_an_unsubscribed_mailbox_comes_back_by_its_link(home: House) -> None:
    await home.sign_up(MAIL)
    stop(home)
    home.clock.forward(timedelta(days=1))
    await home.sign_up(MAIL, "Lents")
    assert home.rows("SELECT stopped_at FROM address") == [{"stopped_at": None}]
    assert [row["granted"] for row in home.rows("SELECT granted FROM consent ORDER BY consent_id")] == [1, 0, 1]


async def test_a_phone_that_said_stop_is_not_texted_and_the_page_does_not_say(home: House) -> None:
    await home.sign_up(PHONE)
    stop(home)
    status, page = await home.subscribe(PHONE)
    assert status == 200 and "text START to" in page and len(home.sent.texts) == 1


async def test_a_code_typed_after_a_stop_is_a_new_yes(home: House) -> None:
    await home.sign_up(PHONE)
    _, page = await home.subscribe(PHONE, "Lents")
    stop(home)
    assert (await home.type_code(page, home.sent.code))[0] == 200
    assert home.rows("SELECT stopped_at FROM address") == [{"stopped_at": None}]


def erase_contact(home: House) -> None:
    blind = home.keys.blind("sms", NUMBER)
    now = home.clock.now()
    home.db.write_now(lambda conn: contacts.blank(conn, contacts.meet(conn, "sms", blind, now).contact_id, now))


async def test_a_phone_that_was_erased_is_not_texted(home: House) -> None:
    erase_contact(home)
    status, page = await home.subscribe(PHONE)
    assert status == 200 and "Type the code" in page and home.sent.texts == []


async def test_wrong_texted_back_ends_the_code(home: House) -> None:
    _, page = await home.subscribe(PHONE)
    erase_contact(home)
    assert (await home.type_code(page, home.sent.code))[0] == 410
    assert home.rows("SELECT * FROM address") == []


async def test_a_code_is_over_after_fifteen_minutes_five_tries_or_one_use(home: House) -> None:
    _, page = await home.subscribe(PHONE)
    wrong = f"{(int(home.sent.code) + 1) % 10**6:06}"
    for left in (4, 3, 2, 1):
        status, again = await home.type_code(page, wrong)
        assert status == 422 and f"Tries left: {left}" in again
    assert (await home.type_code(page, wrong))[0] == 410
    assert (await home.type_code(page, home.sent.code))[0] == 410, "the right code comes too late"
    _, page = await home.subscribe(PHONE)
    home.clock.forward(timedelta(minutes=15))
    assert (await home.type_code(page, home.sent.code))[0] == 410
    _, page = await home.subscribe(PHONE)
    assert (await home.type_code(page, home.sent.code))[0] == 200
    assert (await home.type_code(page, home.sent.code))[0] == 410
    assert len(home.rows("SELECT * FROM consent")) == 1


async def test_a_link_is_over_after_a_day_or_one_use(home: House) -> None:
    await home.subscribe(MAIL)
    mark = await home.mark(home.sent.link)
    home.clock.forward(timedelta(hours=24))
    assert (await home.get(home.sent.link))[0] == 410
    assert (await home.post(home.sent.link, {"mark": await home.mark()}))[0] == 410
    await home.subscribe(MAIL)
    assert mark and (await home.press(home.sent.link))[0] == 200
    assert (await home.get(home.sent.link))[0] == 410
    assert (await home.post(home.sent.link, {"mark": await home.mark()}))[0] == 410
    assert len(home.rows("SELECT * FROM consent")) == 1


async def test_a_token_of_one_kind_opens_nothing_of_another(home: House) -> None:
    _, page = await home.subscribe(PHONE)
    code = field_of(page, "token")
    await home.subscribe(MAIL)
    confirm = home.sent.link.rpartition("/")[2]
    mark = {"mark": await home.mark()}
    for path in (f"/en/confirm/{code}", f"/en/manage/{code}", f"/en/manage/{confirm}", f"/en/confirm/{'A' * 22}"):
        assert (await home.get(path))[0] == 410
        assert (await home.post(path, mark))[0] == 410
    for path in ("/en/subscribe/code", "/en/manage/code"):
        assert (await home.post(path, mark | {"token": confirm, "code": home.sent.code}))[0] == 410
    assert (await home.post("/en/manage/code", mark | {"token": code, "code": home.sent.code}))[0] == 410
    assert home.rows("SELECT * FROM address") == []


async def test_nothing_readable_of_what_was_asked_for_is_kept_and_not_for_long(home: House) -> None:
    await home.subscribe(PHONE, "1120 SW 5th Ave")
    rows = repr(home.everything())
    for secret in (NUMBER, NUMBER[2:], "SW 5th", home.sent.code, "agree"):
        assert secret not in rows
    home.clock.forward(timedelta(days=2))
    await home.subscribe(MAIL)
    assert [row["kind"] for row in home.rows("SELECT kind FROM pending")] == ["confirm"]
    assert {row["name"].split("/")[0] for row in home.rows("SELECT name FROM quota")} == {"confirm", "mails"}


async def test_when_the_database_fails_nothing_is_sent_and_a_page_says_so(home: House) -> None:
    mark = await home.mark()
    home.db.write_now(lambda conn: conn.execute(text("DROP TABLE quota")))
    fields = {"contact": PHONE, "place": "", "language": "en", "agree": "yes", "mark": mark}
    status, page = await home.post("/en/subscribe", fields)
    assert status == 503 and "Nothing was changed" in page and home.sent.texts == []


async def test_a_message_that_cannot_leave_is_logged_without_its_address(home: House, caplog: pytest.LogCaptureFixture) -> None:
    home.sent.fails = True
    await home.subscribe(PHONE)
    await home.subscribe(MAIL)
    assert caplog.text.count("did not leave") == 2
    assert "0123" not in caplog.text and MAIL not in caplog.text
