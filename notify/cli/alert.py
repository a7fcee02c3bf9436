"""`tocsin alert ...`: write, check, approve, send, watch, stop and follow up alerts on the running service."""

import json as json_module
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from notify.alerts import followup
from notify.cli.client import Client
from notify.cli.say import Json, errors, pick, refuse, screen, sentences, show, table
from notify.cli.watching import watch

app = typer.Typer(help="Alerts on the running service (TOCSIN_URL, TOCSIN_TOKEN).", no_args_is_help=True)

AlertId = Annotated[str, typer.Argument(help="Like K7Q2X-1.")]
DraftFile = Annotated[Path, typer.Argument(help="The alert as YAML; see docs/alert-file.md.")]
Seen = Annotated[int | None, typer.Option(help="The version you began from; without it, whatever is there is replaced.")]


def _read(file: Path) -> dict[str, Any]:
    try:
        given = yaml.load(file.read_text("utf-8"), _PlainDates)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        refuse([f"{file} cannot be read: {error}"])
    if not isinstance(given, dict):
        refuse([f"{file} must hold fields like 'hazard: boil_water'."])
    geojson = (given.get("area") or {}).get("geojson") if isinstance(given.get("area"), dict) else None
    if isinstance(geojson, str):
        given["area"]["geojson"] = _geojson(file.parent / geojson)
    return given


def _geojson(file: Path) -> Any:
    try:
        return json_module.loads(file.read_text("utf-8"))
    except ValueError as error:
        refuse([f"{file} cannot be read: {error}"])


class _PlainDates(yaml.SafeLoader):
    """Leaves times as they are written: YAML's own reading drops the offset of what has none, and we must see that."""


_PlainDates.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@app.command()
def draft(file: DraftFile, json: Json = False) -> None:
    """Makes a draft from a file; prints its id."""
    with sentences():
        reply = Client().post("/alerts", _read(file))
    show(reply, json, [f"{reply['alert_id']} is a draft. Next: tocsin alert preview {reply['alert_id']}"])


@app.command()
def edit(alert_id: AlertId, file: DraftFile, seen: Seen = None, json: Json = False) -> None:
    """Replaces a draft (or a returned alert) with a file."""
    with sentences():
        reply = Client().put(f"/alerts/{alert_id}", _read(file), seen)
    show(reply, json, [f"{alert_id} is edited and must be submitted again."])


@app.command(name="list")
def list_alerts(json: Json = False) -> None:
    """All alerts, oldest first."""
    with sentences():
        reply = Client().get("/alerts")
    if json:
        show(reply, json)
    else:
        columns = ("alert_id", "status", "stage", "hazard", "author", "approved_by", "ended_why")
        table(columns, [pick(row, *columns) for row in reply["alerts"]])


@app.command(name="show")
def show_alert(alert_id: AlertId, json: Json = False) -> None:
    """One alert: its state, counts and open promises."""
    with sentences():
        reply = Client().get(f"/alerts/{alert_id}")
    if json:
        show(reply, json)
        return
    print_alert(reply)


@app.command()
def preview(
    alert_id: AlertId,
    read_back: Annotated[
        bool, typer.Option(help="Each language's text too, and what it says in English, word for word.")
    ] = False,
    json: Json = False,
) -> None:
    """What would be sent: people, parts and cost by language and channel, the finish time, and every problem."""
    with sentences():
        reply = Client().get(f"/alerts/{alert_id}/preview")
    if json:
        show(reply, json)
    else:
        print_preview(reply)
        if read_back:
            print_read_back(reply)


@app.command()
def submit(alert_id: AlertId, json: Json = False) -> None:
    """Asks for approval of exactly this text, to these areas, over these channels."""
    with sentences():
        reply = Client().post(f"/alerts/{alert_id}/submit")
    digest = reply["digest"]
    show(reply, json, [f"{alert_id} waits for approval.", f"tocsin alert approve {alert_id} --digest {digest}"])


@app.command()
def approve(
    alert_id: AlertId,
    digest: Annotated[str, typer.Option(help="Digest of what you read; 'alert show' prints it.")],
    json: Json = False,
) -> None:
    """Approves what you read, bound to its digest."""
    with sentences():
        reply = Client().post(f"/alerts/{alert_id}/approve", {"digest": digest})
    show(reply, json, [f"{alert_id} is approved. Nothing has left yet: tocsin alert send {alert_id}"])


