"""A drill on the training instance is seen on its report, carried to the live one, and asked for there before approving."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from notify import audit
from notify.staff import certificate, drills, people
from notify.staff import training_log as records
from tests.console.staff_factory import House, opened
from tests.console.test_drill_pages import SCRIPT
from tests.console.test_sixty_seconds import decision, submitted
from tests.notify.staff.test_training import KEY, a_part

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = timedelta(days=1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[House]:
    """Not a training instance; two more approvers, "deputy" and "relief", are there as well."""
    home = tmp_path_factory.mktemp("live") / "home"
    async with opened(home, migrated_sqlite, drill_refuse_days=60) as found:
        now = found.clock.now() - 400 * DAY
        db = found.served.running.service.db
        db.write_now(lambda conn: [people.add(conn, name, ["approver"], {}, now) for name in ("deputy", "relief")])
        await db.write(lambda conn: conn.exec_driver_sql("UPDATE person SET created_at = '2024-01-01 00:00:00.000000'"))
        yield found


def practised(house: House, person_id: str, ago: timedelta) -> None:
    now = house.clock.now()
    part = a_part(person_id, ended=now - ago, alone=True)
    text = certificate.issue([part], "Portland", KEY, now)
    parts = certificate.read(text, "Portland", certificate.public(KEY), now)
    house.served.running.service.db.write_now(lambda conn: records.take(conn, parts, "shell", "", now))


async def test_a_drill_stands_in_the_months_report_and_its_table(tmp_path: Path, migrated_sqlite: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drills, "catalogue", lambda folder=None: {"practice": SCRIPT})
        async with opened(tmp_path / "home", migrated_sqlite, mode="training") as training:
            author, approver = await training.signed_in("author"), await training.signed_in("approver")
            assert "There is no break-glass drill on record. It is due once a month." in (await approver.get("/")).words
            assert "break-glass" not in (await author.get("/")).words
            drill = (await approver.post("/drills", {"script": "practice"})).url.path
            training.clock.forward(timedelta(minutes=3))
            alert_id = await submitted(author)
            assert (await decision(approver, alert_id)).url.path == f"/alerts/{alert_id}"
            training.clock.forward(timedelta(minutes=3))
            await approver.post(f"{drill}/end")
            page = await author.get("/training")
            assert "Who has practised: 2026-05" in page.words and "not practised this month" in page.words
            assert "drill-1 Practice" in page.words and "approver 1 6:0" in page.words
            rows = [line.split(",") for line in (await author.get("/training.csv")).text.splitlines()]
            assert [(row[1], row[3], row[8], row[9]) for row in rows if row[3] == "drill-1"] == [
                ("approver", "drill-1", "no", "yes"),
                ("author", "drill-1", "yes", "no"),
            ]
            page = await author.get("/training?month=2026-04")
            assert "Nobody took part in a drill this month." in page.words
            assert (await author.get("/training?month=soon")).status == 422


async def test_whoever_has_not_practised_is_refused_with_what_to_do_and_may_after_ten_minutes(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    practised(house, "deputy", 34 * DAY)
    alert_id = await submitted(author)
    page = await approver.get(f"/alerts/{alert_id}/approval")
    assert "approver has not practised approving yet" in page.words and "deputy may approve this." in page.words
    assert "Send to" not in page.words
    assert (await decision(approver, alert_id)).status == 403
    house.clock.forward(timedelta(minutes=10))
    house.code("approver")
    page = await decision(approver, alert_id, code=house.code("approver"))
    assert page.url.path == f"/alerts/{alert_id}", page.words


async def test_breaking_the_glass_asks_for_no_practice(house: House) -> None:
    approver = await house.signed_in("approver")
    practised(house, "deputy", DAY)
    await approver.get("/alerts/new")
    page = await approver.post("/alerts/new", {"hazard": "wildfire_leave_now"})
    alert_id = page.url.path.split("/")[2]
    version = page.text.partition('name="version" value="')[2].partition('"')[0]
    typed = {"slot-toward": "NW Front Ave", "where": "names", "ends": "at", "version": version, "act": "submit"}
    pairs = [*typed.items(), ("names", "Lents"), ("channels", "sms"), ("channels", "feed")]
    await approver.post(f"/alerts/{alert_id}/edit", pairs)
    page = await approver.get(f"/alerts/{alert_id}/approval")
    assert "Nobody else can be reached" in page.words
    given = {"act": "alone", "reason": "The bridge is closed and nobody answers.", "code": house.code("approver")}
    page = await decision(approver, alert_id, **given)
    assert page.url.path == f"/alerts/{alert_id}", page.words
    lines = await house.served.running.service.db.read(lambda conn: audit.lines(conn, alert_id))
    assert "BROKE THE GLASS" in [line.action for line in lines]


async def test_the_page_says_where_drills_run_and_whom_the_duty_waits_for(house: House) -> None:
    approver = await house.signed_in("approver")
    practised(house, "relief", 96 * DAY)
    practised(house, "deputy", DAY)
    page = await approver.get("/training")
    assert "Drills run on the training instance." in page.words
    assert "Last break-glass drill" in page.words and "Overdue with their drill: approver, relief ." in page.words
    assert "break-glass" not in (await approver.get("/")).words, "nobody practises on a demo"
