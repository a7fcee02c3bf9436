import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from channels.base import Handed, Receipt, Unknown
from notify.alerts import conductor as module
from notify.alerts.alert import Severity, Stage
from notify.alerts.conductor import Conductor
from notify.clock import ManualClock
from notify.db import Database
from notify.sending import ledger, planning
from notify.sending.deliveries import State
from tests.notify.incident_factory import DAY, Incident


@pytest.fixture
def incident(db: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Incident:
    monkeypatch.setattr(planning, "SETTLE_S", 0.01)
    return Incident(db, clock)


class Killed(BaseException):
    """The process dies here."""


STEPS = ["begin", "_release", "note_published", "told_so_far", "_add_rows", "_finish", "withdraw", "publish"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
async def test_a_process_killed_at_any_step_leaves_it_to_the_next(
    incident: Incident, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    """A fresh conductor goes on: everybody is planned once, it is published, the older event is taken back."""
    people = incident.people(6)
    first = incident.countdown(1, Stage.FIRST, people[:5])
    await incident.start(first)
    incident.hand_over(first, people[:2])
    update = incident.countdown(2, Stage.UPDATE, people)

    def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            if after:
                real(*given, **named)
            raise Killed

        return run

    async def dying(*given: Any) -> None:
        if after:
            incident.published.append("published")
        raise Killed

    conductor = incident.conductor(**({"publish": dying} if step == "publish" else {}))
    with monkeypatch.context() as patched:
        home = planning if step in ("told_so_far", "_add_rows", "_finish") else module
        if step == "withdraw":
            patched.setattr(Conductor, "withdraw", dying)
        elif step != "publish":
            patched.setattr(home, step, deadly(getattr(home, step)))
        with pytest.raises(Killed):
            await conductor.start(update)
        for task in conductor._plans.values():
            task.cancel()
        await asyncio.gather(*conductor._plans.values(), return_exceptions=True)

    again = incident.conductor()
    await again.resume()
    await again.start(update)  # what is due is started again too
    await again.settle()
    assert incident.wordings(update) == {"update": set(people[:2]), "first": set(people[2:])}
    assert incident.event(update).status == "sending"
    assert incident.event(update).published_at is not None
    assert incident.event(update).planned_at is not None
    assert incident.event(first).status == "ended"
    assert {state for _, state in incident.rows(first).values()} == {"handed", "withdrawn"}


async def test_texts_wait_for_a_hanging_publisher_no_longer_than_they_should(incident: Incident) -> None:
    incident.publish_wait_s = 0.05
    hangs = asyncio.Event()

    async def publish() -> None:
        await hangs.wait()

    first = incident.countdown(1, Stage.FIRST, incident.people(3))
    conductor = incident.conductor(publish=publish)
    starting = asyncio.create_task(conductor.start(first))
    async with asyncio.timeout(60):
        while not incident.pages:
            await asyncio.sleep(0.01)
    assert incident.event(first).status == "sending"
    assert "texts go first" in incident.pages[0]
    assert incident.event(first).published_at is None
    hangs.set()
    await starting
    assert incident.event(first).published_at is not None
    assert incident.event(first).publish_problem == ""


async def test_a_publisher_that_fails_in_any_way_keeps_no_text_back(incident: Incident) -> None:
    async def publish() -> None:
        raise RuntimeError("a template is broken")

    first = incident.countdown(1, Stage.FIRST, incident.people(3))
    await incident.conductor(publish=publish).start(first)
    assert "cannot be written" in incident.pages[0]
    assert incident.event(first).status == "sending"
    assert len(incident.rows(first)) == 3


async def test_an_audience_that_cannot_be_chosen_is_loud_and_the_page_is_out(incident: Incident) -> None:
    first = incident.countdown(1, Stage.FIRST, incident.people(3))
    incident.choosing.fault = ValueError("The area matches nobody.")
    with pytest.raises(ValueError, match="matches nobody"):
        await incident.conductor().start(first)
    assert incident.event(first).published_at is not None
    await incident.conductor().resume()
    assert "cannot go on" in incident.pages[-1]
    incident.choosing.fault = None
    await incident.conductor().resume()
    assert len(incident.rows(first)) == 3


async def test_a_stop_in_the_countdown_sends_nothing(incident: Incident) -> None:
    first = incident.countdown(1, Stage.FIRST, incident.people(3))
    incident.db.write_now(lambda conn: conn.execute(text("UPDATE event SET status = 'stopped'")))
    await incident.start(first)
    assert incident.rows(first) == {}
    assert incident.published == []
    assert incident.pages == []


async def test_a_stop_while_page_and_feeds_are_written_sends_nothing(incident: Incident) -> None:
    first = incident.countdown(1, Stage.FIRST, incident.people(3))

    async def publish() -> None:
        await incident.db.write(lambda conn: conn.execute(text("UPDATE event SET status = 'stopped'")))

    await incident.conductor(publish=publish).start(first)
    await incident.conductor().settle()
    assert incident.event(first).status == "stopped"
    assert {state for _, state in incident.rows(first).values()} <= {"withdrawn"}
    assert incident.claimed(first) == []


async def test_an_alert_never_leaves_after_the_all_clear_that_was_approved_later(incident: Incident) -> None:
    people = incident.people(2)
    late = incident.countdown(1, Stage.FIRST, people)
    clear = incident.countdown(2, Stage.ALL_CLEAR, people)
    await incident.start(clear)
    incident.clock.forward(timedelta(seconds=1))
    await incident.start(late)
    assert incident.event(late).status == "stopped"
    assert incident.rows(late) == {}
    assert "was not sent" in incident.pages[-1]


async def test_an_alert_whose_time_has_passed_is_not_sent_and_somebody_is_told(incident: Incident) -> None:
    first = incident.countdown(1, Stage.FIRST, incident.people(2))
    incident.clock.forward(DAY)
    await incident.start(first)
    assert incident.event(first).status == "stopped"
    assert "was not sent" in incident.pages[-1]


async def test_a_replaced_event_is_taken_back_and_its_open_calls_are_not(incident: Incident) -> None:
    people = incident.people(5)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    (call,) = incident.claimed(first, people[:1])
    update = incident.countdown(2, Stage.UPDATE, people)
    conductor = incident.conductor()
    starting = asyncio.create_task(conductor.start(update))
    async with asyncio.timeout(60):
        while len(incident.rows(update)) < 4:
            await asyncio.sleep(0.01)
    assert first in conductor.halted
    result = [(call, Receipt(call.delivery_id, Handed("SM1")))]
    incident.db.write_now(lambda conn: ledger.record(conn, result, now=incident.clock.now()))
    await starting
    assert [state for _, state in incident.rows(first).values()] == ["handed"] + ["withdrawn"] * 4
    assert incident.wordings(update) == {"update": {people[0]}, "first": set(people[1:])}


async def test_an_event_is_done_when_every_row_has_left_and_never_while_one_is_asked_about(incident: Incident) -> None:
    people = incident.people(3)
    first = incident.countdown(1, Stage.FIRST, people)
    await incident.start(first)
    conductor = incident.conductor()
    incident.hand_over(first, people[:2])
    await conductor.settle()
    assert incident.event(first).status == "sending"
    incident.hand_over(first, people[2:], Unknown("cut"))
    await conductor.settle()
    assert incident.event(first).status == "sending"
    incident.db.write_now(lambda conn: conn.execute(text("UPDATE delivery SET code = 'left to staff' WHERE state = 'unknown'")))
    await conductor.settle()
    assert incident.event(first).status == "active"
    assert incident.event(first).done_at is not None


@pytest.mark.parametrize(("why", "state"), [("expired", State.EXPIRED), ("cancelled", State.WITHDRAWN)])
async def test_rows_that_never_left_say_why(incident: Incident, why: str, state: State) -> None:
    first = incident.countdown(1, Stage.FIRST, incident.people(2), severity=Severity.MODERATE)
    await incident.start(first)
    ended = text("UPDATE event SET status = 'ended', ended_why = :why, ended_at = expires_at")
    incident.db.write_now(lambda conn: conn.execute(ended, {"why": why}))
    await incident.conductor().settle()
    assert {found for _, found in incident.rows(first).values()} == {state.value}
