"""How the service is, and its settings without their secrets; which words each danger has."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert

from notify import audit, data, keys
from notify.alerts import hazards
from notify.console import health
from notify.console.health import KEPT_SECRET, SETTINGS, TICKS, shown, table
from notify.console.pages import Console
from notify.console.wordings import folders
from notify.mirror.copying import Mirror
from notify.mirror.targets import FolderTarget
from notify.sending.routing import Standing, Why
from notify.settings import SenderSetting, Settings, load
from notify.tables import Due
from notify.wording import reviews, words
from notify.wording.fallback import Step
from tests.console.staff_factory import House
from tests.notify.sending_factory import Bench, FakeChannel

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRETS: dict[str, Any] = {
    "twilio_account_sid": "AC0123456789abcdef0123456789abcdef",
    "twilio_auth_token": "s3cret-one",
    "twilio_url": "http://user:s3cret-two@127.0.0.1:9/?key=s3cret-three",
    "smtp_host": "localhost",
    "smtp_password": "s3cret-four",
    "database_url": "postgresql+psycopg://tocsin:s3cret-five@db.example.gov/tocsin?password=s3cret-six",
    "page_command": ("/usr/local/bin/page", "--token", "s3cret-seven"),
    "sms_senders": (SenderSetting(number="+15035550100", rate=100, urgent=True),),
}


async def test_the_page_says_how_things_are(house: House) -> None:
    page = await (await house.signed_in("admin")).get("/service")
    assert page.status == 200
    head = house.served.running.service.db.read_now(audit.head)
    for said in ("demo", "0.1.0", "SQLite", "nothing is late", "free", head):
        assert said in page.words


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Why.LATE, "Its delivery reports come late."),
        (Why.FAILED, "Many of its calls fail."),
        (Why.SLOW, "Many of its calls are slow."),
        (Why.SHUT, "It was shut before."),
    ],
)
async def test_the_page_says_why_a_route_has_lost_a_part_of_its_share(
    house: House, why: Why, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = house.served.running.service
    sender = Bench(service.db, house.clock).dispatcher(FakeChannel(), "+15035550100", route="one")
    sender.route.routes.route("two")
    sender.route.routes.standings["one"] = Standing(share=6, why=why)
    monkeypatch.setattr(service, "dispatchers", [sender])
    page = await (await house.signed_in("admin")).get("/service")
    assert f"Slowed to 60 % of its pace. {said}" in page.words


async def test_work_that_nobody_begins_is_late(house: House) -> None:
    db, now = house.served.running.service.db, house.clock.now()

    def ahead(conn: Connection) -> tuple[int, int]:
        conn.execute(insert(Due).values(kind="nothing", ref="x", due_at=now + timedelta(hours=1)))
        return health.look(conn, db, now).late, health.look(conn, db, now + timedelta(hours=1, seconds=11)).late

    before = db.read_now(lambda conn: health.look(conn, db, now)).late
    assert db.write_now(ahead) == (before, before + 1)


async def test_settings_and_ticks_are_listed_where_the_root_tells_them(house: House) -> None:
    service, ring = house.served.running.service, keys.load(house.served.home / "keys.toml")
    app = web.Application()
    app[SETTINGS], app[TICKS] = load(mode="demo", **SECRETS), house.served.running.ticks
    app.add_routes(Console(service, ring, house.served.url).web_routes())
    admin = await house.signed_in("admin")
    async with TestServer(app) as server:
        cookies = {cookie.key: cookie.value for cookie in admin.session.cookie_jar}
        async with admin.session.get(server.make_url("/service"), cookies=cookies) as answer:
            page = await answer.text()
    assert "s3cret" not in page and "TOCSIN_TWILIO_AUTH_TOKEN" in page
    assert all(tick.name in page for tick in house.served.running.ticks)


async def test_no_secret_stands_in_the_table() -> None:
    rows = {row.name: row for row in table(load(mode="demo", **SECRETS))}
    assert len(rows) == len(Settings.model_fields)
    assert not [row for row in rows.values() if "s3cret" in row.value or "456789" in row.value]
    assert rows["TOCSIN_SMTP_PASSWORD"].value == KEPT_SECRET and not rows["TOCSIN_SMTP_PASSWORD"].usual
    assert rows["TOCSIN_SMS_SENDERS"].value == "+15035550100=100 urgent"
    assert rows["TOCSIN_PAGE_COMMAND"].value == "/usr/local/bin/page …"
    assert rows["TOCSIN_TWILIO_URL"].value == "http://127.0.0.1:9/"
    assert "db.example.gov/tocsin" in rows["TOCSIN_DATABASE_URL"].value
    assert rows["TOCSIN_LEASE_S"].usual and rows["TOCSIN_LEASE_S"].value == "8"


@given(st.text("abcXYZ012-_.", min_size=6).map(lambda one: f"Q{one}Q"), st.sampled_from(["http", "https", "smtp"]))
async def test_an_account_in_an_address_is_never_shown(secret: str, scheme: str) -> None:
    assert secret not in shown("any_url", f"{scheme}://name:{secret}@127.0.0.1/path?token={secret}#{secret}")


async def test_every_danger_is_on_the_page_of_words(house: House) -> None:
    page = await (await house.signed_in("translator")).get("/words")
    assert page.status == 200
    for hazard in hazards.catalogue().values():
        assert hazard.title in page.words
    assert "keeps a live service from starting" in page.words


async def test_a_language_without_own_words_falls_back_and_says_so() -> None:
    whole = words.load(data.folder("templates"))
    vietnamese, left_out = whole.translations["vi"], ("sms.evacuate_now", "page.evacuate_now", "sms.test", "page.test")
    lacks = {context: text for context, text in vietnamese.items() if not context.startswith(left_out)}
    known = replace(whole, translations={**whole.translations, "vi": lacks})
    titles = {key: hazard.title for key, hazard in hazards.catalogue().items()}
    found = {one.name: one for one in folders(known, titles, reviews.arrange(()), ["en", "es", "vi"])}
    assert [one.step for one in found["boil_water"].tongues] == [Step.OWN, Step.OWN, Step.OWN]
    assert [one.step for one in found["evacuate_now"].tongues] == [Step.OWN, Step.OWN, Step.GENERIC]
    assert [one.step for one in found["test"].tongues] == [Step.OWN, Step.OWN, Step.ENGLISH]
    assert not any(tongue.ready for one in found.values() for tongue in one.tongues)
    assert {title for one in found.values() for title in one.hazards} == set(titles.values())
    assert found["boil_water"].wordings and "short" in found["boil_water"].wordings


async def test_a_mirror_that_lags_is_on_the_page_with_its_reason(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = house.served.running.service
    target = FolderTarget(tmp_path / "unmounted")
    mirror = Mirror(folder=tmp_path, target=target, kept=tmp_path / "m.json", clock=house.clock, page=service.pager)
    mirror.light.trouble = "The folder /srv/mirror is not there: is it mounted?"
    monkeypatch.setattr(service, "mirrors", [mirror])
    page = await (await house.signed_in("admin")).get("/service")
    assert "Mirrors of page and feeds" in page.words and "is it mounted?" in page.words and "not yet up to date" in page.words
    mirror.light.trouble, mirror.light.fresh_at = "", house.clock.now()
    page = await (await house.signed_in("admin")).get("/service")
    assert str(tmp_path / "unmounted") in page.words and "not yet up to date" not in page.words
    await mirror.close()
