"""All commands, as one tree."""

import typer

from notify.cli import (
    admin,
    alert,
    backup,
    cap,
    dialog,
    doctor,
    drill,
    gazetteer,
    geography,
    ledger,
    migrating,
    mirror,
    planned,
    residents,
    retention,
    runbook,
    seeds,
    serve,
    sites,
    snapshot,
    surge,
    words,
)
from notify.cli.demo import command

app = typer.Typer(
    name="tocsin",
    help="Emergency mass notification: alerts by SMS, e-mail, feeds and pages, by two people, in every language of the city.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(alert.app, name="alert")
app.add_typer(cap.app, name="cap")
app.add_typer(admin.user, name="user")
app.add_typer(admin.audit_app, name="audit")
app.add_typer(admin.key_app, name="keys")
app.add_typer(ledger.app, name="ledger")
app.add_typer(geography.app, name="areas")
app.add_typer(gazetteer.app, name="gazetteer")
app.add_typer(sites.app, name="sites")
app.add_typer(words.app, name="words")
app.add_typer(dialog.app, name="dialog")
app.add_typer(drill.app, name="drill")
app.add_typer(residents.app, name="subscribers")
app.add_typer(mirror.app, name="mirror")
app.add_typer(planned.app, name="planned")
app.add_typer(runbook.app, name="runbook")
app.add_typer(surge.app, name="surge")
app.add_typer(snapshot.app, name="snapshot")
app.add_typer(seeds.app, name="seeds")
app.command()(admin.init)
app.command()(migrating.migrate)
app.command()(backup.backup)
app.command()(backup.restore)
app.command(name="hold")(backup.held)
app.command()(backup.release)
app.command()(doctor.doctor)
app.command(name="send-from-snapshot")(snapshot.send_from_snapshot)
app.command()(retention.retention)
app.command()(serve.serve)
app.command()(serve.web)
app.command()(serve.sender)
app.command()(command.demo)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})(
    serve.simulator
)
