"""`tocsin surge import-911`, `import-intervals`, `report`, `what-if`: what others have counted, and what came of it all."""

import csv
import sys
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from notify import audit, city, data
from notify.audit import Act
from notify.city import BadPack, City
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, errors, refuse, sentences, show
from notify.settings import Settings
from subscribers.formulas import defused
from surge.numbers import happenings, number_files, number_rows, sections, whatif
from surge.numbers.city_rates import rates
from surge.numbers.number_rows import Totals
from surge.numbers.report import report as reported
from surge.numbers.whatif import Situation

MOST_SHOWN = 200

Sheet = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, help="UTF-8 CSV; see docs/surge-numbers.md for its columns.")
]


def join(app: typer.Typer) -> None:
    """Adds these commands to `tocsin surge`."""
    app.command("import-911")(import_911)
    app.command("import-intervals")(import_intervals)
    app.command("report")(report)
    app.command("what-if")(what_if)


def import_911(file: Sheet, json: Json = False) -> None:
    """Takes minutes of 911's telephones, for R3, R4 and 911's own answering. Every bad row is named; the good ones are taken;
    the same file twice is once."""
    with sentences():
        settings, db = opened()
        with closing(db):
            read, now = file.read_bytes(), datetime.now(UTC)
            taken = number_files.centre_minutes(read, file.name, _folder(settings).pack.zone, now)
            mark = sha256(read).hexdigest()

            def work(conn: Connection) -> Totals:
                totals = number_rows.take_minutes(conn, taken.rows, mark, now)
                detail = asdict(totals) | {"sha256": mark}
                audit.append(conn, Act(actor="shell", action="911 minutes imported", subject=file.name, detail=detail), now)
                return totals

            totals = db.write_now(work)
    _told(totals, taken.duplicates, taken.problems, "minutes", json)


def import_intervals(file: Sheet, json: Json = False) -> None:
    """Takes interval figures of the city's own call centre, where calls stay in it. As import-911."""
    with sentences():
        settings, db = opened()
        with closing(db):
            read, now = file.read_bytes(), datetime.now(UTC)
            taken = number_files.intervals(read, file.name, _folder(settings).pack.zone, now)
            mark = sha256(read).hexdigest()

            def work(conn: Connection) -> tuple[Totals, list[str]]:
                overlapping = number_rows.overlapping(conn, taken.rows)
                if overlapping:
                    return Totals(new=0, changed=0, same=0), overlapping
                totals = number_rows.take_intervals(conn, taken.rows, mark, "shell", now)
                detail = asdict(totals) | {"sha256": mark}
                act = Act(actor="shell", action="call-centre intervals imported", subject=file.name, detail=detail)
                audit.append(conn, act, now)
                return totals, []

            totals, overlapping = db.write_now(work)
    problems = [*taken.problems, *(f"{file.name}: {one} Nothing was taken." for one in overlapping)]
    _told(totals, taken.duplicates, problems, "intervals", json)


def report(
    activation: Annotated[str, typer.Argument(help="Which surge; the latest without it.")] = "",
    json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> None:
    """What happened to everybody who called, wrote or came, as counts: no percentage without the two numbers it is made of."""
    if json and as_csv:
        refuse(["Either --json or --csv."], Exit.USAGE)
    with sentences():
        settings, db = opened()
        with closing(db):
            pack, now = _folder(settings), datetime.now(UTC)
            try:
                own = rates(pack.folder)
                one = db.read_now(lambda conn: happenings.activation(conn, activation))
                found = reported(db.read_now(lambda conn: happenings.happened(conn, one, now, pack.pack.zone, own)))
            except happenings.NoSuchActivation as error:
                refuse([str(error)])
            except BadPack as error:
                refuse(error.problems)
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(
            [defused(str(cell)) for cell in row] for row in sections.rows(found)
        )
        return
    heading = happenings.heading(one, now)
    lines = [f"{one.title} ({one.activation_id}), {heading['from'][:16]} to {heading['to'][:16]} UTC"]
    for section in found:
        lines += ["", section.name.upper(), *(f"  {sections.sentence(line)}" for line in section.lines)]
    show(heading | {"sections": sections.as_json(found)}, json, lines)


def what_if(
    calls_per_hour: Annotated[float, typer.Option(min=0.0, help="Calls that come in an hour now.")],
    handling_s: Annotated[float, typer.Option(help="Seconds that an agent needs for a call, with wrap-up.")],
    agents: Annotated[list[int], typer.Option(min=0, help="How many agents; several times to compare.")],
    patience_s: Annotated[float, typer.Option(help="Seconds that callers wait on average before they hang up.")] = 300.0,
    waiting: Annotated[int, typer.Option(min=0, help="Callers who wait now.")] = 0,
    within_s: Annotated[float, typer.Option(min=0.0, help="What counts as answered in time.")] = 60.0,
    json: Json = False,
) -> None:
    """What another number of agents would do: in the next hour, and in the long run."""
    now = Situation(
        calls_per_s=calls_per_hour / 3600,
        handling_s=handling_s,
        patience_s=patience_s,
        waiting=waiting,
        talking=min(agents) if waiting and agents else 0,
        within_s=within_s,
    )
    if problems := whatif.problems(now):
        refuse(problems)
    found = whatif.options(now, agents)
    show([whatif.as_dict(one) for one in found], json, [whatif.sentence(one, within_s) for one in found])


def _folder(settings: Settings) -> City:
    return city.load(city.find(settings.city, data.folder("city")))


def _told(totals: Totals, duplicates: int, problems: list[str] | tuple[str, ...], what: str, json: bool) -> None:
    for problem in problems[:MOST_SHOWN]:
        errors.print(problem, markup=False)
    if len(problems) > MOST_SHOWN:
        errors.print(f"... and {len(problems) - MOST_SHOWN:,} more", markup=False)
    lines = [
        f"{totals.new:,} {what} taken, {totals.changed:,} changed, {totals.same:,} known already, "
        f"{duplicates:,} twice in the file.",
        f"{len(problems):,} problems.",
    ]
    show(asdict(totals) | {"duplicates": duplicates, "problems": list(problems)}, json, lines)
    if problems:
        raise typer.Exit(Exit.REFUSED)
