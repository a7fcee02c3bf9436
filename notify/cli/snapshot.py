"""`tocsin snapshot ...` and `tocsin send-from-snapshot`: everybody sealed in a file, and told from it without the database."""

import asyncio
import os
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from channels.base import Content, Misconfigured
from notify import city, data, keys
from notify.alerts import exercise
from notify.cli.admin import opened
from notify.cli.say import Exit, Json, refuse, sentences, show
from notify.sending import senders
from notify.settings import Settings, load
from notify.snapshot import contents, making, order, sealed_stream
from notify.snapshot.contents import Snapshot
from notify.snapshot.journal import BadJournal, Journal
from notify.snapshot.making import Heading, Unproven
from notify.snapshot.order import Audience, BadOrder, Order
from notify.snapshot.sealed_stream import Unreadable
from notify.snapshot.sending import Counts, Run
from subscribers import address
from subscribers.address import BadAddress
from subscribers.sealing import KEY_BYTES, Keyring, Unopenable

app = typer.Typer(help="Everybody who is to be told, sealed for the day the database is gone.", no_args_is_help=True)

Sealed = Annotated[Path, typer.Argument(help="A snapshot.")]
Private = Annotated[Path, typer.Option("--key", help="The private key, from its safe.")]
SHOWN = 20


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="Where the private key goes: a medium for the safe.")], json: Json = False
) -> None:
    """Makes the key pair. The private half never lies on a machine of the service; the public one is TOCSIN_SNAPSHOT_KEY."""
    try:
        public = sealed_stream.make_key(file)
    except OSError as error:
        refuse([f"{file} cannot be written: {error.strerror}."])
    lines = [f"TOCSIN_SNAPSHOT_KEY={public}", f"The private half is {file}: two copies, two safes, no machine of the service."]
    show({"public": public, "private": str(file)}, json, lines)


