"""Files of calls and staff: read exactly, refused with every problem named."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from notify.cli.main import app
from surge.numbers.call_files import BadCallFile, read
from surge.numbers.simulation import figures, simulate


def files(folder: Path, calls: str, staff: str = "from_s,agents\n0,1\n") -> tuple[Path, Path]:
    (folder / "calls.csv").write_text(calls, encoding="utf-8")
    (folder / "staff.csv").write_text(staff, encoding="utf-8")
    return folder / "calls.csv", folder / "staff.csv"


def test_tenths_of_seconds_meet_exactly(tmp_path: Path) -> None:
    """0.1 + 0.2 is 0.3 here: the second caller's patience ends in the moment the first one's call does, and service wins."""
    calls = "patience_s,call_id,extra,service_s,arrival_s\n9,a,x,0.2,0.1\n0.15,b,,1,.150\n".replace(",.150", ",0.150")
    found = figures(simulate(read(*files(tmp_path, calls))))
    assert (found["answered"], found["abandoned"], found["wait_sum_s"]) == (2, 0, 0.15)


def test_numbers_as_programs_write_them_are_read(tmp_path: Path) -> None:
    calls = "call_id,arrival_s,service_s,patience_s\na,5.551115123125783e-05,12.345678901234567,1e3\n"
    day = read(*files(tmp_path, calls))
    assert [one[0] / day.ticks_per_s for one in (day.arrival, day.service, day.patience)] == [
        5.551115123125783e-05, 12.345678901234567, 1000.0,
    ]  # fmt: skip


def test_everything_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    calls = "call_id,arrival_s,service_s,patience_s\na,soon,10,-1\nb,1,1\n\nc,1e11,inf,2\n"
    staff = "from_s,agents\n0,two\n60,3\n60.0,4\nx,1\n"
    with pytest.raises(BadCallFile) as error:
        read(*files(tmp_path, calls, staff))
    assert error.value.problems == [
        "calls.csv, line 2: arrival_s is seconds from 0 up, as in 12 or 12.5, not 'soon'.",
        "calls.csv, line 2: patience_s is seconds from 0 up, as in 12 or 12.5, not '-1'.",
        "calls.csv, line 3: 3 cells under 4 names.",
        "calls.csv, line 5: arrival_s is seconds from 0 up, as in 12 or 12.5, not '1e11'.",
        "calls.csv, line 5: service_s is seconds from 0 up, as in 12 or 12.5, not 'inf'.",
        "staff.csv, line 2: agents is a whole number from 0 to 999999, not 'two'.",
        "staff.csv, line 4: line 3 has a level from second 60.0 already.",
        "staff.csv, line 5: from_s is seconds from 0 up, as in 12 or 12.5, not 'x'.",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "calls.csv, line 1: the header lacks call_id, arrival_s, service_s, patience_s."),
        (b"call_id,arrival_s,service_s\n", "calls.csv, line 1: the header lacks patience_s."),
        (b"call_id,arrival_s,service_s,patience_s\n\xff,1,1,1\n", "calls.csv: this is not UTF-8."),
        (b'call_id,arrival_s,service_s,patience_s\n"a,1,1,1\n', "calls.csv: this is no CSV: unexpected end of data."),
    ],
)
def test_a_file_that_is_no_such_table_says_so(tmp_path: Path, content: bytes, said: str) -> None:
    calls, staff = files(tmp_path, "")
    calls.write_bytes(content)
    with pytest.raises(BadCallFile) as error:
        read(calls, staff)
    assert error.value.problems == [said]


def test_a_file_wrong_from_end_to_end_names_a_hundred_and_counts_the_rest(tmp_path: Path) -> None:
    calls = "call_id,arrival_s,service_s,patience_s\n" + "a,x,1,1\n" * 150
    with pytest.raises(BadCallFile) as error:
        read(*files(tmp_path, calls))
    assert len(error.value.problems) == 101 and error.value.problems[-1] == "... and 50 more."


def test_the_command_prints_the_same_json_each_time(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n * 7 % 100}.5,{20 + n % 9},{n % 40}\n" for n in range(200))
    calls, staff = files(tmp_path, "call_id,arrival_s,service_s,patience_s\n" + rows, "from_s,agents\n0,2\n50,5\n")
    command = ["surge", "simulate", "--calls", str(calls), "--staff", str(staff), "--cap", "30", "--json"]
    first, second = (CliRunner().invoke(app, command) for _ in range(2))
    assert first.exit_code == 0 and first.stdout == second.stdout
    found = json.loads(first.stdout)
    assert found["offered"] == 200 == found["answered"] + found["abandoned"] + found["blocked"]
    counts = {"offered", "answered", "abandoned", "blocked", "answered_within_20_s", "answered_within_60_s"}
    assert set(found) == counts | {"wait_sum_s", "max_queue", "asa_s", "sl20_offered", "sl20_answered", "per_hour"}


def test_the_command_refuses_bad_files_with_sentences_and_people_read_a_summary(tmp_path: Path) -> None:
    calls, staff = files(tmp_path, "call_id,arrival_s,service_s,patience_s\na,0,10,x\n")
    refused = CliRunner().invoke(app, ["surge", "simulate", "--calls", str(calls), "--staff", str(staff)])
    assert refused.exit_code == 1 and "line 2: patience_s is seconds from 0 up" in refused.stderr
    calls.write_text("call_id,arrival_s,service_s,patience_s\na,0,10,5\n")
    told = CliRunner().invoke(app, ["surge", "simulate", "--calls", str(calls), "--staff", str(staff)])
    assert told.exit_code == 0 and "1 calls: 1 answered" in told.stdout
