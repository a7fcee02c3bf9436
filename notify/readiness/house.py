"""What the instance itself must have before a city relies on it: staff, words, backups, room, keys, seeds, reports."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func
from sqlmodel import col, select

from channels.gateway import description
from notify.alerts.alert import Mode
from notify.alerts.life import Role
from notify.clock import micros
from notify.readiness.findings import Finding, failed, judged, passed, unknown
from notify.reserve import MB, reserves
from notify.sending import hold
from notify.sending import seeds as planted
from notify.settings import Settings
from notify.snapshot.making import SUFFIX
from notify.snapshot.sealed_stream import MAGIC
from notify.staff import people
from notify.staff.paging_tables import StaffContact
from notify.staff.staff_tables import Login, Passkey
from notify.tables import Report
from notify.wording.reviews import Standing

STAFF: Final = "staff: two approvers"
WITHOUT: Final = "staff: without the identity provider"
PAGED: Final = "staff: paging addresses"
REPORTS: Final = "texts: reports reach us"
MODE: Final = "instance: mode"
LANES: Final = "instance: channels"
ANSWERS: Final = "texts: a gateway's answers"
WORDS: Final = "words: languages"
BACKUPS: Final = "backups: fresh"
SNAPSHOTS: Final = "snapshots: fresh"
SEEDS: Final = "seeds: enrolled"
HELD: Final = "instance: held"
KEYS: Final = "keys: files"
DISK: Final = "machine: disk"
RESERVE: Final = "machine: reserve"
FEWEST_APPROVERS: Final = 2
OLDEST_BACKUP: Final = timedelta(hours=26)  # nightly, and a slow night
RECENT: Final = timedelta(days=7)
LEAST_FREE: Final = 5 * 1024**3  # bytes
LEAST_SHARE: Final = 0.1
PG_DUMP: Final = b"PGDMP"  # a custom-format dump begins with it


def answers(settings: Settings) -> list[Finding]:
    """Whether STOP can be texted to the numbers of a gateway that a file describes; nothing where there is none."""
    if settings.gateway_file is None:
        return []
    try:
        described = description.load(settings.gateway_file)
    except description.BadDescription as error:
        return [failed(ANSWERS, " ".join(error.problems), "Mend the file: docs/gateway.md.")]
    numbers = ", ".join(one.number for one in described.numbers)
    if described.inbound is None:
        says = f"{described.name} hands on no texts of residents: a STOP to {numbers} is lost, and so is every question."
        return [failed(ANSWERS, says, "Describe [inbound] in the file (docs/gateway.md), or take the numbers out.")]
    return [passed(ANSWERS, f"Residents' texts to {numbers} are read as {described.name} posts them.")]


def instance(settings: Settings) -> list[Finding]:
    faults = [] if settings.mode is Mode.LIVE else [f"The instance runs in mode {settings.mode}: it reaches nobody real."]
    lanes = []
    if not settings.twilio_account_sid and settings.gateway_file is None:
        lanes.append("No texts: TOCSIN_TWILIO_ACCOUNT_SID and TOCSIN_GATEWAY_FILE are empty.")
    if not settings.smtp_host:
        lanes.append("No mail: TOCSIN_SMTP_HOST is empty.")
    return [
        judged(MODE, faults, "The instance is live.", "Set TOCSIN_MODE=live, with a database of its own."),
        judged(LANES, lanes, "Texts and mail are both set up.", "See docs/settings.md."),
    ]


def staff(conn: Connection) -> list[Finding]:
    """Two who may approve, each reached by text and by mail at addresses that they have confirmed."""
    approvers = [one.person_id for one, active in people.everybody(conn) if active and Role.APPROVER in one.roles]
    held: dict[str, set[str]] = {}
    for row in conn.execute(select(StaffContact)):
        held.setdefault(row.person_id, set()).add(row.channel)
    reached = [one for one in approvers if held.get(one)]
    few = [] if len(approvers) >= FEWEST_APPROVERS else [f"{len(approvers)} may approve; {FEWEST_APPROVERS} are needed."]
    unreached = [f"{one} has no confirmed address." for one in approvers if not held.get(one)]
    half = [f"{one} is reached by {held[one].copy().pop()} only." for one in reached if len(held[one]) == 1]
    if len(reached) < FEWEST_APPROVERS:
        unreached.append(f"{len(reached)} approvers can be paged; {FEWEST_APPROVERS} must be.")
    return [
        judged(STAFF, few, f"{len(approvers)} people may approve.", "tocsin user add NAME --role approver, for two people."),
        judged(
            PAGED,
            [*unreached, *half],
            f"All {len(approvers)} are reached by text and by mail.",
            "Each enters and confirms phone and mailbox under On call in the console.",
        ),
    ]


def identity(conn: Connection) -> Finding:
    """Whether enough people come in on the night the identity provider is down."""
    held = {*conn.execute(select(col(Login.person_id))).scalars(), *conn.execute(select(col(Passkey.person_id))).scalars()}
    faults = []
    for role, what in ((Role.ADMIN, "administrators"), (Role.APPROVER, "approvers")):
        own = [one for one, active in people.everybody(conn) if active and role in one.roles and one.person_id in held]
        if len(own) < FEWEST_APPROVERS:
            faults.append(f"{len(own)} {what} have a password or passkey of their own; {FEWEST_APPROVERS} must.")
    fine = "Two administrators and two approvers come in without the identity provider."
    return judged(WITHOUT, faults, fine, "Invite them; link the account afterwards (docs/sign-in.md).")


def reports(conn: Connection, now: datetime) -> Finding:
    """A signed report that has reached us lately shows that the provider reaches our webhooks from outside."""
    last = conn.execute(select(func.max(col(Report.at)))).scalar()
    if last is None or last < micros(now - RECENT):
        says = "No signed report of the provider has come in the last seven days."
        return unknown(REPORTS, says, "Send a test alert to the seeds; then run this again.")
    at = datetime.fromtimestamp(last / 1e6, UTC)
    return passed(
        REPORTS, f"The provider's last signed report came {at:%Y-%m-%d %H:%M} UTC: webhooks are reached from outside."
    )


def languages(standings: Sequence[Standing], promised: Sequence[str]) -> list[Finding]:
    """One finding a language that the city promises. Where words are missing or drafts, texts go out in English instead."""
    found = []
    for one in standings:
        if one.language not in promised:
            continue
        waiting = one.draft + one.stale + one.missing
        check = f"{WORDS}: {one.language}"
        if not waiting and one.approved:
            found.append(passed(check, f"All {one.approved} messages are reviewed."))
            continue
        says = f"{one.approved} reviewed, {one.draft} drafts, {one.stale} changed since, {one.missing} missing: "
        says += "the instance will not start." if one.language == "en" else "what is not reviewed goes out in English."
        found.append(failed(check, says, f"A native reader reviews them: tocsin words review {one.language}"))
    return found


def backups(settings: Settings, now: datetime) -> Finding:
    """The newest file in the folder of backups is of last night, and opens."""
    folder = settings.backup_dir
    do = "Run `tocsin backup FILE` (PostgreSQL: pg_dump -Fc) every night into TOCSIN_BACKUP_DIR, on another machine's disk."
    if folder is None:
        return failed(BACKUPS, "TOCSIN_BACKUP_DIR is not set, so nobody knows of any backup.", do)
    files = [one for one in folder.iterdir() if one.is_file()] if folder.is_dir() else []
    if not files:
        return failed(BACKUPS, f"There is no backup in {folder}.", do)
    newest = max(files, key=lambda one: one.stat().st_mtime)
    age = now - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    says = f"{newest.name} is {age // timedelta(hours=1)} hours old"
    faults = [f"{says}."] if age > OLDEST_BACKUP else []
    if problem := unsound(newest):
        faults.append(f"{newest.name} {problem}.")
    if settings.embedded and same_disk(folder, settings.data_dir):
        faults.append(f"{folder} is on the same disk as the database: both would be lost together.")
    return judged(BACKUPS, faults, f"{says} and opens.", do)


def snapshots(settings: Settings, now: datetime) -> Finding:
    """The newest sealed snapshot is of last night. Whether it opens only the private key can say."""
    folder = settings.snapshot_dir
    do = "Run `tocsin snapshot make` every night, and carry the file off this machine."
    if folder is None or not settings.snapshot_key:
        return failed(SNAPSHOTS, "TOCSIN_SNAPSHOT_DIR and TOCSIN_SNAPSHOT_KEY are not both set.", do)
    files = [one for one in folder.iterdir() if one.name.endswith(SUFFIX)] if folder.is_dir() else []
    if not files:
        return failed(SNAPSHOTS, f"There is no snapshot in {folder}.", do)
    newest = max(files, key=lambda one: one.stat().st_mtime)
    age = now - datetime.fromtimestamp(newest.stat().st_mtime, UTC)
    faults = [f"{newest.name} is {age // timedelta(hours=1)} hours old."] if age > OLDEST_BACKUP else []
    with newest.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            faults.append(f"{newest.name} is no sealed snapshot.")
    return judged(
        SNAPSHOTS, faults, f"{newest.name} is {age // timedelta(hours=1)} hours old; the key in the safe opens it.", do
    )


def seeds(conn: Connection) -> Finding:
    """A phone and a mailbox of our own get every alert."""
    found = planted.planted(conn)
    faults = [f"The seed '{one.name}' has opted out: nothing reaches it." for one in found if one.stopped]
    for channel, what in (("sms", "phone"), ("email", "mailbox")):
        if not any(one.channel == channel and not one.stopped for one in found):
            faults.append(f"No {what} is enrolled as a seed.")
    return judged(SEEDS, faults, f"{len(found)} seeds get every alert.", "tocsin seeds add NAME ADDRESS")


def held(conn: Connection) -> Finding:
    standing = hold.standing(conn)
    faults = [hold.sentence(standing)] if standing else []
    return judged(HELD, faults, "Nothing is held after a restore.", "tocsin release")


def unsound(file: Path) -> str:
    """What is wrong with a backup; "" for nothing."""
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if head.startswith(PG_DUMP):
        return ""
    if not head.startswith(b"SQLite format 3"):
        return "is neither a copy by `tocsin backup` nor a dump by `pg_dump -Fc`"
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as copy:
            (state,) = copy.execute("PRAGMA quick_check").fetchone()
            copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        return f"does not open: {error}"
    return "" if state == "ok" else f"is not sound: {state}"


def same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def disk(folder: Path) -> Finding:
    space = shutil.disk_usage(folder)
    says = f"{space.free / 1024**3:.1f} GB of {space.total / 1024**3:.1f} GB are free where the data lies"
    if space.free < LEAST_FREE or space.free < space.total * LEAST_SHARE:
        return failed(DISK, f"{says}.", "Make room: 5 GB and a tenth of the disk.")
    return passed(DISK, f"{says}.")


def reserve(settings: Settings) -> Finding:
    """Room is kept for the day the disk is full."""
    if not settings.reserve_mb:
        return failed(RESERVE, "No room is kept for a full disk: TOCSIN_RESERVE_MB is 0.", "Set it, to 64 or more.")
    kept = reserves(settings)
    faults = [f"{one.folder}: {problem}" for one in kept if (problem := one.problem())]
    fine = f"{' and '.join(f'{one.size // MB} MB' for one in kept)} are kept for a full disk."
    return judged(
        RESERVE, faults, fine, "Make room, and let the service run: it makes the reserve (docs/operations.md#disk-full)."
    )


def keys(settings: Settings) -> list[Finding]:
    """Files that open addresses or sign in the city's name, and the embedded database, belong to this account alone."""
    files = [settings.keys_file, *filter(None, (settings.dkim_key_file, settings.embedded))]
    faults = []
    for file in files:
        if not file.is_file():
            faults.append(f"{file} is not there.")
            continue
        held = file.stat()
        if held.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            faults.append(f"{file} may be read by others ({stat.S_IMODE(held.st_mode):o}).")
        if held.st_uid != os.getuid():
            faults.append(f"{file} belongs to another account.")
    copy = "Whether a copy of keys.toml lies apart from database and backups is not seen from here."
    return [
        judged(KEYS, faults, f"{len(files)} files of secrets can be read by this account alone.", "chmod 600 and chown them."),
        unknown("keys: copy", copy, "Look where it lies, twice a year: without it no address is ever read again."),
    ]