@app.command()
def make(
    file: Annotated[
        Path | None, typer.Argument(help="A file that does not exist yet; in TOCSIN_SNAPSHOT_DIR if left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Writes a snapshot of this moment, reads it again from the disk and compares, while the service runs."""
    with sentences():
        settings, db = opened()
        now = datetime.now(UTC)
        target = file or _named(settings, now)
        if not settings.snapshot_key:
            refuse(["TOCSIN_SNAPSHOT_KEY is not set; 'tocsin snapshot key FILE' makes one."])
        heading = Heading(
            made_at=now,
            city=settings.city,
            mode=str(settings.mode),
            senders=tuple(one.number for one in settings.sms_senders),
        )
        begun = time.monotonic()
        with closing(db):
            ring = keys.load(settings.keys_file)
            try:
                made = making.make(db, ring, heading, settings.snapshot_key, target)
            except (FileExistsError, Unproven, Unopenable, Unreadable) as error:
                refuse([str(error)])
            except OSError as error:
                refuse([f"{target} cannot be written: {error.strerror}."])
    took = time.monotonic() - begun
    said = f"{made.path}: {made.counts['addresses']:,} addresses of {made.counts['people']:,} people, written and read again"
    lines = [f"{said} in {took:.1f} s ({made.bytes / 1e6:,.1f} MB).", f"SHA-256 {made.digest}"]
    show({"snapshot": str(made.path), "seconds": round(took, 3), "sha256": made.digest, **made.counts}, json, lines)


@app.command()
def check(file: Sealed, private: Private, json: Json = False) -> None:
    """Opens a snapshot with the private key and counts what is in it; never who."""
    with sentences():
        begun = time.monotonic()
        found = _open(file, private)
        took = time.monotonic() - begun
    people = {f"{channel} {standing}": count for (channel, standing), count in found.addresses.tally().items()}
    age = (datetime.now(UTC) - found.made_at) / timedelta(hours=1)
    lines = [
        f"{file}: made {found.made_at:%Y-%m-%d %H:%M} UTC ({age:.1f} hours ago), {found.city}, mode {found.mode}.",
        f"Opened in {took:.1f} s.",
        f"{len(found.areas)} areas, {len(found.addresses):,} addresses:",
        *(f"  {kind}: {count:,}" for kind, count in sorted(people.items())),
    ]
    counts = {"areas": len(found.areas), "addresses": len(found.addresses), "people": people}
    show({"made_at": found.made_at, "mode": found.mode, "seconds": round(took, 3), **counts}, json, lines)


def send_from_snapshot(
    file: Sealed,
    private: Private,
    alert: Annotated[Path, typer.Option("--alert", help="What to say, where, until when (docs/operations.md).")],
    journal: Annotated[Path, typer.Option(help="Where it is written down; the same file goes on after a kill.")],
    stops: Annotated[Path | None, typer.Option(help="Numbers and mailboxes that said STOP since, one a line.")] = None,
    approve: Annotated[str, typer.Option(help="The digest that was shown: sends. Without it, shows what would be sent.")] = "",
    author: Annotated[str, typer.Option(help="Who wrote it.")] = "",
    approver: Annotated[str, typer.Option(help="Who has read it and says yes: somebody else.")] = "",
    json: Json = False,
) -> None:
    """Tells the people of an area from a snapshot alone: no database, no service. May be killed and started again."""
    with sentences():
        settings = load()
        pack = city.load(city.find(settings.city, data.folder("city")))
        snapshot = _open(file, private)
        if snapshot.mode != settings.mode:
            refuse([f"The snapshot is of mode {snapshot.mode}, these settings are of mode {settings.mode}."])
        try:
            wanted = order.read(alert.read_text("utf-8"), datetime.now(UTC))
            chosen = order.audience(wanted, snapshot, pack, _stopped(stops, settings))
        except (BadOrder, BadAddress) as error:
            refuse(getattr(error, "problems", None) or [str(error)])
    digest = order.digest(wanted, snapshot)
    if not approve:
        _preview(wanted, chosen, digest, json)
        return
    if problems := _two(digest, approve, author.strip(), approver.strip()):
        refuse(problems)
    begun = time.monotonic()
    counts = _send(settings, pack, wanted, chosen, journal, {"begin": digest, "author": author, "approver": approver})
    _report(counts, chosen, time.monotonic() - begun, journal, json)


def _name(entry: tuple[tuple[str, str], Content]) -> tuple[str, str]:
    return entry[0]


def _two(digest: str, approve: str, author: str, approver: str) -> list[str]:
    problems = []
    if approve != digest:
        problems.append(f"The digest is {digest}, not the one approved: words, area or people have changed. Read it again.")
    if not author or not approver or author.casefold() == approver.casefold():
        problems.append("It takes two people: --author who wrote it, --approver who has read it and says yes.")
    return problems


def _preview(wanted: Order, chosen: Audience, digest: str, json: bool) -> None:
    texts = wanted.contents()
    everybody = (chosen.addresses[one] for one in chosen.ids)
    people = Counter((one.channel, order.content_for(texts, one).language) for one in everybody)
    table = {f"{channel} in {language}": count for (channel, language), count in sorted(people.items())}
    lines = [
        *(f"{channel} {language}: {content.body}" for (channel, language), content in sorted(texts.items(), key=_name)),
        f"{len(chosen.ids):,} would be told: " + ", ".join(f"{kind} {count:,}" for kind, count in table.items()),
        "Not told: " + (", ".join(f"{why} {count:,}" for why, count in sorted(chosen.left.items())) or "nobody"),
        "Nothing was sent. A second person reads this; then the same again with",
        f"  --approve {digest} --author NAME --approver NAME",
    ]
    show({"digest": digest, "people": len(chosen.ids), "by": table, "left": dict(chosen.left), "sent": False}, json, lines)


def _send(settings: Settings, pack: city.City, wanted: Order, chosen: Audience, path: Path, begin: dict[str, str]) -> Counts:
    # Not the service's keys, which may be gone with it: no bounce of these mails is believed later.
    ring = Keyring(current="none", keys={"none": os.urandom(KEY_BYTES)}, blind_key=os.urandom(KEY_BYTES))
    ours = senders.build(settings, pack.pack, ring)
    texts = wanted.contents()
    try:
        journal = Journal.open(path, begin | {"at": datetime.now(UTC).isoformat()})
    except BadJournal as error:
        refuse([str(error)])
    run = Run(
        people=chosen.addresses,
        senders=ours,
        journal=journal,
        mode=settings.mode,
        expires=wanted.expires,
        content=partial(order.content_for, texts),
        not_found_after=timedelta(seconds=settings.not_found_after_s),
    )
    if missing := chosen.channels - {one.channel.name for one in ours}:
        refuse([f"There is no sender for {' and '.join(sorted(missing))}; see docs/settings.md."])
    with closing(journal):
        try:
            return asyncio.run(run.send(chosen.ids, chosen.channels))
        except Misconfigured as error:
            refuse([str(error)])


def _report(counts: Counts, chosen: Audience, took: float, path: Path, json: bool) -> None:
    done = counts.handed + counts.refused == len(chosen.ids)
    lines = [
        f"{len(chosen.ids):,} people, {took:.1f} s: {counts.handed:,} handed over, {counts.refused:,} refused, "
        f"{counts.unknown:,} unknown, {counts.expired:,} not sent before it expired.",
        f"{len(counts.twice):,} may have been told twice; {path} lists them (again)."
        if counts.twice
        else "Nobody was told twice.",
    ]
    if not done:
        lines.append("Not finished: start it again with the same journal.")
    fields = {name: getattr(counts, name) for name in ("handed", "refused", "unknown", "expired", "twice")}
    show({"people": len(chosen.ids), "seconds": round(took, 3), "sent": True, "done": done, **fields}, json, lines)
    if not done:
        raise typer.Exit(Exit.REFUSED)


def _stopped(file: Path | None, settings: Settings) -> frozenset[tuple[str, str]]:
    """Raises BadAddress, naming the line: a STOP that cannot be read must not be passed over."""
    if file is None:
        return frozenset()
    found = set()
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            channel, whole = address.normal(line.strip(), exercise.SAMPLES[settings.mode])
        except BadAddress as error:
            raise BadAddress(f"{file}, line {number}: {error}") from None
        found.add((channel, whole.lower()))
    return frozenset(found)


def _open(file: Path, private: Path) -> Snapshot:
    try:
        with file.open("rb") as sealed:
            return contents.read(sealed_stream.opened(sealed, sealed_stream.load_key(private)))
    except Unreadable as error:
        refuse([f"{file}: {error}"])


def _named(settings: Settings, now: datetime) -> Path:
    if settings.snapshot_dir is None:
        refuse(["Name a file, or set TOCSIN_SNAPSHOT_DIR."])
    return settings.snapshot_dir / f"{now:%Y%m%dT%H%M%SZ}{making.SUFFIX}"