@app.command()
def send(
    alert_id: AlertId,
    wait: Annotated[bool, typer.Option("--wait", help="Show live bars until everything is handed over.")] = False,
    json: Json = False,
) -> None:
    """Starts the countdown; at its end the alert is published and sent. Only its approver may."""
    client = Client()
    with sentences():
        reply = client.post(f"/alerts/{alert_id}/send")
        if wait:
            reply = watch(client, alert_id, on=errors if json else screen)
    show(reply, json, [f"{alert_id} is {reply['status']}; it leaves at {reply['event']['countdown_until']}."])
    if wait and not json:
        print_alert(reply)


@app.command()
def stop(
    alert_id: AlertId,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the audit log.")],
    json: Json = False,
) -> None:
    """Nothing more is handed over. Final: there is no resume."""
    with sentences():
        reply = Client().post(f"/alerts/{alert_id}/stop", {"reason": reason})
    show(reply, json, [f"{alert_id} is stopped. Correct it: tocsin alert correct {alert_id} FILE"])


def _send_back(verb: str, alert_id: str, reason: str, json: bool) -> None:
    with sentences():
        reply = Client().post(f"/alerts/{alert_id}/{verb}", {"reason": reason})
    show(reply, json, [f"{alert_id} is {reply['status']}."])


@app.command(name="return")
def return_(alert_id: AlertId, reason: Annotated[str, typer.Option(help="What must change.")], json: Json = False) -> None:
    """Sends a submitted alert back to its author."""
    _send_back("return", alert_id, reason, json)


@app.command()
def reject(alert_id: AlertId, reason: Annotated[str, typer.Option(help="Why not.")], json: Json = False) -> None:
    """Refuses a submitted alert for good."""
    _send_back("reject", alert_id, reason, json)


def _follow_up(verb: str, alert_id: str, file: Path, json: bool) -> None:
    with sentences():
        reply = Client().post(f"/alerts/{alert_id}/{verb}", _read(file))
    show(reply, json, [f"{reply['alert_id']} is a draft ({followup.STAGES[verb]}). Next: preview, submit, approve, send."])


FollowUp = Annotated[Path, typer.Argument(help="Only what is new, as YAML; the rest is taken over.")]


@app.command()
def update(alert_id: AlertId, file: FollowUp, json: Json = False) -> None:
    """Drafts an update: still inside, newly inside and no longer inside each get their own text."""
    _follow_up("update", alert_id, file, json)


@app.command()
def correct(alert_id: AlertId, file: FollowUp, json: Json = False) -> None:
    """Drafts a correction, to exactly those who have or may have the text."""
    _follow_up("correct", alert_id, file, json)


@app.command()
def clear(alert_id: AlertId, file: FollowUp, json: Json = False) -> None:
    """Drafts the all clear, to everybody told in the incident."""
    _follow_up("clear", alert_id, file, json)


@app.command()
def cancel(alert_id: AlertId, file: FollowUp, json: Json = False) -> None:
    """Drafts a false alarm: it never was, to everybody told in the incident."""
    _follow_up("cancel", alert_id, file, json)


def print_alert(reply: dict[str, Any]) -> None:
    for name in ("alert_id", "status", "stage", "hazard", "author", "approved_by", "digest", "reason", "ended_why"):
        if reply.get(name):
            screen.print(f"{name:<12} {reply[name]}", markup=False)
    for name, value in (reply.get("event") or {}).items():
        if value and name.endswith(("_at", "_until", "problem")):
            screen.print(f"{name:<16} {value}", markup=False)
    for promise in reply.get("promises", []):
        screen.print(f"open promise: {promise['what']}" + (f" by {promise['by']}" if promise["by"] else ""), markup=False)
    states = ("total", "planned", "claimed", "handed", "delivered", "refused", "undelivered", "unknown", "withdrawn", "expired")
    rows = [
        [channel, *(counts[state] for state in states)]
        for channel, counts in (reply.get("progress") or {}).get("channels", {}).items()
    ]
    if rows:
        table(("channel", *states), rows)
    for channel, routes in (reply.get("routes") or {}).items():
        screen.print(
            f"{channel} by route: " + ", ".join(f"{name} {count:,}" for name, count in sorted(routes.items())), markup=False
        )


def print_preview(reply: dict[str, Any]) -> None:
    columns = ("channel", "wording", "language", "written_in", "people", "encoding", "units", "parts", "segments", "cost")
    table(columns, [pick(row, *columns) for row in reply["texts"]])
    screen.print()
    for line in reply["summary"]:
        screen.print(line, markup=False)
    for problem in reply["problems"]:
        screen.print(f"PROBLEM: {problem}", markup=False, style="bold red")


def print_read_back(reply: dict[str, Any]) -> None:
    for key, english in reply["read_back"].items():
        screen.print(f"\n{key}\n{reply['bodies'][key]}\n-> {english}", markup=False)
