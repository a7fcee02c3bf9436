"""A drill from its beginning to everybody's score, on a training instance; anywhere else it is refused with a sentence."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from notify.alerts.alert import Mode
from notify.alerts.broadcast import Unfit
from notify.alerts.life import Role, Staff
from notify.staff import drill_log, drills
from tests.console.staff_factory import House, opened
from tests.console.test_sixty_seconds import begun, decision, form, submitted

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCRIPT = drills.read(
    "practice",
    """
title: Practice
minutes: 30
people: 10
injects:
  - {at: 0, from: Water laboratory, words: Three samples from Lents hold E. coli.}
  - {at: 10, from: Water bureau, words: It is the whole city., mistake: true}
right:
  - {at: 0, hazard: boil_water, areas: [Lents]}
  - {at: 10, hazard: boil_water, areas: [Portland]}
""",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drills, "catalogue", lambda folder=None: {"practice": SCRIPT})
        async with opened(tmp_path_factory.mktemp("training") / "home", migrated_sqlite, mode="training") as found:
            yield found


async def test_a_drill_is_begun_played_ended_and_judged(house: House) -> None:
    author, approver = await house.signed_in("author"), await house.signed_in("approver")
    assert "TRAINING: nobody outside is texted" in (await approver.get("/")).words
    page = await approver.get("/drills")
    assert "Practice" in page.words and "Drills" in page.words
    assert (await author.post("/drills", {"script": "practice"})).status == 403
    page = await approver.post("/drills", {"script": "practice"})
    drill = page.url.path
    assert page.status == 200 and "Three samples from Lents" in page.words and "It is the whole city" not in page.words
    page = await approver.post("/drills", {"script": "practice"})
    assert page.status == 409 and "it must end first" in page.words

    async with author.session.get(f"{house.served.url}{drill}/progress") as stream:
        assert (await stream.content.readline()).strip() == b"event: progress"

    house.clock.forward(timedelta(minutes=2))
    wrong, version = await begun(author)
    house.clock.forward(timedelta(minutes=1))
    refused = await author.post(f"/alerts/{wrong}/edit", form(version, "submit", **{"slot-address": ""}))
    assert refused.status == 422
    version_now = str(int(version) + 1)
    page = await author.post(f"/alerts/{wrong}/edit", form(version_now, "submit"))
    assert page.url.path == f"/alerts/{wrong}", page.words
    house.clock.forward(timedelta(minutes=1))
    assert (await decision(approver, wrong)).url.path == f"/alerts/{wrong}"
    house.clock.forward(timedelta(minutes=8))
    assert "It is the whole city" in (await author.get(drill)).words
    late = await submitted(author)  # still Lents alone: wrong by now

    page = await approver.post(f"{drill}/end")
    assert "Scorecard" in page.words
    assert "Right people approver" in page.words and " author 2:0" in page.words
    table = (await author.get(f"{drill}/scorecard.csv")).text.splitlines()
    ours = [line.split(",") for line in table if ",author," in line]
    assert {line[7]: line[8] for line in ours} == {wrong: "right", late: "wrong"}
    assert all(line[6] == "1" for line in ours), "one attempt was refused"
    assert (await approver.post(f"{drill}/end")).status == 409


async def test_nobody_but_training_drills(house: House) -> None:
    leader, now = Staff(person_id="approver", roles=frozenset({Role.APPROVER})), house.clock.now()
    db = house.served.running.service.db
    for mode in (Mode.LIVE, Mode.DEMO):
        with pytest.raises(Unfit, match="Drills run on the training instance only"):
            db.write_now(partial(drill_log.start, staff=leader, script=SCRIPT, mode=mode, now=now, known=["Lents", "Portland"]))
        with pytest.raises(Unfit, match="Drills run on the training instance only"):
            db.write_now(partial(drill_log.end, staff=leader, drill_id="drill-1", mode=mode, now=now))


async def test_a_script_for_areas_that_the_city_lacks_is_refused(house: House) -> None:
    leader = Staff(person_id="approver", roles=frozenset({Role.APPROVER}))
    with pytest.raises(Unfit, match="The city has no area Portland"):
        house.served.running.service.db.write_now(
            lambda conn: drill_log.start(conn, leader, SCRIPT, Mode.TRAINING, house.clock.now(), ["Lents"])
        )


async def test_outside_training_every_page_of_drills_is_refused_with_a_sentence(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with opened(tmp_path / "demo", migrated_sqlite) as demo:
        approver = await demo.signed_in("approver")
        assert "/drills" not in (await approver.get("/")).text
        for page in [
            await approver.get("/drills"),
            await approver.get("/drills/drill-1"),
            await approver.get("/drills/drill-1/scorecard.csv"),
            await approver.post("/drills", {"script": "boil_water"}),
            await approver.post("/drills/drill-1/end"),
        ]:
            assert page.status == 422 and "Drills run on the training instance only; this one is demo" in page.words
