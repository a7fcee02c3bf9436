"""Commands that open the database and files themselves: first run, migrations, staff, keys."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from notify import audit, keys, schema
from notify.cli.say import Json, refuse, sentences, show, table
from notify.db import Database, engine_for
from notify.identity import links
from notify.identity.links import Account
from notify.settings import Settings, load
from notify.staff import accounts, people

user = typer.Typer(help="Staff and their tokens.", no_args_is_help=True)
audit_app = typer.Typer(help="The hash-chained log.", no_args_is_help=True)
key_app = typer.Typer(help="The keys that seal addresses.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Letters, digits and hyphens: duty-officer.")]


def opened() -> tuple[Settings, Database]:
    """Settings and an open database at the right schema."""
    settings = load()
    engine = engine_for(settings.database)
    try:
        schema.check(engine)
    finally:
        engine.dispose()
    return settings, Database(settings.database)


def init(json: Json = False) -> None:
    """First run: makes the keys, the database and the first administrator, whose token is shown once."""
    with sentences():
        settings = load()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        keys.create(settings.keys_file)
        _migrate(settings)
        with closing(Database(settings.database)) as db:
            now = datetime.now(UTC)
            token = db.write_now(lambda conn: people.add(conn, "admin", ["admin"], {}, now))
    lines = [
        f"Keys are in {settings.keys_file}. Keep a copy apart from the database: without it no address can be read again.",
        f"The first administrator is 'admin'. Token, shown this once: {token}",
        "For the console: tocsin user invite admin. Next: tocsin user add NAME --role author",
    ]
    show({"keys_file": str(settings.keys_file), "person": "admin", "token": token}, json, lines)


def _migrate(settings: Settings) -> None:
    engine = engine_for(settings.database)
    try:
        schema.migrate(engine)
    finally:
        engine.dispose()


@user.command()
def add(
    name: Name,
    role: Annotated[list[str], typer.Option(help="viewer, author, approver, translator, admin, agent311, lead311, relay")],
    hazard: Annotated[list[str] | None, typer.Option(help="Limit to these hazards.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="Limit to these areas.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Limit to these channels.")] = None,
    json: Json = False,
) -> None:
    """Adds a member of staff; shows their token this once."""
    scope: dict[str, Sequence[str]] = {"hazards": hazard or [], "areas": area or [], "channels": channel or []}
    with sentences():
        _, db = opened()
        with closing(db):
            token = db.write_now(lambda conn: people.add(conn, name, role, scope, datetime.now(UTC)))
    show({"person": name, "token": token}, json, [f"{name}: token, shown this once: {token}"])


@user.command()
def token(name: Name, json: Json = False) -> None:
    """Replaces a person's token; the old one is void at once."""
    with sentences():
        _, db = opened()
        with closing(db):
            fresh = db.write_now(lambda conn: people.new_token(conn, name))
    show({"person": name, "token": fresh}, json, [f"{name}: new token, shown this once: {fresh}"])


@user.command()
def invite(name: Name, json: Json = False) -> None:
    """A link, for one use within a day, by which somebody sets their password and phone for the console."""
    with sentences():
        settings, db = opened()
        with closing(db):
            fresh = db.write_now(lambda conn: accounts.invite(conn, name, "command line", datetime.now(UTC)))
    link = f"{settings.private_url.rstrip('/')}/invitation/{fresh}"
    show({"person": name, "link": link}, json, [f"{name}: for one use within a day: {link}"])


@user.command()
def disable(name: Name, json: Json = False) -> None:
    """The person may do nothing any more, from now on."""
    with sentences():
        _, db = opened()
        with closing(db):
            db.write_now(lambda conn: people.disable(conn, name, datetime.now(UTC)))
    show({"person": name, "disabled": True}, json, [f"{name} is disabled."])


@user.command()
def link(
    name: Name,
    subject: Annotated[str, typer.Argument(help="What the identity provider calls the account for ever: its 'sub'.")],
    json: Json = False,
) -> None:
    """Whoever signs in at the city's identity provider as this account is this person from now on."""
    with sentences():
        settings, db = opened()
        with closing(db):
            if not settings.oidc_issuer:
                refuse([links.NONE_HERE])
            account = Account(issuer=settings.oidc_issuer, subject=subject)
            db.write_now(lambda conn: links.link(conn, name, account, "command line", datetime.now(UTC)))
    show({"person": name, "subject": subject}, json, [f"{name} signs in as {subject} of {settings.oidc_issuer}."])


@user.command()
def unlink(name: Name, json: Json = False) -> None:
    """The account at the identity provider opens nothing here any more; every session of the person ends."""
    with sentences():
        _, db = opened()
        with closing(db):
            if not db.write_now(lambda conn: links.unlink(conn, name, "command line", datetime.now(UTC))):
                refuse([f"{name} is linked to no account."])
    show({"person": name, "unlinked": True}, json, [f"{name} is linked to no account any more."])


@user.command(name="list")
def list_users(json: Json = False) -> None:
    """All staff with their roles and limits."""
    with sentences():
        _, db = opened()
        with closing(db):
            found = db.read_now(people.everybody)
    rows = [
        (staff.person_id, ", ".join(sorted(staff.roles)), ", ".join(sorted(staff.hazards)), "" if active else "disabled")
        for staff, active in found
    ]
    if json:
        show([{"person": row[0], "roles": row[1], "hazards": row[2], "active": not row[3]} for row in rows], json)
    else:
        table(("person", "roles", "hazards", ""), rows)


@audit_app.command()
def verify(
    head: Annotated[str | None, typer.Option(help="A head kept elsewhere; it must stand in the chain.")] = None,
    json: Json = False,
) -> None:
    """Proves that no line was changed, moved, dropped or slipped in; names the first bad one."""
    with sentences():
        _, db = opened()
        with closing(db):
            lines = db.read_now(audit.lines)
    problems = audit.problems(lines, head)
    if problems:
        refuse(problems)
    last = lines[-1].hash if lines else audit.GENESIS
    show({"lines": len(lines), "head": last}, json, [f"{len(lines)} lines hold together. Head: {last}"])


@key_app.command()
def rotate(json: Json = False) -> None:
    """Adds a new key for new addresses; the old ones go on opening what they sealed."""
    with sentences():
        settings = load()
        ring = keys.add_key(settings.keys_file)
    show({"current": ring.current}, json, [f"New addresses are sealed with {ring.current}. Restart the service to use it."])
