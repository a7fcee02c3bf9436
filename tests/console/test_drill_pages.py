"""A drill from its beginning to everybody's score, on a training instance; anywhere else it is refused with a sentence."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from notify import audit
from notify.alerts.alert import Mode
from notify.alerts.broadcast import Unfit
from notify.alerts.life import Role, Staff
from notify.staff import drill_log, drills
from subscribers import importing
from subscribers.importing import Totals
from tests.console.staff_factory import House, opened
from tests.console.test_sixty_seconds import begun, decision, form, submitted
from tests.notify.api_schema import faults
from tests.notify.newsroom_factory import BOIL_WATER

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

    status, card = await house.served.call("viewer", "GET", f"{drill}/scorecard")
    assert status == 200 and faults(card, "Scorecard") == []
    told = {one["person_id"]: one for one in card["operators"]}
    assert told["author"]["draft_s"] == 120 and told["author"]["refused"] == 1 and told["approver"]["audience"] is True
    assert {fit["alert_id"]: fit["right"] for fit in told["author"]["alerts"]} == {wrong: True, late: False}
    headers = {"Authorization": f"Bearer {house.served.tokens['viewer']}"}
    async with author.session.get(f"{house.served.url}/api/v1{drill}/scorecard.csv", headers=headers) as answer:
        assert (await answer.text()).splitlines() == table, "the same table as the page's"


async def test_by_the_api_a_drill_is_begun_once_followed_and_ended_with_what_everybody_did(house: House) -> None:
    call = house.served.call
    before = len((await call("viewer", "GET", "/drills"))[1]["drills"])
    assert (await call("author", "POST", "/drills", {"script": "practice"}))[0] == 403
    status, reply = await call("approver", "POST", "/drills", {"script": "none"})
    assert status == 422 and reply["problems"] == ["Choose which drill to begin."]
    for _ in range(2):
        status, drill = await call("approver", "POST", "/drills", {"script": "practice"}, key="begin-1")
        assert status == 201 and faults(drill, "Drill") == [] and drill["ended_at"] is None
    status, reply = await call("admin", "POST", "/drills", {"script": "practice"})
    assert status == 409 and "it must end first" in reply["problems"][0]
    status, reply = await call("viewer", "GET", "/drills")
    assert faults(reply, "Drills") == [] and len(reply["drills"]) == before + 1 and reply["drills"][0] == drill
    assert [one["script"] for one in reply["scripts"]] == ["practice"]
    path = f"/drills/{drill['drill_id']}"
    for minutes, came in ((0, 1), (11, 2)):
        house.clock.forward(timedelta(minutes=minutes))
        status, now = await call("author", "GET", path)
        assert status == 200 and faults(now, "DrillNow") == [] and len(now["come"]) == came and not now["over"]
    assert now["come"][0] == {"minute": 10.0, "from": "Water bureau", "words": "It is the whole city."}
    assert (await call("author", "POST", "/alerts", BOIL_WATER))[0] == 201
    assert (await call("author", "POST", f"{path}/end"))[0] == 403
    for _ in range(2):
        status, ended = await call("approver", "POST", f"{path}/end", key="end-1")
        assert status == 200 and faults(ended, "Drill") == [] and ended["ended_at"]
    assert (await call("approver", "POST", f"{path}/end"))[0] == 409
    lines = house.served.running.service.db.read_now(lambda conn: audit.lines(conn, drill["drill_id"]))
    begun_, ended_ = (line for line in lines if line.action != "was refused")
    assert (begun_.actor, begun_.action) == ("approver", "drill started")
    assert (ended_.actor, ended_.action) == ("approver", "drill ended")
    (part,) = json.loads(ended_.detail)["parts"]
    assert part["person_id"] == "author" and part["wrote"] and not part["decided"]
    status, reply = await call("viewer", "GET", "/drills/drill-99")
    assert status == 404 and reply["title"] == "There is no such drill."


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


@pytest.mark.parametrize(("area", "status"), [("Atlantis", 422), ("Lents", 409)])
async def test_a_drill_that_is_refused_makes_nobody_up(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch, area: str, status: int
) -> None:
    script = replace(SCRIPT, right=tuple(replace(one, areas=(area,)) for one in SCRIPT.right))
    monkeypatch.setattr(drills, "catalogue", lambda folder=None: {"practice": script})
    async with opened(tmp_path / "training", migrated_sqlite, mode="training") as training:
        service, leader = training.served.running.service, Staff(person_id="admin", roles=frozenset({Role.ADMIN}))
        now = training.clock.now()
        service.db.write_now(lambda conn: drill_log.start(conn, leader, script, Mode.TRAINING, now, [area]))
        assert (await training.served.call("approver", "POST", "/drills", {"script": "practice"}))[0] == status
        await service.crowd.follow()
        assert len(service.crowd.index) == 0


async def test_two_who_begin_drills_at_once_make_people_up_once(
    tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(*given: Any) -> Totals:
        made.append(given)
        return import_file(*given)

    import_file = importing.import_file
    monkeypatch.setattr(importing, "import_file", counted)
    monkeypatch.setattr(drills, "catalogue", lambda folder=None: {"practice": SCRIPT})
    async with opened(tmp_path / "training", migrated_sqlite, mode="training") as training:
        ask = partial(training.served.call, "approver", "POST", "/drills", {"script": "practice"})
        answers = await asyncio.gather(ask(), ask())
        assert sorted(status for status, _ in answers) == [201, 409]
        assert len(made) == 1 and len(training.served.running.service.crowd.index) > 0


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
        one = "/drills/drill-1"
        for method, path in (("GET", "/drills"), ("GET", one), ("GET", f"{one}/scorecard"), ("POST", f"{one}/end")):
            status, reply = await demo.served.call("approver", method, path)
            assert status == 422 and "this one is demo" in reply["problems"][0], path
        assert (await demo.served.call("approver", "POST", "/drills", {"script": "boil_water"}))[0] == 422
