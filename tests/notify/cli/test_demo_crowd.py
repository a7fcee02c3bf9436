"""The made-up day of the demo: what 911 counted, and what a report makes of it."""

from datetime import datetime, timedelta

from notify.alerts import replay
from notify.cli.demo import crowd
from surge.numbers import number_files, relief
from surge.numbers.forecast import Span, forecast
from surge.numbers.number_files import CentreLine, CentreMinute
from surge.numbers.relief import Counterfactual, Loads, Moved
from surge.numbers.report import Relief, relief_lines
from surge.numbers.sections import Between, Part, sentence

DAY = datetime(2014, 5, 23, 10, 40, tzinfo=replay.PORTLAND)
HOURS = 4


def minutes() -> tuple[CentreMinute, ...]:
    data = crowd.minutes_of_911(DAY, HOURS)
    found = number_files.centre_minutes(data, "911.csv", replay.PORTLAND, DAY + timedelta(days=1))
    assert found.problems == ()
    return found.rows


def test_the_demos_minutes_give_all_four_figures_of_relief_with_interval_and_sign_and_say_that_they_are_simulated() -> None:
    rows, span = minutes(), Span(start=DAY, end=DAY + timedelta(hours=HOURS))
    calm = [one for one in rows if one.line is CentreLine.NON_EMERGENCY]
    calls = relief.counterfactual(forecast({one.minute: one.offered for one in calm}, span, replay.PORTLAND))
    needs = relief.handling([(one.answered or 0, one.mean_handling_s or 0.0) for one in calm if one.minute >= DAY])
    assert isinstance(calls, Counterfactual) and calls.calls > 0
    assert needs is not None and needs.low_s < needs.mean_s < needs.high_s and 80 < needs.mean_s < 110
    load = relief.measured(-12, needs, timedelta(hours=HOURS), 3.0)
    assert isinstance(load, Loads) and load.best is not None and load.low.erlangs < load.best.erlangs < load.high.erlangs < 0
    urgent = [one for one in rows if one.line is CentreLine.EMERGENCY]
    speed = relief.answering(*(sum(getattr(one, name) for one in urgent) for name in ("offered", "within_15_s", "within_20_s")))
    found = Relief(moved=Moved(gross=20, returned=32), calls=calls, load=load, answering=speed, simulated=True)
    said = {line.name: line for line in relief_lines(found)}
    assert isinstance(said["r3_calls_that_did_not_come"].value, Between) and isinstance(said["answering_of_911"].value, Part)
    assert sentence(said["r_net"]) == "r net: -12"
    assert "calls. " in sentence(said["r3_calls_that_did_not_come"]) and ": +" in sentence(said["r3_calls_that_did_not_come"])
    assert ": -0." in sentence(said["r4_load"]) and " from -0." in sentence(said["r4_load"])
    assert all(
        said[name].note.endswith("911's minutes are simulated.")
        for name in ("r3_calls_that_did_not_come", "r4_load", "r4_call_takers", "answering_of_911")
    )


def test_the_minutes_of_911_are_whole_and_can_be_true() -> None:
    rows = minutes()
    assert len(rows) == 60 * HOURS * (crowd.WEEKS + 2)
    for one in rows:
        assert (one.within_15_s or 0) <= (one.within_20_s or 0) <= (one.answered or 0) <= one.offered
        assert (one.mean_handling_s is None) == (one.answered == 0)
