"""`tocsin surge status|choose|arm|open|...`: surge mode of the running service, one token one person."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from notify.cli.client import Client
from notify.cli.say import Json, pick, refuse, screen, sentences, show, table

fact = typer.Typer(help="Facts of the activation that is on.", no_args_is_help=True)

Why = Annotated[str, typer.Option(help="Why; it stands in the log and on every desk.")]
Level = Annotated[int, typer.Option(min=1, max=3, help="1: all is told; 2: crowded; 3: the message only.")]
TIMES = ("made_at", "armed_at", "opened_at", "standing_down_at", "closed_at")
WHO = {"made_at": "made_by", "armed_at": "armed_by", "opened_at": "opened_by", "closed_at": "closed_by"}


def status(json: Json = False) -> None:
    """What is on now, and what the pre-flight finds missing."""
    with sentences():
        reply = Client().get("/surge")
    if json:
        show(reply, json)
        return
    found = reply["activation"]
    if found is None:
        screen.print("Surge mode is off.")
        return
    _print(found)


def choose(
    runbook: Annotated[str, typer.Argument(help="A runbook's name, like boil-water.")],
    why: Why,
    incident: Annotated[str | None, typer.Option(help="The incident whose alert says the facts.")] = None,
    drill: Annotated[bool, typer.Option("--drill", help="Never counts in real figures.")] = False,
    json: Json = False,
) -> None:
    """Makes a draft: there is one activation at a time."""
    given = {"runbook": runbook, "why": why, "incident_id": incident, "drill": drill}
    with sentences():
        reply = Client().post("/surge/activations", given)
    show(reply, json, [f"{reply['activation_id']} is a draft. Next: tocsin surge fact set, publish, arm."])


def arm(json: Json = False) -> None:
    """Arms it, if nothing is missing. Somebody else opens it."""
    _act("arm", {}, json)


def disarm(why: Why, json: Json = False) -> None:
    """Back to a draft."""
    _act("disarm", {"reason": why}, json)


def open_(level: Level = 1, json: Json = False) -> None:
    """Opens what somebody else armed."""
    _act("open", {"level": level}, json)


def level(to: Annotated[int, typer.Argument(min=1, max=3)], why: Why, json: Json = False) -> None:
    """Another level, while it is open."""
    _act("level", {"level": to, "why": why}, json)


def stand_down(why: Why, json: Json = False) -> None:
    """Promises nothing new and serves whoever is there."""
    _act("stand-down", {"why": why}, json)


def close(
    handover: Annotated[str, typer.Option(help="What is still open, and who looks after it.")] = "", json: Json = False
) -> None:
    """Over: nobody may wait, no callback may be open."""
    _act("close", {"handover": handover}, json)


def publish(json: Json = False) -> None:
    """Publishes what is known now as a new version of the script."""
    with sentences():
        client = Client()
        reply = client.post(f"/surge/activations/{_current(client)}/script")
    changed = f": {reply['changed']}" if reply["changed"] else ""
    show(reply, json, [f"Version {reply['version']} is read in {', '.join(reply['steps'])}{changed}."])


def tested(
    line: Annotated[str, typer.Argument(help="'fallback', or 'partner NAME'.")],
    json: Json = False,
) -> None:
    """Says that you called a line and it answered as it should."""
    with sentences():
        reply = Client().post("/surge/tests", {"line": line})
    show(reply, json, [f"{reply['line']} was tested at {reply['at'][:16]} UTC."])


@fact.command(name="list")
def list_facts(json: Json = False) -> None:
    """Every fact that was entered, and which one counts."""
    with sentences():
        client = Client()
        reply = client.get(f"/surge/activations/{_current(client)}/facts")
    if json:
        show(reply, json)
        return
    columns = ("fact_id", "name", "language", "value", "issued_by", "counts", "recalled_why")
    table(columns, [pick(row, *columns) for row in reply["facts"]])
    entered = {row["name"] for row in reply["facts"] if row["counts"]}
    for name, asked in reply["asked"].items():
        if name not in entered:
            screen.print(f"{name}: {asked['asks']}", markup=False)


@fact.command(name="set")
def set_fact(
    name: Annotated[str, typer.Argument(help="As the runbook names it.")],
    value: Annotated[list[str], typer.Argument(help="The value; or en=WORDS es=PALABRAS for words of a language.")],
    issued_by: Annotated[str, typer.Option(help="The agency and role that stand for it.")],
    until: Annotated[
        datetime | None, typer.Option(help="Until when it holds, with offset.", formats=["%Y-%m-%dT%H:%M%z"])
    ] = None,
    json: Json = False,
) -> None:
    """A new value, as somebody with authority issued it. Publish the script afterwards."""
    given: dict[str, Any] = {"name": name, "values": _values(value), "issued_by": issued_by}
    if until is not None:
        given["valid_to"] = until.isoformat()
    with sentences():
        client = Client()
        reply = client.post(f"/surge/activations/{_current(client)}/facts", given)
    show(reply, json, [f"{name} is fact {', '.join(map(str, reply['facts']))}. Next: tocsin surge publish"])


@fact.command()
def recall(number: Annotated[int, typer.Argument(help="Of the fact.")], why: Why, json: Json = False) -> None:
    """It was wrong: it is read no more, and whoever may have heard it is called back."""
    with sentences():
        client = Client()
        reply = client.post(f"/surge/activations/{_current(client)}/facts/{number}/recall", {"reason": why})
    show(reply, json, [f"{reply['name']} is read no more; {len(reply['contacts'])} contacts may have heard it."])


def register(app: typer.Typer) -> None:
    """Puts these commands into `tocsin surge`."""
    commands: dict[str, Callable[..., None]] = {
        "status": status,
        "choose": choose,
        "arm": arm,
        "disarm": disarm,
        "open": open_,
        "level": level,
        "stand-down": stand_down,
        "close": close,
        "publish": publish,
        "tested": tested,
    }
    for name, command in commands.items():
        app.command(name=name)(command)
    app.add_typer(fact, name="fact")


def _values(given: list[str]) -> dict[str, str]:
    """One value that is the same in all languages, or one for each: en=..., es=..."""
    pairs = [one.partition("=") for one in given]
    tagged = {tag: text for tag, sign, text in pairs if sign and tag.replace("-", "").isalpha() and len(tag) < 12}
    if len(tagged) == len(given):
        return tagged
    if len(given) > 1:
        refuse(["Give one value, or one for each language: en=WORDS es=PALABRAS."])
    return {"": given[0]}


def _current(client: Client) -> str:
    found = client.get("/surge")["activation"]
    if found is None:
        refuse(["Surge mode is off: tocsin surge choose RUNBOOK --why ... makes a draft."])
    return str(found["activation_id"])


def _act(name: str, given: dict[str, Any], json: bool) -> None:
    with sentences():
        client = Client()
        reply = client.post(f"/surge/activations/{_current(client)}/{name}", given)
    show(reply, json, [_standing(reply)])


def _standing(found: dict[str, Any]) -> str:
    at_level = f" at level {found['level']}" if found["status"] == "open" else ""
    drill = "Drill: " if found["drill"] else ""
    return f"{drill}{found['title']} ({found['activation_id']}) is {found['status']}{at_level}."


def _print(found: dict[str, Any]) -> None:
    screen.print(_standing(found), markup=False)
    screen.print(f"why: {found['why']}", markup=False)
    for name in TIMES:
        if found[name]:
            who = found.get(WHO.get(name, ""), "") or ""
            screen.print(f"{name:<18} {found[name][:16]} UTC {who}", markup=False)
    screen.print(f"script: {'version ' + str(found['script']) if found['script'] else 'not published'}", markup=False)
    for check in found["checks"]:
        for problem in check["problems"]:
            screen.print(f"MISSING {check['kind']}: {problem}", markup=False, style="bold red")
