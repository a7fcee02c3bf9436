"""Other agencies' servers are asked, over real sockets, and what they say is kept in either database: once, judged, and never
where it could do anything by itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notify.alerts import register
from notify.alerts.alert import Mode
from notify.clock import ManualClock
from notify.db import Database
from notify.partners.address import rules
from notify.partners.egress import Egress
from notify.publishing.cap_certificates import new_key, self_signed
from notify.publishing.cap_signature import Signer
from notify.received import store
from notify.received.polling import Poller
from notify.received.sources import Source
from notify.received.standing import Standing, shown
from tests.notify.received.agency import SENDER, SENT, Agency, a_document, a_feature, an_agency, urn


@pytest.fixture
async def agency() -> AsyncIterator[Agency]:
    async with an_agency([a_document(1), a_document(2)]) as found:
        yield found


@pytest.fixture
def pages() -> list[str]:
    return []


@pytest.fixture
async def poller(db: Database, clock: ManualClock, pages: list[str]) -> AsyncIterator[Poller]:
    found = a_poller(db, clock, pages)
    yield found
    await found.close()


def a_poller(db: Database, clock: ManualClock, pages: list[str], *sources: Source, **more: Any) -> Poller:
    mode = more.pop("mode", Mode.DEMO)
    way_out = Egress(rules(mode, "", "443,8443"))
    way_out.open()
    given = {"sources": sources, "trusted": {}, "agent": "Tocsin (alerts@example.gov)"} | more
    return Poller(db=db, clock=clock, page=pages.append, way_out=way_out, **given)


def a_source(agency: Agency, **given: Any) -> Source:
    return Source(**{"name": "nws", "title": "Weather", "kind": "index", "url": f"{agency.url}/active"} | given)


def kept(db: Database, clock: ManualClock) -> dict[str, Standing]:
    rows = db.read_now(lambda conn: store.recent(conn, clock.now()))
    by_id = {row.received_id: row.identifier for row in rows}
    return {by_id[one.one.received_id]: one.standing for one in shown(map(store.known, rows), clock.now())}


def problem(db: Database, clock: ManualClock, name: str = "nws") -> str:
    return db.read_now(lambda conn: store.source(conn, name, clock.now())).problem


async def test_an_index_and_its_documents_are_fetched_once_and_asked_for_politely(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    source = a_source(agency)
    assert (await poller.poll(source)).new == 2
    assert kept(db, clock) == {urn(1): Standing.IN_FORCE, urn(2): Standing.IN_FORCE}
    assert sorted(agency.asked) == ["/active", "/alerts/1.xml", "/alerts/2.xml"]
    assert (await poller.poll(source)).new == 0
    assert agency.asked[3:] == ["/active"] and agency.conditions[-1].startswith('"')
    assert agency.agents == {"Tocsin (alerts@example.gov)"}
    agency.documents["3.xml"] = a_document(3)
    assert (await poller.poll(source)).new == 1
    assert agency.asked[4:] == ["/active", "/alerts/3.xml"]


async def test_every_byte_is_kept_as_it_came(db: Database, clock: ManualClock, poller: Poller, agency: Agency) -> None:
    await poller.poll(a_source(agency))
    ids = [row.received_id for row in db.read_now(lambda conn: store.recent(conn, clock.now()))]
    found = {db.read_now(lambda conn, one=one: store.one(conn, one)).document for one in ids}  # type: ignore[misc]
    assert found == set(agency.documents.values())


async def test_the_weather_services_json_is_the_same_alert_from_another_source(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    agency.features = [a_feature(1), a_feature(3, geometry=None)]
    await poller.poll(a_source(agency))
    await poller.poll(a_source(agency, name="nws-json", kind="nws"))
    rows = db.read_now(lambda conn: store.recent(conn, clock.now()))
    assert len(rows) == 4
    found = {one.one.own.identifier: [copy.source for copy in one.copies] for one in shown(map(store.known, rows), clock.now())}
    assert {name: sorted(sources) for name, sources in found.items()} == {
        urn(1): ["nws", "nws-json"],
        urn(2): ["nws"],
        urn(3): ["nws-json"],
    }


async def test_one_address_with_always_the_newest_document_is_followed(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    source = a_source(agency, kind="cap", url=f"{agency.url}/alerts/1.xml")
    assert (await poller.poll(source)).new == 1 and (await poller.poll(source)).new == 0
    agency.documents["1.xml"] = a_document(9, msg_type="Cancel", refers=[(1, SENT)])
    assert (await poller.poll(source)).new == 1
    assert kept(db, clock) == {urn(1): Standing.CANCELLED, urn(9): Standing.OVER}


async def test_a_cancel_that_comes_first_still_ends_what_comes_after_it(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    agency.documents = {"9.xml": a_document(9, msg_type="Cancel", refers=[(1, SENT)], sent=SENT + timedelta(minutes=5))}
    await poller.poll(a_source(agency))
    agency.documents |= {"1.xml": a_document(1)}
    await poller.poll(a_source(agency))
    assert kept(db, clock)[urn(1)] is Standing.CANCELLED


async def test_a_document_that_cannot_be_fetched_now_is_fetched_next_time(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    agency.broken = {"2.xml"}
    await poller.poll(a_source(agency))
    assert kept(db, clock) == {urn(1): Standing.IN_FORCE}
    assert problem(db, clock) == "1 of its documents was not taken. 127.0.0.1 answers with 503."
    agency.broken = set()
    await poller.poll(a_source(agency))
    assert len(kept(db, clock)) == 2 and problem(db, clock) == ""


async def test_a_hostile_document_is_refused_and_the_others_are_kept(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    agency.documents["0.xml"] = b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><alert>&e;</alert>'
    agency.documents["4.xml"] = b"<a>" * 300_000
    outcome = await poller.poll(a_source(agency))
    assert outcome.new == 2 and len(outcome.refused) == 2
    assert problem(db, clock).startswith("2 of its documents were not taken. ")
    agency.documents["5.xml"] = a_document(5)
    asked = len(agency.asked)
    await poller.poll(a_source(agency))
    assert agency.asked[asked:] == ["/active", "/alerts/5.xml"]  # what was refused is not fetched again


@pytest.mark.parametrize(
    "index, says",
    [
        (b"<html>hello</html>", "neither Atom nor RSS"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><feed/>', "DOCTYPE"),
        (b"x" * 1_000_001, "more than 1,000,000 bytes"),
        (b"x" * 2_000_001, "more than 2,000,000 bytes"),
    ],
)
async def test_an_index_that_cannot_be_used_is_said_so(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency, index: bytes, says: str
) -> None:
    agency.index = index
    await poller.poll(a_source(agency))
    assert says in problem(db, clock) and kept(db, clock) == {}


async def test_a_server_that_fails_is_said_so_and_what_it_said_before_stays(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    await poller.poll(a_source(agency))
    heard = clock.now()
    clock.forward(timedelta(minutes=3))
    agency.status = 500
    await poller.poll(a_source(agency))
    row = db.read_now(lambda conn: store.source(conn, "nws", clock.now()))
    assert (row.problem, row.heard_at) == ("127.0.0.1 answers with 500.", heard)
    assert len(kept(db, clock)) == 2


async def test_no_redirect_is_followed_and_no_inner_host_is_asked(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency, pages: list[str]
) -> None:
    await poller.poll(a_source(agency, url=f"{agency.url}/moved"))
    assert problem(db, clock) == "127.0.0.1 answers with 302." and agency.asked == ["/moved"]
    training = a_poller(db, clock, pages, mode=Mode.TRAINING)
    await training.poll(a_source(agency))
    await training.close()
    assert "127.0.0.1 is an inner address" in problem(db, clock) and agency.asked == ["/moved"]


async def test_an_index_cannot_send_us_to_an_inner_host(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    agency.links = {"1.xml": "http://169.254.169.254/latest/meta-data", "2.xml": "http://10.0.0.1/"}
    await poller.poll(a_source(agency))
    assert problem(db, clock).startswith("2 of its documents were not taken. 169.254.169.254: Nothing is sent there")
    assert kept(db, clock) == {}


async def test_a_source_speaks_for_its_own_senders_only(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    agency.documents["3.xml"] = a_document(3, sender="hoax@example.gov")
    await poller.poll(a_source(agency, senders=(SENDER,)))
    assert sorted(kept(db, clock)) == [urn(1), urn(2)]
    assert problem(db, clock).endswith("nws may not speak for hoax@example.gov.")


async def test_a_source_that_must_sign_is_believed_only_when_it_does(
    db: Database, clock: ManualClock, agency: Agency, pages: list[str]
) -> None:
    key, stranger = new_key(elliptic=True), new_key(elliptic=True)
    life = timedelta(days=30)
    signer = Signer(key, self_signed(key, SENDER, "Weather office", SENT, life))
    other = Signer(stranger, self_signed(stranger, SENDER, "Weather office", SENT, life))
    late = a_document(4, sent=SENT + life + timedelta(days=1))
    agency.documents = {
        "1.xml": signer.sign(a_document(1)),
        "2.xml": a_document(2),
        "3.xml": other.sign(a_document(3)),
        "4.xml": signer.sign(late),
        "5.xml": signer.sign(a_document(5)).replace(b"Johnson Creek", b"Nothing here"),
    }
    poller = a_poller(db, clock, pages, trusted={"nws": [signer.certificate]})
    outcome = await poller.poll(a_source(agency, signed_by=Path("weather.pem")))
    await poller.close()
    assert outcome.new == 1 and len(outcome.refused) == 4
    (row,) = db.read_now(lambda conn: store.recent(conn, clock.now()))
    assert (row.identifier, row.signer) == (urn(1), f"CN={SENDER},O=Weather office")


async def test_the_duty_officer_hears_when_what_a_draft_began_with_is_taken_back(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency, pages: list[str]
) -> None:
    await poller.poll(a_source(agency))
    (row,) = [one for one in db.read_now(lambda conn: store.recent(conn, clock.now())) if one.identifier == urn(1)]
    db.write_now(lambda conn: store.note_draft(conn, row, "K7Q2X-1", "author", clock.now()))
    agency.documents["9.xml"] = a_document(9, msg_type="Cancel", refers=[(1, SENT)])
    await poller.poll(a_source(agency))
    assert pages == ["nws takes back the alert that K7Q2X-1 was drafted from. Look at K7Q2X-1."]
    await poller.poll(a_source(agency))
    assert len(pages) == 1


async def test_sources_are_asked_each_at_its_own_pace_and_a_slow_one_holds_up_nobody(
    db: Database, clock: ManualClock, agency: Agency, pages: list[str]
) -> None:
    quick, slow = a_source(agency, every_s=30), a_source(agency, name="slow", every_s=600)
    poller = a_poller(db, clock, pages, quick, slow)
    for _ in range(3):
        await poller.tick()
        for task in poller.under_way:
            await task
        clock.forward(timedelta(seconds=31))
    await poller.close()
    assert agency.asked.count("/active") == 3 + 1


async def test_what_is_long_over_is_forgotten_unless_a_draft_began_with_it(
    db: Database, clock: ManualClock, poller: Poller, agency: Agency
) -> None:
    await poller.poll(a_source(agency))
    row = db.read_now(lambda conn: store.recent(conn, clock.now()))[0]
    db.write_now(lambda conn: store.note_draft(conn, row, "K7Q2X-1", "author", clock.now()))
    assert db.write_now(lambda conn: store.forget_old(conn, clock.now() + timedelta(days=29))) == 0
    assert db.write_now(lambda conn: store.forget_old(conn, clock.now() + timedelta(days=40))) == 1
    assert db.read_now(lambda conn: store.one(conn, row.received_id)).draft_id == "K7Q2X-1"
    assert db.read_now(register.all_alerts) == []  # nothing that came became an alert of ours
