"""What providers and mail programs call: nothing unsigned counts, nothing signed is lost, and only a button unsubscribes."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text
from twilio.request_validator import RequestValidator

from channels.sms import TwilioSms
from channels.twilio_http import TwilioGateway
from notify.clock import ManualClock
from notify.db import Database
from notify.sending.outbox import unsubscribe_reference
from notify.web.bodies import MOST_BYTES, pairs
from notify.web.callbacks import Callbacks
from tests.channels.sms_factories import ACCOUNT_SID, FROM, TOKEN, an_account
from tests.notify.ledger_factory import add_event, add_people, an_event_row

PUBLIC = "https://alerts.example.gov"
BLIND = b"b" * 32
PATH = "/reports/sms/1"


@asynccontextmanager
async def public_side(db: Database, clock: ManualClock) -> AsyncIterator[TestClient[Any, Any]]:
    sms = TwilioSms(TwilioGateway(an_account()), FROM)
    callbacks = Callbacks(db, clock, {"sms": sms}, PUBLIC, BLIND)
    app = web.Application()
    app.add_routes(callbacks.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client(db: Database, clock: ManualClock) -> AsyncIterator[TestClient[Any, Any]]:
    event = an_event_row(clock.now())
    db.write_now(lambda conn: add_event(conn, event, clock.now()))
    (address_id,) = db.write_now(lambda conn: add_people(conn, 1, clock.now()))
    insert = text("""
        INSERT INTO delivery (delivery_id, event_id, address_id, channel, language, wording, priority, state, fence, attempts,
                              ambiguous, planned_at)
        VALUES (1, 'K7Q2-1', :address_id, 'sms', 'en', 'first', 3, 'handed', 1, 1, :no, 0)""")
    db.write_now(lambda conn: conn.execute(insert, {"address_id": address_id, "no": False}))
    async with public_side(db, clock) as found:
        yield found


def a_report(status: str = "delivered", **fields: str) -> dict[str, str]:
    return {"AccountSid": ACCOUNT_SID, "MessageSid": "SM" + "0" * 32, "MessageStatus": status, "To": "+15035550123"} | fields


def signed(form: dict[str, str], path: str = PATH) -> dict[str, str]:
    return {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(PUBLIC + path, form)}


def state(db: Database) -> str:
    return str(db.read_now(lambda conn: conn.execute(text("SELECT state FROM delivery")).scalar()))


def reports(db: Database) -> int:
    return int(db.read_now(lambda conn: conn.execute(text("SELECT COUNT(*) FROM report")).scalar_one()))


async def test_a_signed_report_is_on_disk_when_it_is_answered(client: TestClient[Any, Any], db: Database) -> None:
    form = a_report()
    answer = await client.post(PATH, data=form, headers=signed(form))
    assert answer.status == 204
    assert (state(db), reports(db)) == ("delivered", 1)


async def test_a_report_that_comes_in_pieces_is_read_whole(client: TestClient[Any, Any], db: Database) -> None:
    form = a_report(Padding="x" * 20_000)
    body = "&".join(f"{name}={value.replace('+', '%2B')}" for name, value in form.items()).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 4_000):
            yield body[start : start + 4_000]
            await asyncio.sleep(0)

    headers = signed(form) | {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post(PATH, data=pieces(), headers=headers)
    assert answer.status == 204
    assert state(db) == "delivered"


@pytest.mark.parametrize(
    "headers", [{}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "AAAA"}, {"X-Twilio-Signature": "ü"}]
)
async def test_an_unsigned_or_wrong_report_changes_nothing(
    client: TestClient[Any, Any], db: Database, headers: dict[str, str]
) -> None:
    answer = await client.post(PATH, data=a_report(), headers=headers)
    assert answer.status == 403
    assert (state(db), reports(db)) == ("handed", 0)


@pytest.mark.parametrize(
    ("form", "path"),
    [
        (a_report("undelivered"), PATH),  # another status than the one signed
        (a_report(AccountSid="AC" + "6" * 32), PATH),
        (a_report(), "/reports/sms/2"),  # another delivery than the one signed
    ],
)
async def test_a_signature_covers_every_field_and_the_delivery(
    client: TestClient[Any, Any], db: Database, form: dict[str, str], path: str
) -> None:
    answer = await client.post(path, data=form, headers=signed(a_report()))
    assert answer.status == 403
    assert state(db) == "handed"


async def test_another_account_is_refused_however_well_it_signs(client: TestClient[Any, Any], db: Database) -> None:
    form = a_report(AccountSid="AC" + "6" * 32)
    assert (await client.post(PATH, data=form, headers=signed(form))).status == 403
    assert state(db) == "handed"


async def test_a_replayed_report_takes_nothing_back(client: TestClient[Any, Any], db: Database) -> None:
    old, new = a_report("sent"), a_report("delivered")
    for form in (old, new, old, new):
        assert (await client.post(PATH, data=form, headers=signed(form))).status == 204
    assert state(db) == "delivered"


async def test_a_report_of_no_channel_or_too_large_is_refused(client: TestClient[Any, Any]) -> None:
    form = a_report()
    assert (await client.post("/reports/pigeon/1", data=form, headers=signed(form, "/reports/pigeon/1"))).status == 404
    assert (await client.post(PATH, data=io.BytesIO(b"x" * (MOST_BYTES + 1)))).status == 413
    assert (await client.get(PATH)).status == 405


async def test_when_the_ledger_cannot_be_written_the_provider_is_asked_to_come_again(
    client: TestClient[Any, Any], db: Database
) -> None:
    db.write_now(lambda conn: conn.execute(text("DROP TABLE report")))
    form = a_report()
    assert (await client.post(PATH, data=form, headers=signed(form))).status == 503
    assert state(db) == "handed"


async def test_only_the_button_unsubscribes(client: TestClient[Any, Any], db: Database) -> None:
    (address_id,) = db.read_now(lambda conn: conn.execute(text("SELECT address_id FROM address")).scalars().all())
    path = f"/unsubscribe/{unsubscribe_reference(BLIND, address_id)}"

    def stopped() -> bool:
        return db.read_now(lambda conn: conn.execute(text("SELECT stopped_at FROM address")).scalar()) is not None

    answer = await client.get(path)
    assert answer.status == 200 and '<form method="post">' in await answer.text()
    assert (await client.head(path)).status == 405
    assert not stopped(), "mail scanners follow every link"
    answer = await client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status == 200 and "You are unsubscribed" in await answer.text()
    assert stopped()
    assert (await client.post(path)).status == 200, "pressing twice is pressing once"


@pytest.mark.parametrize("reference", ["1", "1-", "1-00000000000000000000", "x-1", "-1", "1" * 30, "%C2%B2-1", "0x1-1"])
async def test_a_wrong_reference_leads_nowhere(client: TestClient[Any, Any], reference: str) -> None:
    assert (await client.get(f"/unsubscribe/{reference}")).status == 404
    assert (await client.post(f"/unsubscribe/{reference}")).status == 404


async def test_the_reference_of_one_person_does_not_stop_another(client: TestClient[Any, Any]) -> None:
    mark = unsubscribe_reference(BLIND, 1).partition("-")[2]
    for number in ("2", "01", "+1"):
        assert (await client.post(f"/unsubscribe/{number}-{mark}")).status == 404


async def test_a_person_who_has_been_erased_is_told_the_same(client: TestClient[Any, Any]) -> None:
    answer = await client.post(f"/unsubscribe/{unsubscribe_reference(BLIND, 999)}")
    assert answer.status == 200


@given(st.text("ab=&+%2;é\ufffd", max_size=40))
@example("A=&=b&c&&d=%C3%A9+%zz&e=f=g&%41=1")
def test_a_form_is_read_as_the_standard_library_reads_it(form: str) -> None:
    assert pairs(form) == parse_qsl(form, keep_blank_values=True)


def test_a_form_of_more_fields_than_any_provider_has_is_refused() -> None:
    assert len(pairs("a=b" + "&a=b" * 99)) == 100
    with pytest.raises(ValueError, match="101 fields"):
        pairs("a=b" + "&a=b" * 100)
