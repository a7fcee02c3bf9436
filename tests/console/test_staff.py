"""Adding people, and what takes two administrators."""

import re

import pytest

from notify.staff import people
from tests.console.staff_factory import House

pytestmark = pytest.mark.asyncio(loop_scope="module")


def second_admin(house: House) -> str:
    db, now = house.served.running.service.db, house.clock.now()
    if db.read_now(lambda conn: people.active(conn, "admin-2")) is None:
        db.write_now(lambda conn: people.add(conn, "admin-2", ["admin"], {}, now))
    return "admin-2"


async def test_an_author_is_added_by_one_administrator_and_gets_a_link(house: House) -> None:
    admin = await house.signed_in("admin")
    await admin.get("/people")
    page = await admin.post("/people", {"person": "writer", "roles": "author"})
    found = re.search(r"/invitation/[\w-]{32}", page.text)
    assert found and (await house.browser().get(found[0])).status == 200


async def test_an_approver_takes_two_administrators_who_are_not_the_same(house: House) -> None:
    admin = await house.signed_in("admin")
    await admin.get("/people")
    page = await admin.post("/people", [("person", "decider"), ("roles", "approver"), ("roles", "author")])
    assert "another administrator has to agree first" in page.words and "/invitation/" not in page.text
    db = house.served.running.service.db
    assert db.read_now(lambda conn: people.active(conn, "decider")) is None
    other = await house.signed_in(second_admin(house))
    page = await other.get("/people")
    grant = re.search(r'action="(/grants/\d+)"', page.text)
    assert grant
    page = await admin.post(grant[1], {"act": "give"})
    assert page.status == 403 and "another administrator must give it" in page.words
    page = await other.post(grant[1], {"act": "give"})
    assert "/invitation/" in page.text
    staff = db.read_now(lambda conn: people.active(conn, "decider"))
    assert staff is not None and sorted(staff.roles) == ["approver", "author"]
    assert (await other.post(grant[1], {"act": "give"})).status == 409


async def test_a_refused_power_is_gone(house: House) -> None:
    admin, other = await house.signed_in("admin"), await house.signed_in(second_admin(house))
    await admin.get("/people")
    await admin.post("/people/viewer/token")
    page = await other.get("/people")
    grant = re.findall(r'action="(/grants/\d+)"', page.text)[-1]
    page = await other.post(grant, {"act": "refuse"})
    assert page.status == 200 and grant not in (await other.get("/people")).text


async def test_what_is_wrong_with_a_new_person_is_said(house: House) -> None:
    admin = await house.signed_in("admin")
    await admin.get("/people")
    for given, sentence in [
        ({"person": "two words", "roles": "author"}, "cannot be a name"),
        ({"person": "somebody"}, "No role is not a role"),
        ({"person": "author", "roles": "author"}, "There is a author already"),
    ]:
        page = await admin.post("/people", given)
        assert page.status == 422 and sentence in page.words


async def test_limits_are_kept_and_a_limit_to_what_is_not_there_is_refused(house: House) -> None:
    admin = await house.signed_in("admin")
    await admin.get("/people")
    given = {"person": "water-writer", "roles": "author", "hazards": "boil_water, flod", "areas": "Lents, Atlantis"}
    page = await admin.post("/people", given)
    assert page.status == 422 and "there is no 'flod'" in page.words and "there is no 'Atlantis'" in page.words
    await admin.post("/people", given | {"hazards": "boil_water", "areas": "Lents", "channels": "sms"})
    staff = house.served.running.service.db.read_now(lambda conn: people.active(conn, "water-writer"))
    assert staff is not None
    assert (staff.hazards, staff.areas, staff.channels) == ({"boil_water"}, {"Lents"}, {"sms"})


async def test_somebody_is_cut_off_and_disabled_from_the_page(house: House) -> None:
    admin, viewer = await house.signed_in("admin"), await house.signed_in("viewer")
    await admin.get("/people")
    await admin.post("/people/viewer/sign-out")
    assert (await viewer.get("/")).url.path == "/sign-in"
    viewer = await house.signed_in("viewer")
    await admin.post("/people/viewer/disable")
    assert (await viewer.get("/")).url.path == "/sign-in"
