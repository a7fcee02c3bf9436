"""What sign-up asks of a database, on each kind: once, one after the other, and undone as a whole."""

import asyncio
from datetime import timedelta

from notify.clock import ManualClock
from notify.db import Database
from notify.residents.own_page import OwnPage
from notify.residents.signup import Joined, SignUp
from subscribers import reassigned, store
from subscribers.pending import Held, Safe
from subscribers.quotas import Spent
from subscribers.sealing import Keyring
from subscribers.signup import Kind
from subscribers.store import NewAddress, Said
from tests.notify.signup_factory import MAIL, NUMBER, PHONE, House, Sent, a_reception, a_wish


async def test_somebody_signs_up_changes_their_page_and_erases_it(home: House) -> None:
    await home.sign_up(PHONE, "1120 SW 5th Ave")
    await home.visit(PHONE)
    assert (await home.act("add", place="Lents"))[0] == 303
    assert (await home.act("stop"))[0] == 303
    assert len(home.rows("SELECT * FROM place")) == 2
    assert (await home.act("erase"))[0] == 200
    assert home.rows("SELECT * FROM address") == home.rows("SELECT * FROM place") == []
    assert home.rows("SELECT * FROM subscriber") == home.rows("SELECT * FROM pending") == []
    (contact,) = home.rows("SELECT * FROM contact")
    assert contact["erased_at"] is not None


async def test_a_link_pressed_many_times_at_once_counts_once(db: Database, clock: ManualClock) -> None:
    keys = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
    sent = Sent()
    reception = a_reception(db, clock, keys, sent)
    sign_up = SignUp(reception)
    await sign_up.ask(a_wish(), "192.0.2.1")
    await reception.errands.settle()
    token = sent.link.rpartition("/")[2]
    results = await asyncio.gather(*(sign_up.confirm_link(token) for _ in range(20)))
    assert sum(isinstance(result, Joined) for result in results) == 1


async def test_two_links_of_one_mailbox_pressed_at_once_make_one_person(db: Database, clock: ManualClock) -> None:
    keys = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
    reception = a_reception(db, clock, keys, Sent())
    held = Held(wish=a_wish())
    blind = keys.blind("email", MAIL)
    tokens = [
        db.write_now(lambda conn: Safe(conn, keys, clock.now()).put(Kind.CONFIRM, "email", blind, held)) for _ in range(2)
    ]
    results = await asyncio.gather(*(SignUp(reception).confirm_link(token) for token in tokens))
    assert [isinstance(result, Joined) for result in results] == [True, True]
    assert db.read_now(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM address").scalar()) == 1


async def test_guessed_at_once_a_code_has_five_tries(db: Database, clock: ManualClock) -> None:
    keys = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
    sent = Sent()
    reception = a_reception(db, clock, keys, sent)
    token = await SignUp(reception).ask(a_wish(NUMBER), "192.0.2.1")
    await reception.errands.settle()
    wrong = f"{(int(sent.code) + 1) % 10**6:06}"
    await asyncio.gather(*(SignUp(reception).confirm_code(token, wrong) for _ in range(30)))
    assert db.read_now(lambda conn: conn.exec_driver_sql("SELECT tries FROM pending").scalar()) == 5
    assert await SignUp(reception).confirm_code(token, sent.code) is None


async def test_limits_hold_however_many_ask_at_once(db: Database, clock: ManualClock) -> None:
    keys = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
    reception = a_reception(db, clock, keys, Sent(), texts_a_day=7)

    async def ask(number: int) -> bool:
        try:
            await SignUp(reception).ask(a_wish(f"+1{200 + number}5550123"), f"192.0.2.{number}")
        except Spent:
            return False
        return True

    assert sum(await asyncio.gather(*(ask(number) for number in range(40)))) == 7
    counts = db.read_now(lambda conn: conn.exec_driver_sql("SELECT name, count FROM quota").all())
    assert {name: count for name, count in counts if "/all/" in name} == {"texts/all/day": 7}
    assert sum(count for name, count in counts if name.startswith("texts/ip/")) == 7, "what is refused counts for nothing"
    clock.forward(timedelta(days=1))
    assert await ask(1)


async def test_own_page_tokens_open_one_visit(db: Database, clock: ManualClock) -> None:
    keys = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
    own_page = OwnPage(a_reception(db, clock, keys, Sent()))
    blind = keys.blind("email", MAIL)
    token = db.write_now(lambda conn: Safe(conn, keys, clock.now()).put(Kind.MANAGE, "email", blind, Held()))
    visits = await asyncio.gather(*(own_page.open(token) for _ in range(10)))
    assert sum(visit is not None for visit in visits) == 1


async def test_a_code_typed_where_the_number_may_have_a_new_owner_starts_afresh(home: House) -> None:
    await home.sign_up(PHONE, "1120 SW 5th Ave", "es")
    old = home.rows("SELECT * FROM consent")
    doubt(home)
    await home.sign_up(PHONE, "Lents")
    assert [row["area"] for row in home.rows("SELECT * FROM place")] == ["Lents"], "nothing of whoever had the number"
    (address,) = home.rows("SELECT * FROM address")
    assert address["language"] == "en" and address["stopped_at"] is None
    assert address["address_id"] != old[0]["address_id"]
    consents = home.rows("SELECT * FROM consent ORDER BY consent_id")
    assert consents[: len(old)] == old, "what was agreed to stays on record"
    assert [(bool(one["granted"]), one["source"]) for one in consents] == [
        (True, "web sign-up"),
        (False, reassigned.SOURCE),
        (True, "web sign-up"),
    ]
    (contact,) = home.rows("SELECT * FROM contact")
    assert (contact["suspect_at"], contact["erased_at"], contact["memory"]) == (None, None, "{}")
    assert "Lents" in await home.visit(PHONE) and "5th" not in await home.visit(PHONE)


async def test_the_mailbox_of_whoever_had_the_number_keeps_its_places(home: House) -> None:
    await home.sign_up(PHONE, "1120 SW 5th Ave")
    (person,) = home.rows("SELECT subscriber_id FROM address")
    mailbox = NewAddress(channel="email", address=MAIL, language="en", basis="opt-in")
    said = Said(at=home.clock.now(), source="test")
    home.db.write_now(lambda conn: store.add_address(conn, person["subscriber_id"], mailbox, home.keys, said))
    doubt(home)
    await home.sign_up(PHONE, "Lents")
    places = home.rows("SELECT a.channel, p.block, p.area FROM address a JOIN place p USING (subscriber_id) ORDER BY 1")
    assert [(one["channel"], one["block"], one["area"]) for one in places] == [
        ("email", "1100 block SW 5th Ave", None),
        ("sms", "", "Lents"),
    ]


async def test_a_page_left_open_by_whoever_had_the_number_is_closed(home: House) -> None:
    await home.sign_up(PHONE, "1120 SW 5th Ave")
    await home.visit(PHONE)
    doubt(home)
    await home.sign_up(PHONE, "Lents")
    assert "Lents" not in (await home.get("/manage/mine"))[1]


def doubt(home: House) -> None:
    """As an answer of the Reassigned Numbers Database does."""
    home.clock.forward(timedelta(days=40))
    answer = reassigned.Answer(number=NUMBER, gone=True, since=home.clock.now().date())
    home.db.write_now(lambda conn: reassigned.take(conn, [answer], home.keys, home.clock.now()))
