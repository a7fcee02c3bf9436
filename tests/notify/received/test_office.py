"""An agency's alert from its server to a draft of ours, in a running service: by console and API, by whoever may, and never
further by itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from cryptography.x509 import load_pem_x509_certificates
from shapely.geometry import shape

from notify import keys
from notify.alerts import register
from notify.alerts.alert import Severity, Stage, Urgency
from notify.alerts.draft import Draft
from notify.alerts.life import Status
from notify.clock import ManualClock
from notify.publishing import cap_certificates, cap_check, cap_signature
from notify.publishing.cap_certificates import new_key, self_signed
from notify.publishing.cap_signature import Signer
from notify.received import store
from notify.staff import people
from tests.console.staff_factory import NOON, House
from tests.notify.cli.command_line import Shell
from tests.notify.newsroom_factory import BOIL_WATER
from tests.notify.received.agency import SENDER, Agency, a_document, an_agency, urn
from tests.notify.service_factory import install, started

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = new_key(elliptic=True)
COUNTY = Signer(KEY, self_signed(KEY, "county@example.gov", "County", NOON - timedelta(days=30), timedelta(days=365)))
OLDER, NEWER = (
    Signer(key, self_signed(key, "alerts@example.gov", "City of Portland", made_at, timedelta(days=365)))
    for key, made_at in (
        (new_key(elliptic=True), NOON - timedelta(days=300)),
        (new_key(elliptic=True), NOON - timedelta(days=1)),
    )
)
SENT = NOON - timedelta(minutes=30)
WIDE = "45.0,-124.0 45.0,-122.0 46.0,-122.0 46.0,-124.0 45.0,-124.0"  # more than the city's envelope
FAR = "40.0,-100.0 40.0,-99.0 41.0,-99.0 41.0,-100.0 40.0,-100.0"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def agency() -> AsyncIterator[Agency]:
    async with an_agency() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(agency: Agency, tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("office")
    (folder / "county.pem").write_bytes(cap_certificates.pem([COUNTY.certificate]))
    sources = [
        {"name": "nws", "title": "National Weather Service", "kind": "index", "url": f"{agency.url}/active", "every_s": 86_400}
        | {"silent_after_s": 86_400},
        {"name": "relay", "title": "The county", "kind": "post", "signed_by": folder / "county.pem"}
        | {"senders": ["county@example.gov"], "silent_after_s": 0},
    ]
    home, clock = folder / "home", ManualClock(NOON)
    tokens = install(home, migrated_sqlite)
    for signer in (OLDER, NEWER):
        keys.add_signer(home / "keys.toml", signer)
    async with started(home, tokens, clock=clock, cap_sources=sources) as served:
        house = House(served, clock)
        received = served.running.service.received
        assert received is not None
        await received.poller.tick()  # the one look of the day that is due; from here on the tests say when
        await asyncio.gather(*received.poller.under_way)
        yield house
        for session in house.browsers:
            await session.close()


@pytest.fixture
def sent(office: House) -> datetime:
    """Half an hour ago, however far the tests before have moved the clock."""
    return office.clock.now() - timedelta(minutes=30)


async def fetched(office: House, agency: Agency, *documents: bytes) -> None:
    """The agency says these too, and is asked."""
    for document in documents:
        agency.documents[f"{len(agency.documents) + 1}.xml"] = document
    received = office.served.running.service.received
    assert received is not None
    outcome = await received.poller.poll(received.sources[0])
    assert outcome.new == len(documents), outcome


async def listed(office: House) -> dict[str, dict[str, Any]]:
    status, found = await office.served.call("viewer", "GET", "/received")
    assert status == 200
    return {one["identifier"]: one for one in found["alerts"]}


async def received_id(office: House, number: int) -> str:
    return str((await listed(office))[urn(number)]["received_id"])


def alerts(office: House) -> list[str]:
    return [row.alert_id for row in office.served.running.service.db.read_now(register.all_alerts)]


def draft_of(office: House, alert_id: str) -> Draft:
    row = office.served.running.service.db.read_now(lambda conn: register.alert(conn, alert_id))
    assert row.status == Status.DRAFT
    return Draft.model_validate_json(row.content)


async def test_an_author_makes_a_draft_of_an_alert_by_the_console(office: House, agency: Agency, sent: datetime) -> None:
    before = alerts(office)
    await fetched(office, agency, a_document(1, sent=sent))
    assert alerts(office) == before
    author = await office.signed_in("author")
    page = await author.get("/received")
    assert "Flash Flood Warning number 1" in page.words and "National Weather Service" in page.words
    one = await received_id(office, 1)
    page = await author.get(f"/received/{one}")
    for said in ("Johnson Creek is rising.", SENDER, urn(1), "Actual, Alert, Public", "none was asked for"):
        assert said in page.words
    assert '<option value="flood" selected>' in page.text
    page = await author.post(f"/received/{one}/draft", {"hazard": "flood"})
    assert page.status == 200 and page.url.path.endswith("/edit")
    alert_id = page.url.path.split("/")[2]
    draft = draft_of(office, alert_id)
    assert (draft.hazard, draft.stage, draft.severity, draft.urgency) == (
        "flood",
        Stage.FIRST,
        Severity.SEVERE,
        Urgency.IMMEDIATE,
    )
    assert shape(draft.area.geojson).bounds == (-122.60, 45.46, -122.56, 45.50) and draft.area.words == "Multnomah, OR"
    assert draft.expires == sent + timedelta(hours=6)
    assert draft.note == f"Follows an alert of NWS Sampletown: {SENDER},{urn(1)},{sent.isoformat()}."
    assert "rising" not in draft.model_dump_json()  # their words are not ours
    assert alert_id in (await author.get("/received")).words


async def test_nothing_is_sent_by_a_draft_that_began_so(office: House, agency: Agency, sent: datetime) -> None:
    await fetched(office, agency, a_document(2, sent=sent))
    status, made = await office.served.call("author", "POST", f"/received/{await received_id(office, 2)}/draft", {})
    assert status == 201 and made["status"] == "draft" and made["author"] == "author"
    status, _ = await office.served.call("author", "POST", f"/alerts/{made['alert_id']}/approve", {"digest": ""})
    assert status == 409
    db = office.served.running.service.db
    assert db.read_now(lambda conn: register.events(conn, made["incident_id"])) == []


async def test_of_two_who_make_a_draft_one_is_told_of_the_other(office: House, agency: Agency, sent: datetime) -> None:
    await fetched(office, agency, a_document(3, sent=sent))
    path = f"/received/{await received_id(office, 3)}/draft"
    _, made = await office.served.call("author", "POST", path, {})
    status, refused = await office.served.call("approver", "POST", path, {})
    assert status == 409 and refused["problems"] == [f"author made the draft {made['alert_id']} of it already."]


async def test_an_administrator_begins_a_draft_and_somebody_else_words_it(
    office: House, agency: Agency, sent: datetime
) -> None:
    await fetched(office, agency, a_document(4, sent=sent))
    status, made = await office.served.call("admin", "POST", f"/received/{await received_id(office, 4)}/draft", {})
    assert status == 201
    content = draft_of(office, made["alert_id"]).model_dump(mode="json")
    assert (await office.served.call("admin", "PUT", f"/alerts/{made['alert_id']}", content))[0] == 403
    assert (await office.served.call("author", "PUT", f"/alerts/{made['alert_id']}", content | {"short": False}))[0] == 200


async def test_whoever_is_limited_makes_no_draft_beyond_it(office: House, agency: Agency, sent: datetime) -> None:
    db = office.served.running.service.db
    add = lambda conn: people.add(conn, "water-author", ["author"], {"hazards": ["boil_water"]}, office.clock.now())  # noqa: E731
    office.served.tokens["water-author"] = db.write_now(add)
    await fetched(office, agency, a_document(5, sent=sent))
    path = f"/received/{await received_id(office, 5)}/draft"
    before = alerts(office)
    status, refused = await office.served.call("water-author", "POST", path, {})
    assert status == 403 and "may not act on 'flood'" in refused["problems"][0] and alerts(office) == before


async def test_a_test_is_marked_stands_apart_and_begins_a_test_only(office: House, agency: Agency, sent: datetime) -> None:
    await fetched(office, agency, a_document(6, sent=sent, status="Exercise"))
    author = await office.signed_in("author")
    page = await author.get("/received")
    apart = page.text.index('id="unreal"')
    assert page.text.index("number 6") > apart and "Exercise" in page.text[apart:]
    one = await received_id(office, 6)
    assert "No emergency:" in (await author.get(f"/received/{one}")).words
    _, made = await office.served.call("author", "POST", f"/received/{one}/draft", {"hazard": "flood"})
    assert draft_of(office, made["alert_id"]).stage is Stage.TEST


async def test_an_area_is_cut_to_the_citys_envelope_and_one_outside_is_left_to_the_author(
    office: House, agency: Agency, sent: datetime
) -> None:
    await fetched(office, agency, a_document(7, sent=sent, polygon=WIDE), a_document(8, sent=sent, polygon=FAR))
    _, made = await office.served.call("author", "POST", f"/received/{await received_id(office, 7)}/draft", {})
    west, south, east, north = office.served.running.service.assembly.city.pack.envelope
    assert shape(draft_of(office, made["alert_id"]).area.geojson).bounds == (west, south, -122.1, north) and east == -122.1
    author = await office.signed_in("author")
    far = await received_id(office, 8)
    assert "choose the area yourself" in (await author.get(f"/received/{far}")).words
    _, made = await office.served.call("author", "POST", f"/received/{far}/draft", {})
    assert draft_of(office, made["alert_id"]).area.geojson is None


async def test_what_is_taken_back_over_or_not_public_begins_no_draft(office: House, agency: Agency, sent: datetime) -> None:
    await fetched(office, agency, a_document(10, sent=sent), a_document(11, sent=sent, scope="Restricted"))
    await fetched(office, agency, a_document(12, sent=sent + timedelta(minutes=1), msg_type="Cancel", refers=[(10, sent)]))
    await fetched(office, agency, a_document(13, sent=sent - timedelta(hours=12)))
    found = await listed(office)
    assert [found[urn(number)]["standing"] for number in (10, 12, 13)] == ["cancelled", "over", "expired"]
    assert found[urn(10)]["by"] == found[urn(12)]["received_id"]
    for number, says in ((10, "cancelled"), (11, "Restricted"), (12, "over"), (13, "expired")):
        status, refused = await office.served.call("author", "POST", f"/received/{await received_id(office, number)}/draft", {})
        assert status == 422 and says in refused["problems"][0]
    page = await (await office.signed_in("author")).get(f"/received/{await received_id(office, 10)}")
    assert "cancelled" in page.words and "by a later message" in page.words and "Make a draft</button>" not in page.text


async def test_their_words_are_shown_as_words_whatever_they_hold(office: House, agency: Agency, sent: datetime) -> None:
    hostile = "&lt;script&gt;alert(1)&lt;/script&gt;"
    await fetched(office, agency, a_document(14, sent=sent, headline=hostile, area_desc=hostile))
    author = await office.signed_in("author")
    one = await received_id(office, 14)
    for path in ("/received", f"/received/{one}"):
        assert "<script>alert" not in (await author.get(path)).text
    kept = await author.get(f"/received/{one}/document")
    assert kept.headers["Content-Disposition"].startswith("attachment") and kept.headers["X-Content-Type-Options"] == "nosniff"
    assert kept.text.encode() == agency.documents[f"{len(agency.documents)}.xml"]


async def test_a_source_hands_in_a_signed_alert_and_the_same_one_again(office: House, sent: datetime) -> None:
    signed = COUNTY.sign(a_document(20, sent=sent, sender="county@example.gov")).decode()
    status, first = await office.served.call("relay", "POST", "/received", {"document": signed})
    assert status == 201 and first["new"] is True
    status, again = await office.served.call("relay", "POST", "/received", {"document": signed})
    assert status == 201 and again == {"received_id": first["received_id"], "new": False}
    status, one = await office.served.call("viewer", "GET", f"/received/{first['received_id']}")
    assert (status, one["signer"], one["sources"]) == (200, "CN=county@example.gov,O=County", ["relay"])
    row = office.served.running.service.db.read_now(lambda conn: store.one(conn, first["received_id"]))
    assert row.document == signed.encode()


@pytest.mark.parametrize(
    "document, says",
    [
        (a_document(21, sent=SENT, sender="county@example.gov").decode(), "carries no signature"),
        (
            COUNTY.sign(a_document(21, sent=SENT, sender="county@example.gov")).decode().replace("rising", "low"),
            "digest differs",
        ),
        (COUNTY.sign(a_document(21, sent=SENT)).decode(), "may not speak for"),
        ("<!DOCTYPE a><alert/>", "DOCTYPE"),
        ("hello", "not well-formed"),
    ],
)
async def test_what_a_source_hands_in_is_refused_with_a_reason(office: House, document: str, says: str) -> None:
    status, refused = await office.served.call("relay", "POST", "/received", {"document": document})
    assert status == 422 and says in refused["problems"][0]
    _, found = await office.served.call("viewer", "GET", "/received")
    assert says in next(one["problem"] for one in found["sources"] if one["name"] == "relay")


async def test_a_relays_token_does_nothing_else_and_a_name_that_is_no_source_hands_in_nothing(office: House) -> None:
    for path in ("/alerts", "/received", "/status"):
        assert (await office.served.call("relay", "GET", path))[0] == 403
    db = office.served.running.service.db
    office.served.tokens["stranger"] = db.write_now(
        lambda conn: people.add(conn, "stranger", ["relay"], {}, office.clock.now())
    )
    status, refused = await office.served.call("stranger", "POST", "/received", {"document": a_document(22).decode()})
    assert status == 403 and "stranger is not a source" in refused["problems"][0]


async def test_a_source_that_fails_or_falls_silent_is_shown_and_told(office: House, agency: Agency) -> None:
    service = office.served.running.service
    assert service.received is not None
    await fetched(office, agency)
    agency.status = 503
    await service.received.poller.poll(service.received.sources[0])
    admin = await office.signed_in("admin")
    for path in ("/received", "/service"):
        assert "127.0.0.1 answers with 503." in (await admin.get(path)).words
    office.clock.forward(timedelta(hours=25))
    await service.received.poller.tick()
    await asyncio.gather(*service.received.poller.under_way)
    await service.received.watch()
    await service.received.watch()
    admin = await office.signed_in("admin")
    page = await admin.get("/service")
    assert "silent" in page.words
    told = [one for one in service.pager.recent if "has been silent since" in one]
    assert len(told) == 1 and told[0].startswith("National Weather Service has been silent since 2026-05-04")
    agency.status = 200
    await fetched(office, agency)
    await service.received.watch()
    _, found = await office.served.call("viewer", "GET", "/received")
    assert {one["name"]: (one["silent"], one["problem"] == "") for one in found["sources"]}["nws"] == (False, True)


async def test_what_was_handed_in_and_drafted_stands_in_the_log(office: House) -> None:
    signed = COUNTY.sign(a_document(40, sent=office.clock.now(), sender="county@example.gov")).decode()
    await office.served.call("relay", "POST", "/received", {"document": signed})
    _, made = await office.served.call("admin", "POST", f"/received/{await received_id(office, 40)}/draft", {})
    lines = (await office.served.call("admin", "GET", "/audit"))[1]["lines"]
    (handed,) = [one for one in lines if one["action"] == "handed in an alert" and one["detail"]["identifier"] == urn(40)]
    (drafted,) = [one for one in lines if one["action"] == "drafted from" and one["subject"] == made["alert_id"]]
    assert (handed["actor"], drafted["actor"]) == ("relay", "admin")
    assert {"received", "source", "identifier", "sender", "sent"} == set(drafted["detail"])
    assert json.dumps(lines).count("Johnson Creek") == 0


async def published(office: House, path: str) -> bytes:
    url = f"http://127.0.0.1:{office.served.running.public_port}/demo/{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, path
        return await answer.read()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alert_id(office: House) -> str:
    """An alert of ours, approved and sent."""
    call = office.served.call

    def ago(hours: int) -> str:
        return (office.clock.now() - timedelta(hours=hours)).isoformat(timespec="minutes")

    slots = BOIL_WATER["slots"] | {"happened": ago(20), "learned": ago(4)}
    _, made = await call("author", "POST", "/alerts", BOIL_WATER | {"slots": slots})
    path = f"/alerts/{made['alert_id']}"
    status, submitted = await call("author", "POST", f"{path}/submit", {})
    assert status == 200, submitted
    status, approved = await call("approver", "POST", f"{path}/approve", {"digest": submitted["digest"]})
    assert status == 200, approved
    assert (await call("approver", "POST", f"{path}/send", {}))[0] == 200
    async with asyncio.timeout(60):
        while not (await call("viewer", "GET", path))[1]["event"]["published_at"]:
            await asyncio.sleep(0.05)
    return str(made["alert_id"])


async def test_what_the_public_gets_is_signed_with_a_certificate_that_is_published(office: House, alert_id: str) -> None:
    _, found = await office.served.call("viewer", "GET", f"/alerts/{alert_id}/cap")
    identifier = found["document"].partition("<identifier>")[2].partition("<")[0]
    document = await published(office, f"cap/{identifier}.xml")
    assert document == found["document"].encode()
    trusted = load_pem_x509_certificates(await published(office, "feeds/signers.pem"))
    assert trusted == [NEWER.certificate, OLDER.certificate]
    assert cap_signature.verified(document, trusted).certificate == NEWER.certificate
    assert cap_signature.problems(document, trusted, office.clock.now()) == []
    assert [one for one in cap_check.problems(document, "google") if not one.advice] == []
    row = office.served.running.service.db.read_now(lambda conn: register.event(conn, alert_id))
    assert row.cap == document  # what is stored is what is served, byte for byte


async def test_the_command_line_judges_the_signature_that_the_public_gets(office: House, alert_id: str, tmp_path: Path) -> None:
    variables = {"TOCSIN_URL": office.served.url, "TOCSIN_TOKEN": office.served.tokens["viewer"]}
    shell = Shell(office.served.home, variables)
    (tmp_path / "signers.pem").write_bytes(await published(office, "feeds/signers.pem"))
    for name, profile in (("a.xml", "cap"), ("ipaws.xml", "ipaws"), ("envelope.xml", "edxl")):
        said = await asyncio.to_thread(shell, "cap", "export", alert_id, "--profile", profile, "--output", tmp_path / name)
        assert said.code == 0, said.errors
        assert ("agreement with FEMA" in said.errors) == (profile == "ipaws")
    assert (tmp_path / "envelope.xml").read_text("utf-8").count("<EDXLDistribution ") == 1
    told = await asyncio.to_thread(shell, "cap", "check", tmp_path / "a.xml", "--trust", tmp_path / "signers.pem")
    assert told.code == 0, told.out
    told = await asyncio.to_thread(shell, "cap", "check", tmp_path / "ipaws.xml", "--profile", "ipaws")
    assert told.code == 0, told.out
    told = await asyncio.to_thread(shell, "cap", "check", tmp_path / "ipaws.xml", "--signed")
    assert told.code == 1 and "NOT_SIGNED" in told.out


async def test_a_document_for_ipaws_is_downloaded_where_the_hazard_has_a_code(office: House, alert_id: str) -> None:
    viewer = await office.signed_in("viewer")
    page = await viewer.get(f"/alerts/{alert_id}")
    assert "Nothing is sent by it." in page.words and f"/alerts/{alert_id}/ipaws.xml" in page.text
    answer = await viewer.get(f"/alerts/{alert_id}/ipaws.xml")
    assert answer.status == 200 and f"{alert_id}-ipaws.xml" in answer.headers["Content-Disposition"]
    assert "<value>LAE</value>" in answer.text and "<value>041051</value>" in answer.text
    assert [one for one in cap_check.problems(answer.text.encode(), "ipaws") if not one.advice] == []
    assert (await office.served.call("viewer", "GET", f"/alerts/{alert_id}/cap?profile=other"))[0] == 400
