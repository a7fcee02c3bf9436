"""`tocsin surge ...`: what a crowd of calls does to a call centre."""

from pathlib import Path
from typing import Annotated

import typer

from notify.cli import surge_fallback, surge_numbers, surge_switch
from notify.cli.say import Json, refuse, sentences, show
from surge.numbers.call_files import BadCallFile, read
from surge.numbers.simulation import figures
from surge.numbers.simulation import simulate as played

app = typer.Typer(help="Surge mode: when thousands call at once.", no_args_is_help=True)
app.command()(surge_fallback.fallback)
surge_switch.register(app)
surge_numbers.join(app)


@app.callback()
def surge() -> None:
    """Keeps `simulate` a command of its own while it is the only one."""


@app.command()
def simulate(
    calls: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="CSV: call_id, arrival_s, service_s, patience_s.")],
    staff: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="CSV: from_s, agents.")],
    cap: Annotated[int | None, typer.Option(min=0, help="The most who may wait; no limit without it.")] = None,
    json: Json = False,
) -> None:
    """Plays a day of calls, call by call: who is answered, who hangs up, how long they wait. The same files give the same
    answer."""
    with sentences():
        try:
            day = read(calls, staff, cap)
        except BadCallFile as error:
            refuse(error.problems)
        found = figures(played(day))
    lines = [
        f"{found['offered']:,} calls: {found['answered']:,} answered, {found['abandoned']:,} hung up, "
        f"{found['blocked']:,} blocked.",
        f"Answered within 20 s: {_percent(found['sl20_offered'])} of all offered, "
        f"{_percent(found['sl20_answered'])} of those answered.",
        f"Average wait of those answered: {_seconds(found['asa_s'])}. Most waiting at once: {found['max_queue']:,}.",
    ]
    lines += [
        f"  hour {one['hour']:>3}: {one['offered']:>7,} offered {one['answered']:>7,} answered {one['abandoned']:>7,} hung up "
        f"{one['blocked']:>7,} blocked, average wait {_seconds(one['asa_s'])}"
        for one in found["per_hour"]
    ]
    show(found, json, lines)


def _percent(share: float | None) -> str:
    return "nobody" if share is None else f"{share:.1%}"


def _seconds(mean: float | None) -> str:
    return "nobody answered" if mean is None else f"{mean:,.0f} s"
