"""Facts and scripts on both databases: what the alert says is not typed again, what was wrong names who heard it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from notify import audit
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.register import Conflict
from notify.clock import ManualClock
from notify.db import Database
from surge.scripts import script
from surge.scripts.alert_facts import FromAlert
from surge.scripts.facts import Wanted
from surge.switch import store
from surge.switch.publish import Recalled
from tests.surge.incident_factory import AGENT, LEAD, Desk


@pytest.fixture
def desk(db: Database, clock: ManualClock) -> Desk:
    return Desk(db, clock)


def recall(desk: Desk, activation_id: str, fact_id: int) -> Recalled:
    return desk.db.write_now(lambda conn: desk.publishing.recall_fact(conn, LEAD, activation_id, fact_id, "It was wrong."))


def test_a_script_is_published_with_its_facts_in_every_complete_language(desk: Desk) -> None:
    row = desk.ready()
    made = desk.db.read_now(lambda conn: script.latest(conn, row.activation_id))
    assert made is not None and made.version == 1 and made.languages == ("en", "es")
    step = made.step("boil", "es")
    assert step is not None and step.says[0].text.startswith("Hierva durante 3 minutos.")
    assert desk.db.read_now(lambda conn: script.latest(conn, "S-none")) is None


def test_what_is_the_same_stays_the_version_it_was(desk: Desk) -> None:
    row = desk.ready()
    assert desk.publish(row.activation_id) == 1
    desk.fact(row.activation_id, "sites", "Gateway Park")
    assert desk.publish(row.activation_id) == 2
    first, second = desk.db.read_now(lambda conn: script.versions(conn, row.activation_id))
    assert second.changed == "Sites: Gateway Park (was Lents Park)"
    step = first.step("boil")
    assert step is not None and step.says[1].text == "Free water: Lents Park.", "a call keeps the version it began with"


def test_before_it_opens_every_fact_must_be_there(desk: Desk) -> None:
    row = desk.made()
    with pytest.raises(Unfit) as refused:
        desk.publish(row.activation_id)
    assert [sentence.partition(":")[0] for sentence in refused.value.problems] == ["boil_minutes", "next_update", "sites"]


def test_a_language_keeps_the_words_that_were_reviewed_when_it_was_published(desk: Desk) -> None:
    row = desk.ready()
    desk.spanish = {}
    made = desk.db.read_now(lambda conn: script.latest(conn, row.activation_id))
    assert made is not None and "es" in made.languages
    assert desk.publish(row.activation_id) == 2
    made = desk.db.read_now(lambda conn: script.latest(conn, row.activation_id))
    assert made is not None and made.languages == ("en",)


def test_a_fact_taken_back_names_who_heard_it_and_is_read_no_more(desk: Desk) -> None:
    row = desk.opened()
    desk.contact(row, "heard", "done", 1)
    desk.contact(row, "waits", "queueing", 1)
    desk.contact(row, "other", "done", None)
    sites = next(one for one in desk.db.read_now(lambda conn: store.facts(conn, row.activation_id)) if one.name == "sites")
    found = recall(desk, row.activation_id, sites.fact_id or 0)
    assert found == Recalled(fact_ids=[sites.fact_id or 0], name="sites", contacts=["heard"])
    made = desk.db.read_now(lambda conn: script.latest(conn, row.activation_id))
    assert made is not None and made.version == 2 and script.withheld(made) == ["sites"]
    assert made.changed == "Sites: taken back (was Lents Park)"
    desk.contact(row, "spoke on", "done", 1)  # was still on the line
    assert recall(desk, row.activation_id, sites.fact_id or 0).contacts == ["heard", "spoke on"]
    lines = [one for one in desk.db.read_now(audit.lines) if one.action == "took a fact back"]
    assert len(lines) == 1 and json.loads(lines[0].detail)["heard_by"] == 1


def test_an_older_value_is_recalled_without_touching_the_one_of_now(desk: Desk) -> None:
    row = desk.opened()
    desk.contact(row, "heard", "done", 1)
    sites = next(one for one in desk.db.read_now(lambda conn: store.facts(conn, row.activation_id)) if one.name == "sites")
    desk.fact(row.activation_id, "sites", "Gateway Park")
    desk.publish(row.activation_id)
    assert recall(desk, row.activation_id, sites.fact_id or 0).contacts == ["heard"]
    made = desk.db.read_now(lambda conn: script.latest(conn, row.activation_id))
    assert made is not None and made.version == 2 and script.withheld(made) == []


def test_a_translation_goes_with_the_sentence_it_translates(desk: Desk) -> None:
    row = desk.made()
    wanted = Wanted(
        name="sites",
        values={"es": "En el parque.", "en": "At the park."},
        issued_by="Water bureau",
        valid_from=desk.clock.now(),
    )
    numbers = desk.db.write_now(lambda conn: desk.publishing.set_fact(conn, LEAD, row.activation_id, wanted))
    assert list(recall(desk, row.activation_id, numbers[0]).fact_ids) == numbers


def test_what_the_alert_says_is_changed_in_the_alert(desk: Desk) -> None:
    until = desk.clock.now() + timedelta(hours=2)
    row = desk.made(incident_id=None)
    desk.said = [FromAlert(name="sites", values={"": "Lents Park"}, alert_id="K7Q2X-1", issued_by="Water, alert K7Q2X-1")]
    desk.said.append(
        FromAlert(name="next_update", values={"": until.isoformat()}, alert_id="K7Q2X-1", issued_by="Water", valid_to=until)
    )
    incident(desk, row.activation_id)
    with pytest.raises(Conflict, match="sites is what alert K7Q2X-1 says"):
        desk.fact(row.activation_id, "sites", "Gateway Park")
    desk.fact(row.activation_id, "boil_minutes", "1")
    assert desk.publish(row.activation_id) == 1
    assert follow(desk, row.activation_id) is None, "nothing has changed"
    desk.said[0] = FromAlert(name="sites", values={"": "Gateway Park"}, alert_id="K7Q2X-2", issued_by="Water, alert K7Q2X-2")
    assert follow(desk, row.activation_id) == 2, "the alert was updated"
    desk.clock.forward(timedelta(hours=2))
    assert follow(desk, row.activation_id) == 3, "the promise has run out"
    made = desk.db.read_now(lambda conn: script.latest(conn, row.activation_id))
    assert made is not None and script.withheld(made) == ["next_update"]
    assert made.published_by == "tocsin" and follow(desk, row.activation_id) is None


def follow(desk: Desk, activation_id: str) -> int | None:
    behind = desk.db.read_now(lambda conn: desk.publishing.behind(conn, activation_id))
    made = desk.db.write_now(lambda conn: desk.publishing.follow(conn, activation_id))
    assert behind == (made is not None)
    return made.version if made else None


def incident(desk: Desk, activation_id: str) -> None:
    """Ties the activation to an incident."""
    desk.db.write_now(
        lambda conn: (
            conn.exec_driver_sql(
                "INSERT INTO incident (incident_id, hazard, opened_at) VALUES ('K7Q2X', 'boil_water', '2014-05-23')"
            ),
            conn.exec_driver_sql(f"UPDATE activation SET incident_id = 'K7Q2X' WHERE activation_id = '{activation_id}'"),
        )
    )


def test_agents_change_no_facts_and_publish_nothing(desk: Desk) -> None:
    row = desk.ready()
    wanted = Wanted(name="sites", values={"": "x"}, issued_by="x", valid_from=desk.clock.now())
    for act in (
        lambda conn: desk.publishing.set_fact(conn, AGENT, row.activation_id, wanted),
        lambda conn: desk.publishing.recall_fact(conn, AGENT, row.activation_id, 1, "x"),
        lambda conn: desk.publishing.publish_script(conn, AGENT, row.activation_id),
    ):
        with pytest.raises(NotAllowed):
            desk.db.write_now(act)


def test_what_the_runbook_does_not_ask_for_is_no_fact(desk: Desk) -> None:
    row = desk.made()
    with pytest.raises(Unfit, match="There is no fact weather; the runbook has boil_minutes, next_update, sites"):
        desk.fact(row.activation_id, "weather", "sunny")
    with pytest.raises(Unfit, match="The city does not speak tlh"):
        wanted = Wanted(name="sites", values={"en": "x", "tlh": "y"}, issued_by="x", valid_from=desk.clock.now())
        desk.db.write_now(lambda conn: desk.publishing.set_fact(conn, LEAD, row.activation_id, wanted))


def test_a_script_is_published_though_a_language_is_not_heard_and_the_log_says_which(desk: Desk) -> None:
    publishing = replace(desk.publishing, off_the_telephone=lambda conn: {"so": ["a", "b"]})
    row = desk.ready()
    desk.fact(row.activation_id, "sites", "Gateway Park")
    made = desk.db.write_now(lambda conn: publishing.publish_script(conn, LEAD, row.activation_id))
    assert made.version == 2
    line = [one for one in desk.db.read_now(audit.lines) if one.action == "published a script"][-1]
    assert json.loads(line.detail)["off_the_telephone"] == {"so": 2}
