"""Where staff are paged: an address counts once the code that was sent to it has come back. One transaction each.

Sealed like residents' addresses, but in tables of their own and bound to another purpose: neither opens as the other.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, update
from sqlmodel import col, select

from notify import audit
from notify.alerts import exercise
from notify.alerts.alert import Mode
from notify.alerts.broadcast import Unfit
from notify.audit import Act
from notify.staff import paging_rows, people
from notify.staff.paging import USUAL_TURN, Kind
from notify.staff.paging_rows import blank
from notify.staff.paging_tables import ContactClaim, OnCall, StaffContact
from subscribers import address
from subscribers.address import BadAddress
from subscribers.pending import digits
from subscribers.sealing import Keyring

CODE_DIGITS: Final = 6
CODE_FOR: Final = timedelta(minutes=15)
CODE_TRIES: Final = 5
CODES_AN_HOUR: Final = 6  # that one person may ask for
HOUR: Final = timedelta(hours=1)
LONGEST_CALL: Final = timedelta(days=14)
LAST_TURN: Final = 999
CHANNELS: Final = (address.SMS, address.EMAIL)
NOT_SENT: Final = "The code could not be sent there. Check the address, or ask for another code."
UNFIT: Final = "Sample addresses are for training and demo only, and those take no others: nobody real is paged there."
WRONG: Final = "This is not the code that was sent there, or it is too old. Ask for another one."


class BadContact(Unfit):
    """Who is paged, and where, cannot be as asked; `problems` say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One person's address on one channel, as screens show it: never whole."""

    person_id: str
    channel: str
    shown: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """One person's line in the list of who is paged."""

    person_id: str
    contacts: list[Contact]
    call: OnCall
    on_call: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A code on its way: to whom, and what proves that they have it."""

    channel: str
    address: str
    code: str


def normal(typed: str, mode: Mode) -> tuple[str, str]:
    """Channel and address of what was typed. Raises BadContact for what this instance could not page anyway."""
    try:
        channel, found = address.normal(typed, exercise.SAMPLES[mode])
    except BadAddress as error:
        raise BadContact([str(error)]) from None
    if not exercise.fits(channel, found, mode):
        raise BadContact([UNFIT])
    return channel, found


def may_claim(conn: Connection, person_id: str, made_by: str, now: datetime) -> None:
    """Raises BadContact when too many codes were asked for, people.BadPerson for somebody who is not there."""
    if people.active(conn, person_id) is None:
        raise people.BadPerson(f"There is no {person_id}, or they are disabled.")
    if paging_rows.asked_since(conn, Kind.CODE, made_by, now - HOUR) >= CODES_AN_HOUR:
        raise BadContact([f"{CODES_AN_HOUR} codes were sent within an hour. Wait before you ask for another one."])


def claim(conn: Connection, who: tuple[str, str], typed: tuple[str, str], ring: Keyring, now: datetime) -> Sending:
    """A person's new address, which counts once its code comes back. who: the person and who says so; typed: as from `normal`.

    Raises as may_claim does.
    """
    (person_id, made_by), (channel, found) = who, typed
    may_claim(conn, person_id, made_by, now)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    sealed = ring.seal(_bound(channel), found)
    conn.execute(delete(ContactClaim).where(_of(ContactClaim, person_id, channel)))
    row = ContactClaim(
        person_id=person_id,
        channel=channel,
        sealed=sealed.data,
        key_id=sealed.key_id,
        code_mac=_mac(ring, person_id, channel, code),
        made_by=made_by,
        made_at=now,
    )
    conn.execute(insert(ContactClaim).values(**row.model_dump()))
    _log(conn, made_by, "gave a contact", person_id, now, channel=channel)
    return Sending(channel=channel, address=found, code=code)


def confirm(conn: Connection, person_id: str, channel: str, typed: str, ring: Keyring, now: datetime) -> bool:
    """Tries a code. True: the address counts from now on, instead of the one before. Too old or tried too often: never."""
    query = select(ContactClaim).where(_of(ContactClaim, person_id, channel)).with_for_update()
    found = conn.execute(query).first()
    if found is None:
        return False
    row = ContactClaim(**found._mapping)
    if now >= row.made_at + CODE_FOR or row.tries >= CODE_TRIES:
        return False
    if not hmac.compare_digest(row.code_mac, _mac(ring, person_id, channel, digits(typed))):
        conn.execute(update(ContactClaim).where(_of(ContactClaim, person_id, channel)).values(tries=row.tries + 1))
        return False
    conn.execute(delete(ContactClaim).where(_of(ContactClaim, person_id, channel)))
    conn.execute(delete(StaffContact).where(_of(StaffContact, person_id, channel)))
    kept = StaffContact(person_id=person_id, channel=channel, sealed=row.sealed, key_id=row.key_id, confirmed_at=now)
    conn.execute(insert(StaffContact).values(**kept.model_dump()))
    _log(conn, person_id, "confirmed a contact", person_id, now, channel=channel)
    return True


def remove(conn: Connection, person_id: str, channel: str, by: str, now: datetime) -> bool:
    """The person is not paged there any more, confirmed or not. False when there was nothing to remove."""
    tables = (ContactClaim, StaffContact)
    gone = [conn.execute(delete(table).where(_of(table, person_id, channel))).rowcount for table in tables]
    if any(gone):
        _log(conn, by, "removed a contact", person_id, now, channel=channel)
    return any(gone)


def reach(conn: Connection, person_id: str, channel: str, ring: Keyring) -> str | None:
    """The confirmed address in clear, to page it; None when there is none or the person is disabled."""
    found = conn.execute(select(StaffContact).where(_of(StaffContact, person_id, channel))).first()
    if found is None or people.active(conn, person_id) is None:
        return None
    return ring.open(_bound(channel), found.key_id, found.sealed)


def contacts(conn: Connection, ring: Keyring, person_id: str | None = None) -> list[Contact]:
    """Everybody's contacts, or one person's; of each channel the confirmed one first."""
    found = []
    for table, confirmed in ((StaffContact, True), (ContactClaim, False)):
        query = select(table)
        if person_id is not None:
            query = query.where(col(table.person_id) == person_id)
        for row in conn.execute(query.order_by(col(table.person_id))):
            whole = ring.open(_bound(row.channel), row.key_id, row.sealed)
            found.append(Contact(person_id=row.person_id, channel=row.channel, shown=masked(whole), confirmed=confirmed))
    return sorted(found, key=lambda one: (one.person_id, CHANNELS.index(one.channel), not one.confirmed))


def reachable(conn: Connection, ring: Keyring, now: datetime, person_id: str | None = None) -> list[Reachable]:
    """How everybody who is active is reached, those on call first, then by their turn; or one person, active or not."""
    calls = {row.person_id: row for row in paging_rows.calls_of(conn)}
    known = contacts(conn, ring, person_id)
    found = []
    for staff, active in people.everybody(conn):
        if staff.person_id == person_id or (active and person_id is None):
            call = calls.get(staff.person_id, OnCall(person_id=staff.person_id, turn=USUAL_TURN))
            own = [one for one in known if one.person_id == staff.person_id]
            on_call = paging_rows.is_on_call(call, now)
            found.append(Reachable(person_id=staff.person_id, contacts=own, call=call, on_call=on_call))
    return sorted(found, key=lambda one: (not one.on_call, one.call.turn, one.person_id))


def put_on_call(conn: Connection, person_id: str, hours: int, by: str, now: datetime) -> None:
    """On call for so many hours from now; 0: not any more. Raises BadContact and people.BadPerson."""
    if not 0 <= hours <= LONGEST_CALL // HOUR:
        raise BadContact([f"Somebody is on call for {LONGEST_CALL // HOUR} hours at most."])
    until = now + timedelta(hours=hours) if hours else None
    paging_rows.set_call(conn, person_id, until=until, turn=_call(conn, person_id).turn)
    _log(conn, by, "went on call" if hours else "went off call", person_id, now, hours=hours)


def give_turn(conn: Connection, person_id: str, turn: int, by: str, now: datetime) -> None:
    """When a person is paged among those not on call: the smallest first. Raises BadContact and people.BadPerson."""
    if not 1 <= turn <= LAST_TURN:
        raise BadContact([f"A turn is a number from 1 to {LAST_TURN}."])
    paging_rows.set_call(conn, person_id, until=_call(conn, person_id).until, turn=turn)
    _log(conn, by, "gave a turn", person_id, now, turn=turn)


def masked(whole: str) -> str:
    """Enough of an address for its owner to know it: "+1503…42", "d…@example.gov"."""
    if "@" in whole:
        return f"{whole[:1]}…@{whole.rpartition('@')[2]}"
    return f"{whole[:5]}…{whole[-2:]}"


def _call(conn: Connection, person_id: str) -> OnCall:
    """When a person is called. Raises people.BadPerson."""
    if people.active(conn, person_id) is None:
        raise people.BadPerson(f"There is no {person_id}, or they are disabled.")
    rows = {row.person_id: row for row in paging_rows.calls_of(conn)}
    return rows.get(person_id, OnCall(person_id=person_id, turn=USUAL_TURN))


def note_code(conn: Connection, person_id: str, channel: str, by: str, now: datetime) -> int:
    """That a code is being sent; returns the page's number."""
    page = blank(Kind.CODE, "", now, by)
    page.person_id, page.channel = person_id, channel
    return paging_rows.add(conn, page)


def _bound(channel: str) -> str:
    return f"staff {channel}"


def _mac(ring: Keyring, person_id: str, channel: str, code: str) -> bytes:
    return hmac.new(ring.blind_key, f"staff contact {person_id} {channel} {code}".encode(), hashlib.sha256).digest()


def _of(table: type[ContactClaim | StaffContact], person_id: str, channel: str) -> ColumnElement[bool]:
    return and_(col(table.person_id) == person_id, col(table.channel) == channel)


def _log(conn: Connection, actor: str, action: str, subject: str, now: datetime, **detail: object) -> None:
    audit.append(conn, Act(actor=actor, action=action, subject=subject, detail=detail), now)
