"""What other telephone systems export: every bad row is named, nothing good is lost, and twice is once."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert
from typer.testing import CliRunner

from notify.cli import surge_numbers
from notify.cli.main import app as whole
from notify.db import Database
from surge.numbers import happenings, number_rows
from surge.numbers.costs import PUBLISHED, Rates
from surge.numbers.forecast import Span, weeks_before
from surge.numbers.happenings import NoSuchActivation
from surge.numbers.measures import Share
from surge.numbers.number_files import CentreLine, CentreMinute, Interval, centre_minutes, intervals
from surge.numbers.number_rows import Totals
from surge.numbers.relief import Counterfactual, Load
from surge.numbers.report import report
from surge.numbers.sections import Between, Lasting, Line, Part, Said
from surge.tables import ActivationRow, CallbackRow, ContactRow

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2014, 6, 1, tzinfo=UTC)
OPENED = datetime(2014, 5, 23, 18, 0, tzinfo=UTC)
HEAD = "minute,line,offered,answered,within_15_s,within_20_s,mean_handling_s"


def read(text: str) -> Any:
    return centre_minutes(text.encode(), "911.csv", ZONE, NOW)


def test_a_minute_is_read_with_and_without_what_an_export_may_lack() -> None:
    rows = (
        "2014-05-23T11:16-07:00,emergency,12,11,9,10,95.5",
        "2014-05-23T18:16Z,Non-Emergency,4,,,,",
        "2014-05-23 11:17,emergency,3,,,,",
    )
    found = read("\n".join((HEAD, *rows)))
    at = datetime(2014, 5, 23, 18, 16, tzinfo=UTC)
    assert found.problems == ()
    first, second, third = found.rows
    assert (first.minute, first.line, first.offered, first.within_20_s, first.mean_handling_s) == (
        at,
        "emergency",
        12,
        10,
        95.5,
    )
    assert second == CentreMinute(minute=at, line=CentreLine.NON_EMERGENCY, offered=4)
    assert third.minute == at + timedelta(minutes=1)  # the city's wall clock


WRONG = [
    ("yesterday,emergency,1,,,,", "minute is a time as in"),
    ("2014-05-23T11:16:30-07:00,emergency,1,,,,", "is the beginning of a minute"),
    ("2015-05-23T11:16-07:00,emergency,1,,,,", "lies in the future"),
    ("2014-03-09 02:30,emergency,1,,,,", "2014-03-09 02:30 does not exist in America/Los_Angeles"),
    ("2013-11-03 01:30,emergency,1,,,,", "2013-11-03 01:30 comes twice in America/Los_Angeles"),
    ("2014-05-23T11:16Z,fire,1,,,,", "line is emergency or non-emergency, not 'fire'"),
    ("2014-05-23T11:16Z,emergency,-1,,,,", "offered is a whole number"),
    ("2014-05-23T11:16Z,emergency,,,,,", "offered is a whole number"),
    ("2014-05-23T11:16Z,emergency,5,6,,,", "answered (6) is more than offered (5)"),
    ("2014-05-23T11:16Z,emergency,5,4,4,3,", "within_15_s (4) is more than within_20_s (3)"),
    ("2014-05-23T11:16Z,emergency,5,4,,5,", "within_20_s (5) is more than answered (4)"),
    ("2014-05-23T11:16Z,emergency,5,4,3,3,long", "mean_handling_s is seconds from 0"),
    ("2014-05-23T11:16Z,emergency,5,4,3,3,nan", "mean_handling_s is seconds from 0"),
    ("2014-05-23T11:16Z,emergency", "2 cells for 7 columns"),
    ('2014-05-23T11:16Z,"emergency,5,4,3,3,9', "no CSV for 7 columns"),
]


@pytest.mark.parametrize(("row", "said"), WRONG)
def test_a_bad_row_is_named_and_its_neighbours_are_taken(row: str, said: str) -> None:
    found = read(f"{HEAD}\n2014-05-23T10:00Z,emergency,1,,,,\n{row}\n2014-05-23T10:01Z,emergency,2,,,,\n")
    assert [one.offered for one in found.rows] == [1, 2]
    assert [one for one in found.problems if one.startswith("911.csv, line 3: ") and said in one], found.problems


def test_every_problem_of_every_row_is_said_at_once() -> None:
    found = read(f"{HEAD}\nnow,fire,many,,,,\n\n2014-05-23T11:16Z,emergency,5,9,,,\n")
    assert [one.split(": ")[0] for one in found.problems] == ["911.csv, line 2"] * 3 + ["911.csv, line 4"]


def test_a_row_that_says_the_same_again_is_a_duplicate_and_one_that_differs_is_a_problem() -> None:
    one = "2014-05-23T11:16Z,emergency,5,4,,,"
    found = read(f"{HEAD}\n{one}\n{one}\n2014-05-23T04:16-07:00,emergency,6,4,,,\n")
    assert (len(found.rows), found.duplicates) == (1, 1) and found.rows[0].offered == 5
    assert found.problems == ("911.csv, line 4: line 2 says something else of the same time; the first one is taken.",)


def test_a_file_that_is_none_of_ours_is_refused_as_a_whole() -> None:
    assert read("minute,line\n").problems == ("911.csv, line 1: the header lacks offered.",)
    assert read(f"{HEAD},name\n").problems == ("911.csv, line 1: there is no column name.",)
    assert centre_minutes(b"\xff\xfe1", "a.csv", ZONE, NOW).problems == ("a.csv: this is not UTF-8.",)
    assert len(read("").problems) == 3


@given(st.text(max_size=200) | st.lists(st.sampled_from([HEAD, *(row for row, _ in WRONG)]), max_size=8).map("\n".join))
def test_no_file_breaks_the_reader(text: str) -> None:
    found = centre_minutes(text.encode("utf-8", "surrogatepass"), "x.csv", ZONE, NOW)
    assert all(one.startswith("x.csv") for one in found.problems)


IHEAD = "begins,minutes,queue,offered,answered,abandoned,within,threshold_s,mean_wait_s,agents"


def test_intervals_of_the_city_s_own_call_centre_are_read() -> None:
    found = intervals(
        f"{IHEAD}\n2014-05-23T11:15-07:00,15,general,120,40,61,12,20,380,9\n2014-05-23T11:30-07:00,15,general,90,95,20,,,,\n".encode(),
        "acd.csv", ZONE, NOW,
    )  # fmt: skip
    assert found.problems == ()
    assert (found.rows[0].within, found.rows[0].threshold_s, found.rows[0].agents) == (12, 20, 9)
    assert found.rows[1].answered == 95  # more than offered: they waited already


def test_what_intervals_cannot_be_is_said() -> None:
    rows = [
        "2014-05-23T11:10Z,15,general,1,1,0,,,,",
        "2014-05-23T11:15Z,7,general,1,1,0,,,,",
        "2014-05-23T11:15Z,15,,1,1,0,,,,",
        "2014-05-23T11:15Z,15,general,1,1,0,1,,,",
        "2014-05-23T11:15Z,15,general,1,1,0,2,20,,",
    ]
    found = intervals("\n".join([IHEAD, *rows]).encode(), "acd.csv", ZONE, NOW)
    assert not found.rows and len(found.problems) == 5
    mixed = intervals(f"{IHEAD}\n2014-05-23T11:00Z,30,a,1,1,0,,,,\n2014-05-23T12:15Z,15,a,1,1,0,,,,\n".encode(), "a", ZONE, NOW)
    assert not mixed.rows and "several lengths" in mixed.problems[0]


def a_minute(at: datetime, offered: int, line: CentreLine = CentreLine.NON_EMERGENCY, **more: Any) -> CentreMinute:
    return CentreMinute(minute=at, line=line, offered=offered, **more)


def test_importing_twice_is_once_and_a_later_figure_replaces_an_earlier_one(db: Database) -> None:
    rows = [a_minute(OPENED + timedelta(minutes=n), 4) for n in range(10)]

    def take(some: list[CentreMinute]) -> Totals:
        return db.write_now(lambda conn: number_rows.take_minutes(conn, some, "mark", NOW))

    assert take(rows) == Totals(new=10, changed=0, same=0)
    assert take(rows) == Totals(new=0, changed=0, same=10)
    assert take([*rows[:9], a_minute(rows[9].minute, 7), a_minute(rows[9].minute, 1, CentreLine.EMERGENCY)]) == Totals(
        new=1, changed=1, same=9
    )
    span = Span(start=OPENED, end=OPENED + timedelta(minutes=10))
    assert sum(db.read_now(lambda conn: number_rows.offered(conn, CentreLine.NON_EMERGENCY, span)).values()) == 9 * 4 + 7


def test_intervals_of_another_length_at_the_same_time_are_found(db: Database) -> None:
    quarter = Interval(begins_at=OPENED, minutes=15, queue="general", offered=9, answered=5, abandoned=4)

    def take(one: Interval) -> Totals:
        return db.write_now(lambda conn: number_rows.take_intervals(conn, [one], "typed", "lead", NOW))

    assert take(quarter) == Totals(new=1, changed=0, same=0) and take(quarter).same == 1
    half = Interval(begins_at=OPENED, minutes=30, queue="general", offered=9, answered=5, abandoned=4)
    later = Interval(begins_at=OPENED + timedelta(minutes=15), minutes=15, queue="general", offered=1, answered=1, abandoned=0)
    (problem,) = db.read_now(lambda conn: number_rows.overlapping(conn, [half, quarter, later]))
    assert "would count twice" in problem
    span = Span(start=OPENED, end=OPENED + timedelta(hours=1))
    assert [row.offered for row in db.read_now(lambda conn: number_rows.intervals(conn, span))] == [9]


def open_activation(conn: Connection, activation_id: str = "a1", **more: Any) -> None:
    given = {"activation_id": activation_id, "runbook": "boil-water", "title": "Boil water", "drill": False, "status": "closed",
             "level": 1, "why": "", "rev": 1, "made_by": "lead", "made_at": OPENED, "opened_at": OPENED, "handover": "",
             "closed_at": OPENED + timedelta(minutes=10)} | more  # fmt: skip
    conn.execute(insert(ActivationRow), [given])


def contact_rows(conn: Connection) -> None:
    for n, (standing, head, disposition) in enumerate(
        [
            ("done", "from 911", "informed"),
            ("done", "none", "emergency"),
            ("emergency out", "none", ""),
            ("deflected", "none", ""),
        ]
    ):
        answered = OPENED + timedelta(seconds=30) if standing == "done" else None
        row = ContactRow(
            contact_id=f"c{n}", activation_id="a1", way="voice", standing=standing, head=head, disposition=disposition,
            offered_at=OPENED, enqueued_at=OPENED if answered else None, answered_at=answered, left_queue_at=answered,
            caller=bytes([n]), talked_s=60.0,
        )  # fmt: skip
        conn.execute(insert(ContactRow), [row.model_dump()])


def six_weeks() -> Iterator[CentreMinute]:
    """Ten calls a minute for six weeks at this time of the week, and seven in the ten minutes themselves."""
    for n in range(10):
        at = OPENED + timedelta(minutes=n)
        yield a_minute(at, 7, answered=7, mean_handling_s=120.0)
        yield a_minute(at, 20, CentreLine.EMERGENCY, answered=20, within_15_s=19, within_20_s=19, mean_handling_s=90.0)
        for back in range(1, 7):
            earlier = weeks_before(at, back, ZONE)
            assert earlier is not None
            yield a_minute(earlier, 10)


def test_the_report_of_an_activation_is_read_from_its_rows(db: Database) -> None:
    def rows(conn: Connection) -> None:
        open_activation(conn)
        contact_rows(conn)
        number_rows.take_minutes(conn, list(six_weeks()), "mark", NOW)
        assert number_rows.ask(conn, "c0", "a1", "en", NOW) and not number_rows.ask(conn, "c0", "a1", "en", NOW)
        assert number_rows.graded(conn, "c0", 5, NOW) and not number_rows.graded(conn, "c0", 1, NOW)

    db.write_now(rows)
    one = db.read_now(happenings.activation)
    found = db.read_now(lambda conn: happenings.happened(conn, one, NOW, ZONE))
    assert (found.relief.moved.gross, found.relief.moved.returned) == (1, 2)
    calls, load = found.relief.calls, found.relief.load
    assert isinstance(calls, Counterfactual) and calls.calls == 30.0 and calls.low > 0
    assert isinstance(load, Load) and load.erlangs == pytest.approx(-1 * 120 / 600)
    assert load.beside == pytest.approx((70 * 120 + 200 * 90) / 600)
    assert [one.grade for one in found.grades] == [5] and len(found.contacts) == 4


def of_relief(db: Database, rates: Rates) -> dict[str, Line]:
    one = db.read_now(happenings.activation)
    found = report(db.read_now(lambda conn: happenings.happened(conn, one, NOW, ZONE, rates)))
    return {line.name: line for section in found if section.name == "relief" for line in section.lines}


def test_r4_takes_the_handling_time_of_the_export_else_the_citys_range_else_says_so(db: Database) -> None:
    """One contact less came from 911 than went back to it: R4 is below 0 either way, as R1 less R2 is."""
    ranged = replace(PUBLISHED, centre_handling_s=(60.0, 120.0), source="the centre, 2026")

    def begun(conn: Connection) -> None:
        open_activation(conn)
        contact_rows(conn)

    db.write_now(begun)
    assert of_relief(db, PUBLISHED)["r4_load"].value == Said(words="Not measured: No minutes of 911 were imported.")
    load = of_relief(db, ranged)
    assert load["r4_load"].value == Between(low=-0.2, high=-0.1, unit="erlangs")
    assert load["r4_load"].note == "911's own load was not imported. Handling time: the centre, 2026."
    assert load["r4_call_takers"].value == Said(words="Not measured: 911's own load was not imported.")
    bare = [replace(one, mean_handling_s=None) for one in six_weeks()]
    db.write_now(lambda conn: number_rows.take_minutes(conn, bare, "mark", NOW))
    said = of_relief(db, PUBLISHED)["r4_load"].value
    assert isinstance(said, Said) and "mean_handling_s with answered" in said.words
    assert of_relief(db, ranged)["r4_load"].value == load["r4_load"].value
    db.write_now(lambda conn: number_rows.take_minutes(conn, list(six_weeks()), "mark", NOW))
    exact = of_relief(db, ranged)["r4_load"]
    assert exact.value == Between(low=-0.2, high=-0.2, unit="erlangs") and "44.00 erlangs of 911's own" in exact.note


def test_a_kept_promise_is_one_whose_talk_began_in_time(db: Database) -> None:
    """It may end after the promised time: connected_at counts where it is known."""

    def rows(conn: Connection) -> None:
        open_activation(conn)
        contact_rows(conn)
        for n, connected_min in enumerate((9, None, 12)):
            row = CallbackRow(
                callback_id=f"b{n}", contact_id=f"c{n}", state="done", asked_at=OPENED, promised_from=OPENED,
                promised_to=OPENED + timedelta(minutes=10), next_at=OPENED, ended_at=OPENED + timedelta(minutes=15),
                connected_at=OPENED + timedelta(minutes=connected_min) if connected_min else None,
            )  # fmt: skip
            conn.execute(insert(CallbackRow), [row.model_dump()])

    db.write_now(rows)
    one = db.read_now(happenings.activation)
    found = report(db.read_now(lambda conn: happenings.happened(conn, one, NOW, ZONE)))
    lines = {line.name: line.value for section in found if section.name == "callbacks" for line in section.lines}
    assert lines["promise_kept"] == Part(share=Share(part=1, whole=3), whole="promises due")
    assert lines["late_by"] == Lasting(after=timedelta(minutes=3.5), people=2)


def test_a_week_with_another_surge_is_not_clean_and_a_drill_measures_nothing(db: Database) -> None:
    def rows(conn: Connection) -> None:
        open_activation(conn)
        earlier = OPENED - timedelta(weeks=2)
        open_activation(conn, "a0", opened_at=earlier, closed_at=earlier + timedelta(hours=5))
        open_activation(conn, "drill", drill=True, opened_at=OPENED + timedelta(days=1), closed_at=None)
        number_rows.take_minutes(conn, list(six_weeks()), "mark", NOW)

    db.write_now(rows)
    one = db.read_now(lambda conn: happenings.activation(conn, "a1"))
    found = db.read_now(lambda conn: happenings.happened(conn, one, NOW, ZONE))
    assert "5 of the last 52" in getattr(found.relief.calls, "why", "")
    newest = db.read_now(happenings.activation)
    assert newest.activation_id == "drill"
    drilled = db.read_now(lambda conn: happenings.happened(conn, newest, NOW, ZONE))
    assert getattr(drilled.relief.load, "why", "") == "A drill takes nothing off 911."
    with pytest.raises(NoSuchActivation):
        db.read_now(lambda conn: happenings.activation(conn, "none"))


@pytest.fixture
def run(tmp_path: Path) -> Any:
    environment = {"TOCSIN_DATA_DIR": str(tmp_path / "var"), "TOCSIN_MODE": "demo", "COLUMNS": "300"}
    assert CliRunner().invoke(whole, ["init"], env=environment).exit_code == 0
    surge = typer.Typer()
    surge_numbers.join(surge)
    return lambda *arguments: CliRunner().invoke(surge, [str(one) for one in arguments], env=environment)


def test_the_commands_take_files_once_and_say_what_was_wrong(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "911.csv"
    file.write_text(f"{HEAD}\n2014-05-23T11:16Z,emergency,5,4,3,3,90\n2014-05-23T11:17Z,emergency,five,,,,\n")
    first = run("import-911", file, "--json")
    assert first.exit_code == 1 and json.loads(first.stdout)["new"] == 1 and "line 3: offered is a whole number" in first.stderr
    file.write_text(file.read_text().replace("five", "5"))
    second = run("import-911", file, "--json")
    assert second.exit_code == 0
    assert json.loads(second.stdout) == {"new": 1, "changed": 0, "same": 1, "duplicates": 0, "problems": []}
    acd = tmp_path / "acd.csv"
    acd.write_text(f"{IHEAD}\n2014-05-23T11:15Z,15,general,5,4,1,,,,\n")
    assert run("import-intervals", acd).exit_code == 0
    acd.write_text(f"{IHEAD}\n2014-05-23T11:00Z,30,general,5,4,1,,,,\n")
    again = run("import-intervals", acd)
    assert again.exit_code == 1 and "would count twice" in again.stderr
    none = run("report")
    assert none.exit_code == 1 and "Surge mode has never been open." in none.stderr


def test_another_number_of_agents_is_compared_in_one_line_each(run: Any) -> None:
    said = run("what-if", "--calls-per-hour", 360, "--handling-s", 240, "--agents", 20, "--agents", 30)
    assert said.exit_code == 0 and said.stdout.splitlines()[0].startswith("20 agents: ") and "unstable" in said.stdout
    found = json.loads(run("what-if", "--calls-per-hour", 360, "--handling-s", 240, "--agents", 20, "--json").stdout)
    assert found[0]["if_nobody_hung_up"] == {"waits_s": "unstable", "in_time": "unstable"}
    assert run("what-if", "--calls-per-hour", 360, "--handling-s", 0, "--agents", 20).exit_code == 1
