"""The proof can fail: whoever is lost, doubled beyond the bound or left out is seen, and said in the table."""

import contextlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from channels.simulator.numbers import FICTIONAL
from notify.sending.ledger_check import Verdict
from subscribers.sealing import KEY_BYTES, Keyring, Unopenable
from tests.nemesis import poison, table
from tests.nemesis.__main__ import _sizes
from tests.nemesis.field import OURS, WINDOW, Injury, Sink
from tests.nemesis.playing import ANSWERED_S, judgement, several, slow_answers
from tests.nemesis.poison import ONE_IN
from tests.nemesis.scenarios import SCENARIOS, Base, Scenario
from tests.nemesis.table import Line
from tests.stories.town import numbers

KILL: Final[Scenario] = next(one for one in SCENARIOS if one.name == "kill")
ONCE: Final = (Injury(0.0, 0.0),)
BOUND: Final = WINDOW * len(OURS)


def found(**counts: int) -> Verdict:
    return Verdict(rows=100, accepted=100, counts=Counter(delivered=100), **counts)


def test_a_run_that_kept_every_promise_has_no_problem() -> None:
    run = judgement(KILL, Base.SQLITE, found(doubles=BOUND, flagged=BOUND), (), ONCE, [1.5])
    assert (run.problems, run.lost, run.doubles, run.bound) == ([], 0, BOUND, BOUND)
    line = table.row(Line(KILL, Base.SQLITE, 1, run))
    assert line == f"| kill | A1, P9 | SQLite | 1 | 1 | 100 | 0 | {BOUND} / {BOUND} | {BOUND} | 0 | 1.5 s |"


def test_one_duplicate_too_many_fails() -> None:
    run = judgement(KILL, Base.SQLITE, found(doubles=BOUND + 1), (), ONCE, [])
    assert run.problems == [f"{BOUND + 1} duplicates: the bound is {BOUND}."]
    assert "FAILED" in table.row(Line(KILL, Base.SQLITE, 1, run))


def test_people_without_a_row_and_rows_that_never_ended_are_lost() -> None:
    verdict = Verdict(
        rows=3, counts=Counter(claimed=1, planned=1, delivered=1), problems=["Delivery 1 is still planned."], lost=1
    )
    run = judgement(KILL, Base.POSTGRES, verdict, {"+15035550123"}, ONCE, [])
    assert run.lost == 4
    assert "1 people have no row in the ledger." in run.problems


def test_runs_are_added_up_and_the_worst_recovery_is_shown() -> None:
    one = judgement(KILL, Base.SQLITE, found(doubles=1, flagged=2), (), ONCE, [1.0])
    both = several([one, judgement(KILL, Base.SQLITE, found(lost=2), (), ONCE, [4.0])])
    assert (both.deliveries, both.lost, both.doubles, both.flagged, both.bound) == (200, 2, 1, 2, 2 * BOUND)
    assert table.again(both.recovered_s) == "4.0 s (median 4.0 s)"


def test_what_was_not_injected_is_said_and_counted_as_such() -> None:
    lines = [Line(KILL, Base.SQLITE, 0, None, "needs strace"), Line(KILL, Base.POSTGRES, 1, None, "did not end", failed=True)]
    assert "not injected: needs strace" in table.row(lines[0])
    assert "FAILED" in table.row(lines[1])
    assert table.summary(lines).endswith("1 lines did not hold, 1 were not injected.")


def test_the_sink_is_read_on_and_a_line_still_being_written_is_left_for_later(tmp_path: Path) -> None:
    at = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
    line = f'{{"seq":1,"at":"{at.isoformat()}","event":"accepted"}}\n'
    sink = Sink(tmp_path / "sms.jsonl")
    assert (sink.accepted(), sink.first_after(0)) == ([], None)
    sink.path.write_text(line + line[:20])
    assert sink.accepted() == [at.isoformat()]
    sink.path.write_text(line + line + '{"seq":3,"event":"report"}\n')
    assert len(sink.accepted()) == 2
    assert sink.first_after(at.timestamp()) == at.timestamp()
    assert sink.first_after(at.timestamp() + 1) is None


def test_every_scenario_has_a_name_of_its_own_and_says_what_it_does() -> None:
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)
    for one in SCENARIOS:
        assert one.done.endswith(".") and one.promises and one.bases, one.name


def test_sizes_may_differ_by_scenario() -> None:
    assert _sizes("4000,kill=50000") == {"": 4000, "kill": 50000}
    with pytest.raises(Exception, match="there is no scenario 'flood'"):
        _sizes("flood=1")


def test_an_api_that_was_held_up_fails_the_line_and_is_said() -> None:
    assert slow_answers([]) == slow_answers([0.1] * 99 + [ANSWERED_S]) == []
    assert slow_answers([0.1] * 98 + [0.7, 0.7]) == ["99 % of the API's answers took 0.70 s; 0.5 s are allowed."]
    run = replace(judgement(KILL, Base.SQLITE, found(), (), ONCE, []), answered_s=[0.1, 0.2])
    said = "kill on SQLite: asked 2 times meanwhile, the API answered 99 of a hundred within 200 ms, all within 200 ms."
    assert table.answers(Line(KILL, Base.SQLITE, 1, run)) == [said]


def test_somebody_who_cannot_be_reached_has_one_row_with_a_reason_and_holds_up_nobody() -> None:
    people = numbers(200)
    told = [{"delivery_id": str(place), "address": one, "state": "delivered", "code": ""} for place, one in enumerate(people)]
    rows = [
        row | {"state": "refused", "code": "sealed", "address": ""} if place % ONE_IN == 0 else row
        for place, row in enumerate(told)
    ]
    quick, late = ([{"at": f"2014-05-23T08:15:{second:02}Z", "num_segments": 2} for second in (0, to)] for to in (4, 9))
    assert poison.problems(rows, quick, people, 1.0) == []
    assert poison.problems(rows, late, people, 1.0) == ["The others' texts took 9.0 s; their pace allows 4.0 s."]
    assert poison.problems(rows[1:], quick, people, 1.0) == ["1 rows of 2 people who cannot be reached."]
    for wrong in ({"state": "planned"}, {"code": ""}):
        assert len(poison.problems([rows[0] | wrong, *rows[1:]], quick, people, 1.0)) == 1


def test_each_kind_of_an_impossible_address_is_none_that_a_text_reaches() -> None:
    ring, number = Keyring(current="k1", keys={"k1": b"1" * KEY_BYTES}, blind_key=b"b" * KEY_BYTES), "+15035551230"
    for kind in poison.KINDS:
        sealed = kind(ring, number)
        with contextlib.suppress(Unopenable):
            assert not FICTIONAL.fullmatch(ring.open("sms", sealed.key_id, sealed.data)), kind.__name__
