"""`tocsin seeds ...`: phones and mailboxes of our own that every alert goes to."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from notify import keys
from notify.alerts import exercise
from notify.cli.admin import opened
from notify.cli.say import Json, refuse, sentences, show, table
from notify.sending import seeds
from notify.sending.seeds import BadSeed
from subscribers import address
from subscribers.address import BadAddress

app = typer.Typer(help="Phones and mailboxes of our own whose silence is an alarm.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Where it lies: 'radio room'.")]


@app.command()
def add(
    name: Name,
    typed: Annotated[str, typer.Argument(metavar="ADDRESS", help="A phone number or mailbox nobody else uses.")],
    language: Annotated[str, typer.Option(help="The language it reads.")] = "en",
    json: Json = False,
) -> None:
    """Enrolls a seed: it gets every alert on its channel from now on."""
    with sentences():
        settings, db = opened()
        with closing(db):
            try:
                channel, found = address.normal(typed, exercise.SAMPLES[settings.mode])
                ring, now = keys.load(settings.keys_file), datetime.now(UTC)
                db.write_now(lambda conn: seeds.enroll(conn, name, (channel, found, language), ring, now))
            except (BadAddress, BadSeed) as error:
                refuse([str(error)])
    show({"seed": name, "channel": channel}, json, [f"{name}: every alert by {channel} goes there from now on."])


@app.command()
def remove(name: Name, json: Json = False) -> None:
    """Takes a seed out; its address is erased."""
    with sentences():
        _, db = opened()
        with closing(db):
            gone = db.write_now(lambda conn: seeds.remove(conn, name, datetime.now(UTC)))
    if not gone:
        refuse([f"There is no seed {name!r}."])
    show({"seed": name, "removed": True}, json, [f"{name} is removed."])


@app.command(name="list")
def list_seeds(json: Json = False) -> None:
    """Every seed; one that has opted out gets nothing."""
    with sentences():
        _, db = opened()
        with closing(db):
            found = db.read_now(seeds.planted)
    if json:
        show(
            [{"seed": one.name, "channel": one.channel, "language": one.language, "stopped": one.stopped} for one in found],
            json,
        )
    else:
        table(
            ("seed", "channel", "language", ""),
            [(one.name, one.channel, one.language, "STOPPED" if one.stopped else "") for one in found],
        )
